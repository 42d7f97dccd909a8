"""The textbook: backpropagation with every Jacobian formed as a matrix.

All models predict from Z = X W + b: linear regression Z itself, logistic regression the probability
1 / (1 + exp(-Z)), Poisson regression the mean exp(Z). Their formulas are in reference/models. The
loss J0 of each example is a column (B,1); the chain of derivatives starts with the row dJ_dJ0 (1,B)
and is multiplied from the left to the right:

    linear              dJ_dW = dJ_dJ0 @ dJ0_dPred @ dZ_dW               Pred = Z
    logistic, poisson   dJ_dW = dJ_dJ0 @ dJ0_dPred @ dPred_dZ @ dZ_dW
                        (1,F)   (1,B)    (B,B)       (B,B)      (B,F)

and likewise dJ_db (1,1) with dZ_db (B,1). An elementwise map has a diagonal Jacobian; here it is
formed nevertheless, with all its B * B entries. This project measures what that costs.

dJ_dJ0 holds one number B times. With 1/B the step follows the mean over the batch; with 1/N, N the
size of the whole data set, the batch's share of the mean over the data. The tutorial has 1/B in
linear and 1/N in logistic regression. docs/derivation.md has the derivation.

Three examples with two features, and every Jacobian of the logistic chain:

>>> import numpy as np
>>> from reference.models import linear, logistic
>>> W, b = np.array([[0.5], [-0.25]]), np.array([[0.0]])
>>> X = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])
>>> Y = np.array([[1.0], [0.0], [1.0]])
>>> Pred, J0 = logistic.forward(W, b, X, Y)
>>> Pred
array([[0.5],
       [0.5],
       [0.5]])
>>> J0.round(4)
array([[0.6931],
       [0.6931],
       [0.6931]])
>>> dJ_dJ0(Pred, 1 / 4)
array([[0.25, 0.25, 0.25]])
>>> logistic.dJ0_dPred(Pred, Y)
array([[-2.,  0.,  0.],
       [ 0.,  2.,  0.],
       [ 0.,  0., -2.]])
>>> logistic.dPred_dZ(Pred, Y)
array([[0.25, 0.  , 0.  ],
       [0.  , 0.25, 0.  ],
       [0.  , 0.  , 0.25]])
>>> dZ_dW(X)
array([[0., 0.],
       [1., 2.],
       [2., 4.]])
>>> dZ_db(X)
array([[1.],
       [1.],
       [1.]])
>>> dJ_dPred = dJ_dJ0(Pred, 1 / 4) @ logistic.dJ0_dPred(Pred, Y)
>>> dJ_dZ = dJ_dPred @ logistic.dPred_dZ(Pred, Y)
>>> dJ_dZ
array([[-0.125,  0.125, -0.125]])
>>> dJ_dZ @ dZ_dW(X)
array([[-0.125, -0.25 ]])
>>> dJ_dZ @ dZ_db(X)
array([[-0.125]])

The linear chain has one Jacobian less:

>>> Pred, J0 = linear.forward(W, b, X, Y + 1)
>>> linear.dJ0_dPred(Pred, Y + 1)
array([[-4.,  0.,  0.],
       [ 0., -2.,  0.],
       [ 0.,  0., -4.]])
"""

from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray as Array

from reference.models import load


class Gradient(NamedTuple):
    """The gradient of one batch, and its loss: arrays of any framework.

    dW (F,1), db (1,1): derivatives of dJ_dJ0 * sum(J0)
    loss ():            mean of J0 over the batch, at the parameters before any update
    """

    dW: Any
    db: Any
    loss: Any


class Trajectory(NamedTuple):
    """All states of a training run of S steps: arrays of any framework.

    W (S+1,F,1), b (S+1,1,1): the parameters, the first and the last state included
    loss (S,):      mean of J0 over the batch of each step, before its update
    accuracy (S,):  share of the batch with (Pred > 0.5) == Y, before the update; None
                    for a model that predicts no class
    """

    W: Any
    b: Any
    loss: Any
    accuracy: Any


def dJ_dJ0(Pred: Array, value: float) -> Array:
    """The first row of the chain, (1,B): value, 1/B or 1/N, once for each example of Pred (B,1)."""
    return value * np.ones_like(Pred.T)


def dZ_dW(X: Array) -> Array:
    """The Jacobian (B,F) of Z = X W + b in W: X itself."""
    return X


def dZ_db(X: Array) -> Array:
    """The Jacobian (B,1) of Z = X W + b in b: ones."""
    return np.ones((len(X), 1), X.dtype)


def forward(model: str, W: Array, b: Array, X: Array, Y: Array) -> tuple[Array, Array]:
    """Pred and J0 of a model of reference/models. Raises ValueError for another name."""
    return load(model).forward(W, b, X, Y)


def backward(model: str, Pred: Array, X: Array, Y: Array, value: float) -> tuple[Array, Array]:
    """The whole chain: dJ_dW (1,F) and dJ_db (1,1); value is the entry of dJ_dJ0.

    Each Jacobian is formed, multiplied and released before the next one is formed.
    """
    row = dJ_dJ0(Pred, value)
    for jacobian in load(model).JACOBIANS:
        row = row @ jacobian(Pred, Y)
    dJ_dZ = row
    return dJ_dZ @ dZ_dW(X), dJ_dZ @ dZ_db(X)


def gradient(model: str, W: Array, b: Array, X: Array, Y: Array, dJ_dJ0: float) -> Gradient:
    """The gradient of dJ_dJ0 * sum(J0) on one batch X (B,F), Y (B,1), at W (F,1), b (1,1)."""
    Pred, J0 = forward(model, W, b, X, Y)
    dJ_dW, dJ_db = backward(model, Pred, X, Y, dJ_dJ0)
    return Gradient(dJ_dW.T, dJ_db, np.mean(J0))


def train(
    model: str, W: Array, b: Array, X: Array, Y: Array,
    learning_rate: float, dJ_dJ0: float, epochs: int,
) -> Trajectory:  # fmt: skip
    """Mini-batch gradient descent: W <- W - learning_rate * dJ_dW^T, and the same for b.

    W (F,1), b (1,1), X (K,B,F), Y (K,B,1); step j uses batch j % K, for epochs * K steps.
    """
    has_accuracy = load(model).HAS_ACCURACY
    W_track, b_track, loss_track, accuracy_track = [W], [b], [], []
    for _ in range(epochs):
        for X_k, Y_k in zip(X, Y, strict=True):
            Pred, J0 = forward(model, W, b, X_k, Y_k)
            loss_track.append(np.mean(J0))
            if has_accuracy:
                accuracy_track.append(np.mean((Pred > 0.5) == Y_k, dtype=W.dtype))
            dJ_dW, dJ_db = backward(model, Pred, X_k, Y_k, dJ_dJ0)
            W = W - learning_rate * dJ_dW.T
            b = b - learning_rate * dJ_db
            W_track.append(W)
            b_track.append(b)
    accuracy = np.array(accuracy_track) if has_accuracy else None
    return Trajectory(np.array(W_track), np.array(b_track), np.array(loss_track), accuracy)
