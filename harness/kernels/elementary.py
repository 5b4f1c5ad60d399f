"""Own versions of elementary functions and activations, with the same bits on every machine.

They are built from + - * /, fma, select and the bits of a number, without branches. The same code
therefore works on one number or on many side by side. NaN in, NaN out.

log is accurate over the whole range. The others are made for training: they take as few operations
as an error of 2.5 units in the last place (ulp) allows. Values and slopes that would be subnormal
are 0, as is the slope of tanh below 5.3e-308. tanh(z) of a subnormal z is z. Sines of numbers
beyond 2^20 are NaN.

The error stated above each function is the largest found on 16 million points over the whole range
and as many more where errors are large (log: 50 million), in ulp of the exact value, computed in
80-bit arithmetic. A test checks the errors of the polynomials.

The functions of training also take numbers in single precision, with their own constants (see
`formats`). Their error, stated as "single", is the largest of all single-precision numbers up to
128 in size. Sigmoids and softplus below 2^-63 are 0.
"""

import math

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled, entry
from harness.kernels.formats import DOUBLE, LOG2_E, format_of
from harness.kernels.simd.arithmetic import fma, from_bits, select, to_bits

INFINITY = math.inf
NAN = math.nan

LARGEST_ANGLE = 2.0**20
TWO_OVER_PI = 2.0 / math.pi
QUARTER_STEP = 0.125 * DOUBLE.ln2_high  # a quarter of the step of tanh, ln(2) / 2

TO_INTEGER_BITS = to_bits(DOUBLE.to_integer)
SMALLEST_NORMAL = 2.0**-1022
TWO_54 = 2.0**54  # scales every subnormal number to a normal one
LN_TWO_54 = 54.0 * DOUBLE.ln2_high
SQRT_HALF_BITS = to_bits(math.sqrt(0.5))

# ln((1 + s) / (1 - s)) = sum of 2 s^(2n+1) / (2n+1). For |s| <= 0.1716, the first omitted term is
# below 2^-57.
LOG_SERIES = tuple(2.0 / (2 * n + 1) for n in range(11))


@compiled
def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    """Return coefficients[0] + coefficients[1] x + ... by Horner's rule."""
    p = coefficients[len(coefficients) - 1]
    for n in range(len(coefficients) - 2, -1, -1):
        p = fma(p, x, coefficients[n])
    return p


@compiled
def _split(n: float) -> tuple[float, float]:
    """Return k + `to_integer` and r for n = k ln 2 + r with |r| <= ln(2) / 2."""
    c = format_of(n)
    shifted = fma(n, LOG2_E, c.to_integer)
    k = shifted - c.to_integer
    r = fma(k, -c.ln2_high, n)  # exact: two multiples of half an ulp of 1/2, which nearly cancel
    return shifted, fma(k, -c.ln2_low, r)


# Largest error: 0.93 ulp; single: 0.87.
@compiled
def exp_negative(n: float) -> float:
    """Return e^n for n <= 0, or 0 for n below `lowest` (see `formats`).

    With n = k ln 2 + r, e^n = 2^k e^r.
    """
    c = format_of(n)
    shifted, r = _split(n)
    p = _polynomial(c.exp, r)
    p = fma(p, r, 1.0)
    p = fma(p, r, 1.0)
    # Adds k to the exponent of p.
    e = from_bits(to_bits(p) + (to_bits(shifted) << c.mantissa_bits))
    return select(n < c.lowest, 0.0, e)


@entry
def exponentiate(numbers: NDArray[np.float64]) -> None:
    """Replace numbers x, an array of shape (n,), by e^x."""
    for i in range(numbers.size):
        root = exp_negative(-0.5 * abs(numbers[i]))  # its square may be subnormal, which is 0 there
        numbers[i] = 1.0 / root / root if numbers[i] > 0.0 else root * root


@compiled
def _log_with_correction(x: float, correction: float) -> float:
    """Return ln(x) + correction for a positive normal x.

    x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); with s = f / (2 + f),
    ln(1 + f) = f - (f^2/2 - s (f^2/2 + R)), R = 2/3 s^2 + 2/5 s^4 + ... (fdlibm, e_log.c).
    """
    bits = to_bits(x)
    exponent = (bits - SQRT_HALF_BITS) >> DOUBLE.mantissa_bits
    k = from_bits(TO_INTEGER_BITS + exponent) - DOUBLE.to_integer
    f = from_bits(bits - (exponent << DOUBLE.mantissa_bits)) - 1.0
    s = f / (2.0 + f)
    s2 = s * s
    p = _polynomial(LOG_SERIES[1:], s2)
    half_square = 0.5 * f * f
    small = fma(s, fma(p, s2, half_square), fma(k, DOUBLE.ln2_low, correction))
    return fma(k, DOUBLE.ln2_high, f - (half_square - small))


