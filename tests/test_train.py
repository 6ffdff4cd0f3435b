"""Training: the loss, the fold, the split, the augmentation, and going on after a kill."""

from __future__ import annotations

import gzip
import io
import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import sketchrnn  # noqa: E402
from sketchrnn import FormatError  # noqa: E402
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


def test_epochs_with_the_most_of_an_object() -> None:
    """No object has more than `most` drawings in an epoch, and later epochs have others."""
    some = [
        data.Drawing("many" if i % 10 else "few", str(i), d.rows, "train")
        for i, d in enumerate(drawings(60))
    ]
    epochs = batches.Epochs(some, {"few": 0, "many": 1}, 30.0, 8, batches.NO_AUGMENT, 3, most=10)
    assert epochs.per_epoch == 2  # 6 + 10 drawings
    first = np.concatenate([epochs[i].words for i in (0, 1)])
    assert np.bincount(first).tolist() == [6, 10]
    seen = {int(i) for epoch in range(60) for i in epochs._chosen(epoch)}
    assert seen == set(range(60))


def test_reading_drawings_without_keys(tmp_path: Path) -> None:
    """Their content is their key; `form` tells for each line whether it was simplified."""
    line = [[0, 100, 255], [0, 60, 255]]
    dense = [np.linspace(0, 255, 200).tolist(), np.linspace(0, 130, 200).tolist()]
    entries = [
        {"word": "a", "drawing": [line], "form": "simplified", "src": "x", "bin": 3},
        {"word": "a", "drawing": [line], "form": "simplified", "src": "x", "bin": 3},
        {"word": "b", "drawing": [line], "form": "simplified", "src": "x"},
        {"word": "a", "drawing": [dense], "form": "raw-rdp1", "src": "y"},
    ]
    path = tmp_path / "more.ndjson"
    path.write_text("".join(json.dumps(e) + "\n" for e in entries))
    read = data.read([path])
    assert [(d.word, len(d.rows)) for d in read] == [("a", 2), ("b", 2), ("a", 1)]
    assert len({d.key for d in read}) == 3
    assert read[0].facts == {"form": "simplified", "src": "x", "bin": 3}
    data.save_cache(tmp_path / "kept.npz", read)
    again = data.read([tmp_path / "kept.npz"])
    assert [(d.key, d.split, dict(d.facts)) for d in again] == [
        (d.key, d.split, dict(d.facts)) for d in read
    ]


def test_turned_drawings_keep_their_lengths() -> None:
    given = drawings(8)
    plain = batches.collate(given, {}, 30.0)
    turned = batches.collate(given, {}, 30.0, replace(batches.NO_AUGMENT, turn=0.2))
    assert not np.allclose(plain.targets, turned.targets, atol=1e-3)
    assert (plain.targets[..., 2:] == turned.targets[..., 2:]).all()
    lengths = [np.hypot(*np.moveaxis(b.targets[..., :2], -1, 0)) for b in (plain, turned)]
    np.testing.assert_allclose(*lengths, atol=1e-5)  # float32 of numbers around 1
    angles = [np.arctan2(b.targets[0, :, 1], b.targets[0, :, 0]) for b in (plain, turned)]
    apart = np.abs((angles[0] - angles[1] + np.pi) % (2 * np.pi) - np.pi)
    assert 0.0 < apart.max() <= 0.2 + 1e-5


def test_from_astray_the_targets_lead_back() -> None:
    plain = batches.collate(drawings(8), {}, 30.0)
    missed = batches.chance(plain, 0.05, np.random.default_rng(0))
    astray = batches.led_back(plain, lambda t, inputs, wanted: missed[t])
    same = batches.led_back(plain, lambda t, inputs, wanted: 0.0 * wanted)
    assert (same.targets == plain.targets).all()
    at, should = (np.cumsum(b.inputs[..., :2], 0, dtype=np.float64) for b in (astray, plain))
    after, wanted = (at + astray.targets[..., :2], should + plain.targets[..., :2])
    drawn = plain.targets[..., 4] == 0
    jumps = np.zeros(drawn.shape, bool)
    jumps[1:] = plain.targets[:-1, :, 3] > 0.5
    assert np.abs(at - should)[drawn].max() > 0.05
    left = np.where(jumps, 0.0, 0.75)[..., None] * (at - should)
    np.testing.assert_allclose((after - wanted)[drawn], left[drawn], atol=1e-5)  # float32 sums
    assert (astray.targets[..., 2:] == plain.targets[..., 2:]).all()
    assert (astray.inputs[..., 2:] == plain.inputs[..., 2:]).all()


