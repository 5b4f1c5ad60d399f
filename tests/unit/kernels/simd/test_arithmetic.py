import math
import struct
import sys
from fractions import Fraction

import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.kernels.simd import arithmetic

WORDS = st.integers(0, 2**64 - 1)
BITS = st.integers(-(2**63), 2**63 - 1)
# Drawn as bits, so that all exponents are equally likely.
FLOATS = BITS.map(lambda i: struct.unpack("<d", struct.pack("<q", i))[0])
SPECIAL = [0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 2.0**-1022, 1.5, 1 / 3]
SPECIAL += [sys.float_info.max, -sys.float_info.max, math.inf, -math.inf, math.nan]


@numba.njit
def compiled_fma(a, b, c):
    return arithmetic.fma(a, b, c)


@numba.njit
def compiled_select(condition, a, b):
    return arithmetic.select(condition, a, b)


@numba.njit
def compiled_to_bits(x):
    return arithmetic.to_bits(x)


@numba.njit
def compiled_from_bits(i):
    return arithmetic.from_bits(i)


@numba.njit
def compiled_multiply(a, b):
    return arithmetic.multiply_high_low(a, b)


@numba.njit
def compiled_add(a, b):
    return arithmetic.add_wrapping(a, b)


FMAS = pytest.mark.parametrize("fma", [arithmetic.fma, compiled_fma])


def bits(x):
    return "nan" if math.isnan(x) else float(x).hex()


def check_nearest(result, exact):
    """Check rounding to nearest, ties to even, by the neighbours and without division."""
    if math.isinf(result):
        assert abs(exact) >= Fraction(2**1024) - Fraction(2**970)
        assert (result > 0) == (exact > 0)
        return
    distance = abs(Fraction(result) - exact)
    for direction in (-math.inf, math.inf):
        other = math.nextafter(result, direction)
        if math.isfinite(other):
            farther = abs(Fraction(other) - exact)
            even = struct.unpack("<q", struct.pack("<d", result))[0] % 2 == 0
            assert distance < farther or (distance == farther and even)
        else:
            assert abs(exact) < Fraction(2**1024) - Fraction(2**970)


def check_fma(fma, a, b, c):
    result = fma(a, b, c)
    if math.isfinite(a) and math.isfinite(b) and math.isfinite(c):
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        check_nearest(result, exact)
        if exact:
            assert math.copysign(1, result) == (1 if exact > 0 else -1)
        elif a == 0 or b == 0:
            assert bits(result) == bits(math.copysign(0.0, a) * math.copysign(1, b) + c)
        else:
            assert bits(result) == bits(0.0)
    elif math.isfinite(a) and math.isfinite(b):
        assert bits(result) == bits(c)
    else:
        assert bits(result) == bits(a * b + c)


@FMAS
@given(FLOATS, FLOATS, FLOATS)
def test_fma_is_rounded_once(fma, a, b, c):
    check_fma(fma, a, b, c)


@FMAS
@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(-3, 3))
def test_fma_is_exact_under_cancellation(fma, a, b, steps):
    c = -a * b
    for _ in range(abs(steps)):
        c = math.nextafter(c, math.inf * steps)
    check_fma(fma, a, b, c)


SINGLE_BITS = st.integers(-(2**31), 2**31 - 1)
SINGLES = SINGLE_BITS.map(lambda i: np.array(i, np.int32).view(np.float32)[()])


@pytest.mark.jitless
@given(SINGLES, SINGLES, SINGLES, st.integers(-2, 2))
@example(np.float32(1.0), np.float32(1.0), np.float32(2.0**-149), 0)  # a tie, but for the last bit
def test_fma_of_singles_is_rounded_once(a, b, c, steps):
    with np.errstate(all="ignore"):
        if abs(steps) == 2:  # nearly cancels
            c = np.nextafter(-a * b, np.float32(math.inf * steps))
        result = arithmetic.fma(a, b, c)
        # The product of finite numbers is exact, and finite, even where a * b overflows.
        expected = c if np.isfinite(a) and np.isfinite(b) else a * b + c
    assert isinstance(result, np.float32)
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)):
        assert bits(result) == bits(expected)
        return
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    if np.isinf(result):
        assert abs(exact) >= Fraction(2**128) - Fraction(2**103)
        return
    distance = abs(Fraction(float(result)) - exact)
    for direction in (-math.inf, math.inf):
        with np.errstate(over="ignore"):
            other = np.nextafter(result, np.float32(direction))
        if np.isfinite(other):
            farther = abs(Fraction(float(other)) - exact)
            even = int(result.view(np.int32)) % 2 == 0
            assert distance < farther or (distance == farther and even)


@FMAS
def test_fma_of_special_values(fma):
    for a in SPECIAL:
        for b in SPECIAL:
            for c in SPECIAL:
                check_fma(fma, a, b, c)


def test_python_fma_accepts_numpy_floats_without_a_warning():
    assert arithmetic.fma(np.float64(1e308), np.float64(1e308), np.float64(1.0)) == math.inf
    assert math.isnan(arithmetic.fma(np.float64(math.inf), np.float64(0.0), np.float64(1.0)))


@given(FLOATS, BITS)
def test_bits_agree_with_the_machine(x, i):
    for to_bits in (arithmetic.to_bits, compiled_to_bits):
        assert math.isnan(x) or to_bits(x) == struct.unpack("<q", struct.pack("<d", x))[0]
    for from_bits in (arithmetic.from_bits, compiled_from_bits):
        assert bits(from_bits(i)) == bits(struct.unpack("<d", struct.pack("<q", i))[0])


def test_python_bits_wrap_as_on_the_machine():
    assert arithmetic.from_bits((1 << 64) + arithmetic.to_bits(1.5)) == 1.5
    assert arithmetic.from_bits(1 << 63).hex() == (-0.0).hex()


@pytest.mark.parametrize("select", [arithmetic.select, compiled_select])
def test_select_returns_the_first_if_the_condition_holds(select):
    assert (select(True, 1.0, 2.0), select(False, 1.0, 2.0)) == (1.0, 2.0)
    assert (select(True, 3, 4), select(False, 3, 4)) == (3, 4)
    assert select(True, 1.0, math.nan) == 1.0
    assert math.isnan(select(False, 1.0, math.nan))


@given(WORDS, WORDS)
def test_words_multiply_exactly_and_add_modulo(a, b):
    words = np.uint64(a), np.uint64(b)
    for multiply in (arithmetic.multiply_high_low, compiled_multiply):
        high, low = multiply(*words)
        assert (int(high) << 64) + int(low) == a * b
    for add in (arithmetic.add_wrapping, compiled_add):
        assert int(add(*words)) == (a + b) % 2**64


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_other_types_are_left_to_other_overloads():
    with pytest.raises(numba.TypingError):
        compiled_fma(1.0, 2.0, np.float32(3.0))
    with pytest.raises(numba.TypingError):
        compiled_select(True, 1.0, 2)
    with pytest.raises(numba.TypingError):
        compiled_multiply(np.uint64(1), 2)
