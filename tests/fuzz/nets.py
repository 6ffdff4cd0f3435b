"""Nets from strangers: each reader either gives a net that draws, or one error that names the file.
Cache entries and checkpoints are files too, and someone else may have put them there."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import struct
import sys
from pathlib import Path

import numpy as np
from given import Input, Scratch, names, pickle_of, value, zip_of

import sketchrnn
from sketchrnn import WeightsError
from sketchrnn.nets import addition
from sketchrnn.nets import safetensors as container
from sketchrnn.nets.graph_svg import graph_svg
from sketchrnn.train import data as train_data
from sketchrnn.train import export as train_export

sys.path.insert(0, str(Path(__file__).parents[1]))
import broken  # tests/broken.py: containers made by hand

scratch = Scratch()
os.environ["SKETCHRNN_HOME"] = scratch.path("home")

NAMES = ["a cat", "dog", "ice cream"]


def _use(net: sketchrnn.Net) -> None:
    """Whatever a net's numbers are, it gives results or says which of them is not finite."""
    net.name.encode()
    assert net.scale_factor > 0
    assert net.max_len >= 1
    json.dumps(net.metadata)
    try:
        drawn = net.draw(2, seed=1, max_len=3, temperature=0.5)
        assert np.isfinite(drawn.strokes).all()
        net.score(drawn)
        net.predict([]).decision()
    except ValueError:
        pass
    if net.latent_size:
        with contextlib.suppress(ValueError):
            drawn = net.draw(2, seed=1, max_len=3)
            assert np.isfinite(net.posterior(drawn)).all()
            net.interpolate(drawn[0], drawn[1], 3, seed=1, max_len=3)
    net.info()
    for array in net.arrays().values():
        assert np.isfinite(array).all()


def _load(path: str, precision: str = "f32") -> None:
    try:
        net = sketchrnn.load(path, precision=precision)
    except WeightsError as error:
        names(error, path)
        return
    except ValueError:
        # What a net is quantised for is the caller's to know; its own drawings may overflow.
        if precision == "f32" and b"h.scale" not in Path(path).read_bytes():
            raise
        return
    _use(net)


def _framed(data: bytes) -> bytes:
    """Header, newline, data: a container with a length that is true."""
    header, line, rest = data.partition(b"\n")
    return len(header).to_bytes(8, "little") + header + rest if line else data


def _unframed(data: bytes) -> bytes:
    header, rest = broken.split(data)
    return header.rstrip() + b"\n" + rest


def safetensors(data: bytes) -> None:
    how, data = data[:1], _framed(data[1:])
    path = scratch.write("n.safetensors", data)
    assert isinstance(container.read_metadata(path), dict)
    _load(path)
    if how and how[0] % 16 == 0:
        try:
            _load(path, "i8")
        finally:
            home = scratch.folder / "home"
            for entry in home.iterdir() if home.exists() else ():
                entry.unlink()


def everything(data: bytes) -> None:
    how, data = data[:1], _framed(data[1:])
    path = scratch.write("e.safetensors", data)
    try:
        net = sketchrnn.load(path)
    except WeightsError as error:
        names(error, path)
        return
    except ValueError:
        if b"h.scale" not in data:
            raise
        return
    _use(net)
    if net.objects:
        chosen = net.objects[(how[0] if how else 0) % len(net.objects)]
        with contextlib.suppress(ValueError):
            net.draw(2, seed=1, max_len=3, object=chosen)


def added(data: bytes) -> None:
    """An addition, beside a base that it names or not."""
    if not (scratch.folder / "all.safetensors").exists():
        scratch.write("all.safetensors", _conditional())
    _load(scratch.write("n.addition.safetensors", _framed(data)))


def _document(given: Input, made: bytes) -> bytes:
    """A .gen.json or .vae.json with some of its parts replaced by any value."""
    document = json.loads(made)
    for _ in range(1 + given.below(3)):
        part = given.below(3)
        if part == 0:
            keys = (
                (*document[0], "sketchrnn", "version") if isinstance(document[0], dict) else ("x",)
            )
            if isinstance(document[0], dict):
                document[0][given.pick(keys)] = value(given)
        elif part == 1 and isinstance(document[1], list) and document[1]:
            document[1][given.below(len(document[1]))] = value(given)
        elif isinstance(document[2], list) and document[2]:
            document[2][given.below(len(document[2]))] = (
                base64.b64encode(given.take(given.byte())).decode()
                if given.below(2)
                else value(given)
            )
        if given.below(40) == 39:
            document[given.below(3)] = value(given)
    return json.dumps(document).encode()


