"""The pad's site: what is in it, how it is served and written. Browsers: tests/interop/browser."""

import http.client
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sketchrnn
from sketchrnn import pad
from sketchrnn.nets.safetensors import is_quantised

MOST = 6_000_000  # bytes that opening the page may take


@pytest.fixture(scope="module")
def net():
    return sketchrnn.load("everything", precision="i8")


@pytest.fixture(scope="module")
def files(net):
    return pad.site(net)


def test_the_site_is_whole_and_small(files):
    assert sum(map(len, files.values())) <= MOST
    assert {"index.html", "pad/index.html", "pad/sw.js", "index.js", "index.d.ts"} <= set(files)
    for name in ("sketchrnn.wasm", "sketchrnn_relaxed.wasm"):
        assert files[name].startswith(b"\0asm")
    assert is_quantised(files["pad/nets/net.safetensors"])


def test_what_works_offline_is_there(files):
    text = files["pad/sw.js"].decode()
    listed = json.loads(
        "[" + text.split("const FILES = [")[1].split("]")[0].strip().rstrip(",") + "]"
    )
    paths = {Path("pad", name).as_posix() for name in listed if name != "./"}
    paths = {p.replace("pad/../", "") for p in paths}
    assert paths <= set(files)
    served = {name for name in files if name.endswith((".js", ".css", ".wasm", ".safetensors"))}
    assert served - {"pad/sw.js"} <= paths


def test_version_of_the_package(files):
    assert json.loads(files["package.json"])["version"] == sketchrnn.__version__


def test_the_server_gives_its_files_alone(net, files):
    with pad.server(net) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert server.server_address[0] == "127.0.0.1"
        client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)

        def get(path):
            client.request("GET", path)
            answer = client.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()

        assert get("/pad/") == (200, "text/html; charset=utf-8", files["pad/index.html"])
        assert get("/sketchrnn.wasm") == (200, "application/wasm", files["sketchrnn.wasm"])
        assert get("/")[2] == files["index.html"]
        for path in ("/../pyproject.toml", "/pad/../../etc/passwd", "/etc/passwd", "/pad"):
            assert get(path)[0] == 404
        server.shutdown()


def test_export(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sketchrnn", "pad", "--export", str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "MB" in done.stderr
    assert (tmp_path / "site/pad/index.html").is_file()
    exported = sketchrnn.load(tmp_path / "site/pad/nets/net.safetensors", precision="i8")
    ours = sketchrnn.load("everything", precision="i8")
    assert (
        exported.draw(seed=1, object="cat").strokes == ours.draw(seed=1, object="cat").strokes
    ).all()


def test_in_a_notebook_both_sides_know_the_drawing():
    """What the browser does with it: tests/interop/browser/notebook.mjs."""
    net = sketchrnn.load("cat")
    widget = net.pad(seed=5, temperature=0.4)
    assert (widget.net, widget.seed, widget.temperature, widget.object) == (net, 5, 0.4, "")
    assert len(widget.sketch) == 0
    assert is_quantised(widget._net)
    drawn = net.draw(seed=1)
    widget.sketch = drawn
    assert (widget.sketch.strokes[:-1] == drawn.strokes[:-2]).all()
    assert widget.sketch.strokes[-1, 2:].tolist() == [0, 1, 0]  # not ended: it goes on
    assert widget.get_state(["_rows"])["_rows"] == widget.sketch.strokes.tobytes()
    widget.set_state({"_rows": memoryview(drawn.strokes[:3].tobytes())})  # as a message has it
    assert (widget.sketch.strokes == drawn.strokes[:3]).all()
    with pytest.raises(ValueError, match="strokes: row 0: pen states"):
        widget.sketch = [[1, 2, 0, 0, 0]]
    with pytest.raises(ValueError, match="seed"):
        widget.seed = -1
    widget.net = sketchrnn.load("everything")
    assert widget.object == "cat"
    with pytest.raises(ValueError, match=r"object: 'pigg'.*near it: pig"):
        widget.object = "pigg"


def test_without_anywidget_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r"pip install 'sketchrnn\[notebook\]'"):
        sketchrnn.load("cat").pad()
