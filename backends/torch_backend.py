"""PyTorch, as its users write it: inference_mode, tracks written in place, torch.compile a step."""

import json
import tempfile
from functools import cache, partial
from itertools import accumulate
from pathlib import Path

import torch
from torch.profiler import profile

from backends.contract import Forward, Gradient, Trajectory
from reference.problems import MODELS, check_name

DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
FORMULATIONS = ("dense", "elementwise", "fused", "autodiff")
EXECUTIONS = ("eager", "step")

# A compilation for each shape and dtype, and none shared between cells: by default torch stops
# at 8 for one code object and then runs eagerly. With fullgraph it raises instead.
compiled = partial(
    torch.compile, dynamic=False, fullgraph=True, isolate_recompiles=True, recompile_limit=64
)


# --- arrays


def from_numpy(array, device):
    return torch.tensor(array, device=device)


def to_numpy(array):
    return array.numpy(force=True).copy()


def synchronize(tree):
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return tree


# --- pullbacks


def pullback_dense(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B*B numbers
    return row @ torch.diag(diagonal)


def pullback_elementwise(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B numbers
    return row * diagonal


PULLBACKS = {"dense": pullback_dense, "elementwise": pullback_elementwise}


# --- models


def linear_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Pred = X @ W + b
    J0 = (Y - Pred) ** 2
    return Pred, J0


def linear(W, b, X, Y):
    Pred, J0 = linear_loss(W, b, X, Y)
    dJ0_dPred = -2 * (Y - Pred)
    return Forward(Pred, J0, (dJ0_dPred.ravel(),))


def logistic_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Z = X @ W + b
    Pred = 1 / (1 + torch.exp(-Z))
    J0 = -(Y * torch.log(Pred) + (1 - Y) * torch.log(1 - Pred))
    return Pred, J0


def logistic(W, b, X, Y):
    Pred, J0 = logistic_loss(W, b, X, Y)
    dJ0_dPred = (Pred - Y) / (Pred * (1 - Pred))
    dPred_dZ = Pred * (1 - Pred)
    return Forward(Pred, J0, (dJ0_dPred.ravel(), dPred_dZ.ravel()))


FORWARDS = {"linear": linear, "logistic": logistic}


# --- backward


def backward(pullback, row, diagonals, X):  # (1, B), k x (B,), (B, F) -> (F, 1), (1, 1)
    for diagonal in diagonals:
        row = pullback(row, diagonal)
    return (row @ X).T, row.sum(axis=1, keepdims=True)


def chain(forward, pullback, W, b, X, Y, dJ_dJ0):
    Pred, J0, diagonals = forward(W, b, X, Y)
    dW, db = backward(pullback, dJ_dJ0.expand(1, len(X)), diagonals, X)
    return Gradient(dW, db, J0.mean()), accuracy(Pred > 0.5, Y)


def accuracy(predicted, Y):  # (B, 1), (B, 1) -> ()
    return (predicted == Y).mean(dtype=Y.dtype)


# --- fused


def fused_linear(W, b, X, Y, dJ_dJ0):
    residual = X @ W + b - Y  # (B, 1)
    row = 2 * dJ_dJ0 * residual.T
    dW, db = (row @ X).T, row.sum(axis=1, keepdims=True)
    return Gradient(dW, db, (residual**2).mean()), accuracy(residual > 0, Y)


def fused_logistic(W, b, X, Y, dJ_dJ0):
    Z = X @ W + b  # (B, 1)
    row = dJ_dJ0 * (torch.sigmoid(Z) - Y).T
    loss = torch.nn.functional.binary_cross_entropy_with_logits(Z, Y)
    return Gradient((row @ X).T, row.sum(axis=1, keepdims=True), loss), accuracy(Z > 0, Y)


FUSED = {"linear": fused_linear, "logistic": fused_logistic}


# --- the losses for autodiff


LOSSES = {"linear": linear_loss, "logistic": logistic_loss}


@torch.enable_grad()
def autodiff(loss, W, b, X, Y, dJ_dJ0):
    W, b = W.detach().requires_grad_(), b.detach().requires_grad_()
    Pred, J0 = loss(W, b, X, Y)
    dW, db = torch.autograd.grad(dJ_dJ0 * J0.sum(), (W, b))
    return Gradient(dW, db, J0.detach().mean()), accuracy(Pred > 0.5, Y)


def autodiff_functional(loss, W, b, X, Y, dJ_dJ0):
    """The same through torch.func, which torch.compile can trace; eager, it is half as fast."""

    def J(W, b):
        Pred, J0 = loss(W, b, X, Y)
        return dJ_dJ0 * J0.sum(), (J0.mean(), accuracy(Pred > 0.5, Y))

    (dW, db), (mean, correct) = torch.func.grad(J, argnums=(0, 1), has_aux=True)(W, b)
    return Gradient(dW, db, mean), correct


# --- what drives the steps


def make_differentiate(model, formulation, execution):
    """(W, b, X, Y, dJ_dJ0) -> Gradient, accuracy of one batch; dJ_dJ0 is a tensor ()."""
    if formulation == "fused":
        return FUSED[model]
    if formulation == "autodiff":
        return partial(autodiff if execution == "eager" else autodiff_functional, LOSSES[model])
    return partial(chain, FORWARDS[model], PULLBACKS[formulation])


def without_graph(formulation):
    """The mode to run in: inference tensors cannot be differentiated."""
    return torch.no_grad() if formulation == "autodiff" else torch.inference_mode()


def number(value, like):
    """A tensor (): a Python float would be a constant of the compiled code, and compile anew."""
    return torch.full((), value, dtype=like.dtype, device=like.device)


def update(differentiate, W, b, X, Y, learning_rate, dJ_dJ0):
    (dW, db, loss), accuracy = differentiate(W, b, X, Y, dJ_dJ0)
    return W - learning_rate * dW, b - learning_rate * db, loss, accuracy


def loop(step, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    S, place = epochs * len(X), {"dtype": W.dtype, "device": W.device}
    W_track, b_track = (torch.empty((S + 1, *a.shape), **place) for a in (W, b))
    loss, accuracy = torch.empty(S, **place), torch.empty(S, **place)
    W_track[0], b_track[0] = W, b
    rows = [track.unbind() for track in (W_track[1:], b_track[1:], loss, accuracy)]
    batches = zip(X.unbind() * epochs, Y.unbind() * epochs, strict=True)
    numbers = number(learning_rate, W), number(dJ_dJ0, W)
    for (X_k, Y_k), *out in zip(batches, *rows, strict=True):
        record = step(W, b, X_k, Y_k, *numbers)
        for row, value in zip(out, record, strict=True):
            row.copy_(value)
        W, b = record[:2]
    return Trajectory(W_track, b_track, loss, accuracy)


# --- the contract


@cache
def make_forward(model):
    check_name("model", model, MODELS)
    return FORWARDS[model]


@cache
def make_gradient(model, formulation, execution):
    check_name("model", model, MODELS)
    check_name("formulation", formulation, FORMULATIONS)
    check_name("execution", execution, EXECUTIONS)
    differentiate = make_differentiate(model, formulation, execution)
    if execution == "step":
        differentiate = compiled(differentiate)

    def gradient(W, b, X, Y, dJ_dJ0):
        with without_graph(formulation):
            return differentiate(W, b, X, Y, number(dJ_dJ0, X))[0]

    return gradient


@cache
def make_train(model, formulation, execution):
    check_name("model", model, MODELS)
    check_name("formulation", formulation, FORMULATIONS)
    check_name("execution", execution, EXECUTIONS)
    step = partial(update, make_differentiate(model, formulation, execution))
    if execution == "step":
        step = compiled(step)

    def train(W, b, X, Y, learning_rate, dJ_dJ0, epochs):
        with without_graph(formulation):
            trajectory = loop(step, W, b, X, Y, learning_rate, dJ_dJ0, epochs)
        return trajectory if model == "logistic" else trajectory._replace(accuracy=None)

    return train


def temporary_bytes(function, *arguments):
    """The peak of the allocations that the profiler saw in one call, less what the call returns."""
    synchronize(function(*arguments))
    with profile(profile_memory=True) as profiler:
        result = synchronize(function(*arguments))
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())["traceEvents"]
    del result
    changes = (event["args"]["Bytes"] for event in events if event["name"] == "[memory]")
    in_use = list(accumulate(changes, initial=0))
    return max(in_use) - in_use[-1]
