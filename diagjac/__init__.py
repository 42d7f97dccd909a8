"""Are the gradients of my port the same, and if not, where do they part?

    diagjac.check_gradients({"jax": jax_loss, "torch": torch_loss}, params, batch)
    diagjac.check_training({"jax": (init, step), "torch": (init, step)}, params, batches)

They need NumPy and the frameworks that are compared. docs/own-functions.md has more.
"""

from diagjac.gradients import check_gradients, compare_gradients
from diagjac.optimizers import with_optax, with_torch
from diagjac.report import Disagreement
from diagjac.training import check_training, compare_training

__all__ = [
    "Disagreement",
    "check_gradients",
    "check_training",
    "compare_gradients",
    "compare_training",
    "with_optax",
    "with_torch",
]
