"""The few operations on files that a results folder needs; `objects` has those of object stores.

A file is written under another name, flushed to the disk, and only then gets its own: by `create`,
which leaves a file that is there alone, or by `replace`. Then its folder is flushed, which is what
keeps the new name after a power failure (Pillai et al. 2014, "All file systems are not created
equal"). No fsync is ever tried again: after a failure the kernel may have dropped what it could not
write, and a second call would succeed without it (Rebello et al. 2020, "Can applications recover
from fsync failures?").

Nothing here follows a link inside the folder; see `inside`.
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

# A quota that is spent, and a limit on the size of files, are full disks to a user.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# File systems without hard links say one of these: FAT, some network shares.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class LocalFiles:
    """The files in a folder of this machine; names are relative to it, with slashes.

    Parameters
    ----------
    root : Path
        The folder. It may be a link; what is in it may not.

    Raises
    ------
    OSError
        By every method; what it was to make is then not there, and nothing else has changed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def make_folders(self, names: Iterable[str]) -> None:
        """Make the folder, and folders in it, where they are not there yet."""
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
                with open_folder(self.root, name):  # or it is something else
                    pass
            # A process that was killed may have made folder and manifest, and not flushed them.
            _flush(root)
        with open_folder(self.root.parent) as above:
            _flush(above)

    def create(self, name: str, data: Iterable[Any]) -> bool:
        """Make a file of some buffers; return False, and change nothing, if it is there."""
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
        """Make a file of some buffers, in the place of the one that is there."""
        with self._folder_of(name) as (folder, last):
            with _unfinished(folder, last, data) as written:
                _rename(folder, written, last)
            _flush(folder)

    def read(self, name: str, most: int) -> bytes:
        """Return what is in a file of at most so many bytes."""
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
        """Return the bytes of a file, or None if there is no such file."""
        try:
            with self._folder_of(name) as (folder, last):
                return folder.plain_size(last)
        except FileNotFoundError:
            return None

    def entries(self) -> set[str]:
        """Return the names of all that is in the folder itself."""
        try:
            with open_folder(self.root) as root:
                return set(root.names())
        except FileNotFoundError:
            return set()

    def names(self, folder: str) -> list[str]:
        """Return the files in a folder, ascending, without those that are being written."""
        try:
            with open_folder(self.root, folder) as opened:
                found = opened.names()
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{name}" for name in found if not name.startswith("."))

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, in this order; those that are not there are passed over."""
        folders = {}
        for name in names:
            with suppress(FileNotFoundError), self._folder_of(name) as (folder, last):
                folders[name.rpartition("/")[0]] = True
                os.unlink(folder.at(last), dir_fd=folder.descriptor)
        for inside in folders:
            with open_folder(self.root, inside) as folder:
                _flush(folder)

    def remove_unfinished(self, folders: Iterable[str]) -> None:
        """Remove what a process left that was killed while it wrote."""
        for inside in ("", *folders):
            with open_folder(self.root, inside) as folder:
                for name in folder.names():
                    found = folder.look(name) if _is_unfinished(name) else None
                    if found is not None and not stat.S_ISDIR(found.st_mode):
                        with suppress(FileNotFoundError):
                            os.unlink(folder.at(name), dir_fd=folder.descriptor)

    @contextmanager
    def _folder_of(self, name: str) -> Iterator[tuple[OpenFolder, str]]:
        """Open the folder of a name, and take the last part of the name."""
        inside, _, last = name.rpartition("/")
        with open_folder(self.root, inside) as folder:
            yield folder, last


@contextmanager
def _unfinished(folder: OpenFolder, name: str, data: Iterable[Any]) -> Iterator[str]:
    """Write buffers to a file of another name, for as long as it takes to give it its own."""
    unfinished = f".{name}.{os.getpid()}-{secrets.token_hex(4)}.unfinished"
    descriptor = os.open(folder.at(unfinished), _NEW, 0o666, dir_fd=folder.descriptor)
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
    if folder.descriptor is not None:  # Windows keeps names without being told
        os.fsync(folder.descriptor)


def too_long(name: str, most: int) -> OSError:
    """Return the error for a file that is longer than it may be."""
    return OSError(errno.EINVAL, f"{name} has more than {most:,} bytes", name)
