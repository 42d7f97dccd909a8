"""The numerical policy: what it means that two implementations computed the same thing.

A comparison checks shape, dtype and finiteness before values, and returns a Verdict that holds
every figure beside what is allowed. u is the unit roundoff of the problem's dtype, 2^-53 or 2^-24;
one ULP is the distance between neighboring floats.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from reference.backprop import Gradient, Trajectory
from reference.models import load
from reference.problems import Problem
from reference.words import MODELS


@dataclass(frozen=True)
class Tolerance:
    """How much is allowed, in which unit, and why."""

    allowed: float
    unit: str
    reason: str


TOLERANCES = {
    "state": Tolerance(
        16,
        "ULP",
        "Distance of (W, b) from the reference, in ULP of the largest abs(W, b) so far. Correct "
        "programs differ in the order of sums and in the last bit of exp: 1 ULP on the tutorial's "
        "runs. Contractive steps do not let errors grow. What a gradient at its tolerance moves in "
        "one step is added: nothing on the logistic run, 100 ULP where a step is as long as W.",
    ),
    "exact state": Tolerance(
        64,
        "ULP",
        "The same distance from the run in extended precision. All programs round the same updates "
        "alike, so their common error is larger than their difference, and grows with sqrt(S): "
        "26 to 40 ULP over 9 runs of 9500 steps, 2 on the linear one.",
    ),
    "loss": Tolerance(
        50,
        "u of the largest loss",
        "A margin for the state, whose error moves the loss. The batch loss tolerance is added; "
        "together 1e-14 of the largest loss on the tutorial's runs, 16 u observed. The unit is the "
        "largest loss, since the linear one falls to 5e-14, where only noise is left.",
    ),
    "batch loss": Tolerance(
        8,
        "u * mass",
        "One batch alone: four rounding errors in each term, in either program, and the order of "
        "the sum as for gradients. 3.2 observed.",
    ),
    "accuracy": Tolerance(
        0,
        "examples",
        "The counts have to be equal. Only examples whose Z is nearer to 0 than its rounding bound "
        "may be counted either way.",
    ),
    "diagonal": Tolerance(
        16,
        "ULP of the largest entry",
        "One local Jacobian, Pred or J0 alone: five operations, one of them exp. The errors of Z "
        "and 1 - Pred are added, see diagonal_allowed. 4 observed where they are small.",
    ),
    "jacobian by jacrev": Tolerance(
        8,
        "ULP of the largest entry",
        "The framework derives -Y/P + (1-Y)/(1-P), the textbook has (P-Y)/(P(1-P)): the quotients "
        "round differently. Off the diagonal only 0 is allowed.",
    ),
    "gradient of another value": Tolerance(
        1e-4,
        "of the largest entry",
        "Whether the given number was used: one that was compiled in, or that of the call before, "
        "is off by a factor of two. Rounding in float32 is 1e-6; other tests judge the digits.",
    ),
    "central difference": Tolerance(
        1e-9,
        "masses",
        "With h = 1e-5 the truncation is h^2/6 times the third derivative, below 2e-11 masses, and "
        "the rounding of J adds u / h times its size, 1e-11.",
    ),
    "dense against elementwise, eager": Tolerance(
        0, "ULP", "Products with exact zeros are exact zeros, and adding these is exact."
    ),
    "dense against elementwise, compiled": Tolerance(
        4,
        "ULP",
        "A compiler may fuse or reorder what follows the product, and then a sum differs in its "
        "last bits: a quarter of what another backend is allowed. 2 observed.",
    ),
}
TOLERANCES |= {
    f"{name} gradient": Tolerance(load(name).GRADIENT[0], "u * mass", load(name).GRADIENT[1])
    for name in MODELS
}


@dataclass(frozen=True)
class Check:
    """One quantity: its largest value and where it is, what is allowed, the first place beyond."""

    quantity: str
    observed: float
    allowed: float
    unit: str
    worst: str = ""
    first: str = ""

    @property
    def passed(self) -> bool:
        """Whether the observed value is allowed; nan is not."""
        return self.observed <= self.allowed

    def __str__(self) -> str:
        relation = "of" if self.passed else "exceeds"
        text = f"{self.quantity} {self.observed:.3g} {relation} {self.allowed:.3g} {self.unit}"
        places = (("worst at", self.worst), ("first at", self.first))
        return ", ".join([text, *(f"{w} {p}" for w, p in places if p and not self.passed)])


@dataclass(frozen=True)
class Verdict:
    """All checks of one comparison; obstacle says why it could not be made, or is empty."""

    checks: tuple[Check, ...] = ()
    obstacle: str = ""

    @property
    def passed(self) -> bool:
        """Whether the comparison was made and every check passed."""
        return not self.obstacle and bool(self.checks) and all(c.passed for c in self.checks)

    @property
    def failure(self) -> str:
        """The obstacle or the checks that failed, in words; "" if the comparison passed."""
        failed = [str(check) for check in self.checks if not check.passed]
        return self.obstacle or "; ".join(failed) or ("" if self.passed else "nothing was checked")

    def __str__(self) -> str:
        return self.obstacle or "; ".join(map(str, self.checks))

    def as_dict(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {"passed": self.passed, **asdict(self)}


class Exact(NamedTuple):
    """An array of exact numbers: high + low, each float64; high is the exact number rounded."""

    high: np.ndarray
    low: np.ndarray

    def error(self, found: np.ndarray) -> np.ndarray:
        """The difference found - exact, with exact to about 106 bits."""
        return (np.asarray(found, np.float64) - self.high) - self.low


class Sample(NamedTuple):
    """The states of a trajectory after some steps: W and b side by side, (len(steps), F+1)."""

    steps: np.ndarray
    states: Exact


def compare(
    problem: Problem,
    trajectory: Trajectory,
    expected: Trajectory,
    exact: Sample | None = None,
    formulation: str = "dense",
) -> Verdict:
    """Judge a free-running trajectory of problem against the reference's; both of NumPy arrays.

    If exact is given, some states of the run in extended precision, it is judged against them, too.
    The tolerances of states hold for contractive problems (see problems.contractive_rate). For a
    run that diverges the obstacle names the first step that is not finite.
    """
    obstacle = structural_difference(trajectory, expected)
    if obstacle:
        return Verdict(obstacle=_divergence(trajectory, expected) + obstacle)
    step = _one_step(problem, expected, formulation)
    checks = [_check("state", state_errors(trajectory, expected), "state", step)]
    if exact is not None:
        errors = exact_state_errors(trajectory, exact, expected)
        checks.append(_check("exact state", errors, "state", step, exact.steps))
    unit = float(_unit(problem, np.abs(expected.loss.astype(np.float64)).max()))
    u = np.finfo(problem.dtype).eps / 2

    def rounded(j: int) -> float:
        at = problem, j % len(problem.X), expected.W[j], expected.b[j]
        return float(masses(*at).loss * u / unit)

    batch = (TOLERANCES["batch loss"].allowed + summation(problem)) * _over_epochs(problem, rounded)
    loss = _difference(trajectory.loss, expected.loss) / unit
    checks.append(_check("loss", loss, more=batch))
    if expected.accuracy is not None:
        checks.append(_check("accuracy", _miscounted(problem, trajectory, expected)))
    return Verdict(tuple(checks))


def compare_gradient(
    problem: Problem,
    k: int,
    gradient: Gradient,
    expected: Gradient,
    W: np.ndarray,
    b: np.ndarray,
    formulation: str = "dense",
) -> Verdict:
    """Judge the gradient of batch k at the parameters W (F,1), b (1,1) against the expected one.

    The fields of expected are arrays from the reference, or Exact from the oracle.
    """
    is_exact = isinstance(expected.dW, Exact)
    rounded = Gradient(*(e.high.astype(problem.dtype) for e in expected)) if is_exact else expected
    obstacle = structural_difference(gradient, rounded)
    if obstacle:
        return Verdict(obstacle=obstacle)
    mass = masses(problem, k, W, b, formulation)
    if not is_exact:  # the reference always takes log(1 - Pred)
        mass = mass._replace(loss=masses(problem, k, W, b).loss)
    dW, db, loss = (
        (_difference(found, right) / _unit(problem, scale)).ravel()
        for found, right, scale in zip(gradient, expected, mass, strict=True)
    )
    kind, errors, sums = f"{problem.model} gradient", np.concatenate([dW, db]), summation(problem)
    of_gradient = _check(kind, errors, "coordinate", sums + equal_terms(problem, k, W, b))
    return Verdict((of_gradient, _check("batch loss", loss, "batch", sums)))


def used_gradient(trajectory: Trajectory, rate: float) -> Gradient:
    """The gradient that the first step of a run used: dW = (W_0 - W_1) / rate.

    With a rate of 2^60 (see problems.one_step) the rounding of W does not hide it.
    """
    W, b, loss, _ = trajectory
    return Gradient((W[0] - W[1]) / rate, (b[0] - b[1]) / rate, loss[0])


def masses(
    problem: Problem, k: int, W: np.ndarray, b: np.ndarray, formulation: str = "dense"
) -> Gradient:
    """The sums of absolute values that the rounding errors of dW (F,1), db (1,1), loss scale with.

    With s = |X| |W| + |b| those of dW are sum_i |x_if| m_i, those of db sum_i m_i, and that of the
    loss is a mean; the model's file has m / dJ_dJ0 and the terms of the mean. docs/numerics.md
    derives them.
    """
    m, loss = _terms(problem, k, W, b, formulation)
    return Gradient(
        np.abs(problem.X[k].astype(np.float64)).T @ m, m.sum(keepdims=True), loss.mean()
    )


def _terms(
    problem: Problem, k: int, W: np.ndarray, b: np.ndarray, formulation: str
) -> tuple[np.ndarray, np.ndarray]:
    """The m (B,1) of each example, and the terms of the mean (B,1)."""
    X, Y, W, b = (a.astype(np.float64) for a in (problem.X[k], problem.Y[k], W, b))
    s = np.abs(X) @ np.abs(W) + np.abs(b)  # (B, 1)
    m, loss = load(problem.model).masses(X @ W + b, Y, s, formulation)
    return problem.dJ_dJ0 * m, loss


def diagonal_allowed(
    model: str, W: np.ndarray, b: np.ndarray, X: np.ndarray, Y: np.ndarray
) -> float:
    """How far a diagonal, Pred or J0 may be off, in ULP of its largest entry.

    The model's file has what an entry inherits from the errors of Z, u s, and of 1 - Pred.
    """
    X, Y, W, b = (a.astype(np.float64) for a in (X, Y, W, b))
    s = np.abs(X) @ np.abs(W) + np.abs(b)
    return TOLERANCES["diagonal"].allowed + float(load(model).condition(X @ W + b, Y, s).max())


def summation(problem: Problem) -> float:
    """What the order of summation adds to a gradient's tolerance: sqrt(B) + sqrt(F) of u * mass."""
    return float(np.sqrt(problem.X.shape[1:]).sum())


