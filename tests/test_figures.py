"""The figures: what they show of known ratios, one look for each backend, no overlapping labels."""

import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from benchmarks.analyse import scaling
from benchmarks.show.report import newest
from benchmarks.store.run import read, typed
from tests import stored

pytest.importorskip("matplotlib")
pytest.importorskip("pandas")
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from benchmarks.show import figures, wording
from benchmarks.show.figures import style

RESULTS = Path(__file__).parents[1] / "results"
GROUNDS = {"light": "#ffffff", "dark": "#0d1117"}


def texts(svg):
    """All text of an SVG, as it is read."""
    return [
        "".join(element.itertext())
        for element in ET.fromstring(svg).iter()
        if "text" in element.tag
    ]


def draw(run):
    """The figures of a run that is made by hand."""
    return figures.draw(typed(run), stored.rows(run))


def drawn(run, name):
    [drawing] = [d for d in draw(run)[0] if d.name == name]
    return drawing


# --- crossings and growth over the sizes


def sized(*ratios):
    sizes = [32 * 2**i for i in range(len(ratios))]
    return pd.DataFrame({"B": sizes, "seconds": 1.0, "/ elementwise": ratios})


def test_a_crossing_lies_between_the_sizes_around_it():
    found = list(scaling.crossings(sized(0.5, 1.0, 4.0, 16.0, 400.0)))
    sizes = [64 * 2**0.5, 128 * 2 ** (np.log2(2.5) / 2), 256 * 2 ** (np.log(6.25) / np.log(25))]
    assert [c.size for c in found] == pytest.approx(sizes)
    assert [c.words for c in found] == ["from B = 91", "from B = 202", "from B = 380"]


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ([3.0, 5.0], "at all sizes"),
        ([1.0, 1.5], "not up to B = 64"),
        ([1.0, 3.0, 1.5], "at B = 64, not at 128"),
        ([3.0, 1.0, 3.0], "from B = 99"),  # the last crossing: from there on it stays slower
        ([3.0], "at all sizes"),
        ([1.0], "not up to B = 32"),
    ],
)
def test_a_crossing_that_is_not_between_the_sizes(ratios, words):
    assert next(iter(scaling.crossings(sized(*ratios)))).words == words


def test_the_figure_says_so():
    run = stored.run(*stored.gradients(sizes=(32, 64, 128, 256, 512, 1024, 2048)))
    found = "\n".join(texts(drawn(run, "gradient_logistic_float64").svg))
    for words in ("2x: from B = 181", "10x: from B = 405", "100x: from B = 1280"):
        assert words in found
    assert "B^" not in found, "dense has regimes rather than one slope"


def test_the_figure_has_the_regimes_of_dense():
    """At B = 1024 dense takes 2 times the traffic: two matrices, written and read, in 320 us."""
    rows = stored.gradients(sizes=(256, 1024))
    [dense] = [r["extra_info"] for r in rows[2:] if r["extra_info"]["formulation"] == "dense"]
    dense["faults"] = [2048.0] * 3
    svg = drawn(stored.run(*rows), "gradient_logistic_float64").svg
    found = "\n".join(texts(svg))
    seconds = 1e-5 * 64 / 2
    speed = 2 * 2 * 8 * 1024**2 / seconds / 1e9
    assert f"traffic at 1024: {wording.digits(speed)} GB/s" in found
    assert "fresh pages: the call has page faults" in found


def test_the_c_loop_is_drawn_without_a_row_of_its_own():
    """The rows take 2 and 4 ms, 2 and 4 times as long as the C loop."""
    run = stored.run(*stored.trainings("numba run fused", "jax run fused"))
    assert "C loop" in texts(drawn(run, "training_times").svg)
    for row in run["benchmarks"]:
        del row["extra_info"]["ratio"]["C"]
    assert "C loop" not in texts(drawn(run, "training_times").svg)


# --- one look


def test_a_backend_keeps_its_color():
    cells = [f"{name} {way} dense" for name, way in (("numba", "run"), ("jax", "step"))]
    run = stored.run(*stored.gradients("numba step"), *stored.trainings(*cells))
    color = style.LOOKS["numba"][0].lower()
    found = draw(run)[0]
    assert {d.name for d in found if color in d.svg} == {d.name for d in found} - {"ratio"}


def test_backends_differ_in_color_and_marker():
    guests = [f"guest{i}" for i in range(4)]
    looks = style.looks(pd.DataFrame({"backend": [*guests, "jax"]}))
    assert len(set(looks.values())) == len(looks) == len(style.LOOKS) + 4
    markers = [marker for _, marker in style.LOOKS.values()]
    assert len(set(markers)) == len(markers), "in greyscale only markers differ"
    assert style.looks(pd.DataFrame({"backend": guests[::-1]}))["guest2"] == looks["guest2"], (
        "whatever their order"
    )


def luminance(color):
    linear = [c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ground", GROUNDS)
def test_ink_and_colors_stand_out_from_the_ground(ground):
    for color in {style.INK, *(c for c, _ in [*style.LOOKS.values(), *style.GUESTS])}:
        low, high = sorted([luminance(color), luminance(GROUNDS[ground])])
        assert (high + 0.05) / (low + 0.05) > 3, color


def test_names_are_text():
    hostile = "<script>alert(1)</script>$x$&"
    for drawing in draw(stored.run(*stored.gradients(f"{hostile} step")))[0]:
        assert "<script" not in drawing.svg
        assert any(hostile in text for text in texts(drawing.svg)), drawing.name


@pytest.mark.parametrize("word", ["../../x", 'a"b<c>', "a b"])
def test_names_of_files_stay_in_their_folder(word):
    run = stored.run(*stored.gradients(model="logistic"))
    for row in run["benchmarks"]:
        row["extra_info"]["model"] = word
    names = [drawing.name for drawing in draw(run)[0]]
    assert names[0].startswith("gradient_")
    assert not [n for n in names if set(n) & set('/\\"<> ')]


# --- labels do not overlap


def collisions(figure):
    """Pairs of texts of a figure that overlap; slanted ones are ignored."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    found = [
        (text.get_text(), text.get_window_extent(canvas.get_renderer()).shrunk(0.98, 0.8))
        for text in set(figure.findobj(Text)) - set(hidden(figure))
        if text.get_visible() and text.get_text().strip() and text.get_rotation() % 90 == 0
    ]
    return [(a, b) for (a, one), (b, other) in combinations(found, 2) if one.overlaps(other)]


def hidden(figure):
    """Texts of panels that are not drawn, of ticks beyond their axis, and those shown on hover."""
    yield from (text for text in figure.findobj(Text) if "-value-" in (text.get_gid() or ""))
    for axes in figure.axes:
        if not axes.get_visible():
            yield from axes.findobj(Text)
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.majorTicks, *axis.minorTicks]:
                if not low <= tick.get_loc() <= high:
                    yield from (tick.label1, tick.label2)


RUNS = {"made by hand": stored.whole(), "one size": stored.run(*stored.gradients(sizes=(256,)))}
RUNS |= {str(path.relative_to(RESULTS)): path for path in newest(RESULTS)}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_labels_do_not_collide(run, monkeypatch):
    kept = {}
    monkeypatch.setattr(style, "svg", lambda figure, title: kept.setdefault(title, figure) and "")
    draw(read(run) if isinstance(run, Path) else run)
    assert kept
    for title, figure in kept.items():
        assert collisions(figure) == [], title
