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

FEW = 16  # features: XLA multiplies by so few columns as if they were many
PART = 1024  # examples whose arrays stay in the cache


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


def fused(rows, part, W, b, X, Y, dJ_dJ0):
    """With few features in parts of so many examples, and the batch as the last axis.

    rows(z, y) of (n,) returns dJ0_dz (n,), the sum of J0 and the number of correct predictions.
    """
    B, F = X.shape
    size = min(B, part) if F <= FEW else B
    parts = (B - 1) // size  # and a rest of 1 to size examples

    def sums(x, y):  # (n, F), (n, 1)
        columns = lax.optimization_barrier(x.T) if F <= FEW else x.T
        row, J0, correct = rows(W[:, 0] @ columns + b[0, 0], y.ravel())
        row = lax.optimization_barrier(row)  # else it would be computed for each of its sums
        return row @ columns.T, row.sum(), J0, correct

    def at(i):
        return sums(*(lax.dynamic_slice_in_dim(array, i * size, size) for array in (X, Y)))

    rest = sums(X[parts * size :], Y[parts * size :])
    found = lax.map(at, jnp.arange(parts))
    dw, db, J0, correct = jax.tree.map(lambda many, one: many.sum(axis=0) + one, found, rest)
    gradient = Gradient(dJ_dJ0 * dw[:, None], (dJ_dJ0 * db).reshape(1, 1), J0 / B)
    return gradient, correct / B


def log_sum(numbers):  # (B, E), in [1, 2] or [1/2, 1] -> (E,)   one logarithm per chunk
    size = jnp.finfo(numbers.dtype).maxexp - 2  # the product of so many is normal
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


def fused_linear(z, y):
    residual = z - y
    return 2 * residual, (residual**2).sum(), jnp.zeros((), y.dtype)


def columns_and_targets(A, Y):  # (K, B, F+1), (K, B, 1)
    return A, (A.swapaxes(1, 2), Y[..., 0])


def fused_linear_step(rate, w, z, batch):
    columns, y = batch  # (F+1, B), (B,)
    return w - columns @ (2 * rate * (z - y))


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


def fused_logistic(z, y):
    """J0 = max(z, 0) - y z - log(max(Pred, 1 - Pred)), in which no digit is lost."""
    Pred = lax.optimization_barrier(sigmoid(z))  # else it would be computed several times
    J0 = (jnp.maximum(z, 0) - y * z).sum() - log_sum(in_columns(jnp.maximum(Pred, 1 - Pred))).sum()
    return Pred - y, J0, ((z > 0) == y).sum(dtype=y.dtype)


