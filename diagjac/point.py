"""Where functions are evaluated: parameters and a batch as NumPy arrays of one dtype."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diagjac.trees import flatten, rebuild

DTYPES = ("float64", "float32")
Leaves = dict[str, np.ndarray]


@dataclass(frozen=True)
class Point:
    """Parameters and a batch: their arrays by name, and the structures that hold them."""

    params: Leaves
    batch: Leaves
    structure: tuple[Any, Any]
    dtype: str

    def trees(self, convert: Callable[[np.ndarray], Any]) -> tuple[Any, Any]:
        """Parameters and batch in the caller's structures, each array converted."""
        params, batch = (
            {name: convert(leaf) for name, leaf in leaves.items()}
            for leaves in (self.params, self.batch)
        )
        return (
            rebuild(self.structure[0], params, "params"),
            rebuild(self.structure[1], batch, "batch"),
        )

    def replaced(self, params: Leaves | None = None, batch: Leaves | None = None) -> "Point":
        """The same point with other arrays under some names."""
        return replace(self, params=self.params | (params or {}), batch=self.batch | (batch or {}))

    def mapped(self, change: Callable[[np.ndarray], np.ndarray]) -> "Point":
        """The same point with every array of floats changed; labels and masks stay."""
        params, batch = (
            {n: np.asarray(change(x)) if is_float(x) else x for n, x in leaves.items()}
            for leaves in (self.params, self.batch)
        )
        return replace(self, params=params, batch=batch)

    def cast(self, dtype: str) -> "Point":
        """The same numbers, rounded to another dtype."""
        return replace(self.mapped(lambda leaf: leaf.astype(dtype)), dtype=dtype)


def point(params: Any, batch: Any, dtype: str) -> Point:
    """Read parameters and batch. Floats are cast to dtype; whole numbers and flags stay.

    Raises ValueError for an unknown dtype, no parameters, a parameter that is no finite array of
    floats, or anything that is no array of numbers.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype is {dtype!r}; it can be {' or '.join(DTYPES)}")
    leaves = {name: _array(name, leaf, dtype) for name, leaf in flatten(params, "params").items()}
    if not leaves:
        raise ValueError("params holds no array")
    for name, leaf in leaves.items():
        if leaf.dtype != dtype:
            raise ValueError(f"params: {name} is {leaf.dtype}; parameters are floats")
        if not np.isfinite(leaf).all():
            raise ValueError(f"params: {name} holds nan or inf")
    read = {name: _array(name, leaf, dtype) for name, leaf in flatten(batch, "batch").items()}
    return Point(leaves, read, (params, batch), dtype)


def _array(name: str, leaf: Any, dtype: str) -> np.ndarray:
    try:
        array = np.asarray(leaf)
    except Exception as error:  # a torch tensor that requires a gradient, or lies on a GPU
        raise ValueError(f"{name} cannot be read as a NumPy array: {error}") from error
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise ValueError(f"{name} is {_kind(leaf, array)}, not an array of real numbers")
    return array if array.dtype.kind in "iub" else array.astype(dtype, copy=False)


def _kind(leaf: Any, array: np.ndarray) -> str:
    return f"an array of {array.dtype}" if isinstance(leaf, np.ndarray) else type(leaf).__name__


def is_float(array: np.ndarray) -> bool:
    """Whether the array holds floats, which are perturbed; labels and masks are not."""
    return array.dtype.kind == "f"
