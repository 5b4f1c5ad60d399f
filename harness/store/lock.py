"""One writer per results folder.

Correctness does not depend on the lock: two writers would commit the same chunks twice. The kernel
releases the lock of a process that dies, so a lock is never stale. A note beside it says who
holds it, with a token by which workers find out whether they see the same folder. An object store
has only the note.
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
from harness.store.documents import Fields, parsed
from harness.store.files import FULL, LocalFiles
from harness.store.locations import files_at, is_local

_LOCK = ".lock"
_NOTE = ".writer.json"
_MAX_NOTE_BYTES = 1 << 12

# Seconds to wait for the lock: `holder` takes it for a moment, and must not turn a writer away.
_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The process that writes into a folder."""

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
            There is none, or it is broken.
        """
        data = files_at(folder).read(_NOTE, _MAX_NOTE_BYTES)
        return Fields(parsed(data)).read(
            lambda fields: cls(
                process=fields.whole("process", 1, 2**31),
                host=fields.line("host"),
                since=fields.time("since"),
                token=fields.hexadecimal("token", 16),
            )
        )


@contextmanager
def writer(folder: Path) -> Iterator[str]:
    """Hold the lock of a folder.

    Yields
    ------
    str
        The token that `is_written_by` compares.

    Raises
    ------
    InUseError
        Another process holds it.
    StorageError
        The folder cannot be written.
    ResultsError
        Something else has the name of the lock.
    """
    if not is_local(folder):  # an object store has no locks
        with _noted(folder) as token:
            yield token
        return
    try:
        _check_lock(folder)
        lock = FileLock(folder / _LOCK).acquire(timeout=_SECONDS, poll_interval=0.02)
    except Timeout:
        raise InUseError(
            f"{folder} is being written by {_last_holder(folder)}.\n"
            "Wait until it ends, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise _not_locked(folder, error) from error
    with lock, _noted(folder) as token:
        yield token


def _not_locked(folder: Path, error: OSError) -> StorageError:
    kind = NoSpaceError if error.errno in FULL else StorageError
    return kind(
        f"{folder} cannot be locked: {error.strerror}.\n"
        "Make room, or choose a folder with --out that you may write to."
    )


def _check_lock(folder: Path) -> bool:
    """Return whether there is a lock file; raise a ResultsError if it is not an empty file."""
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
        f"{folder / _LOCK} is not a lock of harness: {why}.\nRemove it and try again."
    )


@contextmanager
def _noted(folder: Path) -> Iterator[str]:
    """Leave a note of the writing process in a folder, and yield its token."""
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
    """Describe the process that writes into a folder; None if there is none."""
    try:
        if not is_local(folder) or not _check_lock(folder):
            return None
        with FileLock(folder / _LOCK).acquire(blocking=False):
            return None
    except Timeout:
        return _last_holder(folder)
    except (OSError, ResultsError):  # a folder that cannot be locked has no writer
        return None


def is_written_by(folder: Path, token: str) -> bool:
    """Return whether the process that was given a token writes into this folder.

    On another machine, the folder of that name may be missing or a different one.
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
