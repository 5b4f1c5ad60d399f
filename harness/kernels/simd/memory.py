"""Loads and stores of lanes.

A pointer points to a number of a contiguous array or of the stack. Offsets count numbers, not
bytes. As in `lanes`, a single lane is a plain number. In plain Python, arrays serve as pointers.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import signature
from numba.extending import intrinsic, overload

from harness.kernels.simd.lanes import BLOCK, Lanes, in_every_lane, row_of, vectors_of


def address(array: Any) -> Any:
    """Return a pointer to the first number of a contiguous array, which must outlive it."""
    return array.reshape(-1)


def offset(pointer: Any, count: int) -> Any:
    """Return a pointer moved forward by `count` numbers."""
    return pointer[count:]


def load(pointer: Any, first: int, count: int) -> Any:
    """Return `count` numbers from memory; count is a constant."""
    return pointer[first]


def load_into_all(pointer: Any, first: int, parts: int, width: int) -> Any:
    """Return `parts` numbers from memory, each in `width` lanes; both are constants."""
    return pointer[first]


def store(pointer: Any, first: int, value: Any) -> None:
    """Write all lanes of a value to memory."""
    pointer[first] = value


def _define_address(context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(array)(context, builder, arguments[0]).data

    return signature(types.CPointer(array.dtype), array), generate


def _define_offset(context: Any, pointer: Any, count: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.gep(arguments[0], [arguments[1]])

    return signature(pointer, pointer, types.int64), generate


def _vector_pointers(builder: Any, pointer: Any, first: Any, count: int) -> list[Any]:
    """Return pointers to the vectors of a value in memory."""
    number = pointer.type.pointee
    vector = ir.VectorType(number, BLOCK).as_pointer()
    starts = [builder.add(first, first.type(i)) for i in range(0, count, BLOCK)]
    return [builder.bitcast(builder.gep(pointer, [start]), vector) for start in starts]


def _define_load(context: Any, pointer: Any, first: Any, count: Any) -> Any:
    lanes = Lanes(pointer.dtype.name, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = _vector_pointers(builder, arguments[0], arguments[1], lanes.count)
        return row_of(builder, [builder.load(place, align=8) for place in places])

    return signature(lanes, pointer, types.int64, count), generate


def _define_load_into_all(context: Any, pointer: Any, first: Any, parts: Any, width: Any) -> Any:
    lanes = Lanes("float64", parts.literal_value * width.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = []
        for part in range(parts.literal_value):
            place = builder.gep(arguments[0], [builder.add(arguments[1], arguments[1].type(part))])
            vector = in_every_lane(builder, builder.load(place, align=8))
            vectors += [vector] * (width.literal_value // BLOCK)
        return row_of(builder, vectors)

    return signature(lanes, pointer, types.int64, parts, width), generate


def _define_store(context: Any, pointer: Any, first: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = _vector_pointers(builder, arguments[0], arguments[1], value.count)
        for place, vector in zip(places, vectors_of(builder, arguments[2]), strict=True):
            builder.store(vector, place, align=8)
        return context.get_dummy_value()

    return signature(types.none, pointer, types.int64, value), generate


def _define_stack(context: Any, count: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once(builder, ir.DoubleType(), size=count.literal_value)
        place.align = 8 * BLOCK
        return place

    return signature(types.CPointer(types.float64), count), generate


_address = intrinsic(_define_address)
_offset = intrinsic(_define_offset)
_load = intrinsic(prefer_literal=True)(_define_load)
_load_into_all = intrinsic(prefer_literal=True)(_define_load_into_all)
_store = intrinsic(_define_store)
# `stack(count)` returns a pointer to `count` numbers on the stack, valid until the calling function
# returns; count is a constant. For compiled code only.
stack = intrinsic(prefer_literal=True)(_define_stack)


def _implement_address(array: Any) -> Any:
    return lambda array: _address(array)


def _implement_offset(pointer: Any, count: Any) -> Any:
    return lambda pointer, count: _offset(pointer, count)


def _implement_load(pointer: Any, first: Any, count: Any) -> Any:
    if not isinstance(count, types.Literal):
        return None
    if count.literal_value == 1:
        return lambda pointer, first, count: pointer[first]
    return lambda pointer, first, count: _load(pointer, first, count)


def _implement_load_into_all(pointer: Any, first: Any, parts: Any, width: Any) -> Any:
    if not isinstance(width, types.Literal):
        return None
    if width.literal_value == 1:
        return lambda pointer, first, parts, width: pointer[first]
    return lambda pointer, first, parts, width: _load_into_all(pointer, first, parts, width)


def _implement_store(pointer: Any, first: Any, value: Any) -> Any:
    if isinstance(value, Lanes):
        return lambda pointer, first, value: _store(pointer, first, value)

    def store(pointer: Any, first: int, value: Any) -> None:
        pointer[first] = value

    return store


overload(address, strict=False)(_implement_address)
overload(offset, strict=False)(_implement_offset)
overload(load, strict=False, prefer_literal=True)(_implement_load)
overload(load_into_all, strict=False, prefer_literal=True)(_implement_load_into_all)
overload(store, strict=False)(_implement_store)
