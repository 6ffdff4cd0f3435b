"""The public nets by name: downloaded once, checked, converted to our container, kept.

They lie at storage.googleapis.com/quickdraw-models, in two families: one net for each of 114
objects under ``sketchRNN/large_models/`` (1,024 units, some 512), and smaller ones of 512 units
under ``sketchRNN/models/``. ``SKETCHRNN_MIRROR`` names another place with the same folders.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from .. import _core
from .._extras import need
from ..errors import DownloadError
from ..untrusted import beyond, most, open_untrusted, printable
from ..writing import write
from .cache import folder
from .catalog import OFFICIAL
from .gen_json import read
from .names import instead
from .safetensors import read_metadata

_HOST = "https://storage.googleapis.com/quickdraw-models"
_FOLDERS = dict(zip(OFFICIAL, ("large_models", "models"), strict=True))

_SECONDS = 30
"""Without a byte for so long, the server is taken for gone."""

_CHUNK = 1 << 16


def kept(name: str, source: str) -> Path:
    """Return where a public net lies once it was downloaded."""
    return folder() / source / f"{name}.safetensors"


def fetch(facts: dict[str, Any], source: str) -> Path:
    """Return the file of a public net in our container, downloading it if it is not there yet.

    `facts` are the catalogue's of the net. Raises DownloadError that says what happened; no part of
    a file is left behind.
    """
    name = facts["name"]
    path = kept(name, source)
    if _is_whole(path, name):
        return path
    given = path.with_name(f"{name}.gen.json")
    if given.exists():  # put there by hand
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, _checked(str(given), facts, source), sync=True, follow=False)
        except ValueError as error:
            raise DownloadError(f"{given}: {error}") from None
        return path
    host = os.environ.get("SKETCHRNN_MIRROR") or _HOST
    url = f"{host.rstrip('/')}/sketchRNN/{_FOLDERS[source]}/{name}.gen.json"
    try:
        pooch = need("pooch", "download")
    except ImportError as error:
        raise ImportError(f"{error}; {instead(name)}".rstrip("; ")) from None
    pooch.get_logger().setLevel("WARNING")  # it announces each download; we have a progress line
    # Published hashes are those of the large family's files.
    digest = facts.get("sha256") if source == "official" else None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own: two processes that download at once do not meet.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as place:
            raw = pooch.retrieve(
                url,
                known_hash=f"sha256:{digest}" if digest else None,
                fname=f"{name}.gen.json",
                path=place,
                downloader=_downloader(name),
            )
            write(path, _checked(raw, facts, source, digest), sync=True, follow=False)
    except OSError as error:
        if not _unreachable(error):
            raise _failed(name, url, error, locals().get("place")) from error
        raise DownloadError(
            f"{name}: no network: {url} cannot be reached{_why(error)}. By hand it goes to {given}"
            + (f"; {other}" if (other := instead(name)) else "")
        ) from None
    except Exception as error:
        raise _failed(name, url, error, locals().get("place")) from error
    return path


def _failed(name: str, url: str, error: Exception, place: str | None) -> DownloadError:
    """Everything that a network, a disk and a stranger's bytes can do, named in one line."""
    reason = str(error).replace(f"{place}{os.sep}", "") if place else str(error)
    return DownloadError(f"{name}: {url}: {reason or type(error).__name__}")


def _why(error: BaseException) -> str:
    """What the system said of it, beneath what the libraries made of that; "" for nothing."""
    said, cause = "", error.__context__
    while cause is not None:
        said = getattr(cause, "strerror", None) or said
        cause = cause.__context__
    return f" ({said.lower()})" if said else ""


def _unreachable(error: OSError) -> bool:
    """Whether there was no answer at all: no name, no route, nobody there."""
    requests = need("requests", "download")
    return isinstance(error, (requests.ConnectionError, requests.ConnectTimeout)) and not (
        isinstance(error, requests.exceptions.SSLError) or "aborted" in str(error)
    )


def _checked(raw: str, facts: dict[str, Any], source: str, digest: str | None = None) -> bytes:
    """Return the container of a public net's file that is the one which the catalogue knows."""
    name = facts["name"]
    container = read(raw)
    net = _core.Net.from_bytes(container, name, "f32")
    _compare(net, facts, source)
    # A hash says what the bytes are; where none is known the file says what it draws.
    if digest is None and not _is_named(net.name, name):
        raise ValueError(f"name: expected {name!r}, found {printable(net.name)!r:.80}")
    return container


def _is_whole(path: Path, name: str) -> bool:
    """Whether the file is there with all its bytes, and the net of that name; the core looks into
    it when it loads it."""
    header = read_metadata(path)
    try:
        with open_untrusted(path) as file:
            length = 8 + int.from_bytes(file.read(8), "little")
            size = os.fstat(file.fileno()).st_size
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        return bool(size == length + max(ends)) and _is_named(header["__metadata__"]["name"], name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False


def _is_named(found: str, asked: str) -> bool:
    """Whether a net's own name is that of the catalogue, which has no spaces."""
    return found.lower().replace(" ", "_") == asked


def _downloader(name: str) -> Any:
    """A function as pooch wants it, that takes no more of a server than a net has."""
    requests = need("requests", "download")

    def download(url: str, target: Any, _: Any) -> None:
        progress = _Progress(name)
        try:
            with (
                requests.get(url, stream=True, timeout=_SECONDS) as response,
                open(target, "wb") as out,  # in a folder of ours
            ):
                response.raise_for_status()
                progress.total = int(response.headers.get("content-length", 0))
                done = 0
                for chunk in response.iter_content(_CHUNK):
                    done += len(chunk)
                    if done > most("download"):
                        raise ValueError(beyond("download", "bytes"))
                    out.write(chunk)
                    progress.update(len(chunk))
        finally:
            progress.close()

    return download


def _compare(net: _core.Net, facts: dict[str, Any], source: str) -> None:
    """Raise ValueError where a downloaded net is not the one that the catalogue knows."""
    units = 512 if source == "official-small" else facts["hidden_size"]
    if net.hidden_size != units:
        raise ValueError(f"hidden units: expected {units}, found {net.hidden_size}")
    if net.mixtures != 20:
        raise ValueError(f"components: expected 20, found {net.mixtures}")
    # The catalogue has six digits, and those of the large family; of the other it is only known
    # that the one net looked at has the same factor.
    within = 1e-5 if source == "official" else 0.2
    if abs(net.scale_factor / facts["scale_factor"] - 1) > within:
        raise ValueError(
            f"scale_factor: expected {facts['scale_factor']}, found {net.scale_factor}"
        )


class _Progress:
    """A line on a terminal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self._done = 0
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def update(self, count: int) -> None:
        self._done += count
        if self._shown:
            of = f" of {self.total / 1e6:.1f}" if self.total else ""
            print(
                f"\rdownloading {self.name}: {self._done / 1e6:.1f}{of} MB",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def close(self) -> None:
        if self._shown:
            print(file=sys.stderr)
