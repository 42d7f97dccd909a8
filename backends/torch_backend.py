"""PyTorch, as its users write it: inference_mode, tracks in place, steps or blocks compiled."""

import json
import math
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import torch
from torch.profiler import profile

from backends import torch_maps
from backends.contract import Forward, Gradient, Trajectory
from reference.models import load

# Also the default, unless TORCH_ALLOW_TF32_CUBLAS_OVERRIDE is set, as in some containers.
torch.set_float32_matmul_precision("highest")

DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
MODELS = ("linear", "logistic", "poisson")
FORMULATIONS = ("dense", "elementwise", "fused", "autodiff", "jacrev")
EXECUTIONS = ("eager", "step", "block")
PARTITIONS = ("automatic", "batch")
MAPS = tuple(torch_maps.FUNCTIONS)
MAP_DTYPES = ("float64", "float32", "bfloat16", "float16")
MAP_DEFAULTS = torch_maps.DEFAULTS
BLOCK = 32  # the most steps compiled as one: each takes about a second to compile

COMPILATIONS = 10_000  # the limit for all cells together, which share their code objects


def compiled(function):
    """Compile for each shape and dtype, and separately for each cell.

    By default torch stops after 8 compilations of one code object and then runs eagerly. With
    fullgraph it raises an error instead, and also after 256 compilations of all cells together.
    """
    torch._dynamo.config.accumulated_recompile_limit = COMPILATIONS
    return torch.compile(
        function, dynamic=False, fullgraph=True, isolate_recompiles=True, recompile_limit=64
    )


# --- arrays


def from_numpy(array, device):
    return torch.tensor(array, device=device)


def to_numpy(array):
    return array.numpy(force=True).copy()


def synchronize(tree):
    device = device_of(tree)
    if device.type == "cuda":  # a CPU row must not wait for a GPU, which would be timed
        torch.cuda.synchronize(device)
    return tree


def is_ready(tree):
    device = device_of(tree)
    return device.type != "cuda" or torch.cuda.current_stream(device).query()


def device_of(tree):
    while isinstance(tree, tuple):
        tree = tree[0]
    return tree.device


# --- pullbacks


