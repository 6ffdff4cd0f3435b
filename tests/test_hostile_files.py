"""Files made to hurt whoever reads them: one error that names the file, in bounded memory and time.

What could end or stop the interpreter is read in a process of its own.
"""

import gzip
import json
import os
import pickle
import random
import re
import struct
import subprocess
import sys
import textwrap
import zipfile
import zlib

import broken
import numpy as np
import pytest
from conftest import small_net

import sketchrnn
from sketchrnn import FormatError, Sketch, WeightsError
from sketchrnn.formats import npz as npz_format

NPY = (
    b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)
    + b"\n"
)
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
OBJECTS = (
    b"cnumpy\ndtype\nU\x02O8\x89\x88\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
)
SHORTS = (
    b"cnumpy\ndtype\nU\x02i2\x89\x88\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
ROWS = ARRAY + b"(K\x01K\x01K\x03\x86" + SHORTS + b"\x89C\x06\x01\x00\x02\x00\x01\x00tb"


def drawings_of(*items):
    """A pickled array of objects with these pickled items."""
    head = b"\x80\x02" + ARRAY + b"(K\x01" + _int(len(items)) + b"\x85" + OBJECTS + b"\x89"
    return head + b"](" + b"".join(items) + b"etb."


def _int(value):
    return b"J" + struct.pack("<i", value)


def npz(path, data, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as bundle:
        bundle.writestr("train.npy", NPY + data)
    return path


def alone(path, limit=600, seconds=60, reader="sketchrnn.read(sys.argv[1])"):
    """What reading a file in another process prints: the error's class and text. Fails for a
    signal, for more than `limit` MB beyond what is there at the start, or more than `seconds`."""
    script = textwrap.dedent(
        f"""
        import resource, sys, sketchrnn, numpy as np
        try: import svgpathtools
        except ImportError: pass
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try: print("read", {reader})
        except (sketchrnn.FormatError, sketchrnn.WeightsError) as e: print(type(e).__name__, e)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1000)
        """
    )
    command = [sys.executable, "-c", script, os.fspath(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    said, memory = done.stdout.rsplit("\n", 2)[:2]
    assert int(memory) < limit, f"{memory} MB for {os.path.getsize(path)} bytes: {said[:200]}"
    return said


def refused(said):
    assert said.startswith(("FormatError", "WeightsError")), said[:300]
    return said


def test_the_parts_make_a_drawing(tmp_path):
    """The test of the tests: without an attack in it the pickle is read, and as NumPy reads it."""
    path = npz(tmp_path / "a.npz", drawings_of(ROWS, ROWS))
    read = sketchrnn.read(path)
    assert [sketch.stroke3.tolist() for sketch in read] == [[[1.0, 2.0, 1.0]]] * 2
    with np.load(path, allow_pickle=True, encoding="latin1") as file:
        assert [rows.tolist() for rows in file["train"]] == [[[1, 2, 1]]] * 2


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("dtype", ["i1", "<i2", ">i2", "<i4", "<i8", "u1", "<f2", "<f4", ">f8"])
def test_every_genuine_pickle(tmp_path, protocol, dtype):
    array = np.empty(3, object)
    array[0] = np.array([[1, 2, 0], [3, 4, 1]], dtype)
    array[1] = np.asfortranarray(array[0][::-1] + np.array([0, 1, 0], dtype))
    array[1][:, 2] = (0, 1)
    array[2] = array[0]
    if protocol == 5:  # NumPy's own function for it, which np.save does not use
        array[1] = np.array(array[1], order="C")
    data = pickle.dumps(array, protocol=min(protocol, 4))
    read = sketchrnn.read(npz(tmp_path / "a.npz", data))
    assert [s.stroke3.tolist() for s in read] == [a.astype(float).tolist() for a in array]


class Call:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


DEEP = b"K\x01" + b"\x85" * 200_000

PICKLES = {
    # Objects made of the file's bytes: what gave the process away.
    "ndarray of objects": drawings_of(
        b"cnumpy\nndarray\n(K\x02\x85U\x01O" + b"C\x10" + b"A" * 16 + b"tR"
    ),
    "ndarray alone": b"\x80\x02cnumpy\nndarray\n(K\x02\x85U\x01OC\x10" + b"A" * 16 + b"tR.",
    "fields for raw bytes": b"\x80\x02"
    + ARRAY
    + b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02V8\x89\x88\x87Rq\x01\x89C\x08AAAAAAAAtb"
    + b"h\x01(K\x03U\x01|NU\x01a\x85}U\x01acnumpy\ndtype\nU\x02O8\x89\x88\x87RK\x00\x86s"
    + b"K\x08K\x01K\x3ftb0.",
    "dtype built twice": drawings_of(
        ARRAY + b"(K\x01K\x01K\x03\x86" + SHORTS[:-1] + b"b" + SHORTS[19:-1] + b"b\x89C\x06aaaaaatb"
    ),
    "array built twice": drawings_of(ROWS + b"(K\x01K\x01\x85" + OBJECTS + b"\x89C\x08AAAAAAAAtb"),
    "objects over bytes": drawings_of(
        ARRAY + b"(K\x01K\x02K\x03\x86" + OBJECTS + b"\x89C\x30" + b"A" * 48 + b"tb"
    ),
    "objects in drawings": drawings_of(ARRAY + b"(K\x01K\x01\x85" + OBJECTS + b"\x89]ntb"),
    "structured": drawings_of(
        ARRAY + b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02V8\x89\x88\x87R\x89C\x08AAAAAAAAtb"
    ),
    "texts": drawings_of(
        ARRAY + b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02U2\x89\x88\x87R\x89C\x08AAAAAAAAtb"
    ),
    "scalar": drawings_of(b"cnumpy.core.multiarray\nscalar\n" + SHORTS + b"C\x02aa\x86R"),
    # Other ways to call.
    "global": b"\x80\x02cos\nsystem\nU\x05false\x85R.",
    "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x05false\x85R.",
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93\x8c\x01x\x85R.",
    "instance": b"(U\x05falseios\nsystem\n.",
    "object": b"(cos\nsystem\nU\x05falseo.",
    "new object": b"\x80\x02cnumpy\nndarray\nK\x01\x85\x81.",
    "new object by names": b"\x80\x04cnumpy\nndarray\n)}\x92.",
    "extension": b"\x80\x02\x82\x01)R.",
    "persistent": b"\x80\x02U\x01xQ.",
    "next buffer": b"\x80\x05\x97.",
    "reconstruct another": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\ndtype\nK\x00\x85C\x01b\x87R.",
    "call a number": b"\x80\x02K\x01K\x02\x85R.",
    "state of a list": b"\x80\x02](K\x01tb.",
    "set an item": b"\x80\x02}" + ROWS + b"K\x01K\x02s.",
    # Memory and time.
    "far memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b".",
    "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b".",
    "huge text": b"\x80\x02X\xff\xff\xff\xff.",
    "huge long": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "huge frame": b"\x80\x04\x95" + b"\xff" * 8 + b".",
    "deep tuple": b"\x80\x02" + DEEP + b".",
    "deep key": b"\x80\x02}" + DEEP + b"K\x01s.",
    "deep set": b"\x80\x04(" + DEEP + b"\x91.",
    "lists": b"\x80\x02" + b"]" * 3_000_000 + b".",
    "marks": b"\x80\x02" + b"(" * 3_000_000 + b".",
    "itself": b"\x80\x02" + ARRAY + b"(K\x01K\x01\x85" + OBJECTS + b"\x89]q\x00h\x00atb.",
    "shape": drawings_of(
        ARRAY + b"(K\x01" + _int(2**31 - 1) * 2 + b"\x86" + SHORTS + b"\x89C\x00tb"
    ),
    "negative": drawings_of(ARRAY + b"(K\x01" + _int(-1) + b"K\x03\x86" + SHORTS + b"\x89C\x00tb"),
    "nothing": b"",
    "no stop": b"\x80\x02N",
    "two results": b"\x80\x02NN.",
    "pop of nothing": b"\x80\x02\x87.",
    "get of nothing": b"\x80\x02h\x07.",
    "mark of nothing": b"\x80\x02t.",
    "no line": b"\x80\x02cnumpy",
}


@pytest.mark.parametrize("what", PICKLES)
def test_pickles(tmp_path, what):
    """None may crash, call, or take memory; what they say is data or an error."""
    path = npz(tmp_path / "a.npz", PICKLES[what])
    script = f"[sketchrnn.read({os.fspath(path)!r}) for _ in range(2)]"
    assert os.fspath(path) in refused(alone(path, limit=200, reader=script))


@pytest.mark.parametrize("function", [os.mkdir, np.fromfile, np.load, eval, getattr, print])
def test_calls_of_other_functions(tmp_path, function):
    array = np.empty(1, object)
    array[0] = Call(function, os.fspath(tmp_path / "touched"))
    for protocol in (2, 4):
        path = npz(tmp_path / "a.npz", pickle.dumps(array, protocol))
        with pytest.raises(FormatError, match=r"a\.npz: train: .*refused"):
            sketchrnn.read(path)
    assert not (tmp_path / "touched").exists()


def test_an_extension_that_the_program_knows(tmp_path):
    import copyreg

    copyreg.add_extension("posix", "mkdir", 240)
    try:
        name = os.fspath(tmp_path / "touched").encode()
        data = b"\x80\x02\x82\xf0U" + bytes([len(name)]) + name + b"\x85R."
        pickle.loads(data)  # the test of the test, which fills Python's cache of extensions too
        (tmp_path / "touched").rmdir()
        with pytest.raises(FormatError, match="refused"):
            sketchrnn.read(npz(tmp_path / "a.npz", data))
        assert not (tmp_path / "touched").exists()
    finally:
        copyreg.remove_extension("posix", "mkdir", 240)


def test_memory_of_npz(tmp_path):
    """A file of a megabyte asks for gigabytes, in each way that there is."""
    rows = ARRAY + b"(K\x01" + _int(10_000_000) + b"K\x03\x86" + SHORTS + b"\x89B"
    many = drawings_of(rows + struct.pack("<I", 60_000_000) + bytes(60_000_000) + b"tb")
    for data in (many, many * 5, b"\x80\x02" + b")\x94" * 30_000_000, b"\x80\x02" + b"N" * 10**8):
        path = npz(tmp_path / "a.npz", data, zipfile.ZIP_DEFLATED)
        assert path.stat().st_size < 1.2e6
        refused(alone(path))
    # One drawing named often is as many drawings.
    head = b"\x80\x02" + ARRAY + b"(K\x01" + _int(100_001) + b"\x85" + OBJECTS + b"\x89]"
    shared = ROWS + b"q\x00a" + (b"(" + b"h\x00" * 1000 + b"e") * 100
    said = alone(npz(tmp_path / "a.npz", head + shared + b"tb."), limit=400, seconds=300)
    assert said.startswith("read <Sketches: 100001")


def lying(path, data, sizes, method=zipfile.ZIP_DEFLATED):
    """An archive whose lists say another (compressed, unpacked) size than there is."""
    npz(path, data, method)
    packed = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
        start = packed.index(signature) + at
        packed[start : start + 8] = struct.pack("<II", *sizes)
    path.write_bytes(packed)
    return path


def test_archives_that_lie(tmp_path):
    path = tmp_path / "a.npz"
    data = b"\x80\x02" + b"N" * 10**8
    for sizes in ((100, 10), (1 << 30, 1 << 30), (0xFFFFFFFF, 0xFFFFFFFF), (100_000, 1 << 29)):
        refused(alone(lying(path, data, sizes), limit=200))
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):  # which Python unpacks without a bound
        npz(path, data, method)
        assert "method" in refused(alone(path, limit=200))
        refused(alone(lying(path, data, (path.stat().st_size, 10), method), limit=200))


def test_archives_that_are_locked_or_misnamed(tmp_path):
    path = npz(tmp_path / "a.npz", drawings_of(ROWS))
    whole = path.read_bytes()
    assert len(sketchrnn.read(path)) == 1
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked = bytearray(whole)
        for mark, place in ((signature, at), (b"PK\x01\x02", 8)):
            locked[locked.index(mark) + place] |= 1
        path.write_bytes(locked)
        with pytest.raises(FormatError, match=r"a\.npz: train: .*encrypted"):
            sketchrnn.read(path)
    named = bytearray(whole.replace(b"train.npy", b"tr\xff\xfen.npy"))
    for mark, place in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        named[named.index(mark) + place] |= 8  # the name is UTF-8, says the flag
    path.write_bytes(named)
    with pytest.raises(FormatError, match=r"a\.npz: not a whole \.npz file"):
        sketchrnn.read(path)
    # In the member's own header alone, where it is read later.
    at = named.rindex(b"tr\xff\xfen.npy")
    named[at : at + 9] = b"train.npy"
    path.write_bytes(named)
    with pytest.raises(FormatError, match=r"a\.npz: train"):
        sketchrnn.read(path)


HEADERS = {
    "numbers": b"{'descr': '<i2', 'fortran_order': False, 'shape': (1,), }",
    "dimensions": b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }",
    "code": b"{'descr': __import__('os').system('false')}",
    "deep": b"(" * 9000,
    "minus": b"-" * 9000,
    "subarrays": b"{'descr': ('|O', (99999999, 99999999)), 'fortran_order': False, 'shape': (), }",
}


@pytest.mark.parametrize("what", HEADERS)
def test_headers_of_arrays(tmp_path, what):
    text = HEADERS[what] + b"\n"
    for version, size in ((b"\x01\x00", "<H"), (b"\x02\x00", "<I"), (b"\x09\x00", "<H")):
        npy = b"\x93NUMPY" + version + struct.pack(size, len(text)) + text + drawings_of(ROWS)
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as bundle:
            bundle.writestr("train.npy", npy)
        assert "a.npz: train" in refused(alone(tmp_path / "a.npz", limit=100))


# Lines, documents, compressed or not.


def test_memory_of_lines(tmp_path):
    path = tmp_path / "a.ndjson.gz"
    blank, zeros, numbers = b" " * 10**8, b"0" * 10**8, b'{"drawing":[[[' + b"0," * 10**8
    for data in (blank, zeros, numbers, b"\n" * 10**8, b"[" * 10**8):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        path.write_bytes(packer.compress(data) + packer.flush())
        assert path.stat().st_size < 1e6
        assert os.fspath(path) in refused(alone(path, limit=300))
    drawing = b'{"drawing":[[[1,2],[3,4]]]}\n'
    # Many members, of nothing and of one drawing each: read as what they are.
    path.write_bytes(gzip.compress(b"") * 20_000 + gzip.compress(drawing) * 500)
    assert len(sketchrnn.read(path)) == 500


def test_limits_can_be_raised(tmp_path, monkeypatch):
    path = tmp_path / "a.ndjson"
    path.write_text('{"drawing":[[[' + "0, " * 4_000_000 + "0],[0]]]}")
    with pytest.raises(FormatError, match=r"line 1: more than 8388608 bytes.*SKETCHRNN_LIMITS"):
        sketchrnn.read(path)
    xy = ",".join(["0"] * 1_000_002)
    path.write_text(f'{{"drawing":[[[{xy}],[{xy}]]]}}')
    with pytest.raises(FormatError, match="more than 1000000 points"):
        sketchrnn.read(path)
    monkeypatch.setenv("SKETCHRNN_LIMITS", "2")
    assert len(sketchrnn.read(path)[0]) == 1_000_002
    for bad in ("0", "-1", "nan", "many", "inf"):
        monkeypatch.setenv("SKETCHRNN_LIMITS", bad)
        with pytest.raises(ValueError, match="SKETCHRNN_LIMITS"):
            sketchrnn.read(path)


NUMBERS = ["1" * 5000, "-" + "9" * 400, "1e999", "NaN", "-Infinity", "1.1e18", "1e200", "[]", "{}"]


@pytest.mark.parametrize("number", [*NUMBERS, "null", '"x"', "[" * 5000], ids=lambda n: n[:8])
def test_numbers_that_are_none(tmp_path, number):
    for suffix, text in {
        ".ndjson": f'{{"drawing":[[[0,{number}],[0,1]]]}}\n',
        ".json": f'{{"drawings":[[[{number},1,1,0,0]]]}}',
    }.items():
        path = tmp_path / f"a{suffix}"
        path.write_text(text)
        with pytest.raises(FormatError, match=re.escape(os.fspath(path))):
            sketchrnn.read(path)


def test_texts_for_numbers(tmp_path):
    """NumPy makes an array of texts as wide as the longest."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps([[["x" * 100_000, *[""] * 4], *[[""] * 5] * 20_000]]))
    refused(alone(path, limit=200))
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps({"drawing": [[["x" * 100_000, *[""] * 99], [""] * 100]] * 100}))
    refused(alone(path, limit=200))


def test_time_of_npz(tmp_path, monkeypatch):
    """A byte or two can be one more drawing, and the archive packs them to nothing: a thousand of
    them are read together, not one after another, which took minutes for 8 KB."""
    head = b"\x80\x02" + ARRAY + b"(K\x01" + _int(10_001) + b"\x85" + OBJECTS + b"\x89]"
    data = head + ROWS + b"q\x00a" + b"h\x00a" * 10_000 + b"tb."
    monkeypatch.setattr(npz_format, "Sketch", None)
    read = sketchrnn.read(npz(tmp_path / "a.npz", data, zipfile.ZIP_DEFLATED))
    assert read == sketchrnn.Sketches.of([[[1, 2, 1]]] * 10_001)


def test_what_is_before_a_bad_drawing(tmp_path):
    for bad in ([[1, 2, 3]], [[np.nan, 0, 1]], [[1, 2]]):
        drawings = np.empty(4, object)
        drawings[:] = [np.array(rows) for rows in ([[1, 2, 1]], [[3, 4.5, 0]], bad, [[1, 2, 1]])]
        read = sketchrnn.scan(npz(tmp_path / "a.npz", pickle.dumps(drawings, 4)))
        assert next(read).strokes.tolist() == [[1, 2, 0, 1, 0], [0, 0, 0, 0, 1]]
        assert next(read).strokes.tolist() == [[3, 4.5, 1, 0, 0], [0, 0, 0, 0, 1]]
        with pytest.raises(FormatError, match=r"a\.npz: train\[2\]: "):
            next(read)


# Parquet: numbers that are alike take ten bytes, however many.


def of_zeros(drawings, rows, **more):
    """A table of drawings that have so many rows together."""
    pa = pytest.importorskip("pyarrow")
    zeros = [pa.array(np.zeros(rows, kind)) for kind in (np.float32, np.float32, np.uint8)]
    struct = pa.StructArray.from_arrays(zeros, ["dx", "dy", "pen"])
    offsets = np.linspace(0, rows, drawings + 1).astype(np.int32)
    return pa.table({"strokes": pa.ListArray.from_arrays(pa.array(offsets), struct), **more})


@pytest.mark.parametrize("drawings", [1, 5000])
def test_memory_of_parquet(tmp_path, drawings):
    table = of_zeros(drawings, 20_000_000)  # a gigabyte
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 50_000
    assert "the limit 'expansion'" in refused(alone(path, limit=200))
    # Arrow takes a column that says it has no bytes for an old program's, and reads on.
    data = path.read_bytes()
    said = parquet.ParquetFile(path).metadata.row_group(0).column(0).total_compressed_size * 2
    number = b"\x16" + bytes([said & 127 | 128, said >> 7])
    assert data.count(number) >= 1
    path.write_bytes(data.replace(number, b"\x16\x80\x00"))
    assert "not a whole Parquet file: pages are missing" in refused(alone(path, limit=200))


def test_names_of_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    table = of_zeros(4000, 4000, object=["a" * 100_000] * 4000)
    parquet.write_table(table, path, compression="zstd", store_schema=False)
    assert "4000 " in alone(path, limit=200)
    # Text that begins as the one before it does, in an encoding for such.
    table = of_zeros(4000, 4000, object=[f"{'a' * 100_000}{i:05}" for i in range(4000)])
    encoding = {"use_dictionary": False, "column_encoding": {"object": "DELTA_BYTE_ARRAY"}}
    parquet.write_table(table, path, compression="zstd", **encoding)
    assert "the limit 'expansion'" in refused(alone(path, limit=200))


# What leads out of float32.


def svg_of(body, head=""):
    return f'{head}<svg xmlns="http://www.w3.org/2000/svg">{body}</svg>'


FAR = {
    "path": '<path d="M0 0L1e200 5"/>',
    "relative": '<path d="M0 0' + "l9e17 0" * 9 + '"/>',
    "scale": '<g transform="scale(1e300)"><path d="M0 0L1 1"/></g>',
    "scales": "<g transform='scale(1e9)'>" * 40 + '<path d="M0 0L1 1"/>' + "</g>" * 40,
    "circle": '<circle r="1e300" cx="1e300"/>',
    "curve": '<path d="M0 0C1e200 1e200 -1e200 1e200 5 5"/>',
    "arc": '<path d="M0 0A1e300 1e-300 0 0 1 1e40 1"/>',
    "polyline": '<polyline points="0,0 1e39,1 3,4"/>',
    "not a number": '<rect x="nan" width="1" height="1"/>',
    "infinite": '<rect x="0" width="inf" height="1"/>',
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", FAR)
def test_svg_that_leads_too_far(tmp_path, what):
    pytest.importorskip("svgpathtools")
    (tmp_path / "a.svg").write_text(svg_of(FAR[what]))
    with pytest.raises(FormatError, match=r"a\.svg"):
        sketchrnn.read(tmp_path / "a.svg")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_writer_lets_other_than_numbers_through(tmp_path):
    far = np.array([[3e38, 0, 1, 0, 0]] * 3, np.float32)
    for strokes in (
        np.array([[np.inf, 0, 1, 0, 0], [1, 1, 1, 0, 0]], np.float32),
        np.array([[1, np.nan, 1, 0, 0], [1, 1, 1, 0, 0]], np.float32),
        np.array([[1, 1, 1, 0, 0], [np.nan, 0, 0, 0, 1]], np.float32),
        far,
        np.array([[2e18, 0, 1, 0, 0], [1, 1, 1, 0, 0]], np.float32),
    ):
        drawing = Sketch._from_core(strokes, None)
        for suffix, entry in sketchrnn.formats.FORMATS.items():
            if entry.writes:
                with pytest.raises(ValueError, match=r"drawing 0: row .* must be finite"):
                    drawing.save(tmp_path / f"a{suffix}")
        with pytest.raises(ValueError, match="must be finite"):
            drawing._repr_svg_()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="positions must be finite"):
        sketchrnn.lines_to_stroke5([[[0, 0], [1e30, 0]]])


def test_no_reader_lets_other_than_numbers_through(tmp_path):
    for rows in ([[1e30, 1, 1]], [[9e17, 0, 0]] * 3, [[np.inf, 0, 1]], [[np.nan, 0, 1]]):
        array = np.empty(1, object)
        array[0] = np.array(rows, np.float64)
        path = npz(tmp_path / "a.npz", pickle.dumps(array, 4))
        with pytest.raises(FormatError, match=r"a\.npz"):
            sketchrnn.read(path)
    (tmp_path / "a.json").write_text("[[[9e17, 0, 0], [9e17, 0, 1]]]")
    with pytest.raises(FormatError, match=r"a\.json: drawing 0: row 1"):
        sketchrnn.read(tmp_path / "a.json")


def test_distributions_that_reach_too_far(tmp_path):
    """A net may predict any spread; its picture holds numbers or is none."""
    arrays = small_net().arrays()
    for value in (60.0, 200.0, 800.0, 3e38):
        arrays["bo"][3 + 3 * 5 :] = value
        net = sketchrnn.from_arrays(arrays, scale_factor=1e3, max_len=9)
        with np.errstate(over="ignore", invalid="ignore"):
            predicted = net.predict()
        outcome = ""
        with np.errstate(all="ignore"):
            try:
                predicted.save(tmp_path / "a.svg")
            except ValueError as error:
                outcome = str(error)
        if np.isfinite(predicted.sigma_x).all() and value < 100:
            assert outcome == ""
        if value > 500:
            assert "too far" in outcome
        assert not re.search("nan|inf", (tmp_path / "a.svg").read_text())


# XML.

ENTITY = "<!DOCTYPE svg [<!ENTITY {0} '{1}'>]>"
XML = {
    "entities": svg_of(
        '<path d="&a;"/>' * 100,
        "<!DOCTYPE svg [<!ENTITY a 'M0 0{}'>]>".format("L1 1" * 45_000),
    ),
    "nested entities": svg_of(
        '<path d="M0 0&e;"/>',
        "<!DOCTYPE svg [<!ENTITY a '{}'>".format("L1 1" * 1000)
        + "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcd", "bcde", strict=True))
        + "]>",
    ),
    "defaults": svg_of(
        "<path/>" * 1000,
        "<!DOCTYPE svg [<!ATTLIST path d CDATA 'M0 0{}'>]>".format("L1 1" * 20_000),
    ),
    "digits": svg_of(f'<polyline points="{"1" * 20_000}"/>'),
    "digits closed": svg_of(f'<polygon points="{"1" * 20_000}.,{"." * 20_000}"/>'),
    "deep": svg_of("<g>" * 100_000 + '<path d="M0 0L1 1"/>' + "</g>" * 100_000),
    "style sheet without a rule": svg_of(f"<style>{'a' * 500_000}</style>"),
    "addresses": f'<s:svg xmlns:s="{"a" * 9000}">{"<s:g/>" * 10_000}</s:svg>',
    "external": svg_of("<desc>&a;</desc>", "<!DOCTYPE svg [<!ENTITY a SYSTEM '/etc/passwd'>]>"),
    "itself": svg_of("&a;", "<!DOCTYPE svg [<!ENTITY a '&a;'>]>"),
}


@pytest.mark.parametrize("what", XML)
def test_xml(tmp_path, what):
    pytest.importorskip("svgpathtools")
    (tmp_path / "a.svg").write_text(XML[what])
    assert len(XML[what]) < 1e6
    # Generous: what is left to do is little, and was 14 seconds to for ever.
    said = alone(tmp_path / "a.svg", limit=300, seconds=60)
    read = what.startswith(("digits", "style"))
    assert said.startswith("read <Sketches: 1 ") == read, said[:200]


def test_illustrators_entities(tmp_path):
    """Names of namespaces, which its files have; and polygons as svgpathtools reads them."""
    pytest.importorskip("svgpathtools")
    head = '<!DOCTYPE svg [<!ENTITY ns_svg "http://www.w3.org/2000/svg">]>'
    body = '<polygon points="0,0 10-5 .5.25,7e0"/><polyline points="1 2, 3 4"/>'
    (tmp_path / "a.svg").write_text(f'{head}<svg xmlns="&ns_svg;">{body}</svg>')
    first, second = sketchrnn.read(tmp_path / "a.svg")[0].lines()
    assert first.tolist() == [[0, 0], [10, -5], [0.5, 0.25], [0, 0]]
    assert second.tolist() == [[1, 2], [3, 4]]


def test_many_short_elements(tmp_path):
    """The address of a namespace, which each element's name has in memory, is no text of the file's
    making."""
    pytest.importorskip("svgpathtools")
    lines = '<path d="M0 0L1 1"/>' * 10_000
    (tmp_path / "a.svg").write_text(svg_of(lines))
    assert len(sketchrnn.read(tmp_path / "a.svg")[0].lines()) == 10_000


def test_style_sheets_with_rules_in_rules(tmp_path):
    pytest.importorskip("svgpathtools")
    sheet = "@media print{.a , #b{fill:red;display:none}}.c{display:none}.d{display:none"
    body = "".join(f'<path class="{c}" id="{c}" d="M0 0L1 1"/>' for c in "abcd")
    (tmp_path / "a.svg").write_text(svg_of(f"<style>{sheet}</style>{body}"))
    with pytest.warns(sketchrnn.PictureWarning, match="3 hidden shapes"):
        assert len(sketchrnn.read(tmp_path / "a.svg")[0].lines()) == 1


# What is no file.


@pytest.mark.parametrize("suffix", [".svg", ".json", ".ndjson", ".bin", ".npz", ".ndjson.gz"])
def test_pipes_and_devices_are_not_opened(tmp_path, suffix):
    for make in (os.mkfifo, lambda p: os.symlink("/dev/zero", p), lambda p: os.symlink(".", p)):
        path = tmp_path / f"a{suffix}"
        make(path)
        assert "not a regular file" in refused(alone(path, limit=100, seconds=60))
        path.unlink()


def test_what_the_caller_has_open_is_read(tmp_path):
    """/dev/stdin and a shell's <(…) are the caller's own."""
    drawn = sketchrnn.load("pig").draw(3, seed=1)
    script = "import sketchrnn, sys; print(len(sketchrnn.read(sys.argv[1], format=sys.argv[2])))"
    for suffix in (".ndjson", ".ndjson.gz", ".json", ".bin"):
        drawn.save(tmp_path / f"a{suffix}")
        command = [sys.executable, "-c", script, "/dev/stdin", suffix]
        data = (tmp_path / f"a{suffix}").read_bytes()
        done = subprocess.run(command, input=data, capture_output=True, timeout=60)
        assert done.stdout == b"3\n", done.stderr


# Any bytes at all.


@pytest.mark.parametrize("suffix", [".svg", ".json", ".ndjson", ".bin", ".npz", ".ndjson.gz"])
@pytest.mark.filterwarnings("ignore")
def test_changed_bytes(tmp_path, suffix):
    """A genuine file with some bytes other: drawings, or FormatError and nothing else."""
    if suffix == ".svg":
        pytest.importorskip("svgpathtools")
    drawn = sketchrnn.load("pig").draw(2, seed=1, max_len=20)
    path = tmp_path / f"a{suffix}"
    drawn.save(path)
    whole = path.read_bytes()
    rng = random.Random(5)
    outcomes = set()
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data) + 1)
            data[at : at + rng.choice((0, 1, 1, 1, 5))] = rng.choice(
                (b"", bytes([rng.randrange(256)]), b"9" * 30, b"\xff" * 4, b"\0" * 4, b"e308")
            )
        path.write_bytes(data)
        try:
            for sketch in sketchrnn.scan(path):
                assert np.isfinite(sketch.strokes).all()
            outcomes.add("read")
        except FormatError:
            outcomes.add("refused")
    assert "refused" in outcomes


# Weights.


def gen_with(**info):
    document = json.loads(broken.gen())
    document[0].update(info)
    return document


DEEP_LIST = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d[1].__setitem__(0, [10**4000, 10**4000]),
        lambda d: d[0].update(sketchrnn={"start_token": [10**400, 0, 0, 0, 0], "metadata": {}}),
        lambda d: d[0].update(name=json.loads(DEEP_LIST)),
        lambda d: d[0].update(mode=json.loads(DEEP_LIST)),
        lambda d: d[0].update(scale_factor=10**4000),
        lambda d: d[0].update(max_seq_len=json.loads(DEEP_LIST)),
    ],
)
def test_gen_json(tmp_path, edit):
    document = json.loads(broken.gen())
    edit(document)
    path = tmp_path / "a.gen.json"
    path.write_text(json.dumps(document))

    def from_deep(depth):  # where the stack is nearly full already
        return from_deep(depth - 1) if depth else sketchrnn.load(path)

    with pytest.raises(WeightsError, match=r"a\.gen\.json"):
        sketchrnn.load(path)


def test_gen_json_with_other_facts(tmp_path):
    """What is only kept may be anything; it is kept if it can be."""
    path = tmp_path / "a.gen.json"
    for fact in (DEEP_LIST, "NaN", "1e999", '"x"', "{}", "7"):
        document = json.loads(broken.gen())
        text = json.dumps(document).replace('"mode"', f'"r_loss": {fact}, "mode"', 1)
        path.write_text(text)
        net = sketchrnn.load(path)
        net.save(tmp_path / "b.safetensors")
        assert sketchrnn.load(tmp_path / "b.safetensors").info()["hidden_size"] == 2


@pytest.mark.parametrize("precision", ["f32", "i16", "i8"])
def test_containers_with_deep_headers(tmp_path, precision):
    deep = b"[" * 100_000
    path = tmp_path / "a.safetensors"
    for header in (deep, b'{"embed": ' + deep, b'{"__metadata__": ' + deep):
        path.write_bytes(broken.join(header, b""))
        with pytest.raises(WeightsError, match=r"a\.safetensors"):
            sketchrnn.load(path, precision=precision)
    path.write_bytes(broken.with_metadata(training=DEEP_LIST * 100))
    assert sketchrnn.load(path).info()["training"] is not None
    path.write_bytes(broken.with_metadata(training="[" * 100_000))
    assert sketchrnn.load(path).info()["training"] == "[" * 100_000


def test_many_objects_with_numbers_beyond(tmp_path):
    path = tmp_path / "a.safetensors"
    good = json.loads(broken.split(broken.good_container())[0])
    for key, value in {
        "start_token": f"[{10**400}, 0, 0, 0, 0]",
        "max_len": "1e999",
        "scale_factor": "x",
        "objects": "[" * 100_000,
    }.items():
        header = json.loads(json.dumps(good))
        header["embed"] = {}
        header["__metadata__"] |= {"objects": '["a"]', key: value}
        path.write_bytes(broken.join(header, broken.split(broken.good_container())[1]))
        with pytest.raises(WeightsError, match=r"a\.safetensors"):
            sketchrnn.load(path)


# Names.


def test_names_do_nothing(tmp_path):
    """In pictures they are well-formed XML, on a terminal no commands."""
    import xml.etree.ElementTree as ET

    evil = "\x1b]0;mine\x07<b>\x00\u202e\ud800\uffff&\r\n'"
    sketch = Sketch([[3, 4, 1]], evil)
    sketch.save(tmp_path / "a.svg", captions=[evil], color=f"#000{evil}", background=evil)
    root = ET.parse(tmp_path / "a.svg").getroot()
    title = root.find("{http://www.w3.org/2000/svg}title").text
    assert title == "\ufffd]0;mine\ufffd<b>\ufffd\ufffd\ufffd\ufffd&  '"
    assert repr(sketch).isprintable()
    assert repr(sketchrnn.Sketches.of([sketch], evil)).isprintable()
    if pytest.importorskip("fpdf"):
        sketch.save(tmp_path / "a.pdf", captions=[evil])
    for suffix in (".json", ".ndjson"):
        sketch.save(tmp_path / f"a{suffix}")
        assert sketchrnn.read(tmp_path / f"a{suffix}").name == evil
    net = sketchrnn.from_arrays(
        small_net().arrays(), scale_factor=1.0, max_len=9, name=evil.replace("\ud800", "")
    )
    assert repr(net).isprintable()
    net.export(tmp_path / "b.svg")
    assert "\ufffd]0;mine" in ET.parse(tmp_path / "b.svg").getroot()[0].text
