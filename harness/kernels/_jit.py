"""The only place where compiler options and the compile cache are set.

`compiled` is for functions that other kernels call, `entry` for those that Python calls. Only
entries are cached on disk (`_cache`): their machine code holds everything that they call. They are
found under a stamp of everything that decides machine code, so that a stale entry cannot be found.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
from numba.core.compiler_lock import global_compiler_lock

from harness.kernels._cache import CodeCache

Function = TypeVar("Function", bound=Callable[..., Any])

# No fastmath flag of any kind: results must be the same bits on every machine.
# nogil: kernels run side by side in threads. error_model "numpy": x / 0 is inf, not an exception.
COMPILES = not numba.config.DISABLE_JIT  # without the compiler there are no lanes

OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "fastmath": False}


def _stamp() -> str:
    """Hash everything that decides the machine code: kernel sources, compiler and options."""
    digest, folder = hashlib.sha256(), Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update(repr((numba.__version__, llvmlite.__version__, sorted(OPTIONS.items()))).encode())
    return digest.hexdigest()[:16]


STAMP = _stamp()


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
        dispatcher._cache = CodeCache(function, STAMP)  # as its enable_caching sets Numba's own
    cached: Function = dispatcher
    return cached
