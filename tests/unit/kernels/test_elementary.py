import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import mpmath
import numba
import numpy as np
import pytest
from mpmath import mp

import harness
from harness.kernels import elementary, formats

mp.prec = 150
INF, NAN, TINY = math.inf, math.nan, 5e-324
SPECIAL = [0.0, TINY, 2.0**-1022, 2.0**-54, 2.0**-53, 2.0**-52, 0.5, math.sqrt(0.5), 1.0]
SPECIAL += [math.sqrt(2), 2.0, 3.0, 18.4, 19.1, 36.0, 37.5, 354.9, 372.0, 708.3, 709.78]
SPECIAL += [709.79, 744.4, 745.13, 745.14, 746.0, 750.0, 1e3, 2.0**53, 1e300, sys.float_info.max]
# Where the largest errors were found, here or in versions with fewer terms.
WORST = [12.132373359334522, 1.4141599043431563, 0.7058392197027324, 0.4128610543572049]
WORST += [1.9534418396584199, 1.1060157488281193, 2.737375192913592, 0.4428056987033653]
WORST += [0.2200371917576902, 0.20319018821544566, 5.999259656426684, 0.5187287277686111]
WORST += [10.39719364809194, 6.93015882161309, 5.542168858297694, 0.44314332830128844]
WORST += [2.350950339035528, 2.7694422602732756, 484.87172379877984, 0.2599301927099795]
WORST += [11.783501094608699, 9.010700202872865, 0.43316427124883794, 2.769422809413766]
# Where results become 0: the last numbers before and the first after.
WORST += [708.3964185322641, 708.3964185322642, 354.4546, 354.4547, 354.6, 709.1, 709.4]


def kept(z):
    """Clip z for functions that are constant far from 0, to keep the reference fast."""
    return max(min(z, mp.mpf(2000)), mp.mpf(-2000))


def exact_sigmoid(z):
    e = mp.exp(-abs(kept(z)))
    return (e if z < 0 else 1) / (1 + e)


def exact_softplus(z):
    return max(z, 0) + mpmath.log1p(mp.exp(-abs(kept(z))))


def exact_tanh(z):
    return mp.tanh(z) if abs(z) < 2000 else mp.sign(z)


def exact_sigmoid_slope(z):
    return exact_sigmoid(z) * exact_sigmoid(-z)


def exact_tanh_slope(z):
    return mp.sech(kept(z)) ** 2


def exact_exp(x):
    return mp.exp(kept(x))


# Function, exact function, and allowed error in ulp: a little more than the largest error found on
# many more points, which is stated above each function.
VALUES = {
    "log": (elementary.log, mp.log, 0.86),
    "sigmoid": (elementary.sigmoid, exact_sigmoid, 2.5),
    "softplus": (elementary.softplus, exact_softplus, 2.25),
    "tanh": (elementary.tanh, exact_tanh, 2.1),
}
SLOPES = {
    "sigmoid": (elementary.sigmoid_and_slope, exact_sigmoid_slope, 3.9),
    "softplus": (elementary.softplus_and_slope, exact_sigmoid, 2.5),
    "tanh": (elementary.tanh_and_slope, exact_tanh_slope, 4.4),
}


def exact_elu(z):
    return z if z > 0 else mpmath.expm1(kept(z))


def exact_elu_slope(z):
    return mp.exp(min(kept(z), 0))


def exact_silu(z):
    return z * exact_sigmoid(z)


def exact_silu_slope(z):
    return exact_sigmoid(z) * (1 + z * exact_sigmoid(-z))


def inside_gelu(z):
    """Return v = 2 sqrt(2 / pi) (z + 0.044715 z^3) and its derivative."""
    factor, cubic = 2 * mp.sqrt(2 / mp.pi), mp.mpf("0.044715")
    return factor * (z + cubic * z**3), factor * (1 + 3 * cubic * z**2)


def exact_gelu(z):
    return z * exact_sigmoid(inside_gelu(z)[0])


def exact_gelu_slope(z):
    v, dv = inside_gelu(z)
    if abs(v) > 2000:
        return mp.mpf(v > 0)
    return exact_sigmoid(v) * (1 + z * dv * exact_sigmoid(-v))


