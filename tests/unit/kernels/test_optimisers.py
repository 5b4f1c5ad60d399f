"""Every optimiser of the table: its steps, and neutral settings."""

import itertools

import numpy as np
import pytest

from harness.kernels.optimisers import OPTIMISERS
from harness.training.buffers import make_counts
from harness.training.trainer import Trainer
from tests.lessons import an_experiment
from tests.reference.network import gradient_by_backpropagation
from tests.side_by_side import a_problem, a_twin, assert_same_training, train_both

# Parameters and gradients whose signs, zeros and sizes a formula may treat in different ways.
VALUES = (0.0, -0.0, 1.5, -2.25e-3, 1e308, 5e-324, np.inf, -np.inf, np.nan)


def other_than_neutral(setting):
    """A value of a setting that takes part in a step."""
    return setting.default if setting.default != setting.neutral else 0.25


# -- against the slow twin -------------------------------------------------------------------------

TWINS = {
    "1-2-1": a_twin((1, 2, 1), "softplus"),
    "2-3-3-1": a_twin((2, 3, 3, 1), "tanh", "mse"),
}
# Other than the defaults. Near a minimum, steps of RMSprop with a small epsilon are chaotic:
# rounding errors grow.
SETTINGS = {
    "sgd": {"momentum": 0.6, "drift": [1e-3, -2e-3, 5e-4]},
    "nesterov": {"momentum": 0.6},
    "adagrad": {"epsilon": 0.01},
    "rmsprop": {"decay": 0.9, "epsilon": 0.1, "momentum": 0.5},
    "adam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 0.01},
    "adamw": {"beta1": 0.5, "beta2": 0.9, "epsilon": 0.1},
    "rprop": {"eta_minus": 0.3, "eta_plus": 1.4, "step_min": 1e-3, "step_max": 0.05},
}
EVERYTHING = {
    "factors": np.linspace(1.0, 0.2, 200),
    "l2": 0.02,
    "weight_decay": 0.1,
    "clip_norm": 0.4,
    "penalise_biases": False,
    "batch_size": 2,
    "batches": "shuffled",
    "seed": 5,
    "trained": [0, 1, 2, 4, 6],
}
PLAIN = {"weight_decay": 0.0}  # that of adamw has another default


