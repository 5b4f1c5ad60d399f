import json
import math
import os
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist

import mpmath
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.kernels import philox
from harness.kernels.simd import arithmetic

WORDS = st.integers(0, 2**64 - 1)


def raw(seed, stream, major, count, block=0):
    """Return NumPy's words. NumPy increments its counter before it makes a block."""
    counter = (block + (major << 64) + (stream << 128) - 1) % 2**256
    return [int(x) for x in np.random.Philox(counter=counter, key=seed).random_raw(count)]


def words(*numbers):
    return tuple(np.uint64(x) for x in numbers)


@given(WORDS, WORDS, WORDS, WORDS)
def test_blocks_agree_with_numpy(seed, stream, major, block):
    ours = philox.philox_block(*words(seed, stream, major, block))
    assert [int(x) for x in ours] == raw(seed, stream, major, 4, block)


def test_block_of_zeros_agrees_with_the_published_one():
    # Random123, tests/kat_vectors, philox4x64 with 10 rounds.
    published = "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"
    ours = philox.philox_block(*words(0, 0, 0, 0))
    assert [f"{int(x):016x}" for x in ours] == published.split()


@given(WORDS, st.integers(0, 3), WORDS, WORDS)
def test_word_is_found_by_its_index(seed, stream, major, index):
    expected = raw(seed, stream, major, 4, index // 4)[index % 4]
    assert int(philox.word(*words(seed, stream, major, index))) == expected


@given(WORDS)
def test_uniform_is_made_of_the_top_53_bits(x):
    assert philox.uniform01(np.uint64(x)) == math.ldexp(x // 2**11, -53)


def test_uniform_and_normal_at_the_ends():
    first, last = np.uint64(0), np.uint64(2**64 - 1)
    assert philox.uniform01(first) == 0.0
    assert philox.uniform01(last) == 1 - 2.0**-53
    assert philox.normal(last) == -philox.normal(first) == pytest.approx(8.2095, abs=1e-4)


def check_normal(x):
    p = ((x >> 12) + 0.5) * 2.0**-52
    ours = philox.normal(np.uint64(x))
    # Both are within a few units in the last place of the same rational functions.
    assert math.isclose(ours, NormalDist().inv_cdf(p), rel_tol=2e-15)
    assert philox.normal(np.uint64(2**64 - 1 - x)) == -ours


@given(WORDS)
def test_normal_is_the_quantile(x):
    check_normal(x)


@given(st.integers(0, 2**52 - 1), st.integers(0, 51))
def test_normal_is_the_quantile_in_the_tails(n, shift):
    check_normal((n >> shift) << 12)


def test_normal_is_the_quantile_where_the_formula_changes():
    far = math.exp(-25.0)  # where sqrt(-log(p)) passes 5
    for p in (0.075, 0.925, 0.5, far, 1 - far):
        for step in range(-20, 21):
            check_normal((int(p * 2**52) + step) << 12)
    for n in range(1, 500):
        check_normal(int(n / 5000 * 2**52) << 12)
        check_normal(int(math.exp(-n / 500 * 36) * 2**52) << 12)


HALF = mpmath.ncdf(2) - 0.5


def check_truncated(x):
    ours = philox.truncated_normal(np.uint64(x))
    with mpmath.workdps(30):
        between = HALF * (2 * (mpmath.mpf(x >> 12) + 0.5) / 2**52 - 1)
        exact = mpmath.sqrt(2) * mpmath.erfinv(2 * between)
        assert abs(ours - exact) <= 6 * math.ulp(float(exact))
    assert abs(ours) <= 2.0
    assert philox.truncated_normal(np.uint64(2**64 - 1 - x)) == -ours


@given(WORDS)
def test_truncated_normal_is_the_quantile(x):
    check_truncated(x)


def test_truncated_normal_at_the_ends_and_in_the_middle():
    cell = 1 << 12
    for n in range(100):
        check_truncated(n * cell)
        check_truncated(2**63 + n * cell)
        check_truncated((n * 2**45 + 12345) * cell)
    assert philox.truncated_normal(np.uint64(2**64 - 1)) == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 8, 9, 272])
def test_shuffle_is_that_of_fisher_and_yates(size):
    for seed, epoch in ((0, 0), (2**64 - 1, 0), (5, 17)):
        source = raw(seed, 3, epoch, max(size, 1))
        expected = list(range(size))
        for i in range(size - 1, 0, -1):
            j = math.floor((source[i] >> 11) * 2.0**-53 * (i + 1))
            expected[i], expected[j] = expected[j], expected[i]
        order = np.full(size, -1)
        philox.shuffle(order, np.uint64(seed), epoch)
        assert order.tolist() == expected


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 30])
def test_draw_takes_each_position_from_its_own_word(size):
    for seed, epoch, samples in ((0, 0, 1), (2**64 - 1, 3, 7), (5, 17, 272)):
        source = raw(seed, 3, epoch, max(size, 1))[:size]
        order = np.full(size, -1)
        philox.draw(order, *words(seed, epoch), samples)
        assert order.tolist() == [math.floor((x >> 11) * 2.0**-53 * samples) for x in source]


