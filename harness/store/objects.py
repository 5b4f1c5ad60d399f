"""The operations of `files` on an object store, through fsspec.

An object appears whole or not at all, and a write that returned is durable, so nothing has to be
flushed or linked. `create` is a conditional put: the store makes the object only if none has its
name, as a commit needs. A store that ignores the condition would overwrite silently, so
`make_folders` tries it before anything else is written.

If a store does not answer, its objects may still be whole. So every error but a missing object is
a StorageError, which no caller takes for a broken file.
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

# Error codes: the object exists; another request for it is in progress, so try again.
_EXISTS, _BUSY = "PreconditionFailed", "ConditionalRequestConflict"
_TRIES = 5


class ObjectFiles:
    """Objects under a prefix; names are relative to the prefix, with slashes.

    Parameters
    ----------
    root : UPath
        The prefix.

    Raises
    ------
    FileNotFoundError, StorageError
        By every method, which then has made no object and changed no other.
    """

    def __init__(self, root: Any) -> None:
        self.root = root

    def _path(self, name: str) -> str:
        return str((self.root / name).path)

    def make_folders(self, names: Iterable[str]) -> None:
        """Check that objects can be created and are not overwritten; there are no folders."""
        probe = f".probe-{secrets.token_hex(8)}"
        try:
            if self.create(probe, [b"one"]) and not self.create(probe, [b"two"]):
                return
        finally:
            self.remove([probe])
        raise OSError(
            errno.EOPNOTSUPP,
            "this store cannot create objects without overwriting (no mode=create)",
        )

    def create(self, name: str, data: Iterable[Any]) -> bool:
        """Write buffers to a new object; change nothing and return False if the object exists."""
        content = b"".join(data)
        with self._asked_for(name):
            for attempt in range(_TRIES):
                try:
                    self.root.fs.pipe_file(self._path(name), content, mode="create")
                except FileExistsError:
                    return False
                except Exception as error:
                    if _code(error) == _EXISTS:
                        return False
                    if _code(error) != _BUSY or attempt == _TRIES - 1:
                        raise
                    time.sleep(0.1 * 2**attempt)
                else:
                    return True
        raise AssertionError  # the last try returns or raises

    def replace(self, name: str, data: Iterable[Any]) -> None:
        """Write buffers to an object, replacing one that exists."""
        # In one request: an object written in pieces would be left in part if that fails.
        with self._asked_for(name):
            self.root.fs.pipe_file(self._path(name), b"".join(data), mode="overwrite")

    def read(self, name: str, most: int) -> bytes:
        """Return the content of an object, which may have at most `most` bytes."""
        data = self._fetched(name, most + 1)
        if len(data) > most:
            raise too_long(name, most)
        return data

    def open(self, name: str) -> BufferedIOBase:
        """Open an object to read parts of it; the whole object is fetched."""
        return BytesIO(self._fetched(name, None))

    def _fetched(self, name: str, end: int | None) -> bytes:
        """Return the content of an object, up to `end`."""
        with self._asked_for(name):
            try:
                return bytes(self.root.fs.cat_file(self._path(name), end=end))
            except Exception as error:
                if _code(error) == "InvalidRange":  # it is empty
                    return b""
                raise

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes, or None if it does not exist."""
        try:
            with self._asked_for(name):
                return int(self.root.fs.size(self._path(name)))
        except FileNotFoundError:
            return None

    def entries(self) -> set[str]:
        """Return all names directly under the prefix."""
        return self._listed("")

    def names(self, folder: str) -> list[str]:
        """Return the objects in a folder, ascending, without hidden ones."""
        return sorted(f"{folder}/{name}" for name in self._listed(folder) if name[0] != ".")

    def _listed(self, folder: str) -> set[str]:
        prefix = self._path(folder).rstrip("/")
        try:
            with self._asked_for(folder):
                found = self.root.fs.ls(prefix, detail=False)
        except FileNotFoundError:
            return set()
        # Some tools make an object with the prefix's own name to mark a folder.
        paths = {path.rstrip("/") for path in found} - {prefix}
        return {path.rpartition("/")[2] for path in paths}

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, in this order; missing ones are ignored."""
        for name in names:
            try:
                with self._asked_for(name):
                    self.root.fs.rm_file(self._path(name))
            except FileNotFoundError:
                continue

    def remove_unfinished(self, folders: Iterable[str]) -> None:
        """Do nothing: an object appears only when it is whole."""

    @contextmanager
    def _asked_for(self, name: str) -> Iterator[None]:
        """Turn every error of a store into a StorageError, except that of a missing object."""
        try:
            yield
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None
        except Exception as error:  # each client library has its own kinds
            why = " ".join(str(error).split()) or type(error).__name__
            raise StorageError(
                f"{self.root / name} cannot be read or written: {why}\n"
                "Finished chunks are kept; the same command resumes the sweep."
            ) from error


def _code(error: BaseException) -> str:
    """Return the S3 code of an error; empty if it has none."""
    for each in (error, error.__cause__):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""
