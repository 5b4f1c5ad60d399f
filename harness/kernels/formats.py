"""Constants of the elementary functions for each format of floating-point numbers.

The coefficients of the polynomials come from `tools/minimax.py`.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from harness.kernels.simd.arithmetic import to_bits
from harness.kernels.simd.rows import SINGLE as SINGLE_TYPE
from harness.kernels.simd.rows import Row

LOG2_E = 1.4426950408889634  # 1 / ln 2


class Format(NamedTuple):
    """Constants for one format.

    Adding `to_integer`, 1.5 * 2^mantissa_bits, to |x| < 2^(mantissa_bits - 1) rounds x to an
    integer, held in the low bits of the sum. The bits of the constant that a shift by mantissa_bits
    keeps are 0: it leaves that integer in the exponent field.
    """

    mantissa_bits: int
    to_integer: float
    one_bits: int  # bits of 1
    exponent_bits: int  # those of the exponent field
    sign_bit: int
    ln2_high: float  # ln 2, rounded
    ln2_low: float  # ln 2 - ln2_high
    lowest: float  # e^x is taken as 0 below
    tanh_lowest: float  # where the power of two in tanh is 0; it is wrong further below
    # e^r = 1 + r + r^2 (exp[0] + exp[1] r + ...) for |r| <= ln(2) / 2
    exp: tuple[float, ...]
    # L = sinh(L) (1 + 2 y (log1p[0] + log1p[1] y + ...)) with y = 2 cosh(L) - 2, 0 <= L <= ln 2
    log1p: tuple[float, ...]
    # tanh(r) = r + r^3 (tanh[0] + tanh[1] r^2 + ...) for |r| <= 3/8 ln 2
    tanh: tuple[float, ...]
    # pi / 2 = half_pi[0] + half_pi[1] + half_pi[2]
    half_pi: tuple[float, float, float]
    # sin(r) = r + r^3 (sin[0] + sin[1] r^2 + ...) for |r| <= pi / 4
    sin: tuple[float, ...]
    # cos(r) = 1 + r^2 (cos[0] + cos[1] r^2 + ...)
    cos: tuple[float, ...]


# Relative errors of the polynomials: 2^-56.3, 2^-56.3, 2^-56.7, 2^-56.4 and 2^-57.7.
DOUBLE = Format(
    mantissa_bits=52,
    to_integer=1.5 * 2.0**52,
    one_bits=to_bits(1.0),
    exponent_bits=to_bits(math.inf),
    sign_bit=-(1 << 63),
    ln2_high=0.6931471805599453,
    ln2_low=2.3190468138462996e-17,
    lowest=-708.3964185322641,  # -1022 ln 2: e^x is subnormal below
    tanh_lowest=-354.6,  # between -354.80 and -354.46
    exp=(
        0.5000000000000011,
        0.16666666666666413,
        0.041666666666530267,
        0.008333333333494333,
        0.0013888888943596935,
        0.00019841269506768017,
        2.480149313698887e-05,
        2.7557586285034677e-06,
        2.7630233633526793e-07,
        2.500006444833976e-08,
    ),
    log1p=(
        -0.08333333333333211,
        0.016666666666546603,
        -0.003571428567358728,
        0.000793650725194764,
        -0.00018037451678445737,
        4.162104511348919e-05,
        -9.697011607574414e-06,
        2.24630531615509e-06,
        -4.788838633923223e-07,
        6.895017071026701e-08,
    ),
    tanh=(
        -0.3333333333333242,
        0.13333333332988923,
        -0.05396825352715084,
        0.02186946171625079,
        -0.00886236145885416,
        0.0035764043151947935,
        -0.0013076458885889054,
    ),
    half_pi=(1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    sin=(
        -0.1666666666666663,
        0.008333333333322118,
        -0.0001984126982958951,
        2.7557313621376435e-06,
        -2.5050747761657415e-08,
        1.589623010216937e-10,
    ),
    cos=(
        -0.5,
        0.04166666666666647,
        -0.0013888888888862,
        2.4801587284094645e-05,
        -2.755731311729689e-07,
        2.087558212780382e-09,
        -1.1353281292116777e-11,
    ),
)

# Relative errors of the polynomials: 2^-28.0, 2^-28.1, 2^-27.7, 2^-26.9 and 2^-28.3.
SINGLE = Format(
    mantissa_bits=23,
    to_integer=1.5 * 2.0**23,
    one_bits=int(to_bits(np.float32(1.0))),
    exponent_bits=int(to_bits(np.float32(math.inf))),
    sign_bit=-(1 << 31),
    ln2_high=0.6931471824645996,
    ln2_low=-1.9046542121259336e-09,
    # -63 ln 2: below, e^2x is subnormal, and an operation with a subnormal result takes 150 cycles.
    # With -126 ln 2, `dosage` lost half its speed to runs whose units are far from 0.
    lowest=-43.668270111083984,
    tanh_lowest=-44.0,  # between -44.27 and -43.93
    exp=(
        0.4999999403953552,
        0.1666652113199234,
        0.04166838899254799,
        0.008368710055947304,
        0.0013814615085721016,
    ),
    log1p=(
        -0.08333331346511841,
        0.01666601188480854,
        -0.003565276972949505,
        0.0007680701091885567,
        -0.00013031097478233278,
    ),
    tanh=(-0.3333321511745453, 0.1332274079322815, -0.05123179778456688),
    half_pi=(1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    sin=(-0.16666655242443085, 0.00833216030150652, -0.00019515282474458218),
    cos=(-0.5, 0.04166661947965622, -0.001388668199069798, 2.4383567506447434e-05),
)


def format_of(x: Any) -> Format:
    """Return the constants for the format of x: a number or a row."""
    single = x.element == SINGLE_TYPE if isinstance(x, Row) else isinstance(x, np.float32)
    return SINGLE if single else DOUBLE


# Compiled code computes in double precision only.
overload(format_of, strict=False)(lambda x: lambda x: DOUBLE)