# Activations whose value and slope have any sign, with the errors that are stated above each.
PAIRS = {
    "elu": (elementary.elu_and_slope, exact_elu, exact_elu_slope, (1.5, 0.95)),
    "gelu": (elementary.gelu_and_slope, exact_gelu, exact_gelu_slope, (2.5, 2.55)),
    "silu": (elementary.silu_and_slope, exact_silu, exact_silu_slope, (2.4, 3.3)),
    "sine": (elementary.sine_and_slope, mp.sin, mp.cos, (1.55, 1.55)),
}
# The exponent of the exponential in them.
INSIDE = {"elu": lambda z: z, "gelu": lambda z: inside_gelu(z)[0], "silu": lambda z: z}

# Results below these are 0. In tanh, 2^k is 0 for k < -1022, where 2|z| / ln 2 = 1022.75 and the
# slope is 4 e^(-2|z|).
SMALLEST_NORMAL = mp.mpf(2) ** -1022
FLUSHED_VALUES = {"sigmoid": SMALLEST_NORMAL, "softplus": SMALLEST_NORMAL}
FLUSHED_SLOPES = FLUSHED_VALUES | {"tanh": 4 * mp.mpf(2) ** -1022.75}


def points(name, count):
    """Return special values, and numbers of every size, of usual size and around 1; both signs."""
    source = random.Random(f"points for {name}")
    positive = [*SPECIAL, *WORST]
    for _ in range(count):
        positive.append(math.ldexp(source.uniform(1, 2), source.randrange(-1074, 1024)))
        positive.append(math.ldexp(source.uniform(1, 2), source.randrange(-30, 10)))
        positive.append(source.uniform(0, 2))
        positive.append(source.uniform(0, 760))
    if name == "log":
        return [x for x in positive if x > 0]
    return positive + [-x for x in positive]


def error(result, exact, least=0, digits=53):
    """Return |result - exact| in units in the last place of the exact value, or of a larger one."""
    if math.isinf(result):
        assert (result > 0) == (exact > 0)
        return 0.0 if abs(exact) >= mp.mpf(2) ** 1024 - mp.mpf(2) ** 970 else INF
    assert not math.isnan(result)
    size = max(abs(exact), least)
    exponent = mp.frexp(size)[1] if size else -2000
    smallest = -1074 if digits == 53 else -149
    return float(abs(mp.mpf(result) - exact) / mp.ldexp(1, max(exponent - digits, smallest)))


def error_above(smallest, result, exact):
    """Return the error; results whose exact value is below `smallest` must be +0."""
    if smallest and exact < smallest:
        return 0.0 if bits(result) == bits(0.0) else INF
    return error(result, exact)


def bits(x):
    return "nan" if math.isnan(x) else float(x).hex()


@pytest.mark.parametrize("name", VALUES)
def test_values_are_accurate_over_the_whole_range(name):
    function, exact, bound = VALUES[name]
    smallest = FLUSHED_VALUES.get(name)
    worst = max(
        (error_above(smallest, function(x), exact(mp.mpf(x))), x) for x in points(name, 1500)
    )
    assert worst[0] <= bound, worst


def errors_of_pair(name, z, results, digits=53, lowest=formats.DOUBLE.lowest):
    """Return the errors of value and slope in units of the stated ones; those must be below 1."""
    _, exact_value, exact_slope, bounds = PAIRS[name]
    z, found = mp.mpf(z), [mp.mpf(float(result)) for result in results]
    inside = INSIDE[name](z) if name in INSIDE else mp.mpf(0)
    if abs(inside / lowest - 1) < 1e-5:
        return 0.0, 0.0  # near where the exponential becomes 0
    if inside < lowest:
        assert found == [-1.0 if name == "elu" else 0.0, 0.0]
        return 0.0, 0.0
    factor = max(1, abs(inside)) if name == "gelu" and inside < 0 else 1
    # Slopes of silu and gelu are 0 at a z between -2 and 0.
    least = mp.mpf(1) / 4 if name in ("gelu", "silu") and -2 < z < 0 else 0
    return (
        error(found[0], exact_value(z), 0, digits) / (bounds[0] * factor),
        error(found[1], exact_slope(z), least, digits) / (bounds[1] * factor),
    )


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_accurate_over_the_whole_range(name):
    largest = elementary.LARGEST_ANGLE if name == "sine" else INF
    for x in points(name, 700):
        if abs(x) <= largest:
            assert max(errors_of_pair(name, x, PAIRS[name][0](x))) <= 1.0, x