def pullback_dense(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B*B numbers
    return row @ torch.diag(diagonal)


def pullback_elementwise(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B numbers
    return row * diagonal


PULLBACKS = {"dense": pullback_dense, "elementwise": pullback_elementwise}


# --- what the models share


class Model(NamedTuple):
    """What is written for each model."""

    forward: Callable
    loss: Callable
    maps: Callable
    fused: Callable
    fused_data: Callable
    fused_steps: Callable
    fused_losses: Callable
    has_accuracy: bool


def backward(pullback, row, diagonals, X):  # (1, B), k x (B,), (B, F) -> (F, 1), (1, 1)
    for diagonal in diagonals:
        row = pullback(row, diagonal)
    return (row @ X).T, row.sum(axis=1, keepdims=True)


def chain(forward, pullback, W, b, X, Y, dJ_dJ0):
    Pred, J0, diagonals = forward(W, b, X, Y)
    dW, db = backward(pullback, dJ_dJ0.expand(1, len(X)), diagonals, X)
    return Gradient(dW, db, J0.mean()), (Pred, 0.5)


@torch.enable_grad()
def autodiff(loss, W, b, X, Y, dJ_dJ0):
    W, b = W.detach().requires_grad_(), b.detach().requires_grad_()
    Pred, J0 = loss(W, b, X, Y)
    dW, db = torch.autograd.grad(dJ_dJ0 * J0.sum(), (W, b))
    return Gradient(dW, db, J0.detach().mean()), (Pred.detach(), 0.5)


def autodiff_functional(loss, W, b, X, Y, dJ_dJ0):
    """The same through torch.func, which torch.compile can trace; eager, it is half as fast."""

    def J(W, b):
        Pred, J0 = loss(W, b, X, Y)
        return dJ_dJ0 * J0.sum(), (J0.mean(), Pred)

    (dW, db), (mean, Pred) = torch.func.grad(J, argnums=(0, 1), has_aux=True)(W, b)
    return Gradient(dW, db, mean), (Pred, 0.5)


def jacobian(function, at, *others):  # of a map (B, 1) -> (B, 1), as a matrix (B, B)
    return torch.func.jacrev(function)(at, *others).reshape(len(at), len(at))  # (B, 1, B, 1)


def jacrev(maps, W, b, X, Y, dJ_dJ0):
    row = dJ_dJ0.expand(1, len(X))
    Pred, J0, jacobians = maps(X @ W + b, Y)
    for form in jacobians:
        row = row @ jacobian(*form)
    gradient = Gradient((row @ X).T, row.sum(axis=1, keepdims=True), J0.mean())
    return gradient, (Pred, 0.5)


def batches_of(A, rate, epochs):
    """A_k and -rate A_k.T of every step, with the batch as the contiguous axis."""
    columns = A.transpose(1, 2).contiguous()  # (K, F+1, B)
    return list(zip(columns.transpose(1, 2), -rate * columns, strict=True)) * epochs


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


def linear_maps(Z, Y):  # Pred, J0, and each elementwise map with its arguments
    return Z, squared_error(Z, Y), ((squared_error, Z, Y),)


def fused_linear(W, b, X, Y, dJ_dJ0):
    residual = torch.addmm(b, X, W) - Y  # (B, 1)
    row = 2 * dJ_dJ0 * residual.T
    dW, db = (row @ X).T, row.sum(axis=1, keepdims=True)
    return Gradient(dW, db, (residual**2).mean()), None


def data(A, Y):  # (K, B, F+1), (K, B, 1)
    return A


def fused_linear_steps(w_track, A, Y, rate, epochs):
    residual = torch.empty_like(Y[0])
    w, *after = w_track.unbind()
    batches = zip(batches_of(A, 2 * rate, epochs), list(Y) * epochs, after, strict=True)
    for (A_k, weighted_k), Y_k, w_next in batches:
        torch.mv(A_k, w, out=residual).sub_(Y_k)
        torch.addmv(w, weighted_k, residual, out=w_next)
        w = w_next


def fused_linear_losses(z, more, Y, loss):
    """Write loss (E,), from z (B, E), which is overwritten."""
    torch.mean(z.sub_(Y).square_(), dim=0, out=loss)


LINEAR = Model(
    linear, linear_loss, linear_maps, fused_linear, data, fused_linear_steps,
    fused_linear_losses, load("linear").HAS_ACCURACY,
)  # fmt: skip


# --- logistic


def sigmoid(Z):  # (B, 1) -> (B, 1)
    return 1 / (1 + torch.exp(-Z))


def cross_entropy(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return -(Y * torch.log(Pred) + (1 - Y) * torch.log(1 - Pred))


def logistic_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Pred = sigmoid(X @ W + b)
    return Pred, cross_entropy(Pred, Y)


def logistic(W, b, X, Y):
    Pred, J0 = logistic_loss(W, b, X, Y)
    dJ0_dPred = (Pred - Y) / (Pred * (1 - Pred))
    dPred_dZ = Pred * (1 - Pred)
    return Forward(Pred, J0, (dJ0_dPred.ravel(), dPred_dZ.ravel()))


def logistic_maps(Z, Y):
    Pred = sigmoid(Z)
    return Pred, cross_entropy(Pred, Y), ((cross_entropy, Pred, Y), (sigmoid, Z))


def fused_logistic(W, b, X, Y, dJ_dJ0):
    Z = torch.addmm(b, X, W)  # (B, 1)
    row = torch.sigmoid(Z).sub_(Y).mul_(dJ_dJ0).T
    loss = torch.nn.functional.binary_cross_entropy_with_logits(Z, Y)
    return Gradient((row @ X).T, row.sum(axis=1, keepdims=True), loss), (Z, 0)


def data_with_labels(A, Y):
    """With C = (1 - 2 Y) * A and z = C w, Pred - Y is (1 - 2 Y) sigmoid(z), and J0 softplus(z).

    So Y is in C, and nothing cancels.
    """
    return (1 - 2 * Y) * A


def fused_logistic_steps(w_track, A, Y, rate, epochs):
    z = torch.empty_like(Y[0])
    w, *after = w_track.unbind()
    for (A_k, weighted_k), w_next in zip(batches_of(A, rate, epochs), after, strict=True):
        torch.mv(A_k, w, out=z).sigmoid_()
        torch.addmv(w, weighted_k, z, out=w_next)
        w = w_next


def fused_logistic_losses(z, more, Y, loss, correct):
    """Write loss and correct (E,), from z (B, E); z and more (B, E) are overwritten."""
    smallest = torch.finfo(z.dtype).tiny  # at Z = 0 class 0 is predicted
    torch.lt(z, (1 - Y) * smallest, out=more)
    torch.mean(more, dim=0, out=correct)
    torch.clamp(z, min=0, out=more)
    z.abs_().neg_().exp_().add_(1)
    torch.add(more.sum(dim=0), log_sum(z), out=loss).div_(len(Y))


def log_sum(numbers):  # (B, E), all in [1, 2] -> (E,)   one logarithm per chunk
    size = math.frexp(torch.finfo(numbers.dtype).max)[1] - 1  # the product of so many is finite
    return sum(chunk.prod(dim=0).log_() for chunk in numbers.split(size))


LOGISTIC = Model(
    logistic, logistic_loss, logistic_maps, fused_logistic, data_with_labels,
    fused_logistic_steps, fused_logistic_losses, load("logistic").HAS_ACCURACY,
)  # fmt: skip


# --- poisson


def negative_log_likelihood(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return Pred - Y * torch.log(Pred)


def poisson_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Pred = torch.exp(X @ W + b)
    return Pred, negative_log_likelihood(Pred, Y)


def poisson(W, b, X, Y):
    Pred, J0 = poisson_loss(W, b, X, Y)
    dJ0_dPred = 1 - Y / Pred
    dPred_dZ = Pred
    return Forward(Pred, J0, (dJ0_dPred.ravel(), dPred_dZ.ravel()))


def poisson_maps(Z, Y):
    Pred = torch.exp(Z)
    J0 = negative_log_likelihood(Pred, Y)
    return Pred, J0, ((negative_log_likelihood, Pred, Y), (torch.exp, Z))


def fused_poisson(W, b, X, Y, dJ_dJ0):
    Z = torch.addmm(b, X, W)  # (B, 1)
    row = torch.exp(Z).sub_(Y).mul_(dJ_dJ0).T
    loss = torch.nn.functional.poisson_nll_loss(Z, Y)
    return Gradient((row @ X).T, row.sum(axis=1, keepdims=True), loss), None


def fused_poisson_steps(w_track, A, Y, rate, epochs):
    residual = torch.empty_like(Y[0])
    w, *after = w_track.unbind()
    batches = zip(batches_of(A, rate, epochs), list(Y) * epochs, after, strict=True)
    for (A_k, weighted_k), Y_k, w_next in batches:
        torch.mv(A_k, w, out=residual).exp_().sub_(Y_k)
        torch.addmv(w, weighted_k, residual, out=w_next)
        w = w_next


def fused_poisson_losses(z, more, Y, loss):
    """Write loss (E,), from z (B, E); z and more (B, E) are overwritten."""
    torch.exp(z, out=more)
    torch.mean(more.sub_(z.mul_(Y)), dim=0, out=loss)


POISSON = Model(
    poisson, poisson_loss, poisson_maps, fused_poisson, data, fused_poisson_steps,
    fused_poisson_losses, load("poisson").HAS_ACCURACY,
)  # fmt: skip


# --- maps


def map_chain(pullback, differentiate, function, row, x):  # (1, n), (n,) -> (n,), (1, n)
    value, diagonal = differentiate(function, torch.ones_like(row), x)
    return value, pullback(row, diagonal[0])


@torch.enable_grad()
def map_autodiff(function, row, x):
    x = x.detach().requires_grad_()
    value = function(x)
    (pulled,) = torch.autograd.grad(value, x, row[0])
    return value.detach(), pulled[None]


def map_autodiff_functional(function, row, x):
    """The same through torch.func, which torch.compile can trace."""
    value, pull = torch.func.vjp(function, x)
    (pulled,) = pull(row[0])
    return value, pulled[None]


def map_jacrev(function, row, x):
    return function(x), row @ torch.func.jacrev(function)(x)


# --- what drives the steps


PARTS = {"linear": LINEAR, "logistic": LOGISTIC, "poisson": POISSON}


def fused_train(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """Three calls per step, in place, with the bias as a column of X; then the losses."""
    K, B, F = X.shape
    A = model.fused_data(torch.cat([X, X.new_ones((K, B, 1))], dim=2), Y)  # (K, B, F+1)
    w_track = X.new_empty((epochs * K + 1, F + 1))
    w_track[0] = torch.cat([W, b])[:, 0]
    model.fused_steps(w_track, A, Y[..., 0], learning_rate * dJ_dJ0, epochs)
    before = w_track[:-1].unflatten(0, (epochs, K)).permute(1, 2, 0)  # (K, F+1, E)
    records = X.new_empty((1 + model.has_accuracy, K, epochs))
    z, more = X.new_empty((2, B, epochs))  # once: fresh memory costs more than the arithmetic
    for k in range(K):
        torch.mm(A[k], before[k], out=z)
        model.fused_losses(z, more, Y[k], *records[:, k])
    columns = [record.T.reshape(-1) for record in records]
    columns += [] if model.has_accuracy else [None]
    return Trajectory(w_track[:, :F, None].clone(), w_track[:, F:, None].clone(), *columns)


def make_differentiate(model, formulation, execution):
    """(W, b, X, Y, dJ_dJ0) -> Gradient, (score, threshold); dJ_dJ0 is a tensor ().

    An example is predicted to be of class 1 where its score is above the threshold.
    """
    if formulation == "fused":
        return model.fused
    if formulation == "autodiff":
        return partial(autodiff if execution == "eager" else autodiff_functional, model.loss)
    if formulation == "jacrev":
        return partial(jacrev, model.maps)
    return partial(chain, model.forward, PULLBACKS[formulation])


def without_graph(formulation):
    """The mode to run in; tensors of inference mode cannot be differentiated."""
    derived = formulation in ("autodiff", "jacrev")
    return torch.no_grad() if derived else torch.inference_mode()


def number(value, like):
    """A tensor (). A Python float would be a compiled constant: a new value would compile again."""
    return torch.full((), value, dtype=like.dtype, device=like.device)


def update(model, differentiate, W, b, X, Y, learning_rate, dJ_dJ0):
    """One step: the new W and b, the loss, and the accuracy of a model that has one."""
    (dW, db, loss), decision = differentiate(W, b, X, Y, dJ_dJ0)
    record = (W - learning_rate * dW, b - learning_rate * db, loss)
    if not model.has_accuracy:
        return record
    score, threshold = decision
    return (*record, ((score > threshold) == Y).mean(dtype=Y.dtype))


@cache  # "step" and "block" share it
def compiled_step(model, formulation):
    parts = PARTS[model]
    return compiled(partial(update, parts, make_differentiate(parts, formulation, "step")))


def block(update, W, b, X, Y, learning_rate, dJ_dJ0):
    """len(X) steps, unrolled: their records, stacked."""
    records = []
    for X_k, Y_k in zip(X.unbind(), Y.unbind(), strict=True):
        records.append(update(W, b, X_k, Y_k, learning_rate, dJ_dJ0))
        W, b = records[-1][:2]
    return [torch.stack(column) for column in zip(*records, strict=True)]


def loop(model, advance, size, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """Train by calls of advance, which does size steps and returns their records."""
    S, place = epochs * len(X), {"dtype": W.dtype, "device": W.device}
    W_track, b_track = (torch.empty((S + 1, *a.shape), **place) for a in (W, b))
    records = [torch.empty(S, **place) for _ in range(1 + model.has_accuracy)]
    W_track[0], b_track[0] = W, b
    # The first state must be an inference tensor as the later ones, or it would compile again.
    W, b = W_track[0], b_track[0]
    cut = torch.unbind if size == 1 else partial(torch.split, split_size_or_sections=size)
    rows = [cut(track) for track in (W_track[1:], b_track[1:], *records)]
    batches = zip(cut(X) * epochs, cut(Y) * epochs, strict=True)
    numbers = number(learning_rate, W), number(dJ_dJ0, W)
    for (X_k, Y_k), *out in zip(batches, *rows, strict=True):
        record = advance(W, b, X_k, Y_k, *numbers)
        for row, value in zip(out, record, strict=True):
            row.copy_(value)
        W, b = record[:2] if size == 1 else (states[-1] for states in record[:2])
    return Trajectory(W_track, b_track, *records, *([] if model.has_accuracy else [None]))


def block_size(K):
    """The largest number of steps up to BLOCK that divides an epoch of K steps."""
    return max(size for size in range(1, BLOCK + 1) if K % size == 0)


# --- the contract


def make_forward(model):
    return PARTS[model].forward


def make_gradient(model, formulation, execution):
    differentiate = make_differentiate(PARTS[model], formulation, execution)
    if execution == "step":
        differentiate = compiled(differentiate)

    def gradient(W, b, X, Y, dJ_dJ0):
        with without_graph(formulation):
            return differentiate(W, b, X, Y, number(dJ_dJ0, X))[0]

    return gradient


def make_train(model, formulation, execution):
    parts = PARTS[model]
    if (formulation, execution) == ("fused", "eager"):
        return torch.inference_mode(partial(fused_train, parts))
    step = partial(update, parts, make_differentiate(parts, formulation, execution))
    single = several = step
    if execution != "eager":
        single, several = compiled_step(model, formulation), compiled(partial(block, step))

    def train(W, b, X, Y, learning_rate, dJ_dJ0, epochs):
        size = block_size(len(X)) if execution == "block" else 1
        advance = single if size == 1 else several
        with without_graph(formulation):
            return loop(parts, advance, size, W, b, X, Y, learning_rate, dJ_dJ0, epochs)

    return train


def make_map(name, formulation, execution):
    return map_of(torch_maps.FUNCTIONS[name], formulation, execution)


def map_of(function, formulation, execution):
    is_eager = execution == "eager"
    differentiate = map_autodiff if is_eager else map_autodiff_functional
    if formulation == "autodiff":
        form = differentiate
    elif formulation == "jacrev":
        form = map_jacrev
    else:
        form = partial(map_chain, PULLBACKS[formulation], differentiate)
    form = partial(form, function)
    return torch.no_grad()(form if is_eager else compiled(form))


def cast(array, dtype):
    return array.to(getattr(torch, dtype))


def sharding():
    from backends import torch_shards  # only for several devices: it starts torch.distributed

    return torch_shards


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


def compile_seconds():
    """The time of tracing is that of torch.compile less that of the compiler that it calls."""
    if "torch._dynamo" not in sys.modules:  # importing it takes seconds, and nothing has compiled
        return {"trace": 0.0, "compile": 0.0}
    seconds = dict(zip(*torch._dynamo.utils.compile_times("csv", aggregate=True), strict=True))
    both = float(seconds.get("_compile.compile_inner", 0))
    compiler = float(seconds.get("OutputGraph.call_user_compiler", 0))
    return {"trace": both - compiler, "compile": compiler}


def settings():
    return {
        "threads": torch.get_num_threads(),
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "TF32": torch.backends.cuda.matmul.allow_tf32,
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
