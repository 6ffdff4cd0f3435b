"""Weight files that must be refused, and what the message must say of each.

``python tests/broken.py`` writes them to tests/corpus/, where they are kept so that other tools
(fuzzers, the C++ tests) can use them; a test holds the copies to this file.
"""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path

import numpy as np

from sketchrnn.nets.safetensors import pack, with_i8

CORPUS = Path(__file__).parent / "corpus"
ARRAYS = ("wx", "wh", "b", "wo", "bo")
HIDDEN, MIXTURES = 2, 1


def good_arrays():
    """The smallest net that has every part, with numbers that all formats hold exactly."""
    shapes = {
        "wx": (5, 4 * HIDDEN),
        "wh": (HIDDEN, 4 * HIDDEN),
        "b": (4 * HIDDEN,),
        "wo": (HIDDEN, 3 + 6 * MIXTURES),
        "bo": (3 + 6 * MIXTURES,),
    }
    count = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    return {
        name: ((np.arange(count[name]) % 7 - 3) / 8).astype(np.float32).reshape(shape)
        for name, shape in shapes.items()
    }


def latent_arrays():
    """The smallest net with an encoder: one unit, one number of latent vector."""
    shapes = {"fw.wx": (5, 4), "fw.wh": (1, 4), "fw.b": (4,), "bw.wx": (5, 4), "bw.wh": (1, 4)}
    shapes |= {"bw.b": (4,), "mu.w": (2, 1), "mu.b": (1,), "sigma.w": (2, 1), "sigma.b": (1,)}
    shapes |= {"z.w": (1, 2 * HIDDEN), "z.b": (2 * HIDDEN,)}
    more = {}
    for name, shape in shapes.items():
        count = int(np.prod(shape))
        more[name] = ((np.arange(count) % 5 - 2) / 8).astype(np.float32).reshape(shape)
    plain = good_arrays()
    plain["wx"] = np.concatenate([plain["wx"], plain["wx"][1:2]])
    return plain | more


def good_latent(dtype=np.float32, **metadata):
    arrays = latent_arrays()
    if dtype == np.int16:
        metadata |= {f"{name}.scale": "0.125" for name in arrays}
        arrays = {name: (array * 8).astype(np.int16) for name, array in arrays.items()}
    return pack(
        {name: array.astype(dtype) for name, array in arrays.items()},
        name="tiny",
        scale_factor=10.0,
        max_len=20,
        metadata=metadata,
    )


def good_container(dtype=np.float32):
    arrays = good_arrays()
    metadata = {}
    if dtype == np.int16:
        arrays = {name: (array * 8).astype(np.int16) for name, array in arrays.items()}
        metadata = {f"{name}.scale": "0.125" for name in ARRAYS}
    return pack(
        {name: array.astype(dtype) for name, array in arrays.items()},
        name="tiny",
        scale_factor=10.0,
        max_len=20,
        metadata=metadata,
    )


def in_8_bits(column=0.125, hidden=None, forget=None):
    """The container with recurrent weights in 8 bits; a scale replaced or left out."""
    q = (good_arrays()["wh"] * 8).astype(np.int8)
    columns = np.full(4 * HIDDEN, 0.125, np.float32)
    columns[3] = column
    rows = None if hidden is None else np.array(hidden, np.float32)
    header, data = split(with_i8(good_container(), q, columns, rows))
    header = json.loads(header)
    if forget:
        del header[forget]
    return join(json.dumps(header).encode(), data)


def split(container):
    """(header as text, data)."""
    length = int.from_bytes(container[:8], "little")
    return container[8 : 8 + length], container[8 + length :]


def join(header, data):
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + data


def edited(edit, dtype=np.float32):
    """A good container after `edit(header, data)`, which changes both in place."""
    header, data = split(good_container(dtype))
    header, data = json.loads(header), bytearray(data)
    edit(header, data)
    return join(header, bytes(data))


