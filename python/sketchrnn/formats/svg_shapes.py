"""What an SVG shows, shape by shape, in the order of the document: transforms gathered, `<use>`
followed, hidden things left out.

Styles are read as far as they hide: ``display`` and ``visibility`` as attributes, in ``style``, and
in style sheets with selectors of one name (SVG 2, section 3.5; Illustrator hides layers so).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from ..strokes import FARTHEST
from ..untrusted import beyond, most

SHAPES = ("path", "circle", "ellipse", "line", "rect")
"""Elements that draw lines; svg_tree.py has made paths of polylines and polygons."""

_GROUPS = ("svg", "g", "a", "switch")
_UNREAD = {"text": "text", "image": "image", "foreignObject": "foreign object"}
_LABEL = "{http://www.inkscape.org/namespaces/inkscape}label"
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_HIDING = re.compile(r"(?:^|[;\s{])(display|visibility)\s*:\s*([a-z-]+)")
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)")

SMALLEST = 1e-9
"""Units that a page spans at least: less is no page that anybody drew on."""

_DEEPEST_USE = 32
"""`<use>` of what uses again; drawing programs nest two or three."""

Matrix = NDArray[Any]


class Shape(NamedTuple):
    """An element of SHAPES, and what carries its coordinates into the picture's."""

    element: Element
    matrix: Matrix
    layer: str | None


class _Facts(NamedTuple):
    """What an element says for itself, found out once however often it is used."""

    name: str
    shown: bool
    visible: bool | None
    matrix: Matrix
    label: str | None
    target: str | None


class _Task(NamedTuple):
    element: Element
    matrix: Matrix
    visible: bool
    layer: str | None
    uses: tuple[str, ...]


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def number(text: str | None, default: float) -> float:
    """Return the number that a length begins with; `default` where there is none, or a percentage
    of what is not known here."""
    found = _NUMBER.match(text or "")
    if found is None or (text or "").rstrip().endswith("%"):
        return default
    value = float(found[1])
    return value if np.isfinite(value) else default


def view_box(element: Element) -> tuple[float, float, float, float] | None:
    """Return an element's viewBox; None where there is none that spans an area."""
    parts = [
        _NUMBER.match(part) for part in re.split(r"[\s,]+", element.get("viewBox", "").strip())
    ]
    if len(parts) != 4 or not all(parts):
        return None
    x, y, width, height = (float(part[1]) for part in parts if part)
    good = max(abs(x), abs(y)) < FARTHEST and all(SMALLEST < s < FARTHEST for s in (width, height))
    return (x, y, width, height) if good else None


def shapes(
    root: Element, parse: Callable[[str], Matrix], left_out: Counter[str]
) -> Iterator[Shape]:
    """Yield what is shown under `root`, in its coordinates; counts what is not in `left_out`.

    `parse` makes a matrix (3, 3) of a transform. Raises ValueError where `<use>` repeats more
    elements than the limit "repeats".
    """
    rules = _rules(root)
    named = {e.get("id"): e for e in reversed(list(root.iter())) if e.get("id")}
    parents = {child: parent for parent in root.iter() for child in parent}
    facts: dict[int, _Facts] = {}
    checked: dict[int, bool] = {}
    left = most("repeats")
    tasks = [_Task(root, np.identity(3), True, None, ())]
    while tasks:
        task = tasks.pop()
        element = task.element
        said = facts.get(id(element))
        if said is None:
            said = facts[id(element)] = _facts(element, rules, parse)
        if said.name in _UNREAD and said.shown:
            left_out[_UNREAD[said.name]] += 1
            continue
        # Definitions draw nothing by themselves. A symbol is drawn where it is used.
        draws = (*SHAPES, *_GROUPS, "use", *(("symbol",) if task.uses else ()))
        if said.name not in draws:
            continue
        if not said.shown:
            left_out["hidden " + ("shape" if said.name in SHAPES else "group")] += 1
            continue
        visible = task.visible if said.visible is None else said.visible
        with np.errstate(all="ignore"):
            matrix = task.matrix @ said.matrix
        if said.name in SHAPES:
            if any(value.endswith("%") for value in element.attrib.values()):
                continue  # sized in percent of the page: its background
            if visible:
                yield Shape(element, matrix, task.layer)
            else:
                left_out["hidden shape"] += 1
            continue
        layer = said.label or task.layer
        if said.name == "use":
            target = named.get(said.target)
            if id(element) not in checked:  # a picture of itself within itself
                checked[id(element)] = target is not None and not _within(element, target, parents)
            near = said.target not in task.uses and len(task.uses) < _DEEPEST_USE
            if target is None or not checked[id(element)] or not near:
                left_out["<use> that leads nowhere"] += 1
                continue
            shift = _shift(number(element.get("x"), 0.0), number(element.get("y"), 0.0))
            with np.errstate(all="ignore"):
                matrix = matrix @ shift
                if local(target) in ("symbol", "svg"):
                    matrix = matrix @ _viewport(target, element)
            left -= 1
            tasks.append(_Task(target, matrix, visible, layer, (*task.uses, str(said.target))))
            continue
        if said.name == "svg" and element is not root and not task.uses:
            shift = _shift(number(element.get("x"), 0.0), number(element.get("y"), 0.0))
            with np.errstate(all="ignore"):
                matrix = matrix @ shift @ _viewport(element, element)
        children = list(element)
        if said.name == "switch":  # the first that asks for nothing is shown
            children = [c for c in children if c.get("systemLanguage") is None][:1]
        left -= len(children) if task.uses else 0
        if left < 0:
            raise ValueError(beyond("repeats", "elements that <use> repeats"))
        tasks.extend(_Task(c, matrix, visible, layer, task.uses) for c in reversed(children))