@pytest.mark.parametrize("size", [0, 1, 4, 7, 50])
def test_fills_take_each_position_from_its_own_word(size):
    source = raw(11, 2, 13, max(size, 1))[:size]
    out = np.full(size, np.nan)
    philox.fill_normal(out, *words(11, 2, 13))
    assert out.tolist() == [philox.normal(np.uint64(x)) for x in source]


P = 11
SPREAD = np.linspace(0.3, 1.9, P)
ALL = np.ones(P, dtype=np.bool_)
BIG_SEED = 2**63 + 5


def initialised(init_ids, distribution=philox.NORMAL, count=P, seeds=None, drawn=ALL):
    """Return theta for scale init_id % 5 + 0.7 and offset init_id % 3 - 0.1; NaN if not drawn."""
    ids = np.array(init_ids, dtype=np.uint64)
    seeds = np.array([BIG_SEED] * len(ids) if seeds is None else seeds, dtype=np.uint64)
    theta = np.full((len(ids), count), np.nan)
    scales, offsets = (ids % np.uint64(5)) + 0.7, (ids % np.uint64(3)) - 0.1
    arrays = (SPREAD[:count], drawn[:count], scales, offsets)
    philox.initialise(theta, seeds, ids, distribution, *arrays)
    return theta


NUMBERS = {
    philox.CONSTANT: lambda x: 1.0,
    philox.UNIFORM: lambda x: 2 * ((x >> 11) * 2.0**-53) - 1,
    philox.NORMAL: lambda x: philox.normal(np.uint64(x)),
    philox.TRUNCATED_NORMAL: lambda x: philox.truncated_normal(np.uint64(x)),
}


@pytest.mark.parametrize("distribution", NUMBERS)
def test_initial_parameters_are_spread_times_number_plus_offset(distribution):
    theta = initialised([0, 7], distribution, seeds=[BIG_SEED, 1])
    for row, seed, major in zip(theta, (BIG_SEED, 1), (0, 7), strict=True):
        scale, offset = major % 5 + 0.7, major % 3 - 0.1
        for p, x in enumerate(raw(seed, 0, major, P)):
            number = NUMBERS[distribution](x)
            assert row[p] == arithmetic.fma(scale * SPREAD[p], number, offset)


def test_initial_parameters_do_not_depend_on_their_neighbours():
    theta = initialised([0, 1, 2, 2**64 - 1])
    assert len(np.unique(theta)) == theta.size
    assert np.array_equal(initialised([2**64 - 1, 1]), theta[[3, 1]])
    assert np.array_equal(initialised([2]), theta[[2]])
    for count in range(1, P):
        assert np.array_equal(initialised([0, 1], count=count), theta[:2, :count])
    assert not np.any(initialised([0], seeds=[6]) == theta[:1])


def test_initial_parameters_that_are_not_drawn_are_left_alone():
    drawn = np.arange(P) % 3 > 0
    theta = initialised([0, 1], drawn=drawn)
    assert np.array_equal(theta[:, drawn], initialised([0, 1])[:, drawn])
    assert np.all(np.isnan(theta[:, ~drawn]))


def results_on_a_few_numbers():
    """Return some draws of this process, compiled or not."""
    normal, order = np.empty(33), np.empty(33, dtype=np.int64)
    uniform = [philox.uniform01(np.uint64(k << 11)) for k in range(33)]
    philox.fill_normal(normal, *words(2**64 - 1, 1, 2))
    philox.shuffle(order, *words(2**64 - 1, 9))
    numbers = [uniform, normal, order.copy(), initialised([0, 2**64 - 1]).ravel()]
    philox.draw(order, *words(2**64 - 1, 9), 1000)
    numbers.append(order)
    numbers.append([philox.normal(np.uint64(k << 12)) for k in range(20)])
    numbers.append(initialised([0, 3], philox.TRUNCATED_NORMAL).ravel())
    theta = initialised([0, 2**64 - 1])
    scales, offsets = np.array([1.5, 0.3]), np.array([0.0, 0.1])
    philox.orthogonalise(theta, np.arange(8).reshape(2, 4), scales, offsets)
    numbers.append(theta.ravel())
    return [[float(x).hex() for x in part] for part in numbers]


def test_compiled_and_plain_python_give_the_same_bits():
    roots = [str(Path(harness.__file__).parents[1]), str(Path(__file__).parent)]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(roots)
    environment["NUMBA_DISABLE_JIT"] = "0" if numba.config.DISABLE_JIT else "1"
    code = (
        "import json, test_philox as t, numba;"
        "print(json.dumps([bool(numba.config.DISABLE_JIT), t.results_on_a_few_numbers()]))"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    disabled, numbers = json.loads(answer.stdout)
    assert disabled != bool(numba.config.DISABLE_JIT)
    assert numbers == results_on_a_few_numbers()