def with_metadata(**changes):
    def edit(header, data):
        for key, value in changes.items():
            if value is None:
                del header["__metadata__"][key]
            else:
                header["__metadata__"][key] = value

    return edited(edit)


def with_array(name, **changes):
    return edited(lambda header, data: header[name].update(changes))


def with_bytes(name, position, value, dtype=np.float32):
    def edit(header, data):
        at = header[name]["data_offsets"][0] + position
        data[at : at + len(value)] = value

    return edited(edit, dtype)


def shifted(by, names=ARRAYS):
    """Data offsets moved without the data."""

    def edit(header, data):
        for name in names:
            header[name]["data_offsets"] = [n + by for n in header[name]["data_offsets"]]
        data.extend(b"\0" * max(by, 0))

    return edited(edit)


def replaced(old, new):
    """The header's text with one part replaced."""
    header, data = split(good_container())
    assert header.count(old) == 1
    return join(header.replace(old, new), data)


def containers():
    """Name to (bytes, regular expression that the message matches)."""
    good = good_container()
    header, data = split(good)
    size = len(data)
    swapped = edited(
        lambda h, d: h.update(
            wx={**h["wx"], "data_offsets": h["b"]["data_offsets"]},
        )
    )
    return {
        "empty": (b"", "expected at least 8 bytes, found 0"),
        "seven-bytes": (good[:7], "expected at least 8 bytes, found 7"),
        "length-only": (struct.pack("<Q", 0), "JSON"),
        "length-past-end": (struct.pack("<Q", len(good)) + good[8:], "header claims"),
        "length-2-to-63": (struct.pack("<Q", 2**63) + good[8:], "header claims"),
        "length-all-ones": (b"\xff" * 8 + good[8:], "header claims"),
        "length-too-short": (struct.pack("<Q", len(header) - 40) + good[8:], "JSON"),
        "header-of-zeros": (join(b"\0" * 64, data), "JSON"),
        "header-is-a-list": (join(b"[]", data), "expected an object"),
        "header-is-a-number": (join(b"1", data), "expected an object"),
        "header-with-rest": (join(header + b" 1", data), "expected the end"),
        "header-not-utf8": (replaced(b"tiny", b"ti\xffy"), "UTF-8"),
        "header-overlong-utf8": (replaced(b"tiny", b"ti\xc0\xaf"), "UTF-8"),
        "header-surrogate-utf8": (replaced(b"tiny", b"t\xed\xa0\x80"), "UTF-8"),
        "header-lone-surrogate": (replaced(b"tiny", b"ti\\ud800"), "surrogate"),
        "header-control-character": (replaced(b"tiny", b"ti\ny"), "control character"),
        "header-bad-escape": (replaced(b"tiny", b"ti\\xy"), "escape"),
        "deep-lists": (join(b"[" * 1_000, data), "levels of nesting"),
        "deep-objects": (join(b'{"a":' * 500, data), "levels of nesting"),
        "duplicate-array": (replaced(b'"bo": {', b'"wo": {'), "each key once"),
        "duplicate-metadata": (replaced(b'"name"', b'"format"'), "each key once"),
        "comma-at-end": (replaced(b'}, "wx"', b',}, "wx"'), "key"),
        "no-metadata": (edited(lambda h, d: h.pop("__metadata__")), "__metadata__"),
        "metadata-a-list": (edited(lambda h, d: h.update(__metadata__=[])), "__metadata__"),
        "metadata-a-number": (with_metadata(name=7), "name.*must be a string"),
        "other-format": (with_metadata(format="pt"), 'format must be "sketchrnn"'),
        "other-version": (with_metadata(format_version="2"), "format_version"),
        "no-name": (with_metadata(name=None), "name.*missing"),
        "no-scale": (with_metadata(scale_factor=None), "scale_factor.*missing"),
        "scale-nan": (with_metadata(scale_factor="nan"), "scale_factor"),
        "scale-inf": (with_metadata(scale_factor="inf"), "scale_factor"),
        "scale-zero": (with_metadata(scale_factor="0"), "scale_factor"),
        "scale-negative": (with_metadata(scale_factor="-3"), "scale_factor"),
        "scale-words": (with_metadata(scale_factor="ten"), "scale_factor"),
        "scale-hexadecimal": (with_metadata(scale_factor="0x10"), "scale_factor"),
        "scale-with-space": (with_metadata(scale_factor=" 10"), "scale_factor"),
        "scale-overflow": (with_metadata(scale_factor="1e999"), "scale_factor"),
        "max-len-zero": (with_metadata(max_len="0"), "max_len"),
        "max-len-negative": (with_metadata(max_len="-1"), "max_len"),
        "max-len-fraction": (with_metadata(max_len="20.5"), "max_len"),
        "max-len-2-to-64": (with_metadata(max_len=str(2**64)), "max_len"),
        "token-of-four": (with_metadata(start_token="[0,0,0,0]"), "start_token"),
        "token-of-six": (with_metadata(start_token="[0,0,0,0,0,0]"), "start_token"),
        "token-of-strings": (with_metadata(start_token='["0",0,0,0,0]'), "start_token"),
        "token-not-json": (with_metadata(start_token="[0,0,0,0,"), "start_token"),
        "token-nan": (with_metadata(start_token="[NaN,0,0,0,0]"), "start_token"),
        "token-huge": (with_metadata(start_token="[1e30,0,0,0,0]"), "start_token"),
        "array-missing": (edited(lambda h, d: h.pop("b")), '"b" is missing'),
        "array-extra": (
            edited(lambda h, d: h.update(more={**h["bo"], "data_offsets": [size, size]})),
            "unexpected array",
        ),
        "array-a-number": (edited(lambda h, d: h.update(wx=3)), "wx.*expected exactly"),
        "array-with-more": (with_array("wx", order="C"), "wx.*expected exactly"),
        "dtype-f64": (with_array("wx", dtype="F64"), "dtype must be F32, F16 or I16"),
        "dtype-bf16": (with_array("wx", dtype="BF16"), "dtype must be F32, F16 or I16"),
        "dtype-a-number": (with_array("wx", dtype=4), "dtype"),
        "dtype-f16-of-f32": (with_array("wx", dtype="F16"), "wx.*needs"),
        "shape-empty": (with_array("b", shape=[]), "b.*shape"),
        "shape-three": (with_array("wx", shape=[5, 8, 1]), "wx.*shape"),
        "shape-zero": (with_array("wx", shape=[0, 8]), "wx.*size"),
        "shape-negative": (with_array("wx", shape=[-5, 8]), "wx.*size"),
        "shape-fraction": (with_array("wx", shape=[5.0, 8]), "wx.*size"),
        "shape-overflow": (with_array("wx", shape=[2**33, 2**33]), "wx.*size"),
        "shape-wraps-to-zero": (with_array("wx", shape=[2**32, 2**32]), "wx.*size"),
        "shape-past-2-to-64": (with_array("wx", shape=[2**70, 8]), "wx.*size"),
        "shape-huge-but-legal": (with_array("wh", shape=[65536, 262144]), "wh.*needs"),
        "shape-transposed": (with_array("wx", shape=[8, 5]), "wx.*expected shape"),
        "shape-flat": (with_array("wx", shape=[40]), "wx.*expected shape"),
        "shape-strings": (with_array("wx", shape=["5", "8"]), "wx.*size"),
        "offsets-reversed": (with_array("wx", data_offsets=[160, 0]), "wx.*data_offsets"),
        "offsets-negative": (with_array("wx", data_offsets=[-160, 0]), "wx.*data_offsets"),
        "offsets-one": (with_array("wx", data_offsets=[160]), "wx.*data_offsets"),
        "offsets-past-end": (with_array("bo", data_offsets=[size, size + 36]), "data_offsets"),
        "offsets-2-to-64": (with_array("wx", data_offsets=[2**64 - 160, 2**64]), "data_offsets"),
        "offsets-too-long": (with_array("wx", data_offsets=[0, 164]), "wx.*needs 160"),
        "gap-at-start": (shifted(4), "byte 0 expected"),
        "gap-inside": (shifted(4, ("wo", "bo")), "expected to start an array"),
        "overlap": (shifted(-4, ("bo",)), "expected to start an array"),
        "same-bytes-twice": (swapped, "wx.*needs"),
        "trailing-byte": (good + b"\0", "the file holds"),
        "trailing-container": (good + good, "the file holds"),
        "nan": (with_bytes("wh", 8, struct.pack("<f", np.nan)), "wh.*element 2.*finite"),
        "negative-nan": (with_bytes("bo", 0, b"\0\0\xc0\xff"), "bo.*element 0.*finite"),
        "signalling-nan": (with_bytes("b", 4, b"\1\0\x80\x7f"), "b.*element 1.*finite"),
        "inf": (with_bytes("wx", 156, struct.pack("<f", np.inf)), "wx.*element 39.*finite"),
        "minus-inf": (with_bytes("wo", 0, struct.pack("<f", -np.inf)), "wo.*element 0.*finite"),
        "f16-nan": (with_bytes("wh", 2, b"\1\x7e", np.float16), "wh.*element 1.*finite"),
        "f16-inf": (with_bytes("wh", 2, b"\0\x7c", np.float16), "wh.*element 1.*finite"),
        "i8-without-scales": (in_8_bits(forget="wh.column_scale"), "wh.column_scale.*missing"),
        "i8-column-zero": (in_8_bits(0.0), "wh.column_scale.*element 3 must be positive"),
        "i8-column-nan": (in_8_bits(float("nan")), "wh.column_scale.*element 3 must be positive"),
        "i8-rows-short": (in_8_bits(hidden=[1.0]), r"h.scale.*expected shape \(2\)"),
        "i8-row-negative": (in_8_bits(hidden=[1.0, -1.0]), "h.scale.*element 1 must be positive"),
        "i16-without-scale": (
            edited(lambda h, d: h["__metadata__"].pop("wo.scale"), np.int16),
            "wo.scale.*missing",
        ),
        "i16-scale-nan": (
            edited(lambda h, d: h["__metadata__"].update({"b.scale": "nan"}), np.int16),
            "b.scale",
        ),
        "i16-scale-zero": (
            edited(lambda h, d: h["__metadata__"].update({"b.scale": "0"}), np.int16),
            "b.scale",
        ),
    }


