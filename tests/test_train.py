"""Training: the loss, the fold, the split, the augmentation, and going on after a kill."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import sketchrnn  # noqa: E402
from sketchrnn.train import batches, cli, data, export, loop, model  # noqa: E402
from sketchrnn.train.evaluate import evaluate  # noqa: E402


def drawings(count: int = 60, words: int = 2) -> list[data.Drawing]:
    """Small closed figures of a few strokes."""
    rng = np.random.default_rng(5)
    out = []
    for i in range(count):
        n = int(rng.integers(5, 14))
        rows = np.column_stack([rng.integers(-40, 40, (n, 2)), rng.random(n) < 0.2])
        rows[-1, 2] = 1
        key = str(10_000 + i)
        out.append(data.Drawing(f"w{i % words}", key, rows.astype(np.int16), data.split_of(key)))
    return out


def numpy_loss(net: dict[str, np.ndarray], rows: np.ndarray, scale: float) -> tuple[float, float]:
    """Ha & Eck's loss of one drawing, summed, in float64, term by term from the definitions."""
    w = {k: v.astype(np.float64) for k, v in net.items()}
    hidden = w["wh"].shape[0]
    h, c, x = np.zeros(hidden), np.zeros(hidden), np.zeros(5)
    offset = pen = 0.0
    for dx, dy, lifted in [*rows.astype(float).tolist(), [0.0, 0.0, 2.0]]:
        i, j, f, o = np.split(x @ w["wx"] + h @ w["wh"] + w["b"], 4)
        c = c / (1 + np.exp(-f - 1)) + np.tanh(j) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        z = h @ w["wo"] + w["bo"]
        q = np.exp(z[:3]) / np.exp(z[:3]).sum()
        pen -= math.log(q[int(lifted)])
        pi, mx, my, lx, ly, r = np.split(z[3:], 6)
        if lifted < 2:
            pi, sx, sy, rho = np.exp(pi) / np.exp(pi).sum(), np.exp(lx), np.exp(ly), np.tanh(r)
            u, v = (dx / scale - mx) / sx, (dy / scale - my) / sy
            d = (u * u + v * v - 2 * rho * u * v) / (1 - rho**2)
            n = np.exp(-d / 2) / (2 * np.pi * sx * sy * np.sqrt(1 - rho**2))
            offset -= math.log((pi * n).sum())
        x = np.array([dx / scale, dy / scale, lifted == 0, lifted == 1, lifted == 2], float)
    return offset, pen


def test_loss_is_the_papers() -> None:
    torch.manual_seed(1)
    net = model.Net(24, 5).double()
    some = drawings(7)
    got = evaluate(net.float(), some, {}, 30.0, 200)
    each = np.array([numpy_loss(model.folded(net), d.rows, 30.0) for d in some])
    rows = sum(len(d.rows) + 1 for d in some)
    assert got["rows"] == rows
    np.testing.assert_allclose([got["offset"], got["pen"]], each.sum(0) / rows, rtol=2e-5)


def test_own_backward_pass() -> None:
    torch.manual_seed(2)
    net = model.Net(7, 2, objects=3, embedding=4).double()
    b = batches.collate(drawings(4), {"w0": 0, "w1": 4}, 30.0)
    kept = (torch.rand(*b.valid.shape, 7) < 0.8).to(torch.uint8)

    def loss() -> torch.Tensor:
        x, words = torch.from_numpy(b.inputs), torch.from_numpy(b.words)
        z = net(x, words, kept=kept, gain=1.25)
        offset, pen = model.losses(z, torch.from_numpy(b.targets), torch.from_numpy(b.valid))
        return offset.sum() + pen.sum()

    net.float()
    loss().backward()
    for p in net.parameters():
        way = torch.randn_like(p)
        with torch.no_grad():
            e = 2e-3
            p += e * way
            up = loss().double()
            p -= 2 * e * way
            down = loss().double()
            p += e * way
        assert float((p.grad * way).sum()) == pytest.approx(
            float(up - down) / (2 * e), rel=0.03, abs=0.3
        )


