"""Every row of the published run has the same numbers in the export, on both pages and in text."""

import math
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from benchmarks.analyse.frame import load_run
from benchmarks.show import report, wording
from tests.test_readme import README, shown

pytest.importorskip("matplotlib")
from benchmarks.show.tables import circumstances

pytestmark = pytest.mark.xdist_group("one number")  # the pages of the run are made once

WORDS = ("model", "backend", "execution", "device", "formulation", "dtype")
SIZES = {
    "training": ["steps"],
    "gradient": ["B"],
    "large": ["examples", "features"],
    "life": ["caches"],
}
RATIOS = {
    "training": ["/ C", "/ reference", "/ elementwise", "/ reading", "/ exponentials"],
    "gradient": ["/ reference", "/ elementwise", "/ traffic"],
    "large": ["/ elementwise", "/ reading", "/ exponentials", "/ products"],
    "life": [],
}  # fmt: skip
STAGES = ("import", "to device", "trace", "compile", "first run", "steady", "to host")
TABLES = {"training": "training", "gradient": "gradients", "large": "large", "life": "life"}
UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of the published run with its pages, made anew, and what was printed about it."""
    path = tmp_path_factory.mktemp("run") / "0001_full.json"
    path.write_bytes(shown().read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        return path.parent, "\n".join(report.write(path, chosen=True))


@pytest.fixture(scope="module")
def exported(written):
    """The rows of the export, by kind."""
    rows = load_run(written[0] / "0001_full.json")
    rows = rows[rows.void == ""].to_dict("records")
    found = {kind: [row for row in rows if row["kind"] == kind] for kind in SIZES}
    assert sum(map(len, found.values())) == len(rows) > 0
    return found


def text(row, title):
    """A ratio as it is shown, from the numbers of the export."""
    value, low, high, *both = (
        row.get(f"{title}{limit}", math.nan) for limit in ("", " low", " high", " from", " to")
    )
    if math.isnan(value):
        return ""
    if not math.isnan(both[0]):
        return " to ".join(map(wording.digits, both))
    return wording.interval(value, low, high)


def brief(row, title):
    """The same without its interval."""
    return text(row, title).split(" [")[0].lstrip("~")


def bound(row):
    """The ratio to the part of the work that takes longest, in brief."""
    known = [part for part in ("/ reading", "/ exponentials") if not math.isnan(row[part])]
    return brief(row, min(known, key=row.get))


def stage(row, name):
    is_shown = name not in ("trace", "compile") or row["pays"]
    return "" if math.isnan(row[name]) or not is_shown else wording.digits(row[name])


def key(row):
    """What tells a row from the others, as texts."""
    sizes = [str(row[size]) for size in SIZES[row["kind"]]]
    return (*(row[word] for word in WORDS), *sizes, circumstances(row["conditions"]))


def numbers(row, unit, ratios):
    """The time in a unit, the ratios and the stages of a row, as texts."""
    time = [wording.digits(row["seconds"] / UNITS[unit])] if unit else []
    stages = STAGES if row["kind"] == "life" else ()
    return (*time, *(text(row, title) for title in ratios), *(stage(row, name) for name in stages))


# --- tables of the pages, as dictionaries by the titles of columns


class Page(HTMLParser):
    """The tables of the page by the id of their section; a row has the words of the line above."""

    def __init__(self, source):
        super().__init__()
        self.section, self.tables, self.same = "", {}, {}
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self.section = dict(attrs).get("id", self.section)
        if tag == "tr":
            self.tables.setdefault(self.section, []).append([])
        if tag in ("td", "th"):
            self.tables[self.section][-1].append("")

    def handle_data(self, data):
        if "All rows: " in data:
            self.same[self.section] = same(data)
        if self.section in self.tables and self.tables[self.section][-1]:
            self.tables[self.section][-1][-1] += data

    def rows(self, section):
        head, *rows = self.tables[section]
        return named(head, rows, self.same.get(section, {}))


def same(line):
    """The words that are said once, above a table."""
    words = line.split("All rows: ")[1].strip().removesuffix(".")
    return dict(word.split(" ", 1) for word in words.split(", "))


def named(head, rows, said):
    head = [title.strip() for title in head]
    return [said | dict(zip(head, (entry.strip() for entry in row), strict=True)) for row in rows]


def markdown(source):
    """The tables of a page in Markdown, each under its heading, with the words said above it."""
    for heading, body in re.findall(
        r"^###? (.*?)\n(.*?)(?=^##|\Z)", source, re.DOTALL | re.MULTILINE
    ):
        for table in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE):
            head, _, *rows = [
                [
                    entry.strip()
                    for entry in line.strip().removeprefix("|").removesuffix("|").split("|")
                ]
                for line in table.splitlines()
            ]
            found = re.search(r"^All rows: .*$", body, re.MULTILINE)
            yield heading, named(head, rows, same(found[0]) if found else {})


def unit_of(entries):
    return next((title.split(", ")[1] for title in entries[0] if title.startswith("time, ")), "")


def of_kind(entries, kind, unit):
    """What a table shows of each row: its key and its numbers."""
    titles = {"examples": "B", "features": "F"}
    found = Counter()
    for entry in entries:
        sizes = [entry.get(titles.get(size, size)) for size in SIZES[kind]]
        own = (*(entry[word] for word in WORDS), *sizes, entry.get("conditions", ""))
        time = [entry[f"time, {unit}"]] if unit else []
        stages = STAGES if kind == "life" else ()
        found[(own, (*time, *(entry.get(title, "") for title in (*RATIOS[kind], *stages))))] += 1
    return found


@pytest.fixture(scope="module")
def page(written):
    return Page((written[0] / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sections(written):
    source = (written[0] / "README.md").read_text(encoding="utf-8").replace("\\", "")
    return list(markdown(source))


def test_the_page_is_small(written):
    size = (written[0] / "report.html").stat().st_size
    assert size <= 2.5e6, "one file, offline: more is slow to open from a mail"


@pytest.mark.parametrize("kind", SIZES)
def test_on_the_page(page, exported, kind):
    entries = page.rows(TABLES[kind])
    unit = unit_of(entries)
    expected = Counter((key(row), numbers(row, unit, RATIOS[kind])) for row in exported[kind])
    assert of_kind(entries, kind, unit) == expected


@pytest.mark.parametrize("kind", ["training", "large", "life"])
def test_in_the_readme_of_the_run(sections, exported, kind):
    heading = {"training": "Training ", "large": "Gradients of large", "life": "Life "}[kind]
    found, expected = Counter(), Counter()
    for title, entries in sections:
        if not title.startswith(heading):
            continue
        unit = unit_of(entries)
        groups = [row for row in exported[kind] if kind == "large" or headed(row) in title]
        if kind == "training":
            [steps] = {row["steps"] for row in groups}
            entries = [entry | {"steps": str(steps)} for entry in entries]
        found += of_kind(entries, kind, unit)
        expected += Counter((key(row), numbers(row, unit, RATIOS[kind])) for row in groups)
    assert found == expected
    assert expected.total() == len(exported[kind])


def headed(row):
    """The heading of the comparison that a row is in."""
    return row["group"][:1].upper() + row["group"][1:]


def test_what_dense_costs_is_the_same_on_both_pages(page, sections, exported):
    costs = Counter(
        (
            row["model"],
            row["backend"],
            row["execution"],
            f"B = {row['B']}",
            text(row, "/ elementwise"),
        )
        for row in exported["gradient"]
        if row["formulation"] == "dense" and not row["conditions"] and text(row, "/ elementwise")
    )
    assert costs
    on_page = {
        name.split("_")[1]: page.rows(name) for name in page.tables if name.startswith("ratio_")
    }
    in_readme = {
        title.split(": ")[1].split(" ")[0]: entries
        for title, entries in sections if title.startswith("What dense costs: ")
    }  # fmt: skip
    for tables in (on_page, in_readme):
        assert costs == Counter(
            (model, entry["backend"], entry["execution"], size, entry[size])
            for model, entries in tables.items() for entry in entries
            for size in entry if size.startswith("B = ") and entry[size]
        )  # fmt: skip


# --- text


def lines(source, heading):
    """The head of a table in text and its lines, without further spaces."""
    title = r"\s+".join(map(re.escape, heading.split()))
    title += r"(?:, in seconds|, the\s+fastest of each)?$"
    [found] = re.findall(rf"^{title}\n(.*?)(?=^$|^```)", source, re.DOTALL | re.MULTILINE)
    head, *rows = found.splitlines()
    return head, Counter(" ".join(row.split()) for row in rows)


def as_line(row, unit):
    """A row as text shows it in brief: the C loop and the longer bound without their intervals."""
    cell = [row["backend"], row["execution"], row["formulation"]]  # conditions are in the heading
    briefly = [brief(row, "/ C"), bound(row)] if row["kind"] == "training" else []
    own = numbers(row, unit, ["/ reference", "/ elementwise"])
    if row["kind"] == "life":  # without the copies, which are short
        own = [stage(row, name) for name in STAGES if not name.startswith("to ")]
        own += [pays_after(row)]
    shown = [*cell, *own[:1], *briefly, *own[1:]]
    return " ".join(" ".join(shown).split())


def pays_after(row):
    if row["pays"] != "after":
        return row["pays"] or "-"
    steps = row["break_even"]
    return f"{float(f'{steps:.3g}'):.0f}" if steps < 1e8 else f"{steps:.1e}"


@pytest.mark.parametrize("kind", ["training", "gradient", "life"])
def test_in_text(written, exported, kind):
    folder, printed = written
    stored = (folder / "0001_full.txt").read_text(encoding="utf-8")
    groups = {}
    for row in exported[kind]:
        groups.setdefault(headed(row), []).append(row)
    for source in (stored, printed) if kind != "gradient" else (stored,):
        for heading, rows in groups.items():
            head, found = lines(source, heading)
            unit = next(iter(re.findall(r"time, (\w+)", head)), "")
            assert found == Counter(as_line(row, unit) for row in rows), heading


# --- the README of the project


def test_in_the_readme_of_the_project(exported):
    """Its two tables have numbers of rows of the run, and no others."""
    told = README.read_text(encoding="utf-8").replace("\\", "")
    [screen] = [table for table in re.findall(r"(?:^\|.*\n)+", told, re.MULTILINE)
                if table.startswith("| dense / elementwise")]  # fmt: skip
    known = {
        text(row, "/ elementwise") for row in exported["gradient"] if row["model"] == "logistic"
    }
    cells = [entry.strip() for line in screen.splitlines()[2:] for entry in line.split("|")[2:-1]]
    assert cells
    assert {*filter(None, cells)} <= known
    rows = [row for row in exported["training"] if row["model"] == "logistic"]
    head, found = lines(told, headed(rows[0]))
    unit = re.findall(r"time, (\w+)", head)[0]
    assert {*found} <= {as_line(row, unit) for row in rows}
