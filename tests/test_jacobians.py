"""Every diagonal is that of its Jacobian, which the frameworks form as a whole."""

import numpy as np
import pytest

from reference.agreement import TOLERANCES
from reference.models import linear, logistic, poisson
from reference.problems import make

B = 12
LOGISTIC = make("logistic", examples=B, batch_size=B, features=3, epochs=1, seed=21)
LINEAR = make("linear", examples=B, batch_size=B, features=3, epochs=1, seed=22)
POISSON = make("poisson", examples=B, batch_size=B, features=3, epochs=1, seed=23)


def squared_error(log, exp, Y):
    return lambda Pred: (Y - Pred) ** 2


def cross_entropy(log, exp, Y):
    return lambda Pred: -(Y * log(Pred) + (1 - Y) * log(1 - Pred))


def sigmoid(log, exp, Y):
    return lambda Z: 1 / (1 + exp(-Z))


def negative_log_likelihood(log, exp, Y):
    return lambda Pred: Pred - Y * log(Pred)


def exponential(log, exp, Y):
    return exp


def at_start(problem, model):
    """Y, Z and Pred (B,1) of the only batch at the first state."""
    X, Y = problem.X[0], problem.Y[0]
    Z = X @ problem.W + problem.b
    return Y, Z, model.forward(problem.W, problem.b, X, Y)[0]


def cases():
    """For each factor the map, its input (B,), the labels, and the matrix of the textbook."""
    Y, Z, Pred = at_start(LINEAR, linear)
    yield "linear dJ0_dPred", squared_error, Pred, Y, linear.dJ0_dPred(Pred, Y)
    Y, Z, Pred = at_start(LOGISTIC, logistic)
    yield "logistic dJ0_dPred", cross_entropy, Pred, Y, logistic.dJ0_dPred(Pred, Y)
    yield "logistic dPred_dZ", sigmoid, Z, Y, logistic.dPred_dZ(Pred, Y)
    Y, Z, Pred = at_start(POISSON, poisson)
    yield "poisson dJ0_dPred", negative_log_likelihood, Pred, Y, poisson.dJ0_dPred(Pred, Y)
    yield "poisson dPred_dZ", exponential, Z, Y, poisson.dPred_dZ(Pred, Y)


def by_jax(way):
    def jacobian(make_map, at, Y):
        jax = pytest.importorskip("jax", reason="jax is not installed")
        import backends

        backends.load("jax")  # switches x64 on
        function = make_map(jax.numpy.log, jax.numpy.exp, jax.numpy.asarray(Y[:, 0]))
        return np.asarray(getattr(jax, way)(function)(jax.numpy.asarray(at[:, 0])))

    return jacobian


def by_torch(make_map, at, Y):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    function = make_map(torch.log, torch.exp, torch.tensor(Y[:, 0]))
    return torch.func.jacrev(function)(torch.tensor(at[:, 0])).numpy()


WAYS = {"jax.jacrev": by_jax("jacrev"), "jax.jacfwd": by_jax("jacfwd"), "torch.jacrev": by_torch}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("factor", [case[0] for case in cases()])
def test_the_whole_matrix(way, factor):
    """Off the diagonal exactly 0, on it as the textbook has it."""
    _, make_map, at, Y, textbook = next(case for case in cases() if case[0] == factor)
    found = WAYS[way](make_map, at, Y)
    assert found.shape == (B, B)
    assert (found[~np.eye(B, dtype=bool)] == 0).all()
    assert (textbook[~np.eye(B, dtype=bool)] == 0).all()
    difference = np.abs(np.diagonal(found) - np.diagonal(textbook)).max()
    ulp = difference / np.spacing(np.abs(textbook).max())
    allowed = TOLERANCES["jacobian by jacrev"].allowed
    print(f"{factor} by {way}: {ulp:.2g} of {allowed} ULP")
    assert ulp <= allowed
