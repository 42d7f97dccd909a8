"""Backends that are wrong on purpose: the source of a real one with one place changed."""

from pathlib import Path
from typing import NamedTuple

BACKENDS = Path(__file__).parents[1] / "backends"


def changed(path: Path, old: str, new: str) -> str:
    """The source of a file with one place changed; that place must be there exactly once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new)


class Mutant(NamedTuple):
    """A change of one place in a backend, and a formulation and execution that it reaches."""

    backend: str
    old: str
    new: str
    formulation: str = "elementwise"
    execution: str = "eager"

    def source(self) -> str:
        """The changed source."""
        return changed(BACKENDS / f"{self.backend}_backend.py", self.old, self.new)


# --- on the level of the contract, in NumPy

ELEMENTWISE = "return row * diagonal"
DENSE = "return row @ np.diag(diagonal)"
CHAIN_LOOP = "        row = pullback(row, diagonal)"
CHAIN_STEP = "Pred = chain(model.forward, pullback, W, b, X[k], Y[k], dJ_dJ0)"
FIRST_ROW = "row = np.full((1, len(X)), dJ_dJ0, dtype=X.dtype)"
RECORD = "W_track[j + 1], b_track[j + 1] = W, b"
RETURN = "return Trajectory(W_track, b_track, loss, accuracy if model.has_accuracy else None)"
GRADIENT = "return chain(forward, pullback, W, b, X, Y, dJ_dJ0)[0]"
DIAGONALS = (
    "dPred_dZ = Pred * (1 - Pred)\n    "
    "return Forward(Pred, J0, (dJ0_dPred.ravel(), dPred_dZ.ravel()))"
)
TRAIN = "    K, S = len(X), epochs * len(X)\n    W_track"

CONTRACT = {
    "pullback_off_by_a_billionth": Mutant("numpy", ELEMENTWISE, ELEMENTWISE + " * (1 + 1e-9)"),
    "pullback_off_by_a_trillionth": Mutant("numpy", ELEMENTWISE, ELEMENTWISE + " * (1 + 1e-12)"),
    "mean_for_sum": Mutant("numpy", FIRST_ROW, FIRST_ROW.replace("dJ_dJ0", "1 / len(X)")),
    "twice_the_gradient": Mutant("numpy", FIRST_ROW, FIRST_ROW.replace("dJ_dJ0", "2 * dJ_dJ0")),
    "last_update_missing": Mutant(
        "numpy",
        RECORD,
        RECORD.replace("W, b", "(W, b) if j < S - 1 else (W_track[j], b_track[j])"),
    ),
    "stale_states": Mutant("numpy", RECORD, "W_track[j + 1], b_track[j + 1] = W_track[j], b"),
    "next_batch": Mutant("numpy", "        k = j % K\n", "        k = (j + 1) % K\n"),
    "first_batch_only": Mutant("numpy", "        k = j % K\n", "        k = 0\n"),
    "a_state_short": Mutant("numpy", RETURN, RETURN.replace("(W_track, b", "(W_track[:-1], b")),
    "empty_loss": Mutant("numpy", RETURN, RETURN.replace("b_track, loss", "b_track, loss[:0]")),
    "nan_in_the_loss": Mutant("numpy", RETURN, "loss[-1] = np.nan\n    " + RETURN),
    "broadcast_bias": Mutant("numpy", RETURN, RETURN.replace(" b_track,", " b_track[:, 0],")),
    "loss_after_the_update": Mutant(
        "numpy", RECORD, RECORD + "\n        loss[j] = model.forward(W, b, X[k], Y[k]).J0.mean()"
    ),
    "accuracy_after_the_update": Mutant(
        "numpy",
        RECORD,
        RECORD + "\n        if model.has_accuracy:"
        "\n            Pred = sigmoid(np.clip(X[k] @ W + b, -80, 80))"
        "\n            accuracy[j] = ((Pred > 0.5) == Y[k]).mean()",
    ),
    "accuracy_for_both": Mutant("numpy", RETURN, "return Trajectory(W_track, b_track, loss, loss)"),
    "loss_is_a_sum": Mutant(
        "numpy", "Gradient(dW, db, J0.mean()), Pred", "Gradient(dW, db, J0.sum()), Pred"
    ),
    "input_changed": Mutant("numpy", TRAIN, "    W -= 1e-3\n" + TRAIN),
    "batch_changed": Mutant("numpy", GRADIENT, "X *= 1 + 1e-3\n        " + GRADIENT),
    "float32_inside": Mutant(
        "numpy",
        "Pred = sigmoid(X @ W + b)",
        "Pred = sigmoid((X @ W + b).astype(np.float32).astype(X.dtype))",
    ),
    "float32_out": Mutant(
        "numpy", "np.empty((S + 1, *W.shape), W.dtype)", "np.empty((S + 1, *W.shape), np.float32)"
    ),
    "float64_out": Mutant("numpy", "loss = np.empty(S, W.dtype)", "loss = np.empty(S)"),
    "eps_in_the_division": Mutant(
        "numpy", "(Pred - Y) / (Pred * (1 - Pred))", "(Pred - Y) / (Pred * (1 - Pred) + 1e-12)"
    ),
    "swapped_diagonals": Mutant(
        "numpy",
        DIAGONALS,
        DIAGONALS.replace("(dJ0_dPred.ravel(), dPred_", "(dPred_dZ.ravel(), dJ0_").replace(
            "dJ0_dZ", "dJ0_dPred"
        ),
    ),
    "factor_moved_between_diagonals": Mutant(
        "numpy",
        DIAGONALS,
        DIAGONALS.replace("ravel(),", "ravel() / 2,").replace("()))", "() * 2))"),
    ),
    "second_call_differs": Mutant(
        "numpy",
        TRAIN,
        "    chain_train.calls = getattr(chain_train, 'calls', 0) + 1\n"
        "    W = W * (1 + 1e-15 * chain_train.calls)\n" + TRAIN,
    ),
    "gradient_of_train_differs": Mutant(
        "numpy", "W = W - learning_rate * dW", "W = W - learning_rate * dW * (1 + 1e-12)"
    ),
    "rate_rounded": Mutant(
        "numpy", "b = b - learning_rate * db", "b = b - np.float32(learning_rate) * db"
    ),
    "dense_is_elementwise": Mutant("numpy", DENSE, ELEMENTWISE, "dense"),
    "elementwise_is_dense": Mutant("numpy", ELEMENTWISE, DENSE),
    "kept_matrix": Mutant(
        "numpy",
        DENSE,
        "key = len(diagonal), row.dtype\n"
        "    if key not in PULLBACKS:\n"
        "        PULLBACKS[key] = np.zeros((len(diagonal),) * 2, row.dtype)\n"
        "    np.fill_diagonal(PULLBACKS[key], diagonal)\n    return row @ PULLBACKS[key]",
        "dense",
    ),
    "matrix_never_filled": Mutant(
        "numpy",
        DENSE,
        "np.empty((len(diagonal), len(diagonal)), row.dtype)\n    return row * diagonal",
        "dense",
    ),
    "diagonal_read_back": Mutant(
        "numpy", DENSE, "return row * np.diagonal(np.diag(diagonal))", "dense"
    ),
    "kept_matrix_beside_a_decoy": Mutant(
        "numpy",
        DENSE,
        "np.full((len(diagonal), len(diagonal)), 1, row.dtype)\n    return row * diagonal",
        "dense",
    ),
    "first_jacobian_only": Mutant(
        "numpy",
        CHAIN_LOOP,
        CHAIN_LOOP.replace(
            "pullback(row, diagonal)",
            "pullback(row, diagonal) if diagonal is diagonals[0] else row * diagonal",
        ),
        "dense",
    ),
    "dense_up_to_256": Mutant(
        "numpy",
        DENSE,
        "if len(diagonal) > 256:\n        np.ones((len(diagonal), len(diagonal)))\n"
        "        return row * diagonal\n    " + DENSE,
        "dense",
    ),
    "linear_dense_in_the_first_step": Mutant(
        "numpy",
        CHAIN_STEP,
        CHAIN_STEP.replace(
            "pullback", "pullback if j == 0 or model is not LINEAR else pullback_elementwise"
        ),
        "dense",
    ),
    "identity_for_from_numpy": Mutant(
        "numpy",
        "def from_numpy(array, device):\n    return np.array(array)",
        "def from_numpy(array, device):\n    return array",
    ),
    "poisson_without_the_labels": Mutant(
        "numpy", "dJ0_dPred = 1 - Y / Pred", "dJ0_dPred = 1 - 1 / Pred"
    ),
    "poisson_loss_with_log_y": Mutant(
        "numpy", "return Pred - Y * np.log(Pred)", "return Pred - Y * np.log(Pred + 1e-12)"
    ),
}

# --- in compiled code

NUMBA_STATE = "track[j + 1, f, 0] = track[j, f, 0] - learning_rate * gradient[f, 0]"
NUMBA_BATCH = "j % len(X)\n        record(tracks, j, learning_rate, logistic_step("
JAX_STATE = "W, b = W - learning_rate * dW, b - learning_rate * db"
JAX_SCAN = "_, tracks = lax.scan(epoch, (W, b), length=epochs)"
TORCH_RECORD = "record = (W - learning_rate * dW, b - learning_rate * db, loss)"

NUMBA_RUN = {
    "numba_pullback": Mutant(
        "numba", ELEMENTWISE, ELEMENTWISE + " * (row.dtype.type(1) + row.dtype.type(1e-9))"
    ),
    "numba_next_batch": Mutant("numba", NUMBA_BATCH, NUMBA_BATCH.replace("j %", "(j + 1) %")),
    "numba_stale_state": Mutant(
        "numba",
        NUMBA_STATE,
        NUMBA_STATE.replace("track[j, f, 0] -", "track[max(j - 1, 0), f, 0] -"),
    ),
    "numba_rate": Mutant("numba", NUMBA_STATE, NUMBA_STATE + " * np.float32(1.0000001)"),
    "numba_threshold": Mutant(
        "numba", "(forward.Pred, Y)", "(forward.Pred * Y.dtype.type(1.02), Y)"
    ),
    "numba_loss_of_half": Mutant(
        "numba", "mean(total(forward.J0[:, 0]), Y)", "mean(total(forward.J0[1:, 0]), Y)"
    ),
}
JAX_RUN = {
    "jax_pullback": Mutant("jax", ELEMENTWISE, ELEMENTWISE + " * (1 + 1e-9)"),
    "jax_epoch_short": Mutant(
        "jax", JAX_SCAN, JAX_SCAN.replace("length=epochs", "length=max(epochs - 1, 1)")
    ),
    "jax_states_after": Mutant(
        "jax", "jnp.concatenate([W[None], tracks.W])", "jnp.concatenate([tracks.W, tracks.W[-1:]])"
    ),
    "jax_bias_forgotten": Mutant("jax", JAX_STATE, "W, b = W - learning_rate * dW, b"),
    "jax_float32": Mutant(
        "jax",
        "Pred = sigmoid(X @ W + b)\n    return Pred, cross",
        "Pred = sigmoid((X @ W + b).astype(jnp.float32).astype(X.dtype))\n    return Pred, cross",
    ),
    "jax_batches_reversed": Mutant(
        "jax",
        "return lax.scan(step, state, (X, Y))",
        "return lax.scan(step, state, (X, Y), reverse=True)",
    ),
}
TORCH_STEP = {
    "torch_pullback": Mutant("torch", ELEMENTWISE, ELEMENTWISE + " * (1 + 1e-9)"),
    "torch_bias_forgotten": Mutant(
        "torch", TORCH_RECORD, "record = (W - learning_rate * dW, b + 0, loss)"
    ),
    "torch_rate_constant": Mutant(
        "torch", TORCH_RECORD, TORCH_RECORD.replace("W - learning_rate", "W - 0.01")
    ),
    "torch_loss_doubled": Mutant(
        "torch", TORCH_RECORD, TORCH_RECORD.replace(", loss)", ", loss * 2)")
    ),
    "torch_accuracy": Mutant(
        "torch", "((score > threshold) == Y)", "((score >= 1.02 * threshold) == Y)"
    ),
    "torch_float32": Mutant(
        "torch",
        "Pred = sigmoid(X @ W + b)\n    return Pred, cross",
        "Pred = sigmoid((X @ W + b).float().to(X.dtype))\n    return Pred, cross",
    ),
}

TORCH_RUN = {
    "torch_run_last_batch": Mutant("torch", "step(*state, X[k][0]", "step(*state, X[k - 1][0]"),
    "torch_run_fused": Mutant(
        "torch",
        "residual(z, Y[k][0])).sum(dim=1)",
        "residual(z, Y[k][0])).sum(dim=1) * (1 + 1e-9)",
        formulation="fused",
    ),
}

RUNS = NUMBA_RUN | JAX_RUN | TORCH_RUN
COMPILED = {n: m._replace(execution="run") for n, m in RUNS.items()} | {
    n: m._replace(execution="step") for n, m in TORCH_STEP.items()
}
MUTANTS = CONTRACT | COMPILED
