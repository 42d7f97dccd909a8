"""Every table of a run, each defined once: its title, its rows, its columns.

show/render.py makes text, Markdown or HTML of them.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.analyse.frame import BOUNDS, costs, over, own_conditions, ratio_of
from benchmarks.analyse.intervals import quotient
from benchmarks.analyse.scaling import growth
from benchmarks.show.wording import (
    digits,
    file_name,
    interval,
    name,
    ratio,
    steps,
    title,
    unit_of,
    value,
)  # fmt: skip
from benchmarks.store.conditions import HUGE_PAGES
from benchmarks.store.run import CELL_WORDS, UNSHARDED

BOUNDS_NOTE = (
    "/ bound: beside reading X and Y once, or one exponential for each example, whichever takes "
    "longer; / products: beside X W and row X alone; / traffic: beside writing and reading every "
    "B x B matrix once. All are NumPy's, timed in the same rounds."
)
SCREEN = (32, 256, 1024, 4096)  # batch sizes that fit the first screen
AT = 65536  # the batch size of the column with ratios to the bound
SHORT_CELL = ("backend", "execution", "formulation")  # the words that name a cell below a heading


class Column(NamedTuple):
    """A column: its title, the column of the rows that it sorts by, and how an entry is shown.

    Words have no show: they are shown as they are, and can be filtered. brief is how an entry is
    shown in brief tables, which leave out columns with is_wide; the others leave out is_brief.
    """

    title: str
    source: str
    show: Callable[[Any], str] | None = None
    brief: Callable[[Any], str] | None = None
    is_wide: bool = False
    is_brief: bool = False
    is_time: bool = False


class Table(NamedTuple):
    """A table as it is shown: a text for each entry, and for numbers the values to sort by.

    same is a sentence with the words that were left out because they are the same in all rows.
    """

    name: str
    title: str
    note: str
    texts: pd.DataFrame
    numbers: pd.DataFrame
    same: str = ""

    def without(self, *columns: str) -> "Table":
        """The table without these columns, if it has them."""
        return self._replace(texts=self.texts.drop(columns=[*columns], errors="ignore"))

    def filled(self) -> "Table":
        """The table without empty columns."""
        return self.without(*self.texts.columns[(self.texts == "").all()])

    def varied(self) -> "Table":
        """The table without columns of words that are the same in every row."""
        same = self.texts.columns[self.texts.nunique() < 2]
        same = same.difference(self.numbers.columns, sort=False)
        told = ", ".join(f"{word} {self.texts[word].iloc[0]}" for word in same)
        return self.without(*same)._replace(same=f"All rows: {told}." if told else "")


class Definition(NamedTuple):
    """A table over the rows of a kind, sorted by the columns of order, with its own columns."""

    name: str
    title: str
    note: str
    kind: str
    order: list[str]
    columns: tuple[Column, ...]
    units: str = ""

    def table(self, rows: pd.DataFrame, title: str = "", brief: bool = False) -> Table:
        """The table of the rows of its kind."""
        rows = rows[rows.kind == self.kind]
        rows = rows.sort_values(self.order, kind="stable") if self.order else rows
        columns = tuple(c for c in self.columns if not (c.is_wide if brief else c.is_brief))
        if brief:
            columns = tuple(c._replace(show=c.brief or c.show) for c in columns)
        return of_columns(self.name, title or self.title + self.units, self.note, rows, columns)

    def by_group(self, rows: pd.DataFrame, brief: bool = False) -> Iterator[Table]:
        """A table for each group of rows that is compared."""
        for group, own in rows[rows.kind == self.kind].groupby("group", sort=False):
            heading = f"{str(group)[:1].upper()}{str(group)[1:]}"
            yield self.table(own, heading + self.units, brief)


def of_columns(
    name: str, title: str, note: str, rows: pd.DataFrame, columns: tuple[Column, ...]
) -> Table:
    """The table of rows; an entry without a number is empty."""
    texts, numbers = {}, {}
    for column in columns:
        values = rows[column.source]
        if column.is_time:
            size, unit = unit_of(values)
            column = Column(
                f"{column.title}, {unit}", column.source, _in_units(column.source, size)
            )
        if column.show is None:
            texts[column.title] = values.to_list()
            continue
        numbers[column.title] = values.astype(float).to_list()
        texts[column.title] = [
            "" if pd.isna(row[column.source]) else column.show(row) for _, row in rows.iterrows()
        ]
    return Table(name, title, note, pd.DataFrame(texts, dtype=object), pd.DataFrame(numbers))


# --- columns


def _word(word: str) -> Column:
    return Column(word, word)


def _whole(title: str, source: str) -> Column:
    return Column(title, source, lambda row: str(int(row[source])))


def _time(title: str, source: str) -> Column:
    return Column(title, source, is_time=True)


def _seconds(title: str, source: str) -> Column:
    return Column(title, source, _in_units(source, 1.0))


def _in_units(source: str, size: float) -> Callable[[Any], str]:
    return lambda row: digits(row[source] / size)


def _ratio(title: str) -> Column:
    return Column(title, title, lambda row: ratio(row, title))


def circumstances(conditions: str) -> str:
    """The conditions of a row that differ from those of the run, in few words."""
    has_huge_pages = conditions and all(word in conditions for word in HUGE_PAGES.values())
    return "huge pages" if has_huge_pages else conditions


def _used(row: Any) -> str:
    return f"{row['tolerance used']:.0%}"


def _check(row: Any) -> str:
    check = row["nearest check"]
    return f"{check.quantity}: {digits(check.observed)} of {digits(check.allowed)} {check.unit}"


CELLS = tuple(_word(word) for word in CELL_WORDS if word != "sharding")
SHARDING = _word("sharding shown")._replace(title="sharding")  # empty on one device
AGREEMENT = (
    Column("tolerance used", "tolerance used", _used, is_wide=True),
    Column("nearest check", "check", is_wide=True),
)
CONDITIONS = _word("circumstances")._replace(title="conditions")
TIME = _time("time", "seconds")
C_RATIO = _ratio("/ C")._replace(brief=lambda row: value(row, "/ C"))
BOUND = Column("/ bound", "/ bound", lambda row: value(row, _bound(row)), is_brief=True)


# --- definitions

TRAINING = Definition(
    "training", "Training runs",
    "Median of one call, and ratios of times with their 95 % intervals; ~ no difference measured. "
    "/ reading, / exponentials: beside NumPy's own time for reading every batch once a step, and "
    "for one exponential for each example of each step.",
    "training", ["seconds"],
    (*CELLS, _whole("steps", "steps")._replace(is_wide=True), TIME, C_RATIO, BOUND,
     _ratio("/ reference"), _ratio("/ elementwise"),
     *(_ratio(bound)._replace(is_wide=True) for bound in BOUNDS), CONDITIONS, *AGREEMENT),
)  # fmt: skip
GRADIENTS = Definition(
    "gradients", "Gradients",
    "Median of one call; / traffic: beside writing and reading every B x B matrix once; the "
    "memory that it allocates, in matrices of B x B, and its minor page faults.",
    "gradient", [],
    (*CELLS, _whole("B", "B")._replace(is_wide=True), TIME, _ratio("/ reference"),
     _ratio("/ elementwise"), _ratio("/ traffic")._replace(is_wide=True),
     Column("memory / matrix", "matrices", lambda row: f"{row.matrices:.2f}", is_wide=True),
     Column("page faults", "faults", lambda row: f"{row.faults:.0f}", is_wide=True),
     CONDITIONS, *AGREEMENT),
)  # fmt: skip
MAPS = Definition(
    "maps", "Elementwise maps",
    "Median of one call that returns the value and a row pulled back; / numpy: beside NumPy's "
    "elementwise form of the same map.",
    "map", [],
    (*CELLS, _whole("B", "B"), TIME, _ratio("/ elementwise"), _ratio("/ numpy"),
     Column("memory / matrix", "matrices", lambda row: f"{row.matrices:.2f}", is_wide=True),
     CONDITIONS, *AGREEMENT),
)  # fmt: skip
LARGE = Definition(
    "large", "Gradients of large batches",
    "Median of one call, and beside NumPy's own time for a part of the work: reading X and "
    "Y once, one exponential for each example, the products X W and row X alone.",
    "large", [],
    (*CELLS, _whole("B", "examples"), _whole("F", "features"), TIME,
     _time("an example", "an example"), *map(_ratio, ("/ elementwise", *BOUNDS, "/ products")),
     CONDITIONS, *AGREEMENT),
)  # fmt: skip
STAGES = {  # of a life, by the column of the rows; compiling is shown where something compiles
    "import": "import", "to device": "to device", "trace": "trace shown",
    "compile": "compile shown", "first run": "first run", "steady": "steady", "to host": "to host",
}  # fmt: skip
LIFE = Definition(
    "life", "The life of a cell",
    "Each row is one fresh process, a run the whole training. Pays after: the number of steps that "
    "pays back trace, compile and what the first run took beyond a steady one, against eager "
    "NumPy. Empty where nothing compiles, or a stage is not told apart.",
    "life", ["caches", "steady"],
    (*CELLS, Column("caches", "caches", is_wide=True),
     *(_seconds(stage, source)._replace(is_wide=stage.startswith("to "))
       for stage, source in STAGES.items()),
     Column("pays after", "pays order", steps)),
    ", in seconds",
)  # fmt: skip
VERDICTS = Definition(
    "verdicts", "Verdicts",
    "Of all rows of a cell the check that came nearest to its tolerance. What was timed is "
    "what was judged; a row that fails is void.",
    "verdict", [], (*CELLS, SHARDING, _whole("rows", "rows"), *AGREEMENT),
)  # fmt: skip


# --- the tables of a run


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with further columns, computed for the tables."""
    return rows.assign(**{
        "circumstances": rows.conditions.map(circumstances),
        "sharding shown": rows.sharding.where(rows.sharding != UNSHARDED, ""),
        "check": ["" if pd.isna(row["nearest check"]) else _check(row)
                  for _, row in rows.iterrows()],
        "matrices": rows.temporary_bytes / rows.matrix_bytes.where(rows.matrix_bytes > 0),
        "an example": rows.seconds / rows.examples,
        **{f"{stage} shown": rows[stage].where(rows.pays != "") for stage in ("trace", "compile")},
        "pays order": rows.break_even.fillna(1e300).where(rows.kind == "life"),
        "/ bound": rows[BOUNDS].min(axis="columns"),  # the higher one
        "cell": [", ".join(filter(None, [name(row), circumstances(row.conditions)]))
                 for _, row in rows.iterrows()],
    })  # fmt: skip