VAE_ORDER = (
    *("fw.wx", "fw.wh", "fw.b", "bw.wx", "bw.wh", "bw.b"),
    *("mu.w", "mu.b", "sigma.w", "sigma.b", "z.w", "z.b"),
    *("wo", "bo", "wx", "wh", "b"),
)


def good_gen(arrays=None, order=("wo", "bo", "wx", "wh", "b")):
    """The same net as a public .gen.json document."""
    arrays = arrays or good_arrays()
    shapes, blobs = [], []
    for name in order:
        q = (arrays[name] * 8).astype("<i2")
        shapes.append(list(q.shape))
        blobs.append(base64.b64encode(q.tobytes()).decode())
    info = {"mode": 2, "name": "tiny", "scale_factor": 10.0, "max_seq_len": 20, "version": 6}
    return [info, shapes, blobs]


def vae(edit=None, **info):
    document = good_gen(latent_arrays(), VAE_ORDER)
    document[0].update({"mode": 1, **info})
    if edit is not None:
        edit(*document)
    return json.dumps(document).encode()


def gen(edit=None, **info):
    document = good_gen()
    document[0].update(info)
    if edit is not None:
        edit(*document)
    return json.dumps(document).encode()


def cut(blob, count):
    return base64.b64encode(base64.b64decode(blob)[:count]).decode()


