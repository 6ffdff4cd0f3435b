"""Public nets by name, against a real HTTP server on this machine that misbehaves in every way."""

import http.server
import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import sketchrnn
from sketchrnn import DownloadError

pytest.importorskip("pooch")

# What requests leaves open when a transfer fails, the garbage collector closes, with a warning.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` (path -> bytes), each in the manner of ``manner``."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {}
        self.manner = "well"
        self.requests = 0

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of it


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        data = self.server.files.get(self.path)
        manner = self.server.manner
        if manner == "error page":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!doctype html><html><body>Please log in</body></html>")
        elif manner == "without end":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b" " * (1 << 20))
        elif manner == "broken":
            self.send_error(503)
        elif data is None:
            self.send_error(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if manner == "cut":
                data = data[: len(data) // 2]
            elif manner == "tampered":
                at = data.index(b'"', len(data) // 2) if b'"' in data[len(data) // 2 :] else 0
                data = data[: at - 100] + b"!" * 100 + data[at:]
            self.wfile.write(data)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SKETCHRNN_MIRROR", f"http://127.0.0.1:{server.server_address[1]}/mirror/")
    monkeypatch.setenv("SKETCHRNN_HOME", str(tmp_path / "home"))
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A file such as the public one of that name: its shape and facts, other weights."""
    folder = tmp_path_factory.mktemp("book")
    net = sketchrnn.load("book", trained=False, seed=3)
    assert net.hidden_size == 1024
    net.export(folder / "book.gen.json")
    return (folder / "book.gen.json").read_bytes()


LARGE = "/mirror/sketchRNN/large_models/{}.gen.json"
SMALL = "/mirror/sketchRNN/models/{}.gen.json"


def left_behind(tmp_path):
    return [p for p in (tmp_path / "home").rglob("*") if p.is_file() or p.name.startswith(".")]


def test_once_then_offline(server, book, tmp_path):
    server.files[LARGE.format("book")] = book
    before = {e.name: e.available for e in sketchrnn.catalog() if e.source == "official"}
    assert not any(before.values())
    net = sketchrnn.load("book")
    assert (net.name, net.hidden_size) == ("book", 1024)
    assert server.requests == 1
    (tmp_path / "same.gen.json").write_bytes(book)
    for key, array in sketchrnn.load(tmp_path / "same.gen.json").arrays().items():
        assert np.array_equal(array, net.arrays()[key])
    assert [p.name for p in left_behind(tmp_path)] == ["book.safetensors"]
    server.manner = "broken"
    assert sketchrnn.load("book", source="official").draw(seed=1) == net.draw(seed=1)
    assert server.requests == 1
    after = {e.name for e in sketchrnn.catalog() if e.source == "official" and e.available}
    assert after == {"book"}
    # A file that lost its end, by a crash or a hand, is fetched again.
    server.manner = "well"
    kept = tmp_path / "home/official/book.safetensors"
    kept.write_bytes(kept.read_bytes()[:-1])
    assert sketchrnn.load("book").draw(seed=1) == net.draw(seed=1)
    assert server.requests == 2


def test_offline_without_the_library(server, book, tmp_path):
    """What was downloaded needs neither network nor pooch; what was not says what to install."""
    server.files[LARGE.format("book")] = book
    sketchrnn.load("book")
    script = (
        "import sys; sys.modules['pooch'] = None; import sketchrnn\n"
        "print(sketchrnn.load('book').hidden_size)\n"
        "try: sketchrnn.load('couch')\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("1024\n"), done.stderr
    assert "pip install 'sketchrnn[download]'" in done.stdout


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        ("cut", "bytes|broken|IncompleteRead"),
        ("broken", "503"),
        ("error page", "not valid JSON"),
        ("tampered", "JSON|base64"),
    ],
)
def test_misbehaving_servers(server, book, tmp_path, manner, says):
    server.files[LARGE.format("book")] = book
    server.manner = manner
    with pytest.raises(DownloadError, match=f"book: http://127.*book.gen.json: .*({says})"):
        sketchrnn.load("book")
    assert left_behind(tmp_path) == []
    server.manner = "well"  # the same process recovers
    assert sketchrnn.load("book").hidden_size == 1024


def test_not_there_and_nobody_there(server, tmp_path, monkeypatch):
    with pytest.raises(DownloadError, match="404"):
        sketchrnn.load("couch")
    monkeypatch.setenv("SKETCHRNN_MIRROR", "http://127.0.0.1:9")  # discard: nothing listens
    with pytest.raises(DownloadError, match="refused"):
        sketchrnn.load("couch")
    assert left_behind(tmp_path) == []


def test_known_hashes_are_checked(server, book, tmp_path):
    facts = next(net for net in sketchrnn.catalog() if net.name == "rabbit")
    assert facts.hidden_size == 512
    net = sketchrnn.load("rabbit", trained=False)  # the right shape, the wrong bytes
    net.export(tmp_path / "rabbit.gen.json")
    server.files[LARGE.format("rabbit")] = (tmp_path / "rabbit.gen.json").read_bytes()
    with pytest.raises(DownloadError, match="hash"):
        sketchrnn.load("rabbit")
    assert left_behind(tmp_path) == []


def test_other_nets_under_a_name_are_refused(server, book, tmp_path):
    server.files[LARGE.format("couch")] = book  # its scale factor is another
    with pytest.raises(DownloadError, match="scale_factor: expected"):
        sketchrnn.load("couch")
    server.files[SMALL.format("book")] = book
    with pytest.raises(DownloadError, match="hidden units: expected 512, found 1024"):
        sketchrnn.load("book", source="official-small")
    document = json.loads(book)
    document[2] = document[2] * 4
    server.files[LARGE.format("book")] = json.dumps(document).encode()
    with pytest.raises(DownloadError, match=r"5 shapes and 5 blobs|encoder"):
        sketchrnn.load("book")
    assert left_behind(tmp_path) == []


def test_a_body_without_end(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SKETCHRNN_LIMITS", "0.1")
    server.manner = "without end"
    with pytest.raises(DownloadError, match=r"more than 6710886 bytes .*'download'"):
        sketchrnn.load("book")
    assert left_behind(tmp_path) == []


def test_a_net_with_another_name(server, tmp_path):
    """Right in all else: where no hash is known, a net says what it draws."""
    net = sketchrnn.load("book", trained=False, hidden_size=512)
    document = tmp_path / "a.gen.json"
    for name in ("monkey", "", "\x1b[2J"):
        sketchrnn.from_arrays(
            net.arrays(), scale_factor=net.scale_factor, max_len=net.max_len, name=name or "x"
        ).export(document)
        data = json.loads(document.read_text())
        data[0]["name"] = name
        server.files[SMALL.format("book")] = json.dumps(data).encode()
        with pytest.raises(DownloadError, match="name: expected 'book', found"):
            sketchrnn.load("book", source="official-small")
    assert left_behind(tmp_path) == []
    # Nor is one taken that came to lie there.
    data[0]["name"] = "book"
    server.files[SMALL.format("book")] = json.dumps(data).encode()
    sketchrnn.load("book", source="official-small")
    kept = tmp_path / "home/official-small/book.safetensors"
    other = sketchrnn.load("monkey", trained=False, hidden_size=512)
    other.save(kept)
    assert sketchrnn.load("book", source="official-small").name == "book"
    assert server.requests == 5
    kept.unlink()
    os.mkfifo(kept)
    assert sketchrnn.load("book", source="official-small").name == "book"
    assert kept.is_file()


def test_a_full_disk(server, book, tmp_path):
    """A limit on file size stands in for it: writing fails half-way either way."""
    server.files[LARGE.format("book")] = book
    for limit in (len(book) // 2, 50_000):

        def few_bytes(limit=limit):
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        script = (
            "import sketchrnn\ntry: sketchrnn.load('book')\nexcept OSError as e: print(repr(e))"
        )
        command = [sys.executable, "-B", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=few_bytes)
        assert done.stdout.startswith("DownloadError("), done.stderr
        assert "too large" in done.stdout  # EFBIG, in the system's words
        assert left_behind(tmp_path) == []


def test_a_folder_that_cannot_be_written(server, book, tmp_path, monkeypatch):
    server.files[LARGE.format("book")] = book
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SKETCHRNN_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(DownloadError, match="Not a directory"):
        sketchrnn.load("book")


def test_many_at_once(server, book, tmp_path):
    server.files[LARGE.format("book")] = book
    script = (
        "import sketchrnn; print(sketchrnn.load('book').draw(seed=1, max_len=30).strokes.sum())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in started}) == 1
    assert all(process.returncode == 0 for process in started)
    assert [p.name for p in left_behind(tmp_path)] == ["book.safetensors"]


def test_bundled_and_official_of_one_name(server, tmp_path):
    assert sketchrnn.load("pig").hidden_size == 512
    for name in ("alarm clock", "alarm_clock"):
        assert sketchrnn.load(name).name == "alarm clock"
    assert sketchrnn.load("cruise ship", trained=False).hidden_size == 1024
    assert sketchrnn.load("pig", source="bundled").hidden_size == 512
    assert server.requests == 0
    net = sketchrnn.load("rabbit", trained=False, hidden_size=512)
    net.export(tmp_path / "small.gen.json")
    server.files[SMALL.format("rabbit")] = (tmp_path / "small.gen.json").read_bytes()
    assert sketchrnn.load("rabbit", source="official-small").hidden_size == 512
    assert server.requests == 1
    with pytest.raises(ValueError, match="no net named 'rabbit'"):
        sketchrnn.load("rabbit", source="bundled")
    with pytest.raises(ValueError, match="source: expected one of bundled, official"):
        sketchrnn.load("pig", source="elsewhere")
    with pytest.raises(ValueError, match="source: is for names"):
        sketchrnn.load("some/pig.safetensors", source="official")
    with pytest.raises(ValueError, match="no net named"):
        sketchrnn.load("passwd\0", source="official")


def test_real_public_files(server, shared, tmp_path):
    """Those at hand come through the wire as what they are, some with a known hash."""
    for name in ("dog", "bear"):
        data = (Path(shared) / f"official/{name}.gen.json").read_bytes()
        server.files[LARGE.format(name)] = data
        net = sketchrnn.load(name, source="official")
        same = sketchrnn.load(Path(shared) / f"official/{name}.gen.json")
        assert net.draw(seed=2) == same.draw(seed=2)
        # A public file named wrongly is not that net.
        os.unlink(tmp_path / f"home/official/{name}.safetensors")
        server.files[LARGE.format(name)] = data[:-2] + b" ]"
        with pytest.raises(DownloadError, match="hash"):
            sketchrnn.load(name, source="official")
    for name in ("ant", "monkey", "sheep"):
        data = (Path(shared) / f"official/{name}.gen.json").read_bytes()
        server.files[SMALL.format(name)] = data
        assert sketchrnn.load(name, source="official-small").name == name
