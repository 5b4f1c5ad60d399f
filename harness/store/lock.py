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
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import InUseError, StorageError
from harness.store.places import files_at, is_local

_LOCK = ".lock"
_HOLDER = ".writer.json"

# `holder` takes the lock for a moment, which must not turn a writer away.
_SECONDS = 0.5


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
    """
    if not is_local(folder):  # object stores have no locks
        with _noted(folder) as token:
            yield token
        return
    try:
        lock = FileLock(folder / _LOCK).acquire(timeout=_SECONDS, poll_interval=0.02)
    except Timeout:
        raise InUseError(
            f"{folder} is being written by {_last_holder(folder)}.\n"
            "Wait until it has ended, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be locked: {error.strerror}.\n"
            "Choose another folder with --out, or one that may be written."
        ) from error
    with lock, _noted(folder) as token:
        yield token


@contextmanager
def _noted(folder: Path) -> Iterator[str]:
    """Leave a note in a folder on who writes, with a token, which is yielded."""
    token = secrets.token_hex(8)
    about = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "token": token,
    }
    files = files_at(folder)
    with suppress(OSError, StorageError):  # no result depends on it
        files.note(_HOLDER, json.dumps(about) + "\n")
    try:
        yield token
    finally:
        with suppress(OSError, StorageError):
            files.remove_note(_HOLDER)


def holder(folder: Path) -> str | None:
    """Say which process writes into a folder, if any does."""
    if not is_local(folder) or not (folder / _LOCK).exists():
        return None
    try:
        with FileLock(folder / _LOCK).acquire(blocking=False):
            return None
    except Timeout:
        return _last_holder(folder)
    except OSError:  # a folder that nobody here may write into
        return None


def is_written_by(folder: Path, token: str) -> bool:
    """Return whether this is the folder that the process with a token writes into.

    Another machine may have another folder of that name, or none.
    """
    try:
        about = json.loads(files_at(folder).read(_HOLDER))
        return bool(about["token"] == token)
    except (StorageError, OSError, ValueError, TypeError, KeyError):
        return False


def _last_holder(folder: Path) -> str:
    try:
        about = json.loads(files_at(folder).read(_HOLDER))
        return f"process {about['process']} on {about['host']} since {about['since']}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"
