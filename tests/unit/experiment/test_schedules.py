"""Factors on the learning rate, compared with the slow twin."""

import pytest

from harness.analysis.replay import state_after
from harness.experiment.schedules import CONSTANT, SCHEDULES, schedule_factors
from harness.training.variants import make_variant
from tests.lessons import first_lesson
from tests.reference.optimisers import SCHEDULES as TWINS
from tests.reference.optimisers import factors

SETTINGS = {
    "constant": [{}],
    "step": [{}, {"every": 1, "factor": 0.5}, {"every": 7, "factor": 1.5}, {"every": 10**9}],
    "exponential": [{}, {"factor": 0.5}, {"factor": 1.01}],
    "linear": [{}, {"final": 0.1}, {"final": 3.0}],
    "cosine": [{}, {"final": 0.1}, {"final": 3.0}],
    "one_cycle": [
        {},
        {"initial": 0.0, "rise": 0.5, "final": 0.1},
        {"rise": 0.99, "final": 0.1},  # the last epoch comes less than one after the peak
        {"rise": 0.1},  # of 10 epochs, the first is the peak
        {"rise": 0.01},  # before the first epoch
    ],
}
CASES = [(name, settings) for name, each in SETTINGS.items() for settings in each]


def ours(name, settings, epochs, warm_up):
    """Return the factors of harness, with its defaults for settings that are left out."""
    found = {setting.name: setting.default for setting in SCHEDULES[name].settings}
    found |= {f"schedule_{setting}": value for setting, value in settings.items()}
    return schedule_factors(name, found, epochs, warm_up)


def test_every_schedule_has_a_twin():
    assert {*SETTINGS} == {*TWINS} == {*SCHEDULES}


@pytest.mark.parametrize("epochs", [0, 1, 2, 10, 1000])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_factors(name, settings, epochs):
    for warm_up in (0, 1, 3, 10, 20):
        found = ours(name, settings, epochs, warm_up)
        assert found.shape == (epochs,)
        # Powers are products of up to 1,000 rounded factors.
        expected = factors(name, epochs, warm_up, **settings)
        assert found == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_factors_written_out():
    assert ours("step", {"every": 2, "factor": 0.5}, 5, 0).tolist() == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert ours("exponential", {"factor": 0.5}, 4, 0).tolist() == [1.0, 0.5, 0.25, 0.125]
    assert ours("linear", {"final": 0.0}, 4, 0).tolist() == [1.0, 0.75, 0.5, 0.25]
    assert ours("cosine", {"final": 0.0}, 4, 0) == pytest.approx([1.0, 0.8535534, 0.5, 0.1464466])
    cycle = {"initial": 0.5, "rise": 0.5, "final": 0.25}
    # The peak is at epoch 0.5 * 6 - 1 = 2, and the end at 5.
    expected = [0.5, 0.75, 1.0, 0.8125, 0.4375, 0.25]
    assert ours("one_cycle", cycle, 6, 0) == pytest.approx(expected, rel=1e-15)
    assert ours("constant", {}, 5, 4).tolist() == [0.25, 0.5, 0.75, 1.0, 1.0]


# -- in training -----------------------------------------------------------------------------------


def ending(**training):
    """Return the bits of the final parameters of a run."""
    experiment = first_lesson(training={"epochs": 12, **training})
    return state_after(make_variant(experiment), 12).theta.tobytes()


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_factors_of_1_are_the_constant_schedule(optimiser):
    constant = ending(optimiser=optimiser)
    assert ending(optimiser=optimiser, schedule=[1.0] * 12) == constant
    assert ending(optimiser=optimiser, schedule=CONSTANT, warm_up=0) == constant
    assert ending(optimiser=optimiser, schedule="cosine", schedule_final=1.0) == constant
    assert ending(optimiser=optimiser, warm_up=1) == constant
    assert ending(optimiser=optimiser, warm_up=2) != constant


def test_a_factor_acts_like_the_rate_of_that_epoch():
    halves = ending(learning_rate=0.1, schedule=[0.5] * 12)
    assert halves == ending(learning_rate=0.05)
    assert ending(schedule=[0.0] * 12) == ending(learning_rate=0.0)
