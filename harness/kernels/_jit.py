"""The only place where compiler options and the compile cache are set.

`compiled` is for functions that other kernels call, `entry` for those that Python calls. Only
entries are cached on disk: their machine code holds everything that they call.

Numba's own cache notices a change in the file of the cached function and in nothing else: not in
a function that it calls, not in the options. The folder of our cache is therefore named by a
stamp of everything that decides the machine code, so that a stale entry cannot be found.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba

Function = TypeVar("Function", bound=Callable[..., Any])

# No fastmath flag of any kind: results must be the same bits on every machine.
# nogil: kernels run side by side in threads. error_model "numpy": x / 0 is inf, not an exception.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "fastmath": False}


def _stamp() -> str:
    """Hash everything that decides the machine code: kernel sources, compiler and options."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(repr((numba.__version__, llvmlite.__version__, sorted(OPTIONS.items()))).encode())
    return digest.hexdigest()[:16]


STAMP = _stamp()


def _cache_folder() -> Path | None:
    """Return a folder that can be written, made if needed, or None: then nothing is cached."""
    try:
        if numba.config.CACHE_DIR:
            base = Path(numba.config.CACHE_DIR)
        elif "XDG_CACHE_HOME" in os.environ:
            base = Path(os.environ["XDG_CACHE_HOME"])
        elif sys.platform == "win32":
            base = Path(os.environ["LOCALAPPDATA"])
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path.home() / ".cache"
        folder = base / "harness" / STAMP
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError, KeyError):  # no such folder, no home, no such variable
        # Not a shared temporary folder instead: what is found in a cache is run.
        return None
    return folder if os.access(folder, os.W_OK) else None


def compiled(function: Function) -> Function:
    """Compile a function that other kernels call, into each place that calls it.

    A call would copy every array of its arguments and count references to each, atomically: the
    1-2-1 network trained 0.63 million epochs a second with calls and 2.5 without, and two
    threads waited for one another's counts.
    """
    dispatcher: Function = numba.njit(**OPTIONS, forceinline=True)(function)
    return dispatcher


def entry(function: Function) -> Function:
    """Compile a function that Python calls, at its first call, and keep it on disk if possible."""
    dispatcher: Any = numba.njit(**OPTIONS)(function)
    folder = _cache_folder()
    if folder is not None and not numba.config.DISABLE_JIT:
        # Numba takes the folder from its configuration at this call and at no other time.
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder)
        try:
            dispatcher.enable_caching()
        finally:
            numba.config.CACHE_DIR = before
    cached: Function = dispatcher
    return cached
