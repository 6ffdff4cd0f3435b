"""An exported graph, drawn node by node: ONNX files and MXNet's symbol JSON to SVG.

Nodes stand in rows by the longest way from an input (Sugiyama, Tagawa & Toda 1981: dummy nodes on
long edges, rows ordered by the mean position of neighbours). Weights and constants are written into
the node that reads them; the body of a Loop is drawn as a graph of its own below.
"""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from .._extras import need
from ..untrusted import read_limited, xml_text

_FONT = 11
_CHARACTER = 6.3  # width of one, in pixels
_LINE = 14
_GAP_X, _GAP_Y = 26.0, 34.0
_FILL = {"input": "#f4f1ea", "output": "#f6e3dc", "node": "#ffffff", "weights": "#dce8f5"}


@dataclass
class _Node:
    """A box: its lines (the first in bold), the nodes it reads, and its place."""

    lines: list[str]
    kind: str
    reads: list[int] = field(default_factory=list)
    row: int = 0
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        return max(len(line) for line in self.lines) * _CHARACTER + 16 if self.lines else 2.0

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 8.0 if self.lines else 0.0


@dataclass
class _Graph:
    title: str
    nodes: list[_Node]


def graph_svg(path: str | PathLike[str]) -> str:
    """Return the SVG of an exported graph: an ``.onnx`` file, or MXNet's ``.json``.

    Raises ValueError that names the file where it holds no such graph.
    """
    source = os.fspath(path)
    if not source.endswith((".onnx", ".json")):
        raise ValueError(f"path: expected a name ending in .onnx or .json, found {source!r}")
    try:
        graphs = _read_onnx(source) if source.endswith(".onnx") else [_read_mxnet(source)]
        drawn = [_draw(graph) for graph in graphs]
    except (ImportError, OSError):
        raise
    # Drawing what is no graph can raise nearly anything.
    except Exception as error:
        raise ValueError(f"{source}: not a graph that can be drawn: {error!r:.200}") from None
    parts = []
    top, widest = 16.0, 200.0
    for text, width, height in drawn:
        parts.append(f'<g transform="translate(16 {top:g})">{text}</g>')
        top += height + 40
        widest = max(widest, width + 32)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{widest:.0f}" height="{top - 24:.0f}" '
        f'viewBox="0 0 {widest:.0f} {top - 24:.0f}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="{_FONT}"><title>{xml_text(os.path.basename(source))}</title>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8Z" fill="#555"/></marker></defs>'
        '<rect width="100%" height="100%" fill="#fff"/>' + "".join(parts) + "</svg>\n"
    )


# ---- Readers ----


def _read_mxnet(path: str) -> _Graph:
    document = json.loads(read_limited(path, "document"))
    nodes: list[_Node] = []
    places: dict[int, int] = {}
    weights: dict[int, str] = {}
    heads = {head[0] for head in document["heads"]}
    for number, entry in enumerate(document["nodes"]):
        attrs = entry.get("attrs", {})
        shape = attrs.get("__shape__", "").strip("()").rstrip(",").replace(", ", " × ")
        if entry["op"] == "null" and entry["name"] != "data":
            weights[number] = f"{entry['name']}  {shape}"
            continue
        read = [source for source, *_ in entry["inputs"]]
        if entry["op"] == "null":
            node = _Node([entry["name"], shape or "N × T × 5"], "input")
        else:
            constants = [weights[source] for source in read if source in weights]
            lines = [entry["op"], *([entry["name"]] if entry["name"] != entry["op"] else [])]
            kind = "output" if number in heads else "weights" if constants else "node"
            node = _Node(
                lines + constants, kind, [places[source] for source in read if source in places]
            )
        places[number] = len(nodes)
        nodes.append(node)
    return _Graph(os.path.basename(path), nodes)


