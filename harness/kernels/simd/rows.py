"""Rows: numbers side by side in vector registers, as values of a kernel that is being written.

A kernel for lanes is not compiled from Python source. The source is *run*, once, with rows in place
of numbers, and every operation on a row writes LLVM instructions (see `writing`). So

    y = select(x < 0.0, 0.0, x) * 2.0

writes a comparison, a choice and a multiplication for every vector of x. Plain Python decides what
is written: an `if` on a number of the network, or a loop over its layers, leaves no trace.

A row is a list of vectors of 64 bytes, one register of AVX-512 or two of AVX2: 8 doubles or 16
singles. All are of one type: floats, integers, or booleans from a comparison. An operation is a row
of independent instructions, which hides the latency of long chains. On AVX2, vectors of 4 doubles
were slower (59 million epochs per second of the 1-2-1 network, against 81 million with 8). A row
may also be a single number, such as an index or a factor, which other rows take in every lane, as
they take plain numbers.

A kernel computes in one precision, double or single. Only sums over data points are always doubles.

Lanes do not interact, and nothing is left to an auto-vectoriser: the results are those of plain
floats, bit by bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from llvmlite import ir

DOUBLE, SINGLE = ir.DoubleType(), ir.FloatType()
INTEGER, WORD, BOOLEAN = ir.IntType(64), ir.IntType(32), ir.IntType(1)
FLOATS = {"float64": DOUBLE, "float32": SINGLE}  # by precision

# The integers that hold the bits of a float.
_BITS = {DOUBLE: INTEGER, SINGLE: WORD}
_FLOAT_OF = {integer: kind for kind, integer in _BITS.items()}
_POSITION = ir.IntType(32)

# Kernels may be written in several threads at once.
_current: ContextVar[Any] = ContextVar("builder", default=None)
_precision: ContextVar[str] = ContextVar("precision", default="float64")


def lanes_of(kind: Any) -> int:
    """Return how many numbers of a type are in a vector."""
    return 8 if kind in (DOUBLE, INTEGER) else 16


def is_writing() -> bool:
    """Return whether a kernel is being written."""
    return _current.get() is not None


def builder() -> Any:
    """Return the llvmlite builder of the kernel that is being written."""
    return _current.get()


def number_type() -> Any:
    """Return the LLVM type of the numbers that the kernel computes with."""
    return FLOATS[_precision.get()]


@contextmanager
def writing_with(builder: Any, precision: str = "float64") -> Iterator[None]:
    """Write all instructions with this llvmlite builder, in a precision of `FLOATS`."""
    tokens = _current.set(builder), _precision.set(precision)
    try:
        yield
    finally:
        _current.reset(tokens[0])
        _precision.reset(tokens[1])


class Row:
    """Numbers side by side: vectors, or a single number.

    Parameters
    ----------
    vectors : sequence of llvmlite values
        Vectors of numbers of one type, see `lanes_of`; or one number.
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
    def lanes(self) -> int:
        """Number of lanes of a vector; 1 if this is a single number."""
        kind = self.vectors[0].type
        return kind.count if isinstance(kind, ir.VectorType) else 1

    @property
    def is_single(self) -> bool:
        """Whether this is a single number."""
        return self.lanes == 1

    def parts(self, most: int) -> list["Row"]:
        """Return the row in parts of equal length, each of at most `most` lanes."""
        count = len(self.vectors)
        fitting = min(count, max(1, most // self.lanes))
        size = next(n for n in range(fitting, 0, -1) if count % n == 0)
        return [Row(self.vectors[first : first + size]) for first in range(0, count, size)]

    def __bool__(self) -> bool:
        raise TypeError("a row has no value yet; use `select`, or `when` to write a branch")

    def __add__(self, other: Any) -> "Row":
        return _by_type("fadd", "add", self, other)

    def __radd__(self, other: Any) -> "Row":
        return _by_type("fadd", "add", other, self)

    def __sub__(self, other: Any) -> "Row":
        return _by_type("fsub", "sub", self, other)

    def __rsub__(self, other: Any) -> "Row":
        return _by_type("fsub", "sub", other, self)

    def __mul__(self, other: Any) -> "Row":
        return _by_type("fmul", "mul", self, other)

    def __rmul__(self, other: Any) -> "Row":
        return _by_type("fmul", "mul", other, self)

    def __truediv__(self, other: Any) -> "Row":
        return _by_type("fdiv", None, as_float(self), as_float(other))

    def __rtruediv__(self, other: Any) -> "Row":
        return _by_type("fdiv", None, as_float(other), as_float(self))

    def __and__(self, other: Any) -> "Row":
        return _by_type(None, "and_", self, other)

    def __or__(self, other: Any) -> "Row":
        return _by_type(None, "or_", self, other)

    def __lshift__(self, other: Any) -> "Row":
        return _by_type(None, "shl", self, other)

    def __rshift__(self, other: Any) -> "Row":
        return _by_type(None, "ashr", self, other)

    def __neg__(self) -> "Row":
        return _by_type("fneg", None, self)

    def __invert__(self) -> "Row":
        return _by_type(None, "not_", self)

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
    def sqrt(x: Any) -> "Row":
        """Return the square root, correctly rounded."""
        return _intrinsic("sqrt", x)

    @staticmethod
    def select(condition: "Row", a: Any, b: Any) -> "Row":
        """Return a where the condition holds, else b."""
        plain = INTEGER if isinstance(a, int) else number_type()
        kind = next((value.element for value in (a, b) if isinstance(value, Row)), plain)
        shape = _shape_of(condition, a, b)
        columns = (
            _spread(condition, BOOLEAN, *shape),
            *(_spread(value, kind, *shape) for value in (a, b)),
        )
        return Row([builder().select(*vectors) for vectors in zip(*columns, strict=True)])

    @staticmethod
    def to_bits(x: "Row") -> "Row":
        """Return the bits of floats as integers."""
        return each(lambda vector: builder().bitcast(vector, _like(vector, _BITS[x.element])), x)

    @staticmethod
    def from_bits(i: "Row") -> "Row":
        """Return the floats with these bits."""
        kind = _FLOAT_OF[i.element]
        return each(lambda vector: builder().bitcast(vector, _like(vector, kind)), i)

    @staticmethod
    def to_float(i: "Row") -> "Row":
        """Return integers as doubles."""
        return each(lambda vector: builder().sitofp(vector, _like(vector, DOUBLE)), i)

    @staticmethod
    def to_double(x: "Row") -> "Row":
        """Return the numbers as doubles."""
        if x.element == DOUBLE:
            return x
        if x.is_single:
            return Row([builder().fpext(x.vectors[0], DOUBLE)])
        halves = [half for vector in x.vectors for half in _halves(vector)]
        return Row([builder().fpext(half, _like(half, DOUBLE)) for half in halves])

    @staticmethod
    def to_precision(x: "Row") -> "Row":
        """Return doubles, rounded to the precision of the kernel."""
        kind = number_type()
        if kind == x.element:
            return x
        rounded = [builder().fptrunc(vector, _like(vector, kind)) for vector in x.vectors]
        if x.is_single:
            return Row(rounded)
        pairs = zip(rounded[::2], rounded[1::2], strict=True)
        return Row([_shuffled(low, high, range(lanes_of(kind))) for low, high in pairs])

    @staticmethod
    def everywhere(condition: "Row") -> "Row":
        """Return whether a condition holds in all lanes, as a single boolean."""
        first, *others = condition.vectors
        for vector in others:
            first = builder().and_(first, vector)
        if condition.is_single:
            return Row([first])
        word = ir.IntType(condition.lanes)
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
        for part in value.parts(total.lanes * len(total.vectors)):
            total = total + part
        return total


def single(integer: Any) -> Row:
    """Return an integer as a row."""
    return integer if isinstance(integer, Row) else Row([INTEGER(integer)])


def filled(number: Any, count: int) -> Row:
    """Return `count` lanes with the same number of the kernel."""
    kind = number_type()
    return Row(_spread(number, kind, count // lanes_of(kind), lanes_of(kind)))


def joined(numbers: Sequence[Row]) -> Row:
    """Return rows of one number side by side."""
    kind = numbers[0].element
    vectors = []
    for first in range(0, len(numbers), lanes_of(kind)):
        vector = ir.Constant(ir.VectorType(kind, lanes_of(kind)), ir.Undefined)
        for lane, number in enumerate(numbers[first : first + lanes_of(kind)]):
            vector = builder().insert_element(vector, number.vectors[0], _POSITION(lane))
        vectors.append(vector)
    return Row(vectors)


def as_float(value: Any) -> Any:
    """Return integers as doubles, and anything else as it is."""
    return Row.to_float(value) if isinstance(value, Row) and value.element == INTEGER else value


def each(operation: Callable[..., Any], *values: Any) -> Row:
    """Return the row of an operation on vectors, for rows and plain numbers of one type."""
    kind = next(value.element for value in values if isinstance(value, Row))
    shape = _shape_of(*values)
    columns = [_spread(value, kind, *shape) for value in values]
    return Row([operation(*vectors) for vectors in zip(*columns, strict=True)])


def _shape_of(*values: Any) -> tuple[int, int]:
    """Return number and lanes of the vectors of rows that meet; 1 lane if all are single."""
    rows = [value for value in values if isinstance(value, Row)]
    return max(len(row.vectors) for row in rows), max(row.lanes for row in rows)


def _spread(value: Any, kind: Any, count: int, lanes: int) -> list[Any]:
    """Return the vectors of a row, or of a number in every lane."""
    if not isinstance(value, Row):
        number = _constant(value, kind)
        if lanes > 1:
            number = ir.Constant(ir.VectorType(kind, lanes), [number] * lanes)
        return [number] * count
    if value.element != kind:
        raise TypeError(f"a row of {value.element} meets one of {kind}")
    if value.is_single and lanes > 1:
        return [_in_every_lane(value.vectors[0], lanes)] * count
    if (len(value.vectors), value.lanes) != (count, lanes):
        raise TypeError(f"a row of {len(value.vectors)} vectors meets one of {count}")
    return value.vectors


def _constant(value: Any, kind: Any) -> Any:
    """Return a plain number as a constant; a float is rounded to the precision of the type."""
    if kind == SINGLE:
        return ir.Constant(kind, float(np.float32(value)))
    if kind == DOUBLE:
        return ir.Constant(kind, float(value))
    if not isinstance(value, int | np.integer):
        raise TypeError(f"{value} meets a row of {kind}; convert the row with `to_float`")
    return ir.Constant(kind, int(value))


def _in_every_lane(number: Any, lanes: int) -> Any:
    vector = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    vector = builder().insert_element(vector, number, _POSITION(0))
    return _shuffled(vector, vector, [0] * lanes)


def _halves(vector: Any) -> list[Any]:
    lanes = vector.type.count
    middle = lanes // 2
    return [_shuffled(vector, vector, part) for part in (range(middle), range(middle, lanes))]


def _shuffled(a: Any, b: Any, positions: Sequence[int]) -> Any:
    """Return the numbers at some positions of two vectors, one behind the other."""
    mask = ir.Constant(ir.VectorType(_POSITION, len(positions)), list(positions))
    return builder().shuffle_vector(a, b, mask)


def _like(vector: Any, kind: Any) -> Any:
    """Return the type of a vector, or a single number, with another type of number."""
    return (
        ir.VectorType(kind, vector.type.count) if isinstance(vector.type, ir.VectorType) else kind
    )


def _by_type(on_floats: str | None, on_others: str | None, *values: Any) -> Row:
    """Return the row of one of the builder's operations, by the type of the numbers."""
    kind = next(value.element for value in values if isinstance(value, Row))
    name = on_floats if kind in _BITS else on_others
    if name is None:
        raise TypeError(f"rows of {kind} do not have this operation")
    return each(getattr(builder(), name), *values)


def _compare(sign: str, *values: Any) -> Row:
    def compare(a: Any, b: Any) -> Any:
        if Row([a]).element in _BITS:  # ordered, so that a comparison with NaN is false
            return builder().fcmp_ordered(sign, a, b)
        return builder().icmp_signed(sign, a, b)

    return each(compare, *values)


def _intrinsic(name: str, *values: Any) -> Row:
    """Return the LLVM intrinsic of that name, on floats."""

    def call(*vectors: Any) -> Any:
        kind, element = vectors[0].type, Row(vectors[:1]).element
        suffix = "f64" if element == DOUBLE else "f32"
        if isinstance(kind, ir.VectorType):
            suffix = f"v{kind.count}{suffix}"
        function = ir.FunctionType(kind, [kind] * len(vectors))
        module, full_name = builder().module, f"llvm.{name}.{suffix}"
        declared = module.globals.get(full_name) or ir.Function(module, function, full_name)
        return builder().call(declared, vectors)

    return each(call, *values)
