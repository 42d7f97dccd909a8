"""Autograd (HIPS): reverse mode of NumPy code; no derivative is written by hand.

So the dense chain is called jacrev: its local Jacobians are those that the framework derives. They
round 1 / (1 - Pred) apart from the sigmoid's derivative, and lose digits that dense by hand keeps.
"""

from functools import partial

import autograd.numpy as np
from autograd import elementwise_grad, make_vjp

from backends.contract import Forward, Gradient, Trajectory

BASE = "numpy"
DEVICES = ("cpu",)
FORMULATIONS = ("jacrev", "autodiff")
EXECUTIONS = ("eager",)


def pullback_dense(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B*B numbers
    return row @ np.diag(diagonal)


def squared_error(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return (Y - Pred) ** 2


def sigmoid(Z):  # (B, 1) -> (B, 1)
    return 1 / (1 + np.exp(-Z))


def cross_entropy(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return -(Y * np.log(Pred) + (1 - Y) * np.log(1 - Pred))


def linear_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1)
    return squared_error(X @ W + b, Y)


def logistic_loss(W, b, X, Y):
    return cross_entropy(sigmoid(X @ W + b), Y)


def linear(W, b, X, Y):
    Pred = X @ W + b
    dJ0_dPred = elementwise_grad(squared_error)(Pred, Y)
    return Forward(Pred, squared_error(Pred, Y), (dJ0_dPred.ravel(),))


def logistic(W, b, X, Y):
    Z = X @ W + b
    Pred = sigmoid(Z)
    dJ0_dPred = elementwise_grad(cross_entropy)(Pred, Y)
    dPred_dZ = elementwise_grad(sigmoid)(Z)
    return Forward(Pred, cross_entropy(Pred, Y), (dJ0_dPred.ravel(), dPred_dZ.ravel()))


PULLBACKS = {"jacrev": pullback_dense}
FORWARDS = {"linear": linear, "logistic": logistic}
LOSSES = {"linear": linear_loss, "logistic": logistic_loss}


def chain(forward, pullback, W, b, X, Y, dJ_dJ0):
    _, J0, diagonals = forward(W, b, X, Y)
    row = np.full((1, len(X)), dJ_dJ0, X.dtype)
    for diagonal in diagonals:
        row = pullback(row, diagonal)
    return Gradient((row @ X).T, row.sum(axis=1, keepdims=True), J0.mean())


def autodiff(loss, W, b, X, Y, dJ_dJ0):
    pull, J0 = make_vjp(loss, (0, 1))(W, b, X, Y)  # as autograd.grad does
    dW, db = pull(np.full_like(J0, dJ_dJ0))
    return Gradient(dW, db, J0.mean())


def steps(model, gradient, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    Ws, bs, losses = [W], [b], []
    for X_k, Y_k in list(zip(X, Y, strict=True)) * epochs:
        dW, db, loss = gradient(Ws[-1], bs[-1], X_k, Y_k, dJ_dJ0)
        losses.append(loss)
        Ws.append(Ws[-1] - learning_rate * dW)
        bs.append(bs[-1] - learning_rate * db)
    W, b, loss = np.array(Ws), np.array(bs), np.array(losses)
    return Trajectory(W, b, loss, accuracies(W, b, X, Y) if model == "logistic" else None)


def accuracies(W, b, X, Y):  # (S+1, F, 1), (S+1, 1, 1), (K, B, F), (K, B, 1) -> (S,)
    W, b = (a[:-1].reshape(-1, len(X), *a.shape[1:]) for a in (W, b))  # (epochs, K, ., 1)
    right = (sigmoid(X @ W + b) > 0.5) == Y  # (epochs, K, B, 1)
    return right.mean(axis=(2, 3), dtype=X.dtype).ravel()


def make_forward(model):
    return FORWARDS[model]


def make_gradient(model, formulation, execution):
    if formulation == "autodiff":
        return partial(autodiff, LOSSES[model])
    return partial(chain, FORWARDS[model], PULLBACKS[formulation])


def make_train(model, formulation, execution):
    return partial(steps, model, make_gradient(model, formulation, execution))
