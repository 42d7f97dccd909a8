"""The SVG of Matplotlib without what no viewer needs: half of its bytes, and the same picture.

Without metadata, ids that nothing refers to, groups around nothing, backgrounds that are not
painted, and the list of fonts of each text; with coordinates of 1/100 of a point.
"""

import re
import xml.etree.ElementTree as ET

from benchmarks.show.figures.hover import SVG

FONTS = "'DejaVu Sans', sans-serif"  # of the whole figure; Matplotlib gives it to each text
PREFIXES = {"": SVG, "xlink": "http://www.w3.org/1999/xlink"}
G, PATH, DEFS, METADATA = (f"{{{SVG}}}{tag}" for tag in ("g", "path", "defs", "metadata"))
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
COMMAND = re.compile(r"\s*([A-Za-z])\s*")
REFERENCE = re.compile(r"#([\w-]+)")
FONT = re.compile(r"font-family: [^;]*;? ?")
NOT_PAINTED = "fill:none"
PLACED = ("x", "y", "width", "height", "transform", "d")  # attributes of coordinates


def read(svg: str) -> ET.Element:
    """The SVG as a tree, without what no viewer needs."""
    root = ET.fromstring(svg)
    used = {
        name for element in root.iter() for value in element.attrib.values()
        for name in REFERENCE.findall(value)
    }  # fmt: skip
    _tidy(root, used)
    root.set("font-family", FONTS)
    return root


def text(root: ET.Element) -> str:
    """The tree as text."""
    for prefix, address in PREFIXES.items():
        ET.register_namespace(prefix, address)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _tidy(element: ET.Element, used: set[str]) -> None:
    """Shorten the element and all within it."""
    element.attrib.update({name: _short(name, value) for name, value in element.attrib.items()})
    name = element.get("id", "")
    if name and name not in used and not name.startswith("curve "):
        del element.attrib["id"]
    if element.get("transform", "").startswith("rotate(0 "):
        del element.attrib["transform"]
    if not (element.text or "").strip():
        element.text = None
    kept: list[ET.Element] = []
    for child in element:
        child.tail = None
        _tidy(child, used)
        kept += _worth(child)
    element[:] = kept


def _worth(child: ET.Element) -> list[ET.Element]:
    """What is kept of a child: itself, what a group without attributes holds, or nothing."""
    if child.tag == METADATA or (child.tag in (G, DEFS) and not len(child)):
        return []
    if child.tag == PATH and child.get("style") == NOT_PAINTED and "id" not in child.attrib:
        return []
    return list(child) if child.tag == G and not child.attrib else [child]


def _short(name: str, value: str) -> str:
    if name == "style":
        return re.sub(r"([:;]) ", r"\1", FONT.sub("", value)).rstrip("; ")
    if name not in PLACED:
        return value
    value = NUMBER.sub(lambda number: f"{round(float(number[0]), 2) + 0:g}", value)
    return COMMAND.sub(r"\1", value) if name == "d" else value.replace("rotate(-0 ", "rotate(0 ")
