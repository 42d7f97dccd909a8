"""The value of a point, shown when it is pointed at, or when its line has the keyboard's focus.

And a class for each curve, so that a page can hide those of a framework or a formulation.

Matplotlib can give an artist an id and nothing else. So each point gets a transparent marker and a
text, and the SVG is regrouped afterwards: a line is one group and one stop of the Tab key. CSS does
the rest, without a script.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
NAMESPACES = {
    "": SVG,
    "xlink": "http://www.w3.org/1999/xlink",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "cc": "http://creativecommons.org/ns#",
}
CSS = (
    ".value{visibility:hidden;pointer-events:none}"
    ".value text{paint-order:stroke;stroke:Canvas;stroke-width:3px;stroke-linejoin:round}"
    ".point:hover+.value,.line:focus .value{visibility:visible}"
)
ID = re.compile(r"line-(\d+)-(point|value)-\d+")
ABOVE = 100  # what tells a value lies above everything else, each text behind its point


def tell(axes: Any, name: str, x: Sequence[float], y: Sequence[float], texts: list[str]) -> None:
    """Give each point of a line, which is called by a name, a text that tells its value."""
    lines = _lines(axes.figure)
    number = len(lines)
    lines.append(f"{name}: {'; '.join(texts)}")
    for i, (at, text) in enumerate(zip(zip(x, y, strict=True), texts, strict=True)):
        [point] = axes.plot(*at, "o", markersize=14, alpha=0, gid=f"line-{number}-point-{i}")
        side = {"ha": "left" if i < len(texts) / 2 else "right", "va": "bottom", "fontsize": 8}
        shown = axes.annotate(
            text, at, (0, 8), textcoords="offset points", gid=f"line-{number}-value-{i}", **side
        )
        for artist, order in ((point, 2 * i), (shown, 2 * i + 1)):
            artist.set_zorder(ABOVE + number + order / 1000)
            artist.set_in_layout(False)


def curve(words: str) -> str:
    """The id of what is drawn of a backend or a formulation: grouped makes a class of it."""
    return f"curve {switch(words)}"


def switch(words: str) -> str:
    """A backend or a formulation as one word of CSS."""
    return "show-" + re.sub(r"[^A-Za-z0-9]+", "-", words)


def grouped(svg: str, drawn: Figure) -> str:
    """The SVG of the figure with a group for each line, and the CSS that shows its values."""
    for prefix, address in NAMESPACES.items():
        ET.register_namespace(prefix, address)
    root = ET.fromstring(svg)
    for parent in list(root.iter()):
        _group(parent, _lines(drawn))
        if parent.get("id", "").startswith("curve "):
            parent.set("class", parent.attrib.pop("id"))
    style = ET.Element(f"{{{SVG}}}style")
    style.text = CSS
    root.insert(0, style)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _group(parent: ET.Element, lines: list[str]) -> None:
    """Put those children of parent that tell values into a group for each line."""
    groups: dict[str, ET.Element] = {}
    for child in list(parent):
        if not (found := ID.fullmatch(child.get("id", ""))):
            continue
        number, kind = found.groups()
        if number not in groups:
            words = {"class": "line", "tabindex": "0", "role": "img"}
            groups[number] = ET.Element(f"{{{SVG}}}g", words, **{"aria-label": lines[int(number)]})
            parent.append(groups[number])
        parent.remove(child)
        child.set("class", kind)
        del child.attrib["id"]
        groups[number].append(child)


def _lines(drawn: Any) -> list[str]:
    """What the lines of a figure are called, kept with it."""
    if not hasattr(drawn, "told"):
        drawn.told = []
    found: list[str] = drawn.told
    return found
