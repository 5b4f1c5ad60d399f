"""One writer a folder. No result depends on it: two writers would keep the same chunks twice.

The kernel takes the lock away from a process that dies in any way, so none is ever stale. Beside it
lies a note on who holds it, with a token by which others find out whether they see the same folder.
An object store has the note alone.
"""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from harness.errors import InUseError, NoSpaceError, ResultsError, StorageError
from harness.store.files import FULL, LocalFiles
from harness.store.places import files_at, is_local
from harness.store.schema import Fields, parsed

_LOCK = ".lock"
_NOTE = ".writer.json"
_MOST_BYTES = 1 << 12

# `holder` takes the lock for a moment, which must not turn a writer away.
_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Which process writes into a folder."""

    process: int
    host: str
    since: str
    token: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the note in a folder.

        Raises
        ------
        OSError, ValueError, StorageError
            There is none, or it is not what `_noted` writes.
        """
        fields = Fields(parsed(files_at(folder).read(_NOTE, _MOST_BYTES)))
        note = cls(
            process=fields.whole("process", 1, 2**31),
            host=fields.line("host"),
            since=fields.time("since"),
            token=fields.hexadecimal("token", 16),
        )
        fields.end()
        return note


@contextmanager
def writer(folder: Path) -> Iterator[str]:
    """Be the only process that writes into a folder.

    Yields
    ------
    str
        A token, for `is_written_by`.

    Raises
    ------
    InUseError
        Another one is.
    StorageError
        The folder cannot be written.
    ResultsError
        Its lock is not one that harness made.
    """
    if not is_local(folder):  # object stores have no locks
        with _noted(folder) as token:
            yield token
        return
    try:
        _check_lock(folder)
        lock = FileLock(folder / _LOCK).acquire(timeout=_SECONDS, poll_interval=0.02)
    except Timeout:
        raise InUseError(
            f"{folder} is being written by {_last_holder(folder)}.\n"
            "Wait until it has ended, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise _not_locked(folder, error) from error
    with lock, _noted(folder) as token:
        yield token


def _not_locked(folder: Path, error: OSError) -> StorageError:
    kind = NoSpaceError if error.errno in FULL else StorageError
    return kind(
        f"{folder} cannot be locked: {error.strerror}.\n"
        "Make room, or choose another folder with --out that may be written."
    )


def _check_lock(folder: Path) -> bool:
    """Return whether there is a lock; raise a ResultsError if it is not an empty plain file."""
    try:
        size = LocalFiles(folder).size(_LOCK)
    except OSError as error:
        if error.filename != str(folder / _LOCK):
            raise
        why = error.strerror
    else:
        if not size:
            return size is not None
        why = f"it has {size:,} bytes and should be empty"
    raise ResultsError(
        f"{folder / _LOCK} is not a lock that harness made: {why}.\nRemove it, and try again."
    )


@contextmanager
def _noted(folder: Path) -> Iterator[str]:
    """Leave a note in a folder on who writes, with a token, which is yielded."""
    note = Note(
        process=os.getpid(),
        host=socket.gethostname(),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        token=secrets.token_hex(8),
    )
    files = files_at(folder)
    try:
        files.replace(_NOTE, [(json.dumps(asdict(note)) + "\n").encode()])
    except OSError as error:
        raise _not_locked(folder, error) from error
    try:
        yield note.token
    finally:
        with suppress(OSError, StorageError):
            files.remove([_NOTE])


def holder(folder: Path) -> str | None:
    """Say which process writes into a folder, if any does."""
    try:
        if not is_local(folder) or not _check_lock(folder):
            return None
        with FileLock(folder / _LOCK).acquire(blocking=False):
            return None
    except Timeout:
        return _last_holder(folder)
    except (OSError, ResultsError):  # nobody here may write into it, or nobody can lock it
        return None


def is_written_by(folder: Path, token: str) -> bool:
    """Return whether this is the folder that the process with a token writes into.

    Another machine may have another folder of that name, or none.
    """
    try:
        return Note.read(folder).token == token
    except (StorageError, OSError, ValueError):
        return False


def _last_holder(folder: Path) -> str:
    try:
        note = Note.read(folder)
    except (OSError, ValueError):
        return "another process"
    return f"process {note.process} on {note.host} since {note.since}"