def equal_terms(problem: Problem, k: int, W: np.ndarray, b: np.ndarray) -> float:
    """What equal terms of a gradient add to its tolerance, in u * mass: q / 2 for q equal terms.

    Added one by one they all round alike, each by at most half an ULP of a sum that is half of the
    whole on average. From W = b = 0 all terms of a class are equal; those of drawn data never are.
    """
    m, _ = _terms(problem, k, W, b, "dense")
    q = int(np.unique(m, return_counts=True)[1].max())
    return q / 2 if q > 1 else 0.0


def structural_difference(found: Any, expected: Any) -> str:
    """The first field whose presence, shape, dtype or finiteness is not as expected, or ""."""
    if type(found) is not type(expected):
        return f"got a {type(found).__name__} instead of a {type(expected).__name__}"
    for name, a, b in zip(expected._fields, found, expected, strict=True):
        if b is None or a is None:
            if a is not b:
                return f"{name} is {'missing' if a is None else 'not None'}"
        elif (a.shape, a.dtype) != (b.shape, b.dtype):
            return f"{name} is {a.dtype}{list(a.shape)} instead of {b.dtype}{list(b.shape)}"
        elif not np.isfinite(a).all():
            return f"{name} is not finite, first at {_first(~np.isfinite(a))}"
        elif not np.isfinite(b).all():
            return f"the expected {name} is not finite, first at {_first(~np.isfinite(b))}"
    return ""