# Largest error: 0.83 ulp.
@compiled
def log(x: float) -> float:
    """Return the natural logarithm of x: -inf for 0, NaN for negative numbers."""
    subnormal = abs(x) < SMALLEST_NORMAL
    normal = x * select(subnormal, TWO_54, 1.0)
    value = _log_with_correction(normal, select(subnormal, -LN_TWO_54, 0.0))
    value = select(x < INFINITY, value, x)
    return select(x > 0.0, value, select(x == 0.0, -INFINITY, NAN))


@compiled
def log_from_one(x: float) -> float:
    """Return ln(x) for a double x >= 1, with the bits of `log` but fewer operations."""
    return select(x < INFINITY, _log_with_correction(x, 0.0), x)


# Largest error: 2.49 ulp; single: 2.41.
@compiled
def sigmoid(z: float) -> float:
    """Return 1 / (1 + e^-z)."""
    return sigmoid_and_slope(z)[0]


# Largest error: 2.18 ulp; single: 2.06.
@compiled
def softplus(z: float) -> float:
    """Return ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|)."""
    return softplus_and_slope(z)[0]


# Largest error: 2.01 ulp; single: 2.02.
@compiled
def tanh(z: float) -> float:
    """Return the hyperbolic tangent of z."""
    return tanh_and_slope(z)[0]


# Largest error of the slope: 3.73 ulp; single: 3.46.
@compiled
def sigmoid_and_slope(z: float) -> tuple[float, float]:
    """Return a = sigmoid(z) and a (1 - a).

    One of a and 1 - a is v = e^-|z| / (1 + e^-|z|) <= 1/2. Computing it as 1 - (1 - v) would lose
    digits.
    """
    e = exp_negative(-abs(z))
    v = e / (1.0 + e)
    q = 1.0 - v
    return select(z < 0.0, v, q), v * q


# Largest error of the slope: 2.49 ulp; single: 2.41.
@compiled
def softplus_and_slope(z: float) -> tuple[float, float]:
    """Return softplus(z) and its derivative, 1 / (1 + e^-z).

    With e = e^-|z|, v = e / (1 + e) and L = ln(1 + e): sinh(L) = (e + v) / 2 = e - y/2 and
    2 cosh(L) - 2 = e v =: y. L / sinh(L) = 1 + 2 y P(y), so that L = e - y/2 + y (e + v) P(y).
    """
    # e and v as in the sigmoid: cross-entropy takes both functions of z, and the compiler shares
    # these values.
    e = exp_negative(-abs(z))
    v = e / (1.0 + e)
    y = e * v
    p = _polynomial(format_of(z).log1p, y)
    value = fma(y, fma(e + v, p, -0.5), e)
    return select(z < 0.0, 0.0, z) + value, select(z < 0.0, v, 1.0 - v)


# Largest error of the slope: 4.33 ulp; single: 4.09.
@compiled
def tanh_and_slope(z: float) -> tuple[float, float]:
    """Return tanh(z) and 1 - tanh(z)^2.

    -|z| = k ln(2) / 2 + r. With s = 2^k, t = tanh(r), m = (1 - s) (1 + t) / 2 and a = tanh(|z|):
    e^(-2|z|) = s (1 + t) / (1 - t), hence v := 1 - a = s (1 + t) / (1 - m), a = (2 - v) m - t.
    """
    c = format_of(z)
    n = -abs(z)
    n = select(n < c.tanh_lowest, c.tanh_lowest, n)
    # Shifted by a quarter step: -3/8 ln 2 <= r <= ln(2) / 8, so that (2 - v) m - t cancels little.
    # With r between -ln(2) / 4 and ln(2) / 4 the largest error was 3.6 ulp.
    shifted = fma(n + QUARTER_STEP, 2.0 * LOG2_E, c.to_integer)
    k = shifted - c.to_integer
    r = fma(k, -0.5 * c.ln2_high, n)
    r = fma(k, -0.5 * c.ln2_low, r)
    r2 = r * r
    t = fma(_polynomial(c.tanh, r2), r * r2, r)
    # 0 for the smallest k
    s = from_bits((to_bits(shifted) << c.mantissa_bits) + c.one_bits)
    half = fma(s, -0.5, 0.5)
    m = fma(half, t, half)  # 0 for k = 0, so that a is -t
    v = fma(s, t, s) / (1.0 - m)
    w = 2.0 - v
    a = fma(w, m, -t)
    return from_bits(to_bits(a) | (to_bits(z) & c.sign_bit)), v * w


