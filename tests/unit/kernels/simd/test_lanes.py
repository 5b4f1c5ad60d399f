"""Lanes compared with plain floats, operation by operation and bit by bit."""

import math

import numba
import numpy as np
import pytest

from harness.kernels import elementary
from harness.kernels.simd.arithmetic import fma, from_bits, select, to_bits
from harness.kernels.simd.lanes import everywhere, fill
from harness.kernels.simd.memory import address, load, offset, stack, store
from harness.kernels.simd.parts import add_parts, fma_parts, repeat, tile, transpose

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes need the compiler")

N = 16
OPTIONS = {"error_model": "numpy"}
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


def same_bits(ours, theirs):
    """Return whether all bits are equal; all NaN count as equal."""
    return np.array_equal(np.isnan(ours), np.isnan(theirs)) and np.array_equal(
        ours[~np.isnan(ours)].view(np.int64), theirs[~np.isnan(theirs)].view(np.int64)
    )


@pytest.mark.parametrize("name", FLOATS)
def test_lanes_have_the_bits_of_plain_floats(name):
    one = numba.njit(**OPTIONS)(FLOATS[name])

    @numba.njit(**OPTIONS)
    def side_by_side(a, b, c, out):
        a, b, c = load(address(a), 0, N), load(address(b), 0, N), load(address(c), 0, N)
        store(address(out), 0, one(a, b, c))

    @numba.njit(**OPTIONS)
    def one_by_one(a, b, c, out):
        for i in range(a.size):
            out[i] = one(a[i], b[i], c[i])

    for seed in range(40):
        a, b, c = (points(seed + shift) for shift in (0, 100, 200))
        ours, theirs = np.empty(N), np.empty(N)
        side_by_side(a, b, c, ours)
        one_by_one(a, b, c, theirs)
        assert same_bits(ours, theirs)


@numba.njit(**OPTIONS)
def _fill_everywhere(x, out):
    store(address(out), 0, fill(x, N))
    return everywhere(load(address(out), 0, N) == x), everywhere(load(address(out), 8, N) == x)


def test_fill_reaches_every_lane_and_everywhere_tests_every_lane():
    out = np.arange(24.0)
    assert _fill_everywhere(7.5, out) == (True, False)
    assert out.tolist() == [7.5] * 16 + list(range(16, 24))


@numba.njit(**OPTIONS)
def _integers(x, y, out):
    x, y = load(address(x), 0, N), load(address(y), 0, N)
    store(address(out), 0, ((x + y) << 1) - (x >> 2))
    return everywhere(x <= y)


def test_lanes_of_integers():
    rng = np.random.default_rng(0)
    x = rng.integers(-(2**62), 2**62, N)
    y = x + rng.integers(0, 9, N)
    out = np.empty(N, dtype=np.int64)
    assert _integers(x, y, out)
    assert out.tolist() == (((x + y) << 1) - (x >> 2)).tolist()
    assert not _integers(y + 1, x, out)


@numba.njit(**OPTIONS)
def _memory(source, out):
    place = stack(32)
    store(place, 16, load(offset(address(source), 3), 5, N))
    store(place, 0, 2.5)  # one lane is a plain number
    store(address(out), 1, load(place, 16, 8))
    return load(place, 0, 1) + load(offset(place, 16), 0, 1)


def test_offsets_in_memory_count_numbers():
    source, out = np.arange(40.0), np.zeros(10)
    assert _memory(source, out) == 2.5 + 8.0
    assert out.tolist() == [0.0, *range(8, 16), 0.0]


@numba.njit(**OPTIONS)
def _parts(source, out):
    six, two = load(address(source), 0, 48), load(address(source), 48, 16)
    p = address(out)
    store(p, 0, repeat(two, 3, 8))
    store(p, 48, tile(two, 3))
    store(p, 96, transpose(six, 2, 3))
    store(p, 144, add_parts(six, two))
    store(p, 160, fma_parts(six, tile(two, 3), two))


def test_parts_are_reordered_and_summed_in_order():
    source, out = np.random.default_rng(1).normal(size=64), np.empty(176)
    _parts(source, out)
    six, two = source[:48].reshape(6, 8), source[48:].reshape(2, 8)
    assert out[:48].tolist() == np.repeat(two, 3, axis=0).ravel().tolist()
    assert out[48:96].tolist() == np.tile(two, (3, 1)).ravel().tolist()
    expected = six.reshape(2, 3, 8).transpose(1, 0, 2)
    assert out[96:144].tolist() == expected.ravel().tolist()
    pairs = six.reshape(3, 16)
    assert out[144:160].tolist() == (((source[48:] + pairs[0]) + pairs[1]) + pairs[2]).tolist()
    total = source[48:]
    for pair in pairs:
        total = np.array([fma(x, y, z) for x, y, z in zip(pair, source[48:], total, strict=True)])
    assert out[160:].tolist() == total.tolist()
