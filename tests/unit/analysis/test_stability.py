"""Thresholds of gradient descent, against eigenvalues from numpy and against trained sweeps."""

import numpy as np
import pytest

import harness
from harness.analysis.stability import bias_curvature, why_diverged
from harness.training.variants import make_variant

INPUTS = np.array([[1.0, 0.5], [-0.5, 1.5], [0.25, -1.0], [1.5, 1.0], [-1.0, 0.75]])
TARGETS = [2.5, -1.5, 2.5, 3.0, -1.75]
DOSAGE = {
    "name": "threshold",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 300, "learning_rate": 0.1, "limit": 1e10},
    "initialisation": {"scheme": "normal", "scale": 2.0},
    "grid": {"learning_rate": {"log": [0.03, 1.0], "count": 21}, "init_id": 20},
    "record": {"epochs": "none"},
}
QUADRATIC = DOSAGE | {
    "network": {"layers": [2, 1], "activations": ["identity"], "loss": "half_ssr"},
    "data": {"inputs": INPUTS.tolist(), "targets": TARGETS},
    "grid": {"learning_rate": {"linear": [0.01, 0.5], "count": 50}, "init_id": 3},
}
CATAPULT = DOSAGE | {
    "network": {
        "layers": [1, 100, 1], "activations": ["identity", "identity"], "biases": False,
        "scales": [1.0, "1/sqrt(fan_in)"], "loss": "half_ssr",
    },
    "data": {"inputs": [1], "targets": [0]},
    "initialisation": {"scheme": "normal"},
    "grid": {"learning_rate": {"linear": [0.1, 2.4], "count": 24}},
}  # fmt: skip


def explained(document, tmp_path):
    results = harness.run(harness.Experiment.from_mapping(document), tmp_path / "sweep")
    return why_diverged(results.experiment, results.runs), results.runs


def changed(document, section, **keys):
    return document | {section: document[section] | keys}


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_quadratic_diverges_above_the_threshold_of_its_largest_eigenvalue(momentum, tmp_path):
    found, runs = explained(changed(QUADRATIC, "training", momentum=momentum), tmp_path)
    design = np.column_stack([INPUTS, np.ones(5)])
    largest = np.linalg.eigvalsh(design.T @ design)[-1]
    above = runs["learning_rate"] > 2 * (1 + momentum) / largest
    assert found.of == "start"
    assert found.low == pytest.approx(2 * (1 + momentum) / largest, rel=1e-9)
    assert found.high == pytest.approx(found.low, rel=1e-9)
    assert found.starts == 3
    assert (found.above, found.below) == (above.sum(), (~above).sum())
    assert found.momentum == (momentum > 0)
    diverged = runs["status"] == "diverged"
    assert found.diverged_above == (above & diverged).sum() > 0.9 * above.sum()
    assert found.diverged_below == 0


def test_the_output_bias_bounds_the_learning_rates_of_a_linear_output(tmp_path):
    found, runs = explained(DOSAGE, tmp_path)
    above = runs["learning_rate"] > 2 / 6  # the SSR of three points is 3 b^2 along the bias
    assert found.of == "output bias"
    assert found.curvature == (6.0, 6.0)
    assert (found.above, found.below) == (above.sum(), (~above).sum())
    assert found.diverged_above == (runs["status"][above] == "diverged").sum()
    assert found.diverged_below == (runs["status"][~above] == "diverged").sum()


def test_each_momentum_has_its_threshold(tmp_path):
    grid = DOSAGE["grid"] | {"momentum": [0.0, 0.5]}
    found, runs = explained(DOSAGE | {"grid": grid}, tmp_path)
    above = runs["learning_rate"] > 2 * (1 + runs["momentum"]) / 6
    assert (found.low, found.high) == pytest.approx((1 / 3, 1 / 2))
    assert found.above == above.sum()


@pytest.mark.parametrize(("loss", "weight"), [("ssr", 1.0), ("half_ssr", 0.5), ("mse", 1 / 10)])
def test_the_curvature_of_the_bias_is_the_second_difference_of_the_loss(loss, weight):
    document = QUADRATIC | {
        "network": {
            "layers": [2, 3, 2], "activations": ["tanh", "identity"], "loss": loss,
            "scales": [1.0, 0.7], "output_scale": 1.3,
        },
        "data": {"inputs": INPUTS.tolist(), "targets": np.tile(TARGETS, (2, 1)).T.tolist()},
        "grid": {},
    }  # fmt: skip
    random = np.random.default_rng(0)
    hidden = np.tanh(INPUTS @ random.normal(size=(2, 3)) + random.normal(size=3))
    weights = random.normal(size=(3, 2))

    def value(bias):
        predicted = 1.3 * 0.7 * (hidden @ weights + np.array([bias, 0.2]))
        return weight * ((np.tile(TARGETS, (2, 1)).T - predicted) ** 2).sum()

    second = value(1.0) - 2 * value(0.0) + value(-1.0)  # exact for a quadratic
    found = bias_curvature(make_variant(harness.Experiment.from_mapping(document)))
    assert found == pytest.approx(second, rel=1e-9)


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("network", {"activations": ["softplus", "softplus"]}),
        ("network", {"biases": [True, False]}),
        ("training", {"train": ["w1", "w3"]}),
    ],
)
def test_other_outputs_have_no_such_bias(section, keys):
    experiment = harness.Experiment.from_mapping(changed(DOSAGE, section, **keys))
    assert np.isnan(bias_curvature(make_variant(experiment)))


def test_a_catapult_gives_no_explanation(tmp_path):
    found, runs = explained(CATAPULT, tmp_path)
    assert (runs["status"] == "diverged").any()
    assert found is None


@pytest.mark.parametrize(
    "training",
    [
        {"batch_size": 1},
        {"learning_rate": [10.0, 20.0]},
        {"drift": 1e-3},
        {"optimiser": "nesterov", "momentum": 0.0},
        {"optimiser": "adam", "limit": 1.0},
        {"schedule": "step"},
        {"warm_up": 5},
        {"l2": 1e-3},
        {"weight_decay": 1e-3},
        {"clip_norm": 1e9},
        {"epochs": 2},  # most runs above the threshold have not diverged yet
    ],
)
def test_nothing_is_said_of_other_descents(training, tmp_path):
    document = changed(DOSAGE, "training", **training)
    if "learning_rate" in training:
        document = document | {"grid": {"init_id": 20}}
    if "batch_size" in training:
        document = changed(document, "grid", learning_rate=[0.1, 5.0, 10.0])
    found, runs = explained(document, tmp_path)
    assert found is None
    if training != {"epochs": 2}:
        assert (runs["status"] == "diverged").any()


def test_nothing_is_said_if_no_run_diverged(tmp_path):
    found, _ = explained(DOSAGE | {"grid": {"learning_rate": [0.01, 0.02], "init_id": 5}}, tmp_path)
    assert found is None
