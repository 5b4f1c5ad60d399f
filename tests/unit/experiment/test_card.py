"""The line that says how an experiment trains."""

import pytest

import harness
from harness.experiment.card import update_rule
from harness.experiment.schema import TrainingSection
from tests.lessons import first_lesson

COSINE = {"schedule": "cosine", "warm_up": 5}


@pytest.mark.parametrize(
    ("training", "axes", "said"),
    [
        ({}, [], "sgd, learning rate 0.01"),
        ({}, ["learning_rate"], "sgd"),
        ({"momentum": 0.9}, ["learning_rate_1", "learning_rate_2"], "sgd, momentum 0.9"),
        (
            {"learning_rate": (0.2, 0.1), "momentum": 0.9, "drift": (0.0, -0.1)},
            [],
            "sgd, learning rate 0.2 and 0.1, momentum 0.9, drift 0 and -0.1",
        ),
        (
            {"optimiser": "adam", "l2": 0.01, **COSINE},
            [],
            "adam, learning rate 0.01, beta1 0.9, beta2 0.999, epsilon 1e-08, l2 0.01,"
            " cosine schedule (final 0) after 5 epochs of warm-up",
        ),
        (
            {"optimiser": "adamw", "penalise_biases": False},
            ["beta1", "epsilon"],
            "adamw, learning rate 0.01, beta2 0.999, weight decay 0.01, biases not penalised",
        ),
        (
            {"optimiser": "adagrad", "clip_norm": 1.0, "warm_up": 1},
            ["l2"],
            "adagrad, learning rate 0.01, epsilon 1e-10, clip norm 1, 1 epoch of warm-up",
        ),
        (
            {"momentum": 0.5, "schedule": (1.0, 0.5)},
            ["optimiser"],
            "several optimisers, learning rate 0.01, momentum 0.5, schedule of 2 factors",
        ),
        (COSINE, ["schedule", "warm_up"], "sgd, learning rate 0.01"),
        (COSINE, ["schedule"], "sgd, learning rate 0.01, 5 epochs of warm-up"),
        (
            {"schedule": "one_cycle"},
            ["schedule_rise"],
            "sgd, learning rate 0.01, one cycle schedule (initial 0.04, final 4e-06)",
        ),
    ],
)
def test_optimiser_schedule_and_settings_are_in_a_line(training, axes, said):
    section = TrainingSection(epochs=9, **{"learning_rate": 0.01, **training})
    assert update_rule(section, axes) == said


def test_a_notebook_shows_the_line():
    experiment = first_lesson(training={"optimiser": "rprop"}, grid={"eta_plus": [1.1, 1.2]})
    assert isinstance(experiment, harness.Experiment)
    assert "rprop, learning rate 0.1, eta minus 0.5, step min 1e-06" in experiment._repr_html_()
