"""Rows compared with plain floats, operation by operation and bit by bit."""

import ctypes
import itertools
import math
import threading

import numba
import numpy as np
import pytest
from llvmlite import ir

from harness.kernels import elementary
from harness.kernels.machine_code import compile_kernel
from harness.kernels.simd.arithmetic import (
    fma,
    from_bits,
    select,
    to_bits,
    to_double,
    to_float,
    to_precision,
)
from harness.kernels.simd.memory import load, store, variable
from harness.kernels.simd.parts import add_parts, fill, repeat, tile
from harness.kernels.simd.rows import Row, joined
from harness.kernels.simd.writing import loop, loop_while, rarely_when, unrolling

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes need the compiler")

N = 16
SPECIAL = [0.0, -0.0, 1.0, -1.5, 5e-324, -1e308, math.inf, -math.inf, math.nan, 0.1, 3.0, -710.0]


def points(seed, size=N):
    """Return special values among random ones; over the seeds, they reach every lane."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=size) * 10.0 ** rng.integers(-3, 4, size)
    some = rng.random(size) < 0.4
    values[some] = rng.choice(SPECIAL, some.sum())
    return values


FLOATS = {
    "add": lambda a, b, c: a + b,
    "sub": lambda a, b, c: a - b,
    "mul": lambda a, b, c: a * b,
    "div": lambda a, b, c: a / b,
    "neg": lambda a, b, c: -a,
    "abs": lambda a, b, c: abs(a),
    "plain_on_the_right": lambda a, b, c: a - 2.5,
    "plain_on_the_left": lambda a, b, c: 2.5 / a,
    "fma": lambda a, b, c: fma(a, b, c),
    "fma_with_plain": lambda a, b, c: fma(a, 1.5, 0.25),
    "less": lambda a, b, c: select(a < b, a, c),
    "less_or_equal": lambda a, b, c: select(a <= b, a, c),
    "greater": lambda a, b, c: select(a > b, a, 1.0),
    "greater_or_equal": lambda a, b, c: select(a >= b, 0.0, c),
    "equal": lambda a, b, c: select(a == b, 0.0, 1.0),
    "both": lambda a, b, c: select((a < b) & (b < c), a, c),
    "bits": lambda a, b, c: from_bits((to_bits(a) & 0xFFFFFFFFFFFFF) | (1023 << 52)),
    "shifts": lambda a, b, c: from_bits(((to_bits(a) >> 3) << 2) - 5 + 3),
    "softplus": lambda a, b, c: elementary.softplus_and_slope(a)[0],
    "softplus_slope": lambda a, b, c: elementary.softplus_and_slope(a)[1],
    "sigmoid": lambda a, b, c: elementary.sigmoid_and_slope(a)[0],
    "sigmoid_slope": lambda a, b, c: elementary.sigmoid_and_slope(a)[1],
    "tanh": lambda a, b, c: elementary.tanh_and_slope(a)[0],
    "tanh_slope": lambda a, b, c: elementary.tanh_and_slope(a)[1],
    "log": lambda a, b, c: elementary.log(a),
}


def part_of(pair, position):
    """Return an operation that takes one of two results."""
    return lambda a, b, c: pair(a)[position]


FLOATS |= {
    f"{name}{part}": part_of(getattr(elementary, f"{name}_and_slope"), position)
    for name in ("elu", "gelu", "silu", "sine")
    for position, part in enumerate(["", "_slope"])
}


def same_bits(ours, theirs):
    """Return whether all bits are equal; all NaN count as equal."""
    return np.array_equal(np.isnan(ours), np.isnan(theirs)) and np.array_equal(
        ours[~np.isnan(ours)].view(np.int64), theirs[~np.isnan(theirs)].view(np.int64)
    )


NUMBERS = itertools.count()


def run(write, *arrays, kinds=None, precision="float64"):
    """Write a kernel, run it on some arrays, and return its integer."""
    kinds = kinds or ["integers" if array.dtype == np.int64 else "doubles" for array in arrays]
    address = compile_kernel(f"test_{next(NUMBERS)}", kinds, write, precision, keep=False)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * len(arrays))(address)
    return function(*(array.ctypes.data for array in arrays))


def nothing():
    """Return the integer of a kernel that has nothing to return."""
    return Row([ir.IntType(64)(0)])


@pytest.mark.parametrize("name", FLOATS)
def test_rows_have_the_bits_of_plain_floats(name):
    operation = FLOATS[name]
    compiled = numba.njit(error_model="numpy")(operation)

    def side_by_side(a, b, c, out):
        for first in loop(0, 40 * N, N):
            store(out, first, operation(*(load(given, first, N) for given in (a, b, c))))
        return nothing()

    a, b, c = (np.concatenate([points(k + shift) for k in range(40)]) for shift in (0, 100, 200))
    ours = np.empty(40 * N)
    run(side_by_side, a, b, c, ours)
    theirs = np.array([compiled(*given) for given in zip(a, b, c, strict=True)])
    assert same_bits(ours, theirs)


# Integers of 64 bits are not for single precision, and neither is log.
SINGLES = {name: f for name, f in FLOATS.items() if name not in {"bits", "shifts", "log"}} | {
    "single_bits": lambda a, b, c: from_bits((to_bits(a) & 0x7FFFFF) | (127 << 23)),
    "single_shifts": lambda a, b, c: from_bits(((to_bits(a) >> 3) << 2) - 5 + 3),
}


@pytest.mark.parametrize("name", SINGLES)
def test_rows_of_singles_have_the_bits_of_numpy_singles(name):
    operation = SINGLES[name]

    def side_by_side(a, b, c, out):
        for first in loop(0, 20 * N, N):
            store(out, first, operation(*(load(given, first, N) for given in (a, b, c))))
        return nothing()

    with np.errstate(all="ignore"):
        a, b, c = (
            np.concatenate([points(k + shift) for k in range(20)]).astype(np.float32)
            for shift in (0, 100, 200)
        )
        theirs = [operation(*given) for given in zip(a, b, c, strict=True)]
        theirs = np.array(theirs, np.float32).astype(float)
    ours = np.empty(20 * N, np.float32)
    run(side_by_side, a, b, c, ours, kinds=["numbers"] * 4, precision="float32")
    with np.errstate(invalid="ignore"):  # of signalling NaN
        assert same_bits(ours.astype(float), theirs)


def test_singles_are_widened_and_rounded():
    def write(doubles, singles, out):
        wide = to_double(load(singles, 0, 32))
        store(out, 0, wide * load(doubles, 0, 32))
        store(singles, 0, to_precision(load(doubles, 0, 32)))
        store(singles, 32, to_precision(load(doubles, 3, 1)))
        store(out, 32, to_double(load(singles, 1, 1)))
        return nothing()

    doubles = np.concatenate([points(1), points(2)])
    given = np.random.default_rng(5).normal(size=33).astype(np.float32)
    with np.errstate(all="ignore"):
        expected = given[:32].astype(float) * doubles
        rounded = doubles.astype(np.float32)
    singles, out = given.copy(), np.empty(33)
    run(write, doubles, singles, out, kinds=["doubles", "numbers", "doubles"], precision="float32")
    assert same_bits(out[:32], expected)
    assert same_bits(singles[:32].astype(float), rounded.astype(float))
    assert same_bits(singles[32:].astype(float), rounded[3:4].astype(float))
    assert same_bits(out[32:], rounded[1:2].astype(float))


def test_fill_reaches_every_lane_and_everywhere_tests_every_lane():
    def write(x, out):
        first = load(x, 0, 1)
        store(out, 0, fill(first, N))
        all_16 = Row.everywhere(load(out, 0, N) == first)
        last_8_too = Row.everywhere(load(out, 8, N) == first)
        return select(all_16, 1, 0) + select(last_8_too, 2, 0)

    out = np.arange(24.0)
    assert run(write, np.array([7.5]), out) == 1
    assert out.tolist() == [7.5] * 16 + list(range(16, 24))


def test_rows_of_integers():
    def write(x, y, out):
        x, y = load(x, 0, N), load(y, 0, N)
        store(out, 0, ((x + y) << 1) - (x >> 2) * 3)
        store(out, N, to_bits(to_float(x)))
        return select(Row.everywhere(x <= y), 1, 0)

    rng = np.random.default_rng(0)
    x = rng.integers(-(2**62), 2**62, N)
    y = x + rng.integers(0, 9, N)
    out = np.empty(2 * N, dtype=np.int64)
    assert run(write, x, y, out) == 1
    assert out[:N].tolist() == (((x + y) << 1) - (x >> 2) * 3).tolist()
    assert out[N:].tolist() == x.astype(float).view(np.int64).tolist()
    assert run(write, y + 1, x, out) == 0


def test_positions_in_memory_count_numbers():
    def write(source, out, integers):
        store(out.offset(1), 0, load(source.offset(3), 5, 8))
        store(out, 0, 2.5)
        store(integers.offset(1), 0, 7)
        store(integers.as_integers(), 2, joined([load(integers, 1, 1)] * 8))
        return load(integers, 9, 1) + 1

    source, out, integers = np.arange(40.0), np.zeros(10), np.zeros(11, dtype=np.int64)
    assert run(write, source, out, integers) == 8
    assert out.tolist() == [2.5, *range(8, 16), 0.0]
    assert integers.tolist() == [0, *[7] * 9, 0]


def test_parts_are_reordered_and_summed_in_order():
    def write(source, out):
        six, two = load(source, 0, 48), load(source, 48, 16)
        store(out, 0, repeat(two, 3, 8))
        store(out, 48, tile(two, 3))
        store(out, 96, add_parts(six, two))
        return nothing()

    source, out = np.random.default_rng(1).normal(size=64), np.empty(112)
    run(write, source, out)
    six, two = source[:48].reshape(6, 8), source[48:].reshape(2, 8)
    assert out[:48].tolist() == np.repeat(two, 3, axis=0).ravel().tolist()
    assert out[48:96].tolist() == np.tile(two, (3, 1)).ravel().tolist()
    pairs = six.reshape(3, 16)
    assert out[96:].tolist() == (((source[48:] + pairs[0]) + pairs[1]) + pairs[2]).tolist()


@pytest.mark.parametrize("unrolled", [False, True])
def test_loops_and_branches(unrolled):
    def write(source, count, out):
        total = variable()
        store(total, 0, fill(0.0, 8))
        with unrolling(unrolled):
            for i in loop(0, 40, 8):  # known bounds: unrolled or written as a loop
                store(total, 0, load(total, 0, 8) + load(source, i, 8))
            n = load(count, 0, 1)
            for i in loop(n - 2, n):  # two more; none if the bounds were swapped
                store(total, 0, load(total, 0, 8) * load(source, i, 1))
            for _ in loop(n, n - 2):
                store(total, 0, fill(0.0, 8))
        store(out, 0, load(total, 0, 8))
        with rarely_when(n > 5):
            store(out, 0, 1.0)
        left, halvings = variable(), variable()
        store(left, 0, n)
        store(halvings, 0, n - n)
        with loop_while(lambda: load(left, 0, 1) > 1):
            store(left, 0, load(left, 0, 1) >> 1)
            store(halvings, 0, load(halvings, 0, 1) + 1)
        return load(halvings, 0, 1)

    source, out = np.arange(40.0), np.empty(8)
    expected = source.reshape(5, 8).sum(axis=0)
    assert run(write, source, np.array([5]), out) == 2
    assert out.tolist() == (expected * 3.0 * 4.0).tolist()
    assert run(write, source, np.array([9]), out) == 3
    assert out.tolist() == [1.0, *(expected * 7.0 * 8.0)[1:]]


def test_what_cannot_be_written_is_an_error():
    def branch(x):
        return 1 if load(x, 0, 8) > 0.0 else 0

    def widths(x):
        return load(x, 0, 8) + load(x, 0, 16)

    def types(x):
        return load(x, 0, 8) + to_bits(load(x, 0, 8))

    def truncated(x):
        return to_bits(load(x, 0, 8)) * 0.5

    for write, message in (
        (truncated, "convert the row"),
        (branch, "has no value yet"),
        (widths, "1 vectors meets one of 2"),
        (types, "meets one of"),
    ):
        with pytest.raises(TypeError, match=message):
            run(write, np.zeros(16))


def test_a_loop_sees_what_another_thread_changes():
    def write(stop, count):
        n = variable()
        store(n, 0, load(count, 0, 1))
        with loop_while(lambda: (load(n, 0, 1) > 0) & (stop.load_shared(0) == 0)):
            store(n, 0, load(n, 0, 1) - 1)
        return load(n, 0, 1)

    stop, count = np.zeros(1, np.uint8), np.array([10**11])
    timer = threading.Timer(0.3, stop.fill, [1])
    timer.start()
    left = run(write, stop, count, kinds=["shared", "integers"])
    timer.join()
    assert 0 < left < 10**11
