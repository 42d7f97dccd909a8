"""Where the exponential of poisson ends: the chain gives nan or inf, fused the right result."""

import numpy as np
import pytest

from tests.conformance.runs import FAMILIES, with_own_gradient

CASES = {"Y = 0 where Pred is 0": (-800.0, 0.0), "Y = 2 where Pred is 0": (-800.0, 2.0),
         "Pred overflows": (800.0, 1.0)}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of each nan


def select(cells, config):
    return [cell for cell in with_own_gradient(cells, config) if cell.model == "poisson"]


@pytest.mark.parametrize("case", CASES)
def test_all_examples_have_a_large_z(subject, model, case):
    """In the shape of the family "even", for which everything is compiled already."""
    Z, Y = CASES[case]
    X = np.full(FAMILIES["even"](model).X.shape[1:], Z)
    W, Y = np.eye(X.shape[1])[:, :1], np.full((len(X), 1), Y)
    found = subject.gradient(W, np.zeros((1, 1)), X, Y, 1 / len(X))
    if subject.formulation != "fused":
        assert not np.isfinite(found.dW).all()
    elif Z < 0:  # exp(Z) may be 0 or near the smallest normal number
        assert found.dW == pytest.approx(np.full_like(W, -Y[0, 0] * Z), abs=1e-300)
        assert found.loss == pytest.approx(-Y[0, 0] * Z, abs=1e-300)
    else:
        assert (found.dW == np.inf).all()
        assert found.loss == np.inf
