"""NumPy, as its users write it: array expressions, and for fused the same with out= buffers."""

import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import cycle, product
from typing import NamedTuple

import numpy as np

from backends.contract import Forward, Gradient, Trajectory
from backends.numpy_maps import FUNCTIONS
from reference.models import load

DEVICES = ("cpu",)
MODELS = ("linear", "logistic", "poisson")
FORMULATIONS = ("dense", "elementwise", "fused")
EXECUTIONS = ("eager",)
MAPS = tuple(FUNCTIONS)


# --- arrays


def from_numpy(array, device):
    return np.array(array)


def to_numpy(array):
    return np.array(array)


def synchronize(tree):
    return tree


def is_ready(tree):
    return True


# --- pullbacks


def pullback_dense(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B*B numbers
    return row @ np.diag(diagonal)


def pullback_elementwise(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B numbers
    return row * diagonal


PULLBACKS = {"dense": pullback_dense, "elementwise": pullback_elementwise}

PART = 16384  # examples whose arrays stay in the cache
FACTORS = 2048  # from so many on two products take less time than the logarithms they save
AT_ONCE = 2**17  # numbers Z whose losses are computed at once


# --- what the models share


class Model(NamedTuple):
    """What is written for each model."""

    forward: Callable
    fused: Callable
    fused_steps: Callable
    fused_losses: Callable
    has_accuracy: bool


def backward(pullback, row, diagonals, X):  # (1, B), k x (B,), (B, F) -> (F, 1), (1, 1)
    for diagonal in diagonals:
        row = pullback(row, diagonal)
    return (row @ X).T, row.sum(axis=1, keepdims=True)


def chain(forward, pullback, W, b, X, Y, dJ_dJ0):
    Pred, J0, diagonals = forward(W, b, X, Y)
    row = np.full((1, len(X)), dJ_dJ0, dtype=X.dtype)
    dW, db = backward(pullback, row, diagonals, X)
    return Gradient(dW, db, J0.mean()), Pred


def in_parts(gradient, W, b, X, Y, dJ_dJ0):
    """The gradient of a large batch as the sum of those of its parts, which stay in the cache."""
    B = len(X)
    if B <= PART:
        return gradient(W, b, X, Y, dJ_dJ0)
    parts = [(X[i : i + PART], Y[i : i + PART]) for i in range(0, B, PART)]
    found = [gradient(W, b, *part, dJ_dJ0) for part in parts]
    loss = sum(len(Y) * own.loss for (_, Y), own in zip(parts, found, strict=True))
    return Gradient(sum(own.dW for own in found), sum(own.db for own in found), loss / B)


def multiplied(numbers):  # (B, 1), overwritten -> (n, 1)   the same product, n of at most FACTORS
    while len(numbers) > FACTORS:
        half = len(numbers) // 2
        numbers[:half] *= numbers[-half:]
        numbers = numbers[:-half]
    return numbers


def log_sum(numbers):  # (B, E), all in [1, 2] -> (E,)   one logarithm per chunk
    size = np.finfo(numbers.dtype).maxexp - 1  # the product of so many does not overflow
    return sum(np.log(numbers[i : i + size].prod(axis=0)) for i in range(0, len(numbers), size))


def sum_of(numbers):  # (B, E) -> (E,)   in chunks, since along this axis NumPy adds one by one
    return np.add.reduceat(numbers, range(0, len(numbers), 256), axis=0).sum(axis=0)


# --- linear


def squared_error(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return (Y - Pred) ** 2


def linear_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Pred = X @ W + b
    return Pred, squared_error(Pred, Y)


def linear(W, b, X, Y):
    Pred, J0 = linear_loss(W, b, X, Y)
    dJ0_dPred = -2 * (Y - Pred)
    return Forward(Pred, J0, (dJ0_dPred.ravel(),))


def fused_linear(W, b, X, Y, dJ_dJ0):
    residual = X @ W + b - Y  # (B, 1)
    loss = residual.T @ residual / len(X)
    scale = 2 * dJ_dJ0
    return Gradient(scale * (X.T @ residual), scale * residual.sum(keepdims=True), loss[0, 0])


def fused_linear_steps(w_track, A, Y, rate):
    columns = np.ascontiguousarray(A.swapaxes(1, 2))  # (K, F+1, B)
    batches = list(zip(columns.swapaxes(1, 2), 2 * rate * columns, Y, strict=True))
    residual, dw = np.empty_like(Y[0]), np.empty_like(w_track[0])
    w = w_track[0]
    for (A_k, weighted_k, Y_k), w_next in zip(cycle(batches), w_track[1:], strict=False):
        np.dot(A_k, w, residual)
        np.subtract(residual, Y_k, residual)
        np.dot(weighted_k, residual, dw)
        np.subtract(w, dw, w_next)
        w = w_next


def fused_linear_losses(w, A, Y, Z, loss, _):
    """Write loss (E,), from Z (B, E), which is overwritten."""
    np.subtract(Z, Y, out=Z)
    np.multiply(Z, Z, out=Z)
    np.divide(sum_of(Z), len(Y), out=loss)


LINEAR = Model(
    linear, fused_linear, fused_linear_steps, fused_linear_losses,
    load("linear").HAS_ACCURACY,
)  # fmt: skip


# --- logistic


def sigmoid(Z):  # (B, 1) -> (B, 1)
    return 1 / (1 + np.exp(-Z))


def cross_entropy(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return -(Y * np.log(Pred) + (1 - Y) * np.log(1 - Pred))


def logistic_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Pred = sigmoid(X @ W + b)
    return Pred, cross_entropy(Pred, Y)


def logistic(W, b, X, Y):
    Pred, J0 = logistic_loss(W, b, X, Y)
    dJ0_dPred = (Pred - Y) / (Pred * (1 - Pred))
    dPred_dZ = Pred * (1 - Pred)
    return Forward(Pred, J0, (dJ0_dPred.ravel(), dPred_dZ.ravel()))


@np.errstate(over="ignore")  # where exp overflows, Pred is 1 / inf = 0, which is right
def fused_logistic(W, b, X, Y, dJ_dJ0):
    """In place, with J0 = max(Z, 0) - Y Z - log(max(Pred, 1 - Pred)), which loses no digit."""
    minus_Z = X @ W  # (B, 1)
    np.subtract(-b, minus_Z, out=minus_Z)
    residual = np.exp(minus_Z)
    residual += 1
    np.divide(1, residual, out=residual)  # Pred
    total = np.vdot(Y, minus_Z) - np.minimum(minus_Z, 0, out=minus_Z).sum()
    likely = np.subtract(1, residual, out=minus_Z)
    np.maximum(likely, residual, out=likely)
    total -= np.log(multiplied(likely)).sum()
    residual -= Y
    loss = total / Y.dtype.type(len(Y))
    return Gradient(dJ_dJ0 * (X.T @ residual), dJ_dJ0 * residual.sum(keepdims=True), loss)


@np.errstate(over="ignore")  # as in fused_logistic
def fused_logistic_steps(w_track, A, Y, rate):
    """With C = (1 - 2 Y) * A and z = C w, Pred - Y is (1 - 2 Y) sigmoid(z): Y is in C."""
    columns = np.ascontiguousarray(((2 * Y - 1)[..., None] * A).swapaxes(1, 2))  # -C (K, F+1, B)
    batches = list(zip(columns.swapaxes(1, 2), -rate * columns, strict=True))
    row, dw = np.empty_like(Y[0]), np.empty_like(w_track[0])
    one = np.array(1, A.dtype)  # a Python number would be converted in every call
    w = w_track[0]
    for (minus_C, weighted), w_next in zip(cycle(batches), w_track[1:], strict=False):
        np.dot(minus_C, w, row)
        np.exp(row, row)
        np.add(row, one, row)
        np.divide(one, row, row)  # sigmoid(z)
        np.dot(weighted, row, dw)
        np.subtract(w, dw, w_next)
        w = w_next


def fused_logistic_losses(w, A, Y, Z, loss, accuracy):
    """Write loss and accuracy (E,), from Z (B, E), which is overwritten.

    J0 = abs(Z) / 2 + (1/2 - Y) Z + log(1 + exp(-abs(Z))).
    """
    np.mean((Z > 0) == (Y > 0), axis=0, dtype=Z.dtype, out=accuracy)
    np.abs(Z, out=Z)
    linear = sum_of(Z) / 2 + w @ (A.T @ (0.5 - Y))[:, 0]
    np.negative(Z, out=Z)
    np.exp(Z, out=Z)
    np.add(Z, 1, out=Z)
    np.divide(linear + log_sum(Z), len(Y), out=loss)


LOGISTIC = Model(
    logistic, fused_logistic, fused_logistic_steps, fused_logistic_losses,
    load("logistic").HAS_ACCURACY,
)  # fmt: skip


# --- poisson


def negative_log_likelihood(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return Pred - Y * np.log(Pred)


def poisson_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Pred = np.exp(X @ W + b)
    return Pred, negative_log_likelihood(Pred, Y)


def poisson(W, b, X, Y):
    Pred, J0 = poisson_loss(W, b, X, Y)
    dJ0_dPred = 1 - Y / Pred
    dPred_dZ = Pred
    return Forward(Pred, J0, (dJ0_dPred.ravel(), dPred_dZ.ravel()))


def fused_poisson(W, b, X, Y, dJ_dJ0):
    Z = X @ W  # (B, 1)
    Z += b
    residual = np.exp(Z)  # Pred
    loss = (residual.sum() - np.vdot(Y, Z)) / Y.dtype.type(len(Y))
    residual -= Y
    return Gradient(dJ_dJ0 * (X.T @ residual), dJ_dJ0 * residual.sum(keepdims=True), loss)


def fused_poisson_steps(w_track, A, Y, rate):
    columns = np.ascontiguousarray(A.swapaxes(1, 2))  # (K, F+1, B)
    batches = list(zip(columns.swapaxes(1, 2), rate * columns, Y, strict=True))
    residual, dw = np.empty_like(Y[0]), np.empty_like(w_track[0])
    w = w_track[0]
    for (A_k, weighted_k, Y_k), w_next in zip(cycle(batches), w_track[1:], strict=False):
        np.dot(A_k, w, residual)
        np.exp(residual, residual)
        np.subtract(residual, Y_k, residual)
        np.dot(weighted_k, residual, dw)
        np.subtract(w, dw, w_next)
        w = w_next


def fused_poisson_losses(w, A, Y, Z, loss, _):
    """Write loss (E,), from Z (B, E), which is overwritten."""
    np.exp(Z, out=Z)
    linear = w @ (A.T @ Y)[:, 0]  # the sum of Y Z
    np.divide(sum_of(Z) - linear, len(Y), out=loss)


POISSON = Model(
    poisson, fused_poisson, fused_poisson_steps, fused_poisson_losses,
    load("poisson").HAS_ACCURACY,
)  # fmt: skip


# --- what drives the steps


PARTS = {"linear": LINEAR, "logistic": LOGISTIC, "poisson": POISSON}


def fused_train(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """Steps in out= buffers, with the bias as a column of X; then the losses and accuracies."""
    K, B, F = X.shape
    A = np.concatenate([X, np.ones((K, B, 1), X.dtype)], axis=2)  # (K, B, F+1)
    w_track = np.empty((epochs * K + 1, F + 1), W.dtype)
    w_track[0] = np.concatenate([W, b])[:, 0]
    model.fused_steps(w_track, A, Y[..., 0], learning_rate * dJ_dJ0)
    before = w_track[:-1].reshape(epochs, K, F + 1)
    loss, accuracy = np.empty((epochs, K), W.dtype), np.empty((epochs, K), W.dtype)
    size = min(epochs, max(1, AT_ONCE // B))
    space = np.empty(B * size, W.dtype)  # once: fresh memory costs more than the arithmetic
    for k, start in product(range(K), range(0, epochs, size)):
        part = np.s_[start : start + size, k]
        w = before[part]  # (E', F+1)
        Z = space[: B * len(w)].reshape(B, -1)
        np.matmul(A[k], w.T, out=Z)
        model.fused_losses(w, A[k], Y[k], Z, loss[part], accuracy[part])
    tracks = w_track[:, :F, None], w_track[:, F:, None], loss.ravel()
    return Trajectory(*tracks, accuracy.ravel() if model.has_accuracy else None)


def chain_train(model, pullback, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    K, S = len(X), epochs * len(X)
    W_track, b_track = np.empty((S + 1, *W.shape), W.dtype), np.empty((S + 1, 1, 1), b.dtype)
    loss = np.empty(S, W.dtype)
    accuracy = np.empty(S if model.has_accuracy else 0, W.dtype)
    W_track[0], b_track[0] = W, b
    for j in range(S):
        k = j % K
        (dW, db, loss[j]), Pred = chain(model.forward, pullback, W, b, X[k], Y[k], dJ_dJ0)
        if model.has_accuracy:
            accuracy[j] = ((Pred > 0.5) == Y[k]).mean()
        W = W - learning_rate * dW
        b = b - learning_rate * db
        W_track[j + 1], b_track[j + 1] = W, b
    return Trajectory(W_track, b_track, loss, accuracy if model.has_accuracy else None)


# --- the contract


def make_forward(model):
    return PARTS[model].forward


def make_gradient(model, formulation, execution):
    if formulation == "fused":
        return partial(in_parts, PARTS[model].fused)
    forward, pullback = PARTS[model].forward, PULLBACKS[formulation]

    def gradient(W, b, X, Y, dJ_dJ0):
        return chain(forward, pullback, W, b, X, Y, dJ_dJ0)[0]

    return gradient


def make_train(model, formulation, execution):
    if formulation == "fused":
        return partial(fused_train, PARTS[model])
    return partial(chain_train, PARTS[model], PULLBACKS[formulation])


def make_map(name, formulation, execution):
    return map_of(in_float64(FUNCTIONS[name]), formulation, execution)


def map_of(function, formulation, execution):
    """The map and its pullback, from a function of x (n,) that returns value and diagonal (n,)."""
    pullback = PULLBACKS[formulation]

    @np.errstate(all="ignore")  # infinity, nan and 0 are arguments like others
    def mapped(row, x):
        value, diagonal = function(x)
        return value, pullback(row, diagonal)

    return mapped


def in_float64(function):
    """The function of x in any dtype, computed in float64 and rounded once."""

    def rounded(x):
        value, diagonal = function(x.astype(np.float64, copy=False))
        return value.astype(x.dtype, copy=False), diagonal.astype(x.dtype, copy=False)

    return rounded


def temporary_bytes(function, *arguments):
    """The peak that tracemalloc sees in one call, less what the call returns."""
    function(*arguments)
    tracemalloc.start()
    try:
        result = function(*arguments)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del result
    return peak - kept


def compile_seconds():
    return {}


def settings():
    return {}  # its threads are those of the BLAS, which is recorded for the whole process