# Largest error: 1.46 ulp, of the slope 0.92; single: 1.24 and 0.88.
@compiled
def elu_and_slope(z: float) -> tuple[float, float]:
    """Return z if z > 0, otherwise e^z - 1, and its derivative, e^min(z, 0).

    With n = k ln 2 + r, s = 2^k and q = e^r - 1: e^n - 1 = s q + (s - 1), and s - 1 is exact or
    nearly -1.
    """
    c = format_of(z)
    n = -abs(z)
    shifted, r = _split(n)
    p = fma(_polynomial(c.exp, r), r, 1.0)
    k = to_bits(shifted) << c.mantissa_bits
    s = from_bits(k + c.one_bits)
    below = fma(s, p * r, s - 1.0)
    e = from_bits(to_bits(fma(p, r, 1.0)) + k)
    below, e = select(n < c.lowest, -1.0, below), select(n < c.lowest, 0.0, e)
    return select(z < 0.0, below, z), select(z > 0.0, 1.0, e)


@compiled
def _two_sides(z: float) -> tuple[float, float]:
    """Return sigmoid(z) and sigmoid(-z), more accurately than `sigmoid_and_slope`.

    The smaller one is v = e / d with e = e^-|z| and d = 1 + e. One step of Newton's method, which
    takes the rounding of d into account, leaves little more than the error of e.
    """
    e = exp_negative(-abs(z))
    d = 1.0 + e
    inverse = 1.0 / d
    v = e * inverse
    v = fma(fma(-v, e - (d - 1.0), fma(-v, d, e)), inverse, v)
    q = 1.0 - v
    return select(z < 0.0, v, q), select(z < 0.0, q, v)


# Largest error: 2.35 ulp, of the slope 3.25; single: 2.32 and 3.21. Between -2 and 0, where slopes
# change their sign, the error is in ulp of 1/4, or of the slope if that is larger.
@compiled
def silu_and_slope(z: float) -> tuple[float, float]:
    """Return z s and s (1 + z (1 - s)), where s = sigmoid(z)."""
    s, rest = _two_sides(z)
    # Where one side is 0, z may be infinite.
    value = select(s == 0.0, 0.0, z * s)
    return value, select(rest * s == 0.0, s, s * fma(z, rest, 1.0))


GELU_LINEAR = 2.0 * math.sqrt(2.0 / math.pi)
GELU_CUBIC = 0.044715 * GELU_LINEAR


@compiled
def gelu_inside(z: float) -> tuple[float, float, float]:
    """Return v = 2 sqrt(2 / pi) (z + 0.044715 z^3) and its first two derivatives."""
    z2 = z * z
    v = z * fma(GELU_CUBIC, z2, GELU_LINEAR)
    return v, fma(3.0 * GELU_CUBIC, z2, GELU_LINEAR), 6.0 * GELU_CUBIC * z


# Largest error: 2.47 ulp, of the slope 2.49; single: 2.28 and 2.34; times |v| where v < -1, because
# the exponential multiplies the error of v by v. The ulp of the slope is as for silu.
@compiled
def gelu_and_slope(z: float) -> tuple[float, float]:
    """Return z/2 (1 + tanh(v/2)) = z s and s (1 + z (1 - s) dv/dz), where s = sigmoid(v).

    For v, see `gelu_inside`.
    """
    v, dv, _ = gelu_inside(z)
    s, rest = _two_sides(v)
    value = select(s == 0.0, 0.0, z * s)
    return value, select(rest * s == 0.0, s, s * fma(z * dv, rest, 1.0))


# Largest error: 1.50 ulp, of the slope 1.52; single: 1.50 and 1.51.
@compiled
def sine_and_slope(z: float) -> tuple[float, float]:
    """Return sin(z) and cos(z); NaN beyond 2^20.

    z = k pi/2 + r with |r| <= pi/4. pi/2 is the sum of three numbers (Cody and Waite 1980). With
    fma, subtracting k times the first of them is exact.
    """
    c = format_of(z)
    shifted = fma(z, TWO_OVER_PI, c.to_integer)
    k = shifted - c.to_integer
    r = select(abs(z) <= LARGEST_ANGLE, z, NAN)
    for part in c.half_pi:
        r = fma(k, -part, r)
    r2 = r * r
    sine = fma(_polynomial(c.sin, r2), r * r2, r)
    cosine = fma(_polynomial(c.cos, r2), r2, 1.0)
    # k modulo 4 is the quadrant.
    quadrant = to_bits(shifted)
    odd = (quadrant & 1) == 1
    value, slope = select(odd, cosine, sine), select(odd, sine, cosine)
    value = select((quadrant & 2) == 0, value, -value)
    return value, select(((quadrant + 1) & 2) == 0, slope, -slope)
