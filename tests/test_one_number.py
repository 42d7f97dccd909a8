"""A number of the published run is the same in the export, on both pages and in the terminal."""

import math
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from benchmarks.analyse.frame import load_run
from benchmarks.show import report, wording
from tests.test_readme import shown

pytest.importorskip("matplotlib")
WORDS = ("backend", "execution", "formulation")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The published run with its pages, made anew."""
    path = tmp_path_factory.mktemp("run") / "0001_full.json"
    path.write_bytes(shown().read_bytes())
    report.write(path, chosen=True)
    return path.parent


@pytest.fixture(scope="module")
def exported(folder):
    """Of each training run: its words, and its ratio to the reference as a text."""
    rows = load_run(folder / "0001_full.json")
    rows = rows[(rows.kind == "training") & (rows.void == "")]
    found = Counter()
    for row in rows.to_dict("records"):
        limits = [row[f"/ reference{limit}"] for limit in ("", " low", " high")]
        missing = any(map(math.isnan, limits))
        both = [row.get(f"/ reference{limit}", math.nan) for limit in (" from", " to")]
        text = "" if missing else wording.interval(*limits)
        if not any(map(math.isnan, both)):
            text = " to ".join(map(wording.digits, both))
        found[(row["model"], *(row[word] for word in WORDS), text)] += 1
    return found


class Rows(HTMLParser):
    """The rows of the table of training runs on the page."""

    def __init__(self, text):
        super().__init__()
        self.inside, self.rows = False, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self.inside = dict(attrs).get("id") == "training"
        if self.inside and tag == "tr":
            self.rows.append([])
        if self.inside and tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.inside and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_on_the_page(folder, exported):
    head, *rows = Rows((folder / "report.html").read_text(encoding="utf-8")).rows
    head = [title.strip() for title in head]
    places = [head.index(word) for word in ("model", *WORDS, "/ reference")]
    found = Counter(tuple(row[place].strip() for place in places) for row in rows if row)
    assert found == exported


def test_in_the_readme_of_the_run(folder, exported):
    text = (folder / "README.md").read_text(encoding="utf-8").replace("\\", "")
    found = Counter()
    for model, table in re.findall(r"### Training (\w+) .*?\n(\|.*?)\n\n", text, re.DOTALL):
        head, _, *rows = [
            [entry.strip() for entry in line.strip("|").split("|")] for line in table.split("\n")
        ]
        for row in rows:
            named = dict(zip(head, row, strict=True))
            found[(model, *(named[word] for word in WORDS), named["/ reference"])] += 1
    assert found == exported


def test_in_the_terminal(folder, exported):
    text = (folder / "0001_full.txt").read_text(encoding="utf-8")
    for (model, *words, ratio), count in exported.items():
        [table] = re.findall(rf"^Training {model} .*?\n\n", text, re.DOTALL | re.MULTILINE)
        lines = [line for line in table.splitlines() if line.startswith(" ".join(words) + " ")]
        assert len(lines) == count, words
        assert all(ratio in line for line in lines), (words, ratio)
