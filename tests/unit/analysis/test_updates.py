"""The arithmetic of an update: every line, and the new value against that of the kernel."""

import math
import re

import numpy as np
import pytest

import harness
from harness.kernels.optimisers import OPTIMISERS
from tests.lessons import an_experiment, first_lesson, three_layers

# Settings with which every part of a step takes part in it.
OWN = {"sgd": {"momentum": 0.5, "drift": [0.01, -0.02]}, "rmsprop": {"momentum": 0.5}}
EXTRAS = {
    "plain": {},
    "l2": {"l2": 0.25},
    "weight_decay": {"weight_decay": 0.5, "penalise_biases": False},
    "clipping": {"clip_norm": 0.125},
    "schedule": {"schedule": "cosine", "warm_up": 3},
}
EXTRAS["all"] = {key: value for extra in EXTRAS.values() for key, value in extra.items()}

# How the lines say what Python says.
PYTHON = ((" x ", " * "), ("^", "**"), ("sqrt(", "math.sqrt("))


def traced(name, extra, epoch=0, **settings):
    lacking = () if OPTIMISERS[name].scheduled else EXTRAS["schedule"]
    training = {
        "optimiser": name,
        "learning_rate": 0.01,
        **OWN.get(name, {}),
        **{key: value for key, value in EXTRAS[extra].items() if key not in lacking},
        **settings,
    }
    if not OPTIMISERS[name].scheduled:
        training = {k: v for k, v in training.items() if k not in EXTRAS["schedule"]}
    return first_lesson(training=training)


@pytest.mark.parametrize("epoch", [0, 1, 7])
@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_new_value_is_that_after_the_next_update_of_the_kernel(name, extra, epoch):
    experiment = traced(name, extra)
    now, after = (harness.trace(experiment, epoch=at).updates for at in (epoch, epoch + 1))
    assert now["new"].to_numpy() == pytest.approx(after["old"].to_numpy(), rel=1e-12, abs=1e-12)
    assert (now["new"] == now["decayed"] - now["step_size"]).all()
    assert (now["new"] != now["old"]).any()
    assert list(now)[-2:] == ["step_size", "new"]


@pytest.mark.jitless
@pytest.mark.parametrize("epoch", [0, 1, 7])
@pytest.mark.parametrize("extra", ["plain", "all"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_line_is_an_equation_that_holds(name, extra, epoch):
    trace = harness.trace(traced(name, extra), epoch=epoch)
    for row, step in zip(trace.updates.to_dict("records"), trace.steps, strict=True):
        lines = step.format(**{key: repr(value) for key, value in row.items()}).splitlines()
        for line in lines:
            _, equation, value = (part.strip() for part in re.split(r"\s=\s", line))
            for ours, theirs in PYTHON:
                equation = equation.replace(ours, theirs)
            assert eval(equation) == pytest.approx(eval(value), rel=1e-12, abs=1e-300)
        assert lines[-1].startswith("step size = ")
        assert lines[-1].endswith(f"= {row['step_size']!r}")


def test_all_parts_of_an_update_have_lines_in_the_order_of_the_kernel():
    trace = harness.trace(traced("adam", "all"))
    names = [line.partition(" = ")[0] for line in trace.steps[0].splitlines()]
    adam = ["mean", "mean of squares", "corrected mean", "corrected mean of squares", "step size"]
    clipping = ["clipping by the norm of the gradient", "clipped derivative", "learning rate"]
    assert names == ["derivative with penalty", *clipping, "after weight decay", *adam]
    of_bias = [line.partition(" = ")[0] for line in trace.steps[-1].splitlines()]
    assert of_bias == [*clipping, *adam]  # biases are not penalised


def test_clipping_is_by_the_norm_over_all_parameters_that_train():
    train = ["w1", "w3", "b2"]
    experiment = first_lesson(training={"train": train, "clip_norm": 0.125, "l2": 2.0})
    whole = harness.trace(experiment).updates
    penalised = whole["derivative"] + 2.0 * whole["old"]
    norm = math.sqrt((penalised**2).sum())
    assert whole["norm"].tolist() == pytest.approx([norm] * 3)
    assert norm > 0.125
    assert np.linalg.norm(whole["gradient"]) == pytest.approx(0.125)
    single = harness.trace(experiment, parameter="w3").updates
    assert single["gradient"].tolist() == whole.loc[whole["parameter"] == "w3", "gradient"].tolist()


def test_a_short_gradient_is_not_clipped():
    updates = harness.trace(first_lesson(training={"clip_norm": 1e6})).updates
    assert set(updates["clipping"]) == {1.0}
    assert (updates["gradient"] == updates["derivative"]).all()


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_the_learning_rate_is_that_of_the_schedule(epoch):
    schedule = [1.0, 0.5, 0.25, 0.5, 0.5, 0.5, 0.5, 3.0, 1.0]
    layers = {"learning_rate": [0.2, 0.1], "schedule": schedule}
    updates = harness.trace(first_lesson(training=layers), epoch=epoch).updates
    assert set(updates["base_rate"]) == {0.2, 0.1}
    assert updates["factor"].tolist() == [schedule[epoch]] * 7
    assert (updates["learning_rate"] == updates["base_rate"] * updates["factor"]).all()


def test_adam_counts_updates_and_not_epochs():
    batches = {"optimiser": "adam", "batch_size": 2}
    for epoch, t in ((0, 1), (1, 4), (7, 22)):  # three updates per epoch
        trace = harness.trace(three_layers(training=batches), epoch=epoch, parameter="w1")
        assert trace.updates["t"].tolist() == [t]
        ones = 1 - 0.9**t
        corrected = trace.updates["mean"] / ones
        assert trace.updates["corrected_mean"].tolist() == pytest.approx(corrected.tolist())


def test_rprop_says_what_became_of_the_sign():
    # Along a parabola: a step too far, a step back, and on from there.
    line = an_experiment(
        [1, 1],
        ["identity"],
        {"inputs": [1.0, -1.0], "targets": [1.0, -1.0]},
        training={"optimiser": "rprop", "learning_rate": 1.5, "train": ["w1"]},
    )
    says = [harness.trace(line, epoch=epoch).steps[0] for epoch in range(9)]
    assert says[0].startswith("size (no sign to compare)")
    assert any(step.startswith("size (sign kept)") for step in says)
    turns = [n for n, step in enumerate(says) if "sign changed" in step]
    assert turns
    for n in turns:
        update = harness.trace(line, epoch=n).updates.iloc[0]
        assert update["step_size"] == 0.0
        assert update["size"] == 0.5 * update["last_size"]


def test_a_parameter_that_does_not_train_is_neither_penalised_nor_moved():
    experiment = first_lesson(training={"train": ["b3"], **EXTRAS["all"], "optimiser": "adam"})
    trace = harness.trace(experiment, parameter="w1")
    (update,) = trace.updates.itertuples()
    assert trace.steps == ("",)
    assert update.derivative != 0.0
    assert update.gradient == update.learning_rate == update.step_size == 0.0
    assert update.new == update.decayed == update.old
