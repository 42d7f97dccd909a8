"""The value of a point, shown when it is pointed at, or when its line has the keyboard's focus.

And a class for each curve, so that a page can hide those of a framework or a formulation.

Matplotlib can give an artist an id and nothing else. So the points are added to its SVG: a line is
one group and one stop of the Tab key, a point is a circle that is not painted, with its text behind
it. CSS does the rest, without a script.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
CSS = (
    ".point{fill-opacity:0}"
    ".value{visibility:hidden;pointer-events:none;font-size:8px;paint-order:stroke;stroke:Canvas;"
    "stroke-width:3px;stroke-linejoin:round}"
    ".point:hover+.value,.line:focus .value{visibility:visible}"
)
RADIUS, ABOVE = 7, 8  # of a circle, and of a text above its point, in points


class Line(NamedTuple):
    """A line of a figure with the texts of its points; words are those of its curve."""

    axes: Any
    name: str
    x: Sequence[float]
    y: Sequence[float]
    texts: list[str]
    words: tuple[str, ...]


def tell(
    axes: Any, name: str, x: Sequence[float], y: Sequence[float], texts: list[str], *words: str
) -> None:
    """Give each point of a line, which is called by a name, a text that tells its value.

    words are the backend and the formulation with which a page hides it, as those of curve.
    """
    lines_of(axes.figure).append(Line(axes, name, x, y, texts, words))


def curve(*words: str) -> str:
    """The id of what is drawn of a backend or a formulation: finished makes classes of it."""
    return " ".join(["curve", *map(switch, words)])


def switch(words: str) -> str:
    """A backend or a formulation as one word of CSS."""
    return "show-" + re.sub(r"[^A-Za-z0-9]+", "-", words)


def finished(root: ET.Element, drawn: Figure, ink: str) -> None:
    """Add the lines that tell values to the SVG of a figure, which is saved already."""
    for element in root.iter():
        if element.get("id", "").startswith("curve "):
            element.set("class", element.attrib.pop("id"))
    style = ET.Element(f"{{{SVG}}}style")
    style.text = f"{CSS}.value{{fill:{ink}}}"
    root.insert(0, style)
    root.extend(_group(line) for line in lines_of(drawn))


def places(line: Line) -> Iterator[tuple[float, float]]:
    """Where the points of a line are in the SVG of its figure, which is saved already."""
    height = line.axes.figure.bbox.height
    for x, y in line.axes.transData.transform(np.column_stack([line.x, line.y])):
        yield float(x), float(height - y)


def lines_of(drawn: Any) -> list[Line]:
    """The lines of a figure that tell values, kept with it."""
    if not hasattr(drawn, "told"):
        drawn.told = []
    found: list[Line] = drawn.told
    return found


def _group(line: Line) -> ET.Element:
    """A line as a group: a circle for each point, and a text that leads away from the margin."""
    kind = " ".join(["line", curve(*line.words)] if line.words else ["line"])
    label = f"{line.name}: {'; '.join(line.texts)}"
    words = {"class": kind, "tabindex": "0", "role": "img", "aria-label": label}
    group = ET.Element(f"{{{SVG}}}g", words)
    middle = (line.axes.bbox.x0 + line.axes.bbox.x1) / 2
    for (x, y), text in zip(places(line), line.texts, strict=True):
        at = {"class": "point", "cx": f"{x:.2f}", "cy": f"{y:.2f}", "r": str(RADIUS)}
        ET.SubElement(group, f"{{{SVG}}}circle", at)
        at = {"class": "value", "x": f"{x:.2f}", "y": f"{y - ABOVE:.2f}"}
        at |= {"text-anchor": "end"} if x > middle else {}
        ET.SubElement(group, f"{{{SVG}}}text", at).text = text
    return group
