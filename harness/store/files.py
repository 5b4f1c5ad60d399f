"""The few operations on files that a results folder needs; `objects` has those of object stores.

A file is written under another name, flushed to the disk, and only then gets its own: by `create`,
which leaves a file that is there alone, or by `replace`. Then its folder is flushed, which is what
keeps the new name after a power failure (Pillai et al. 2014, "All file systems are not created
equal"). No fsync is ever tried again: after a failure the kernel may have dropped what it could not
write, and a second call would succeed without it (Rebello et al. 2020, "Can applications recover
from fsync failures?").
"""

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

# A quota that is spent, and a limit on the size of files, are full disks to a user.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# File systems without hard links say one of these: FAT, some network shares.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalFiles:
    """The files in a folder of this machine; names are relative to it, with slashes.

    Parameters
    ----------
    root : Path
        The folder.

    Raises
    ------
    OSError
        By every method; what it was to make is then not there, and nothing else has changed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def make_folders(self, names: Iterable[str]) -> None:
        """Make the folder, and folders in it, where they are not there yet."""
        for path in (self.root, *(self.root / name for name in names)):
            missing = [p for p in (path, *path.parents) if not p.exists()]
            for folder in reversed(missing):
                with suppress(FileExistsError):  # another process was faster
                    os.mkdir(folder)
                _flush_folder(folder.parent)
        # A process that was killed may have made folder and manifest, and not flushed them.
        _flush_folder(self.root)
        _flush_folder(self.root.parent)

    def create(self, name: str, data: Iterable[Any]) -> bool:
        """Make a file of some buffers; return False, and change nothing, if it is there."""
        path = self.root / name
        with _unfinished(path, data) as written:
            try:
                os.link(written, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if path.exists():
                    return False
                os.rename(written, path)
        _flush_folder(path.parent)
        return True

    def replace(self, name: str, data: Iterable[Any]) -> None:
        """Make a file of some buffers, in the place of the one that is there."""
        path = self.root / name
        with _unfinished(path, data) as written:
            os.replace(written, path)
        _flush_folder(path.parent)

    def note(self, name: str, text: str) -> None:
        """Write a file for people, which a crash may spoil."""
        (self.root / name).write_text(text, encoding="utf-8")

    def remove_note(self, name: str) -> None:
        """Remove what `note` has written."""
        (self.root / name).unlink()

    def read(self, name: str) -> bytes:
        """Return what is in a file."""
        return (self.root / name).read_bytes()

    def open(self, name: str) -> IO[bytes]:
        """Open a file to read parts of it."""
        return (self.root / name).open("rb")

    def size(self, name: str) -> int | None:
        """Return the bytes of a file, or None if there is no such file."""
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def entries(self) -> set[str]:
        """Return the names of all that is in the folder itself."""
        try:
            return set(os.listdir(self.root))
        except FileNotFoundError:
            return set()

    def names(self, folder: str) -> list[str]:
        """Return the files in a folder, ascending, without those that are being written."""
        try:
            found = os.listdir(self.root / folder)
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{name}" for name in found if not name.startswith("."))

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, in this order; those that are not there are passed over."""
        folders = {}
        for name in names:
            path = self.root / name
            with suppress(FileNotFoundError):
                os.unlink(path)
            folders[path.parent] = True
        for folder in folders:
            _flush_folder(folder)

    def remove_unfinished(self, folders: Iterable[str]) -> None:
        """Remove what a process left that was killed while it wrote."""
        for folder in (self.root, *(self.root / name for name in folders)):
            for path in folder.glob(".*.unfinished"):
                with suppress(FileNotFoundError):
                    os.unlink(path)


@contextmanager
def _unfinished(path: Path, data: Iterable[Any]) -> Iterator[Path]:
    """Write buffers to a file beside `path`, for as long as it takes to give it its name."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        try:
            for buffer in data:
                rest = memoryview(buffer)
                while rest:  # a nearly full disk takes a part
                    rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield unfinished
    finally:
        with suppress(OSError):  # it has its name now; or something went wrong, and that is raised
            os.unlink(unfinished)


_BINARY = getattr(os, "O_BINARY", 0)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # which opens no folders, and keeps names without being told
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