def test_compact_files_are_rounded_and_of_the_same_types() -> None:
    net = model.tensors(model.Net(6, 2))
    facts = export.describe("a", 30.0, 200, {})
    whole, small = (export.pack(net, facts, dtype) for dtype in ("I8", "compact"))
    assert len(whole) == len(small)
    read, _ = export.unpack(small)
    largest = np.abs(net["wh"]).max(0)
    half = 0.5 * largest / export.COMPACT_MOST
    assert (np.abs(read["wh"] - net["wh"]) <= half * (1 + 1e-5)).all()
    assert (np.abs(read["wo"] - net["wo"]) <= np.abs(net["wo"]) * 2.0**-export.COMPACT_BITS).all()
    assert len(np.unique(np.frexp(read["wo"])[0])) <= 2**export.COMPACT_BITS
    assert (np.abs(read["b"] - net["b"]) <= np.abs(net["b"]) * 2.0**-11).all()  # as F16 has it


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"word": None}, "expected the field word"),
        ({"word": 5}, "word: expected text"),
        ({"key_id": None}, "key_id: expected text or a whole number, found NoneType"),
        ({"key_id": [1]}, "key_id: expected text or a whole number, found list"),
        ({"form": 1}, "form: expected text, found int"),
        ({"word": "\ud800"}, "surrogates not allowed"),
        ({"drawing": [[[0], []]]}, "stroke 0: expected two lists"),
    ],
)
def test_wrong_fields_are_named(tmp_path: Path, edit: dict[str, object], message: str) -> None:
    path = tmp_path / "a.ndjson"
    good = {"word": "a", "drawing": [[[0, 255], [0, 60]]], "form": "simplified"}
    path.write_text(f"{json.dumps(good)}\n{json.dumps(good | edit)}\n")
    with pytest.raises(FormatError, match=rf"a\.ndjson: line 2: .*{message}"):
        data.read([path])


def cached(path: Path, **edits: object) -> Path:
    """A cache of three drawings, some of its arrays replaced, or left out (None)."""
    data.save_cache(path, drawings(3))
    with np.load(path) as file:
        arrays = {**file, **edits}
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return path


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"facts": np.array([{}] * 3)}, r"facts: expected <U, found \|O"),
        ({"rows": np.zeros((4, 3))}, "rows: expected <i2, found <f8"),
        ({"rows": np.zeros(12, np.int16)}, r"rows: expected shape \(n, 3\), found \(12,\)"),
        ({"lengths": np.array([1, 2, 3])}, "lengths: expected numbers above 0 whose sum is"),
        ({"lengths": np.array([2**62] * 3)}, "lengths: expected numbers above 0 whose sum is"),
        ({"lengths": np.array([-1, 1, 1])}, "lengths: expected numbers above 0 whose sum is"),
        ({"words": np.array(["a", "b"])}, "as many words"),
        ({"words": np.array(["a", "b", "\ud800"])}, "surrogates not allowed"),
        ({"facts": np.array(["[]"] * 3)}, "facts: expected JSON objects"),
        ({"facts": np.array(["{"] * 3)}, "JSONDecodeError"),
        ({"facts": np.array(["[" * 100_000, "", ""])}, "RecursionError"),
        ({"splits": None}, r"splits\.npy"),
    ],
)
def test_caches_that_are_none(tmp_path: Path, edits: dict[str, object], message: str) -> None:
    assert len(data.read([cached(tmp_path / "good.npz")])) == 3
    path = cached(tmp_path / "a.npz", **edits)
    with pytest.raises(FormatError, match=rf"a\.npz: not a cache of drawings: .*{message}"):
        data.read([path])


def test_a_cache_states_what_memory_it_wants(tmp_path: Path) -> None:
    """A few bytes that call for a gigabyte are refused before it is there."""
    path = cached(tmp_path / "a.npz", words=None)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<U9", "fortran_order": False, "shape": (2**35,)}
    )
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr("words.npy", header.getvalue())
    with pytest.raises(FormatError, match=r"a\.npz: .*words: more than .*the limit 'member'"):
        data.read([path])


@pytest.mark.parametrize("cut", [0, 4, 300, -30])
def test_a_cache_cut_short(tmp_path: Path, cut: int) -> None:
    path = cached(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=r"a\.npz"):
        data.read([path])


def test_a_cache_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cached(tmp_path / "a.npz")
    before = path.read_bytes()

    def fail(file: IO[bytes], **arrays: object) -> None:
        file.write(b"half")
        raise OSError("full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="full"):
        data.save_cache(path, drawings(3))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
