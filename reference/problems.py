"""The problems that every backend trains on; all randomness and all value checks are here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from reference.models import load
from reference.words import DTYPES, MODELS, check_name

LARGEST = np.iinfo(np.intp).max  # bytes of one array


@dataclass(frozen=True, eq=False)
class Problem:
    """One training run: K batches of B examples with F features, and where to start.

    model            one of reference.words.MODELS
    W (F,1), b (1,1) the parameters before the first step
    X (K,B,F), Y (K,B,1)  the batches, in the order of use; Y as the model wants it: logistic
                     0 or 1, poisson whole numbers of 0 or more
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
        _check_targets(self)
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
    """One of the tutorial's two runs: "linear" (270 steps) or "logistic" (9500 steps).

    The random stream is the tutorial's, legacy MT19937 drawn in the order true_W, true_b, W, b, x,
    without touching NumPy's global one. Linear follows the gradient of the batch mean,
    dJ_dJ0 = 1/B; logistic that of the batch's sum divided by N = 5000, dJ_dJ0 = 1/N.
    Raises ValueError for a model that the tutorial has not.
    """
    if not load(model).TUTORIAL:
        known = ", ".join(name for name in MODELS if load(name).TUTORIAL)
        raise ValueError(
            f"the tutorial has {known}, got {model!r}: reference.problems.published has a run of it"
        )
    return published(model)


def published(model: str) -> Problem:
    """The run of a model that is tested, timed and drawn: the tutorial's if it has one.

    "poisson" is drawn from np.random.default_rng(4) in the same order, then Y; it has the sizes,
    the learning rate and the dJ_dJ0 of logistic.
    """
    part = load(model)
    shape = part.RUN["examples"], part.RUN["features"]
    given = {
        name: value for name, value in part.RUN.items() if name not in ("examples", "features")
    }
    return batched(model, **_drawn(part, part.stream(), shape), **given)


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
    stream = np.random.default_rng(_count("seed", seed, least=0))
    drawn = {name: a.astype(dtype) for name, a in _drawn(load(model), stream, shape).items()}
    return batched(
        model, **drawn, batch_size=batch_size, epochs=epochs,
        learning_rate=learning_rate, dJ_dJ0=dJ_dJ0,
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
    """A problem from given data: x (N,F) and y (N,1), cut in order into N // B batches.

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
    rate = 1.0 if learning_rate is None else learning_rate  # until the data are checked
    problem = Problem(model, W, b, X, Y, rate, dJ_dJ0, epochs, true_W, true_b)
    if learning_rate is None:
        problem = replace(problem, learning_rate=contractive_rate(problem))
    return problem


def contractive_rate(problem: Problem) -> float:
    """A learning rate with rate * (largest eigenvalue of the Hessian) < 1 on every batch.

    The Hessian of dJ_dJ0 * sum(J0) in (W, b) is A^T diag(c) A with A = [X 1]. c is 2 dJ_dJ0 for
    linear, at most dJ_dJ0 / 4 for logistic, since p (1 - p) <= 1/4. For poisson it is
    dJ_dJ0 exp(Z), which has no bound: there the rate holds at the states of the run itself, each
    with its own batch. At such a rate rounding errors cannot grow from step to step. The 5 % below
    the limit leave room for the rounding of the norm and of the states.
    Raises ValueError if the data are so large or dJ_dJ0 so small that no float is such a rate.
    """
    bound, X, dJ_dJ0 = load(problem.model).CURVATURE, problem.X, problem.dJ_dJ0
    A = np.concatenate([X, np.ones_like(X[..., :1])], axis=2).astype(np.float64)
    with np.errstate(all="ignore"):
        if bound is None:
            rate = _rate_along_the_run(problem, A)
        else:
            largest = bound * dJ_dJ0 * np.linalg.norm(A, 2, axis=(1, 2)).max() ** 2
            rate = float(0.95 / largest)
    if not 0 < rate < math.inf:
        raise ValueError(
            f"learning_rate has to be given: the contractive one would be {rate}, with dJ_dJ0 of "
            f"{dJ_dJ0} and X up to {np.abs(X).max()}"
        )
    return rate


def _rate_along_the_run(problem: Problem, A: np.ndarray) -> float:
    """The rate that fits the first state, made smaller until it fits all states of its own run."""
    model, rate = load(problem.model), math.inf
    while rate > 0:
        w = np.concatenate([problem.W, problem.b]).astype(np.float64)
        for j in range(problem.steps):
            A_k, Y_k = A[j % len(A)], problem.Y[j % len(A)]
            _, slope, _ = model.exact(A_k @ w, Y_k, np.exp, np.log)
            root = np.sqrt(problem.dJ_dJ0 * model.curvature(A_k @ w, Y_k)) * A_k
            largest = float(np.linalg.norm(root, 2) ** 2) if np.isfinite(root).all() else math.inf
            if largest == 0 and rate == math.inf:  # every exp(Z) is 0: any rate would do
                return rate
            if not rate * largest <= 0.95:
                # After divergence largest says little: lower the rate by a factor of 16 at most.
                rate = 0.9 / largest if rate == math.inf else max(0.9 / largest, rate / 16)
                break
            w = w - rate * problem.dJ_dJ0 * (A_k.T @ slope)
        else:
            return rate
    return rate


def _drawn(part: Any, stream: Any, shape: tuple[int, int]) -> dict[str, Any]:
    """The parameters and the data of a model, in the order in which the tutorial draws them."""
    true_W, true_b, W, b = (stream.uniform(-1, 1, (n, 1)) for n in (shape[1], 1) * 2)
    x = part.features(stream, shape)
    y = part.targets(stream, x @ true_W + true_b)
    return {"x": x, "y": y, "W": W, "b": b, "true_W": true_W, "true_b": true_b}


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
    """Check that no array of a run is too large to exist, whatever a backend keeps."""
    _, B, F = problem.X.shape
    _check_size("B * B, a Jacobian,", (B, B), problem.dtype)
    _check_size("(epochs * K + 1) * F, all states,", (problem.steps + 1, F), problem.dtype)


def _check_size(what: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    most, size = LARGEST // dtype.itemsize, math.prod(shape)
    if size > most:
        raise ValueError(f"{what} must be at most {most} numbers of {dtype}, got {_shown(size)}")


def _check_targets(problem: Problem) -> None:
    part = load(problem.model)
    bad = problem.Y[~part.allowed_targets(problem.Y)]
    if len(bad):
        raise ValueError(f"{part.TARGETS}, got {bad[0]}")


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
    """The value, cut to fit a line; Python does not print a number of thousands of digits."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        return f"a number of {type(value).__name__} with thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
