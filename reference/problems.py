"""The problems that every backend trains on; all randomness and all value checks live here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np

from reference.words import DTYPES, MODELS, check_name

LARGEST = np.iinfo(np.intp).max  # bytes of one array


@dataclass(frozen=True, eq=False)
class Problem:
    """One training run: K batches of B examples with F features, and where to start.

    model            "linear" or "logistic"
    W (F,1), b (1,1) the parameters before the first step
    X (K,B,F), Y (K,B,1)  the batches, in the order of use; labels of logistic are 0 or 1
    learning_rate    a positive float, used in the dtype of W
    dJ_dJ0           the entry of the first row of the chain, 1/B or 1/N
    epochs           how often all K batches are used, so that S = epochs * K steps
    true_W, true_b   what the data was made from, or None

    The arrays are kept as read-only copies, C-ordered, all float64 or all float32.
    Raises ValueError, with the value given and what is allowed, for anything else.
    """

    model: str
    W: np.ndarray
    b: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    learning_rate: float
    dJ_dJ0: float
    epochs: int
    true_W: np.ndarray | None = None
    true_b: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_name("model", self.model, MODELS)
        dtype = _float_dtype("W", self.W)
        for name in ("W", "b", "X", "Y", "true_W", "true_b"):
            value = getattr(self, name)
            if value is not None or not name.startswith("true"):
                object.__setattr__(self, name, _frozen(name, value, dtype))
        _check_shapes(self)
        if self.model == "logistic":
            _check_labels(self.Y)
        for name in ("learning_rate", "dJ_dJ0"):
            object.__setattr__(self, name, _positive(name, getattr(self, name), dtype))
        object.__setattr__(self, "epochs", _count("epochs", self.epochs))
        _check_sizes(self)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of all arrays."""
        return self.W.dtype

    @property
    def steps(self) -> int:
        """S, the number of updates: epochs * K."""
        return self.epochs * len(self.X)

    def astype(self, dtype: str) -> Problem:
        """The same problem with every array rounded to "float64" or "float32"."""
        check_name("dtype", dtype, DTYPES)
        arrays = ("W", "b", "X", "Y", "true_W", "true_b")
        given = {name: getattr(self, name) for name in arrays}
        return replace(self, **{k: v.astype(dtype) for k, v in given.items() if v is not None})


def one_step(problem: Problem, k: int, W: np.ndarray, b: np.ndarray, rate: float) -> Problem:
    """The problem of a single step from W (F,1), b (1,1) with batch k and another learning rate."""
    X, Y = problem.X[k : k + 1], problem.Y[k : k + 1]
    return replace(problem, W=W, b=b, X=X, Y=Y, learning_rate=rate, epochs=1)


def tutorial(model: str) -> Problem:
    """One of the two published runs: "linear" (270 steps) or "logistic" (9500 steps).

    The random stream is the tutorial's, legacy MT19937 drawn in the order true_W, true_b, W, b, x,
    without touching NumPy's global one. Linear follows the gradient of the batch mean,
    dJ_dJ0 = 1/B; logistic that of the batch's sum divided by N = 5000, dJ_dJ0 = 1/N.
    """
    check_name("model", model, MODELS)
    linear = model == "linear"
    examples, features = (300, 5) if linear else (5000, 3)
    stream = np.random.RandomState(0 if linear else 3)
    true_W, true_b, W, b = (stream.uniform(-1, 1, (n, 1)) for n in (features, 1) * 2)
    shape = (examples, features)
    x = stream.randn(*shape) if linear else stream.uniform(0, 1, shape)
    return batched(
        model, x, _targets(model, x, true_W, true_b), W, b,
        batch_size=32 if linear else 256, epochs=30 if linear else 500,
        learning_rate=0.03 if linear else 0.01, dJ_dJ0=1 / 32 if linear else 1 / examples,
        true_W=true_W, true_b=true_b,
    )  # fmt: skip


def make(
    model: str,
    *,
    examples: int,
    batch_size: int,
    features: int,
    epochs: int,
    learning_rate: float | None = None,
    dtype: str = "float64",
    seed: int,
    dJ_dJ0: float | None = None,
) -> Problem:
    """A problem like the tutorial's of any size, drawn from np.random.default_rng(seed).

    learning_rate None gives a contractive one (see `contractive_rate`), dJ_dJ0 None gives 1/B.
    Examples after the last full batch are dropped. Raises ValueError as Problem does.
    """
    check_name("model", model, MODELS)
    check_name("dtype", dtype, DTYPES)
    shape = (_count("examples", examples), _count("features", features))
    _check_size("examples * features", shape, np.dtype(np.float64))
    generator = np.random.default_rng(_count("seed", seed, least=0))
    true_W, true_b, W, b = (generator.uniform(-1, 1, (n, 1)) for n in (shape[1], 1) * 2)
    x = generator.standard_normal(shape) if model == "linear" else generator.uniform(0, 1, shape)
    y = _targets(model, x, true_W, true_b)
    x, y, W, b, true_W, true_b = (a.astype(dtype) for a in (x, y, W, b, true_W, true_b))
    return batched(
        model, x, y, W, b, batch_size=batch_size, epochs=epochs,
        learning_rate=learning_rate, dJ_dJ0=dJ_dJ0, true_W=true_W, true_b=true_b,
    )  # fmt: skip


