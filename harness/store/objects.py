"""The operations of `files` on an object store, through fsspec.

An object appears whole or not at all, and what is there after a write is there for good, so nothing
has to be flushed or linked. `create` is a conditional put: the store makes the object only if there
is none of that name, which is what a commit needs. A store that does not know the condition would
overwrite without a word, so that is tried out before anything is written.
"""

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any


class ObjectFiles:
    """The objects under a prefix; names are relative to it, with slashes.

    Parameters
    ----------
    root : UPath
        The prefix.

    Raises
    ------
    OSError
        By every method; what it was to make is then not there, and nothing else has changed.
    """

    def __init__(self, root: Any) -> None:
        self.root = root

    def _path(self, name: str) -> str:
        return str((self.root / name).path)

    def make_folders(self, names: Iterable[str]) -> None:
        """See that objects can be made, and that none is overwritten; there are no folders."""
        probe = f".probe-{secrets.token_hex(8)}"
        try:
            if self.create(probe, [b"one"]) and not self.create(probe, [b"two"]):
                return
        finally:
            self.remove([probe])
        raise OSError(errno.EOPNOTSUPP, "this store overwrites what it should not (no mode=create)")

    def create(self, name: str, data: Iterable[Any]) -> bool:
        """Make an object of some buffers; return False, and change nothing, if it is there."""
        with _os_errors(name):
            try:
                self.root.fs.pipe_file(self._path(name), b"".join(data), mode="create")
            except FileExistsError:
                return False
        return True

    def replace(self, name: str, data: Iterable[Any]) -> None:
        """Make an object of some buffers, in the place of the one that is there."""
        # At once, because one that is written piece by piece stays as a part where that fails.
        with _os_errors(name):
            self.root.fs.pipe_file(self._path(name), b"".join(data), mode="overwrite")

    def note(self, name: str, text: str) -> None:
        """Write an object for people."""
        self.replace(name, [text.encode()])

    def remove_note(self, name: str) -> None:
        """Remove what `note` has written."""
        self.remove([name])

    def read(self, name: str) -> bytes:
        """Return what is in an object."""
        with _os_errors(name):
            return bytes(self.root.fs.cat_file(self._path(name)))

    def open(self, name: str) -> IO[bytes]:
        """Open an object to read parts of it."""
        with _os_errors(name):
            opened: IO[bytes] = self.root.fs.open(self._path(name), "rb")
        return opened

    def size(self, name: str) -> int | None:
        """Return the bytes of an object, or None if there is no such object."""
        try:
            with _os_errors(name):
                return int(self.root.fs.size(self._path(name)))
        except FileNotFoundError:
            return None

    def entries(self) -> set[str]:
        """Return the names of all that is under the prefix itself."""
        return self._listed("")

    def names(self, folder: str) -> list[str]:
        """Return the objects in a folder, ascending, without those that begin with a dot."""
        return sorted(f"{folder}/{name}" for name in self._listed(folder) if name[0] != ".")

    def _listed(self, folder: str) -> set[str]:
        try:
            with _os_errors(folder):
                found = self.root.fs.ls(self._path(folder), detail=False)
        except FileNotFoundError:
            return set()
        return {path.rstrip("/").rpartition("/")[2] for path in found}

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, in this order; those that are not there are passed over."""
        for name in names:
            try:
                with _os_errors(name):
                    self.root.fs.rm_file(self._path(name))
            except FileNotFoundError:
                continue

    def remove_unfinished(self, folders: Iterable[str]) -> None:
        """Do nothing: no object is ever unfinished."""


@contextmanager
def _os_errors(name: str) -> Iterator[None]:
    """Raise whatever a store raises as an OSError that says what is wrong."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None
    except OSError as error:
        if error.strerror:
            raise
        raise OSError(error.errno or errno.EIO, _on_one_line(error), name) from error
    except Exception as error:  # of a client library, each has its own
        raise OSError(errno.EIO, _on_one_line(error), name) from error


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