def first_not_finite(trajectory: Trajectory) -> int | None:
    """The first step whose loss, accuracy or new state is not finite; None if there is none."""
    finite = np.isfinite(states(trajectory)).all(axis=1)
    steps = finite[1:] & finite[0]
    for record in (trajectory.loss, trajectory.accuracy):
        steps &= True if record is None else np.isfinite(record)
    return None if steps.all() else int(steps.argmin())


def _divergence(found: Any, expected: Any) -> str:
    """In which step each run diverges, to stand before the obstacle; "" if structures differ."""
    shapes = [[None if a is None else a.shape for a in run] for run in (found, expected)]
    if type(found) is not type(expected) or shapes[0] != shapes[1]:
        return ""
    own, other = first_not_finite(found), first_not_finite(expected)
    if own is None and other is None:  # they differ in dtype
        return ""
    if own is None:
        return f"does not diverge, the reference does in step {other}: "
    beside = {own: "as the reference does", None: "the reference does not"}
    return f"diverges in step {own}, {beside.get(other, f'the reference in step {other}')}: "


def state_errors(trajectory: Trajectory, expected: Trajectory) -> np.ndarray:
    """The distance of each state (S+1,F+1) from the expected one, in ULP of the largest so far.

    That is the largest abs(W, b) of all states up to this one. Measured by its own size a component
    differs by 80 ULP between correct programs, a state by 536, where a parameter passes zero.
    """
    found, right = states(trajectory), states(expected)
    return np.abs(found - right) / np.spacing(_largest(right))


def exact_state_errors(trajectory: Trajectory, exact: Sample, expected: Trajectory) -> np.ndarray:
    """As state_errors, in the same units, for the states of the sample, (len(exact.steps), F+1)."""
    largest = _largest(states(expected))[exact.steps]
    return np.abs(exact.states.error(states(trajectory)[exact.steps])) / np.spacing(largest)


