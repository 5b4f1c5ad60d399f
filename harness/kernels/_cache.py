"""Cache of machine code on disk. A damaged file is ignored, and training never needs the cache.

There is one file per function and argument types, or per kernel for lanes:

    <base>/harness/<stamp>/<hash>.code        SHA-256 of name and pickle, then the pickle

The stamp identifies the source that the machine code was compiled from. The hash covers the
function, the types of its arguments, and the processor with its features. Numba's own cache keeps
pickles without checksums, and an index that a power failure may leave empty.

Unpickling can run arbitrary code. A file is therefore read only if its checksum is right and only
the user could have written it: the file and all folders from the base down belong to the user, and
others may not write to them. If reading or writing fails for any reason, the function is compiled.
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
from numba.core.runtime import rtsys

# Number of stamps to keep, the last used first. Each version of the kernels has its own stamp.
_STAMPS = 10

_STAMP = re.compile("[0-9a-f]{16}")
_UNFINISHED = ".unfinished-"
_SECONDS_TO_FINISH = 3600.0

_DIGEST = hashlib.sha256().digest_size

# Do not follow links or wait for pipes. On Windows, where these flags are missing, no name in a
# folder can be either.
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Unusable(Exception):
    """A file is damaged, or others may write to it."""


class Folder(NamedTuple):
    """Folder of the machine code, or the reason why there is none."""

    path: Path | None
    problem: str = ""


def load(stamp: str, key: tuple[Any, ...]) -> Any:
    """Return the value saved under a key, or None."""
    try:
        return pickle.loads(_read(_path(stamp, key)))
    except Exception:  # whatever it is, the function is compiled instead
        return None


def save(stamp: str, key: tuple[Any, ...], value: Any) -> None:
    """Write a value to disk, if possible."""
    with suppress(Exception):
        path = _path(stamp, key)
        _write(path, serialize.dumps(value))
        _tidy(path.parent)


def is_empty(stamp: str) -> bool:
    """Return whether there is a folder for a stamp, and no machine code in it."""
    folder = folder_of(stamp).path
    return folder is not None and next(folder.glob("*.code"), None) is None


def _path(stamp: str, key: tuple[Any, ...]) -> Path:
    folder = folder_of(stamp).path
    if folder is None:
        raise Unusable
    return folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()}.code"


class CodeCache(NullCache):
    """Cache of the machine code of one function; replaces Numba's own.

    Parameters
    ----------
    function : callable
        The Python function. It must not be a closure, because the values that it closes over are
        not part of the name.
    stamp : str
        Hash of everything else that determines the machine code: 16 hexadecimal digits.
    """

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        assert function.__closure__ is None
        self._function = function
        self._stamp = stamp

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the cached machine code for a signature, or None."""
        # Machine code needs only Numba's runtime. Numba's own cache also calls `refresh`, which
        # loads all that the compiler knows, and SciPy; the compiler calls it by itself.
        rtsys.initialize(target_context)
        parts = load(self._stamp, self._key(sig, target_context.codegen()))
        if parts is None:
            return None
        with suppress(Exception):
            found = CompileResult._rebuild(target_context, *parts)
            return found if found.signature.args == _types(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the machine code for a signature to disk, if possible."""
        if data.library.has_dynamic_globals:  # addresses that are valid in this process only
            return
        save(self._stamp, self._key(sig, data.codegen), data._reduce())

    def _key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        function = self._function
        return (
            *(function.__module__, function.__qualname__, function.__code__.co_code),
            *map(str, _types(sig)),
            *(codegen.magic_tuple(), sys.implementation.cache_tag),
        )


def _types(sig: Any) -> tuple[Any, ...]:
    arguments, _ = sigutils.normalize_signature(sig)
    return tuple(arguments)


# -- files -----------------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    """Return the data that `_write` wrote, or raise Unusable or an OSError."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _AS_IT_IS)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or _who_else(status):
            raise Unusable
        checksum, data = file.read(_DIGEST), file.read()
    if checksum != _checksum(path, data):
        raise Unusable
    return data


def _write(path: Path, data: bytes) -> None:
    """Write a file, or replace it atomically."""
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
    # Includes the name, because an intact file may hold machine code for another processor.
    return hashlib.sha256(path.name.encode() + b"\0" + data).digest()


def _tidy(folder: Path) -> None:
    """Remove the leftovers of killed processes, and all but the last used stamps."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):  # another process may have removed it
            if time.time() - path.stat().st_mtime > _SECONDS_TO_FINISH:
                path.unlink()
    stamps = [path for path in folder.parent.iterdir() if _STAMP.fullmatch(path.name)]
    stamps.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in stamps[_STAMPS:]:
        shutil.rmtree(path, ignore_errors=True)


# -- the folder ------------------------------------------------------------------------------------


@cache
def folder_of(stamp: str) -> Folder:
    """Return the folder for a stamp, and create it if needed."""
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
        with suppress(OSError):  # the folder may be read-only
            os.utime(path)  # marks it as the last used
    except (OSError, RuntimeError, KeyError) as error:  # no access, no home, no such variable
        # A shared temporary folder would be unsafe: the contents of the cache are run.
        return Folder(None, f"there is no folder for it: {error}")
    return Folder(path)


def _who_else(status: os.stat_result) -> str:
    """Say who else may write to a file or folder; empty if only the user may."""
    if sys.platform == "win32":  # modes mean nothing there, and a profile belongs to its user
        return ""
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written by others (chmod go-w)"
    return ""


def _base() -> Path:
    """Return the user's cache folder."""
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR)
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"
