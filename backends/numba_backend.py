"""Numba, as its users write it: module-level njit functions, plain loops, results preallocated.

Each model has its own step and run, and whether a step is dense is an argument. So every function
names its callees: only then does Numba's disk cache work, and only what is called is compiled.
Constants are made in the dtype of the arrays (`one`), since a literal would promote float32 to
float64. Only fused uses fastmath: it reassociates sums and contracts a * b + c.
"""

from functools import partial

import numba
import numpy as np
from numba import njit
from numba.core import event

from backends.contract import Forward, Gradient, Trajectory
from backends.numba_maps import LOOPS
from backends.vector_math import exp_of_any, exp_of_negative
from reference.models import load

BASE = "numpy"  # its arrays

DEVICES = ("cpu",)
MODELS = ("linear", "logistic", "poisson")
FORMULATIONS = ("dense", "elementwise", "fused")
EXECUTIONS = ("run", "step")
MAPS = tuple(LOOPS)

compiling = event.TimingListener()
event.register("numba:compile", compiling)

CHUNK = 64  # terms of a partial sum
LINE = 64  # bytes of a cache line
FACTORS = 512  # numbers in [1, 2] that are multiplied before one logarithm is taken
FEW = 16  # features: the BLAS multiplies by so few columns without vectors

compiled = partial(njit, cache=True, error_model="numpy")  # 0/0 is nan, as in the other backends


# --- pullbacks