def documents():
    """Broken .gen.json files: name to (bytes, regular expression that the message matches)."""
    good = gen()
    return {
        "empty": (b"", "not valid JSON"),
        "half": (good[: len(good) // 2], "not valid JSON"),
        "not-utf8": (good.replace(b"tiny", b"ti\xff"), "not valid JSON"),
        "an-object": (b"{}", "expected a list"),
        "two-items": (b"[{}, []]", "expected a list"),
        "items-of-other-types": (b"[[], {}, 3]", "expected a list"),
        "deep": (b"[" * 1_000, "not valid JSON"),
        "encoder-mode-vae": (
            gen(mode="vae"),
            "17 shapes and 17 blobs for mode 'vae', found 5 and 5",
        ),
        "encoder-mode-0": (gen(mode=0), "17 shapes and 17 blobs for mode 0, found 5 and 5"),
        "encoder-mode-1": (gen(mode=1), "17 shapes and 17 blobs for mode 1, found 5 and 5"),
        "encoder-17-blobs": (
            gen(lambda info, shapes, blobs: blobs.extend("x" * 12)),
            "5 shapes and 5 blobs for mode 2, found 5 and 17",
        ),
        "mode-missing": (gen(lambda info, shapes, blobs: info.pop("mode")), "info.mode"),
        "mode-3": (gen(mode=3), "info.mode"),
        "four-blobs": (gen(lambda info, shapes, blobs: blobs.pop()), "5 shapes and 5 blobs"),
        "four-shapes": (gen(lambda info, shapes, blobs: shapes.pop()), "5 shapes and 5 blobs"),
        "blob-short-by-one-number": (
            gen(lambda info, shapes, blobs: blobs.__setitem__(2, cut(blobs[2], -2))),
            "wx.*needs 80 bytes of int16, found 78",
        ),
        "blob-of-odd-length": (
            gen(lambda info, shapes, blobs: blobs.__setitem__(2, cut(blobs[2], -1))),
            "wx.*needs 80 bytes of int16, found 79",
        ),
        "blob-empty": (gen(lambda info, shapes, blobs: blobs.__setitem__(0, "")), "wo.*found 0"),
        "blob-not-base64": (
            gen(lambda info, shapes, blobs: blobs.__setitem__(0, "!" * 48)),
            "wo.*not base64",
        ),
        "blob-not-ascii": (
            gen(lambda info, shapes, blobs: blobs.__setitem__(0, "é" * 48)),
            "wo.*not base64",
        ),
        "blob-a-list": (
            gen(lambda info, shapes, blobs: blobs.__setitem__(0, [1, 2])),
            "wo.*expected a base64 string",
        ),
        "shape-zero": (
            gen(lambda info, shapes, blobs: shapes.__setitem__(0, [0, 9])),
            "shape of wo",
        ),
        "shape-true": (
            gen(lambda info, shapes, blobs: shapes.__setitem__(1, [True])),
            "shape of bo",
        ),
        "shape-huge": (
            gen(lambda info, shapes, blobs: shapes.__setitem__(0, [2**40, 2**40])),
            "wo.*needs",
        ),
        "shape-other": (
            gen(lambda info, shapes, blobs: shapes.__setitem__(0, [3, 6])),
            "expected shape",
        ),
        "scale-missing": (
            gen(lambda info, shapes, blobs: info.pop("scale_factor")),
            "info.scale_factor",
        ),
        "scale-a-string": (gen(scale_factor="10"), "info.scale_factor"),
        "scale-nan": (gen(scale_factor=float("nan")), "scale_factor"),
        "scale-inf": (gen(scale_factor=float("inf")), "scale_factor"),
        "scale-10-to-400": (gen(scale_factor=10**400), "scale_factor"),
        "scale-zero": (gen(scale_factor=0), "scale_factor"),
        "max-len-nan": (gen(max_seq_len=float("nan")), "max_seq_len"),
        "max-len-inf": (gen(max_seq_len=float("inf")), "max_seq_len"),
        "max-len-fraction": (gen(max_seq_len=20.5), "max_seq_len"),
        "max-len-negative": (gen(max_seq_len=-20), "max_len"),
        "max-len-true": (gen(max_seq_len=True), "max_seq_len"),
        "name-lone-surrogate": (gen(name="ti\ud800"), "surrogate"),
    }


def latent_containers():
    """Broken containers of nets with an encoder."""
    good = good_latent()

    def without(key):
        arrays = {k: v for k, v in latent_arrays().items() if k != key}
        return pack(arrays, name="tiny", scale_factor=10.0, max_len=20)

    def reshaped(key, array):
        arrays = latent_arrays() | {key: np.asarray(array, np.float32)}
        return pack(arrays, name="tiny", scale_factor=10.0, max_len=20)

    return {
        "latent-no-z": (without("z.w"), 'unexpected array "fw.wx"'),
        "latent-no-direction": (without("bw.wh"), 'array "bw.wh" is missing'),
        "latent-no-sigma": (without("sigma.b"), 'array "sigma.b" is missing'),
        "latent-wx-of-five": (reshaped("wx", np.zeros((5, 8))), r'"wx": expected shape \(6, 8\)'),
        "latent-z-transposed": (
            reshaped("z.w", np.zeros((4, 1))),
            r'"wx": expected shape \(9, 8\)',
        ),
        "latent-z-flat": (reshaped("z.w", np.zeros(1)), r'"z.w": expected shape \(1, 4\)'),
        "latent-other-units": (reshaped("bw.wh", np.zeros((2, 8))), r'"bw.wh": expected shape'),
        "latent-mu-of-one-side": (reshaped("mu.w", [[1.0]]), r'"mu.w": expected shape \(2, 1\)'),
        "latent-inf": (reshaped("z.b", [1, 2, np.inf, 0]), '"z.b": element 2 must be finite'),
        "latent-tanh-maybe": (good_latent(latent_tanh="maybe"), "latent_tanh must be"),
        "latent-half-quantised": (
            with_i8(good, np.ones((2, 8), np.int8), np.ones(8, np.float32), np.ones(2, np.float32)),
            'fw.h.scale": expected where there is',
        ),
        "latent-cut": (good[:-1], "data_offsets"),
    }


def vae_documents():
    """Broken .vae.json files."""
    return {
        "half": (vae()[:600], "not valid JSON"),
        "five-blobs": (
            vae(lambda info, shapes, blobs: blobs.__delitem__(slice(5, 17))),
            "17 blobs",
        ),
        "decoder-alone": (vae(mode=2), "5 shapes and 5 blobs for mode 2"),
        "mode-true": (vae(mode=True), "info.mode"),
        "blob-not-base64": (
            vae(lambda info, shapes, blobs: blobs.__setitem__(6, "!")),
            "blob of mu.w: not base64",
        ),
        "wz-transposed": (
            vae(lambda info, shapes, blobs: shapes.__setitem__(10, [4, 1])),
            r'"wx": expected shape \(9, 8\)',
        ),
        "one-unit-more": (
            vae(lambda info, shapes, blobs: shapes.__setitem__(1, [4])),
            'array "fw.wh"',
        ),
    }


def files():
    """File name to (bytes, expected message) of the whole corpus."""
    return {
        **{f"{name}.safetensors": entry for name, entry in containers().items()},
        **{f"{name}.safetensors": entry for name, entry in latent_containers().items()},
        **{f"{name}.gen.json": entry for name, entry in documents().items()},
        **{f"{name}.vae.json": entry for name, entry in vae_documents().items()},
    }


if __name__ == "__main__":
    CORPUS.mkdir(exist_ok=True)
    for old in CORPUS.iterdir():
        old.unlink()
    for file_name, (contents, _) in files().items():
        (CORPUS / file_name).write_bytes(contents)
