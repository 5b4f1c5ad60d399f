"""Sine and cosine of turns against mpmath, and where they are exact."""

import math

import numpy as np
from mpmath import mp, mpf

from harness.experiment.trigonometry import sin_cos


def test_errors_are_below_two_ulp():
    rng = np.random.default_rng(3)
    near = np.arange(-24, 25) / 8 + rng.normal(0.0, 1e-9, 49)  # quarters, and where they change
    turns = np.concatenate((rng.uniform(-3, 3, 1500), 10.0 ** rng.uniform(-20, 3, 500), near))
    mp.prec = 120
    for x, *found in zip(turns.tolist(), *map(np.ndarray.tolist, sin_cos(turns)), strict=True):
        for value, exact in zip(found, (mp.sinpi(2 * mpf(x)), mp.cospi(2 * mpf(x))), strict=True):
            assert abs(value - exact) < 2 * math.ulp(float(abs(exact))), x


def test_whole_quarters_of_a_turn_are_exact():
    sine, cosine = sin_cos(np.arange(-8, 9) / 4)
    assert sine.tolist() == [0, 1, 0, -1] * 4 + [0]
    assert cosine.tolist() == [1, 0, -1, 0] * 4 + [1]
    sine, cosine = sin_cos(np.array([2.0**60, -(2.0**53)]))
    assert (sine.tolist(), cosine.tolist()) == ([0, 0], [1, 1])
