"""JAX, as its users write it: pure functions under jit, and lax.scan over the whole run."""

import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from backends import jax_maps
from backends.contract import Forward, Gradient, Trajectory
from reference.models import load

jax.config.update("jax_enable_x64", True)  # without it JAX silently computes in float32
jax.config.update("jax_default_matmul_precision", "highest")  # a GPU may round float32 to TF32
jax.config.update("jax_numpy_rank_promotion", "allow")  # row * diagonal is (1, B) times (B,)
jax.config.update("jax_numpy_dtype_promotion", "standard")  # dJ_dJ0 and rate are Python floats


def _is_usable(device):
    try:
        return bool(jax.devices(device))
    except RuntimeError:  # "Unknown backend": this build or this machine has none
        return False


DEVICES = tuple(filter(_is_usable, ("cpu", "cuda")))
MODELS = ("linear", "logistic", "poisson")
FORMULATIONS = ("dense", "elementwise", "fused", "autodiff", "jacrev")
EXECUTIONS = ("run", "step")
PARTITIONS = ("automatic", "batch")
MAPS = tuple(jax_maps.FUNCTIONS)
MAP_DTYPES = ("float64", "float32", "bfloat16", "float16")
MAP_DEFAULTS = jax_maps.DEFAULTS

SECONDS = {"trace": 0.0, "compile": 0.0}  # what this process has spent
STAGES = {
    "/jax/core/compile/jaxpr_trace_duration": "trace",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "trace",
    "/jax/core/compile/backend_compile_duration": "compile",
}


def _add(event, seconds, **_):
    if event in STAGES:
        SECONDS[STAGES[event]] += seconds


jax.monitoring.register_event_duration_secs_listener(_add)


# --- arrays


def from_numpy(array, device):
    # The copy keeps the device array from being a view of the caller's memory.
    return jax.device_put(np.array(array), jax.devices(device)[0])


def to_numpy(array):
    return np.array(array)


def synchronize(tree):
    return jax.block_until_ready(tree)


def is_ready(tree):
    return all(leaf.is_ready() for leaf in jax.tree.leaves(tree))


# --- pullbacks


def pullback_dense(row, diagonal):  # (1, B), (B,) -> (1, B)   forms B*B numbers
    # Without the barrier XLA for GPUs rewrites row @ diag(d) to row * d.
    return row @ lax.optimization_barrier(jnp.diag(diagonal))


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
    fused_batches: Callable
    fused_step: Callable
    fused_losses: Callable
    has_accuracy: bool


def backward(pullback, row, diagonals, X):  # (1, B), k x (B,), (B, F) -> (F, 1), (1, 1)
    for diagonal in diagonals:
        row = pullback(row, diagonal)
    return (row @ X).T, row.sum(axis=1, keepdims=True)


def chain(forward, pullback, W, b, X, Y, dJ_dJ0):
    Pred, J0, diagonals = forward(W, b, X, Y)
    row = jnp.full((1, len(X)), dJ_dJ0, dtype=X.dtype)
    dW, db = backward(pullback, row, diagonals, X)
    return Gradient(dW, db, J0.mean()), accuracy(Pred > 0.5, Y)


def accuracy(predicted, Y):  # (B, 1), (B, 1) -> ()
    return (predicted == Y).mean(dtype=Y.dtype)


def autodiff(loss, W, b, X, Y, dJ_dJ0):
    def J(W, b):
        Pred, J0 = loss(W, b, X, Y)
        return dJ_dJ0 * J0.sum(), (J0.mean(), accuracy(Pred > 0.5, Y))

    (dW, db), (mean, correct) = jax.grad(J, argnums=(0, 1), has_aux=True)(W, b)
    return Gradient(dW, db, mean), correct


def jacobian(function, at, *others):  # of a map (B, 1) -> (B, 1), as a matrix (B, B)
    matrix = jax.jacrev(function)(at, *others)  # (B, 1, B, 1)
    return lax.optimization_barrier(matrix.reshape(len(at), len(at)))


def jacrev(maps, W, b, X, Y, dJ_dJ0):
    row = jnp.full((1, len(X)), dJ_dJ0, dtype=X.dtype)
    Pred, J0, jacobians = maps(X @ W + b, Y)
    for form in jacobians:
        row = row @ jacobian(*form)
    gradient = Gradient((row @ X).T, row.sum(axis=1, keepdims=True), J0.mean())
    return gradient, accuracy(Pred > 0.5, Y)