def _largest(right: np.ndarray) -> np.ndarray:
    """The largest abs(W, b) of all states up to each, (S+1, 1)."""
    return np.maximum.accumulate(np.abs(right).max(axis=1, keepdims=True))


def states(trajectory: Trajectory) -> np.ndarray:
    """W and b of every state side by side, (S+1, F+1)."""
    return np.concatenate([trajectory.W, trajectory.b], axis=1)[..., 0]


def _miscounted(problem: Problem, trajectory: Trajectory, expected: Trajectory) -> np.ndarray:
    """How many examples of each step are counted differently, less those that rounding decides."""
    B = problem.X.shape[1]
    counts = _difference(np.rint(trajectory.accuracy * B), np.rint(expected.accuracy * B))
    exact = _difference(trajectory.accuracy * B, np.rint(trajectory.accuracy * B))
    counts[exact > 1e-3] = np.inf  # no whole number of B examples
    for j in np.flatnonzero(counts).tolist():
        counts[j] = max(counts[j] - _too_close(problem, trajectory, expected, j), 0)
    return counts


def _too_close(problem: Problem, trajectory: Trajectory, expected: Trajectory, j: int) -> int:
    """The number of examples of step j whose abs(Z) is below the rounding bound of Z."""
    X = problem.X[j % len(problem.X)].astype(np.float64)
    W, b = expected.W[j], expected.b[j]
    size = np.abs(X) @ np.abs(W) + np.abs(b)
    moved = np.abs(X) @ np.abs(trajectory.W[j] - W) + np.abs(trajectory.b[j] - b)
    u = np.finfo(problem.dtype).eps / 2
    bound = moved + 2 * (X.shape[1] + 2) * u * size + 4 * u  # 4 u: 1 + exp(-Z) rounds to 2
    return int(np.count_nonzero(np.abs(X @ W + b) <= bound))


def _difference(found: Any, right: Any) -> np.ndarray:
    if isinstance(right, Exact):
        return np.abs(right.error(found))
    return np.abs(np.asarray(found, np.float64) - np.asarray(right, np.float64))


def _unit(problem: Problem, scale: Any) -> np.ndarray:
    """One u of a scale, but at least the smallest normal number: less may be flushed to zero."""
    info = np.finfo(problem.dtype)
    return np.maximum(info.eps / 2 * np.asarray(scale, np.float64), float(info.tiny))


def _one_step(problem: Problem, expected: Trajectory, formulation: str) -> float:
    """By how many ULP of the state a gradient at its tolerance moves it at most in a step.

    In any epoch: e^Z is in the masses of some formulations, and may be largest late in a run.
    """
    units = TOLERANCES[f"{problem.model} gradient"].allowed + summation(problem)
    u = np.finfo(problem.dtype).eps / 2
    rate, largest = problem.learning_rate * u, np.spacing(_largest(states(expected)))

    def moved(j: int) -> float:
        at = problem, j % len(problem.X), expected.W[j], expected.b[j]
        dW, db, _ = masses(*at, formulation)
        most = units + equal_terms(*at)
        return float(rate * most * max(dW.max(), db.max()) / largest[j + 1, 0])

    return _over_epochs(problem, moved)


def _over_epochs(problem: Problem, size: Callable[[int], float]) -> float:
    """The largest size(j) over the steps j of the epochs 0, 1, 2, 4, 8, ... and the last.

    If a run moves slowly enough to be compared, the epochs between differ little from these.
    """
    K, last = len(problem.X), problem.epochs - 1
    epochs = {min(epoch, last) for epoch in (0, *(2**i for i in range(last.bit_length() + 1)))}
    return max(size(epoch * K + k) for epoch in sorted(epochs) for k in range(K))


def _check(
    kind: str,
    errors: np.ndarray,
    place: str = "step",
    more: float = 0,
    steps: np.ndarray | None = None,
) -> Check:
    """The check of all errors of a kind against its tolerance and what the problem adds to it.

    A place is named by its index, or for the sampled states by their steps.
    """
    tolerance = TOLERANCES[kind]
    allowed = tolerance.allowed + more

    def name(index: int) -> str:
        row, *coordinate = (int(i) for i in np.unravel_index(index, errors.shape))
        row = row if steps is None else int(steps[row])
        return " ".join([f"{place} {row}", *(f"coordinate {i}" for i in coordinate)])

    outside = ~(errors.ravel() <= allowed)
    first = name(int(outside.argmax())) if outside.any() else ""
    worst = int(errors.argmax())
    return Check(kind, float(errors.flat[worst]), allowed, tolerance.unit, name(worst), first)


def _first(condition: np.ndarray) -> Any:
    index = tuple(int(i) for i in np.argwhere(condition)[0])
    return index[0] if len(index) == 1 else index