def test_fold_is_exact(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = model.Net(16, 4, objects=5, embedding=6)
    b = batches.collate(drawings(6, words=1), {"w0": 3}, 30.0)
    x, words = torch.from_numpy(b.inputs), torch.from_numpy(b.words)
    plain = model.unfolded(model.folded(net, 3))
    with torch.no_grad():
        torch.testing.assert_close(plain(x, words * 0), net(x, words), rtol=0, atol=1e-6)
    path = tmp_path / "a.safetensors"
    export.write(path, model.tensors(net), export.describe("a", 30.0, 200, {}), "F32")
    back, metadata = export.read(path)
    assert metadata["format"] == "sketchrnn"
    assert all(np.array_equal(v, back[k]) for k, v in model.tensors(net).items())


def test_one_split_for_all_forms(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    raw, small = tmp_path / "raw.ndjson.gz", tmp_path / "simplified.ndjson"
    with gzip.open(raw, "wt") as f, small.open("w") as g:
        for key in range(40):
            p = np.cumsum(rng.integers(-9, 10, (30, 2)), 0) * 3.7
            x, y = p.T.tolist()
            base = {"word": "a_thing", "key_id": str(key)}
            print(json.dumps(base | {"drawing": [[x, y, list(range(30))]]}), file=f)
            (s,) = data.to_box([p])
            q = np.rint(data.simplify(s, 2.0, "quickdraw")).astype(int).T.tolist()
            print(json.dumps(base | {"drawing": [q]}), file=g)
    a, b = list(data.read_ndjson(raw)), list(data.read_ndjson(small))
    assert [(d.key, d.split, d.word) for d in a] == [(d.key, d.split, d.word) for d in b]
    assert {d.split for d in a} == {"train", "valid", "test"}
    assert all(np.array_equal(d.rows, e.rows) for d, e in zip(a, b, strict=True))
    assert len(data.read([raw, small])) == 40


def test_dropping_points_keeps_the_strokes() -> None:
    rng = np.random.default_rng(0)
    for d in drawings(20):
        rows = d.rows.astype(np.float32)
        fewer = batches.drop_points(rows, 0.5, rng)
        np.testing.assert_allclose(fewer[:, :2].sum(0), rows[:, :2].sum(0))
        assert fewer[:, 2].sum() == rows[:, 2].sum()


@pytest.mark.parametrize("stop", [1, 7])
def test_killed_and_resumed_is_the_same(tmp_path: Path, stop: int) -> None:
    some = drawings()
    settings = loop.Settings(
        weight_drop=0.2,
        output_drop=0.1,
        steps=10,
        batch=8,
        every=4,
        warmup=2,
        augment=batches.Augment(dither=0.1, mirror=0.5),
    )

    def run(path: Path) -> loop.Run:
        torch.manual_seed(0)
        return loop.Run(
            model.Net(12, 3, 2, 4), settings, some, some, {"w0": 0, "w1": 1}, 30.0, path
        )

    whole = run(tmp_path / "whole")
    whole.go(lambda o: None)
    killed = run(tmp_path / "killed")
    for _ in range(stop):
        killed._advance()
        if killed.step % 4 == 0:
            killed._validate()
    killed.save()
    again = run(tmp_path / "killed")
    assert again.step == stop
    again.go(lambda o: None)
    for k, v in whole.best.items():
        assert torch.equal(v, again.best[k])
    times = ("seconds",)
    for a, b in zip(whole.history, again.history, strict=True):
        assert {k: v for k, v in a.items() if k not in times} == {
            k: v for k, v in b.items() if k not in times
        }


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "d.ndjson"
    with source.open("w") as f:
        for d in drawings(60):
            at = np.cumsum(d.rows[:, :2], 0)
            line = [[0, *at[:, 0].tolist()], [0, *at[:, 1].tolist()]]
            print(json.dumps({"word": d.word, "key_id": d.key, "drawing": [line]}), file=f)
    out = tmp_path / "n.safetensors"
    small = ["--hidden", "8", "--mixtures", "2", "--steps", "4", "--batch", "8", "--every", "2"]
    assert cli.main([str(source), "-o", str(out), "--conditional", *small]) == 0
    assert json.loads(export.read(out)[1]["objects"]) == ["w0", "w1"]
    assert export.read(out)[1]["default_object"] == "w0"
    one = tmp_path / "one.safetensors"
    more = ["--init", str(out), "--init-object", "w1", "--objects", "w1", *small]
    assert cli.main([str(source), "-o", str(one), *more]) == 0
    tensors, metadata = export.read(one)
    assert {k: v.shape for k, v in tensors.items()} == {
        "wx": (5, 32), "wh": (8, 32), "b": (32,), "wo": (8, 15), "bo": (15,)
    }  # fmt: skip
    record = json.loads(metadata["training"])
    assert record["steps"] == 4
    assert record["init"]["file"] == out.name
    assert record["init"]["steps"] == 4
    # In 8 bits, the losses are those of what is stored, and the core reads the same numbers.
    eight = tmp_path / "eight.safetensors"
    assert cli.main([str(source), "-o", str(eight), "--dtype", "I8", *more]) == 0
    tensors, metadata = export.read(eight)
    net = sketchrnn.load(eight)
    assert net.info()["arrays"]["wh"]["dtype"] == "I8"
    for name, array in net.arrays().items():
        np.testing.assert_allclose(array, tensors[name], rtol=1e-6)
    valid = [d for d in data.read([source]) if d.split == "valid" and d.word == "w1"]
    loss = evaluate(model.unfolded(tensors), valid, {}, net.scale_factor, 200)
    assert json.loads(metadata["training"])["losses"]["valid"]["nats"] == round(loss["nats"], 4)
    assert cli.main([str(tmp_path / "none.ndjson"), "-o", str(out)]) == 1
    assert "none.ndjson" in capsys.readouterr().err