def _within(element: Element, target: Element, parents: dict[Element, Element]) -> bool:
    """Whether an element stands in another, or is it."""
    here: Element | None = element
    while here is not None and here is not target:
        here = parents.get(here)
    return here is target


def _shift(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


class Alignment(NamedTuple):
    """Where a viewBox lies in what is wider or higher: 0 at its left or top, 1 at the other end."""

    x: float
    y: float
    filling: bool
    """Whether it fills all of it and what is beyond is cut off ("slice")."""


def alignment(element: Element) -> Alignment | None:
    """Return what preserveAspectRatio says (SVG 2, section 8.6), the middle and the whole where it
    says nothing; None where the viewBox is stretched."""
    align, _, how = element.get("preserveAspectRatio", "").strip().partition(" ")
    if align == "none":
        return None
    parts = {"Min": 0.0, "Max": 1.0}
    return Alignment(parts.get(align[1:4], 0.5), parts.get(align[5:8], 0.5), how.strip() == "slice")


def _viewport(element: Element, sized: Element) -> Matrix:
    """What fits an element's viewBox into the size that it, or who uses it, says (SVG 2, section
    8.2)."""
    box = view_box(element)
    if box is None:
        return np.identity(3)
    left, top, wide, high = box
    width = number(sized.get("width"), number(element.get("width"), wide))
    height = number(sized.get("height"), number(element.get("height"), high))
    across, down = width / wide, height / high
    placed = alignment(element)
    if placed is not None:
        across = down = (max if placed.filling else min)(across, down)
    right, lower = (placed.x, placed.y) if placed is not None else (0.0, 0.0)
    x, y = (
        (width - across * wide) * right - across * left,
        (height - down * high) * lower - down * top,
    )
    return np.array([[across, 0.0, x], [0.0, down, y], [0.0, 0.0, 1.0]])


def _rules(root: Element) -> dict[str, dict[str, str]]:
    """What the style sheets of a document hide or show, by selectors of one name."""
    rules: dict[str, dict[str, str]] = {}
    for sheet in root.iter():
        if local(sheet) == "style":
            # Cut, not searched by a pattern, which tries each letter as the beginning of a rule.
            for rule in (sheet.text or "").split("}")[:-1]:
                before, _, body = rule.rpartition("{")
                hiding = dict(_HIDING.findall(body))
                # Within braces that are open still, as of @media, stands what follows the last.
                for name in before.rpartition("{")[2].split(",") if hiding else ():
                    rules.setdefault(name.strip(), {}).update(hiding)
    return rules


def _facts(element: Element, rules: dict[str, Any], parse: Callable[[str], Matrix]) -> _Facts:
    name = local(element)
    style = {key: element.get(key, "") for key in ("display", "visibility")}
    if rules:
        selectors = [f".{part}" for part in element.get("class", "").split()]
        for selector in (name, *selectors, f"#{element.get('id', '')}"):
            style.update(rules.get(selector, {}))
    style.update(_HIDING.findall(element.get("style", "")))
    visible = {"visible": True, "hidden": False, "collapse": False}.get(style["visibility"])
    text = element.get("transform")
    target = next((element.get(key) for key in _HREF if element.get(key)), None)
    return _Facts(
        name,
        style["display"] != "none",
        visible,
        np.identity(3) if text is None else parse(text),
        element.get(_LABEL) or (element.get("id") if name == "g" else None),
        target[1:] if target and target.startswith("#") else None,
    )