def sortable(rows: pd.DataFrame) -> list[Table]:
    """The tables of report.html, to sort and filter: most hold every row of their kind."""
    made = [TRAINING.table(rows), *ratios(rows), GRADIENTS.table(rows), LARGE.table(rows)]
    made += [MAPS.table(rows)]
    made += [LIFE.table(rows), VERDICTS.table(worst(rows))]
    filled = [table.filled() for table in made if len(table.texts)]
    return [table.varied() if len(table.texts) > 1 else table for table in filled]


def readable(rows: pd.DataFrame) -> list[Table]:
    """The tables of a run's README.md: mostly one a comparison, without columns that never vary."""
    made = [*TRAINING.by_group(rows), *ratios(rows), LARGE.table(rows), *LIFE.by_group(rows)]
    made += [MAPS.table(rows), VERDICTS.table(worst(rows))]
    return [table.filled().varied().without("steps") for table in made if len(table.texts)]


def summary(rows: pd.DataFrame) -> Iterator[Table]:
    """The tables for a terminal: all training runs, and two tables of gradients a problem."""
    yield from TRAINING.by_group(rows, brief=True)
    for words, own in _problems(own_conditions(rows[rows.kind == "gradient"])):
        yield over_sizes(f"gradient {words}: us of one call", own, _microseconds)
    yield from ratios(rows, brief=True)
    yield from large_batches(rows)
    yield from of_maps(rows)
    yield from LIFE.by_group(rows, brief=True)


