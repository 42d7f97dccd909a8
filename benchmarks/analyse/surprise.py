"""What of an atlas comes first: findings in groups, and the rule for the most surprising ones.

A group is one difference: a map, a quantity, a class and a dtype, with all rows that have it. Its
score is the product of three numbers from 0 to 1: the share of the digits that are lost, the share
of ordinary numbers (1e-4 to 1e4 in size; subnormal results are none) that it concerns, and the
share of the frameworks that do not have it. Each has a least value, so that none decides alone. A
map comes once, and a class at most twice.
"""

from collections import Counter
from collections.abc import Iterable
from math import log10
from typing import NamedTuple

from benchmarks.store.atlas import FLUSHED, FUNCTION, KINK, Atlas, Default, Finding, Kink, by_value
from reference.formats import FORMATS

SHOWN = 5
PER_CLASS = 2
LEAST = 0.02  # of each share
REACH_OF_KINK = 0.05  # a single number; but one that networks do meet: zeros, and clipped values
DIGITS_OF = {name: log10(1 / form.eps) for name, form in FORMATS.items()}


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
    made: dict[tuple[str, str, str, str], dict[str, Finding]] = {}
    for one in atlas.findings:
        key = one.map, one.quantity, one.kind, one.dtype
        made.setdefault(key, {})[f"{one.backend} {one.execution}"] = one
    return [
        Group(map, quantity, kind, dtype, own, [r for r in rows[map, dtype] if r not in own])
        for (map, quantity, kind, dtype), own in made.items()
    ]


def surprises(atlas: Atlas) -> list[Surprise]:
    """The most surprising differences in the atlas's dtype, at most SHOWN."""
    taken: Counter[str] = Counter()
    maps: set[str] = set()
    chosen: list[Surprise] = []
    for one in sorted(_all(atlas), key=lambda one: -one.score):
        name = one.map.split("_")[0]  # gelu_erf and gelu_tanh are one surprise
        if taken[one.kind] < PER_CLASS and name not in maps and len(chosen) < SHOWN:
            taken[one.kind] += 1
            maps.add(name)
            chosen.append(one)
    return chosen


def _all(atlas: Atlas) -> Iterable[Surprise]:
    for group in groups(atlas):
        if group.dtype == atlas.dtype:
            yield Surprise(group.kind, group.map, group, _of_group(group))
    for kink in atlas.kinks:
        if kink.dtype == atlas.dtype and kink.differs:
            alone = _alone(map(len, by_value(kink.found).values()))
            score = _score(1, REACH_OF_KINK, alone)
            yield Surprise(KINK, kink.map, kink, score)
    for default in atlas.defaults:
        if default.differs:  # for every number
            lost = _lost(default.apart / FORMATS["float64"].eps, "float64")
            alone = _alone(Counter(default.found.values()).values())
            score = _score(lost, 1, alone)
            yield Surprise(FUNCTION, default.name, default, score)


def _of_group(group: Group) -> float:
    lost = 1.0 if group.worst.ulp is None else _lost(group.worst.ulp, group.dtype)
    reach = 0 if group.kind == FLUSHED else max(one.share for one in group.rows.values())
    have = {row.split(" ")[0] for row in group.rows}
    others = {row.split(" ")[0] for row in group.others} - have
    return _score(lost, reach, len(others) / len(others | have))


def _lost(ulp: float, dtype: str) -> float:
    """The share of the digits that an error leaves wrong."""
    return min(log10(max(ulp, 1)) / DIGITS_OF[dtype], 1)


def _alone(sizes: Iterable[int]) -> float:
    """The share of those that are not in the largest of these groups."""
    counted = [*sizes]
    return 1 - max(counted) / sum(counted)


def _score(*shares: float) -> float:
    score = 1.0
    for share in shares:
        score *= max(share, LEAST)
    return score
