"""What this package asks of a framework: one module each, imported when a function needs it.

scope(dtype)                        a context in which the framework computes in dtype
array(array)                        a NumPy array as the framework's own
to_numpy(array)                     the reverse
parameters(params)                  arrays that gradients can be taken with respect to
value_and_grad(loss, params, batch) the loss (), and gradients in the structure of params
"""

from importlib import import_module
from types import ModuleType
from typing import Any

DIFFERENTIATED = ("jax", "torch")  # functions of these are losses; others return gradients


class Mistake(ValueError):
    """A caller's function is not what it has to be; Side adds its name."""


def word(module: ModuleType) -> str:
    """The name of a framework: numpy, jax or torch."""
    return module.__name__.rpartition("in_")[2]


def blame(error: Exception, name: str, module: ModuleType) -> None:
    """Add to an error of a caller's function which one it was."""
    given = f"which is given arrays of {word(module)}"
    error.add_note(f"This happened in the function called {name!r}, {given}.")


def scalar(loss: Any) -> Any:
    """The loss, if it is one number. Raises Mistake if it is not."""
    if isinstance(loss, int | float):
        return loss
    if not hasattr(loss, "shape"):
        raise Mistake(f"the loss is {type(loss).__name__}, not a scalar")
    if tuple(loss.shape) != ():
        raise Mistake(f"the loss has the shape {tuple(loss.shape)}, not (): take its mean or sum")
    return loss


def framework(name: str) -> ModuleType:
    """The module of a function's framework: the part of its name before a colon says which.

    Raises ValueError if the name is no text, or the framework cannot be imported.
    """
    if not isinstance(name, str):
        raise ValueError(f"a function is called {name!r}, which is {type(name).__name__}, not text")
    first = name.partition(":")[0]
    if first not in DIFFERENTIATED:
        return import_module("diagjac.frameworks.in_numpy")
    try:
        return import_module(f"diagjac.frameworks.in_{first}")
    except ImportError as error:
        raise ValueError(f"{name!r} is a function of {first}, which is missing: {error}") from error
