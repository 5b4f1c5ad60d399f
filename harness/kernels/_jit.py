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
from numba.core.compiler_lock import global_compiler_lock

Function = TypeVar("Function", bound=Callable[..., Any])

# No fastmath flag of any kind: results must be the same bits on every machine.
# nogil: kernels run side by side in threads. error_model "numpy": x / 0 is inf, not an exception.
COMPILES = not numba.config.DISABLE_JIT  # without the compiler there are no lanes

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


def _keep_on_disk(dispatcher: Any) -> None:
    """Let a dispatcher look for its machine code on disk, and write it there, if possible."""
    folder = _cache_folder()
    if folder is None:
        return
    # Numba takes the folder from its configuration at this call and at no other time.
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        dispatcher.enable_caching()
    finally:
        numba.config.CACHE_DIR = before


def _compile_without_optimising(dispatcher: Any) -> None:
    """Leave optimisation to the function that this one is compiled into."""
    compile_ = dispatcher.compile

    def compile_raw(signature: Any) -> Any:
        with global_compiler_lock:  # the setting is one for all threads
            before = numba.config.OPT
            numba.config.OPT = 0
            try:
                return compile_(signature)
            finally:
                numba.config.OPT = before

    dispatcher.compile = compile_raw


def compiled(function: Function) -> Function:
    """Compile a function of numbers that other kernels call, into each place that calls it."""
    dispatcher: Function = numba.njit(**OPTIONS, forceinline=True, no_cfunc_wrapper=True)(function)
    return dispatcher


def inner(function: Function) -> Function:
    """Compile a function as `compiled` does, for kernels alone: called from Python it would crash.

    Taking its arguments apart for Python would be half of the time that compiling it takes.
    """
    dispatcher: Any = numba.njit(
        **OPTIONS, forceinline=True, no_cfunc_wrapper=True, no_cpython_wrapper=True
    )(function)
    if COMPILES:
        _compile_without_optimising(dispatcher)
    inlined: Function = dispatcher
    return inlined


def glue(function: Function) -> Function:
    """Compile a function whose body is put into its callers before anything else is done.

    For functions that only call others: what they call is then compiled once and not once more at
    every level.
    """
    dispatcher: Function = numba.njit(**OPTIONS, inline="always")(function)
    return dispatcher


def entry(function: Function) -> Function:
    """Compile a function that Python calls, at its first call, and keep it on disk if possible."""
    dispatcher: Any = numba.njit(**OPTIONS)(function)
    if COMPILES:
        _keep_on_disk(dispatcher)
    cached: Function = dispatcher
    return cached
