"""Arguments of the functions that users call: refused as on the command line, before they are used.

A wrong type would otherwise fail far below, in words of another module; or not at all, as threads
that are True.
"""

import sys
from collections.abc import Iterable
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, shown


def check_type(
    name: str, value: object, kinds: type | tuple[type, ...], allowed: str, advice: str
) -> None:
    """Raise a HarnessError unless an argument is of one of some types.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
        What was given.
    kinds : type or tuple of types
        The types that are allowed.
    allowed, advice : str
        The same in words, and what to do.
    """
    if not isinstance(value, kinds):
        raise HarnessError(f"{name} = {shown(value)} must be {allowed}.\n{advice}")


def check_path(name: str, value: object) -> None:
    """Raise a HarnessError unless an argument may be a path or a URL."""
    # The path of an object store is not always a PathLike, and joins like one.
    is_path = isinstance(value, str | PathLike) or hasattr(value, "joinpath")
    if not is_path or str(value) == "" or "\0" in str(value):
        raise HarnessError(
            f"{name} = {shown(value)} must be a path.\nGive it as a text or as a pathlib.Path."
        )


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number, of Python or NumPy, and no truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_whole(name: str, value: Any, least: int, advice: str) -> int:
    """Return a whole number of at least `least`; raise a HarnessError for anything else."""
    if not is_whole(value) or value < least:
        raise HarnessError(
            f"{name} = {shown(value)} must be a whole number of at least {least}.\n{advice}"
        )
    return int(value)


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number, and no truth value."""
    is_right = isinstance(value, int | float) and not isinstance(value, bool)
    return is_right and abs(value) <= sys.float_info.max


def check_names(name: str, value: object) -> list[str]:
    """Return a list of names; raise a HarnessError for anything else, a single name too."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise HarnessError(
            f'{name} = {shown(value)} must be a list of names.\nFor example: ["run_id", "status"]'
        )
    names = list(value)
    for one in names:
        check_type(name, one, str, "a list of names", 'For example: ["run_id", "status"]')
    return names


def check_run_ids(value: object) -> NDArray[np.int64]:
    """Return ids of runs as an array; raise a HarnessError unless they are whole numbers."""
    try:
        ids = np.asarray(value if isinstance(value, np.ndarray) else _listed(value))
    except (TypeError, ValueError, OverflowError):  # no list, lists of several lengths, 10^400
        ids = np.array("")
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise HarnessError(
            f"run_ids = {shown(value)} must be the id of a run, or a list of them.\n"
            "Ids are whole numbers from 0, as in the column run_id."
        )
    return ids.astype(np.int64)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        raise TypeError
    return [value] if is_whole(value) else list(value)