def _read_onnx(path: str) -> list[_Graph]:
    proto = need("onnx", "export").load(path)
    weights = {w.name: " × ".join(map(str, w.dims)) for w in proto.graph.initializer}
    graphs: list[_Graph] = []
    _onnx_graph(proto.graph, weights, set(), graphs)
    return graphs


def _onnx_graph(graph: Any, weights: dict[str, str], outer: set[str], graphs: list[_Graph]) -> None:
    nodes: list[_Node] = []
    makers: dict[str, int] = {}
    output_names = {value.name for value in graph.output}
    for value in graph.input:
        shape = " × ".join(
            dim.dim_param or str(dim.dim_value) for dim in value.type.tensor_type.shape.dim
        )
        makers[value.name] = len(nodes)
        nodes.append(_Node([value.name, shape] if shape else [value.name], "input"))
    drawn = _Graph(graph.name, nodes)
    graphs.append(drawn)
    for entry in graph.node:
        names = list(entry.output)
        lines = [entry.op_type, ", ".join(names[:3]) + (", …" if len(names) > 3 else "")]
        reads: list[int] = []
        constants: list[str] = []
        for name in entry.input:
            if name in makers:
                reads.append(makers[name])
            elif name in weights:
                constants.append(f"{name}  {weights[name]}".rstrip())
            elif name in outer:
                constants.append(f"{name}  (from outside)")
        for attribute in entry.attribute:
            if attribute.HasField("g"):
                lines.append(f"body: {attribute.g.name}, below")
                _onnx_graph(attribute.g, weights, outer | set(makers), graphs)
                # What the body takes from this graph without its being an input.
                inside = {name for node in attribute.g.node for name in node.input}
                own = {value.name for value in attribute.g.input}
                reads += [makers[name] for name in sorted(inside & set(makers) - own)]
        kind = "output" if output_names & set(names) else "weights" if constants else "node"
        for name in names:
            makers[name] = len(nodes)
        nodes.append(_Node(lines + constants, kind, reads))


# ---- Layout ----


def _draw(graph: _Graph) -> tuple[str, float, float]:
    """SVG parts, width and height of one graph."""
    nodes = list(graph.nodes)
    for node in nodes:  # they are in topological order
        node.row = 1 + max((nodes[i].row for i in node.reads), default=-1)
    # An input that is read late stands near its reader.
    for i, node in enumerate(nodes):
        if not node.reads:
            readers = [other.row for other in nodes if i in other.reads]
            node.row = min(readers, default=1) - 1
    links = _links(nodes)
    rows: list[list[int]] = [[] for _ in range(1 + max(node.row for node in nodes))]
    for i, node in enumerate(nodes):
        rows[node.row].append(i)
    above: dict[int, list[int]] = {i: [] for i in range(len(nodes))}
    below: dict[int, list[int]] = {i: [] for i in range(len(nodes))}
    for chain in links:
        for a, b in itertools.pairwise(chain):
            above[b].append(a)
            below[a].append(b)
    _order(rows, above, below)
    width = _place(nodes, rows, above, below)
    y = 24.0
    for row in rows:
        tallest = max(nodes[i].height for i in row)
        for i in row:
            nodes[i].y = y + tallest / 2
        y += tallest + _GAP_Y
    parts = [f'<text x="0" y="10" font-size="13" font-weight="bold">{xml_text(graph.title)}</text>']
    parts += [_edge([nodes[i] for i in chain]) for chain in links]
    parts += [_box(node) for node in nodes if node.lines]
    return "".join(parts), width, y - _GAP_Y


def _links(nodes: list[_Node]) -> list[list[int]]:
    """Every edge as a chain of nodes in neighbouring rows; dummy nodes are added to `nodes`."""
    chains = []
    for i in range(len(nodes)):
        for source in dict.fromkeys(nodes[i].reads):
            chain = [source]
            for row in range(nodes[source].row + 1, nodes[i].row):
                nodes.append(_Node([], "dummy", row=row))
                chain.append(len(nodes) - 1)
            chains.append([*chain, i])
    return chains


