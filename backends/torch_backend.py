"""PyTorch, as its users write it: inference_mode, tracks in place; steps, blocks, runs compiled."""

import json
import math
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import accumulate, cycle
from pathlib import Path
from typing import NamedTuple

import torch
from torch._higher_order_ops import scan
from torch.profiler import profile

from backends import torch_maps
from backends.contract import Forward, Gradient, Trajectory
from reference.models import load

# Also the default, unless TORCH_ALLOW_TF32_CUBLAS_OVERRIDE is set, as in some containers.
torch.set_float32_matmul_precision("highest")

DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
MODELS = ("linear", "logistic", "poisson")
FORMULATIONS = ("dense", "elementwise", "fused", "autodiff", "jacrev")
EXECUTIONS = ("eager", "step", "block", "run")
PARTITIONS = ("automatic", "batch")
MAPS = tuple(torch_maps.FUNCTIONS)
MAP_DTYPES = ("float64", "float32", "bfloat16", "float16")
MAP_DEFAULTS = torch_maps.DEFAULTS
MOST = {"block": 32, "run": None}  # steps of a call
UNROLLED = 10  # fused steps in one iteration of a compiled run: less time, more to compile
ROWS = 128  # of a track, that exist as tensors at once
AT_ONCE = 2**16  # numbers Z whose losses are computed at once: they stay in the cache

# Options of the compiler: a value that is read often is computed again, and not stored first.
ONE_LOOP = {"realize_reads_threshold": 1000, "realize_opcount_threshold": 1000}
NARROW = 8  # features, up to which the compiler makes one loop of a sum for each
COMPILATIONS = 10_000  # the limit for all cells together, which share their code objects


def compiled(function, **options):
    """Compile for each shape and dtype, and separately for each cell.

    By default torch stops after 8 compilations of one code object and then runs eagerly. With
    fullgraph it raises an error instead, and also after 256 compilations of all cells together.
    """
    torch._dynamo.config.accumulated_recompile_limit = COMPILATIONS
    return torch.compile(
        function, dynamic=False, fullgraph=True, isolate_recompiles=True, recompile_limit=64,
        options={"cpp_wrapper": True, **options},
    )  # fmt: skip


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
    fused_rows: Callable
    fused_data: Callable
    fused_residual: Callable
    fused_factor: int  # dJ0_dZ is fused_factor * fused_residual
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
    residual = torch.addmm(b, X, W).sub_(Y)  # (B, 1)
    row = 2 * dJ_dJ0 * residual.T
    dW, db = (row @ X).T, row.sum(axis=1, keepdims=True)
    return Gradient(dW, db, (residual**2).mean()), None


def linear_rows(z, y):
    residual = z - y
    return 2 * residual, (residual**2).sum()


def data(A, Y):  # (K, B, F+1), (K, B, 1)
    return A


def linear_residual(z, Y):  # (B,), (B,) -> (B,), in place   dJ0_dZ / 2
    return z.sub_(Y)


def linear_losses(z, Y):  # (..., B, E), overwritten, (..., B, 1) -> (..., E)
    return (z.sub_(Y).square_().mean(dim=-2),)


