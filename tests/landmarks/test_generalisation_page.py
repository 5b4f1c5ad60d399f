"""The page of TensorFlow Playground, compared with a plain training and numbers by hand."""

import numpy as np
import pytest

import harness
from experiments.landmarks.generalisation import LANDMARK
from experiments.landmarks.generalisation.measurements import (
    CRITERIA,
    FIXED,
    NEW,
    SETS,
    SPIRAL,
    in_fixed_order,
    interval,
    ratios,
)
from experiments.landmarks.generalisation.page import middle, runs_of
from experiments.landmarks.page import ROOT
from tests.reference.network import Twin
from tests.reference.random_numbers import initial_parameters

TWIN = Twin(sizes=(2, 4, 2, 1), activations=("tanh", "tanh", "tanh"), loss="mse")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return LANDMARK.measure(tmp_path_factory.mktemp("trained"), quick=True)


def load(**changes):
    return harness.load_experiment(ROOT / "experiments" / "playground.toml", changes)


def playground(experiment, count, epochs):
    """Train as nn.ts does, batch by batch in order; return test losses, (epochs + 1, count).

    Its rate is 0.03, its error half the square, and the gradient of a batch the mean over it.
    """
    layers = []
    starts = [initial_parameters(TWIN, "uniform", k, scale=0.5) for k in range(count)]
    theta = np.array(starts)
    end = 0
    for fan_in, fan_out in ((2, 4), (4, 2), (2, 1)):
        start, end = end, end + (fan_in + 1) * fan_out
        layer = theta[:, start:end].reshape(count, fan_in + 1, fan_out).copy()
        assert not layer[:, -1].any()
        layer[:, -1] = 0.1
        layers.append(layer)

    def forward(inputs):
        outputs = [np.broadcast_to(inputs, (count, *inputs.shape))]
        for layer in layers:
            outputs.append(np.tanh(outputs[-1] @ layer[:, :-1] + layer[:, -1:]))
        return outputs

    def test_loss():
        return (0.5 * (forward(held_out.inputs)[-1] - held_out.targets) ** 2).mean(axis=(1, 2))

    data, held_out = experiment.data, experiment.validation
    assert len(data.inputs) == len(held_out.inputs) == 250
    losses = [test_loss()]
    for _ in range(epochs):
        for first in range(0, 250, 10):
            batch = slice(first, first + 10)
            outputs = forward(data.inputs[batch])
            slope = outputs[-1] - data.targets[batch]
            for number in (2, 1, 0):
                slope = slope * (1 - outputs[number + 1] ** 2)
                below, layer = outputs[number], layers[number]
                change = np.concatenate(
                    (below.transpose(0, 2, 1) @ slope, slope.sum(axis=1, keepdims=True)), axis=1
                )
                slope = slope @ layer[:, :-1].transpose(0, 2, 1)
                layer -= 0.03 / 10 * change
        losses.append(test_loss())
    return np.array(losses)


@pytest.mark.parametrize("name", ["circle", "spirals"])
def test_runs_are_those_of_a_plain_playground(found, name):
    experiment = load(**{"data.generator": name, "grid.init_id": 8})
    losses = playground(in_fixed_order(experiment).at({"split_seed": 0}), 8, 300)
    runs = runs_of(found, name, FIXED)
    runs = runs[runs["split_seed"] == 0]
    assert runs["test_loss"].tolist() == pytest.approx(losses[-1].tolist(), rel=1e-6)
    for criterion in CRITERIA:
        first = [np.append(np.flatnonzero(way <= criterion), np.inf)[0] for way in losses.T]
        # Some epochs are not recorded.
        assert runs[criterion].tolist() == pytest.approx(first, rel=0.04)


