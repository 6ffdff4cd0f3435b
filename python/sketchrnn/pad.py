"""The pad, a page that draws with the net in the browser: its files, served or written to a folder.

The page and the npm package it runs on come with this package (``web/`` in the sources). With a net
beside them they are a static site that needs no server of ours and asks nothing of any other.
"""

from __future__ import annotations

import os
import tempfile
import webbrowser
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from . import __path__ as _FOLDERS
from . import writing
from .nets.cache import quantised

if TYPE_CHECKING:
    from .net import Net

# An editable install has two folders: the source tree's, and the one that the build fills.
_HERE = Path(__file__).parent / "web"
_ROOT = next(filter(Path.is_dir, (Path(folder, "web") for folder in _FOLDERS)), _HERE)
NET = "pad/nets/net.safetensors"
"""The net's place in the site."""
HOTTEST = 1.2
"""The slider's end, as index.html has it."""
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}
_START = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Sketch-RNN pad</title>
<meta http-equiv="refresh" content="0; url=pad/"><a href="pad/">Sketch-RNN pad</a></html>
"""


def site(net: Net) -> dict[str, bytes]:
    """Return the site's files by their path. The net is quantised for the precision "i8", in which
    the page runs it, so that the browser need not calibrate it."""
    files = {
        path.relative_to(_ROOT).as_posix(): path.read_bytes()
        for path in sorted(_ROOT.rglob("*"))
        if path.is_file()
    }
    if "pad/index.html" not in files:
        raise FileNotFoundError(f"{_ROOT}: the pad is not in this installation")
    files["index.html"] = _START
    files[NET] = packed(net)
    return files


def packed(net: Net) -> bytes:
    """Return the net's file as the page opens it: calibrated, whatever its precision here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        net.save(path)
        return quantised(path.read_bytes(), net.name)


def export(net: Net, folder: str | os.PathLike[str]) -> int:
    """Write the site into a folder, made where it is not there; return its size in bytes."""
    files = site(net)
    for name, data in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing.open_for_writing(path) as file:
            file.write(data)
    return sum(map(len, files.values()))


class _Handler(BaseHTTPRequestHandler):
    """Answers with one of the files, from memory: nothing else on this machine can be asked for."""

    server_version = "sketchrnn"
    sys_version = ""

    def __init__(self, files: dict[str, bytes], *arguments: object) -> None:
        self.files = files
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._answer(True)

    def do_HEAD(self) -> None:
        self._answer(False)

    def _answer(self, body: bool) -> None:
        name = self.path.split("?")[0].removeprefix("/")
        if name == "" or name.endswith("/"):
            name += "index.html"
        data = self.files.get(name)
        if data is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        suffix = Path(name).suffix
        self.send_header("Content-Type", _TYPES.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def server(net: Net, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of the site on 127.0.0.1; port 0 takes a free one (``server_port``)."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, site(net)))


def serve(
    net: Net, port: int = 0, *, browser: bool = True, ready: Callable[[str], None] = print
) -> None:
    """Serve the pad until interrupted. `ready` is told its address, which the browser opens."""
    with server(net, port) as running:
        address = f"http://127.0.0.1:{running.server_port}/pad/"
        ready(address)
        if browser:
            webbrowser.open(address)
        running.serve_forever()
