"""Open files named by the user: pipes, devices and huge files are refused before reading."""

import errno
import io
import os
import stat
from pathlib import Path

from harness.formatting import shown_bytes


def open_text(path: Path, most: int, errors: str = "strict") -> io.TextIOWrapper:
    """Open a plain file as UTF-8 text; a byte order mark is skipped, and line ends are kept.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Limit of its size, in bytes.
    errors : str, optional
        How to read bytes that are not UTF-8, as for `open`.

    Raises
    ------
    OSError
        The file cannot be opened, is not a plain file, or is too large; `strerror` says which.
    """
    file = open_bytes(path, most)
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors=errors, newline="")


def open_bytes(path: Path, most: int) -> io.BufferedReader:
    """Open a plain file as bytes; parameters and errors are those of `open_text`."""
    try:
        file: io.BufferedReader = io.BufferedReader(io.FileIO(path, "rb", opener=_open_at_once))
    except ValueError:  # a null byte
        raise OSError(errno.EINVAL, "it is not a path") from None
    about = os.fstat(file.fileno())
    if not stat.S_ISREG(about.st_mode):
        problem = "it is not a plain file"
    elif about.st_size > most:
        problem = f"it has {shown_bytes(about.st_size)}; at most {shown_bytes(most)} are allowed"
    else:
        return file
    file.close()
    raise OSError(errno.EINVAL, problem)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without blocking, as opening a pipe without a writer would."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