def everything(rows: pd.DataFrame) -> Iterator[Table]:
    """The tables of the .txt file: one for each comparison, and tables over the sizes."""
    yield from TRAINING.by_group(rows, brief=True)
    yield from GRADIENTS.by_group(rows, brief=True)
    for words, own in _problems(rows[(rows.kind == "gradient") & (rows.matrix_bytes > 0)]):
        yield from _memory(f"gradient {words}", own)
    yield from large_batches(rows)
    yield from of_maps(rows)
    yield from LIFE.by_group(rows, brief=True)
    yield from against_each_other(rows)


def fastest(rows: pd.DataFrame, model: str, dtype: str) -> Iterator[Table]:
    """The tables of the repository's README.md: the fastest training runs, and what dense costs."""
    own = rows[(rows.model == model) & (rows.dtype == dtype)]
    first = own[own.kind == "training"].sort_values("seconds", kind="stable")
    first = first.drop_duplicates(["group", "backend", "way"])
    for table in TRAINING.by_group(first, brief=True):
        yield table._replace(title=f"{table.title}, the fastest of each")


def first_screen(rows: pd.DataFrame, model: str, dtype: str) -> Iterator[Table]:
    """What dense costs each backend in its first execution, at a few sizes."""
    own = rows[(rows.model == model) & (rows["dtype"] == dtype) & rows.B.isin(SCREEN)]
    for table in ratios(own.drop_duplicates(["kind", "backend", "formulation", "B"])):
        texts = table.texts.drop(columns="execution")
        texts["backend"] = texts.backend.map(title)
        yield table._replace(texts=texts.rename(columns={"backend": "dense / elementwise"}))