@pytest.mark.parametrize("more", [PLAIN, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
@pytest.mark.parametrize("changed", [False, True], ids=["defaults", "settings"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_200_epochs(name, changed, twin, more):
    settings = SETTINGS[name] if changed else {}
    if "drift" in settings:
        settings = settings | {"drift": settings["drift"][: twin.layers]}
    problem = a_problem(twin)
    both = train_both(
        twin,
        problem,
        200,
        0.01,
        optimiser=name,
        gradient=gradient_by_backpropagation,
        **settings,
        **more,
    )
    assert_same_training(*both, optimiser=name, close={"rel": 1e-12, "abs": 1e-13})


# -- by hand ---------------------------------------------------------------------------------------


@pytest.mark.jitless
def test_three_steps_of_adam():
    """Kingma and Ba 2015, algorithm 1, with beta1 = 0.9, beta2 = 0.999 and a rate of 0.1."""
    begin, step = OPTIMISERS["adam"].begin, OPTIMISERS["adam"].step
    theta, mean, squares, counts = 1.0, 0.0, 0.0, (0.0, 0.0)
    steps = [
        # m and v, the corrections 1 - beta1^t and 1 - beta2^t, and the new theta:
        (0.5, 0.05, 0.00025, 0.1, 0.001, 0.9000000020000000),
        (-0.25, 0.02, 0.00031225, 0.19, 0.001999, 0.8733662987078462),
        (2.0, 0.218, 0.00431193775, 0.271, 0.002997001, 0.8063015345291529),
    ]
    for gradient, m, v, ones1, ones2, expected in steps:
        made, counts = begin(0.9, 0.999, 1e-8, *counts)
        theta, mean, squares = step(theta, gradient, 0.1, 0.9, 0.999, 1e-8, *made, mean, squares)
        assert (mean, squares) == pytest.approx((m, v), rel=1e-15)
        assert counts == pytest.approx((ones1, ones2), rel=1e-14)
        assert theta == pytest.approx(expected, rel=1e-13)


@pytest.mark.jitless
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.0), (0.5, 0.1)])
def test_steps_of_adam_with_a_constant_gradient(betas):
    # Whatever the betas are, both corrected means are those of a constant.
    begin, step = OPTIMISERS["adam"].begin, OPTIMISERS["adam"].step
    theta, state, counts = 0.0, (0.0, 0.0), (0.0, 0.0)
    for t in range(1, 6):
        made, counts = begin(*betas, 0.5, *counts)
        theta, *state = step(theta, -1.5, 0.1, *betas, 0.5, *made, *state)
        assert theta == pytest.approx(t * 0.1 * 1.5 / (1.5 + 0.5), rel=1e-13)


@pytest.mark.jitless
def test_rules_of_rprop():
    """Riedmiller and Braun 1993: 0.1 at first, times 1.2 or 0.5, from 0.05 to 0.13."""
    step = OPTIMISERS["rprop"].step
    theta, before, size = 1.0, 0.0, 0.1
    for gradient, kept, expected, moved in [
        (2.0, 2.0, 0.1, -0.1),  # the first one
        (3.0, 3.0, 0.12, -0.12),  # the same sign
        (1e-200, 1e-200, 0.13, -0.13),  # 0.144 is above the maximum
        (1e-200, 1e-200, 0.13, -0.13),  # the product of both would be 0
        (-1.0, 0.0, 0.065, 0.0),  # another sign: no step,
        (-1.0, -1.0, 0.065, 0.065),  # and the next one is like the first
        (0.0, 0.0, 0.065, 0.0),
        (-1.0, -1.0, 0.065, 0.065),  # after 0, too
        (4.0, 0.0, 0.05, 0.0),  # 0.0325 is below the minimum
        (4.0, 4.0, 0.05, -0.05),
        (5.0, 5.0, 0.06, -0.06),
    ]:
        new, before, size = step(theta, gradient, 0.1, 0.5, 1.2, 0.05, 0.13, before, size)
        assert (before, size) == (kept, pytest.approx(expected, rel=1e-15))
        assert new - theta == pytest.approx(moved, rel=1e-14)
        theta = new


@pytest.mark.jitless
@pytest.mark.parametrize("number", [float, np.float32])
@pytest.mark.parametrize("name", ["sgd", "nesterov", "rmsprop", "adam"])
def test_state_decays_to_0_and_not_to_subnormal_numbers(name, number):
    # As that of a dead unit, whose gradient is 0. Rounding would keep 4 * 5e-324 * 0.9 where it is.
    shares = {"momentum": 0.9, "decay": 0.9, "beta1": 0.9, "beta2": 0.9, "epsilon": 1e-8}
    optimiser = OPTIMISERS[name]
    own = [number(shares[s.name]) if s.name in shares else None for s in optimiser.settings]
    state, counts = [number(0.5)] * len(optimiser.slots), [number(0.0)] * len(optimiser.counts)
    for _ in range(7000):
        made, counts = optimiser.begin(*own, *counts)
        _, *state = optimiser.step(number(1.0), number(0.0), number(0.1), *own, *made, *state)
    assert state == [0.0] * len(state)
    assert all(isinstance(value, number) for value in state)


# -- extremes --------------------------------------------------------------------------------------


def line(target, **training):
    """Return final status and parameters of a line through (1e100, target), and its weight."""
    experiment = an_experiment(
        [1, 1],
        ["identity"],
        {"inputs": [[1e100], [0.0]], "targets": [[target], [0.0]]},
        "half_ssr",
        training={"epochs": 3, **training},
    )
    found = []
    for lanes in (1, 8):
        stop, counts = np.zeros(1, np.uint8), make_counts(1)[0]
        runs = Trainer(experiment, lanes=lanes).train(0, 1, stop, counts).runs
        found.append([str(runs[name][0]) for name in ("status", "w1_final", "b1_final")])
    assert found[0] == found[1]
    status, *theta = found[0]
    return status, [float(value) for value in theta]


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "adamw"])
def test_squares_that_overflow_end_the_steps_of_a_parameter(name):
    # As in PyTorch: the gradient of w1, about 1e200, is divided by infinity.
    before = line(1e100, optimiser=name, epochs=0)[1]
    status, (weight, bias) = line(1e100, optimiser=name, weight_decay=0.0)
    assert (status, weight) == ("finished", before[0])
    assert np.isfinite(bias)
    assert bias != before[1]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_norm_that_overflows_clips_the_gradient_to_0(name):
    before = line(1e100, optimiser=name, epochs=0)[1]
    training = {"optimiser": name, "clip_norm": 1.0, "weight_decay": 0.0}
    assert line(1e100, **training) == ("finished", before)


@pytest.mark.parametrize("clipping", [{}, {"clip_norm": 1.0}])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_loss_that_overflows_has_diverged(name, clipping):
    assert line(1e200, optimiser=name, **clipping)[0] == "diverged"


# -- neutral settings ------------------------------------------------------------------------------


@pytest.mark.jitless
@pytest.mark.parametrize("others_are_used", [True, False])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_setting_at_its_neutral_value_is_as_if_it_were_not_there(name, others_are_used):
    optimiser = OPTIMISERS[name]
    neutral = {s.name: s.neutral for s in optimiser.settings if s.neutral is not None}
    for tested in neutral:
        used = {
            s.name: other_than_neutral(s)
            for s in optimiser.settings
            if s.name != tested and (others_are_used or s.name not in neutral)
        }
        absent = [used.get(s.name) for s in optimiser.settings]
        there = [
            neutral[tested] if s.name == tested else used.get(s.name) for s in optimiser.settings
        ]
        in_use = [slot.needed_for in (None, *used) for slot in optimiser.slots]
        state = [0.125 if found else None for found in in_use]
        with_state = [
            0.0 if slot.needed_for == tested else value
            for slot, value in zip(optimiser.slots, state, strict=True)
        ]
        for theta, gradient in itertools.product(VALUES, VALUES):
            without = optimiser.step(theta, gradient, 0.5, *absent, *state)
            found = optimiser.step(theta, gradient, 0.5, *there, *with_state)
            for ours, theirs, is_used in zip(found, without, [True, *in_use], strict=True):
                assert not is_used or np.float64(ours).tobytes() == np.float64(theirs).tobytes()
