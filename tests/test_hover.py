"""Every figure, read back from its SVG: where a point is, and what it tells, is what is stored."""

import json
import re
import xml.etree.ElementTree as ET
from itertools import accumulate

import numpy as np
import pytest

from benchmarks.store.run import typed
from tests import stored
from tests.test_readme import shown

pytest.importorskip("matplotlib")
figures = pytest.importorskip("benchmarks.show.figures")
style = pytest.importorskip("benchmarks.show.figures.style")
hover = pytest.importorskip("benchmarks.show.figures.hover")
wording = pytest.importorskip("benchmarks.show.wording")

NEAR = 0.011  # of a point: places in an SVG have two decimals, and a place is x or y of two of them
SIMPLER = 0.13  # of a point: Matplotlib leaves out corners of long lines that are within 1/9 of it
RUNS = {"made by hand": stored.whole, "published": lambda: json.loads(shown().read_bytes())}


@pytest.fixture(
    scope="module", params=["made by hand", pytest.param("published", marks=pytest.mark.slow)]
)
def run(request):
    return RUNS[request.param]()


@pytest.fixture(scope="module")
def drawings(run):
    """By the name of a figure: its pictures, each with the Matplotlib figure that it is of."""
    kept, svg = {}, style.svg

    def keeping(drawn, heading):
        made = svg(drawn, heading)
        kept[made] = drawn
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "svg", keeping)
        found, missing = figures.draw(typed(run), stored.rows(run))
    assert missing == []
    return {
        drawing.name: [
            (ET.fromstring(svg), kept[svg]) for svg in (drawing.svg, drawing.linear) if svg
        ]
        for drawing in found
    }  # fmt: skip


def groups(root):
    return [e for e in root.iter() if "line" in e.get("class", "").split()]


def points(root, drawn):
    """Of each point its place as data, and the text that it tells."""
    lines = hover.lines_of(drawn)
    assert len(groups(root)) == len(lines) > 0
    for group, line in zip(groups(root), lines, strict=True):
        circles, texts = list(group)[::2], list(group)[1::2]
        for circle, text in zip(circles, texts, strict=True):
            at = float(circle.get("cx")), drawn.bbox.height - float(circle.get("cy"))
            x, y = line.axes.transData.inverted().transform(at)
            yield x, y, text.text


def scale(drawn):
    """How far two places may be apart, as data: what NEAR is in each panel, as a share of it."""
    return max(NEAR / min(axes.bbox.width, axes.bbox.height) for axes in drawn.axes)


# --- what should be told: x, or None where it is a place without a meaning; y; the text


def rows(run, kind, **words):
    for entry in run["benchmarks"]:
        row = entry["extra_info"]
        is_own = row["kind"] == kind and not row["conditions"]
        if is_own and all(row[word] == value for word, value in words.items()):
            yield row, entry["stats"]


def middle_half(stats):
    return wording.between(*(stats[name] for name in ("median", "q1", "q3")))


def gradients(run, name):
    _, model, dtype = name.split("_")
    found = [*rows(run, "gradient", model=model, dtype=dtype)]
    ways = {(r["backend"], r["execution"]) for r, _ in found if "elementwise" in r["ratio"]}
    for row, stats in found:
        if (
            row["formulation"] in ("dense", "elementwise")
            and (row["backend"], row["execution"]) in ways
        ):
            yield row["B"], stats["median"], f"B = {row['B']}: {middle_half(stats)}"


def trainings(run, _):
    for row, stats in rows(run, "training"):
        text = f"{wording.title(row['backend'])}: {middle_half(stats)}"
        yield None, stats["median"], text


def lives(run, _):
    stages = "import", "to device", "trace", "compile", "first run", "to host"
    for row, _ in rows(run, "life"):
        own = {stage: row["life"][stage] for stage in stages if row["life"][stage] is not None}
        ends = accumulate(own.values())
        for (stage, seconds), end in zip(own.items(), ends, strict=True):
            yield end, None, f"{stage}: {wording.duration(seconds).replace('us', 'µs')}"


def distances(run, _):
    for row, _ in rows(run, "training"):
        steps, ulp = row["distance"]
        at = int(np.argmax(ulp))
        words = f"{wording.digits(ulp[at])} ULP, up to step {steps[at]}"
        yield steps[at], ulp[at], f"{called(row)}: {words}"


def memory(run, _):
    for row, _ in rows(run, "gradient"):
        if row["matrix_bytes"]:
            matrices = row["temporary_bytes"] / row["matrix_bytes"]
            yield row["B"], matrices, f"{called(row)}, B = {row['B']}: {matrices:.2f}"


