"""Parameters of the best recorded epoch, against a training that ends there."""

import numpy as np
import pytest

import harness
from harness.analysis.replay import state_after
from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.training.variants import make_variant

RNG = np.random.default_rng(8)
INPUTS, NOISE = RNG.normal(size=(14, 2)), RNG.normal(size=14)


def an_experiment(**sections):
    document = {
        "name": "best",
        "network": {"layers": [2, 3, 1], "activations": ["tanh", "identity"]},
        "data": {
            "inputs": INPUTS.tolist(),
            "targets": (INPUTS[:, 0] * INPUTS[:, 1] + NOISE).tolist(),
            "validation": 0.4,
        },
        "training": {"epochs": 60, "learning_rate": 0.02},
        "initialisation": {"biases": "same"},
        "grid": {"init_id": 6},
        "record": {"best_parameters": True, "epochs": {"every": 3}},
    }
    for name, section in sections.items():
        merged = {**document[name], **section}
        document[name] = {key: value for key, value in merged.items() if value is not None}
    return Experiment.from_mapping(document)


def replayed(results, run_id, epoch):
    variant = make_variant(results.experiment.single(run_id))
    return state_after(variant, epoch).theta


ALL = {"validation": None}

CASES = {
    "held out": {},
    "nothing held out": {"data": ALL, "training": {"learning_rate": 0.04}},
    "another loss": {
        "data": ALL, "network": {"loss": "mse"}, "training": {"learning_rate": 0.5}
    },
    "several widths": {"grid": {"width": [2, 3], "init_id": 3}},
    "runs that diverge": {"training": {"learning_rate": 0.08, "limit": 1e3}},
    "batches": {"data": ALL, "training": {"learning_rate": 0.1, "batch_size": 3}},
    "single precision": {"training": {"precision": "float32"}},
    "patience": {"training": {"patience": 5}, "record": {"epochs": "all"}},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_they_are_those_of_a_training_up_to_that_epoch(tmp_path, case):
    experiment = an_experiment(**CASES[case])
    results = harness.run(experiment, tmp_path / "out")
    held_out = "epoch_of_validation_min" in results.runs
    paths = results.trajectories
    column = "loss" if "loss" in paths else "ssr"
    column = f"validation_{column}" if held_out else column
    epochs = set()
    for run in results.runs.to_dict("records"):
        run_id = run["run_id"]
        path = paths[paths["run_id"] == run_id].reset_index(drop=True)
        epoch = path["epoch"][path[column].idxmin()]  # the first of equal ones; ignores NaN
        assert results.best_epoch(run_id) == epoch
        network = experiment.single(run_id).network
        theta = replayed(results, run_id, epoch)
        found = {name: run[f"{name}_best"] for name in network.parameters}
        assert found == {name: theta[at] for name, at in network.positions.items()}
        others = set(experiment.at({}).network.parameters) - set(network.parameters)
        assert all(np.isnan(run[f"{name}_best"]) for name in others)
        assert results.network(run_id, epoch="best").theta.tobytes() == theta.tobytes()
        epochs.add(epoch)
    assert len(epochs) > 1


@pytest.mark.parametrize("lanes", [1, 8])
def test_the_number_of_lanes_does_not_matter(tmp_path, lanes):
    few = harness.run(an_experiment(), tmp_path / "few", lanes=lanes).runs
    assert few.equals(harness.run(an_experiment(), tmp_path / "some").runs)


def test_without_columns_the_best_epoch_is_trained_again(tmp_path):
    record = {"best_parameters": False, "epochs": {"every": 50}}
    sweep = an_experiment(record=record, training={"patience": 8})
    results = harness.run(sweep, tmp_path / "out")
    best = results.runs["epoch_of_validation_min"]
    assert (best % 50 != 0).any()
    for run_id, epoch in enumerate(best):
        theta = replayed(results, run_id, int(epoch))
        for asked in ("best", int(epoch)):
            assert results.network(run_id, epoch=asked).theta.tobytes() == theta.tobytes()
    table = results.predict(3, [[0.5, 1.0]], epoch="best")
    expected = results.network(3, epoch="best").predict([[0.5, 1.0]])
    assert table["prediction_1"].tolist() == expected[:, 0].tolist()


@pytest.mark.parametrize("epochs", [20, 60])
@pytest.mark.parametrize("parameters", [False, "trajectory"])
def test_a_sweep_that_grows_has_those_of_a_fresh_one(tmp_path, parameters, epochs):
    record = {"best_parameters": True, "parameters": parameters, "epochs": {"every": 4}}
    grown, fresh = tmp_path / "grown", tmp_path / "fresh"
    harness.run(an_experiment(record=record, training={"epochs": epochs}), grown)
    larger = an_experiment(record=record, grid={"init_id": 8})
    assert harness.run(larger, grown).runs.equals(harness.run(larger, fresh).runs)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"record": {"epochs": "none"}}, r"needs recorded epochs; record.epochs is .none"),
        ({"training": {"patience": 3}}, "needs all epochs to be recorded"),
        ({"grid": {"patience": [3, 4]}}, "needs all epochs to be recorded"),
        ({"record": {"best_parameters": "yes"}}, "must be true or false"),
    ],
)
def test_what_cannot_be_is_refused(sections, words):
    with pytest.raises(ExperimentError, match=words) as caught:
        an_experiment(**sections)
    assert caught.value.advice


def test_epochs_that_a_run_does_not_have_are_refused(tmp_path):
    record = {"best_parameters": False, "epochs": "none"}
    results = harness.run(an_experiment(data=ALL, record=record), tmp_path / "out", lanes=1)
    with pytest.raises(harness.ResultsError, match="has no recorded epochs to choose the best"):
        results.network(0, epoch="best")
    for epoch in (61, -1, True, "last", 1.5):
        with pytest.raises(harness.ResultsError, match='must be "best" or a whole number from 0'):
            results.network(0, epoch=epoch)
    assert results.network(0, epoch=0).theta.tolist() == replayed(results, 0, 0).tolist()
