"""What of an atlas comes first: findings in groups, and the rule for the most surprising ones.

A group is one difference: a map, a quantity, a class and a dtype, with all rows that have it. Its
score is the product of three numbers from 0 to 1: the share of the digits that are lost, the share
of ordinary numbers (1e-4 to 1e4 in size) that it concerns, and the share of the frameworks that do
not have it. Each has a least value, so that none decides alone. A map comes once, and a class at
most twice.
"""

from collections import Counter
from collections.abc import Iterable
from math import log10
from typing import NamedTuple

from benchmarks.store.atlas import FUNCTION, KINK, Atlas, Default, Finding, Kink
from reference.formats import FORMATS

SHOWN = 5
PER_CLASS = 2
LEAST_REACH, LEAST_ALONE = 0.02, 0.1
REACH_OF_KINK = 0.05  # a single number; but one that networks do meet: zeros, and clipped values


class Group(NamedTuple):
    """Findings of one map, quantity, class and dtype, by "backend execution"; the rows without."""

    map: str
    quantity: str
    kind: str
    dtype: str
    rows: dict[str, Finding]
    others: list[str]

    @property
    def worst(self) -> Finding:
        """The one with the largest error."""
        return max(self.rows.values(), key=lambda one: (one.ulp is None, one.ulp or 0))


class Surprise(NamedTuple):
    """Something that differs, with its class, its map or name, and its score."""

    kind: str
    map: str
    what: Group | Kink | Default
    score: float


def groups(atlas: Atlas) -> list[Group]:
    """All findings, in the order of the maps."""
    rows: dict[tuple[str, str], list[str]] = {}
    for row in atlas.judged:
        rows.setdefault((row.map, row.dtype), []).append(f"{row.backend} {row.execution}")
    made: dict[tuple[str, ...], dict[str, Finding]] = {}
    for one in atlas.findings:
        key = one.map, one.quantity, one.kind, one.dtype
        made.setdefault(key, {})[f"{one.backend} {one.execution}"] = one
    return [
        Group(*key, own, [row for row in rows[key[0], key[3]] if row not in own])
        for key, own in made.items()
    ]


def surprises(atlas: Atlas, dtype: str = "float64") -> list[Surprise]:
    """The most surprising differences in a dtype, at most SHOWN."""
    taken: Counter[str] = Counter()
    maps: set[str] = set()
    chosen = []
    for one in sorted(_all(atlas, dtype), key=lambda one: -one.score):
        name = one.map.split("_")[0]  # gelu_erf and gelu_tanh are one surprise
        if taken[one.kind] < PER_CLASS and name not in maps and len(chosen) < SHOWN:
            taken[one.kind] += 1
            maps.add(name)
            chosen.append(one)
    return chosen


def _all(atlas: Atlas, dtype: str) -> Iterable[Surprise]:
    for group in groups(atlas):
        if group.dtype == dtype:
            yield Surprise(group.kind, group.map, group, _score(group))
    for kink in atlas.kinks:
        if kink.dtype == dtype and kink.differs:
            alone = 1 - max(Counter(map(float, kink.found.values())).values()) / len(kink.found)
            yield Surprise(KINK, kink.map, kink, REACH_OF_KINK * max(alone, LEAST_ALONE))
    for default in atlas.defaults:
        if default.differs:  # all inputs, half of the frameworks
            yield Surprise(FUNCTION, default.name, default, 0.5)


def _score(group: Group) -> float:
    """The product of the three shares."""
    worst, most = group.worst, log10(1 / FORMATS[group.dtype].eps)
    digits = 1.0 if worst.ulp is None else min(log10(max(worst.ulp, 1)) / most, 1)
    reach = max(max(one.share for one in group.rows.values()), LEAST_REACH)
    backends = {row.split(" ")[0] for row in group.rows}
    others = {row.split(" ")[0] for row in group.others} - backends
    alone = len(others) / max(len(others | backends), 1)
    return digits * reach * max(alone, LEAST_ALONE)