def in_columns(numbers):  # (B,) -> (B/E, E)   padded with ones; E > 1, so that products are vectors
    columns = max(16, len(numbers) // 512)
    filled = jnp.pad(numbers, (0, -len(numbers) % columns), constant_values=1)
    return filled.reshape(-1, columns)


def fused_logistic_batches(A, Y):
    """With C = (1 - 2 Y) * X and z = C w, Pred - Y is (1 - 2 Y) sigmoid(z), and J0 softplus(z)."""
    C = (1 - 2 * Y) * A
    return C, (C.swapaxes(1, 2),)  # scanning Y as well would cost half a step


def fused_logistic_step(rate, w, z, batch):
    (columns,) = batch
    return w - columns @ (rate / (1 + jnp.exp(-z)))


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


def fused_poisson(z, y):
    Pred = jnp.exp(z)
    return Pred - y, (Pred - y * z).sum(), jnp.zeros((), y.dtype)


def fused_poisson_step(rate, w, z, batch):
    columns, y = batch  # (F+1, B), (B,)
    return w - columns @ (rate * (jnp.exp(z) - y))


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


@partial(jax.jit, static_argnums=0)
def fused_batches(model, X, Y):
    """The data with the bias as a column, and what a step reads of it: (K, B, F+1), batches.

    In the batches the examples are the last axis, along which XLA vectorizes.
    """
    return model.fused_batches(jnp.concatenate([X, jnp.ones_like(Y)], axis=2), Y)


@partial(jax.jit, static_argnums=0)
def fused_trajectory(model, w_track, A, Y):  # (S+1, F+1), (K, B, F+1), (K, B, 1)
    before = w_track[:-1].reshape(-1, len(A), w_track.shape[1])
    w_track = w_track[..., None]
    return Trajectory(w_track[:, :-1], w_track[:, -1:], *losses(model, before, A, Y))


def fused_run(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    """The scan carries and records the state only; losses and accuracies are computed after it."""
    A, batches = fused_batches(model, X, Y)
    rate = learning_rate * dJ_dJ0

    def step(w, batch):
        z = (w[:, None] * batch[0]).sum(axis=0)  # one loop with the rest of the step
        return model.fused_step(rate, w, z, batch), w

    def epoch(w, _):
        return lax.scan(step, w, batches)

    last, before = lax.scan(epoch, jnp.concatenate([W, b])[:, 0], length=epochs)  # (E, K, F+1)
    w_track = jnp.concatenate([before.reshape(-1, len(last)), last[None]])
    return fused_trajectory(model, w_track, A, Y)


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


def make_differentiate(model, formulation, part=PART):
    """(W, b, X, Y, dJ_dJ0) -> Gradient, accuracy of one batch; part is that of fused."""
    if formulation == "fused":
        return partial(fused, model.fused, part)
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


# In a step the call takes longer than the arithmetic, a microsecond for each array that it returns.
# So W, b and, unless they are computed after the steps, two records are a row of one track.


def make_step(model, formulation):
    differentiate = make_differentiate(model, formulation)

    @partial(jax.jit, donate_argnums=0)
    def step(track, X, Y, numbers):
        """Read row j, write row j + 1; the donated track is updated in place."""
        j, rows = track
        k, w = j % len(X), rows[j, :-2, None]
        (W, b), new = update(model, differentiate, (w[:-1], w[-1:]), X[k], Y[k], *numbers)
        records = jnp.stack([new.loss, new.accuracy if model.has_accuracy else new.loss])
        row = jnp.concatenate([W[:, 0], b[0], records])
        return j + 1, lax.dynamic_update_index_in_dim(rows, row, j + 1, 0)

    return step


def make_fused_step(model):
    @partial(jax.jit, donate_argnums=0)
    def step(track, batches, rate):
        j, rows = track
        w, batch = rows[j], [array[j % len(array)] for array in batches]
        # As a sum of products it would look up row and batch again for each number.
        w = model.fused_step(rate, w, w @ batch[0], batch)
        return j + 1, lax.dynamic_update_index_in_dim(rows, w, j + 1, 0)

    return step


@partial(jax.jit, static_argnames=("S", "records"))
def start(W, b, S, records):
    """Step number 0 and the track of S steps, with the first state written."""
    first = jnp.concatenate([W[:, 0], b[0], jnp.zeros(records, W.dtype)])
    return jnp.asarray(0), jnp.zeros((S + 1, len(first)), W.dtype).at[0].set(first)


def loop(step, track, *arguments):  # -> the rows of the track
    for _ in range(len(track[1]) - 1):
        track = step(track, *arguments)
    return track[1]


def beside(W, *numbers):
    """The numbers as arrays on the device of W and in its dtype."""
    place = getattr(W, "sharding", None)  # a tracer, as in temporary_bytes, has none
    return jax.device_put([np.asarray(number, W.dtype) for number in numbers], place)


@partial(jax.jit, static_argnames="model")
def trajectory(model, rows):
    accuracy = rows[1:, -1] if model.has_accuracy else None
    return Trajectory(rows[:, :-3, None], rows[:, -3:-2, None], rows[1:, -2], accuracy)


def train_by_steps(model, step, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    track = start(W, b, S=epochs * len(X), records=2)
    return trajectory(model, loop(step, track, X, Y, beside(W, learning_rate, dJ_dJ0)))


def fused_train_by_steps(model, step, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    A, batches = fused_batches(model, X, Y)
    track = start(W, b, S=epochs * len(X), records=0)
    rows = loop(step, track, batches, *beside(W, learning_rate * dJ_dJ0))
    return fused_trajectory(model, rows, A, Y)


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
    if formulation == "fused":
        return partial(fused_train_by_steps, parts, make_fused_step(parts))
    return partial(train_by_steps, parts, make_step(parts, formulation))


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
