"""What a figure tells of a point when it is pointed at or focused is what is stored."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.analyse.frame import costs, own_conditions
from benchmarks.store.run import typed
from tests import stored

pytest.importorskip("matplotlib")
figures = pytest.importorskip("benchmarks.show.figures")
style = pytest.importorskip("benchmarks.show.figures.style")
wording = pytest.importorskip("benchmarks.show.wording")

RUN = stored.whole()
ROWS = stored.rows(RUN)


@pytest.fixture(scope="module")
def drawings():
    found, _ = figures.draw(typed(RUN), ROWS)
    return {drawing.name: ET.fromstring(drawing.svg) for drawing in found}


def lines(root):
    """Of each line of a figure its label and the texts of its values."""
    found = {}
    for group in root.iter():
        if group.get("class") == "line":
            kinds = [child.get("class") for child in group]
            assert kinds == ["point", "value"] * (len(kinds) // 2), "each text is behind its point"
            texts = ["".join(child.itertext()).strip() for child in group][1::2]
            found.setdefault(group.get("aria-label"), []).append(texts)
            assert group.get("tabindex") == "0"
            assert group.get("aria-label").endswith("; ".join(texts))
    return found


def told(root):
    return sorted(text for found in lines(root).values() for texts in found for text in texts)


def test_the_heat_map_tells_every_ratio_with_its_interval(drawings):
    expected = [
        f"B = {row.B}: {wording.ratio(row, '/ elementwise')}" for _, row in costs(ROWS).iterrows()
    ]
    assert told(drawings["ratio"]) == sorted(expected)
    assert len(expected) > 2


def test_the_training_runs_tell_every_time(drawings):
    rows = own_conditions(ROWS[ROWS.kind == "training"])
    expected = [
        f"{wording.title(row.backend)}: {style.middle_half(row)}" for _, row in rows.iterrows()
    ]
    assert told(drawings["training_times"]) == sorted(expected)
    assert "PyTorch: 8.00 ms [7.20, 8.80]" in expected


def test_the_sizes_tell_every_time(drawings):
    rows = own_conditions(ROWS[(ROWS.kind == "gradient") & (ROWS.model == "logistic")])
    shown = rows[rows.formulation.isin(["dense", "elementwise"])]
    expected = {f"B = {row.B}: {style.middle_half(row)}" for _, row in shown.iterrows()}
    assert {*told(drawings["gradient_logistic_float64"])} <= expected
    assert len(told(drawings["gradient_logistic_float64"])) >= 6


def test_values_are_hidden_by_the_figures_own_style(drawings):
    for name in ("ratio", "training_times", "gradient_logistic_float64"):
        style_sheets = [e.text for e in drawings[name].iter() if e.tag.endswith("style")]
        assert any(text and ".value{visibility:hidden" in text for text in style_sheets)
