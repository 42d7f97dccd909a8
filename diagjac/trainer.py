"""A caller's (init, step) of one framework, and runs of it on NumPy arrays."""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from diagjac.frameworks import blame, framework
from diagjac.point import Leaves, Point
from diagjac.sides import must_match
from diagjac.trees import flatten


@dataclass(frozen=True)
class Trainer:
    """How one framework starts and makes a step."""

    name: str
    init: Callable[[Any], Any]
    step: Callable[[Any, Any, Any], Any]
    framework: ModuleType

    def start(self, at: Point) -> Any:
        """The state of an optimizer that has made no step."""
        with self._own(at):
            return self.init(self._trees(at)[0])

    def advance(self, at: Point, state: Any) -> tuple[Leaves, Any]:
        """The new parameters and the new state. Raises ValueError for other names or shapes."""
        with self._own(at):
            result = self.step(*self._between(at, state))
            if not (isinstance(result, tuple) and len(result) == 2):
                raise ValueError(f"{self.name}: step returns (params, state)")
            leaves = flatten(result[0], "params")
            params = {name: self.framework.to_numpy(leaf) for name, leaf in leaves.items()}
        must_match(self.name, "parameters", at, params)
        return {name: params[name].copy() for name in at.params}, result[1]

    def check(self, at: Point) -> None:
        """Make one step twice. Raises ValueError if it is not the same."""
        one, two = (self.advance(at, self.start(at))[0] for _ in range(2))
        for name, leaf in one.items():
            if not np.array_equal(leaf, two[name], equal_nan=True):
                raise ValueError(
                    f"{self.name} is not deterministic: the same step gave two values of {name}"
                )

    def _between(self, at: Point, state: Any) -> tuple[Any, Any, Any]:
        params, batch = self._trees(at)
        return params, state, batch

    def _trees(self, at: Point) -> tuple[Any, Any]:
        params, batch = at.trees(self.framework.array)
        return self.framework.parameters(params), batch

    @contextmanager
    def _own(self, at: Point) -> Any:
        try:
            with self.framework.scope(at.dtype):
                yield
        except Exception as error:
            blame(error, self.name, self.framework)
            raise


class Run:
    """A trainer on its way: its parameters and its state."""

    def __init__(self, trainer: Trainer, start: Point) -> None:
        self.trainer, self.params = trainer, start.params
        self.state = trainer.start(start)

    def step(self, batch: Point, params: Leaves | None = None) -> Leaves:
        """Make a step, from its own parameters or from others, and return the new ones."""
        at = batch.replaced(params=self.params if params is None else params)
        self.params, self.state = self.trainer.advance(at, self.state)
        return self.params


def trainers(functions: Mapping[str, Any]) -> list[Trainer]:
    """The runs to compare. Raises ValueError if there are fewer than two, or one is no pair."""
    if not isinstance(functions, Mapping) or len(functions) < 2:
        raise ValueError("functions is a dict of two or more pairs: {'jax': (init, step), ...}")
    for name, pair in functions.items():
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(map(callable, pair))):
            raise ValueError(f"{name!r} is not a pair of functions (init, step)")
    return [Trainer(name, init, step, framework(name)) for name, (init, step) in functions.items()]
