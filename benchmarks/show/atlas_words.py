"""The differences of an atlas in sentences."""

from collections.abc import Iterable

from benchmarks.analyse.surprise import Group, Surprise
from benchmarks.show.wording import title
from benchmarks.store.atlas import Atlas, Default, Finding, Kink
from reference.formats import FORMATS

COMPILED = "compiled"  # the word for "step" where the backend has eager, too
PRIME = {"value": "", "derivative": "'"}


def sentence(one: Surprise | Group | Kink | Default) -> str:
    """One difference in one sentence or two."""
    what = one.what if isinstance(one, Surprise) else one
    if isinstance(what, Group):
        return _of_group(what)
    return _of_kink(what) if isinstance(what, Kink) else _of_default(what)


def _of_group(group: Group) -> str:
    worst = group.worst
    where = f"at {worst.low}" if worst.low == worst.high else f"{worst.low} to {worst.high}"
    name = f"{group.map}{PRIME[group.quantity]}"
    dtype = "" if group.dtype == "float64" else f" {group.dtype}"
    text = f"{name}{dtype}: {group.kind} in {labels(group.rows)}, {where}: {_worst(worst)}."
    return f"{text} Not in {labels(group.others)}." if group.others else text


def _worst(worst: Finding) -> str:
    """What the worst point gives, and the error."""
    if worst.ulp is None:
        return f"{worst.found} for {worst.exact} at x = {worst.x}"
    how = f"{ulp(worst.ulp)} ULP"
    if worst.ulp >= 1 / FORMATS[worst.dtype].eps:
        how = "no correct digit"
    return f"{how} at x = {worst.x}, {worst.found} for {worst.exact}"


def _of_kink(kink: Kink) -> str:
    dtype = "" if kink.dtype == "float64" else f" {kink.dtype}"
    beside = f"{kink.left} on the left, {kink.right} on the right"
    return f"{kink.map}'({kink.x}){dtype}: {found_at(kink)}; the derivative is {beside}."


def found_at(kink: Kink) -> str:
    """What the frameworks give at a kink: those that agree together."""
    by_value: dict[str, list[str]] = {}
    for row, value in kink.found.items():
        by_value.setdefault("0" if float(value) == 0 else value, []).append(row)
    return ", ".join(f"{labels(rows)} {value}" for value, rows in by_value.items())


def _of_default(default: Default) -> str:
    found = ", ".join(f"{title(b)}'s is {name or 'none of the catalog'}"
                      for b, name in default.found.items())  # fmt: skip
    return f"{default.name} without options is not the same function: {found}."


def kink_sentences(atlas: Atlas, dtype: str = "float64") -> list[str]:
    """The kinks of a dtype at which the frameworks do not agree, then those where they do."""
    found = [kink for kink in atlas.kinks if kink.dtype == dtype]
    same = [f"{kink.map}'({kink.x}) {next(iter(kink.found.values()))}"
            for kink in found if not kink.differs]  # fmt: skip
    told = [sentence(kink) for kink in found if kink.differs]
    return [*told, f"All agree at: {', '.join(same)}."] if same else told


def default_sentences(atlas: Atlas) -> list[str]:
    """What a call without options is: where the frameworks do not agree, then where they do."""
    same = [f"{one.name} is {next(iter(one.found.values())) or 'none of the catalog'}"
            for one in atlas.defaults if not one.differs]  # fmt: skip
    told = [sentence(one) for one in atlas.defaults if one.differs]
    return [*told, f"The same in all: {', '.join(same)}."] if same else told


def labels(rows: Iterable[str]) -> str:
    """Rows in words; a framework whose eager and compiled rows are both there is named once."""
    by_backend: dict[str, list[str]] = {}
    for row in rows:
        backend, execution = row.split(" ")
        by_backend.setdefault(backend, []).append(execution)
    return ", ".join(label(b, executions) for b, executions in by_backend.items())


def label(backend: str, executions: list[str]) -> str:
    """The name of a framework, with the execution if only one of two is meant."""
    if backend != "torch" or len(executions) > 1:
        return title(backend)
    return f"{title(backend)} {COMPILED if executions[0] == 'step' else executions[0]}"


def ulp(error: float) -> str:
    """An error in at most five characters."""
    if error < 9.95:
        return f"{error:.1f}"
    return (
        f"{error:.0f}" if error < 9999.5 else f"{error:.0e}".replace("e+0", "e").replace("e+", "e")
    )


def columns(atlas: Atlas, dtype: str) -> list[str]:
    """The rows "backend execution" of a dtype, in the order of the atlas."""
    found = (f"{row.backend} {row.execution}" for row in atlas.judged if row.dtype == dtype)
    return list(dict.fromkeys(found))
