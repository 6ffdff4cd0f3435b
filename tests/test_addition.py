"""A net as what it adds to another: what is stored, what is refused, and how it is trained."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import sketchrnn
from sketchrnn.nets import addition
from sketchrnn.nets.catalog import bundled_path
from sketchrnn.nets.safetensors import ARRAYS, assemble

H, M, R, Q = 6, 2, 3, 2
OUT = 3 + 6 * M
OWN = {"name": "a cat", "base_name": "all", "base_object": "cat", "licence": "free"}
FACTS = {
    "format": "sketchrnn",
    "format_version": "1",
    "name": "all",
    "scale_factor": "30.0",
    "max_len": "50",
    "start_token": "[0, 0, 0, 0, 0]",
}


def base() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = {"wx": (5, 4 * H), "wh": (H, 4 * H), "b": (4 * H,), "wo": (H, OUT), "bo": (OUT,)}
    return {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}


def common() -> bytes:
    """A net of two objects, of which the cat is base()."""
    sides = {"embed": np.array([[0], [1]]), "to_b": np.ones((1, 4 * H)), "to_bo": np.ones((1, OUT))}
    return assemble(
        {**FACTS, "objects": '["cat", "dog"]', "default_object": "dog"},
        base() | {k: v.astype(np.float32) for k, v in sides.items()},
    )


def given(container: bytes | None = None) -> addition.Base:
    return addition.Base(container or common(), "the base")


def change() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    found = {f"{k}.add": rng.normal(size=base()[k].shape) * 0.1 for k in addition.SUMS}
    for key, rank, wide in (("wh", R, 4 * H), ("wo", Q, OUT)):
        u, v = rng.normal(size=(H, rank)), rng.normal(size=(rank, wide))
        v[-1] /= 1000.0  # one that the others' unit nearly hides
        found |= {f"{key}.{part}": a for part, a in addition.quantised(u, v).items()}
        found[f"{key}.exact"] = u @ v
    return found


def own(**more: str) -> dict[str, str]:
    return {**OWN, "base": addition.identity(common()), **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An addition beside its base."""
    (tmp_path / "all.safetensors").write_bytes(common())
    file = tmp_path / "cat.addition.safetensors"
    file.write_bytes(addition.packed(change(), own()))
    return file


def test_what_is_added(path: Path) -> None:
    net, added = sketchrnn.load(path), change()
    assert (net.name, net.max_len, net.scale_factor) == ("a cat", 50, 30.0)
    assert net.objects == ("a cat",)
    assert net.metadata["licence"] == "free"
    assert "base" not in net.metadata
    for key, value in net.arrays().items():
        if key in addition.SUMS:
            # Half floats: 11 bits.
            np.testing.assert_allclose(value - base()[key], added[f"{key}.add"], atol=2e-4)
        else:
            # 8 bits of each factor: 1/254 of its largest, some two units of each, R products.
            np.testing.assert_allclose(value - base()[key], added[f"{key}.exact"], atol=0.1)
    assert set(net.arrays()) == set(ARRAYS)


@pytest.mark.parametrize("precision", ["f32", "i16", "i8"])
def test_saved_it_stands_alone(path: Path, tmp_path: Path, precision: str) -> None:
    """The net that is saved is the merged one, in each precision; the base is not needed."""
    net = sketchrnn.load(path, precision=precision)
    alone = tmp_path / "elsewhere" / "cat.safetensors"
    alone.parent.mkdir()
    net.save(alone)
    drawn = sketchrnn.load(alone, precision=precision).draw(20, seed=3)
    assert np.array_equal(drawn.strokes, net.draw(20, seed=3).strokes)


def test_sums_are_exact_in_any_order(path: Path) -> None:
    """In float32, forwards, backwards and in float64: the bits of the net are no BLAS's choice."""
    found, _ = addition._parsed(path.read_bytes(), "x")
    for key in addition.PRODUCTS:
        u, v, shift, _ = (found[f"{key}.{part}"] for part in addition.PARTS)
        whole = (u.astype(np.int64) << shift.astype(np.int64)) @ v.astype(np.int64)
        left, right = u * np.exp2(shift).astype(np.float32), v.astype(np.float32)
        assert shift.max() > 7  # nearly all of the room is used
        assert np.array_equal(left @ right, whole)
        assert np.array_equal(left[:, ::-1] @ right[::-1], whole)