def gen_json(data: bytes) -> None:
    if data[:1] == b"\xff":
        data = _document(Input(data[1:]), _gen_json())
    _load(scratch.write("n.gen.json", data))


def vae_json(data: bytes) -> None:
    if data[:1] == b"\xff":
        data = _document(Input(data[1:]), _vae_json())
    _load(scratch.write("n.vae.json", data))


_entry: list = []


def cache_entry(data: bytes) -> None:
    """Whatever lies in the cache, the net is the one that was asked for."""
    if not _entry:
        path = scratch.write("cached.safetensors", broken.good_container())
        net = sketchrnn.load(path, precision="i8")
        (entry,) = (p for p in (scratch.folder / "home").rglob("*") if p.is_file())
        kept = entry.read_bytes()
        _entry.extend([path, entry, kept, net.name, net.draw(3, seed=5).strokes.tobytes()])
    path, entry, kept, name, drawn = _entry
    how, rest = data[:1], data[1:]
    mode = how[0] % 4 if how else 0
    if mode == 1:  # what was kept, with some bytes changed
        given, damaged = Input(rest), bytearray(kept)
        for _ in range(1 + given.below(4)):
            damaged[struct.unpack("<H", given.take(2))[0] % len(damaged)] ^= given.byte()
        rest = bytes(damaged)
    elif mode == 2:
        rest = _framed(rest)
    entry.write_bytes(rest)
    net = sketchrnn.load(path, precision="i8")
    assert net.name == name, "another net's entry is not used"
    assert net.draw(3, seed=5).strokes.tobytes() == drawn, "a damaged entry is not used"
    for extra in entry.parent.iterdir():
        if extra != entry:
            extra.unlink()


def training_start(data: bytes) -> None:
    """What `train --init` reads."""
    path = scratch.write("i.safetensors", _framed(data))
    try:
        tensors, _ = train_export.read(Path(path))
        for array in tensors.values():
            assert array.dtype == np.float32
    except ValueError as error:
        names(error, path)


_run: list = []


def checkpoint(data: bytes) -> None:
    """What training goes on from; the command turns OSError and ValueError into one line."""
    import torch

    from sketchrnn.train import loop, model

    torch.set_num_threads(1)
    how, data = data[:1], data[1:]
    mode = how[0] % 3 if how else 0
    if not _run:
        rng = np.random.default_rng(0)
        drawings = [
            train_data.Drawing(
                "cat", str(i), rng.integers(-9, 9, (4, 3)).astype(np.int16) % 2, "train"
            )
            for i in range(4)
        ]
        arguments = (loop.Settings(steps=2, batch=2), drawings, drawings, {}, 1.0)
        path = Path(scratch.path("run.ckpt"))
        loop.Run(model.Net(2, 1, 0), *arguments, path).save()
        _run.extend([arguments, path, path.read_bytes()])
    arguments, path, good = _run
    if mode == 1:
        given, damaged = Input(data), bytearray(good)
        for _ in range(1 + given.below(4)):
            damaged[struct.unpack("<H", given.take(2))[0] % len(damaged)] ^= given.byte()
        data = bytes(damaged[: len(damaged) - given.integer() % 9 ** given.below(5)])
    elif mode == 2:
        payload = pickle_of(Input(data)) if how[0] >= 128 else data
        data = zip_of([(b"run/data.pkl", payload), (b"run/byteorder", b"little"),
                       (b"run/version", b"3\n"), (b"run/data/0", bytes(64))])  # fmt: skip
    path.write_bytes(data)
    with contextlib.suppress(ValueError, OSError):
        loop.Run(model.Net(2, 1, 0), *arguments, path)


def graph(data: bytes) -> None:
    """A graph in MXNet's JSON, drawn."""
    if data[:1] == b"\xff":
        given = Input(data[1:])
        document = json.loads(_mxnet())
        for _ in range(1 + given.below(3)):
            if not isinstance(document["nodes"], list) or not document["nodes"]:
                break
            node = document["nodes"][given.below(len(document["nodes"]))]
            if isinstance(node, dict):
                node[given.pick(("op", "name", "inputs", "attrs"))] = value(given)
            if given.below(8) == 7:
                document[given.pick(("nodes", "heads", "attrs"))] = value(given)
        data = json.dumps(document).encode()
    path = scratch.write("g.json", data)
    try:
        text = graph_svg(path)
    except ValueError as error:
        names(error, path)
        return
    import xml.etree.ElementTree as tree

    tree.fromstring(text)