def test_sines_of_angles_next_to_multiples_of_a_right_angle_are_accurate():
    source = random.Random("right angles")
    for k in [*range(1, 200), *(source.randrange(1, 667_000) for _ in range(500))]:
        for x in (float(k * mp.pi / 2), math.nextafter(float(k * mp.pi / 2), INF)):
            assert max(errors_of_pair("sine", x, elementary.sine_and_slope(x))) <= 1.0, x


def test_exp_negative_is_accurate_over_the_whole_range():
    worst = max(
        (error_above(SMALLEST_NORMAL, elementary.exp_negative(-x), exact_exp(-mp.mpf(x))), x)
        for x in points("log", 1500)
    )
    assert worst[0] <= 0.95, worst
    assert elementary.exp_negative(0.0) == 1.0
    assert bits(elementary.exp_negative(-INF)) == bits(0.0)
    assert math.isnan(elementary.exp_negative(NAN))


def test_log_from_one_has_the_bits_of_log():
    for x in [*(x for x in points("log", 1000) if x >= 1.0), INF, NAN]:
        assert bits(elementary.log_from_one(x)) == bits(elementary.log(x)), x


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_accurate_over_the_whole_range(name):
    pair, exact, bound = SLOPES[name]
    smallest = FLUSHED_SLOPES[name]
    worst = max(
        (error_above(smallest, pair(x)[1], exact(mp.mpf(x))), x) for x in points(name, 1000)
    )
    assert worst[0] <= bound, worst


def series(coefficients, x):
    return sum(c * x**n for n, c in enumerate(coefficients))


def exp_from_polynomial(number, r):
    return 1 + r + r**2 * series(number.exp, r)


def log1p_from_polynomial(number, L):
    y = 2 * mp.cosh(L) - 2
    return mp.sinh(L) * (1 + 2 * y * series(number.log1p, y))


def tanh_from_polynomial(number, r):
    return r + r**3 * series(number.tanh, r**2)


def sin_from_polynomial(number, r):
    return r + r**3 * series(number.sin, r**2)


def cos_from_polynomial(number, r):
    return 1 + r**2 * series(number.cos, r**2)


EIGHTH = mp.pi / 4 / mp.log(2)
# Polynomial, exact function, range of use in units of ln 2, and log2 of the largest relative error.
POLYNOMIALS = [
    (exp_from_polynomial, mp.exp, -0.5, 0.5, {"DOUBLE": -56.3, "SINGLE": -28.0}),
    (log1p_from_polynomial, lambda L: L, 0, 1, {"DOUBLE": -56.3, "SINGLE": -28.1}),
    (tanh_from_polynomial, mp.tanh, 0, 0.375, {"DOUBLE": -56.7, "SINGLE": -27.7}),
    (sin_from_polynomial, mp.sin, 0, EIGHTH, {"DOUBLE": -56.4, "SINGLE": -26.9}),
    (cos_from_polynomial, mp.cos, 0, EIGHTH, {"DOUBLE": -57.7, "SINGLE": -28.3}),
]


@pytest.mark.parametrize("name", ["DOUBLE", "SINGLE"])
@pytest.mark.parametrize(("polynomial", "exact", "low", "high", "largest"), POLYNOMIALS)
def test_polynomials_have_the_stated_errors(name, polynomial, exact, low, high, largest):
    number = getattr(formats, name)
    xs = [mp.log(2) * (low + (high - low) * mp.mpf(i) / 3000) for i in range(3001)]
    worst = max(abs(polynomial(number, x) / exact(x) - 1) for x in xs if x)
    assert abs(mp.log(worst, 2) - largest[name]) < 0.1


def test_constants_of_single_precision_are_exact_in_it():
    for field, value in formats.SINGLE._asdict().items():
        for number in value if isinstance(value, tuple) else (value,):
            assert isinstance(number, int) or float(np.float32(number)) == number, field
    assert formats.SINGLE.ln2_high + formats.SINGLE.ln2_low == pytest.approx(mp.log(2), abs=1e-16)
    assert np.float32(1.0).view(np.int32) == formats.SINGLE.one_bits


@pytest.mark.parametrize(("name", "bits"), [("DOUBLE", 163), ("SINGLE", 76)])
def test_half_pi_in_parts(name, bits):
    with mp.workprec(300):
        rest = sum(map(mp.mpf, getattr(formats, name).half_pi)) - mp.pi / 2
        assert abs(rest) < mp.mpf(2) ** -bits


