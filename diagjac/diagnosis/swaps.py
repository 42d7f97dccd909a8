"""Explanations by a map that has another definition in the other framework.

A framework's function is replaced by its variant while the caller's function runs. The caller's
function is not read: if it does not use the map, or got it before, nothing changes and nothing is
said.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple
from unittest import mock

from diagjac.case import Finding, GradientCase
from diagjac.diagnosis.inputs import gradients
from diagjac.frameworks import word
from diagjac.point import Leaves, Point
from diagjac.sides import Side


class Swap(NamedTuple):
    """An argument of a framework's function, a value for it, and what that makes of the map."""

    module: str
    function: str
    argument: str
    value: Any
    meaning: str


GELU = "gelu is the tanh approximation in JAX by default, the error function in PyTorch"
LINEAR = "PyTorch's softplus is the identity above its threshold"
VARIANCE = "PyTorch divides a variance by N - 1 by default, JAX and NumPy by N"
EPSILON = "a normalization adds another eps: 1e-5 in PyTorch, 1e-6 in Flax, 1e-3 in Keras"
SWAPS = (
    Swap("jax.nn", "gelu", "approximate", False, GELU),
    Swap("jax.nn", "gelu", "approximate", True, GELU),
    Swap("torch.nn.functional", "gelu", "approximate", "tanh", GELU),
    Swap("torch.nn.functional", "gelu", "approximate", "none", GELU),
    Swap("torch.nn.functional", "softplus", "threshold", 1e3, LINEAR),
    *(
        Swap(module, function, argument, value, VARIANCE)
        for module, argument, value in (
            ("torch", "correction", 0),
            ("torch.Tensor", "correction", 0),
            ("jax.numpy", "ddof", 1),
        )
        for function in ("var", "std")
    ),
    *(
        Swap("torch.nn.functional", function, "eps", value, EPSILON)
        for function in ("layer_norm", "batch_norm", "group_norm")
        for value in (1e-5, 1e-6, 1e-3)
    ),
)


def swapped(case: GradientCase) -> Iterator[Finding]:
    """Whether both agree if a map of one of them is replaced."""
    for swap in SWAPS:
        for one in (case, case.reversed()):
            owner = _owner(swap, one.first)
            if owner is None:
                continue
            found = _with(swap, owner, one.first, case.point)
            if found is not None:
                call = f"{swap.module}.{swap.function}(..., {swap.argument}={swap.value!r})"
                text = f"{swap.meaning}; with {call} {one.first.name} agrees with {one.other.name}"
                yield Finding("map", text, one.left(found))


def _owner(swap: Swap, side: Side) -> Any:
    """The module or class that holds the map, if it belongs to the function's framework."""
    framework = word(side.framework)
    if swap.module.partition(".")[0] != framework:
        return None
    owner: Any = sys.modules[framework]
    for part in swap.module.split(".")[1:]:
        owner = getattr(owner, part)
    return owner


def _with(swap: Swap, owner: Any, side: Side, point: Point) -> Leaves | None:
    with mock.patch.object(owner, swap.function, _forced(owner, swap)), _untraced(owner):
        return gradients(side, point)


def _forced(owner: Any, swap: Swap) -> Callable[..., Any]:
    original = getattr(owner, swap.function)

    @wraps(original)
    def function(*arguments: Any, **words: Any) -> Any:
        return original(*arguments, **(words | {swap.argument: swap.value}))

    return function


@contextmanager
def _untraced(owner: Any) -> Iterator[None]:
    """JAX keeps what it traced: a jitted function has to be traced again, and once more after."""
    jax = sys.modules["jax"] if owner.__name__.startswith("jax") else None
    if jax:
        jax.clear_caches()
    yield
    if jax:
        jax.clear_caches()
