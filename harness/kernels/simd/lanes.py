"""Lanes: many numbers side by side in the vector registers of a processor.

A value of type `Lanes(element, count)` is `count` numbers of one type: "float64", "int64" or, from
a comparison, "boolean". Compiled code uses it like a single number:

    x = fill(1.5, 16)                      # 16 numbers; `memory.load` reads them from memory
    y = select(x < 0.0, 0.0, x) * 2.0      # in every lane: compare, choose, multiply
    everywhere(y > 2.0)                    # whether it holds in all lanes

There are + - * / on floats, + - & | << >> on integers, & on booleans, unary minus, abs,
comparisons, and `fma`, `select`, `to_bits`, `from_bits` and `to_float` of `arithmetic`. A plain
number is broadcast to every lane. Each operation is one instruction per register. Nothing is left
to an auto-vectoriser, and lanes do not interact: the results are those of plain floats, bit by bit.

A value may be wider than a register. It is a row of vectors of 8 numbers, and an operation on it is
a row of independent instructions, which hides the latency of long chains. A vector of 8 is one
register of AVX-512 or two of AVX2. On AVX2, vectors of 4 were slower (59 million epochs per second
of the 1-2-1 network, against 81 million with 8); so were vectors of 16 on AVX-512.

A single lane is a plain number: all functions also work on floats, and in plain Python. The module
needs numba, llvmlite and `arithmetic`; with `memory` and `parts`, it could be a package of its own.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, overload, register_model

from harness.kernels.simd import arithmetic

BLOCK = 8  # numbers in a vector

_ELEMENTS = {"float64": ir.DoubleType(), "int64": ir.IntType(64), "boolean": ir.IntType(1)}
_INDEX = ir.IntType(32)


class Lanes(types.Type):
    """The type of `count` numbers side by side, a multiple of 8."""

    def __init__(self, element: str, count: int) -> None:
        self.element = element
        self.count = count
        super().__init__(name=f"Lanes({element}, {count})")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    """Representation of lanes: an array of vectors."""

    def __init__(self, manager: Any, lanes: Lanes) -> None:
        vector = ir.VectorType(_ELEMENTS[lanes.element], BLOCK)
        super().__init__(manager, lanes, ir.ArrayType(vector, lanes.count // BLOCK))


# -- building rows of instructions -----------------------------------------------------------------


def vectors_of(builder: Any, row: Any) -> list[Any]:
    """Split a value into its vectors."""
    return [builder.extract_value(row, i) for i in range(row.type.count)]


def row_of(builder: Any, vectors: list[Any]) -> Any:
    """Join vectors into a value."""
    row = ir.Constant(ir.ArrayType(vectors[0].type, len(vectors)), ir.Undefined)
    for i, vector in enumerate(vectors):
        row = builder.insert_value(row, vector, i)
    return row


def in_every_lane(builder: Any, number: Any) -> Any:
    """Return a vector with the same number in every lane."""
    vector = ir.Constant(ir.VectorType(number.type, BLOCK), ir.Undefined)
    vector = builder.insert_element(vector, number, _INDEX(0))
    zeros = ir.Constant(ir.VectorType(_INDEX, BLOCK), [0] * BLOCK)
    return builder.shuffle_vector(vector, vector, zeros)


def _lane_by_lane(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Return the lowering of an operation on lanes and plain numbers, given one on vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        count = max(kind.count for kind in signature.args if isinstance(kind, Lanes)) // BLOCK
        columns = [
            vectors_of(builder, value)
            if isinstance(kind, Lanes)
            else [in_every_lane(builder, value)] * count
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        rows = zip(*columns, strict=True)
        return row_of(builder, [operation(builder, *vectors) for vectors in rows])

    return generate


def intrinsic_of(name: str) -> Callable[..., Any]:
    """Return the LLVM intrinsic of that name, as an operation on vectors of floats."""

    def operation(builder: Any, *vectors: Any) -> Any:
        kind = vectors[0].type
        function = ir.FunctionType(kind, [kind] * len(vectors))
        full_name = f"llvm.{name}.v{kind.count}f64"
        return builder.call(
            cgutils.get_or_insert_function(builder.module, function, full_name), vectors
        )

    return operation


def _plain(lanes: Lanes) -> Any:
    return types.float64 if lanes.element == "float64" else types.int64


def _kinds(arguments: tuple[Any, ...]) -> tuple[Lanes, list[Any]] | None:
    """Return the first lanes type among the arguments, and the types that all are converted to.

    Return None if no argument is of a lanes type.
    """
    found = [kind for kind in arguments if isinstance(kind, Lanes)]
    if not found:
        return None
    return found[0], [k if isinstance(k, Lanes) else _plain(found[0]) for k in arguments]


# -- operators -------------------------------------------------------------------------------------


def _define_operator(symbol: Any, operations: dict[str, Callable[..., Any]], result: str) -> None:
    """Teach the compiler an operator; `operations` has one entry per type of element."""

    class Template(AbstractTemplate):
        def generic(self, arguments: Any, keywords: Any) -> Any:
            kinds = _kinds(arguments)
            if kinds is None or kinds[0].element not in operations:
                return None
            element = result or kinds[0].element
            return signature(Lanes(element, kinds[0].count), *kinds[1])

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        element = next(k for k in signature.args if isinstance(k, Lanes)).element
        lower = _lane_by_lane(operations[element])
        return lower(context, builder, signature, arguments)

    infer_global(symbol)(Template)
    if symbol in (operator.neg, abs):
        lower_builtin(symbol, Lanes)(generate)
    else:
        for kinds in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
            lower_builtin(symbol, *kinds)(generate)


_OPERATORS = {
    operator.add: {"float64": ir.IRBuilder.fadd, "int64": ir.IRBuilder.add},
    operator.sub: {"float64": ir.IRBuilder.fsub, "int64": ir.IRBuilder.sub},
    operator.mul: {"float64": ir.IRBuilder.fmul},
    operator.truediv: {"float64": ir.IRBuilder.fdiv},
    operator.and_: {"int64": ir.IRBuilder.and_, "boolean": ir.IRBuilder.and_},
    operator.or_: {"int64": ir.IRBuilder.or_},
    operator.lshift: {"int64": ir.IRBuilder.shl},
    operator.rshift: {"int64": ir.IRBuilder.ashr},
    operator.neg: {"float64": ir.IRBuilder.fneg},
    abs: {"float64": intrinsic_of("fabs")},
}
_COMPARISONS = {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
}


def _comparison(sign: str) -> dict[str, Callable[..., Any]]:
    # Ordered, so that a comparison with NaN is false.
    return {
        "float64": lambda builder, a, b: builder.fcmp_ordered(sign, a, b),
        "int64": lambda builder, a, b: builder.icmp_signed(sign, a, b),
    }


for _symbol, _operations in _OPERATORS.items():
    _define_operator(_symbol, _operations, "")
for _symbol, _sign in _COMPARISONS.items():
    _define_operator(_symbol, _comparison(_sign), "boolean")


# -- the operations of `arithmetic` ----------------------------------------------------------------


def _define_fma(context: Any, a: Any, b: Any, c: Any) -> Any:
    lanes, kinds = _kinds((a, b, c)) or (None, ())
    return signature(lanes, *kinds), _lane_by_lane(intrinsic_of("fma"))


def _define_select(context: Any, condition: Any, a: Any, b: Any) -> Any:
    lanes, kinds = _kinds((a, b)) or (Lanes("float64", condition.count), [types.float64] * 2)
    return signature(lanes, condition, *kinds), _lane_by_lane(ir.IRBuilder.select)


def _define_bitcast(element: str) -> Callable[..., Any]:
    def bitcast(builder: Any, vector: Any) -> Any:
        return builder.bitcast(vector, ir.VectorType(_ELEMENTS[element], BLOCK))

    def define(context: Any, x: Any) -> Any:
        return signature(Lanes(element, x.count), x), _lane_by_lane(bitcast)

    return define


def _define_to_float(context: Any, i: Any) -> Any:
    def convert(builder: Any, vector: Any) -> Any:
        return builder.sitofp(vector, ir.VectorType(_ELEMENTS["float64"], BLOCK))

    return signature(Lanes("float64", i.count), i), _lane_by_lane(convert)


_fma = intrinsic(_define_fma)
_select = intrinsic(_define_select)
_to_bits = intrinsic(_define_bitcast("int64"))
_from_bits = intrinsic(_define_bitcast("float64"))
_to_float = intrinsic(_define_to_float)


def _implement_fma(a: Any, b: Any, c: Any) -> Any:
    return (lambda a, b, c: _fma(a, b, c)) if _kinds((a, b, c)) else None


def _implement_select(condition: Any, a: Any, b: Any) -> Any:
    if not isinstance(condition, Lanes):
        return None
    return lambda condition, a, b: _select(condition, a, b)


def _implement_to_bits(x: Any) -> Any:
    return (lambda x: _to_bits(x)) if isinstance(x, Lanes) else None


def _implement_from_bits(i: Any) -> Any:
    return (lambda i: _from_bits(i)) if isinstance(i, Lanes) else None


def _implement_to_float(i: Any) -> Any:
    return (lambda i: _to_float(i)) if isinstance(i, Lanes) else None


overload(arithmetic.fma, strict=False)(_implement_fma)
overload(arithmetic.select, strict=False)(_implement_select)
overload(arithmetic.to_bits, strict=False)(_implement_to_bits)
overload(arithmetic.from_bits, strict=False)(_implement_from_bits)
overload(arithmetic.to_float, strict=False)(_implement_to_float)


# -- to and from all lanes -------------------------------------------------------------------------


def fill(number: float, count: int) -> Any:
    """Return `count` lanes with the same float; count is a constant."""
    return number


def everywhere(condition: Any) -> bool:
    """Return whether a condition holds in all lanes."""
    return bool(condition)


def _define_fill(context: Any, number: Any, count: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = in_every_lane(builder, arguments[0])
        return row_of(builder, [vector] * (count.literal_value // BLOCK))

    return signature(Lanes("float64", count.literal_value), types.float64, count), generate


def _define_everywhere(context: Any, condition: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, *others = vectors_of(builder, arguments[0])
        for vector in others:
            first = builder.and_(first, vector)
        word = ir.IntType(BLOCK)
        return builder.icmp_signed("==", builder.bitcast(first, word), word(-1))

    return signature(types.boolean, condition), generate


_fill = intrinsic(prefer_literal=True)(_define_fill)
_everywhere = intrinsic(_define_everywhere)


def _implement_fill(number: Any, count: Any) -> Any:
    if not isinstance(count, types.Literal):
        return None
    if count.literal_value == 1:
        return lambda number, count: number
    return lambda number, count: _fill(number, count)


def _implement_everywhere(condition: Any) -> Any:
    if isinstance(condition, Lanes):
        return lambda condition: _everywhere(condition)
    return lambda condition: condition


overload(fill, strict=False, prefer_literal=True)(_implement_fill)
overload(everywhere, strict=False)(_implement_everywhere)
