"""Checks of the arguments of public functions.

Without them, a wrong type would fail far below, with a message about something else, or be
accepted, as in ``threads=True``.
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
    """Raise a HarnessError unless an argument has one of the allowed types.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : object
        Its value.
    kinds : type or tuple of types
        Allowed types.
    allowed, advice : str
        The allowed types in words, and what to do.
    """
    if not isinstance(value, kinds):
        raise HarnessError(f"{name} = {shown(value)} must be {allowed}.\n{advice}")


def check_path(name: str, value: object) -> None:
    """Raise a HarnessError unless an argument can be a path or a URL."""
    # The path of an object store may not be PathLike.
    is_path = isinstance(value, str | PathLike) or hasattr(value, "joinpath")
    if not is_path or str(value) == "" or "\0" in str(value):
        raise HarnessError(f"{name} = {shown(value)} must be a path.\nUse a str or a pathlib.Path.")


def is_whole(value: object) -> bool:
    """Tell whether a value is an integer of Python or NumPy; bool does not count."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_whole(name: str, value: Any, least: int, advice: str) -> int:
    """Return an integer; raise a HarnessError unless it is at least `least`."""
    if not is_whole(value) or value < least:
        raise HarnessError(
            f"{name} = {shown(value)} must be a whole number of at least {least}.\n{advice}"
        )
    return int(value)


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite int or float; bool does not count."""
    is_right = isinstance(value, int | float) and not isinstance(value, bool)
    return is_right and abs(value) <= sys.float_info.max


def check_names(name: str, value: object) -> list[str]:
    """Return a list of names; raise a HarnessError for anything else, such as a single name."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise HarnessError(
            f'{name} = {shown(value)} must be a list of names.\nFor example: ["run_id", "status"]'
        )
    names = list(value)
    for one in names:
        check_type(name, one, str, "a list of names", 'For example: ["run_id", "status"]')
    return names


def check_run_ids(value: object) -> NDArray[np.int64]:
    """Return run ids as an array; raise a HarnessError unless they are integers."""
    try:
        ids = np.asarray(value if isinstance(value, np.ndarray) else _listed(value))
    except (TypeError, ValueError, OverflowError):  # not a list, a ragged list, 10^400
        ids = np.array("")
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise HarnessError(
            f"run_ids = {shown(value)} must be a run id or a list of run ids.\n"
            "Run ids are whole numbers from 0, as in the column run_id."
        )
    return ids.astype(np.int64)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        raise TypeError
    return [value] if is_whole(value) else list(value)