def ratios(rows: pd.DataFrame, brief: bool = False) -> Iterator[Table]:
    """What dense costs, a column for each size, a table for each problem."""
    note = (
        "Time of dense / time of elementwise, with its 95 % interval; ~ no difference measured; "
        "60 to 300: the processes have no common value."
    )
    for (model, dtype), own in costs(rows).groupby(["model", "dtype"], sort=False):
        heading = f"What dense costs: {model} gradient, {dtype}"
        if brief:
            heading = f"gradient {model} {dtype}: dense / elementwise"
        yield over_sizes(
            heading, own, (lambda row: value(row, "/ elementwise")) if brief
            else lambda row: ratio(row, "/ elementwise"),
            words=["cell"] if brief else ["backend", "way"], order="/ elementwise",
            name=file_name("ratio", str(model), str(dtype)), note="" if brief else note,
        )  # fmt: skip


def over_sizes(
    heading: str, rows: pd.DataFrame, show: Callable[[Any], str], *, by: str = "B",
    words: list[str] | None = None, order: str = "seconds", name: str = "", note: str = "",
) -> Table:  # fmt: skip
    """A line for each cell, a column for each size."""
    words = words or ["cell"]
    shown = rows.assign(text=[show(row) for _, row in rows.iterrows()])
    texts, numbers = (over(shown, values, words, by) for values in ("text", order))
    sign = "" if words == ["cell"] else "B = "  # else it heads the column of cells
    titles = [f"{sign}{size}" for size in texts.columns]
    texts.columns = numbers.columns = pd.Index(titles)
    texts = texts.fillna("").reset_index().rename(columns={"way": "execution", "cell": "B ="})
    return Table(name, heading, note, texts, numbers.reset_index(drop=True))


def of_maps(rows: pd.DataFrame) -> Iterator[Table]:
    """Elementwise maps over their sizes: the times, and what dense costs."""
    for words, own in _problems(own_conditions(rows[rows.kind == "map"])):
        yield over_sizes(f"map {words}: us of one call", own, _microseconds)
        dense = own[own["/ elementwise"].notna()]
        if len(dense):
            heading = f"map {words}: time / time of elementwise"
            yield over_sizes(heading, dense, lambda row: value(row, "/ elementwise"))