def log_sum(numbers):  # (B, E), all in [1, 2] -> (E,)   one logarithm per chunk
    size = jnp.finfo(numbers.dtype).maxexp - 1  # the product of so many does not overflow
    chunks = [numbers[i : i + size] for i in range(0, len(numbers), size)]
    return sum(jnp.log(chunk.prod(axis=0)) for chunk in chunks)


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
    residual = X @ W + b - Y  # (B, 1)
    row = 2 * dJ_dJ0 * residual.T
    dW, db = (row @ X).T, row.sum(axis=1, keepdims=True)
    return Gradient(dW, db, (residual**2).mean()), accuracy(residual > 0, Y)


def columns_and_targets(A, Y):  # (K, B, F+1), (K, B, 1)
    return A, (A.swapaxes(1, 2), Y[..., 0])


def fused_linear_step(rate, w, batch):
    columns, y = batch  # (F+1, B), (B,)
    residual = (w[:, None] * columns).sum(axis=0) - y
    return w - columns @ (2 * rate * residual), w


def fused_linear_losses(z, Y):  # (B, E'), (B, 1) -> (E',), (E',)
    return ((z - Y) ** 2).mean(axis=0), jnp.zeros_like(z[0])


LINEAR = Model(
    linear, linear_loss, linear_maps, fused_linear, columns_and_targets, fused_linear_step,
    fused_linear_losses, load("linear").HAS_ACCURACY,
)  # fmt: skip


# --- logistic


def sigmoid(Z):  # (B, 1) -> (B, 1)
    return 1 / (1 + jnp.exp(-Z))


