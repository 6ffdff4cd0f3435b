"""How files are written: whole or not at all, nobody's other files touched, devices as they are."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import child_process, small_net

import sketchrnn
from sketchrnn import Sketch

ROWS = np.array([[3, 4, 1, 0, 0], [5, -2, 0, 1, 0], [0, 0, 0, 0, 1]], np.float32)

try:
    from sketchrnn import writing
except ImportError:  # this file also runs against versions without it, where its tests fail
    writing = None


@pytest.fixture(params=["unnamed", "named", "no links"])
def way(request, monkeypatch):
    """Each way there is to keep a file out of sight until it is whole."""
    if writing is None:
        return
    if request.param == "named":
        monkeypatch.setattr(writing, "_UNNAMED", None)
    elif writing._UNNAMED is None:
        pytest.skip("this system has no files without a name")
    elif request.param == "no links":

        def refuse(*_, **__):
            raise PermissionError("no links here")

        monkeypatch.setattr(writing.os, "link", refuse)


def sketch_to(path):
    Sketch(ROWS, "corner").save(path, format=".json")


def onnx_to(path):
    pytest.importorskip("onnx")
    small_net().export(path, "onnx")


def torch_to(path):
    pytest.importorskip("torch")
    small_net().export(path, "torch")


WRITERS = {
    "drawing": ("a.json", sketch_to),
    "svg": ("a.svg", lambda path: Sketch(ROWS).save(path, format=".svg")),
    "npz": ("a.npz", lambda path: Sketch(ROWS).save(path, format=".npz")),
    "gz": ("a.ndjson.gz", lambda path: Sketch(ROWS).save(path)),
    "net": ("a.safetensors", lambda path: small_net().save(path)),
    "distribution": ("a.svg", lambda path: small_net().predict().save(path)),
    "diagram": ("a.svg", lambda path: small_net().export(path)),
    "embed": ("a.h", lambda path: small_net().export(path)),
    "object": ("a.o", lambda path: small_net().export(path)),
    "mxnet": ("a.json", lambda path: small_net().export(path, "mxnet")),
    "gen_json": ("a.gen.json", lambda path: small_net(mixtures=20).export(path)),
    "arrays": ("a.npz", lambda path: small_net().export(path)),
    "onnx": ("a.onnx", onnx_to),
    "torch": ("a.pt", torch_to),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_links_are_followed_and_devices_written_to(writer, tmp_path):
    name, write = WRITERS[writer]
    kept = tmp_path / "kept"
    kept.mkdir()
    link = tmp_path / name
    link.symlink_to(kept / name)
    write(os.fspath(link))  # dangling: what it points to is made
    assert link.is_symlink()
    assert (kept / name).stat().st_size > 0
    first = (kept / name).read_bytes()
    write(os.fspath(link))
    assert link.is_symlink()
    assert len((kept / name).read_bytes()) == len(first)
    # A device stays one, and so does a pipe; the reader gets the whole file.
    link.unlink()
    os.symlink("/dev/null", link)
    write(os.fspath(link))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert link.is_symlink()
    link.unlink()
    os.mkfifo(link)
    got = []
    reader = threading.Thread(target=lambda: got.append(link.read_bytes()), daemon=True)
    reader.start()
    write(os.fspath(link))
    reader.join(30)
    assert stat.S_ISFIFO(link.stat().st_mode)
    # Archives that cannot seek in a pipe have the sizes behind the data, and their own dates.
    assert got
    assert abs(len(got[0]) - len(first)) < 300
    beside = {"object": {"a.h"}, "mxnet": {"a.params"}}.get(writer, set())
    assert {p.name for p in tmp_path.iterdir()} == {"kept", name} | beside


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_stays_of_a_disk_that_is_full(writer, tmp_path):
    """A limit on the file size stands in for it: the old file stays, and nothing else."""
    name, _ = WRITERS[writer]
    (tmp_path / name).write_text("old")
    script = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_writing as t\n"
        "name, write = t.WRITERS[sys.argv[2]]\n"
        "t.pytest.importorskip = lambda name: __import__(name)\n"
        "t.small_net(); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "try: write(sys.argv[3])\n"
        "except ImportError: print('missing')\n"
        "except (OSError, RuntimeError) as e: print('failed')\n"
    )
    here = os.path.dirname(__file__)
    command = [sys.executable, "-B", "-c", script, here, writer, os.fspath(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout in ("failed\n", "missing\n"), done.stderr
    assert (tmp_path / name).read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_files_of_others_are_left_alone(tmp_path, way):
    """Names that temporaries once had belong to the user."""
    (tmp_path / "victim").write_text("precious")
    for name in ("a.json.part", "a.json.draft"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    sketch_to(tmp_path / "a.json")
    assert (tmp_path / "victim").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.json",
        "a.json.draft",
        "a.json.part",
        "victim",
    ]
    assert sketchrnn.read(tmp_path / "a.json")[0] == Sketch(ROWS)


def test_modes_stay(tmp_path, way):
    path = tmp_path / "a.json"
    old = os.umask(0o027)
    try:
        sketch_to(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        sketch_to(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o664)
        sketch_to(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o664
    finally:
        os.umask(old)


def test_a_folder_or_a_loop_is_an_error(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(IsADirectoryError):
        sketch_to(tmp_path / "a.json")
    (tmp_path / "b.json").symlink_to(tmp_path / "c.json")
    (tmp_path / "c.json").symlink_to(tmp_path / "b.json")
    with pytest.raises(OSError, match="symbolic links"):
        sketch_to(tmp_path / "b.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b.json", "c.json"]
    assert (tmp_path / "b.json").is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_what_is_read_only_stays(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        sketch_to(path)
    assert path.read_text() == "old"


def test_two_that_write_one_file(tmp_path, way):
    """Each reader at any time finds a whole drawing of one of them."""
    path = tmp_path / "a.json"
    drawings = [Sketch(np.repeat(ROWS[:1], n, axis=0)) for n in (2000, 3000)]
    drawings[0].save(path)
    stop = threading.Event()
    failed = []

    def keep_writing(drawing):
        while not stop.is_set():
            try:
                drawing.save(path)
            except BaseException as error:
                failed.append(error)
                return

    threads = [threading.Thread(target=keep_writing, args=(d,)) for d in drawings]
    for thread in threads:
        thread.start()
    seen = set()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        seen.add(len(sketchrnn.read(path)[0]))
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert seen <= {2000, 3000}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing(tmp_path, named, number):
    """In the middle of a long picture: the old file stays, nothing lies beside it."""
    pytest.importorskip("PIL")
    (tmp_path / "a.ndjson").write_text("old")
    script = (
        "import sys, numpy as np, sketchrnn\n"
        "from sketchrnn.formats import ndjson\n"
        + ("from sketchrnn import writing; writing._UNNAMED = None\n" if named else "")
        + "plain = ndjson._numbers\n"
        "def numbers(line):\n"
        "    print('writing', flush=True)\n"
        "    return plain(line)\n"
        "ndjson._numbers = numbers\n"
        f"row = [{','.join(map(str, ROWS[1].tolist()))}]\n"
        "sketchrnn.Sketch(np.array([row] * 400_000, np.float32)).save(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", script, os.fspath(tmp_path / "a.ndjson")]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with child_process(command, seconds=60, **output) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(number)
        process.stdout.close()
        assert process.wait() not in (0, -signal.SIGKILL)
    assert (tmp_path / "a.ndjson").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.ndjson"]


def test_standard_output_by_any_name(tmp_path):
    """/dev/stdout is what the shell opened, be it a pipe or the end of a file."""
    script = (
        "import sketchrnn, sys; sketchrnn.Sketch([[3, 4, 1]]).save(sys.argv[1], format='.json')"
    )
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"):
        command = [sys.executable, "-c", script, name]
        piped = subprocess.run(command, capture_output=True, timeout=60)
        assert piped.stdout.startswith(b'{"name"'), piped.stderr
        with open(tmp_path / "log", "wb") as log:
            log.write(b"first\n")
        with open(tmp_path / "log", "ab") as log:
            subprocess.run(command, stdout=log, check=True, timeout=60)
        assert (tmp_path / "log").read_bytes() == b"first\n" + piped.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["log"]


def test_a_checkpoint_is_kept_as_every_file_is(tmp_path):
    torch = pytest.importorskip("torch")
    from test_train import drawings

    from sketchrnn.train import loop, model

    some = drawings(20)
    for data in (b"", b"PK\x03\x04", b"\x80\x02}q\x00.", b"not one at all"):
        (tmp_path / "a.ckpt").write_bytes(data)
        with pytest.raises(ValueError, match=r"a\.ckpt: not a checkpoint that can be read"):
            loop.Run(model.Net(8, 2), loop.Settings(), some, some, {}, 30.0, tmp_path / "a.ckpt")
    (tmp_path / "a.ckpt").unlink()
    (tmp_path / "a.ckpt").symlink_to(tmp_path / "real.ckpt")
    torch.manual_seed(1)
    run = loop.Run(model.Net(8, 2), loop.Settings(), some, some, {}, 30.0, tmp_path / "a.ckpt")
    run.save()
    assert (tmp_path / "a.ckpt").is_symlink()
    whole = (tmp_path / "real.ckpt").read_bytes()
    loop.Run(model.Net(8, 2), loop.Settings(), some, some, {}, 30.0, tmp_path / "a.ckpt")
    for cut in (1, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "real.ckpt").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="not a checkpoint that can be read"):
            loop.Run(model.Net(8, 2), loop.Settings(), some, some, {}, 30.0, tmp_path / "a.ckpt")