@compiled()
def pullback_dense(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B*B numbers
    return row @ np.diag(diagonal)


@compiled()
def pullback_elementwise(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B numbers
    return row * diagonal


# --- what the models share


@compiled()
def backward(dense, row, diagonals, X):  # (1, B), k x (B,), (B, F) -> (F, 1), (1, 1)
    for diagonal in diagonals:
        row = pullback_dense(row, diagonal) if dense else pullback_elementwise(row, diagonal)
    return (row @ X).reshape(-1, 1), np.full((1, 1), total(row[0]))


@compiled()
def chain(forward, dense, X, Y, dJ_dJ0):
    dW, db = backward(dense, np.full((1, len(X)), dJ_dJ0), forward.diagonals, X)
    return dW, db, mean(total(forward.J0[:, 0]), Y)


@compiled()
def total(terms):  # (B,) -> a number   in chunks: one by one, equal terms all round the same way
    found = zero = terms.dtype.type(0)
    for start in range(0, len(terms), CHUNK):
        part = zero
        for i in range(start, min(start + CHUNK, len(terms))):
            part += terms[i]
        found += part
    return found


@compiled()
def accuracy(Pred, Y):
    correct = 0
    for i in range(len(Y)):
        correct += (Pred[i, 0] > 0.5) == (Y[i, 0] == 1)
    return mean(correct, Y)


@compiled()
def mean(total, Y):  # a sum over the batch, as its mean in the dtype of Y
    return Y.dtype.type(total) / Y.dtype.type(len(Y))


@compiled()
def record(tracks, j, learning_rate, found):  # state j + 1 and the records of step j
    W_track, b_track, loss, accuracy = tracks
    dW, db, loss[j], accuracy[j] = found
    update(W_track, j, learning_rate, dW)
    update(b_track, j, learning_rate, db)


@compiled()
def update(track, j, learning_rate, gradient):  # state j + 1 from state j
    for f in range(len(gradient)):
        track[j + 1, f, 0] = track[j, f, 0] - learning_rate * gradient[f, 0]


# Sums may be reassociated, and a * b + c contracted: then LLVM vectorizes every loop.
reassociated = partial(compiled, fastmath={"reassoc", "nsz", "contract"})


# In the fused run the batch is the contiguous axis. Slices, unlike offsets, tell LLVM that no index
# is negative.


@reassociated()
def product_with_columns(z, C, w):  # z = w C
    z[:] = 0
    for f in range(len(w)):
        w_f, column = w[f], C[f]
        for i in range(len(z)):
            z[i] += w_f * column[i]


@reassociated()
def buffers(w):  # for columns, and for Z: allocating them for each part would take a tenth
    return np.empty((min(len(w), FEW), FACTORS), w.dtype), np.empty(FACTORS, w.dtype)


@reassociated()
def product(columns, space, part, w):  # part w; few features are copied to columns, a vector each
    z = space[: len(part)]
    if len(w) > FEW:
        return np.dot(part, w, z)
    z[:] = 0
    for f in range(len(w)):
        w_f, column = w[f], columns[f]
        for i in range(len(z)):
            column[i] = part[i, f]
        for i in range(len(z)):
            z[i] += w_f * column[i]
    return z


@reassociated()
def add_product(dw, row, columns, part):  # dw += row part, with the columns that product made
    if len(dw) > FEW:
        dw += np.dot(row, part)
        return
    for f in range(len(dw)):
        column, total = columns[f], 0.0
        for i in range(len(row)):
            total += column[i] * row[i]
        dw[f] += total


@reassociated()
def take_step(w_track, j, rate, C, residual):  # state j + 1 from state j
    for f in range(len(C)):
        column, dw = C[f], 0.0
        for i in range(len(residual)):
            dw += column[i] * residual[i]
        w_track[j + 1, f] = w_track[j, f] - rate * dw


# --- linear


@compiled()
def linear(W, b, X, Y):
    B = len(X)
    Pred = X @ W
    J0, dJ0_dPred = np.empty_like(Y), np.empty(B, Y.dtype)
    for i in range(B):
        Pred[i, 0] += b[0, 0]
        residual = Y[i, 0] - Pred[i, 0]
        J0[i, 0] = residual * residual
        dJ0_dPred[i] = -(residual + residual)
    return Forward(Pred, J0, (dJ0_dPred,))


@compiled()
def linear_step(dense, W, b, X, Y, dJ_dJ0):  # dW, db, loss, and an unused accuracy
    dW, db, loss = chain(linear(W, b, X, Y), dense, X, Y, dJ_dJ0)
    return dW, db, loss, mean(0, Y)


@compiled()
def linear_run(dense, tracks, X, Y, learning_rate, dJ_dJ0):
    for j in range(len(tracks[2])):
        W, b, k = tracks[0][j], tracks[1][j], j % len(X)
        record(tracks, j, learning_rate, linear_step(dense, W, b, X[k], Y[k], dJ_dJ0))


@reassociated()
def fused_linear(W, b, X, Y, dJ_dJ0):
    """In parts of the batch that stay in the cache: X is read from memory once, not twice."""
    labels = np.ascontiguousarray(Y).reshape(-1)  # Y[:, 0] would be strided
    w, dw, db, total = W[:, 0].copy(), np.zeros(len(W), W.dtype), 0.0, 0.0
    columns, space = buffers(w)
    for start in range(0, len(X), FACTORS):
        part, y = X[start : start + FACTORS], labels[start : start + FACTORS]
        row = product(columns, space, part, w)
        square = 0.0
        for i in range(len(row)):
            residual = row[i] + b[0, 0] - y[i]
            square += residual * residual
            row[i] = (dJ_dJ0 + dJ_dJ0) * residual
        add_product(dw, row, columns, part)
        db, total = db + row.sum(), total + square
    return dw.reshape(-1, 1), np.full_like(b, db), mean(total, Y), mean(0, Y)


@reassociated()
def fused_linear_run(w_track, loss, accuracy, columns, Y, row, rate):
    K, _, B = columns.shape
    for j in range(len(loss)):
        X, y = columns[j % K], Y[j % K]
        product_with_columns(row, X, w_track[j])
        total = 0.0
        for i in range(B):
            row[i] -= y[i]
            total += row[i] * row[i]
        loss[j] = total / B
        take_step(w_track, j, rate + rate, X, row)


# --- logistic


@compiled()
def logistic(W, b, X, Y):
    B, one = len(X), X.dtype.type(1)
    Z = X @ W
    Pred, J0 = np.empty_like(Y), np.empty_like(Y)
    dJ0_dPred, dPred_dZ = np.empty(B, Y.dtype), np.empty(B, Y.dtype)
    for i in range(B):
        p, y = one / (one + np.exp(-(Z[i, 0] + b[0, 0]))), Y[i, 0]
        Pred[i, 0] = p
        J0[i, 0] = -(y * np.log(p) + (one - y) * np.log(one - p))
        dJ0_dPred[i] = (p - y) / (p * (one - p))
        dPred_dZ[i] = p * (one - p)
    return Forward(Pred, J0, (dJ0_dPred, dPred_dZ))


@compiled()
def logistic_step(dense, W, b, X, Y, dJ_dJ0):  # dW, db, loss, accuracy
    forward = logistic(W, b, X, Y)
    dW, db, loss = chain(forward, dense, X, Y, dJ_dJ0)
    return dW, db, loss, accuracy(forward.Pred, Y)


@compiled()
def logistic_run(dense, tracks, X, Y, learning_rate, dJ_dJ0):
    for j in range(len(tracks[2])):
        W, b, k = tracks[0][j], tracks[1][j], j % len(X)
        record(tracks, j, learning_rate, logistic_step(dense, W, b, X[k], Y[k], dJ_dJ0))


@reassociated()
def fused_logistic(W, b, X, Y, dJ_dJ0):
    """In parts as fused_linear; Pred and the loss from exp(-|Z|), which cannot overflow."""
    labels = np.ascontiguousarray(Y).reshape(-1)  # Y[:, 0] would be strided
    w, dw, db, total, correct = W[:, 0].copy(), np.zeros(len(W), W.dtype), 0.0, 0.0, 0
    columns, space = buffers(w)
    for start in range(0, len(X), FACTORS):
        part, y = X[start : start + FACTORS], labels[start : start + FACTORS]
        row = product(columns, space, part, w)
        factors, linear = 1.0, 0.0
        for i in range(len(row)):
            z = row[i] + b[0, 0]
            e = exp_of_negative(-abs(z))
            factors *= 1 + e
            linear += max(z, 0) - y[i] * z
            correct += (z > 0) == (y[i] == 1)
            row[i] = dJ_dJ0 * ((1 if z > 0 else e) / (1 + e) - y[i])
        add_product(dw, row, columns, part)
        db, total = db + row.sum(), total + linear + np.log(factors)
    return dw.reshape(-1, 1), np.full_like(b, db), mean(total, Y), mean(correct, Y)


def fused_logistic_run(w_track, loss, accuracy, columns, Y, row, rate):
    """With C = (1 - 2 Y) * X and z = C w, Pred - Y is (1 - 2 Y) sigmoid(z), J0 = softplus(z)."""
    columns *= (1 - 2 * Y)[:, None]
    zero = np.where(Y == 0, np.finfo(Y.dtype).tiny, Y.dtype.type(0))  # Z = 0 predicts 0
    fused_logistic_steps(w_track, loss, accuracy, columns, zero, row, rate)


@reassociated()
def fused_logistic_steps(w_track, loss, accuracy, columns, zero, row, rate):
    K, _, B = columns.shape
    for j in range(len(loss)):
        C = columns[j % K]
        product_with_columns(row, C, w_track[j])
        total, correct = 0.0, 0
        for start in range(0, B, FACTORS):
            part, zero_part = row[start : start + FACTORS], zero[j % K, start:]
            product, positive = 1.0, 0.0
            for i in range(len(part)):
                m = part[i]
                e = exp_of_negative(-abs(m))
                product *= 1 + e
                positive += max(m, 0)
                correct += m < zero_part[i]
                part[i] = (1 if m > 0 else e) / (1 + e)
            total += positive + np.log(product)
        loss[j], accuracy[j] = total / B, correct / B
        take_step(w_track, j, rate, C, row)


# --- poisson


@compiled()
def poisson(W, b, X, Y):
    B, one = len(X), X.dtype.type(1)
    Z = X @ W
    Pred, J0 = np.empty_like(Y), np.empty_like(Y)
    dJ0_dPred, dPred_dZ = np.empty(B, Y.dtype), np.empty(B, Y.dtype)
    for i in range(B):
        p, y = np.exp(Z[i, 0] + b[0, 0]), Y[i, 0]
        Pred[i, 0] = p
        J0[i, 0] = p - y * np.log(p)
        dJ0_dPred[i] = one - y / p
        dPred_dZ[i] = p
    return Forward(Pred, J0, (dJ0_dPred, dPred_dZ))


@compiled()
def poisson_step(dense, W, b, X, Y, dJ_dJ0):  # dW, db, loss, and an unused accuracy
    dW, db, loss = chain(poisson(W, b, X, Y), dense, X, Y, dJ_dJ0)
    return dW, db, loss, mean(0, Y)


@compiled()
def poisson_run(dense, tracks, X, Y, learning_rate, dJ_dJ0):
    for j in range(len(tracks[2])):
        W, b, k = tracks[0][j], tracks[1][j], j % len(X)
        record(tracks, j, learning_rate, poisson_step(dense, W, b, X[k], Y[k], dJ_dJ0))


@reassociated()
def fused_poisson(W, b, X, Y, dJ_dJ0):
    """In parts as fused_linear."""
    labels = np.ascontiguousarray(Y).reshape(-1)
    w, dw, db, total = W[:, 0].copy(), np.zeros(len(W), W.dtype), 0.0, 0.0
    columns, space = buffers(w)
    for start in range(0, len(X), FACTORS):
        part, y = X[start : start + FACTORS], labels[start : start + FACTORS]
        row = product(columns, space, part, w)
        J0 = 0.0
        for i in range(len(row)):
            z = row[i] + b[0, 0]
            p = exp_of_any(z)
            J0 += p - y[i] * z
            row[i] = dJ_dJ0 * (p - y[i])
        add_product(dw, row, columns, part)
        db, total = db + row.sum(), total + J0
    return dw.reshape(-1, 1), np.full_like(b, db), mean(total, Y), mean(0, Y)


@reassociated()
def fused_poisson_run(w_track, loss, accuracy, columns, Y, row, rate):
    K, _, B = columns.shape
    for j in range(len(loss)):
        X, y = columns[j % K], Y[j % K]
        product_with_columns(row, X, w_track[j])
        total = 0.0
        for i in range(B):
            z = row[i]
            p = exp_of_any(z)
            total += p - y[i] * z
            row[i] = p - y[i]
        loss[j] = total / B
        take_step(w_track, j, rate, X, row)


# --- what drives the steps


FORWARDS = {"linear": linear, "logistic": logistic, "poisson": poisson}
RUNS = {"linear": linear_run, "logistic": logistic_run, "poisson": poisson_run}
STEPS = {"linear": linear_step, "logistic": logistic_step, "poisson": poisson_step}
FUSED_STEPS = {"linear": fused_linear, "logistic": fused_logistic, "poisson": fused_poisson}
FUSED_RUNS = {
    "linear": fused_linear_run, "logistic": fused_logistic_run, "poisson": fused_poisson_run
}  # fmt: skip


def fused_train(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    K, B, F = X.shape
    S, y = epochs * K, np.ascontiguousarray(Y[..., 0])
    columns, row = aligned((K, F + 1, B), X.dtype), aligned((B,), X.dtype)
    columns[:, :F], columns[:, F] = X.transpose(0, 2, 1), 1  # the bias is a column of X
    w_track = np.empty((S + 1, F + 1), W.dtype)
    w_track[0, :F], w_track[0, F:] = W[:, 0], b[0]
    loss, accuracy = np.empty(S, W.dtype), np.empty(S, W.dtype)
    FUSED_RUNS[model](w_track, loss, accuracy, columns, y, row, learning_rate * dJ_dJ0)
    tracks = w_track[:, :F, None], w_track[:, F:, None]
    return Trajectory(*tracks, loss, accuracy if load(model).HAS_ACCURACY else None)


def aligned(shape, dtype):
    """An empty array that begins on a cache line: else every other vector would cross two lines."""
    count, itemsize = int(np.prod(shape)), np.dtype(dtype).itemsize
    memory = np.empty(count + LINE // itemsize, dtype)
    start = -memory.ctypes.data % LINE // itemsize
    return memory[start : start + count].reshape(shape)


def step_by_step(step, tracks, X, Y, learning_rate, dJ_dJ0):
    W_track, b_track, loss, accuracy = tracks
    W, b = W_track[0], b_track[0]
    for j in range(len(loss)):
        k = j % len(X)
        dW, db, loss[j], accuracy[j] = step(W, b, X[k], Y[k], dJ_dJ0)
        W_track[j + 1] = W = W - learning_rate * dW
        b_track[j + 1] = b = b - learning_rate * db


def make_step(model, formulation):
    """(W, b, X, Y, dJ_dJ0) -> dW, db, loss, accuracy; the last is unused for models without it."""
    if formulation == "fused":
        return FUSED_STEPS[model]
    return partial(STEPS[model], formulation == "dense")


# --- the contract


def make_forward(model):
    return FORWARDS[model]


def make_gradient(model, formulation, execution):
    step = make_step(model, formulation)

    def gradient(W, b, X, Y, dJ_dJ0):
        dW, db, loss, _ = step(W, b, X, Y, X.dtype.type(dJ_dJ0))
        return Gradient(dW, db, X.dtype.type(loss))  # Numba returns a Python float

    return gradient


def make_train(model, formulation, execution):
    if (formulation, execution) == ("fused", "run"):
        return partial(fused_train, model)
    steps = partial(step_by_step, make_step(model, formulation))
    if execution == "run":
        steps = partial(RUNS[model], formulation == "dense")
    has_accuracy = load(model).HAS_ACCURACY

    def train(W, b, X, Y, learning_rate, dJ_dJ0, epochs):
        S, number = epochs * len(X), X.dtype.type
        W_track, b_track = np.empty((S + 1, *W.shape), W.dtype), np.empty((S + 1, 1, 1), b.dtype)
        loss, accuracy = np.empty(S, W.dtype), np.empty(S, W.dtype)
        W_track[0], b_track[0] = W, b
        tracks = (W_track, b_track, loss, accuracy)
        steps(tracks, X, Y, number(learning_rate), number(dJ_dJ0))
        return Trajectory(W_track, b_track, loss, accuracy if has_accuracy else None)

    return train


def make_map(name, formulation, execution):
    return map_of(in_float64(LOOPS[name]), formulation, execution)


def map_of(function, formulation, execution):
    """The map and its pullback, from a function of x (n,) that returns value and diagonal (n,)."""
    pullback = pullback_dense if formulation == "dense" else pullback_elementwise

    def mapped(row, x):  # two calls: Numba's cache has no functions that take other ones
        value, diagonal = function(x)
        return value, pullback(row, diagonal)

    return mapped


def in_float64(loop):
    """The function of x in any dtype, computed in float64 and rounded once."""

    @np.errstate(all="ignore")  # of the rounding: infinity, nan and 0 are results like others
    def rounded(x):
        given = x.astype(np.float64, copy=False)
        value, diagonal = np.empty_like(given), np.empty_like(given)
        loop(given, value, diagonal)
        return value.astype(x.dtype, copy=False), diagonal.astype(x.dtype, copy=False)

    return rounded


def compile_seconds():
    return {"compile": compiling.duration if compiling.done else 0.0}  # type inference included


def settings():
    return {"threads": numba.get_num_threads()}
