"""File operations of a results folder; `objects` has the same operations for object stores.

A file is written under a temporary name, flushed to the disk, and only then gets its own name: from
`create`, which never replaces a file, or from `replace`. Then its folder is flushed, without which
a power failure may lose the new name (Pillai et al. 2014, "All file systems are not created
equal"). A failed fsync is never retried: the kernel may have dropped the data that it could not
write, and the second call would succeed without them (Rebello et al. 2020, "Can applications
recover from fsync failures?").

No link inside the folder is followed; see `inside`.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from harness.store.inside import OpenFolder, open_folder

# To users, an exhausted quota and a limit on file sizes are full disks too.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Errors of file systems without hard links, such as FAT and some network shares.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class LocalFiles:
    """Files in a folder on this machine; names are relative to the folder, with slashes.

    Parameters
    ----------
    root : Path
        The folder. It may be a link, but links inside it are refused.

    Raises
    ------
    OSError
        By every method, which then has made no file and changed no other.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def make_folders(self, names: Iterable[str]) -> None:
        """Make the folder and folders in it; those that exist are kept."""
        missing = [p for p in (self.root, *self.root.parents) if not p.exists()]
        for path in reversed(missing):
            with suppress(FileExistsError):  # another process was faster
                os.mkdir(path)
            with open_folder(path.parent) as above:
                _flush(above)
        with open_folder(self.root) as root:
            for name in names:
                with suppress(FileExistsError):
                    os.mkdir(root.at(name), dir_fd=root.descriptor)
                    _flush(root)
                with open_folder(self.root, name):  # raises if it is not a folder
                    pass
            # A process may have been killed before it flushed the folder and a manifest in it.
            _flush(root)
        with open_folder(self.root.parent) as above:
            _flush(above)

    def create(self, name: str, data: Iterable[Any]) -> bool:
        """Write buffers to a new file; change nothing and return False if the file exists."""
        with self._folder_of(name) as (folder, last):
            with _unfinished(folder, last, data) as written:
                try:
                    os.link(
                        folder.at(written),
                        folder.at(last),
                        src_dir_fd=folder.descriptor,
                        dst_dir_fd=folder.descriptor,
                    )
                except FileExistsError:
                    return False
                except OSError as error:
                    if error.errno not in _NO_LINKS:
                        raise
                    if folder.look(last) is not None:
                        return False
                    _rename(folder, written, last)
            _flush(folder)
        return True

    def replace(self, name: str, data: Iterable[Any]) -> None:
        """Write buffers to a file, replacing one that exists."""
        with self._folder_of(name) as (folder, last):
            with _unfinished(folder, last, data) as written:
                _rename(folder, written, last)
            _flush(folder)

    def read(self, name: str, most: int) -> bytes:
        """Return the content of a file, which may have at most `most` bytes."""
        with self.open(name) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise too_long(name, most)
            return file.read(size)

    def open(self, name: str) -> BufferedIOBase:
        """Open a file to read parts of it."""
        with self._folder_of(name) as (folder, last):
            return open(folder.open_plain(last), "rb")

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if it does not exist."""
        try:
            with self._folder_of(name) as (folder, last):
                return folder.plain_size(last)
        except FileNotFoundError:
            return None

    def entries(self) -> set[str]:
        """Return all names directly in the folder."""
        try:
            with open_folder(self.root) as root:
                return set(root.names())
        except FileNotFoundError:
            return set()

    def names(self, folder: str) -> list[str]:
        """Return the files in a folder, ascending, without hidden and unfinished ones."""
        try:
            with open_folder(self.root, folder) as opened:
                found = opened.names()
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{name}" for name in found if not name.startswith("."))

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, in this order; missing ones are ignored."""
        folders = {}
        for name in names:
            with suppress(FileNotFoundError), self._folder_of(name) as (folder, last):
                folders[name.rpartition("/")[0]] = True
                os.unlink(folder.at(last), dir_fd=folder.descriptor)
        for inside in folders:
            with open_folder(self.root, inside) as folder:
                _flush(folder)

    def remove_unfinished(self, folders: Iterable[str]) -> None:
        """Remove the temporary files of processes that were killed while writing."""
        for inside in ("", *folders):
            with open_folder(self.root, inside) as folder:
                for name in folder.names():
                    found = folder.look(name) if _is_unfinished(name) else None
                    if found is not None and not stat.S_ISDIR(found.st_mode):
                        with suppress(FileNotFoundError):
                            os.unlink(folder.at(name), dir_fd=folder.descriptor)

    @contextmanager
    def _folder_of(self, name: str) -> Iterator[tuple[OpenFolder, str]]:
        """Open the folder that a name is in; yield it and the last part of the name."""
        inside, _, last = name.rpartition("/")
        with open_folder(self.root, inside) as folder:
            yield folder, last


@contextmanager
def _unfinished(folder: OpenFolder, name: str, data: Iterable[Any]) -> Iterator[str]:
    """Write and flush buffers to a temporary file; yield its name, and remove it in the end."""
    unfinished = f".{name}.{os.getpid()}-{secrets.token_hex(4)}.unfinished"
    descriptor = os.open(folder.at(unfinished), _NEW, 0o666, dir_fd=folder.descriptor)
    try:
        try:
            for buffer in data:
                rest = memoryview(buffer)
                while rest:  # a nearly full disk may take only a part
                    rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield unfinished
    finally:
        with suppress(OSError):  # it was renamed; or the error being raised matters more
            os.unlink(folder.at(unfinished), dir_fd=folder.descriptor)


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(".unfinished")


def _rename(folder: OpenFolder, before: str, after: str) -> None:
    os.replace(
        folder.at(before),
        folder.at(after),
        src_dir_fd=folder.descriptor,
        dst_dir_fd=folder.descriptor,
    )


def _flush(folder: OpenFolder) -> None:
    if folder.descriptor is not None:  # Windows flushes names by itself
        os.fsync(folder.descriptor)


def too_long(name: str, most: int) -> OSError:
    """Return the error for a file that exceeds its size limit."""
    return OSError(errno.EINVAL, f"{name} has more than {most:,} bytes", name)