def batched(
    model: str,
    x: np.ndarray,
    y: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    *,
    batch_size: int,
    epochs: int,
    learning_rate: float | None = None,
    dJ_dJ0: float | None = None,
    true_W: np.ndarray | None = None,
    true_b: np.ndarray | None = None,
) -> Problem:
    """A problem from data of one's own: x (N,F) and y (N,1), cut in order into N // B batches.

    learning_rate None gives a contractive one, dJ_dJ0 None gives 1/B. Raises ValueError as
    Problem does, and for a batch_size that is larger than N.
    """
    check_name("model", model, MODELS)
    dtype = _float_dtype("x", x)
    x, y = _frozen("x", x, dtype), _frozen("y", y, dtype)
    if x.ndim != 2 or y.shape != (len(x), 1):
        raise ValueError(f"x must have shape (N, F) and y (N, 1), got {x.shape} and {y.shape}")
    B = _count("batch_size", batch_size)
    if len(x) < B:
        raise ValueError(f"batch_size must be at most the {len(x)} examples, got {B}")
    K = len(x) // B
    X, Y = (a[: K * B].reshape(K, B, -1) for a in (x, y))
    dJ_dJ0 = 1 / B if dJ_dJ0 is None else _positive("dJ_dJ0", dJ_dJ0, dtype)
    if learning_rate is None:
        learning_rate = contractive_rate(model, X, dJ_dJ0)
    return Problem(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs, true_W, true_b)


def contractive_rate(model: str, X: np.ndarray, dJ_dJ0: float) -> float:
    """A learning rate with rate * (largest eigenvalue of the Hessian) < 1 on every batch.

    The Hessian of dJ_dJ0 * sum(J0) in (W, b) is c A^T A with A = [X 1]: c = 2 dJ_dJ0 for linear,
    at most dJ_dJ0 / 4 for logistic, since p (1 - p) <= 1/4. Up to this rate rounding errors
    cannot grow from step to step. The 5 % below it are room for the rounding of the norm itself.
    Raises ValueError where the data are so large or dJ_dJ0 so small that no float is such a rate.
    """
    curvature = (2 if model == "linear" else 0.25) * dJ_dJ0
    A = np.concatenate([X, np.ones_like(X[..., :1])], axis=2).astype(np.float64)
    with np.errstate(all="ignore"):
        rate = float(0.95 / (curvature * np.linalg.norm(A, 2, axis=(1, 2)).max() ** 2))
    if not 0 < rate < math.inf:
        raise ValueError(
            f"learning_rate has to be given: the contractive one would be {rate}, with dJ_dJ0 of "
            f"{dJ_dJ0} and X up to {np.abs(X).max()}"
        )
    return rate


def _targets(model: str, x: np.ndarray, true_W: np.ndarray, true_b: np.ndarray) -> np.ndarray:
    y = x @ true_W + true_b
    return y if model == "linear" else (y > 0).astype(np.float64)


def _float_dtype(name: str, value: object) -> np.dtype:
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} must be a NumPy array, got {type(value).__name__}")
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name} must be an array without a mask, got {type(value).__name__}")
    if value.dtype.name not in DTYPES:
        raise ValueError(f"{name} must be one of {', '.join(DTYPES)}, got {value.dtype}")
    return value.dtype.newbyteorder("=")


def _frozen(name: str, value: object, dtype: np.dtype) -> np.ndarray:
    given = _float_dtype(name, value)
    if given != dtype:
        raise ValueError(f"all arrays must share one dtype, got {name} of {given} beside {dtype}")
    array = np.array(value, dtype=dtype, order="C")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at {where}")
    array.flags.writeable = False
    return array


def _check_shapes(problem: Problem) -> None:
    X = problem.X
    if X.ndim != 3 or 0 in X.shape:
        raise ValueError(f"X must have shape (K, B, F), each at least 1, got {X.shape}")
    K, B, F = X.shape
    expected = {"W": (F, 1), "b": (1, 1), "Y": (K, B, 1), "true_W": (F, 1), "true_b": (1, 1)}
    for name, shape in expected.items():
        array = getattr(problem, name)
        if array is not None and array.shape != shape:
            raise ValueError(
                f"{name} must have shape {shape} beside X of {X.shape}, got {array.shape}"
            )


def _check_sizes(problem: Problem) -> None:
    """Every array of a run has to have a size, whatever a backend keeps."""
    _, B, F = problem.X.shape
    _check_size("B * B, a Jacobian,", (B, B), problem.dtype)
    _check_size("(epochs * K + 1) * F, all states,", (problem.steps + 1, F), problem.dtype)


def _check_size(what: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    most, size = LARGEST // dtype.itemsize, math.prod(shape)
    if size > most:
        raise ValueError(f"{what} must be at most {most} numbers of {dtype}, got {_shown(size)}")


def _check_labels(Y: np.ndarray) -> None:
    bad = Y[(Y != 0) & (Y != 1)]
    if len(bad):
        raise ValueError(f"labels of logistic must be 0 or 1, got {bad[0]}")


def _positive(name: str, value: object, dtype: np.dtype) -> float:
    """A positive finite Python float that neither vanishes nor overflows in the dtype used."""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        number = _float(value)
        with np.errstate(over="ignore"):
            used = float(dtype.type(number))
        if 0 < used < math.inf:
            return number
    raise ValueError(f"{name} must be a positive number, finite in {dtype}, got {_shown(value)}")


def _float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number or a fraction of any size
        return math.inf


def _count(name: str, value: object, least: int = 1) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least:
        return int(value)
    raise ValueError(f"{name} must be a whole number of at least {least}, got {_shown(value)}")


def _shown(value: object) -> str:
    """The value, as far as it fits a line; Python prints no number of thousands of digits."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        return f"a number of {type(value).__name__} with thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
