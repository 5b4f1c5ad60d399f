"""Loops and branches of a kernel that is being written, which Python cannot record by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from numba.extending import overload

from harness.kernels.simd.memory import Cells
from harness.kernels.simd.rows import Row, builder, is_writing, single

_unrolled: ContextVar[bool] = ContextVar("unrolled", default=False)


@contextmanager
def unrolling(unrolled: bool) -> Iterator[None]:
    """Unroll loops between plain numbers, or write all loops of more than one step as loops."""
    token = _unrolled.set(unrolled)
    try:
        yield
    finally:
        _unrolled.reset(token)


def loop(first: Any, last: Any, step: int = 1) -> Any:
    """Return the indices from first up to, but not including, last, as `range` does.

    In a kernel that is being written, the body runs once and becomes a loop, unless it is unrolled.
    What changes in the body must then be in memory, such as a `variable`.
    """
    known = not isinstance(first, Row) and not isinstance(last, Row)
    if known and (not is_writing() or _unrolled.get() or len(range(first, last, step)) <= 1):
        return range(first, last, step)
    return _written_loop(first, last, step)


overload(loop, strict=False)(
    lambda first, last, step=1: lambda first, last, step=1: range(first, last, step)
)


def _written_loop(first: Any, last: Any, step: int) -> Iterator[Row]:
    index = Cells()
    index.store(0, single(first))
    with loop_while(lambda: index.load(0, 1) < last):
        yield index.load(0, 1)
        index.store(0, index.load(0, 1) + step)


@contextmanager
def loop_while(condition: Callable[[], Any]) -> Iterator[None]:
    """Write a loop; its body is what the `with` block writes."""
    head, body, rest = (builder().append_basic_block(name) for name in ("head", "body", "rest"))
    builder().branch(head)
    builder().position_at_end(head)
    builder().cbranch(condition().vectors[0], body, rest)
    builder().position_at_end(body)
    yield
    builder().branch(head)
    builder().position_at_end(rest)


@contextmanager
def rarely_when(condition: Row) -> Iterator[None]:
    """Write a branch: the `with` block is done only if the condition holds, which is rare."""
    body, rest = (builder().append_basic_block(name) for name in ("body", "rest"))
    builder().cbranch(condition.vectors[0], body, rest).set_weights([1, 1000])
    builder().position_at_end(body)
    yield
    builder().branch(rest)
    builder().position_at_end(rest)