def devices(run, name):
    """The cells over all numbers of devices, of one batch and of one that grows with them."""
    _, model, dtype = name.split("_")
    dense = {"automatic": lambda n, B: B * B / n, "batch": lambda n, B: (B / n) ** 2}
    names = {"automatic": "B^2/n", "batch": "(B/n)^2"}
    timed = {
        (*called(row).split(" "), row["sharding"], row["B"]): row["ratio"]
        for row, _ in rows(run, "sharded")
    }
    for one in run["shards"]:
        if (one["model"], one["dtype"]) != (model, dtype):
            continue
        (partition, n), B = one["sharding"].split("/"), one["B"]
        n, is_dense = int(n), one["formulation"] == "dense"
        numbers = dense[partition](n, B) if is_dense else B / n
        formed, formula = one["temporary_bytes"], names[partition] if is_dense else "B/n"
        times = formed / (8 * numbers)
        at = f"n = {n}, B = {B}: "
        ratio = timed.get((*called(one).split(" "), one["sharding"], B), {}).get("one device")
        for in_a_series in (B == 1024, B // n == 512):
            if in_a_series:
                yield n, formed, f"{at}{wording.amount(formed)}, {times:.2f} of {formula}"
            if in_a_series and ratio:
                yield n, ratio[0], f"{at}{wording.interval(*ratio)}"


def published(run, name):
    """Told are some steps: the value is that of the step, or the mean of those from it on."""
    _, model, dtype = name.split("_")
    [found] = [t for t in run["trajectories"] if (t["model"], t["dtype"]) == (model, dtype)]
    curves = {"loss": found["loss"], "accuracy": found.get("accuracy", [])}
    stretch = -(-len(found["loss"]) // 600)
    for word, values in curves.items():
        means = [(at, np.mean(values[at : at + stretch])) for at in range(0, len(values), stretch)]
        word = f"mean {word} of {stretch} steps" if stretch > 1 else word
        yield from told_of(word, means)
    tracks = found.get("parameters", [])
    for i, track in enumerate(tracks):
        yield from told_of("b" if i == len(tracks) - 1 else f"W[{i}]", list(enumerate(track)))


def told_of(name, means):
    for at, value in means[:: -(-len(means) // 10)] if means else ():
        yield at, value, f"{name} at step {at}: {wording.digits(value)}"


def called(row):
    device = [row["device"]] * (row["device"] != "cpu")
    words = [wording.title(row["backend"]), row["execution"], row["formulation"]]
    return " ".join(words + device)


EXPECTED = {
    "gradient": gradients, "training_times": trainings, "life": lives, "distance": distances,
    "memory": memory, "training": published, "devices": devices,
}  # fmt: skip
OWN = "ratio", "choice"  # figures with a test of their own


def expected(run, name):
    function = next(EXPECTED[word] for word in (name, name.split("_")[0]) if word in EXPECTED)
    return sorted(function(run, name), key=lambda found: (found[2], found[1] or 0, found[0] or 0))


def nearest(found, wanted):
    """For each point that is wanted the nearest one of the same text: several may have it."""
    left = list(found)
    for x, y, text in wanted:
        same = [point for point in left if point[2] == text]
        best = min(same, key=lambda p: off(p[0], x) + off(p[1], y))
        left.remove(best)
        yield best


def off(place, stored_at):
    return 0 if stored_at is None else abs(place - stored_at) / max(abs(stored_at), 1e-9)


def test_every_figure_tells_what_is_stored_where_it_is(run, drawings):
    assert {*OWN} < {*drawings}
    for name, pictures in drawings.items():
        for root, drawn in pictures if name not in OWN else ():
            wanted, allowed = expected(run, name), scale(drawn)
            found = sorted(points(root, drawn), key=lambda point: point[2])
            assert [text for *_, text in found] == [text for *_, text in wanted], name
            spans = [
                np.ptp(axes.transData.inverted().transform(axes.bbox), axis=0)
                for axes in drawn.axes
            ]
            # The place of a point on a logarithmic axis is known to a share of its value.
            for i in (0, 1):
                span = max(span[i] for span in spans)
                for point, stored_at in zip(nearest(found, wanted), wanted, strict=True):
                    if stored_at[i] is not None:
                        near = max(allowed * span, 12 * allowed * abs(stored_at[i]))
                        assert point[i] == pytest.approx(stored_at[i], abs=near), (name, point)


def apart(at, path):
    """How far a place is from the lines of a path, which Matplotlib has without needless points."""
    corners = np.array(re.findall(r"(-?[\d.]+)[ ,](-?[\d.]+)", path.get("d")), float)
    start, along = corners[:-1], np.diff(corners, axis=0)
    length = (along**2).sum(axis=1)
    share = ((at - start) * along).sum(axis=1) / np.where(length > 0, length, 1)
    nearest = start + np.clip(share, 0, 1)[:, None] * along
    return np.abs(nearest - at).max(axis=1).min()


def middle(path):
    """The middle of a cell of the heat map."""
    corners = np.array(re.findall(r"(-?[\d.]+)[ ,](-?[\d.]+)", path.get("d")), float)
    return (corners.min(axis=0) + corners.max(axis=0)) / 2


def test_every_point_lies_on_what_is_drawn(drawings):
    """On a marker or a line; in the heat map in the middle of a cell."""
    for name, pictures in drawings.items():
        for root, _ in pictures:
            uses = [e for e in root.iter() if e.tag.endswith("use")]
            marks = [(float(e.get("x")), float(e.get("y"))) for e in uses]
            marks = np.array(marks).reshape(-1, 2)
            paths = [
                e
                for e in root.iter()
                if e.tag.endswith("path") and e.get("clip-path") and e.get("d")
            ]
            for circle in (e for e in root.iter() if e.get("class") == "point"):
                at = np.array([float(circle.get("cx")), float(circle.get("cy"))])
                nearest = np.abs(marks - at).max(axis=1).min(initial=np.inf)
                if nearest > NEAR and name == "ratio":
                    nearest = min(np.abs(middle(path) - at).max() for path in paths)
                elif nearest > NEAR:
                    nearest = min(apart(at, path) for path in paths)
                assert nearest < SIMPLER, (name, at, nearest)


# --- what dense costs


def test_the_heat_map_tells_every_ratio_with_its_interval(run, drawings):
    """And the number that is written in a cell is that of the text above it."""
    [(root, drawn)] = drawings["ratio"]
    wanted = []
    for row, _ in rows(run, "gradient", formulation="dense"):
        if "elementwise" in row["ratio"]:
            medians = [np.median(process) for process in row["log_ratio"]["elementwise"]]
            low, high = np.exp([min(medians), max(medians)])
            limits = f"{wording.digits(low)} to {wording.digits(high)}"
            text = wording.interval(*row["ratio"]["elementwise"]) if high <= 1.25 * low else limits
            wanted.append(f"B = {row['B']}: {text}")
    assert sorted(text for *_, text in points(root, drawn)) == sorted(wanted)
    written = [e for e in root.iter() if e.tag.endswith("text") and e.get("class") != "value"]
    for group in groups(root):
        for circle, value in zip(list(group)[::2], list(group)[1::2], strict=True):
            at = float(circle.get("cx")), float(circle.get("cy"))
            [inside] = [e.text for e in written if e.get("x") and abs(float(e.get("x")) - at[0]) < 1
                        and abs(float(e.get("y")) - at[1]) < 5]  # fmt: skip
            told = value.text.split(": ")[1]
            if " to " not in told:
                assert told.lstrip("~").startswith(f"{inside} ")


# --- which one to take


def test_the_figure_of_the_choice_tells_start_and_steps(run, drawings):
    """At every power of ten the least of start + steps * step over the cells of a framework."""
    [(root, drawn)] = drawings["choice"]
    wanted = []
    for caches in ("cold", "warm"):
        for B in (32, 256, 4096):
            wanted += waiting(run, caches, B)
    found = [(y, text.partition(" [")[0]) for _, y, text in points(root, drawn)]
    assert sorted(text for _, text in found) == sorted(text for _, text in wanted)
    found, wanted = (sorted(pairs, key=lambda pair: pair[::-1]) for pairs in (found, wanted))
    for (y, text), (total, other) in zip(found, wanted, strict=True):
        assert (text, y) == (other, pytest.approx(total, rel=0.01)), "1/100 of a point of the axis"


def waiting(run, caches, B):
    cells = {}
    for row, _ in rows(run, "life", model="logistic", formulation="elementwise", caches=caches):
        life = row["life"]
        stages = "import", "to device", "trace", "compile", "first run", "to host"
        start = sum(life[stage] or 0 for stage in stages) - life["steady"]
        words = {word: row[word] for word in ("model", "backend", "execution", "formulation")}
        steps = [life["steady"] / 9500] if B == 256 else [
            stats["median"] for _, stats in rows(run, "gradient", B=B, **words)
        ]  # fmt: skip
        for step in steps:
            cells.setdefault(row["backend"], []).append((start, step, row["execution"]))
    for own in cells.values():
        for power in range(8):
            total, way = min((start + 10**power * step, way) for start, step, way in own)
            time = wording.duration(total).replace("us", "µs")
            yield total, f"{10**power:,} steps: {way}, {time}"


# --- how it is told


def test_a_line_is_one_stop_of_the_keyboard_with_all_of_its_texts(drawings):
    for pictures in drawings.values():
        for root, _ in pictures:
            for group in groups(root):
                kinds = [child.get("class") for child in group]
                assert kinds == ["point", "value"] * (len(kinds) // 2), (
                    "each text is behind its point"
                )
                assert group.get("tabindex") == "0"
                texts = [child.text for child in list(group)[1::2]]
                assert group.get("aria-label").endswith(": " + "; ".join(texts))


def test_values_are_hidden_by_the_figures_own_style(drawings):
    for pictures in drawings.values():
        for root, _ in pictures:
            style_sheets = [e.text for e in root.iter() if e.tag.endswith("style")]
            assert any(text and ".value{visibility:hidden" in text for text in style_sheets)
