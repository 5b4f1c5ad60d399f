"""Basic operations that Python lacks, from which elementary functions are built.

Each is a Python function, exact to the bit, and has an implementation for compiled code. If an
argument is a row (see `rows`), it writes the operation on rows. With NUMBA_DISABLE_JIT=1 only the
Python functions are used. They take numbers in double precision, or in single precision
(np.float32); compiled code and NUMBA_DISABLE_JIT=1 compute in double precision only.
"""

import math
import struct
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from harness.kernels.simd.rows import Row

Function = TypeVar("Function", bound=Callable[..., Any])
Value = TypeVar("Value", float, int, bool, np.uint64)

_WORD = (1 << 64) - 1


def on_rows(function: Function) -> Function:
    """Let a function on numbers take rows, too, by the method of `Row` that has its name."""
    write = getattr(Row, function.__name__)

    @wraps(function)
    def operation(*values: Any) -> Any:
        return (write if any(isinstance(v, Row) for v in values) else function)(*values)

    return cast(Function, operation)


def _exact_fma(a: float, b: float, c: float) -> float:
    """Return a * b + c for finite numbers; raise OverflowError if it is too large."""
    (a, a_scale), (b, b_scale), (c, c_scale) = (x.as_integer_ratio() for x in (a, b, c))
    numerator = a * b * c_scale + c * (a_scale * b_scale)
    # Python rounds the quotient of two integers once, to nearest even, including subnormals.
    return numerator / (a_scale * b_scale * c_scale)


# Both raise OverflowError where C's fma returns an infinity. math.fma is new in Python 3.13.
_finite_fma: Callable[[float, float, float], float] = getattr(math, "fma", _exact_fma)


def _is_single(*numbers: Any) -> bool:
    """Return whether an operation on these numbers is in single precision."""
    return any(isinstance(number, np.float32) for number in numbers)


def _single_fma(a: float, b: float, c: float) -> np.float32:
    """Return a * b + c, rounded once to single precision.

    The product of two singles is exact in double precision. A sum that is rounded to odd there can
    be rounded again without harm (Boldo and Melquiond 2008, "Emulation of a FMA").
    """
    product = a * b
    total = product + c
    rest = total - product
    error = (product - (total - rest)) + (c - rest)  # of the sum (Knuth's TwoSum)
    if math.isfinite(error) and error and not to_bits(total) & 1:
        total = math.nextafter(total, math.copysign(math.inf, error))
    return np.float32(total)


@on_rows
def fma(a: float, b: float, c: float) -> float:
    """Return a * b + c, rounded once (the fusedMultiplyAdd of IEEE 754)."""
    if _is_single(a, b, c):
        return cast(float, _single_fma(*(float(np.float32(x)) for x in (a, b, c))))
    a, b, c = float(a), float(b), float(c)
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    if a == 0.0 or b == 0.0:
        return a * b + c  # exact; integers have no signed zeros
    try:
        return _finite_fma(a, b, c)
    except OverflowError:
        # If the sum is too large, it has the sign of the product, because c is finite.
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


@on_rows
def select(condition: bool, a: Value, b: Value) -> Value:
    """Return a if the condition holds, else b. Both are evaluated."""
    chosen: Any = a if condition else b
    if _is_single(a, b):  # the other may be a plain number
        chosen = np.float32(chosen)
    return cast(Value, chosen)


@on_rows
def sqrt(x: float) -> float:
    """Return the square root of x, correctly rounded (the squareRoot of IEEE 754)."""
    if _is_single(x):
        return cast(float, np.sqrt(x))
    return math.sqrt(x) if x >= 0.0 else math.nan


@on_rows
def to_bits(x: float | np.float32) -> int:
    """Return the bits of x as a signed integer."""
    if isinstance(x, np.float32):
        return cast(int, x.view(np.int32))
    return int(struct.unpack("<q", struct.pack("<d", x))[0])


@on_rows
def from_bits(i: int | np.int32) -> float:
    """Return the float whose bits are those of i: of 64, or of 32 if i is an np.int32."""
    if isinstance(i, np.int32):
        return cast(float, i.view(np.float32))
    return float(struct.unpack("<d", struct.pack("<Q", int(i) & _WORD))[0])


@on_rows
def to_float(i: int) -> float:
    """Return an integer as a double."""
    return float(i)


@on_rows
def to_double(x: float) -> float:
    """Return a number in double precision."""
    return float(x)


@on_rows
def to_precision(x: float) -> float:
    """Return a double, rounded to the precision of the kernel that is being written."""
    return x


def multiply_high_low(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the high and the low 64 bits of a * b."""
    product = int(a) * int(b)
    return np.uint64(product >> 64), np.uint64(product & _WORD)


def add_wrapping(a: np.uint64, b: np.uint64) -> np.uint64:
    """Return a + b modulo 2^64. NumPy's + does the same but warns."""
    return np.uint64((int(a) + int(b)) & _WORD)


# The same operations for compiled code. An `_implement` function takes the types of the arguments.


def _bitcast(source: Any, result: Any) -> Any:
    """Return the intrinsic that reinterprets the bits of one type as another."""

    def define(typing_context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(result))

        return result(source), generate

    return intrinsic(define)


def _define_fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


def _define_select(typing_context: Any, condition: Any, a: Any, b: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return a(types.boolean, a, a), generate


def _define_multiply(typing_context: Any, a: Any, b: Any) -> Any:
    pair = types.UniTuple(types.uint64, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = arguments[0].type
        double = type(word)(128)
        wide_a, wide_b = (builder.zext(x, double) for x in arguments)
        product = builder.mul(wide_a, wide_b)
        high = builder.trunc(builder.lshr(product, double(64)), word)
        return context.make_tuple(builder, pair, (high, builder.trunc(product, word)))

    return pair(types.uint64, types.uint64), generate


_fma = intrinsic(_define_fma)
_select = intrinsic(_define_select)
_to_bits = _bitcast(types.float64, types.int64)
_from_bits = _bitcast(types.int64, types.float64)
_multiply_high_low = intrinsic(_define_multiply)


def _implement_fma(a: Any, b: Any, c: Any) -> Any:
    if not a == b == c == types.float64:
        return None
    return lambda a, b, c: _fma(a, b, c)


def _implement_select(condition: Any, a: Any, b: Any) -> Any:
    numbers = (types.float64, types.int64, types.uint64, types.boolean)
    if not (condition == types.boolean and a == b and a in numbers):
        return None
    return lambda condition, a, b: _select(condition, a, b)


def _implement_to_bits(x: Any) -> Any:
    return (lambda x: _to_bits(x)) if x == types.float64 else None


def _implement_from_bits(i: Any) -> Any:
    return (lambda i: _from_bits(i)) if i == types.int64 else None


def _implement_multiply(a: Any, b: Any) -> Any:
    if not a == b == types.uint64:
        return None
    return lambda a, b: _multiply_high_low(a, b)


def _implement_add(a: Any, b: Any) -> Any:
    if not a == b == types.uint64:
        return None
    return lambda a, b: a + b


# Not strict, because strict compares annotations too, which a lambda cannot have.
overload(fma, strict=False)(_implement_fma)
overload(select, strict=False)(_implement_select)
overload(sqrt, strict=False)(lambda x: lambda x: math.sqrt(x))
overload(to_bits, strict=False)(_implement_to_bits)
overload(from_bits, strict=False)(_implement_from_bits)
overload(to_double, strict=False)(lambda x: lambda x: x)
overload(to_precision, strict=False)(lambda x: lambda x: x)
overload(multiply_high_low, strict=False)(_implement_multiply)
overload(add_wrapping, strict=False)(_implement_add)
