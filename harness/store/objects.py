"""The operations of `files` on an object store, through fsspec.

An object appears whole or not at all, and what is there after a write is there for good, so nothing
has to be flushed or linked. `create` is a conditional put: the store makes the object only if there
is none of that name, which is what a commit needs. A store that does not know the condition would
overwrite without a word, so that is tried out before anything is written.

A store that does not answer says nothing of what is in it. So all but a missing object is a
StorageError, and nothing that could be taken for a broken file.
"""

import errno
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from typing import Any

from harness.errors import StorageError
from harness.store.files import too_long

# Names of errors: the object is there; another request for it is under way, and to be waited for.
_THERE, _BUSY = "PreconditionFailed", "ConditionalRequestConflict"
_TRIES = 5


class ObjectFiles:
    """The objects under a prefix; names are relative to it, with slashes.

    Parameters
    ----------
    root : UPath
        The prefix.

    Raises
    ------
    FileNotFoundError, StorageError
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
        content = b"".join(data)
        with self._asked_for(name):
            for attempt in range(_TRIES):
                try:
                    self.root.fs.pipe_file(self._path(name), content, mode="create")
                except FileExistsError:
                    return False
                except Exception as error:
                    if _code(error) == _THERE:
                        return False
                    if _code(error) != _BUSY or attempt == _TRIES - 1:
                        raise
                    time.sleep(0.1 * 2**attempt)
                else:
                    return True
        raise AssertionError  # the last try returns or raises

    def replace(self, name: str, data: Iterable[Any]) -> None:
        """Make an object of some buffers, in the place of the one that is there."""
        # At once, because one that is written piece by piece stays as a part where that fails.
        with self._asked_for(name):
            self.root.fs.pipe_file(self._path(name), b"".join(data), mode="overwrite")

    def read(self, name: str, most: int) -> bytes:
        """Return what is in an object of at most so many bytes."""
        data = self._fetched(name, most + 1)
        if len(data) > most:
            raise too_long(name, most)
        return data

    def open(self, name: str) -> BufferedIOBase:
        """Open an object to read parts of it; all of it is fetched."""
        return BytesIO(self._fetched(name, None))

    def _fetched(self, name: str, end: int | None) -> bytes:
        """Return an object, or its bytes before `end`."""
        with self._asked_for(name):
            try:
                return bytes(self.root.fs.cat_file(self._path(name), end=end))
            except Exception as error:
                if _code(error) == "InvalidRange":  # it is empty
                    return b""
                raise

    def size(self, name: str) -> int | None:
        """Return the bytes of an object, or None if there is no such object."""
        try:
            with self._asked_for(name):
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
        prefix = self._path(folder).rstrip("/")
        try:
            with self._asked_for(folder):
                found = self.root.fs.ls(prefix, detail=False)
        except FileNotFoundError:
            return set()
        # An object of the prefix's own name is what some tools call a folder.
        paths = {path.rstrip("/") for path in found} - {prefix}
        return {path.rpartition("/")[2] for path in paths}

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, in this order; those that are not there are passed over."""
        for name in names:
            try:
                with self._asked_for(name):
                    self.root.fs.rm_file(self._path(name))
            except FileNotFoundError:
                continue

    def remove_unfinished(self, folders: Iterable[str]) -> None:
        """Do nothing: no object is ever unfinished."""

    @contextmanager
    def _asked_for(self, name: str) -> Iterator[None]:
        """Raise whatever a store raises as a StorageError, but for an object that is missing."""
        try:
            yield
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None
        except Exception as error:  # each client library has its own
            why = " ".join(str(error).split()) or type(error).__name__
            raise StorageError(
                f"{self.root / name} cannot be read or written: {why}\n"
                "What was finished before is kept; the same command goes on."
            ) from error


def _code(error: BaseException) -> str:
    """Return the name that S3 gives an error; nothing if it has none."""
    for each in (error, error.__cause__):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""
