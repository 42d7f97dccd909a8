"""The tables of the pages: words, by which one filters, and numbers, by which one sorts."""

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.analyse import rows as query
from benchmarks.show import answer, columns, large_table, life_table
from benchmarks.show.columns import AGREEMENT, CELL, EMPTY, Column, Entry
from benchmarks.show.text import file_name

Run = dict[str, Any]
Row = dict[str, Any]
RATIOS = {"limit": "/ C", "baseline": "/ reference", "elementwise": "/ elementwise"}


class Sheet(NamedTuple):
    """A table: its name in a page, what it shows, and its entries, column by column."""

    name: str
    title: str
    note: str
    columns: list[str]
    rows: list[list[Entry]]

    def words(self, column: int) -> bool:
        """Whether a column holds words, by which one filters."""
        return all(row[column].order is None for row in self.rows)

    def filled(self) -> "Sheet":
        """Without the columns in which nothing stands."""
        return self._only(lambda i: any(row[i].text for row in self.rows))

    def varied(self) -> "Sheet":
        """Without the columns of words that say the same in every row."""
        return self._only(lambda i: not self.words(i) or len({r[i].text for r in self.rows}) > 1)

    def without(self, column: str) -> "Sheet":
        """Without one column, if it is there."""
        return self._only(lambda i: self.columns[i] != column)

    def _only(self, is_kept: Callable[[int], bool]) -> "Sheet":
        kept = [i for i in range(len(self.columns)) if is_kept(i)]
        rows = [[row[i] for i in kept] for row in self.rows]
        return self._replace(columns=[self.columns[i] for i in kept], rows=rows)


def whole(run: Run) -> list[Sheet]:
    """The tables of the page: those that one sorts and filters hold every row of their kind."""
    rows = query.rows_of(run)
    lives = [row for row in rows if "life" in row]
    made = [training([r for r in rows if "steps" in r]), *ratios(run), gradients(rows)]
    made += [large(rows), life(lives), verdicts(rows)]
    return [sheet.filled() for sheet in made if sheet.rows]


def short(run: Run) -> list[Sheet]:
    """The tables of the README: one for each comparison, without what is the same throughout."""
    found: dict[str, list[Row]] = {}
    rows = query.rows_of(run)
    for row in rows:
        found.setdefault(row["group"], []).append(row)
    trained = [training(rows, g.capitalize()) for g, rows in found.items() if "steps" in rows[0]]
    lived = [life(rows, g.capitalize()) for g, rows in found.items() if "life" in rows[0]]
    made = [*trained, *ratios(run), large(rows), *lived, verdicts(rows)]
    return [sheet.filled().varied().without("steps") for sheet in made if sheet.rows]


def training(rows: list[Row], title: str = "Training runs") -> Sheet:
    """The training runs, the fastest first."""
    ratios = {title: columns.ratio_of(name) for name, title in RATIOS.items()}
    shown = {
        **CELL, "steps": columns.number_of("steps"), "time": columns.time, **ratios,
        "conditions": columns.conditions, **AGREEMENT,
    }  # fmt: skip
    note = "Median of one call, and ratios of times with their 95 % intervals."
    return _sheet("training", title, note, shown, sorted(rows, key=lambda row: row["seconds"]))


def ratios(run: Run) -> list[Sheet]:
    """What dense costs with its intervals, a column for each size, a table for each problem."""
    note = "Time of dense / time of elementwise, with its 95 % interval; ~ no difference measured."
    made = []
    for (model, dtype), rows in query.default_gradients(run).items():
        dense = query.costs(rows)
        sizes = sorted({row["B"] for row in dense})
        titles = ["backend", "execution", *(f"B = {B}" for B in sizes)]
        name = file_name("ratio", model, dtype)
        title = f"What dense costs: {model} gradient, {dtype}"
        made.append(Sheet(name, title, note, titles, _over(sizes, dense)))
    return made


def gradients(rows: list[Row]) -> Sheet:
    """Every row of a single gradient."""
    ratios = {RATIOS[name]: columns.ratio_of(name) for name in ("baseline", "elementwise")}
    ratios["/ traffic"] = columns.ratio_of("traffic")
    shown = {
        **CELL, "B": columns.number_of("B"), "time": columns.time, **ratios,
        "memory / matrix": columns.matrices, "page faults": columns.faults,
        "conditions": columns.conditions, **AGREEMENT,
    }  # fmt: skip
    note = (
        "Median of one call; / traffic: beside writing and reading every B x B matrix once; the "
        "memory that it allocates, in matrices of B x B, and its minor page faults."
    )
    return _sheet("gradients", "Gradients", note, shown, [row for row in rows if "B" in row])


def large(rows: list[Row]) -> Sheet:
    """The gradients of large batches, beside parts of their work."""
    bounds = {f"/ {name}": columns.ratio_of(name) for name in (*large_table.BOUNDS, "products")}
    shown = {
        **CELL, "B": columns.number_of("examples"), "F": columns.number_of("features"),
        "time": columns.time, "an example": columns.per_example,
        "/ elementwise": columns.ratio_of("elementwise"), **bounds,
        "conditions": columns.conditions, **AGREEMENT,
    }  # fmt: skip
    rows = [row for row in rows if "examples" in row]
    note = (
        "Median of one call, and beside NumPy's own time for a part of the work: reading X and "
        "Y once, one exponential for each example, the products X W and row X alone."
    )
    return _sheet("large", "Gradients of large batches", note, shown, rows)


def life(rows: list[Row], title: str = "The life of a cell") -> Sheet:
    """The stages of a life, the fastest cell first."""
    stages = {stage: columns.stage_of(stage) for stage in life_table.COLUMNS}
    shown = {**CELL, "caches": columns.word_of("caches"), **stages, "pays after": columns.steps}
    rows = sorted(rows, key=lambda row: [row["caches"], row["life"]["steady"] or 0])
    return _sheet("life", title, life_table.LEGEND, shown, rows)


def verdicts(rows: list[Row]) -> Sheet:
    """A line for each cell: its rows, and the check that came nearest to what is allowed."""
    cells: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["verdict"]["checks"]:
            cells.setdefault(tuple(row[word] for word in query.WORDS), []).append(row)
    worst = [
        max(own, key=lambda row: answer.share(answer.nearest(row))) | {"count": len(own)}
        for own in cells.values()
    ]
    note = (
        "Of all rows of a cell the check that came nearest to its tolerance. What was timed is "
        "what was judged; a row that fails is void."
    )
    shown = {**CELL, "rows": columns.number_of("count"), **AGREEMENT}
    return _sheet("verdicts", "Verdicts", note, shown, worst)


def _over(sizes: list[int], rows: list[Row]) -> list[list[Entry]]:
    """A line for each backend and execution, with its ratio at each size."""
    ratio, lines = columns.ratio_of("elementwise"), []
    for cell in dict.fromkeys(map(query.driven, rows)):
        own = {row["B"]: row for row in rows if query.driven(row) == cell}
        lines.append([*map(Entry, cell), *(ratio(own[B]) if B in own else EMPTY for B in sizes)])
    return lines


def _sheet(name: str, title: str, note: str, shown: dict[str, Column], rows: list[Row]) -> Sheet:
    entries = [[column(row) for column in shown.values()] for row in rows]
    return Sheet(name, title, note, list(shown), entries)
