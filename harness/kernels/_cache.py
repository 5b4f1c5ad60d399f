"""Machine code on disk: whole or not used, and never a condition for training.

One file for each function and each types of arguments that it is compiled for:

    <base>/harness/<stamp>/<hash>.code        SHA-256 of name and rest, then a pickle

The stamp says what source the machine code was made from. The hash is that of the function, the
types of its arguments and the processor, features included. Numba's own cache has pickles without
checksums and an index, which a power failure may leave empty.

A pickle runs code when it is read. So a file is read only if its checksum is right and nobody but
the user could have written it: it belongs to the user, and so do all folders from the base down,
and none is writable by others. Whatever goes wrong with reading or writing, the function is
compiled.
"""

import hashlib
import os
import pickle
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numba
from numba.core import serialize, sigutils
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult

# Stamps that are kept, by last use. Each version of the kernels has one.
_STAMPS = 10

_STAMP = re.compile("[0-9a-f]{16}")
_UNFINISHED = ".unfinished-"
_SECONDS_TO_FINISH = 3600.0

_DIGEST = hashlib.sha256().digest_size

# Windows has neither links nor pipes that a name in a folder could turn out to be.
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Unusable(Exception):
    """A file is not what was written, or not only the user's."""


class Folder(NamedTuple):
    """Where machine code is kept, or why it is not."""

    path: Path | None
    problem: str = ""


class CodeCache(NullCache):
    """Machine code of one function, in the place of Numba's own cache.

    Parameters
    ----------
    function : callable
        The function in Python. Values that it closes over would have to be part of the name, so
        it must not close over any.
    stamp : str
        Hash of everything else that decides the machine code: 16 hexadecimal digits.
    """

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        assert function.__closure__ is None
        self._function = function
        self._stamp = stamp

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled for a signature, or None."""
        target_context.refresh()
        try:
            data = _read(self._path(sig, target_context.codegen()))
            found = CompileResult._rebuild(target_context, *pickle.loads(data))
        except Exception:  # of any kind: then it is compiled
            return None
        return found if found.signature.args == _types(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature, if possible."""
        if data.library.has_dynamic_globals:  # addresses of this process
            return
        with suppress(Exception):
            path = self._path(sig, data.codegen)
            _write(path, serialize.dumps(data._reduce()))
            _tidy(path.parent)

    def _path(self, sig: Any, codegen: Any) -> Path:
        folder = folder_of(self._stamp).path
        if folder is None:
            raise Unusable
        function = self._function
        decides = (
            *(function.__module__, function.__qualname__, function.__code__.co_code),
            *map(str, _types(sig)),
            *(codegen.magic_tuple(), sys.implementation.cache_tag),
        )
        return folder / f"{hashlib.sha256(repr(decides).encode()).hexdigest()}.code"


def _types(sig: Any) -> tuple[Any, ...]:
    arguments, _ = sigutils.normalize_signature(sig)
    return tuple(arguments)


# -- files -----------------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    """Return what `_write` was given; raise Unusable or an OSError if that is not there."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _AS_IT_IS)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or _who_else(status):
            raise Unusable
        checksum, data = file.read(_DIGEST), file.read()
    if checksum != _checksum(path, data):
        raise Unusable
    return data


def _write(path: Path, data: bytes) -> None:
    """Make a file, in the place of the one that is there."""
    descriptor, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(_checksum(path, data) + data)
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished)
        raise


def _checksum(path: Path, data: bytes) -> bytes:
    # With the name: machine code for another processor is whole as well.
    return hashlib.sha256(path.name.encode() + b"\0" + data).digest()


def _tidy(folder: Path) -> None:
    """Remove what killed processes have left, and all stamps but those that were used last."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):  # another process is at it
            if time.time() - path.stat().st_mtime > _SECONDS_TO_FINISH:
                path.unlink()
    stamps = [path for path in folder.parent.iterdir() if _STAMP.fullmatch(path.name)]
    stamps.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in stamps[_STAMPS:]:
        shutil.rmtree(path, ignore_errors=True)


# -- the folder ------------------------------------------------------------------------------------


@cache
def folder_of(stamp: str) -> Folder:
    """Return the folder for a stamp, which is made if needed."""
    try:
        base = Path(os.path.realpath(_base()))
        path = base / "harness" / stamp
        for folder in reversed((path, *path.parents)):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
        for folder in (base, path.parent, path):
            status = os.lstat(folder)
            if not stat.S_ISDIR(status.st_mode):
                return Folder(None, f"{folder} is a link")
            if who := _who_else(status):
                return Folder(None, f"{folder} {who}")
        with suppress(OSError):  # which a folder that is only read does not allow
            os.utime(path)  # used last
    except (OSError, RuntimeError, KeyError) as error:  # no such place, no home, no such variable
        # Not a shared temporary folder instead: what is found in a cache is run.
        return Folder(None, f"there is no folder for it: {error}")
    return Folder(path)


def _who_else(status: os.stat_result) -> str:
    """Say who beside the user may write to a file or folder; nobody: an empty text."""
    if sys.platform == "win32":  # whose modes say nothing; there a profile is its user's
        return ""
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written by others (chmod go-w)"
    return ""


def _base() -> Path:
    """Return the folder of all caches of the user."""
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR)
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"
