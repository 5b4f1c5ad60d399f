"""Text files that a user names: pipes, devices and huge files are refused before they are read."""

import errno
import os
import stat
from pathlib import Path
from typing import TextIO

from harness.formatting import shown_bytes


def open_text(path: Path, most: int) -> TextIO:
    """Open a plain file as UTF-8 text, without a byte order mark; line ends stay as they are.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        The bytes that it may have.

    Raises
    ------
    OSError
        It cannot be opened, is not a plain file, or is larger; `strerror` says which.
    """
    try:
        # The caller closes it.
        file = open(path, encoding="utf-8-sig", newline="", opener=_open_at_once)  # noqa: SIM115
    except ValueError:  # a byte that no path may have
        raise OSError(errno.EINVAL, "it is not a path") from None
    about = os.fstat(file.fileno())
    if not stat.S_ISREG(about.st_mode):
        problem = "it is not a plain file"
    elif about.st_size > most:
        problem = f"it has {shown_bytes(about.st_size)}, and at most {shown_bytes(most)} are read"
    else:
        return file
    file.close()
    raise OSError(errno.EINVAL, problem)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting: a pipe would wait for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