def _conditional(kind: str = "F16") -> bytes:
    numbers = {"F16": np.float16, "F32": np.float32}[kind]
    arrays = {key: array.astype(numbers) for key, array in broken.good_arrays().items()}
    arrays["embed"] = (np.arange(6).reshape(3, 2) / 4).astype(numbers)
    arrays["to_b"] = (np.arange(16).reshape(2, 8) / 8 - 1).astype(numbers)
    arrays["to_bo"] = (np.arange(18).reshape(2, 9) / 8 - 1).astype(numbers)
    facts = {
        "format": "sketchrnn",
        "format_version": "1",
        "name": "all",
        "scale_factor": "7.5",
        "max_len": "6",
        "start_token": "[0, 0, 0, 0, 0]",
        "objects": json.dumps(NAMES),
        "default_object": "dog",
    }
    header: dict = {"__metadata__": facts}
    at, blobs = 0, b""
    for key, array in arrays.items():
        blobs += array.tobytes()
        header[key] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, len(blobs)]}
        at = len(blobs)
    return broken.join(header, blobs)


def _addition() -> bytes:
    parts = {f"{key}.add": np.ones_like(broken.good_arrays()[key]) for key in addition.SUMS}
    for key in addition.PRODUCTS:
        rows, columns = broken.good_arrays()[key].shape
        found = addition.quantised(np.eye(rows, 2), np.eye(2, columns))
        parts |= {f"{key}.{part}": array for part, array in found.items()}
    base = addition.identity(_conditional())
    facts = {"name": "a", "base": base, "base_name": "all", "base_object": NAMES[0]}
    return addition.packed(parts, facts)


def _gen_json() -> bytes:
    arrays = broken.good_arrays()
    order = ("wo", "bo", "wx", "wh", "b")
    info = {"mode": 2, "version": 6, "max_seq_len": 9, "name": "cat", "scale_factor": 8.5}
    blobs = [base64.b64encode((arrays[k] * 3000).astype("<i2").tobytes()).decode() for k in order]
    return json.dumps([info, [list(arrays[k].shape) for k in order], blobs]).encode()


def _vae_json() -> bytes:
    return broken.vae()


_made: list = []


def _mxnet() -> bytes:
    if not _made:
        net = sketchrnn.from_arrays(broken.good_arrays(), scale_factor=2, max_len=5)
        net.export(scratch.path("m.json"))
        _made.append(Path(scratch.path("m.json")).read_bytes())
    return _made[0]


def _containers() -> list[bytes]:
    kinds = [broken.good_container(d) for d in (np.float32, np.float16, np.int16)]
    kinds += [broken.good_latent(d) for d in (np.float32, np.float16, np.int16)]
    return [*kinds, broken.in_8_bits(), broken.in_8_bits(hidden=[100, 90])]


def _corpus(suffix: str) -> list[bytes]:
    return [p.read_bytes() for p in sorted(broken.CORPUS.glob(f"*{suffix}"))]


def _seeds_cache() -> list[bytes]:
    other = broken.in_8_bits(column=0.25, hidden=[100, 90])
    digest = hashlib.sha256(broken.good_container()).digest()
    return [b"\0" + other, b"\2" + _unframed(other), b"\1\1\2\3\4\5\6", b"\0" + digest + other]


TARGETS = {
    "safetensors": (safetensors, lambda: [
        *(b"\0" + _unframed(c) for c in _containers()),
        *(b"\1" + c for c in _corpus(".safetensors")), b"\0" + broken.good_container()]),
    "everything": (everything, lambda: [b"\0" + _unframed(_conditional()),
                                        b"\1" + _unframed(_conditional("F32"))]),
    "addition": (added, lambda: [_unframed(_addition())]),
    "gen_json": (gen_json, lambda: [
        _gen_json(), b"\xff" + bytes(range(50)), *_corpus(".gen.json")]),
    "vae_json": (vae_json, lambda: [
        _vae_json(), b"\xff" + bytes(range(50)), *_corpus(".vae.json")]),
    "cache_entry": (cache_entry, _seeds_cache),
    "training_start": (training_start, lambda: [*map(_unframed, _containers())]),
    "checkpoint": (checkpoint, lambda: [
        b"\1\1\2\3\4", b"\2" + bytes(range(80)), b"\x80" + bytes(60)]),
    "graph": (graph, lambda: [_mxnet(), b"\xff" + bytes(range(60))]),
}  # fmt: skip
