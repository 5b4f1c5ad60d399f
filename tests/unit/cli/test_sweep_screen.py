"""The announcement of a sweep: its axes in words."""

import pytest

from harness.cli.sweep_screen import announce
from harness.experiment import Experiment

SAMPLE = {
    "count": 9,
    "momentum": {"linear": [0, 0.99]},
    "width": {"log": [2, 32]},
    "optimiser": ["sgd", "adam"],
}


@pytest.mark.parametrize(
    ("grid", "lines"),
    [
        (
            {"learning_rate": {"random": [1e-4, 1], "scale": "log", "count": 200}},
            ["  learning_rate: 200 random values from 0.0001 to 1, log"],
        ),
        (
            {"b1": {"normal": [0, 0.5], "count": 1}},
            ["  b1: 1 random value around 0, normal, deviation 0.5"],
        ),
        (
            {"b1": {"normal": [0.01, 3], "scale": "log", "count": 9}},
            ["  b1: 9 random values around 0.01, normal, log, a factor of 3"],
        ),
        (
            {"sample": {**SAMPLE, "method": "sobol"}},
            [
                "  9 Sobol points: momentum from 0 to 0.99; width from 2 to 32, log; optimiser",
                "    from sgd, adam; momentum only for sgd",
            ],
        ),
    ],
)
def test_axes_that_draw_are_announced_with_their_ranges(grid, lines, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    announce(
        Experiment.from_mapping(
            {
                "name": "drawn",
                "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
                "data": {"generator": "dosage"},
                "training": {"epochs": 10, "learning_rate": 0.1},
                "grid": grid,
            }
        )
    )
    assert capsys.readouterr().out.splitlines()[3:-1] == lines
