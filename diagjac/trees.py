"""Nested dicts, lists and tuples of arrays: their leaves by name, as in layers.0.W."""

from collections.abc import Iterator, Mapping
from typing import Any


def flatten(tree: Any, root: str) -> dict[str, Any]:
    """The leaves of a tree by name, in its order; a tree that is one leaf is named root.

    Raises ValueError if two leaves have the same name, or a key is neither a string nor a number.
    """
    found: dict[str, Any] = {}
    for name, leaf in _leaves(tree, "", root):
        if name in found:
            raise ValueError(f"{root}: two of its arrays are called {name!r}")
        found[name] = leaf
    return found


def _leaves(node: Any, name: str, root: str) -> Iterator[tuple[str, Any]]:
    if node is None:
        return
    items = children(node)
    if items is None:
        yield name or root, node
        return
    for key, child in items:
        if not isinstance(key, str | int):
            raise ValueError(f"{root}: a key of {name or root} is {key!r}, not a string")
        yield from _leaves(child, joined(name, key), root)


def children(node: Any) -> list[tuple[Any, Any]] | None:
    """The keys and values of a dict, list or tuple; None for anything else."""
    if isinstance(node, Mapping):
        return list(node.items())
    if isinstance(node, list | tuple):
        return list(enumerate(node))
    return None


def rebuild(tree: Any, leaves: Mapping[str, Any], root: str, name: str = "") -> Any:
    """A tree of the same structure with other leaves; dicts and lists are new."""
    if tree is None:
        return None
    items = children(tree)
    if items is None:
        return leaves[name or root]
    values = [rebuild(child, leaves, root, joined(name, key)) for key, child in items]
    if isinstance(tree, Mapping):
        return dict(zip(tree, values, strict=True))
    if hasattr(tree, "_fields"):  # a named tuple
        return type(tree)(*values)
    return type(tree)(values)


def joined(name: str, key: Any) -> str:
    """The name of a child."""
    return f"{name}.{key}" if name else str(key)
