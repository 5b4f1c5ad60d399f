"""Loads and stores, of single numbers in compiled code or plain Python, and of rows.

Positions count numbers, not bytes. A `Pointer` is memory of a kernel that is being written, and
`Cells` are variables of it. Compiled code and plain Python handle arrays only, with one lane.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from harness.kernels.simd.rows import DOUBLE, INTEGER, Row, builder, is_writing, lanes_of


class Pointer:
    """Numbers in memory from some position on.

    Parameters
    ----------
    start : Row or llvmlite value
        An LLVM pointer to a number.
    """

    def __init__(self, start: Any) -> None:
        self._start = start

    def offset(self, count: Any) -> "Pointer":
        """Return a pointer `count` numbers further on."""
        return Pointer(self._at(count))

    def as_integers(self) -> "Pointer":
        """Return a pointer to the same memory, as integers of 64 bits."""
        return Pointer(builder().bitcast(self._start, INTEGER.as_pointer()))

    def load(self, first: Any, count: int) -> Row:
        """Return `count` numbers side by side: one, or whole vectors."""
        if count == 1:
            return Row([builder().load(self._at(first), align=self._size)])
        return Row([builder().load(place, align=8) for place in self._places(first, count)])

    def load_shared(self, position: Any) -> Row:
        """Return one number that other threads may change, read anew each time."""
        at = self._at(position)
        return Row([builder().load_atomic(at, ordering="monotonic", align=self._size)])

    def store(self, first: Any, value: Any) -> None:
        """Write all lanes of a row, or a plain number."""
        if not isinstance(value, Row):
            value = Row([ir.Constant(self._start.type.pointee, value)])
        if value.is_single:
            builder().store(value.vectors[0], self._at(first), align=self._size)
            return
        places = self._places(first, value.lanes * len(value.vectors))
        for vector, place in zip(value.vectors, places, strict=True):
            builder().store(vector, place, align=8)

    @property
    def _size(self) -> int:
        kind = self._start.type.pointee
        return kind.width // 8 if isinstance(kind, ir.IntType) else 64 // lanes_of(kind)

    def _at(self, position: Any) -> Any:
        index = position.vectors[0] if isinstance(position, Row) else INTEGER(position)
        return builder().gep(self._start, [index], inbounds=True)

    def _places(self, first: Any, count: int) -> list[Any]:
        lanes = lanes_of(self._start.type.pointee)
        vector = ir.VectorType(self._start.type.pointee, lanes).as_pointer()
        start = builder().bitcast(self._at(first), vector)
        others = range(1, count // lanes)
        return [start, *(builder().gep(start, [INTEGER(i)], inbounds=True) for i in others)]


class Cells:
    """Variables of a kernel, each at a fixed position. LLVM keeps them in registers if it can.

    A variable must be stored before it is loaded.
    """

    def __init__(self) -> None:
        self._cells: dict[int, Any] = {}

    def load(self, first: int, count: int) -> Row:
        """Return the variables of `count` lanes."""
        vectors, at = [], first
        while at < first + count:
            vector = builder().load(self._cells[at])
            vectors.append(vector)
            at += Row([vector]).lanes
        return Row(vectors)

    def store(self, first: int, value: Row) -> None:
        """Set the variables of all lanes of a row."""
        for at, vector in enumerate(value.vectors):
            position = first + value.lanes * at
            if position not in self._cells:
                with builder().goto_entry_block():
                    self._cells[position] = builder().alloca(vector.type)
            builder().store(vector, self._cells[position])


def load(memory: Any, first: Any, count: int) -> Any:
    """Return `count` numbers of memory, from a position on."""
    written = isinstance(memory, Cells | Pointer)
    return memory.load(first, count) if written else memory[first]


def load_parts(memory: Any, first: Any, parts: int, width: int, apart: int) -> Any:
    """Return `parts` parts of `width` numbers side by side, which begin `apart` numbers apart."""
    if not isinstance(memory, Cells | Pointer):
        return memory[first]
    rows = [memory.load(first + apart * part, width) for part in range(parts)]
    return Row([vector for row in rows for vector in row.vectors])


def load_inputs(inputs: Any, point: Any, points: int, first: Any, count: int, lanes: int) -> Any:
    """Return inputs of data points that are the same in all lanes, point by point."""
    return inputs.load(point, points, first, count, lanes)


def store(memory: Any, first: Any, value: Any) -> None:
    """Write all lanes of a value to memory."""
    if isinstance(memory, Cells | Pointer):
        memory.store(first, value)
    else:
        memory[first] = value


def store_parts(memory: Any, first: Any, value: Any, width: int, apart: int) -> None:
    """Write the parts of a value, each `width` numbers, `apart` numbers apart."""
    if isinstance(memory, Cells | Pointer):
        for part, row in enumerate(value.parts(width)):
            memory.store(first + apart * part, row)
    else:
        memory[first] = value


def variable() -> Any:
    """Return memory for one value, at position 0."""
    return Cells() if is_writing() else [None]


# For compiled code, which knows arrays and one lane only.


@intrinsic
def _variable(typing_context: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return cgutils.alloca_once(builder, DOUBLE)

    return types.CPointer(types.float64)(), generate


def _implement_store(memory: Any, first: Any, value: Any) -> Any:
    def store(memory: Any, first: int, value: Any) -> None:
        memory[first] = value

    return store


def _implement_store_parts(memory: Any, first: Any, value: Any, width: Any, apart: Any) -> Any:
    def store_parts(memory: Any, first: int, value: Any, width: int, apart: int) -> None:
        memory[first] = value

    return store_parts


overload(load, strict=False)(
    lambda memory, first, count: lambda memory, first, count: memory[first]
)
overload(load_parts, strict=False)(
    lambda memory, first, parts, width, apart: (
        lambda memory, first, parts, width, apart: memory[first]
    )
)
overload(load_inputs, strict=False)(
    lambda inputs, point, points, first, count, lanes: (
        lambda inputs, point, points, first, count, lanes: inputs[first]
    )
)
overload(store, strict=False)(_implement_store)
overload(store_parts, strict=False)(_implement_store_parts)
overload(variable, strict=False)(lambda: lambda: _variable())
