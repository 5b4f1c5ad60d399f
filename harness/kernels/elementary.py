"""Own versions of log, sigmoid, softplus and tanh, with the same bits on every machine.

They are built from + - * /, fma, select and the bits of a number, without branches. The same code
therefore works on one number or on many side by side. NaN in, NaN out.

log is accurate over the whole range. The others are made for training: they take as few operations
as an error of 2.5 units in the last place (ulp) allows. Values and slopes that would be subnormal
are 0, as is the slope of tanh below 5.3e-308. tanh(z) of a subnormal z is z.

The error stated above each function is the largest found on 16 million points over the whole range
and as many more where errors are large (log: 50 million), in ulp of the exact value, computed in
80-bit arithmetic. The coefficients of the polynomials come from `tools/minimax.py`; a test checks
the errors stated beside them.
"""

import math

from harness.kernels._jit import compiled
from harness.kernels.simd.arithmetic import fma, from_bits, select, to_bits

INFINITY = math.inf
NAN = math.nan

# Adding 1.5 * 2^52 to |x| < 2^51 rounds x to an integer, held in the low bits of the sum. The low
# 12 bits of the constant are 0: shifted left by 52, the sum is that integer in the exponent field.
TO_INTEGER = 6755399441055744.0
TO_INTEGER_BITS = to_bits(TO_INTEGER)

LOG2_E = 1.4426950408889634  # 1 / ln 2
LN2_HIGH = 0.6931471805599453  # ln 2 rounded to a float
LN2_LOW = 2.3190468138462996e-17  # ln 2 - LN2_HIGH

NORMAL_LOWEST = -708.3964185322641  # -1022 ln 2: e^x is subnormal below
# The power of two in tanh is 0 between -354.80 and -354.46, and wrong below.
TANH_LOWEST = -354.6
QUARTER_STEP = 0.125 * LN2_HIGH  # a quarter of the step of tanh, ln(2) / 2

MANTISSA_BITS = 52
ONE_BITS = to_bits(1.0)
SIGN_BIT = -(1 << 63)
SMALLEST_NORMAL = 2.0**-1022
TWO_54 = 2.0**54  # scales every subnormal number to a normal one
LN_TWO_54 = 54.0 * LN2_HIGH
SQRT_HALF_BITS = to_bits(math.sqrt(0.5))

# ln((1 + s) / (1 - s)) = sum of 2 s^(2n+1) / (2n+1). For |s| <= 0.1716, the first omitted term is
# below 2^-57.
LOG_SERIES = tuple(2.0 / (2 * n + 1) for n in range(11))

# e^r = 1 + r + r^2 (EXP[0] + EXP[1] r + ...) for |r| <= ln(2) / 2; relative error 2^-56.3.
EXP = (
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
)
# L = sinh(L) (1 + 2 y (LOG1P[0] + LOG1P[1] y + ...)) with y = 2 cosh(L) - 2, for 0 <= L <= ln 2;
# relative error 2^-56.3.
LOG1P = (
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
)
# tanh(r) = r + r^3 (TANH[0] + TANH[1] r^2 + ...) for |r| <= 3/8 ln 2; relative error 2^-56.7.
TANH = (
    -0.3333333333333242,
    0.13333333332988923,
    -0.05396825352715084,
    0.02186946171625079,
    -0.00886236145885416,
    0.0035764043151947935,
    -0.0013076458885889054,
)


@compiled
def _exp_negative(n: float) -> float:
    """Return e^n for n <= 0, or 0 where it would be subnormal.

    n = k ln 2 + r with |r| <= ln(2) / 2, and e^n = 2^k e^r.
    """
    shifted = fma(n, LOG2_E, TO_INTEGER)
    k = shifted - TO_INTEGER
    r = fma(k, -LN2_HIGH, n)  # exact: both are multiples of 2^-54 that nearly cancel
    r = fma(k, -LN2_LOW, r)
    p = fma(EXP[9], r, EXP[8])
    p = fma(p, r, EXP[7])
    p = fma(p, r, EXP[6])
    p = fma(p, r, EXP[5])
    p = fma(p, r, EXP[4])
    p = fma(p, r, EXP[3])
    p = fma(p, r, EXP[2])
    p = fma(p, r, EXP[1])
    p = fma(p, r, EXP[0])
    p = fma(p, r, 1.0)
    p = fma(p, r, 1.0)
    # Adds k to the exponent of p.
    e = from_bits(to_bits(p) + (to_bits(shifted) << MANTISSA_BITS))
    return select(n < NORMAL_LOWEST, 0.0, e)


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


