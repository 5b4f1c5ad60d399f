"""One writer a folder. No result depends on it: two writers would keep the same chunks twice.

The kernel takes the lock away from a process that dies in any way, so none is ever stale.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import InUseError, StorageError

_LOCK = ".lock"
_HOLDER = ".writer.json"

# `holder` takes the lock for a moment, which must not turn a writer away.
_SECONDS = 0.5


@contextmanager
def writer(folder: Path) -> Iterator[None]:
    """Be the only process that writes into a folder.

    Raises
    ------
    InUseError
        Another one is.
    StorageError
        The folder cannot be written.
    """
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
    with lock:
        about = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with suppress(OSError):  # said to people only
            (folder / _HOLDER).write_text(json.dumps(about) + "\n", encoding="utf-8")
        try:
            yield
        finally:
            with suppress(OSError):
                (folder / _HOLDER).unlink()


def holder(folder: Path) -> str | None:
    """Say which process writes into a folder, if any does."""
    if not (folder / _LOCK).exists():
        return None
    try:
        with FileLock(folder / _LOCK).acquire(blocking=False):
            return None
    except Timeout:
        return _last_holder(folder)
    except OSError:  # a folder that nobody here may write into
        return None


def _last_holder(folder: Path) -> str:
    try:
        about = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return f"process {about['process']} on {about['host']} since {about['since']}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"