# The largest errors in ulp of a single, which are stated above each function, rounded up.
SINGLE_ERRORS = {"sigmoid": (2.41, 3.46), "softplus": (2.06, 2.41), "tanh": (2.02, 4.09)}
# Where they were found, and where results become 0.
SINGLE_WORST = [-4.157293796539307, 2.646005392074585, -0.4430261552333832, 2.370828628540039]
SINGLE_WORST += [
    1.3217560052871704,
    43.668270111083984,
    43.668273925781250,
    43.9,
    44.0,
    44.1,
    128.0,
]


@pytest.mark.parametrize("name", SINGLE_ERRORS)
def test_singles_are_accurate_over_the_whole_range(name):
    source = random.Random(f"singles for {name}")
    positive = [*SINGLE_WORST, 0.0, 1e-45, 2.0**-126, 1.0, 3e38]
    positive += [math.ldexp(source.uniform(1, 2), source.randrange(-149, 127)) for _ in range(300)]
    positive += [source.uniform(0, 100) for _ in range(900)]
    pair, exact_slope, _ = SLOPES[name]
    exact_value = VALUES[name][1]
    smallest = mp.mpf(2) ** -63
    smallest_slope = 4 * mp.mpf(2) ** -126.75 if name == "tanh" else smallest
    with np.errstate(all="ignore"):
        for x in map(np.float32, [*positive, *(-x for x in positive)]):
            value, slope = pair(x)
            assert isinstance(value, np.float32)
            for found, exact, bound, least in (
                (value, exact_value(mp.mpf(float(x))), 0, None if name == "tanh" else smallest),
                (slope, exact_slope(mp.mpf(float(x))), 1, smallest_slope),
            ):
                if least and exact < least:
                    assert found == 0.0, x
                    continue
                exponent = mp.frexp(exact)[1] if exact else -200
                ulp = mp.ldexp(1, max(exponent - 24, -149))
                error = abs(mp.mpf(float(found)) - exact) / ulp
                assert error <= SINGLE_ERRORS[name][bound], (x, error)


@pytest.mark.parametrize("name", PAIRS)
def test_singles_of_pairs_are_accurate_over_the_whole_range(name):
    source = random.Random(f"singles for {name}")
    positive = [0.0, 1e-45, 2.0**-126, 1.0, 3.6621437072753906]
    positive += [math.ldexp(source.uniform(1, 2), source.randrange(-149, 20)) for _ in range(300)]
    positive += [source.uniform(0, 50) for _ in range(300)]
    positive += [source.uniform(0, 3) for _ in range(300)]
    positive += [float(source.randrange(1, 667_000) * mp.pi / 2) for _ in range(200)]
    with np.errstate(all="ignore"):
        for x in map(np.float32, [*positive, *(-x for x in positive)]):
            results = PAIRS[name][0](x)
            assert all(isinstance(result, np.float32) for result in results)
            errors = errors_of_pair(name, float(x), results, 24, formats.SINGLE.lowest)
            assert max(errors) <= 1.0, x


def test_results_that_would_be_subnormal_are_0_except_for_log():
    last = -708.3964185322641
    first = math.nextafter(last, -INF)
    assert exact_exp(mp.mpf(first)) < SMALLEST_NORMAL <= exact_exp(mp.mpf(last))
    for z in [first, *map(float, np.linspace(-800.0, first, 400))]:
        results = [elementary.sigmoid(z), elementary.softplus(z)]
        results += [elementary.softplus_and_slope(z)[1]]
        results += [elementary.sigmoid_and_slope(side)[1] for side in (z, -z)]
        results += [elementary.tanh_and_slope(side)[1] for side in (z / 2 - 0.26, 0.26 - z / 2)]
        assert set(map(bits, results)) == {bits(0.0)}, z
    assert elementary.sigmoid(last) == elementary.softplus(last) >= 2.0**-1022
    assert elementary.tanh_and_slope(-354.4546)[1] > 0.0


def test_tanh_of_a_subnormal_number_is_the_number():
    for z in (3 * TINY, 1e-310, math.nextafter(2.0**-1022, 0.0), 2.0**-1022, 1e-300, 1e-9):
        assert elementary.tanh(z) == z
        assert elementary.tanh(-z) == -z


def test_tanh_is_odd_and_not_above_1():
    for z in points("odd", 500):
        value, slope = elementary.tanh_and_slope(z)
        assert abs(value) <= 1.0
        assert bits(-value) == bits(elementary.tanh(-z))
        assert slope == elementary.tanh_and_slope(-z)[1]


