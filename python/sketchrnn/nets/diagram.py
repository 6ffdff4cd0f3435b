"""A net as one drawing: its layers with their shapes, the step unrolled in time, and the mixture
that it predicts for the first movement. Plain SVG, for a paper or a web page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import writing
from ..untrusted import xml_text

if TYPE_CHECKING:
    from ..net import Net

_WIDTH = 720
_INK, _GREY, _LINE = "#1b1b1b", "#666", "#8a8a8a"
_FILL = {"data": "#f4f1ea", "weights": "#dce8f5", "plain": "#ffffff", "mixture": "#f6e3dc"}


class _Canvas:
    def __init__(self) -> None:
        self.parts: list[str] = []

    def box(
        self, x: float, y: float, width: float, height: float, lines: list[str], fill: str
    ) -> None:
        """A rounded box around (x, y) with its first line in bold."""
        self.parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" '
            f'height="{height:g}" rx="6" fill="{_FILL[fill]}" stroke="{_LINE}"/>'
        )
        top = y - 7.5 * (len(lines) - 1) + 4
        for i, line in enumerate(lines):
            self.text(x, top + 15 * i, line, bold=i == 0, grey=i > 0)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        bold: bool = False,
        grey: bool = False,
        anchor: str = "middle",
        size: float = 12,
    ) -> None:
        weight = "bold" if bold else "normal"
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}" '
            f'font-weight="{weight}" fill="{_GREY if grey else _INK}">{xml_text(text)}</text>'
        )

    def arrow(self, *points: tuple[float, float], dashed: bool = False) -> None:
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{_INK}" stroke-width="1.2"{dash} '
            'marker-end="url(#tip)"/>'
        )


def diagram(net: Net) -> str:
    """Return the SVG document."""
    canvas = _Canvas()
    facts = net.info()
    canvas.text(24, 34, f"Sketch-RNN: {net.name}", bold=True, anchor="start", size=18)
    canvas.text(
        24,
        54,
        f"{facts['total']:,} weights, {net.hidden_size} units, {net.mixtures} mixture components, "
        f"scale factor {net.scale_factor:g}, up to {net.max_len} points",
        grey=True,
        anchor="start",
    )
    _layers(canvas, net, 110)
    _unrolled(canvas, net, 372)
    _mixture(canvas, net, 552)
    height = 806
    if net.latent_size:
        _encoder(canvas, net, height)
        height += 190
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="Helvetica, Arial, sans-serif">'
        f"<title>Sketch-RNN {xml_text(net.name)}</title>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8Z" fill="{_INK}"/></marker></defs>'
        '<rect width="100%" height="100%" fill="#fff"/>' + "".join(canvas.parts) + "</svg>\n"
    )


def _heading(canvas: _Canvas, y: float, letter: str, text: str) -> None:
    canvas.text(24, y, letter, bold=True, anchor="start", size=14)
    canvas.text(42, y, text, anchor="start", size=14)


def _layers(canvas: _Canvas, net: Net, y: float) -> None:
    h, m = net.hidden_size, net.mixtures
    outputs = 3 + 6 * m
    _heading(canvas, y - 20, "a", "Layers and shapes")
    row = y + 70
    wide = 5 + net.latent_size
    rows = ["input", "Δx, Δy", "p1, p2, p3", *(["z"] if net.latent_size else []), f"{wide}"]
    canvas.box(70, row, 92, 76, rows, "data")
    canvas.box(180, row, 84, 50, ["scale", f"Δ ÷ {net.scale_factor:.4g}"], "plain")
    canvas.box(
        320,
        row,
        150,
        92,
        ["LSTM, i j f o", f"Wx  {wide} × {4 * h}", f"Wh  {h} × {4 * h}", f"b  {4 * h}  (f + 1)"],
        "weights",
    )
    canvas.box(492, row, 132, 76, ["dense", f"Wo  {h} × {outputs}", f"bo  {outputs}"], "weights")
    canvas.arrow((116, row), (138, row))
    canvas.arrow((222, row), (245, row))
    canvas.arrow((395, row), (426, row))
    canvas.text(410, row - 8, f"{h}", grey=True, size=11)
    # h and c come back for the next point.
    canvas.arrow((360, row + 46), (360, row + 76), (280, row + 76), (280, row + 46), dashed=True)
    canvas.text(320, row + 92, f"h, c: {h} + {h}", grey=True, size=11)
    heads = [
        ("softmax", "pen state, 3"),
        ("softmax", f"π, {m}"),
        ("identity", f"μx, μy, {m} + {m}"),
        ("exp", f"σx, σy, {m} + {m}"),
        ("tanh", f"ρ, {m}"),
    ]
    for i, (function, what) in enumerate(heads):
        at = y + 10 + 44 * i
        canvas.box(642, at, 118, 36, [function, what], "mixture")
        canvas.arrow((558, row), (570, row), (570, at), (582, at))


def _unrolled(canvas: _Canvas, net: Net, y: float) -> None:
    _heading(canvas, y - 20, "b", "The step, unrolled: what is drawn is the next input")
    steps = ["start token", "point 1", "point 2"]
    cell_y, out_y = y + 62, y + 132
    for i, name in enumerate(steps):
        x = 150 + 170 * i
        token = "(" + ", ".join(f"{v:g}" for v in net.start_token) + ")" if i == 0 else "x"
        canvas.box(x, y + 8, 108, 36, [name, token + (f"{i}" if i else "")], "data")
        canvas.arrow((x, y + 26), (x, cell_y - 18))
        canvas.box(x, cell_y, 92, 36, ["LSTM"], "weights")
        canvas.arrow((x, cell_y + 18), (x, out_y - 18))
        canvas.box(x, out_y, 108, 36, ["mixture", f"of point {i + 1}"], "mixture")
        before = (x - 78, cell_y) if i == 0 else (x - 124, cell_y)
        canvas.arrow(before, (x - 46, cell_y))
        if i == 0:
            first = "h, c of z" if net.latent_size else "h = c = 0"
            canvas.text(x - 84, cell_y + 4, first, anchor="end", grey=True, size=11)
        else:
            canvas.text(x - 105, cell_y - 7, "h, c", grey=True, size=11)
        # The drawn point goes up beside its step and over to the next input.
        up = x + 85
        target = x + 116
        canvas.arrow((x + 54, out_y), (up, out_y), (up, y + 8), (target, y + 8), dashed=True)
        canvas.text(x + 70, out_y - 6, "draw", grey=True, size=11)
    canvas.arrow((536, cell_y), (612, cell_y))
    canvas.text(625, cell_y + 4, "…", size=18)
    canvas.text(612, y + 12, "… until p3 = 1", anchor="start", grey=True)


def _mixture(canvas: _Canvas, net: Net, y: float) -> None:
    _heading(canvas, y + 10, "c", "The mixture of the first movement (ellipses at one and two σ)")
    first = net.predict()
    if not np.isfinite(first.pi).all():
        raise ValueError(
            "what the net predicts is not finite: its weights are too large for float32"
        )
    mu = np.stack([first.mu_x, first.mu_y], axis=1)
    sigma = np.stack([first.sigma_x, first.sigma_y], axis=1)
    # The frame holds the components that matter, out to two standard deviations, but for those that
    # reach further than anyone draws: they would leave it without a scale.
    near = (np.abs(mu) + 2 * sigma < 1e12).all(axis=1)
    heavy = (first.pi >= 0.01 * first.pi.max()) & near
    low = (mu - 2 * sigma)[heavy].min(axis=0, initial=0.0)
    high = (mu + 2 * sigma)[heavy].max(axis=0, initial=0.0)
    left, top, width, height = 60.0, y + 30, 420.0, 190.0
    span = np.maximum(high - low, 1e-6)
    scale = float(min(width / span[0], height / span[1]))
    corner = np.array([left, top]) + (np.array([width, height]) - scale * span) / 2

    def place(point: np.ndarray) -> tuple[float, float]:
        x, y_ = corner + scale * (point - low)
        return float(x), float(y_)

    canvas.parts.append(
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" fill="none" '
        f'stroke="{_LINE}"/>'
    )
    for k in np.flatnonzero(heavy):
        x, y_ = place(mu[k])
        covariance = first.rho[k] * sigma[k, 0] * sigma[k, 1]
        matrix = np.array([[sigma[k, 0] ** 2, covariance], [covariance, sigma[k, 1] ** 2]])
        values, vectors = np.linalg.eigh(matrix)
        radii = np.sqrt(np.maximum(values, 0.0)) * scale
        angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
        strength = float(first.pi[k] / first.pi.max())
        for times in (1, 2):
            canvas.parts.append(
                f'<ellipse cx="{x:.2f}" cy="{y_:.2f}" rx="{times * radii[1]:.2f}" '
                f'ry="{times * radii[0]:.2f}" transform="rotate({angle:.2f} {x:.2f} {y_:.2f})" '
                f'fill="#b5472c" fill-opacity="{0.22 * strength:.3f}" stroke="#b5472c" '
                f'stroke-opacity="{max(strength, 0.15):.3f}" stroke-width="0.8"/>'
            )
    x, y_ = place(np.zeros(2))
    canvas.parts.append(
        f'<path d="M{x - 6:.2f} {y_:.2f}h12M{x:.2f} {y_ - 6:.2f}v12" stroke="{_INK}" '
        'stroke-width="1.2"/>'
    )
    canvas.text(
        left,
        top + height + 16,
        "pen at the cross; y grows downwards",
        grey=True,
        anchor="start",
        size=11,
    )
    _bar(canvas, left + width - 10, top + height - 12, scale)

    canvas.text(520, top + 12, "pen state", bold=True, anchor="start")
    for i, (name, value) in enumerate(zip(("down", "lifts", "ends"), first.pen, strict=True)):
        at = top + 32 + 22 * i
        canvas.text(520, at, name, anchor="start", grey=True)
        canvas.parts.append(
            f'<rect x="560" y="{at - 10:g}" width="{max(90 * value, 0.5):.2f}" height="12" '
            f'fill="{_FILL["mixture"]}" stroke="{_LINE}"/>'
        )
        canvas.text(660, at, f"{value:.3f}", anchor="start", grey=True)
    canvas.text(520, top + 122, "component weights π", bold=True, anchor="start")
    step = 170 / net.mixtures
    for rank, weight in enumerate(np.sort(first.pi)[::-1]):
        tall = 56 * weight / first.pi.max()
        canvas.parts.append(
            f'<rect x="{520 + step * rank:.2f}" y="{top + 190 - tall:.2f}" '
            f'width="{0.8 * step:.2f}" height="{max(tall, 0.3):.2f}" fill="#b5472c"/>'
        )


def _encoder(canvas: _Canvas, net: Net, y: float) -> None:
    arrays = net.info()["arrays"]
    units, n, h = arrays["fw.wh"]["shape"][0], net.latent_size, net.hidden_size
    _heading(
        canvas, y, "d", "The encoder: a drawing's latent vector, and the decoder's first state"
    )
    row = y + 82
    canvas.box(70, row, 92, 50, ["drawing", "rows of 5"], "data")
    for side, at in (("forwards", row - 36), ("backwards", row + 36)):
        lines = [f"LSTM {side}", f"Wx  5 × {4 * units}", f"Wh  {units} × {4 * units}"]
        canvas.box(232, at, 142, 60, lines, "weights")
        canvas.arrow((116, row), (140, row), (140, at), (161, at))
        canvas.arrow((303, at), (325, at), (325, row), (345, row))
    lines = ["last h of both", f"Wμ  {2 * units} × {n}", f"Wσ  {2 * units} × {n}"]
    canvas.box(410, row, 130, 66, lines, "weights")
    canvas.box(530, row, 76, 66, ["z", "μ + σ·ε", f"{n}"], "mixture")
    canvas.box(648, row, 110, 66, ["tanh: c, h", f"Wz  {n} × {2 * h}"], "weights")
    canvas.arrow((475, row), (492, row))
    canvas.arrow((568, row), (593, row))


def _bar(canvas: _Canvas, right: float, y: float, scale: float) -> None:
    """A scale bar of 1, 2 or 5 times a power of ten data units, up to 100 pixels long."""
    longest = 100 / scale
    power = 10.0 ** np.floor(np.log10(longest))
    length = power * max(k for k in (1, 2, 5) if k * power <= longest)
    canvas.parts.append(
        f'<path d="M{right - length * scale:.2f} {y:g}H{right:g}" stroke="{_INK}" '
        'stroke-width="2"/>'
    )
    canvas.text(right - length * scale / 2, y - 5, f"{length:g} data units", size=11)


def write(net: Net, path: str) -> list[str]:
    """Write :func:`diagram`."""
    writing.write(path, diagram(net))
    return [path]