def test_only_the_spirals_need_shuffling():
    circle, spirals = load(), load(**{"data.generator": "spirals"})
    for experiment, in_order in ((circle, True), (spirals, False)):
        points = experiment.source
        radius = np.hypot(*points.inputs.T)
        fixed = in_fixed_order(experiment)
        assert np.array_equal(fixed.source.inputs, points.inputs) == in_order
        assert sorted(map(tuple, np.c_[fixed.source.inputs, fixed.source.targets])) == sorted(
            map(tuple, np.c_[points.inputs, points.targets])
        )
        assert fixed.training.batches == "in_order"
        assert abs(np.corrcoef(np.arange(500), np.hypot(*fixed.source.inputs.T))[0, 1]) < 0.15
        assert (np.corrcoef(np.arange(500), radius)[0, 1] > 0.99) != in_order


def test_the_data_are_those_of_the_playground():
    for name in SETS:
        experiment = load(**{"data.generator": name})
        assert len(experiment.source.inputs) == 500
        assert set(experiment.source.targets.ravel()) == {-1, 1}
        assert len(experiment.validation.inputs) == 250


def test_every_setting_has_its_runs(found):
    sizes = found.runs.groupby(["set", "order"]).size()
    assert sizes.index.tolist() == sorted((name, order) for name in SETS for order in (NEW, FIXED))
    assert (sizes == 3 * 8).all()
    resets = found.resets.groupby(["noise", "activation", "network"]).size()
    networks = ["2-1-1", "2-2-1", "2-3-1", "2-4-1", "2-4-4-1", "2-8-1"]
    assert resets.index.tolist() == [
        (noise, activation, network)
        for noise in (0, 0.35)
        for activation in ("relu", "tanh")
        for network in networks
    ]
    assert (resets == 2 * 8).all()


def test_an_interval_draws_whole_data_sets():
    apart = np.repeat([[0.0], [1.0]], 50, axis=1)
    assert interval(apart, np.mean) == (0, 1)  # a quarter of the draws each, and a half between
    alike = np.tile([0.0, 1.0], (20, 25))
    assert interval(alike, np.mean) == (0.5, 0.5)


def test_a_median_counts_runs_that_are_never_done():
    assert middle(np.array([[10.0, 20.0], [np.inf, np.inf]])) == 20
    assert middle(np.array([[10.0, np.inf, np.inf]])) == np.inf


def test_ratios_are_those_of_five_resets_on_the_same_data():
    values = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [100.0, 100.0, 100.0, 100.0, 200.0]])
    assert set(ratios(values)) == {5.0, 2.0}
    # One of six is left out: the largest and the smallest in a sixth of the groups each.
    drawn = ratios(np.array([[1.0, 2.0, 2.0, 2.0, 2.0, 8.0]]))
    assert [np.mean(drawn == ratio) for ratio in (8, 4, 2)] == pytest.approx(
        [4 / 6, 1 / 6, 1 / 6], abs=0.02
    )


def test_page(found, tmp_path):
    page = LANDMARK.tell(found, tmp_path)
    runs = found.runs[(found.runs["set"] == "circle") & (found.runs["order"] == NEW)]
    (line,) = [
        line for line in page.splitlines() if line.startswith("| circle | about 100 | 0.01 ")
    ]
    epochs = np.sort(runs[0.01])
    assert f"| {100 * np.isfinite(epochs).mean():.1f} % (" in line
    assert f"| {epochs[11]:.0f} (" in line
    spirals = found.runs[(found.runs["set"] == "spirals") & (found.runs["order"] == FIXED)]
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {FIXED} | ")]
    assert f"| {spirals['test_loss'].median():.3f} |" in line
    assert f"| {100 * np.mean(spirals['test_loss'] <= SPIRAL):.0f} % (" in line
    for network in found.resets["network"].unique():
        assert f"| 0 | relu | {network} |" in page
    for name in ("runs", "resets"):
        assert f"(images/generalisation_{name}.png)" in page
        assert (tmp_path / f"generalisation_{name}.png").read_bytes().startswith(b"\x89PNG")


def test_published_settings_are_those_of_the_file():
    document = load().document()
    assert document["training"]["epochs"] == 3509
    assert document["network"]["layers"] == [2, 4, 2, 1]