@pytest.mark.parametrize("name", SLOPES)
def test_pairs_have_the_bits_of_the_single_functions(name):
    single, pair = VALUES[name][0], SLOPES[name][0]
    for x in [*points(name, 500), INF, -INF, NAN]:
        assert bits(single(x)) == bits(pair(x)[0]), x


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "log",
            [
                (1.0, 0.0),
                (0.0, -INF),
                (-0.0, -INF),
                (INF, INF),
                (-TINY, NAN),
                (-1.0, NAN),
                (-INF, NAN),
            ],
        ),
        (
            "sigmoid",
            [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e308, 1.0), (-1e308, 0.0)],
        ),
        ("softplus", [(INF, INF), (-INF, 0.0), (1e308, 1e308), (-1e308, 0.0)]),
        (
            "tanh",
            [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (TINY, TINY), (-TINY, -TINY)],
        ),
        ("tanh", [(1e307, 1.0), (-1e307, -1.0), (2.5e-310, 2.5e-310)]),
    ],
)
def test_values_at_the_ends(name, values):
    for x, value in values:
        assert bits(VALUES[name][0](x)) == bits(value), x


@pytest.mark.parametrize(
    ("name", "at_zero", "far_away"),
    [("sigmoid", 0.25, (0.0, 0.0)), ("softplus", 0.5, (0.0, 1.0)), ("tanh", 1.0, (0.0, 0.0))],
)
def test_slopes_at_the_ends(name, at_zero, far_away):
    pair = SLOPES[name][0]
    assert pair(0.0)[1] == pair(-0.0)[1] == at_zero
    assert tuple(bits(pair(x)[1]) for x in (-INF, INF)) == tuple(bits(x) for x in far_away)


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [
        ("elu", (-1.0, 0.0), (INF, 1.0)),
        ("gelu", (0.0, 0.0), (INF, 1.0)),
        ("silu", (0.0, 0.0), (INF, 1.0)),
        ("sine", (NAN, NAN), (NAN, NAN)),
    ],
)
def test_pairs_at_the_ends(name, below, above):
    pair = PAIRS[name][0]
    assert tuple(map(bits, pair(-INF))) == tuple(map(bits, below))
    assert tuple(map(bits, pair(INF))) == tuple(map(bits, above))
    assert all(math.isnan(result) for nan in (NAN, -NAN) for result in pair(nan))
    assert pair(0.0) == {"elu": (0.0, 1.0), "sine": (0.0, 1.0)}.get(name, (0.0, 0.5))


def test_sines_beyond_the_largest_angle_are_nan():
    largest = elementary.LARGEST_ANGLE
    assert largest == 2.0**20
    for sign in (1.0, -1.0):
        assert elementary.sine_and_slope(sign * largest)[0] == pytest.approx(
            math.sin(sign * largest), rel=1e-15
        )
        beyond = elementary.sine_and_slope(math.nextafter(sign * largest, sign * INF))
        assert all(map(math.isnan, beyond))


def test_nan_in_nan_out():
    for nan in (NAN, -NAN):
        assert all(math.isnan(function(nan)) for function, _, _ in VALUES.values())
        assert all(math.isnan(y) for pair, _, _ in SLOPES.values() for y in pair(nan))


def results_on_a_few_points():
    """Return the results of this process, compiled or not, on 200 points."""
    rows = []
    # NumPy's floats, because they warn where Python's do not.
    for x in map(np.float64, [*points("bits", 18), INF, -INF, NAN, -1.0, -0.0]):
        row = [function(x) for function, _, _ in VALUES.values()]
        row += [y for pair, _, _ in SLOPES.values() for y in pair(x)]
        with np.errstate(all="ignore"):  # gelu overflows on the way
            row += [y for pair, *_ in PAIRS.values() for y in pair(x)]
        rows.append([bits(x), *map(bits, row)])
    return rows


def test_compiled_and_plain_python_give_the_same_bits():
    roots = [str(Path(harness.__file__).parents[1]), str(Path(__file__).parent)]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(roots)
    environment["NUMBA_DISABLE_JIT"] = "0" if numba.config.DISABLE_JIT else "1"
    code = (
        "import json, test_elementary as t, numba;"
        "print(json.dumps([bool(numba.config.DISABLE_JIT), t.results_on_a_few_points()]))"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    disabled, rows = json.loads(answer.stdout)
    assert disabled != bool(numba.config.DISABLE_JIT)
    assert len(rows) > 195
    assert rows == results_on_a_few_points()
