"""Rows: numbers side by side in vector registers, as values of a kernel that is being written.

A kernel for lanes is not compiled from Python source. The source is *run*, once, with rows in place
of numbers, and every operation on a row writes LLVM instructions (see `writing`). So

    y = select(x < 0.0, 0.0, x) * 2.0

writes a comparison, a choice and a multiplication for every vector of x. Plain Python decides what
is written: an `if` on a number of the network, or a loop over its layers, leaves no trace.

A row is a list of vectors of 8 numbers, one register of AVX-512 or two of AVX2; all of one type:
floats, integers, or booleans from a comparison. An operation is a row of independent instructions,
which hides the latency of long chains. On AVX2, vectors of 4 were slower (59 million epochs per
second of the 1-2-1 network, against 81 million with 8). A row may also be a single number, such as
an index or a factor, which other rows take in every lane, as they take plain numbers.

Lanes do not interact, and nothing is left to an auto-vectoriser: the results are those of plain
floats, bit by bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from llvmlite import ir

BLOCK = 8  # numbers in a vector

FLOAT, INTEGER, BOOLEAN = ir.DoubleType(), ir.IntType(64), ir.IntType(1)
_POSITION = ir.IntType(32)

# Kernels may be written in several threads at once.
_current: ContextVar[Any] = ContextVar("builder", default=None)


def is_writing() -> bool:
    """Return whether a kernel is being written."""
    return _current.get() is not None


def builder() -> Any:
    """Return the llvmlite builder of the kernel that is being written."""
    return _current.get()


@contextmanager
def writing_with(builder: Any) -> Iterator[None]:
    """Write all instructions with this llvmlite builder."""
    token = _current.set(builder)
    try:
        yield
    finally:
        _current.reset(token)


class Row:
    """Numbers side by side: vectors, or a single number.

    Parameters
    ----------
    vectors : sequence of llvmlite values
        Vectors of `BLOCK` numbers of one type; or one number.
    """

    __slots__ = ("vectors",)

    def __init__(self, vectors: Sequence[Any]) -> None:
        self.vectors = list(vectors)

    @property
    def element(self) -> Any:
        """The LLVM type of a number."""
        kind = self.vectors[0].type
        return kind.element if isinstance(kind, ir.VectorType) else kind

    @property
    def is_single(self) -> bool:
        """Whether this is a single number."""
        return not isinstance(self.vectors[0].type, ir.VectorType)

    def parts(self, most: int) -> list["Row"]:
        """Return the row in parts of equal length, each of at most `most` lanes."""
        count = len(self.vectors)
        size = next(n for n in range(min(count, max(1, most // BLOCK)), 0, -1) if count % n == 0)
        return [Row(self.vectors[first : first + size]) for first in range(0, count, size)]

    def __bool__(self) -> bool:
        raise TypeError("a row has no value yet; use `select`, or `when` to write a branch")

    def __add__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fadd", INTEGER: "add"}, self, other)

    def __radd__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fadd", INTEGER: "add"}, other, self)

    def __sub__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fsub", INTEGER: "sub"}, self, other)

    def __rsub__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fsub", INTEGER: "sub"}, other, self)

    def __mul__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fmul", INTEGER: "mul"}, self, other)

    def __rmul__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fmul", INTEGER: "mul"}, other, self)

    def __truediv__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fdiv"}, as_float(self), as_float(other))

    def __rtruediv__(self, other: Any) -> "Row":
        return _by_type({FLOAT: "fdiv"}, as_float(other), as_float(self))

    def __and__(self, other: Any) -> "Row":
        return _by_type({INTEGER: "and_", BOOLEAN: "and_"}, self, other)

    def __or__(self, other: Any) -> "Row":
        return _by_type({INTEGER: "or_", BOOLEAN: "or_"}, self, other)

    def __lshift__(self, other: Any) -> "Row":
        return _by_type({INTEGER: "shl"}, self, other)

    def __rshift__(self, other: Any) -> "Row":
        return _by_type({INTEGER: "ashr"}, self, other)

    def __neg__(self) -> "Row":
        return _by_type({FLOAT: "fneg"}, self)

    def __invert__(self) -> "Row":
        return _by_type({BOOLEAN: "not_"}, self)

    def __abs__(self) -> "Row":
        return _intrinsic("fabs", self)

    def __lt__(self, other: Any) -> "Row":
        return _compare("<", self, other)

    def __le__(self, other: Any) -> "Row":
        return _compare("<=", self, other)

    def __gt__(self, other: Any) -> "Row":
        return _compare(">", self, other)

    def __ge__(self, other: Any) -> "Row":
        return _compare(">=", self, other)

    def __eq__(self, other: object) -> Any:  # a row: == compares lane by lane, too
        return _compare("==", self, other)

    # The operations of `arithmetic` and `parts`, under their names there.

    @staticmethod
    def fma(a: Any, b: Any, c: Any) -> "Row":
        """Return a * b + c, rounded once."""
        return _intrinsic("fma", a, b, c)

    @staticmethod
    def select(condition: "Row", a: Any, b: Any) -> "Row":
        """Return a where the condition holds, else b."""
        plain = INTEGER if isinstance(a, int) else FLOAT
        kind = next((value.element for value in (a, b) if isinstance(value, Row)), plain)
        count = max(len(v.vectors) for v in (condition, a, b) if isinstance(v, Row))
        single = all(not isinstance(v, Row) or v.is_single for v in (condition, a, b))
        columns = (
            _spread(condition, BOOLEAN, count, single),
            *(_spread(value, kind, count, single) for value in (a, b)),
        )
        return Row([builder().select(*vectors) for vectors in zip(*columns, strict=True)])

    @staticmethod
    def to_bits(x: "Row") -> "Row":
        """Return the bits of floats as integers."""
        return each(lambda vector: builder().bitcast(vector, _like(vector, INTEGER)), x)

    @staticmethod
    def from_bits(i: "Row") -> "Row":
        """Return the floats with these bits."""
        return each(lambda vector: builder().bitcast(vector, _like(vector, FLOAT)), i)

    @staticmethod
    def to_float(i: "Row") -> "Row":
        """Return integers as floats."""
        return each(lambda vector: builder().sitofp(vector, _like(vector, FLOAT)), i)

    @staticmethod
    def everywhere(condition: "Row") -> "Row":
        """Return whether a condition holds in all lanes, as a single boolean."""
        first, *others = condition.vectors
        for vector in others:
            first = builder().and_(first, vector)
        if condition.is_single:
            return Row([first])
        word = ir.IntType(BLOCK)
        return Row([builder().icmp_signed("==", builder().bitcast(first, word), word(-1))])

    @staticmethod
    def repeat(value: "Row", times: int, width: int) -> "Row":
        """Return a a ... b b ...: each part of `width` lanes repeated."""
        parts = value.parts(width)
        return Row([vector for part in parts for _ in range(times) for vector in part.vectors])

    @staticmethod
    def tile(value: "Row", times: int) -> "Row":
        """Return a b ... a b ...: the whole row repeated."""
        return Row(value.vectors * times)

    @staticmethod
    def add_parts(value: "Row", total: "Row") -> "Row":
        """Return total plus the parts of a row, starting with the first."""
        for part in value.parts(BLOCK * len(total.vectors)):
            total = total + part
        return total


def single(integer: Any) -> Row:
    """Return an integer as a row."""
    return integer if isinstance(integer, Row) else Row([INTEGER(integer)])


def filled(number: Any, count: int) -> Row:
    """Return `count` lanes with the same float."""
    return Row(_spread(number, FLOAT, count // BLOCK, single=False))


def joined(numbers: Sequence[Row]) -> Row:
    """Return rows of one number side by side."""
    vectors = []
    for first in range(0, len(numbers), BLOCK):
        kind = numbers[first].element
        vector = ir.Constant(ir.VectorType(kind, BLOCK), ir.Undefined)
        for lane, number in enumerate(numbers[first : first + BLOCK]):
            vector = builder().insert_element(vector, number.vectors[0], _POSITION(lane))
        vectors.append(vector)
    return Row(vectors)


def as_float(value: Any) -> Any:
    """Return integers as floats, and anything else as it is."""
    return Row.to_float(value) if isinstance(value, Row) and value.element == INTEGER else value


def each(operation: Callable[..., Any], *values: Any) -> Row:
    """Return the row of an operation on vectors, for rows and plain numbers of one type."""
    rows = [value for value in values if isinstance(value, Row)]
    kind, count = rows[0].element, max(len(row.vectors) for row in rows)
    single = all(row.is_single for row in rows)
    columns = [_spread(value, kind, count, single) for value in values]
    return Row([operation(*vectors) for vectors in zip(*columns, strict=True)])


def _spread(value: Any, kind: Any, count: int, single: bool) -> list[Any]:
    """Return the vectors of a row, or of a number in every lane."""
    if not isinstance(value, Row):
        if kind != FLOAT and not isinstance(value, int | np.integer):
            raise TypeError(f"{value} meets a row of {kind}; convert the row with `to_float`")
        number = ir.Constant(kind, float(value) if kind == FLOAT else int(value))
        return [
            number if single else ir.Constant(ir.VectorType(kind, BLOCK), [number] * BLOCK)
        ] * count
    if value.element != kind:
        raise TypeError(f"a row of {value.element} meets one of {kind}")
    if value.is_single and not single:
        return [_in_every_lane(value.vectors[0])] * count
    if len(value.vectors) != count:
        raise TypeError(f"a row of {len(value.vectors)} vectors meets one of {count}")
    return value.vectors


def _in_every_lane(number: Any) -> Any:
    vector = ir.Constant(ir.VectorType(number.type, BLOCK), ir.Undefined)
    vector = builder().insert_element(vector, number, _POSITION(0))
    zeros = ir.Constant(ir.VectorType(_POSITION, BLOCK), [0] * BLOCK)
    return builder().shuffle_vector(vector, vector, zeros)


def _like(vector: Any, kind: Any) -> Any:
    """Return the type of a vector, or a single number, with another type of number."""
    return ir.VectorType(kind, BLOCK) if isinstance(vector.type, ir.VectorType) else kind


def _by_type(operations: dict[Any, str], *values: Any) -> Row:
    kind = next(value.element for value in values if isinstance(value, Row))
    return each(getattr(builder(), operations[kind]), *values)


def _compare(sign: str, *values: Any) -> Row:
    def compare(a: Any, b: Any) -> Any:
        if Row([a]).element == FLOAT:  # ordered, so that a comparison with NaN is false
            return builder().fcmp_ordered(sign, a, b)
        return builder().icmp_signed(sign, a, b)

    return each(compare, *values)


def _intrinsic(name: str, *values: Any) -> Row:
    """Return the LLVM intrinsic of that name, on floats."""

    def call(*vectors: Any) -> Any:
        kind = vectors[0].type
        suffix = f"v{kind.count}f64" if isinstance(kind, ir.VectorType) else "f64"
        function = ir.FunctionType(kind, [kind] * len(vectors))
        module, full_name = builder().module, f"llvm.{name}.{suffix}"
        declared = module.globals.get(full_name) or ir.Function(module, function, full_name)
        return builder().call(declared, vectors)

    return each(call, *values)