def cross_entropy(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return -(Y * jnp.log(Pred) + (1 - Y) * jnp.log(1 - Pred))


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
    """Pred and the loss from exp(-abs(Z)), which cannot overflow, with few logarithms."""
    Z, Y = (X @ W + b).ravel(), Y.ravel()  # (B,), which XLA computes twice as fast as (B, 1)
    e = jnp.exp(-jnp.abs(Z))
    row = dJ_dJ0 * (jnp.where(Z > 0, 1, e) / (1 + e) - Y)
    total = (jnp.maximum(Z, 0) - Y * Z).sum() + log_sum(in_columns(1 + e)).sum()
    gradient = Gradient((row[None] @ X).T, row.sum().reshape(1, 1), total / len(Y))
    return gradient, accuracy(Z > 0, Y)


def in_columns(numbers):  # (B,) -> (B/E, E)   padded with ones; E > 1, so that products are vectors
    columns = max(16, len(numbers) // 512)
    filled = jnp.pad(numbers, (0, -len(numbers) % columns), constant_values=1)
    return filled.reshape(-1, columns)


def fused_logistic_batches(A, Y):
    """With C = (1 - 2 Y) * X and z = C w, Pred - Y is (1 - 2 Y) sigmoid(z), and J0 softplus(z)."""
    C = (1 - 2 * Y) * A
    return C, (C.swapaxes(1, 2),)  # scanning Y as well would cost half a step


def fused_logistic_step(rate, w, batch):
    (columns,) = batch
    z = (w[:, None] * columns).sum(axis=0)  # (B,)
    return w - columns @ (rate / (1 + jnp.exp(-z))), w


def fused_logistic_losses(z, Y):
    J0 = jnp.maximum(z, 0).sum(axis=0) + log_sum(1 + jnp.exp(-jnp.abs(z)))
    zero = jnp.where(Y == 0, jnp.finfo(Y.dtype).tiny, 0)  # Z = 0 predicts class 0
    return J0 / len(z), (z < zero).mean(axis=0, dtype=z.dtype)


LOGISTIC = Model(
    logistic, logistic_loss, logistic_maps, fused_logistic, fused_logistic_batches,
    fused_logistic_step, fused_logistic_losses, load("logistic").HAS_ACCURACY,
)  # fmt: skip


# --- poisson


def negative_log_likelihood(Pred, Y):  # (B, 1), (B, 1) -> (B, 1)
    return Pred - Y * jnp.log(Pred)


def poisson_loss(W, b, X, Y):  # (F, 1), (1, 1), (B, F), (B, 1) -> (B, 1), (B, 1)
    Pred = jnp.exp(X @ W + b)
    return Pred, negative_log_likelihood(Pred, Y)


def poisson(W, b, X, Y):
    Pred, J0 = poisson_loss(W, b, X, Y)
    dJ0_dPred = 1 - Y / Pred
    dPred_dZ = Pred
    return Forward(Pred, J0, (dJ0_dPred.ravel(), dPred_dZ.ravel()))


def poisson_maps(Z, Y):
    Pred = jnp.exp(Z)
    J0 = negative_log_likelihood(Pred, Y)
    return Pred, J0, ((negative_log_likelihood, Pred, Y), (jnp.exp, Z))


def fused_poisson(W, b, X, Y, dJ_dJ0):
    Z, Y = (X @ W + b).ravel(), Y.ravel()  # (B,), as in fused_logistic
    Pred = jnp.exp(Z)
    row = dJ_dJ0 * (Pred - Y)
    gradient = Gradient((row[None] @ X).T, row.sum().reshape(1, 1), (Pred - Y * Z).mean())
    return gradient, jnp.zeros((), Y.dtype)


def fused_poisson_step(rate, w, batch):
    columns, y = batch  # (F+1, B), (B,)
    Pred = jnp.exp((w[:, None] * columns).sum(axis=0))
    return w - columns @ (rate * (Pred - y)), w


def fused_poisson_losses(z, Y):
    return (jnp.exp(z) - Y * z).mean(axis=0), jnp.zeros_like(z[0])


POISSON = Model(
    poisson, poisson_loss, poisson_maps, fused_poisson, columns_and_targets, fused_poisson_step,
    fused_poisson_losses, load("poisson").HAS_ACCURACY,
)  # fmt: skip


# --- maps


def map_chain(pullback, function, row, x):  # (1, n), (n,) -> (n,), (1, n)
    value, diagonal = map_autodiff(function, jnp.ones_like(row), x)
    return value, pullback(row, diagonal[0])


def map_autodiff(function, row, x):
    value, pull = jax.vjp(function, x)
    (pulled,) = pull(row[0])
    return value, pulled[None]


def map_jacrev(function, row, x):
    return function(x), row @ lax.optimization_barrier(jax.jacrev(function)(x))


# --- what drives the steps


PARTS = {"linear": LINEAR, "logistic": LOGISTIC, "poisson": POISSON}

# Half-width vectors are XLA's default on CPUs. Other devices ignore this option.
WIDE = {"xla_cpu_prefer_vector_width": 512}
BLOCK = 128  # epochs whose losses are computed at once: B x BLOCK numbers stay in the cache


def fused_run(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """The scan carries and records the state only; losses and accuracies are computed after it.

    The bias is a column of X. The batch is the last axis, along which XLA vectorizes.
    """
    K, B, F = X.shape
    A = jnp.concatenate([X, jnp.ones((K, B, 1), X.dtype)], axis=2)  # (K, B, F+1)
    A, batches = model.fused_batches(A, Y)
    step = partial(model.fused_step, learning_rate * dJ_dJ0)

    def epoch(w, _):
        return lax.scan(step, w, batches)

    last, before = lax.scan(epoch, jnp.concatenate([W, b])[:, 0], length=epochs)  # (E, K, F+1)
    w_track = jnp.concatenate([before.reshape(-1, F + 1), last[None]])[..., None]
    tracks = w_track[:, :F], w_track[:, F:]
    return Trajectory(*tracks, *losses(model, before, A, Y))


def losses(model, before, A, Y):  # (E, K, F+1), (K, B, F+1), (K, B, 1) -> (E K,), (E K,) or None
    E, K, _ = before.shape
    blocks = -(-E // BLOCK)
    padded = jnp.pad(before, ((0, blocks * min(E, BLOCK) - E), (0, 0), (0, 0)))
    w = padded.reshape(blocks, -1, K, before.shape[2]).transpose(0, 2, 3, 1)

    def of_batch(batch):  # (F+1, E'), (B, F+1), (B, 1) -> (E',), (E',)
        w, A_k, Y_k = batch
        return model.fused_losses(A_k @ w, Y_k)

    found = lax.map(lambda w: lax.map(of_batch, (w, A, Y)), w)  # 2 x (blocks, K, E')
    loss, correct = (part.swapaxes(1, 2).reshape(-1, K)[:E].ravel() for part in found)
    return loss, correct if model.has_accuracy else None


def make_differentiate(model, formulation):
    """(W, b, X, Y, dJ_dJ0) -> Gradient, accuracy of one batch."""
    if formulation == "fused":
        return model.fused
    if formulation == "autodiff":
        return partial(autodiff, model.loss)
    if formulation == "jacrev":
        return partial(jacrev, model.maps)
    return partial(chain, model.forward, PULLBACKS[formulation])


def update(model, differentiate, state, X, Y, learning_rate, dJ_dJ0):
    """One step as a lax.scan body: the new state, and what is recorded."""
    W, b = state
    (dW, db, loss), correct = differentiate(W, b, X, Y, dJ_dJ0)
    W, b = W - learning_rate * dW, b - learning_rate * db
    return (W, b), Trajectory(W, b, loss, correct if model.has_accuracy else None)


def make_run(model, differentiate):
    @partial(jax.jit, static_argnames="epochs")
    def run(W, b, X, Y, learning_rate, dJ_dJ0, epochs):
        def step(state, batch):
            X_k, Y_k = batch
            return update(model, differentiate, state, X_k, Y_k, learning_rate, dJ_dJ0)

        def epoch(state, _):
            return lax.scan(step, state, (X, Y))

        _, tracks = lax.scan(epoch, (W, b), length=epochs)
        tracks = jax.tree.map(lambda track: track.reshape(-1, *track.shape[2:]), tracks)
        W_track = jnp.concatenate([W[None], tracks.W])
        return tracks._replace(W=W_track, b=jnp.concatenate([b[None], tracks.b]))

    return run


def make_step(model, formulation):
    differentiate = make_differentiate(model, formulation)

    @partial(jax.jit, donate_argnums=0)
    def step(tracks, X, Y, learning_rate, dJ_dJ0):
        """Read state j, write state j + 1; the donated tracks are updated in place."""
        j, before = tracks
        k = j % len(X)
        state = (before.W[j], before.b[j])
        _, new = update(model, differentiate, state, X[k], Y[k], learning_rate, dJ_dJ0)
        at = Trajectory(W=j + 1, b=j + 1, loss=j, accuracy=None if new.accuracy is None else j)
        return j + 1, jax.tree.map(lambda track, i, row: track.at[i].set(row), before, at, new)

    return step


@partial(jax.jit, static_argnames=("model", "S"))
def start(model, W, b, S):
    """Step number 0 and the tracks of S steps, with the first state written."""
    W_track, b_track = (jnp.zeros((S + 1, *a.shape), a.dtype).at[0].set(a) for a in (W, b))
    accuracy = jnp.zeros(S, W.dtype) if model.has_accuracy else None
    return jnp.asarray(0), Trajectory(W_track, b_track, jnp.zeros(S, W.dtype), accuracy)


def loop(model, step, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    numbers = (np.asarray(number, W.dtype) for number in (learning_rate, dJ_dJ0))
    place = getattr(W, "sharding", None)  # a tracer, as in temporary_bytes, has none
    learning_rate, dJ_dJ0 = jax.device_put(tuple(numbers), place)
    tracks = start(model, W, b, S=epochs * len(X))
    for _ in range(epochs * len(X)):
        tracks = step(tracks, X, Y, learning_rate, dJ_dJ0)
    return tracks[1]


# --- the contract


def make_forward(model):
    return PARTS[model].forward


def make_gradient(model, formulation, execution):
    differentiate = make_differentiate(PARTS[model], formulation)

    @jax.jit
    def gradient(W, b, X, Y, dJ_dJ0):
        return differentiate(W, b, X, Y, dJ_dJ0)[0]

    return gradient


def make_train(model, formulation, execution):
    parts = PARTS[model]
    if (formulation, execution) == ("fused", "run"):
        run = partial(fused_run, parts)
        return jax.jit(run, static_argnames="epochs", compiler_options=WIDE)
    if execution == "run":
        return make_run(parts, make_differentiate(parts, formulation))
    step = make_step(parts, formulation)

    def train(W, b, X, Y, learning_rate, dJ_dJ0, epochs):
        return loop(parts, step, W, b, X, Y, learning_rate, dJ_dJ0, epochs)

    return train


def make_map(name, formulation, execution):
    return map_of(jax_maps.FUNCTIONS[name], formulation, execution)


def map_of(function, formulation, execution):
    if formulation == "autodiff":
        form = map_autodiff
    elif formulation == "jacrev":
        form = map_jacrev
    else:
        form = partial(map_chain, PULLBACKS[formulation])
    return jax.jit(partial(form, function))


def cast(array, dtype):
    return array.astype(dtype)


def sharding():
    from backends import jax_shards  # only for several devices

    return jax_shards


def temporary_bytes(function, *arguments):
    """The compiler's own count: temp_size_in_bytes of the compiled call."""
    # A Python loop over jitted steps is traced as a whole, with its numbers as constants.
    is_jitted = hasattr(function, "lower")
    jitted = function if is_jitted else jax.jit(function, static_argnums=(4, 5, 6))
    return jitted.lower(*arguments).compile().memory_analysis().temp_size_in_bytes


def compile_seconds():
    return dict(SECONDS)


def settings():
    config = jax.config
    return {
        "x64": config.jax_enable_x64,
        "matmul precision": config.jax_default_matmul_precision,
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
    }