def test_factors_of_many_sizes() -> None:
    """Each element is right to some units of the largest product, however uneven the factors."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        u = rng.normal(size=(30, 48)) * 10.0 ** rng.uniform(-4, 4, 48)
        v = rng.normal(size=(48, 40)) * 10.0 ** rng.uniform(-4, 4, 48)[:, None]
        u[:, 3] = v[5] = 0.0
        parts = addition.quantised(u, v)
        back = (parts["u"] * 2.0 ** parts["shift"]) @ parts["v"] * parts["scale"]
        most = (np.abs(u).max(0) * np.abs(v).max(1)).max()
        assert np.abs(back - u @ v).max() < 48 * most / 127
    with pytest.raises(ValueError, match="rank 2000"):
        addition.quantised(np.ones((1, 2000)), np.ones((2000, 1)))


def broken(edit: str) -> bytes:
    data = addition.packed(change(), own())
    size = int.from_bytes(data[:8], "little")
    header, blobs = json.loads(data[8 : 8 + size]), bytearray(data[8 + size :])

    def place(key: str) -> slice:
        return slice(*header[key]["data_offsets"])

    if edit == "rank":
        header["wh.shift"]["shape"] = [R - 1]
    elif edit == "agree":
        header["wh.u"]["shape"] = [R, H]
    elif edit == "dtype":
        header["wh.u"]["dtype"] = "F16"
    elif edit == "missing":
        del header["bo.add"]
    elif edit == "more":
        header["extra"] = header["bo.add"]
    elif edit == "offsets":
        header["wh.v"]["data_offsets"] = [0, 4 * H * R]
    elif edit == "infinite":
        blobs[place("b.add")] = np.full(4 * H, np.inf, "<f2").tobytes()
    elif edit == "negative":
        blobs[place("wh.shift")] = bytes([255] * R)
    elif edit == "inexact":
        blobs[place("wh.shift")] = bytes([20] * R)
    elif edit == "format":
        header["__metadata__"]["format"] = "sketchrnn"
    elif edit == "name":
        del header["__metadata__"]["name"]
    elif edit == "folder":
        header["__metadata__"]["base_name"] = "../all"
    elif edit.startswith("base_name "):
        header["__metadata__"]["base_name"] = edit.removeprefix("base_name ")
    elif edit == "large":
        blobs[place("wh.scale")] = np.array([3e38], "<f4").tobytes()
    elif edit == "lost":
        header["__metadata__"]["base_name"] = "nothing"
    elif edit == "object":
        header["__metadata__"]["base_object"] = "owl"
    elif edit == "hash":
        header["__metadata__"]["base"] = "f00"
    elif edit == "trailing":
        blobs += b"\0"
    text = b"{" if edit == "json" else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + blobs


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("rank", "'wh.shift': 3 bytes do not make"),
        ("agree", "'wh.u': shapes of u, v, shift, scale do not agree"),
        ("dtype", "'wh.u': expected I8"),
        ("missing", "'bo.add': expected F16"),
        ("more", "more than the arrays"),
        ("offsets", "'wh.v': data_offsets"),
        ("infinite", "'b.add': must be finite"),
        ("negative", "'wh.shift': expected 0 to 23"),
        ("inexact", "'wh.u': sums of products can reach"),
        ("format", "metadata: format"),
        ("name", "metadata: name"),
        ("folder", "metadata: base_name: expected a name"),
        ("lost", "metadata: base_name: this adds to a net in .*nothing.safetensors"),
        ("base_name all/", "metadata: base_name: expected a name, found 'all/'"),
        ("base_name ./all", "metadata: base_name: expected a name"),
        ("base_name all\0", "metadata: base_name: this adds to a net in .*, which is not there"),
        (
            "base_name " + "a" * 5000,
            "metadata: base_name: this adds to a net in '.{100,300}, which",
        ),
        ("large", "'wh': becomes too large for float32"),
        ("object", "metadata: base_object: the base knows no 'owl'"),
        ("hash", "metadata: base: this adds to the net with sha256 'f00'"),
        ("trailing", "more than the arrays"),
        ("json", "header: JSONDecodeError"),
    ],
)
def test_broken_files_are_refused(path: Path, edit: str, message: str) -> None:
    path.write_bytes(broken(edit))
    with pytest.raises(sketchrnn.WeightsError, match=message) as error:
        sketchrnn.load(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.filterwarnings("error")
def test_a_base_that_is_no_file(path: Path, tmp_path: Path) -> None:
    path.write_bytes(addition.packed(change(), own(base_name="other")))
    other = path.with_name("other.safetensors")
    for make in (Path.mkdir, os.mkfifo, lambda p: p.symlink_to("/dev/zero")):
        make(other)
        with pytest.raises(sketchrnn.WeightsError, match="which is not there") as error:
            sketchrnn.load(path)
        assert str(error.value).startswith(f"{path}: ")
        other.rmdir() if other.is_dir() else other.unlink()
    other.write_bytes(b"x" * 99)
    with pytest.raises(sketchrnn.WeightsError, match=r"other\.safetensors: "):
        sketchrnn.load(path)


def test_a_base_of_another_shape_is_refused() -> None:
    arrays = {
        "wx": (5, 4 * H + 4),
        "wh": (H + 1, 4 * H + 4),
        "b": (4 * H + 4,),
        "wo": (H + 1, OUT),
        "bo": (OUT,),
    }
    other = assemble(
        {**FACTS, "name": "cat"}, {k: np.zeros(s, np.float32) for k, s in arrays.items()}
    )
    data = addition.packed(change(), own(base=addition.identity(other)))
    with pytest.raises(sketchrnn.WeightsError, match=r"array 'wx': adds the shape \(5, 24\)"):
        addition.merged(data, given(other), "x")


def test_a_changed_base_is_seen(path: Path) -> None:
    """The base is kept open between loads, but not when its file is another."""
    sketchrnn.load(path)
    other = base() | {"bo": np.zeros(OUT, np.float32)}
    (path.parent / "all.safetensors").write_bytes(assemble({**FACTS, "name": "cat"}, other))
    with pytest.raises(sketchrnn.WeightsError, match="metadata: base: this adds"):
        sketchrnn.load(path)


BUNDLED = sorted(
    Path(str(bundled_path("everything"))).parent.glob("*.addition.safetensors"),
)


@pytest.mark.parametrize("path", BUNDLED, ids=lambda p: p.name.split(".")[0])
def test_bundled_ones(path: Path) -> None:
    """Found by name in the place of a net of its own, listed, and drawings end."""
    name = path.name.removesuffix(".addition.safetensors")
    assert not (path.parent / f"{name}.safetensors").exists()
    net = sketchrnn.load(name)
    assert net.name == name.replace("_", " ")
    assert net.name in sketchrnn.load("everything").objects
    (entry,) = (e for e in sketchrnn.catalog() if (e.name, e.source) == (name, "bundled"))
    assert entry.available
    for fact in ("hidden_size", "scale_factor", "max_len"):
        assert getattr(entry, fact) == pytest.approx(getattr(net, fact))
    for t in (0.1, 0.3, 0.5):
        assert np.mean(net.draw(200, temperature=t, seed=12).finished) >= 0.98
    # Of held-out drawings 96% at least: weights/README.md.
    halves = [d.strokes[: len(d) // 2] for d in net.draw(100, temperature=1.0, seed=12)]
    assert np.mean([net.complete(h, temperature=0.0).finished for h in halves]) >= 0.9


def test_trained_as_one() -> None:
    """Nothing is added before training; after it, what is stored is the net up to 8 bits."""
    torch = pytest.importorskip("torch")
    from sketchrnn.train import batches, export, loop, lowrank, model
    from sketchrnn.train.data import Drawing

    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = lowrank.begun(base(), R, Q)
    for key, value in model.tensors(net).items():
        np.testing.assert_array_equal(value, base()[key])
    rng = np.random.default_rng(3)
    rows = np.column_stack([rng.integers(-40, 40, (9, 2)), np.arange(9) % 4 == 0])
    some = [Drawing("w", str(i), rows.astype(np.int16), "train") for i in range(8)]
    settings = loop.Settings(
        steps=12, batch=4, every=6, warmup=1, lr=0.03, average=0.5, augment=batches.NO_AUGMENT
    )
    run = loop.Run(net, settings, some, some, {}, 30.0)
    run.go(lambda o: None)
    assert run.history[-1]["nats"] < run.history[0]["nats"]
    trained = run.averaged()
    arrays = model.tensors(trained)
    assert np.linalg.matrix_rank(arrays["wh"] - base()["wh"], tol=1e-5) <= R
    data = lowrank.stored(trained, base(), own())
    back, _ = export.unpack(addition.merged(data, given(), "x"))
    for key, value in back.items():
        np.testing.assert_allclose(value, arrays[key], atol=0.02)
        assert not np.array_equal(value, base()[key])
