"""The one place through which this package opens files for writing.

A regular file is written beside its target, under no name where the system can (Linux: O_TMPFILE)
and else under one that is nobody's, opened exclusively; it takes the target's place in one step
once it is whole. So there is the old file or the new one, never a part of either, whatever ends the
process. Links are followed. Devices, pipes and what the caller has open (``/dev/stdout``,
``/dev/fd/3``) have no old content to keep and are written to as they are.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
import signal
import stat
import threading
from collections.abc import Iterator
from os import PathLike
from typing import IO, Any

_UNNAMED = getattr(os, "O_TMPFILE", None)
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""What only writing meets."""
_LINKS = 40
"""Links followed on the way to a file at most, as in the Linux kernel (path_resolution(7))."""


@contextlib.contextmanager
def open_for_writing(
    path: str | PathLike[str], *, sync: bool = False, follow: bool = True
) -> Iterator[IO[bytes]]:
    """Open a file for binary writing; it appears when the block ends, and not if that raises.

    `sync`: it is on the disk when the block has ended. `follow` False is for files of our own
    keeping (caches): whatever stands at `path`, a link or a pipe, is replaced and never written to.
    """
    target = os.fspath(path)
    if follow:
        own, target = resolved(target)
        if own is not None:
            with io.BufferedWriter(_Stream(os.dup(own), "wb")) as file:
                yield file
            return
    try:
        old = os.stat(target, follow_symlinks=follow)
    except FileNotFoundError:
        old = None
    if old is not None and stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if old is not None and not stat.S_ISREG(old.st_mode):
        if follow:
            # Neither O_CREAT nor O_TRUNC: should a regular file stand there by now, it is not cut.
            stream = _Stream(os.open(target, os.O_WRONLY | os.O_NOCTTY), "wb")
            with io.BufferedWriter(stream) as file:
                yield file
            return
        old = None  # nothing of it is kept, not its mode either
    if old is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), target)
    folder, name = os.path.split(target)
    at = os.open(folder or ".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY)
    try:
        with _beside(at, old) as (file, place):
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
            place(name)
    except OSError as error:
        if error.errno in _FULL and error.filename is None:
            error.filename = target  # the system does not say which disk
        raise
    finally:
        os.close(at)


def write(
    path: str | PathLike[str], data: bytes | str, *, sync: bool = False, follow: bool = True
) -> None:
    """Write a whole file; text as UTF-8. Options as those of :func:`open_for_writing`."""
    with open_for_writing(path, sync=sync, follow=follow) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def resolved(path: str) -> tuple[int | None, str]:
    """Return the file that a path leads to, all links followed, and None; or, where it stands for
    a descriptor that this process has open, its number."""
    for _ in range(_LINKS):
        folder, name = os.path.split(path)
        folder = os.path.realpath(folder or ".")
        if name.isascii() and name.isdigit() and folder in (f"/proc/{os.getpid()}/fd", "/dev/fd"):
            return int(name), path
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            return None, path
        path = os.path.join(folder, os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


class _Stream(io.FileIO):
    """A device or a pipe. Devices let themselves be sought and stay where they are, which those who
    go back to fill in a size do not expect."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


@contextlib.contextmanager
def _beside(at: int, old: os.stat_result | None) -> Iterator[tuple[IO[bytes], Any]]:
    """A new file in the folder that `at` is open on, and a function that gives it its name there,
    in the place of `old`; without its call nothing is left behind."""
    mode = 0o666 if old is None else 0o600  # what is private stays so while it is written
    unnamed = None
    if _UNNAMED is not None:
        # Some file systems and old kernels cannot.
        with contextlib.suppress(OSError):
            unnamed = os.open(".", _UNNAMED | os.O_RDWR, mode, dir_fd=at)

    temporary = f".sketchrnn-{secrets.token_hex(8)}.part"
    named = contextlib.nullcontext() if unnamed is not None else _ended_by_termination()
    with named:
        new = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(temporary, new, mode, dir_fd=at) if unnamed is None else unnamed

        def place(name: str) -> None:
            if unnamed is not None:
                try:
                    # Given dst_dir_fd Python calls linkat, which follows this link to the file.
                    source = f"/proc/self/fd/{descriptor}"
                    os.link(source, temporary, dst_dir_fd=at, follow_symlinks=True)
                except OSError:  # no /proc, or a file system without links
                    with os.fdopen(os.open(temporary, new, mode, dir_fd=at), "wb") as copy:
                        os.fchmod(copy.fileno(), stat.S_IMODE(os.fstat(descriptor).st_mode))
                        file.seek(0)
                        shutil.copyfileobj(file, copy)
            os.replace(temporary, name, src_dir_fd=at, dst_dir_fd=at)

        try:
            with os.fdopen(descriptor, "w+b") as file:
                if old is not None:
                    with contextlib.suppress(PermissionError):  # only root gives files away
                        os.fchown(descriptor, old.st_uid, old.st_gid)
                    os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & 0o777)
                yield file, place
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=at)
            raise


@contextlib.contextmanager
def _ended_by_termination() -> Iterator[None]:
    """Within it SIGTERM ends the process by an exception, so that what has a name is removed."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield  # somebody else decides about it
        return

    def end(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)  # as shells report it

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
