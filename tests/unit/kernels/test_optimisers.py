"""Every optimiser of the table: neutral settings."""

import itertools

import numpy as np
import pytest

from harness.kernels.optimisers import OPTIMISERS

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
