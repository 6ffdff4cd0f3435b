"""The oracle: Sketch-RNN in float64 NumPy, written to be read beside the paper.

Ha & Eck, "A Neural Representation of Sketch Drawings" (2017), section 3, with the cell of
TensorFlow's BasicLSTMCell. Drawings are stroke-5 rows (dx, dy, p1, p2, p3) in data units. Nothing
here is fast and nothing is shared with the package, so that a mistake cannot be in both.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def log_softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


@dataclass
class Reference:
    wx: np.ndarray  # (5, 4H), columns are the gates i, j, f, o
    wh: np.ndarray  # (H, 4H)
    b: np.ndarray  # (4H,)
    wo: np.ndarray  # (H, 3 + 6M)
    bo: np.ndarray  # (3 + 6M,)
    scale_factor: float
    start_token: tuple = (0, 0, 0, 0, 0)
    max_len: int = 250

    @classmethod
    def from_gen_json(cls, path):
        """A public .gen.json: [info, shapes, blobs], int16 q with w = q·10/32767."""
        info, shapes, blobs = json.loads(Path(path).read_text())
        wo, bo, wx, wh, b = (
            np.frombuffer(base64.b64decode(blob), "<i2").reshape(shape) * (10.0 / 32767.0)
            for shape, blob in zip(shapes, blobs, strict=True)
        )
        return cls(wx, wh, b, wo, bo, info["scale_factor"], max_len=info["max_seq_len"])

    @property
    def mixtures(self):
        return (self.bo.size - 3) // 6

    def cell(self, x, h, c):
        i, j, f, o = np.split(x @ self.wx + h @ self.wh + self.b, 4, axis=-1)
        c = c * sigmoid(f + 1.0) + sigmoid(i) * np.tanh(j)
        return np.tanh(c) * sigmoid(o), c

    def forward(self, rows):
        """Raw head outputs (n, 3 + 6M): row t predicts drawing row t from those before it."""
        h = c = np.zeros(self.wh.shape[0])
        scale = np.array([self.scale_factor, self.scale_factor, 1, 1, 1])
        inputs = np.vstack([self.start_token, np.asarray(rows, float) / scale])[: len(rows)]
        outputs = []
        for x in inputs:
            h, c = self.cell(x, h, c)
            outputs.append(h @ self.wo + self.bo)
        return np.array(outputs).reshape(len(rows), -1)

    def mixture(self, z):
        """Pen and π probabilities, μ, σ, ρ (eq. 3 to 6), in the net's units."""
        pen, pi, mu_x, mu_y, sx, sy, rho = np.split(
            z, np.cumsum([3] + [self.mixtures] * 5), axis=-1
        )
        return {
            "pen": np.exp(log_softmax(pen)),
            "pi": np.exp(log_softmax(pi)),
            "mu_x": mu_x,
            "mu_y": mu_y,
            "sigma_x": np.exp(sx),
            "sigma_y": np.exp(sy),
            "rho": np.tanh(rho),
        }

    def log_density(self, z, dx, dy, widen=0.0):
        """log Σ π·N(dx, dy) per row (eq. 9); `widen` is added to both variances (cell nats)."""
        p = self.mixture(z)
        var_x = p["sigma_x"] ** 2 + widen
        var_y = p["sigma_y"] ** 2 + widen
        rho = p["rho"] * p["sigma_x"] * p["sigma_y"] / np.sqrt(var_x * var_y)
        if widen == 0.0:  # 1 − ρ² without cancellation: 1 / cosh²
            rest = 1.0 / np.cosh(np.split(z, np.cumsum([3] + [self.mixtures] * 5), axis=-1)[6]) ** 2
        else:
            rest = 1.0 - rho**2
        zx = (dx[..., None] - p["mu_x"]) / np.sqrt(var_x)
        zy = (dy[..., None] - p["mu_y"]) / np.sqrt(var_y)
        log_normal = (
            -np.log(2 * np.pi)
            - 0.5 * np.log(var_x * var_y * rest)
            - 0.5 * ((zx - rho * zy) ** 2 / rest + zy**2)
        )
        joint = np.log(p["pi"]) + log_normal
        top = joint.max(axis=-1)
        return top + np.log(np.exp(joint - top[..., None]).sum(axis=-1))

    def nll(self, rows, z=None):
        """Per row: −log density of the offset (0 where p3) and cross-entropy of the pen state."""
        z = self.forward(rows) if z is None else np.asarray(z, float)
        dx, dy = (np.asarray(rows[:, :2], float) / self.scale_factor).T
        offset = -self.log_density(z, dx, dy) * (1 - rows[:, 4])
        return offset, -(log_softmax(z[:, :3]) * rows[:, 2:]).sum(axis=-1)

    def cell_nats(self, rows, z=None):
        """Per row, the loss at the resolution of the data: variances widened by a pixel's 1/12."""
        z = self.forward(rows) if z is None else np.asarray(z, float)
        dx, dy = (np.asarray(rows[:, :2], float) / self.scale_factor).T
        density = np.exp(self.log_density(z, dx, dy, widen=1 / 12 / self.scale_factor**2))
        pen = (np.exp(log_softmax(z[:, :3])) * rows[:, 2:]).sum(axis=-1)
        return -np.log(np.maximum(density, 1e-6)) * (1 - rows[:, 4]) - np.log(np.maximum(pen, 1e-6))

    def r_loss(self, drawings):
        """The paper's figure as Magenta evaluates it: over N_max, both terms up to the end."""
        total = 0.0
        for rows in drawings:
            offset, pen = self.nll(rows)
            inside = 1 - rows[:, 4]
            total += ((-np.log(np.exp(-offset) + 1e-6) + pen) * inside).sum() / self.max_len
        return total / len(drawings)