LINEAR = Model(
    linear, linear_loss, linear_maps, fused_linear, linear_rows, data, linear_residual, 2,
    linear_losses, load("linear").HAS_ACCURACY,
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


def logistic_rows(z, y):
    """Pred and J0 = max(z, 0) - y z + log(1 + e) from one exponential e = exp(-|z|)."""
    e = torch.exp(-z.abs())
    J0 = (z.clamp(min=0) - y * z).sum() + log_sum((1 + e)[:, None])[0]
    return torch.where(z > 0, 1, e) / (1 + e) - y, J0


def data_with_labels(A, Y):
    """With C = (1 - 2 Y) * A and z = C w, Pred - Y is (1 - 2 Y) sigmoid(z), and J0 softplus(z).

    So Y is in C, and nothing cancels.
    """
    return (1 - 2 * Y) * A


def logistic_residual(z, Y):  # (B,), (B,) -> (B,), in place   Y is in z: see data_with_labels
    return z.sigmoid_()


def logistic_losses(z, Y):  # (..., B, E), overwritten, (..., B, 1) -> (..., E), (..., E)
    smallest = torch.finfo(z.dtype).tiny  # at Z = 0 class 0 is predicted
    more = torch.lt(z, (1 - Y) * smallest, out=torch.empty_like(z))
    correct = more.mean(dim=-2)
    more = torch.clamp(z, min=0, out=more).sum(dim=-2)
    return (more + log_sum(z.abs_().neg_().exp_().add_(1))) / z.shape[-2], correct


def log_sum(numbers):  # (..., B, E), all in [1, 2] -> (..., E)   one logarithm per group
    size = math.frexp(torch.finfo(numbers.dtype).max)[1] - 1  # the product of so many is finite
    groups = numbers.shape[-2] // size
    whole, rest = numbers.tensor_split([groups * size], dim=-2)
    products = whole.unflatten(-2, (size, groups)).prod(dim=-3)  # (..., groups, E)
    return products.log_().sum(dim=-2) + rest.prod(dim=-2).log_()


LOGISTIC = Model(
    logistic, logistic_loss, logistic_maps, fused_logistic, logistic_rows, data_with_labels,
    logistic_residual, 1, logistic_losses, load("logistic").HAS_ACCURACY,
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


def poisson_rows(z, y):
    Pred = torch.exp(z)
    return Pred - y, Pred.sum() - (y * z).sum()


def poisson_residual(z, Y):  # (B,), (B,) -> (B,), in place
    return z.exp_().sub_(Y)


def poisson_losses(z, Y):  # (..., B, E), overwritten, (..., B, 1) -> (..., E)
    return (torch.exp(z).sub_(z.mul_(Y)).mean(dim=-2),)


POISSON = Model(
    poisson, poisson_loss, poisson_maps, fused_poisson, poisson_rows, data, poisson_residual, 1,
    poisson_losses, load("poisson").HAS_ACCURACY,
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


def fused_train(model, states, losses, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """All states, with the bias as a column of X and the batch as the last axis; then the losses.

    states(w, A, weighted, Y, epochs) -> (S+1, F+1)
    losses(A, before, Y) -> k x (K, E); before (K, F+1, E): the states before each step
    """
    K, B, F = X.shape
    A = model.fused_data(torch.cat([X, X.new_ones((K, B, 1))], dim=2), Y)
    A = A.transpose(1, 2).contiguous()  # (K, F+1, B)
    weighted = (-model.fused_factor * learning_rate * dJ_dJ0) * A
    w = torch.cat([W, b])[:, 0]
    w_track = states(w, A, weighted, Y[..., 0], epochs)
    before = w_track[:-1].unflatten(0, (epochs, K)).permute(1, 2, 0).contiguous()
    columns = [column.T.flatten() for column in losses(A, before, Y)]
    columns += [] if model.has_accuracy else [None]
    return Trajectory(w_track[:, :F, None], w_track[:, F:, None], *columns)


def rows_of(track):
    """Only ROWS of them at a time, since each takes 300 bytes as a tensor."""
    for part in track.split(ROWS):
        yield from part.unbind()


def eager_states(residual, w, A, weighted, Y, epochs):
    """Three calls a step, in place."""
    w_track = w.new_empty((epochs * len(A) + 1, len(w)))
    w_track[0] = w
    z = torch.empty_like(Y[0])
    w, after = w_track[0], rows_of(w_track[1:])
    batches = cycle(zip(A.transpose(1, 2), weighted, Y, strict=True))
    for (A_k, weighted_k, Y_k), w_next in zip(batches, after, strict=False):
        torch.addmv(w, weighted_k, residual(torch.mv(A_k, w, out=z), Y_k), out=w_next)
        w = w_next
    return w_track


def eager_losses(losses, A, before, Y):
    """Some batches and epochs at once, so that z stays in the cache."""
    K, _, E = before.shape
    batches = min(K, max(1, AT_ONCE // (E * Y.shape[1])))
    epochs = max(1, AT_ONCE // (batches * Y.shape[1]))
    rows = []
    for A_k, before_k, Y_k in zip(*(a.split(batches) for a in (A, before, Y)), strict=True):
        parts = [losses(A_k.mT @ part, Y_k) for part in before_k.split(epochs, dim=2)]
        rows.append(joined(parts, dim=1))
    return joined(rows, dim=0)


def joined(parts, dim):  # of several arrays each
    return [torch.cat(column, dim) for column in zip(*parts, strict=True)]


def divisor(S, most):
    """The largest divisor of S that is not larger than `most`."""
    return max(n for n in range(1, min(S, most) + 1) if S % n == 0)


def scanned_states(scanned, w, A, weighted, Y, epochs):
    """One loop in C++."""
    S = epochs * len(A)
    size = divisor(S, UNROLLED)
    order = torch.arange(len(A), device=w.device).repeat(epochs).reshape(-1, size)
    return torch.cat([w[None], scanned(w, A, weighted, Y, order)])


def fused_scan(residual, w, A, weighted, Y, order):
    """The states after each step (S, F+1); order (S / n, n) has the batches of n steps.

    Without matrix products a step is two loops over the batch.
    """

    def steps(w, batches):
        states = []
        for k in batches.split(1):
            z = (A[k][0] * w[:, None]).sum(dim=0)
            w = w + (weighted[k][0] * residual(z, Y[k][0])).sum(dim=1)
            states.append(w)
        return w.clone(), torch.stack(states)  # a scan returns nothing twice

    return scan(steps, w, order)[1].flatten(0, 1)


def compiled_losses(at_once, A, before, Y):
    """With rows of A_k that are contiguous the compiler vectorizes along the epochs."""
    batches = zip(A, before, Y, strict=True)
    rows = [at_once(A_k.T.contiguous(), before_k, Y_k) for A_k, before_k, Y_k in batches]
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def losses_at_once(losses, rows, before, Y_k):
    return losses((rows[..., None] * before).sum(dim=1), Y_k)


def fused_compiled(rows, W, b, X, Y, dJ_dJ0):
    """rows(z, y) of (B,) returns dJ0_dz (B,) and the sum of J0.

    With few features the products are sums along the batch, in one loop with the rest.
    """
    is_narrow = X.shape[1] <= NARROW
    z = ((X * W.T).sum(dim=1) if is_narrow else (X @ W)[:, 0]) + b[0]
    row, J0 = rows(z, Y[:, 0])
    if is_narrow:
        dW = torch.stack([(row * x).sum() for x in X.unbind(dim=1)])[:, None]
    else:
        dW = (row[None] @ X).T
    gradient = Gradient(dJ_dJ0 * dW, (dJ_dJ0 * row.sum()).reshape(1, 1), J0 / len(X))
    return gradient, (z[:, None], 0)


def fused_ways(model, execution):
    """The states and the losses of fused_train."""
    residual, losses = model.fused_residual, model.fused_losses
    if execution == "eager":
        return partial(eager_states, residual), partial(eager_losses, losses)
    return (
        partial(scanned_states, compiled(partial(fused_scan, residual))),
        partial(compiled_losses, compiled(partial(losses_at_once, losses), **ONE_LOOP)),
    )


def make_differentiate(model, formulation, execution):
    """(W, b, X, Y, dJ_dJ0) -> Gradient, (score, threshold); dJ_dJ0 is a tensor ().

    An example is predicted to be of class 1 where its score is above the threshold.
    """
    if formulation == "fused":
        if execution == "eager":
            return model.fused
        return partial(fused_compiled, model.fused_rows)
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


def loop(model, step, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """Train by one call of step after the other."""
    S, place = epochs * len(X), {"dtype": W.dtype, "device": W.device}
    W_track, b_track = (torch.empty((S + 1, *a.shape), **place) for a in (W, b))
    records = [torch.empty(S, **place) for _ in range(1 + model.has_accuracy)]
    W_track[0], b_track[0] = W, b
    # The first state must be an inference tensor as the later ones, or it would compile again.
    W, b = W_track[0], b_track[0]
    written = zip(*map(rows_of, (W_track[1:], b_track[1:], *records)), strict=True)
    batches = cycle(zip(X.unbind(), Y.unbind(), strict=True))
    numbers = number(learning_rate, W), number(dJ_dJ0, W)
    for (X_k, Y_k), out in zip(batches, written, strict=False):
        record = step(W, b, X_k, Y_k, *numbers)
        for row, value in zip(out, record, strict=True):
            row.copy_(value)
        W, b = record[:2]
    return Trajectory(W_track, b_track, *records, *([] if model.has_accuracy else [None]))


def scanned(step, W, b, X, Y, learning_rate, dJ_dJ0, order):
    """The records of all steps, each stacked; order (S, 1) has the batch of each."""

    def body(state, k):
        record = step(*state, X[k][0], Y[k][0], learning_rate, dJ_dJ0)
        return [a.clone() for a in record[:2]], record  # a scan returns nothing twice

    return scan(body, [W, b], order)[1]


def scan_train(model, scanned, most, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """Train by calls that do up to `most` steps each, in a loop in C++."""
    S = epochs * len(X)
    size = divisor(S, most or S)
    order = torch.arange(len(X), device=X.device).repeat(epochs)[:, None]
    numbers, blocks = (number(learning_rate, W), number(dJ_dJ0, W)), [(W[None], b[None])]
    for steps in order.split(size):
        W, b = (states[-1] for states in blocks[-1][:2])
        blocks.append(scanned(W, b, X, Y, *numbers, steps))
    W_track, b_track = (torch.cat([block[i] for block in blocks]) for i in (0, 1))
    records = [
        torch.cat(column) for column in zip(*(block[2:] for block in blocks[1:]), strict=True)
    ]
    return Trajectory(W_track, b_track, *records, *([] if model.has_accuracy else [None]))


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
    step = partial(update, parts, make_differentiate(parts, formulation, execution))
    if formulation == "fused" and execution in ("eager", "run"):
        train = partial(fused_train, parts, *fused_ways(parts, execution))
    elif execution in MOST:
        train = partial(scan_train, parts, compiled(partial(scanned, step)), MOST[execution])
    else:
        train = partial(loop, parts, step if execution == "eager" else compiled(step))
    return without_graph(formulation)(train)


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
