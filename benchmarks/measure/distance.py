"""How far a training run is from the reference's, over its steps."""

import numpy as np

from reference.agreement import state_errors
from reference.backprop import Trajectory

POINTS = 200  # stored, at most


def distance(trajectory: Trajectory, expected: Trajectory) -> list[list[float]]:
    """The last step of each stretch of steps, and the largest distance of a state within it.

    The distance is the one that `compare` judges: normwise, in ULP of the largest abs(W, b) of the
    reference up to this step, and the largest over the entries of W and b.
    """
    ulp = state_errors(trajectory, expected).max(axis=1)  # (S+1,)
    ends = np.unique(np.linspace(0, len(ulp), min(POINTS, len(ulp)) + 1).astype(int))[1:]
    largest = np.maximum.reduceat(ulp, np.concatenate([[0], ends[:-1]]))
    return [[int(end) - 1 for end in ends], [float(f"{value:.3g}") for value in largest]]