def large_batches(rows: pd.DataFrame) -> Iterator[Table]:
    """Large batches over their sizes and beside the products, and dense ones beside their traffic.

    The bound is reading X and Y once or one exponential for each example, whichever takes longer.
    """
    for words, own in _problems(rows[rows.kind == "large"]):
        narrow = own[own.features == own.features.min()]
        table = over_sizes(
            f"large gradient {words}, F = {narrow.features.min()}: ns of one example", narrow,
            lambda row: digits(row["an example"] * 1e9), by="examples",
        )  # fmt: skip
        yield table._replace(texts=table.texts.assign(**_growths(narrow, table.texts["B ="])))
        wide = own[own.features > narrow.features.min()].sort_values("features", kind="stable")
        columns = (_word("cell"), _whole("F", "features"), TIME, _ratio("/ products"))
        yield of_columns("", f"large gradient {words}, B = 4096", BOUNDS_NOTE, wide, columns)
    for words, own in _problems(rows[rows["/ traffic"].notna()]):
        columns = (_word("cell"), _whole("B", "B"), TIME, _ratio("/ traffic"))
        own = own.sort_values(["cell", "B"])
        yield of_columns("", f"dense gradient {words}", BOUNDS_NOTE, own, columns)


def _growths(rows: pd.DataFrame, cells: pd.Series) -> dict[str, list[str]]:
    """For each cell the exponent of its time over the size, and its ratio to the bound."""
    exponents, bounds = [], []
    for cell in cells:
        own = rows[rows.cell == cell]
        grows = len(own) > 1
        exponents.append(f"{growth(own.examples, own.seconds):.2f}" if grows else "-")
        at = own[(own.examples == AT) & own["/ bound"].notna()]
        bounds.append(next((ratio(row, _bound(row)) for _, row in at.iterrows()), "-"))
    return {"exponent": exponents, f"/ bound at {AT}": bounds}


def _bound(row: Any) -> str:
    """The title of the ratio to the longer one of the parts that no program does without."""
    return min((row[title], title) for title in BOUNDS if pd.notna(row[title]))[1]


def _memory(heading: str, rows: pd.DataFrame) -> Iterator[Table]:
    """What a dense call allocates, its page faults, and its time with huge pages for all."""
    plain = own_conditions(rows)
    if len(plain):
        memory = f"{heading}: temporary memory in matrices of B x B"
        yield over_sizes(memory, plain, lambda row: f"{row.matrices:.2f}")
        yield over_sizes(f"{heading}: minor page faults of one call", plain, _faults)
    key = ["B", *CELL_WORDS]
    others = rows[rows.conditions != ""][key].drop_duplicates()
    twice = rows.merge(others, on=key).sort_values(["cell", "conditions"], kind="stable")
    for what, show in (("us", _microseconds), ("minor page faults", _faults)):
        if len(twice):
            yield over_sizes(f"{heading}: {what} of one call", twice, show)


def against_each_other(rows: pd.DataFrame) -> Iterator[Table]:
    """Backend against backend: the quotient of two ratios to the baseline, elementwise."""
    own = rows[(rows.kind == "training") & (rows.formulation == "elementwise")]
    for group, compared in own[own["/ reference"].notna()].groupby("group", sort=False):
        first = [row for _, row in compared.drop_duplicates("backend").iterrows()]
        pairs = list(combinations(first, 2))
        found = [quotient(*(ratio_of(row, "/ reference") for row in pair)) for pair in pairs]
        names = [" / ".join(f"{title(row.backend)} {row.way}" for row in pair) for pair in pairs]
        texts = {"backends": names, "ratio": [interval(*quotient) for quotient in found]}
        if pairs:
            heading = f"{group}, backend against backend, elementwise"
            yield Table("", heading, "", pd.DataFrame(texts), pd.DataFrame({"ratio": found}))


def worst(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each cell the row that came nearest to its tolerance, with the number of its rows."""
    judged = rows[rows["tolerance used"].notna()]
    cells = judged.groupby([*CELL_WORDS], sort=False)["tolerance used"]
    found = judged.loc[cells.idxmax()].assign(kind="verdict")
    return found.assign(rows=cells.size().to_list())


def _problems(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for words, own in rows.groupby(["model", "dtype"], sort=False):
        yield " ".join(map(str, np.atleast_1d(words))), own


def _microseconds(row: Any) -> str:
    """Three digits of microseconds; from a tenth of a second on in seconds."""
    return digits(row.seconds * 1e6) if row.seconds < 0.1 else f"{row.seconds:.2f}s"


def _faults(row: Any) -> str:
    return f"{row.faults:.0f}"
