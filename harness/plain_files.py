"""Open text files named by the user: pipes, devices and huge files are refused before reading."""

import errno
import os
import stat
from pathlib import Path
from typing import TextIO

from harness.formatting import shown_bytes


def open_text(path: Path, most: int) -> TextIO:
    """Open a plain file as UTF-8 text; a byte order mark is skipped, and line ends are kept.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Limit of its size, in bytes.

    Raises
    ------
    OSError
        The file cannot be opened, is not a plain file, or is too large; `strerror` says which.
    """
    try:
        file = open(  # noqa: SIM115 - the caller closes it
            path, encoding="utf-8-sig", newline="", opener=_open_at_once
        )
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
