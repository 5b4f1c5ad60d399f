"""Every optimiser of the table: neutral settings, and the explanation of a step."""

import itertools

import numpy as np
import pytest

import harness
from harness.kernels.optimisers import OPTIMISERS
from tests.lessons import first_lesson

# Parameters and gradients whose signs, zeros and sizes a formula may treat in different ways.
VALUES = (0.0, -0.0, 1.5, -2.25e-3, 1e308, 5e-324, np.inf, -np.inf, np.nan)


def other_than_neutral(setting):
    """A value of a setting that takes part in a step."""
    return setting.default if setting.default != setting.neutral else 0.25


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


@pytest.mark.parametrize("epoch", [0, 3])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_explanation_of_a_step_is_what_the_kernel_does(name, epoch):
    settings = {s.name: other_than_neutral(s) for s in OPTIMISERS[name].settings}
    experiment = first_lesson(training={"optimiser": name, "learning_rate": 0.01, **settings})
    now, after = (harness.trace(experiment, epoch=at).updates for at in (epoch, epoch + 1))
    assert after["old"].to_numpy() == pytest.approx(now["new"].to_numpy(), rel=1e-12)
    assert (now["step_size"] != 0.0).all()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_sentence_shows_the_numbers_of_the_step(name):
    settings = {s.name: other_than_neutral(s) for s in OPTIMISERS[name].settings}
    trace = harness.trace(first_lesson(training={"optimiser": name, **settings}), epoch=1)
    for row, step in zip(trace.updates.to_dict("records"), trace.steps, strict=True):
        shown = step.format(**{key: repr(value) for key, value in row.items()})
        assert shown.endswith(f"= {row['step_size']!r}")
        value = eval(shown.partition("=")[2].rpartition("=")[0].replace("x", "*"))
        assert value == pytest.approx(row["step_size"], rel=1e-12)
