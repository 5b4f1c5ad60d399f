"""exp, log, log1p, sigmoid, softplus and tanh, ours so that the bits are ours; nothing else.

Made of + - * /, fma, select and the bits of a number, without a branch: the same lines serve one
number or many side by side, and give the same bits on every machine. NaN in, NaN out.

The errors beside the functions are the largest that were found on 50 to 60 million points over
the whole range, in units in the last place (ulp) of the exact value, taken from 80-bit arithmetic.
"""

import math

from harness.kernels._jit import compiled
from harness.kernels.arithmetic import fma, from_bits, select, to_bits

INFINITY = math.inf
NAN = math.nan

# Adding 1.5 * 2^52 to |x| < 2^51 rounds x to an integer, which is then in the low bits.
TO_INTEGER = 6755399441055744.0
TO_INTEGER_BITS = to_bits(TO_INTEGER)

LOG2_E = 1.4426950408889634  # 1 / ln 2
LN2_HIGH = 0.6931471805599453  # ln 2 rounded to a float
LN2_LOW = 2.3190468138462996e-17  # ln 2 - LN2_HIGH

# exp is 0 below -745.14, a quarter of it below -746.52; it is too large above 709.79.
EXP_LOWEST = -750.0
EXP_HIGHEST = 710.0

MANTISSA_BITS = 52
EXPONENT_BIAS = 1023
SIGN_BIT = -(1 << 63)
SMALLEST_NORMAL = 2.0**-1022
TWO_54 = 2.0**54  # makes every subnormal normal
LN_TWO_54 = 54.0 * LN2_HIGH
SQRT_HALF_BITS = to_bits(math.sqrt(0.5))

# e^r = sum of r^n / n!: with |r| <= ln(2) / 2 the first term left out is below 2^-57.
EXP_SERIES = tuple(1.0 / math.factorial(n) for n in range(14))
# ln((1 + s) / (1 - s)) = sum of 2 s^(2n+1) / (2n+1): with |s| <= 0.1716 likewise.
LOG_SERIES = tuple(2.0 / (2 * n + 1) for n in range(11))


@compiled
def _exp_parts(x: float) -> tuple[float, float, float]:
    """Return m, s and t such that e^x = (1 + m) s t; s and t are powers of two.

    x = k ln 2 + r with |r| <= ln(2) / 2, and m = e^r - 1. One power 2^k would not reach the
    subnormals; s t = 2^k, multiplied one after the other, rounds once and only there.
    """
    x = select(x < EXP_LOWEST, EXP_LOWEST, x)
    x = select(x > EXP_HIGHEST, EXP_HIGHEST, x)
    shifted = fma(x, LOG2_E, TO_INTEGER)
    k = shifted - TO_INTEGER
    r = fma(-k, LN2_HIGH, x)  # exact: both are multiples of 2^-54 that nearly cancel
    r = fma(-k, LN2_LOW, r)
    p = fma(EXP_SERIES[13], r, EXP_SERIES[12])
    p = fma(p, r, EXP_SERIES[11])
    p = fma(p, r, EXP_SERIES[10])
    p = fma(p, r, EXP_SERIES[9])
    p = fma(p, r, EXP_SERIES[8])
    p = fma(p, r, EXP_SERIES[7])
    p = fma(p, r, EXP_SERIES[6])
    p = fma(p, r, EXP_SERIES[5])
    p = fma(p, r, EXP_SERIES[4])
    p = fma(p, r, EXP_SERIES[3])
    p = fma(p, r, EXP_SERIES[2])
    m = fma(p, r * r, r)
    exponent = to_bits(shifted) - TO_INTEGER_BITS
    half = exponent >> 1
    s = from_bits((half + EXPONENT_BIAS) << MANTISSA_BITS)
    t = from_bits((exponent - half + EXPONENT_BIAS) << MANTISSA_BITS)
    return m, s, t


@compiled
def _log_with_correction(x: float, correction: float) -> float:
    """Return ln(x) + correction for a positive normal x.

    x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); with s = f / (2 + f),
    ln(1 + f) = f - (f^2/2 - s (f^2/2 + R)), R = 2/3 s^2 + 2/5 s^4 + ... (fdlibm, e_log.c).
    """
    bits = to_bits(x)
    exponent = (bits - SQRT_HALF_BITS) >> MANTISSA_BITS
    k = from_bits(TO_INTEGER_BITS + exponent) - TO_INTEGER
    f = from_bits(bits - (exponent << MANTISSA_BITS)) - 1.0
    s = f / (2.0 + f)
    s2 = s * s
    p = fma(LOG_SERIES[10], s2, LOG_SERIES[9])
    p = fma(p, s2, LOG_SERIES[8])
    p = fma(p, s2, LOG_SERIES[7])
    p = fma(p, s2, LOG_SERIES[6])
    p = fma(p, s2, LOG_SERIES[5])
    p = fma(p, s2, LOG_SERIES[4])
    p = fma(p, s2, LOG_SERIES[3])
    p = fma(p, s2, LOG_SERIES[2])
    p = fma(p, s2, LOG_SERIES[1])
    half_square = 0.5 * f * f
    small = fma(s, fma(p, s2, half_square), fma(k, LN2_LOW, correction))
    return fma(k, LN2_HIGH, f - (half_square - small))