def _order(rows: list[list[int]], above: dict[int, list[int]], below: dict[int, list[int]]) -> None:
    """Orders each row by the mean position of its neighbours, down and up, the best of several."""

    def positions() -> dict[int, float]:
        return {i: (k + 0.5) / len(row) for row in rows for k, i in enumerate(row)}

    def crossings() -> int:
        at = positions()
        total = 0
        for row in rows:
            edges = sorted((at[i], at[j]) for i in row for j in below[i])
            total += sum(
                edges[a][1] > edges[b][1] and edges[a][0] < edges[b][0]
                for a in range(len(edges))
                for b in range(a + 1, len(edges))
            )
        return total

    best, fewest = [list(row) for row in rows], crossings()
    for sweep in range(12):
        near = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            at = positions()
            mean = {
                i: sum(at[j] for j in near[i]) / len(near[i]) if near[i] else at[i] for i in row
            }
            row.sort(key=mean.__getitem__)
        found = crossings()
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    rows[:] = best


def _place(
    nodes: list[_Node],
    rows: list[list[int]],
    above: dict[int, list[int]],
    below: dict[int, list[int]],
) -> float:
    """Gives each node its x: near its neighbours, without overlap. Returns the width."""
    for row in rows:
        x = 0.0
        for i in row:
            nodes[i].x = x + nodes[i].width / 2
            x += nodes[i].width + _GAP_X
    for sweep in range(24):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wished = []
            for i in row:
                near = above[i] + below[i]
                wished.append(sum(nodes[j].x for j in near) / len(near) if near else nodes[i].x)
            # Left to right no nearer than the gap, then back from the right: the mean of both keeps
            # a crowded row in the middle of where its nodes want to be.
            left = _pushed(row, wished, nodes)
            mirrored = _pushed(row[::-1], [-w for w in wished[::-1]], nodes)
            for i, a, b in zip(row, left, mirrored[::-1], strict=True):
                nodes[i].x = (a - b) / 2
    leftmost = min(node.x - node.width / 2 for node in nodes)
    for node in nodes:
        node.x -= leftmost
    return max(node.x + node.width / 2 for node in nodes)


def _pushed(row: list[int], wished: list[float], nodes: list[_Node]) -> list[float]:
    out: list[float] = []
    edge = -float("inf")
    for i, wish in zip(row, wished, strict=True):
        x = max(wish, edge + nodes[i].width / 2)
        out.append(x)
        edge = x + nodes[i].width / 2 + _GAP_X
    return out


def _edge(chain: list[_Node]) -> str:
    start, end = chain[0], chain[-1]
    x, y = start.x, start.y + start.height / 2
    path = f"M{x:.1f} {y:.1f}"
    for node in chain[1:]:
        to = node.y - node.height / 2 if node is end else node.y
        bend = (to - y) / 2
        path += f"C{x:.1f} {y + bend:.1f} {node.x:.1f} {to - bend:.1f} {node.x:.1f} {to:.1f}"
        x, y = node.x, to
    return f'<path d="{path}" fill="none" stroke="#555" marker-end="url(#tip)"/>'


def _box(node: _Node) -> str:
    left, top = node.x - node.width / 2, node.y - node.height / 2
    style = ['font-weight="bold"'] + ['fill="#555"'] * (len(node.lines) - 1)
    text = "".join(
        f'<tspan x="{node.x:.1f}" y="{top + 15 + _LINE * k:.1f}" {look}>{xml_text(line)}</tspan>'
        for k, (line, look) in enumerate(zip(node.lines, style, strict=True))
    )
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{node.width:.1f}" '
        f'height="{node.height:.1f}" rx="4" fill="{_FILL[node.kind]}" stroke="#8a8a8a"/>'
        f'<text text-anchor="middle">{text}</text>'
    )