# Largest error: 0.83 ulp.
@compiled
def log(x: float) -> float:
    """Return the natural logarithm of x: -inf for 0, NaN for negative numbers."""
    subnormal = abs(x) < SMALLEST_NORMAL
    normal = x * select(subnormal, TWO_54, 1.0)
    value = _log_with_correction(normal, select(subnormal, -LN_TWO_54, 0.0))
    value = select(x < INFINITY, value, x)
    return select(x > 0.0, value, select(x == 0.0, -INFINITY, NAN))


# Largest error: 2.49 ulp.
@compiled
def sigmoid(z: float) -> float:
    """Return 1 / (1 + e^-z)."""
    return sigmoid_and_slope(z)[0]


# Largest error: 2.18 ulp.
@compiled
def softplus(z: float) -> float:
    """Return ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|)."""
    return softplus_and_slope(z)[0]


# Largest error: 2.01 ulp.
@compiled
def tanh(z: float) -> float:
    """Return the hyperbolic tangent of z."""
    return tanh_and_slope(z)[0]


# Largest error of the slope: 3.73 ulp.
@compiled
def sigmoid_and_slope(z: float) -> tuple[float, float]:
    """Return a = sigmoid(z) and a (1 - a).

    One of a and 1 - a is v = e^-|z| / (1 + e^-|z|) <= 1/2. Computing it as 1 - (1 - v) would lose
    digits.
    """
    e = _exp_negative(-abs(z))
    v = e / (1.0 + e)
    q = 1.0 - v
    return select(z < 0.0, v, q), v * q


# Largest error of the slope: 2.49 ulp.
@compiled
def softplus_and_slope(z: float) -> tuple[float, float]:
    """Return softplus(z) and its derivative, 1 / (1 + e^-z).

    With e = e^-|z|, v = e / (1 + e) and L = ln(1 + e): sinh(L) = (e + v) / 2 = e - y/2 and
    2 cosh(L) - 2 = e v =: y. L / sinh(L) = 1 + 2 y P(y), so that L = e - y/2 + y (e + v) P(y).
    """
    # e and v as in the sigmoid: cross-entropy takes both functions of z, and the compiler shares
    # these values.
    e = _exp_negative(-abs(z))
    v = e / (1.0 + e)
    y = e * v
    p = fma(LOG1P[9], y, LOG1P[8])
    p = fma(p, y, LOG1P[7])
    p = fma(p, y, LOG1P[6])
    p = fma(p, y, LOG1P[5])
    p = fma(p, y, LOG1P[4])
    p = fma(p, y, LOG1P[3])
    p = fma(p, y, LOG1P[2])
    p = fma(p, y, LOG1P[1])
    p = fma(p, y, LOG1P[0])
    value = fma(y, fma(e + v, p, -0.5), e)
    return select(z < 0.0, 0.0, z) + value, select(z < 0.0, v, 1.0 - v)


# Largest error of the slope: 4.33 ulp.
@compiled
def tanh_and_slope(z: float) -> tuple[float, float]:
    """Return tanh(z) and 1 - tanh(z)^2.

    -|z| = k ln(2) / 2 + r. With s = 2^k, t = tanh(r), m = (1 - s) (1 + t) / 2 and a = tanh(|z|):
    e^(-2|z|) = s (1 + t) / (1 - t), hence v := 1 - a = s (1 + t) / (1 - m), a = (2 - v) m - t.
    """
    n = -abs(z)
    n = select(n < TANH_LOWEST, TANH_LOWEST, n)
    # Shifted by a quarter step: -3/8 ln 2 <= r <= ln(2) / 8, so that (2 - v) m - t cancels little.
    # With r between -ln(2) / 4 and ln(2) / 4 the largest error was 3.6 ulp.
    shifted = fma(n + QUARTER_STEP, 2.0 * LOG2_E, TO_INTEGER)
    k = shifted - TO_INTEGER
    r = fma(k, -0.5 * LN2_HIGH, n)
    r = fma(k, -0.5 * LN2_LOW, r)
    r2 = r * r
    p = fma(TANH[6], r2, TANH[5])
    p = fma(p, r2, TANH[4])
    p = fma(p, r2, TANH[3])
    p = fma(p, r2, TANH[2])
    p = fma(p, r2, TANH[1])
    p = fma(p, r2, TANH[0])
    t = fma(p, r * r2, r)
    s = from_bits((to_bits(shifted) << MANTISSA_BITS) + ONE_BITS)  # 0 for k = -1023
    half = fma(s, -0.5, 0.5)
    m = fma(half, t, half)  # 0 for k = 0, so that a is -t
    v = fma(s, t, s) / (1.0 - m)
    w = 2.0 - v
    a = fma(w, m, -t)
    return from_bits(to_bits(a) | (to_bits(z) & SIGN_BIT)), v * w