@compiled
def _log1p_inside(x: float) -> float:
    """Return ln(1 + x) for a finite x > -1, or NaN for NaN; +0 for -0."""
    u = 1.0 + x
    # Knuth's TwoSum: 1 + x = u + lost exactly; ln(u + lost) = ln(u) + lost / u.
    kept = u - 1.0
    lost = (1.0 - (u - kept)) + (x - kept)
    return _log_with_correction(u, lost / u)


@compiled
def _reciprocal(u: float, lost: float) -> float:
    """Return 1 / (u + lost), where lost is what rounding took from u: one step of Newton's."""
    q = 1.0 / u
    rest = fma(-q, lost, fma(-q, u, 1.0))
    return fma(q, rest, q)


# Largest error: 0.994 ulp.
@compiled
def exp(x: float) -> float:
    """Return e^x."""
    m, s, t = _exp_parts(x)
    return (1.0 + m) * s * t


# Largest error: 0.83 ulp.
@compiled
def log(x: float) -> float:
    """Return the natural logarithm of x: -inf for zeros, NaN for negative numbers."""
    subnormal = abs(x) < SMALLEST_NORMAL
    normal = x * select(subnormal, TWO_54, 1.0)
    value = _log_with_correction(normal, select(subnormal, -LN_TWO_54, 0.0))
    value = select(x < INFINITY, value, x)
    return select(x > 0.0, value, select(x == 0.0, -INFINITY, NAN))


# Largest error: 0.82 ulp.
@compiled
def log1p(x: float) -> float:
    """Return ln(1 + x): -inf for -1, NaN below."""
    inside = select(x > -1.0, select(x < INFINITY, x, 0.0), 0.0)
    value = select(x < INFINITY, _log1p_inside(inside), x)
    value = select(x == 0.0, x, value)  # -0 stays -0
    return select(x > -1.0, value, select(x == -1.0, -INFINITY, NAN))


# Largest error: 2.01 ulp.
@compiled
def sigmoid(z: float) -> float:
    """Return 1 / (1 + e^-z)."""
    return sigmoid_and_slope(z)[0]


# Largest error: 1.65 ulp.
@compiled
def softplus(z: float) -> float:
    """Return ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|)."""
    return select(z < 0.0, 0.0, z) + _log1p_inside(exp(-abs(z)))


# Largest error: 2.10 ulp.
@compiled
def tanh(z: float) -> float:
    """Return the hyperbolic tangent of z."""
    return tanh_and_slope(z)[0]


# Largest error of the slope: 3.19 ulp.
@compiled
def sigmoid_and_slope(z: float) -> tuple[float, float]:
    """Return a = sigmoid(z) and a (1 - a), which keeps its digits where 1 - a would lose them."""
    e = exp(-abs(z))
    u = 1.0 + e
    q = _reciprocal(u, e - (u - 1.0))
    a = e * q
    return select(z < 0.0, a, q), a * q


# Largest error of the slope: 2.83 ulp.
@compiled
def softplus_and_slope(z: float) -> tuple[float, float]:
    """Return softplus(z) and its derivative, 1 / (1 + e^-z)."""
    e = exp(-abs(z))
    q = 1.0 / (1.0 + e)
    return select(z < 0.0, 0.0, z) + _log1p_inside(e), select(z < 0.0, e * q, q)


# Largest error of the slope: 4.10 ulp.
@compiled
def tanh_and_slope(z: float) -> tuple[float, float]:
    """Return tanh(z) and 1 - tanh(z)^2.

    With e = exp(-2|z|): tanh(|z|) = (1 - e) / (1 + e), and the slope is 4 e / (1 + e)^2.
    """
    # fma only because NumPy's * warns, when not compiled, of a product that is too large.
    m, s, t = _exp_parts(fma(-2.0, abs(z), 0.0))
    e_minus_1 = fma(m * s, t, s * t - 1.0)
    u = 2.0 + e_minus_1
    lost = e_minus_1 - (u - 2.0)
    q = _reciprocal(u, lost)
    a = -e_minus_1 * q
    rest = fma(-a, lost, fma(-a, u, -e_minus_1))  # of the division, as in _reciprocal
    a = fma(rest, q, a)
    a = from_bits((to_bits(a) & ~SIGN_BIT) | (to_bits(z) & SIGN_BIT))
    slope = (1.0 + m) * q * q * (4.0 * s) * t  # t last: it alone rounds to subnormals
    return a, slope
