"""Parts of lanes: n numbers as n / width parts of `width` numbers each, width a multiple of 8.

`repeat`, `tile` and `transpose` only rename registers and cost no instructions. `add_parts` and
`fma_parts` sum parts, starting with the first. As in `lanes`, a single lane is a plain number; it
has one part.
"""

from collections.abc import Callable
from typing import Any

from numba.core.typing.templates import signature
from numba.extending import intrinsic, overload

from harness.kernels.simd import arithmetic
from harness.kernels.simd.lanes import BLOCK, Lanes, intrinsic_of, row_of, vectors_of


def repeat(value: Any, times: int, width: int) -> Any:
    """Return a a ... b b ...: each part of a value repeated `times` times."""
    return value


def tile(value: Any, times: int) -> Any:
    """Return a b ... a b ...: the whole value repeated `times` times."""
    return value


def transpose(value: Any, rows: int, columns: int) -> Any:
    """Return the rows x columns parts of a value, given row by row, column by column."""
    return value


def add_parts(value: Any, total: Any) -> Any:
    """Return total plus the parts of a value, each as wide as total, starting with the first."""
    return total + value


def fma_parts(a: Any, b: Any, total: Any) -> Any:
    """Return total plus the products of the parts, starting with the first, each fused."""
    return arithmetic.fma(a, b, total)


def _renamed(order: list[int], value: Any, *constants: Any) -> Any:
    """Return signature and lowering of a reordering of the vectors of a value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = vectors_of(builder, arguments[0])
        return row_of(builder, [vectors[i] for i in order])

    return signature(Lanes(value.element, len(order) * BLOCK), value, *constants), generate


def _define_repeat(context: Any, value: Any, times: Any, width: Any) -> Any:
    part = width.literal_value // BLOCK
    starts = range(0, value.count // BLOCK, part)
    copies = range(times.literal_value)
    order = [i for start in starts for _ in copies for i in range(start, start + part)]
    return _renamed(order, value, times, width)


def _define_tile(context: Any, value: Any, times: Any) -> Any:
    order = list(range(value.count // BLOCK)) * times.literal_value
    return _renamed(order, value, times)


def _define_transpose(context: Any, value: Any, rows: Any, columns: Any) -> Any:
    down, across = rows.literal_value, columns.literal_value
    part = value.count // BLOCK // (down * across)
    starts = [(row * across + column) * part for column in range(across) for row in range(down)]
    order = [i for start in starts for i in range(start, start + part)]
    return _renamed(order, value, rows, columns)


def _sum(operation: Callable[..., Any], total: Any, *values: Any) -> Any:
    """Return signature and lowering of a sum of parts; `operation` takes the total last."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *columns, sums = (vectors_of(builder, value) for value in arguments)
        for i, vectors in enumerate(zip(*columns, strict=True)):
            at = i % len(sums)
            sums[at] = operation(builder, *vectors, sums[at])
        return row_of(builder, sums)

    return signature(total, *values, total), generate


def _define_add_parts(context: Any, value: Any, total: Any) -> Any:
    return _sum(lambda builder, value, total: builder.fadd(total, value), total, value)


def _define_fma_parts(context: Any, a: Any, b: Any, total: Any) -> Any:
    return _sum(intrinsic_of("fma"), total, a, b)


_repeat = intrinsic(prefer_literal=True)(_define_repeat)
_tile = intrinsic(prefer_literal=True)(_define_tile)
_transpose = intrinsic(prefer_literal=True)(_define_transpose)
_add_parts = intrinsic(_define_add_parts)
_fma_parts = intrinsic(_define_fma_parts)


def _implement_repeat(value: Any, times: Any, width: Any) -> Any:
    if isinstance(value, Lanes):
        return lambda value, times, width: _repeat(value, times, width)
    return lambda value, times, width: value


def _implement_tile(value: Any, times: Any) -> Any:
    if isinstance(value, Lanes):
        return lambda value, times: _tile(value, times)
    return lambda value, times: value


def _implement_transpose(value: Any, rows: Any, columns: Any) -> Any:
    if isinstance(value, Lanes):
        return lambda value, rows, columns: _transpose(value, rows, columns)
    return lambda value, rows, columns: value


def _implement_add_parts(value: Any, total: Any) -> Any:
    if isinstance(value, Lanes):
        return lambda value, total: _add_parts(value, total)
    return lambda value, total: total + value


def _implement_fma_parts(a: Any, b: Any, total: Any) -> Any:
    if isinstance(total, Lanes):
        return lambda a, b, total: _fma_parts(a, b, total)
    return lambda a, b, total: arithmetic.fma(a, b, total)


overload(repeat, strict=False, prefer_literal=True)(_implement_repeat)
overload(tile, strict=False, prefer_literal=True)(_implement_tile)
overload(transpose, strict=False, prefer_literal=True)(_implement_transpose)
overload(add_parts, strict=False)(_implement_add_parts)
overload(fma_parts, strict=False)(_implement_fma_parts)