@dataclass
class LatentReference(Reference):
    """The whole model (eq. 1 to 4): wx has 5 + N_z rows, and there is an encoder."""

    encoder: dict | None = None  # fw.wx, fw.wh, fw.b, bw.…, mu.w, mu.b, sigma.w, sigma.b, z.w, z.b
    latent_tanh: bool = False  # files of sketch-rnn-js before version 6: tanh(z) makes the state

    @classmethod
    def of(cls, arrays, **facts):
        """From arrays by name, the decoder's among them."""
        wide = {key: np.asarray(array, float) for key, array in arrays.items()}
        plain = {key: wide.pop(key) for key in ("wx", "wh", "b", "wo", "bo")}
        return cls(**plain, **facts, encoder=wide)

    def scaled(self, rows):
        return np.asarray(rows, float) / [self.scale_factor, self.scale_factor, 1, 1, 1]

    def encode(self, rows):
        """μ and σ of N(μ, σ²), N_z each: all rows are read, the ending one too."""
        last = []
        for side, order in (("fw", rows), ("bw", rows[::-1])):
            wx, wh, b = (self.encoder[f"{side}.{key}"] for key in ("wx", "wh", "b"))
            direction = Reference(wx, wh, b, self.wo, self.bo, self.scale_factor)
            h = c = np.zeros(len(wh))
            for x in self.scaled(order):
                h, c = direction.cell(x, h, c)
            last.append(h)
        hc = np.concatenate(last)
        mu = hc @ self.encoder["mu.w"] + self.encoder["mu.b"]
        log_variance = hc @ self.encoder["sigma.w"] + self.encoder["sigma.b"]
        return mu, np.exp(log_variance / 2)

    def start(self, z):
        """First h and c (eq. 4): the LSTM's state is split c first, then h."""
        first = np.tanh(z) if self.latent_tanh else z
        c, h = np.split(np.tanh(first @ self.encoder["z.w"] + self.encoder["z.b"]), 2)
        return h, c

    def forward(self, rows, z):
        """Raw head outputs (n, 3 + 6M) of a decoder that is fed z with every input."""
        h, c = self.start(z)
        inputs = np.vstack([self.start_token, self.scaled(rows)])[: len(rows)]
        outputs = []
        for x in inputs:
            h, c = self.cell(np.concatenate([x, z]), h, c)
            outputs.append(h @ self.wo + self.bo)
        return np.array(outputs).reshape(len(rows), -1)
