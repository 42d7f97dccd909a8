"""A caller's function, evaluated at a point: loss and gradients as NumPy arrays, and checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from diagjac.frameworks import Mistake, blame, framework
from diagjac.point import Leaves, Point
from diagjac.trees import flatten

ROOTS = ("params", "batch")


class Values(NamedTuple):
    """What a function returned: the loss, None if it gave none, and gradients by name."""

    loss: float | None
    grads: Leaves

    def copied(self) -> "Values":
        """The same in new arrays, since a function may use its own in the next call."""
        return Values(self.loss, {name: grad.copy() for name, grad in self.grads.items()})


@dataclass(frozen=True)
class Side:
    """One of the functions to compare, with its name and framework."""

    name: str
    function: Callable[..., Any]
    framework: ModuleType

    def evaluate(self, point: Point) -> Values:
        """Loss and gradients at a point. Raises ValueError if they have other names or shapes."""
        return self._evaluated(point, self._given(point))

    def checked(self, point: Point) -> Values:
        """The same, called twice. Raises ValueError if it changes its input or its answer."""
        trees = self._given(point)
        values = self._evaluated(point, trees).copied()
        self._must_be_unchanged(point, trees)
        again = self.evaluate(point)
        for name, grad in values.grads.items():
            if not np.array_equal(grad, again.grads[name], equal_nan=True):
                share = np.abs(grad - again.grads[name]).max() / (np.abs(grad).max() or 1)
                raise ValueError(
                    f"{self.name} is not deterministic: two calls with the same numbers gave "
                    f"gradients of {name} that differ by {share:.1g} of the largest entry; "
                    "fix its seeds (dropout), or ask the framework for deterministic operations"
                )
        return values

    def _given(self, point: Point) -> tuple[Any, Any]:
        with self.framework.scope(point.dtype):  # JAX would round float64 outside of it
            return point.trees(self.framework.array)

    def _evaluated(self, point: Point, trees: tuple[Any, Any]) -> Values:
        try:
            with self.framework.scope(point.dtype):
                loss, grads = self.framework.value_and_grad(self.function, *trees)
                found = {
                    name: self.framework.to_numpy(leaf)
                    for name, leaf in flatten(grads, "params").items()
                }
                value = None if loss is None else float(self.framework.to_numpy(loss))
        except Mistake as mistake:
            raise ValueError(f"{self.name}: {mistake}") from None
        except Exception as error:
            blame(error, self.name, self.framework)
            raise
        must_match(self.name, "gradients", point, found)
        return Values(value, {name: found[name] for name in point.params})

    def _must_be_unchanged(self, point: Point, trees: tuple[Any, Any]) -> None:
        for root, leaves, tree in zip(ROOTS, (point.params, point.batch), trees, strict=True):
            left = flatten(tree, root)
            for name, leaf in leaves.items():
                same = name in left and np.array_equal(
                    leaf, self.framework.to_numpy(left[name]), equal_nan=leaf.dtype.kind == "f"
                )
                if not same:
                    raise ValueError(f"{self.name} changes its input: {root}, {name}")


def must_match(side: str, what: str, point: Point, found: Leaves) -> None:
    """Raise ValueError if arrays have other names, shapes or dtypes than the parameters."""
    missing, extra = point.params.keys() - found.keys(), found.keys() - point.params.keys()
    if missing or extra:
        parts = [("lack", missing), ("have the unknown", extra)]
        text = " and ".join(f"{w} {', '.join(sorted(names))}" for w, names in parts if names)
        raise ValueError(f"{side}: the {what} {text}; params has {', '.join(point.params)}")
    for name, param in point.params.items():
        array = found[name]
        if array.shape != param.shape:
            raise ValueError(
                f"{side}: the {what} have {name} of shape {array.shape}, not {param.shape}"
            )
        if array.dtype != point.dtype:
            raise ValueError(f"{side}: the {what} have {name} as {array.dtype}, not {point.dtype}")


def sides(functions: Mapping[str, Callable[..., Any]]) -> list[Side]:
    """The functions to compare; the first is what the others are compared with.

    Raises ValueError if there are fewer than two, or one is no function.
    """
    if not isinstance(functions, Mapping) or len(functions) < 2:
        raise ValueError("functions is a dict of two or more functions: {'jax': f, 'torch': g}")
    for name, function in functions.items():
        if not callable(function):
            raise ValueError(f"{name!r} is {type(function).__name__}, not a function")
    return [Side(name, f, framework(name)) for name, f in functions.items()]
