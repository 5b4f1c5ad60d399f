"""Operations on any number of lanes and parts; a plain number is one lane and one part.

A row of n lanes is n / width parts of `width` lanes each. `repeat` and `tile` only rename registers
and write no instructions. `add_parts` sums parts, starting with the first.
"""

from typing import Any

from numba.extending import overload

from harness.kernels.simd.arithmetic import on_rows
from harness.kernels.simd.rows import filled


def fill(number: Any, count: int) -> Any:
    """Return `count` lanes with the same float."""
    return number if count == 1 else filled(number, count)


@on_rows
def repeat(value: Any, times: int, width: int) -> Any:
    """Return a a ... b b ...: each part of a value repeated `times` times."""
    return value


@on_rows
def tile(value: Any, times: int) -> Any:
    """Return a b ... a b ...: the whole value repeated `times` times."""
    return value


@on_rows
def add_parts(value: Any, total: Any) -> Any:
    """Return total plus the parts of a value, each as wide as total, starting with the first."""
    return total + value


# For compiled code, which knows plain numbers only.
overload(fill, strict=False)(lambda number, count: lambda number, count: number)
overload(repeat, strict=False)(lambda value, times, width: lambda value, times, width: value)
overload(tile, strict=False)(lambda value, times: lambda value, times: value)
overload(add_parts, strict=False)(lambda value, total: lambda value, total: total + value)
