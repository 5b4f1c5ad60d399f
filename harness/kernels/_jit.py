"""The compiler options of all functions that Numba compiles, and their cache.

`compiled` is for functions that other kernels call, `entry` for those that Python calls. Of these,
only entries are cached on disk (`_cache`), because their machine code contains everything that they
call. They are filed under a hash of everything that determines the machine code, so that a stale
entry is never found.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
from numba.extending import register_jitable

from harness.kernels._cache import CodeCache

Function = TypeVar("Function", bound=Callable[..., Any])

COMPILES = not numba.config.DISABLE_JIT  # lanes need the compiler

# No fastmath flag of any kind: results must have the same bits on every machine.
# nogil: kernels run side by side in threads. error_model "numpy": x / 0 is inf, not an exception.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "fastmath": False}

# Settings from the environment.
_SETTINGS = [getattr(numba.config, n) for n in ("OPT", "BOUNDSCHECK", "LOOP_VECTORIZE")]


def _stamp() -> str:
    """Hash everything that determines the machine code: kernel sources, compiler and options."""
    digest, folder = hashlib.sha256(), Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update(
        repr(
            (numba.__version__, llvmlite.__version__, sorted(OPTIONS.items()), *_SETTINGS)
        ).encode()
    )
    return digest.hexdigest()[:16]


STAMP = _stamp()


def compiled(function: Function) -> Function:
    """Let compiled code call a function, inlined; in Python it stays as it is.

    Without the wrappers for other callers, compiling takes half the time.
    """
    inlined: Function = register_jitable(
        **OPTIONS, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return inlined


def entry(function: Function) -> Function:
    """Compile a function that Python calls, on its first call, and cache it on disk if possible."""
    dispatcher: Any = numba.njit(**OPTIONS)(function)
    if COMPILES:
        dispatcher._cache = CodeCache(function, STAMP)  # as `enable_caching` sets Numba's own
    cached: Function = dispatcher
    return cached
