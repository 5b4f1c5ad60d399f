"""Metrics and held-out data points in the tables, against predictions one network at a time."""

import numba
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn

import harness
from harness.experiment import Experiment
from harness.kernels import lane_evaluation, passes
from harness.kernels.passes import Data, predict
from harness.training.variants import make_evaluation_spec, make_variant

RNG = np.random.default_rng(5)
POINTS = RNG.normal(size=(9, 3))
STOP = np.zeros(1, np.uint8)


def an_experiment(layers, activations, points=7, loss="ssr", **sections):
    rng = np.random.default_rng(points)
    targets = rng.integers(0, 2, (points, layers[-1])).astype(float)
    targets[:2, 0] = 0.0, 1.0
    document = {
        "name": "evaluated",
        "network": {"layers": layers, "activations": activations, "loss": loss},
        "data": {
            "inputs": rng.normal(size=(points, layers[0])).tolist(),
            "targets": targets.tolist(),
        },
        "training": {"epochs": 40, "learning_rate": 0.05},
        "initialisation": {"biases": "same"},
    }
    for name, section in sections.items():
        document[name] = {**document.get(name, {}), **section}
    return Experiment.from_mapping(document)


NETWORKS = {
    "small": an_experiment([2, 3, 1], ["tanh", "identity"]),
    "scaled": an_experiment(
        [1, 2, 2], ["softplus", "sigmoid"], loss="cross_entropy",
        network={"layers": [1, 2, 2], "activations": ["softplus", "sigmoid"],
                 "loss": "cross_entropy", "scales": [0.5, 2.0]},
    ),
    "output_scale": an_experiment(
        [2, 2, 1], ["relu", "identity"],
        network={"layers": [2, 2, 1], "activations": ["relu", "identity"], "output_scale": 0.3},
    ),
    "loops": an_experiment([3, 20, 9, 2], ["tanh", "sigmoid", "identity"], points=37, loss="mse"),
    "one_point": an_experiment([2, 3, 1], ["tanh", "identity"], points=2),
}  # fmt: skip


def bits(values):
    return np.asarray(values).view(np.int64).tolist()


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes need the compiler")
@pytest.mark.parametrize("count", [1, 8, 21])
@pytest.mark.parametrize("name", NETWORKS)
def test_evaluation_in_lanes_has_the_bits_of_single_networks(name, count):
    variant = make_variant(NETWORKS[name])
    for points in (len(variant.data.y), 1, 2):
        data = Data(variant.data.x[:points], variant.data.y[:points])
        thetas = RNG.normal(size=(count, variant.network.parameter_count))
        spec = make_evaluation_spec(variant, points)
        for predicts in (False, True):
            lanes = lane_evaluation.evaluate_all(
                spec, variant.architecture, thetas, data, STOP, predicts=predicts
            )
            single = passes.evaluate_all(variant.architecture, thetas, data, predicts, STOP)
            for ours, theirs in zip(lanes, single, strict=True):
                assert ours.shape == theirs.shape
                assert bits(ours) == bits(theirs)
        for row, theta in enumerate(thetas):
            assert bits(single.predictions[row]) == bits(
                predict(variant.architecture, theta, data.x)
            )


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="lanes need the compiler")
def test_evaluation_in_single_precision_is_that_of_training():
    sweep = NETWORKS["small"]
    document = sweep.document()
    document["training"]["precision"] = "float32"
    variant = make_variant(Experiment.from_mapping(document))
    spec = make_evaluation_spec(variant, len(variant.data.y))
    thetas = RNG.normal(size=(5, variant.network.parameter_count))
    found = lane_evaluation.evaluate_all(
        spec, variant.architecture, thetas, variant.data, STOP, predicts=True
    )
    exact = passes.evaluate_all(variant.architecture, thetas, variant.data, True, STOP)
    np.testing.assert_allclose(found.ssr, exact.ssr, rtol=1e-5)
    assert (found.ssr != exact.ssr).all()
    assert (found.predictions == found.predictions.astype(np.float32)).all()


METRICS = {
    "accuracy": lambda y, p: sklearn.accuracy_score(y > 0.5, p >= 0.5),
    "rmse": sklearn.root_mean_squared_error,
    "r2": sklearn.r2_score,
}
HIGHER = {"accuracy", "r2"}


def swept(tmp_path, lanes=None, **record):
    sweep = an_experiment(
        [2, 3, 1], ["tanh", "identity"], points=9,
        grid={"learning_rate": [0.01, 0.1, 30.0], "init_id": 4},
        record={"metrics": list(METRICS), "parameters": "trajectory", "epochs": {"every": 7}}
        | record,
    )  # fmt: skip
    return sweep, harness.run(sweep, tmp_path / f"out{lanes}", lanes=lanes)


def test_metrics_are_those_of_the_predictions_at_every_recorded_epoch(tmp_path):
    sweep, results = swept(tmp_path)
    architecture, y = sweep.network.architecture(), sweep.data.targets[:, 0]
    trajectories = results.trajectories
    assert trajectories["ssr"].max() > 1e100  # some runs diverge
    for row in trajectories.to_dict("records"):
        theta = np.empty(sweep.network.parameter_count)
        for name, at in sweep.network.positions.items():
            theta[at] = row[name]
        p = predict(architecture, theta, sweep.data.inputs)[:, 0]
        for name, of in METRICS.items():
            if np.isfinite(p).all():
                with np.errstate(over="ignore"):
                    assert row[name] == pytest.approx(of(y, p), rel=1e-12, abs=1e-14), row["epoch"]
            else:
                assert np.isnan(row[name])
    by_run = trajectories.groupby("run_id")
    for name in METRICS:
        last = by_run[name].nth(-1).to_numpy()
        best = by_run[name].max() if name in HIGHER else by_run[name].min()
        pd.testing.assert_series_equal(
            results.runs[f"{name}_final"], pd.Series(last), check_names=False
        )
        pd.testing.assert_series_equal(results.runs[f"{name}_best"], best, check_names=False)


@pytest.mark.parametrize("epochs", ["all", "none"])
def test_metrics_without_recorded_parameters_and_without_lanes(tmp_path, epochs):
    _, results = swept(tmp_path / "8", epochs=epochs, parameters=True)
    _, single = swept(tmp_path / "1", lanes=1, epochs=epochs, parameters=True)
    pd.testing.assert_frame_equal(results.runs, single.runs)
    pd.testing.assert_frame_equal(results.trajectories, single.trajectories)
    assert not results.runs["accuracy_final"].isna().all()


@pytest.mark.parametrize("epochs", ["all", "none", {"every": 10}])
def test_a_grown_sweep_has_the_metrics_of_one_trained_at_once(tmp_path, epochs):
    def sweep(most, seeds):
        return an_experiment(
            [2, 3, 1], ["tanh", "identity"], points=9,
            data={"inputs": POINTS[:, :2].tolist(), "targets": np.sign(POINTS[:, 2]).tolist()},
            training={"epochs": most, "learning_rate": 0.05}, grid={"init_id": seeds},
            record={"metrics": ["accuracy", "mae"], "parameters": True, "epochs": epochs},
        )  # fmt: skip

    first, second = sweep(20, 4), sweep(40, 7)
    harness.run(first, tmp_path / "grown")
    grown, at_once = harness.run(second, tmp_path / "grown"), harness.run(second, tmp_path / "once")
    pd.testing.assert_frame_equal(grown.runs, at_once.runs)
    pd.testing.assert_frame_equal(grown.trajectories, at_once.trajectories)


@pytest.mark.parametrize("targets", [[0.0, 1.0, 2.0], [[0.5, 0.5], [1, 0], [0, 1]]])
def test_metrics_of_classes_need_classes(targets):
    outputs = 1 if isinstance(targets[0], float) else 2
    with pytest.raises(harness.ExperimentError, match=r"data\.targets are not classes"):
        an_experiment(
            [1, outputs], ["identity"], data={"inputs": [0, 1, 2], "targets": targets},
            record={"metrics": ["accuracy"]},
        )  # fmt: skip


def held_out_sweep(tmp_path, epochs=None, **data):
    sweep = an_experiment(
        [2, 3, 1], ["tanh", "sigmoid"], points=20, loss="cross_entropy",
        network={"layers": [2, 3, 1], "activations": ["tanh", "sigmoid"], "loss": "cross_entropy"},
        data={"standardise": ["inputs"], **data},
        grid={"fold": [0, 1, 2, 3], "learning_rate": [0.1, 5.0], "init_id": 3},
        record={"metrics": ["accuracy"], "parameters": "trajectory",
                "epochs": epochs or {"every": 7}},
    )  # fmt: skip
    return sweep, harness.run(sweep, tmp_path / "out")


def test_held_out_points_are_evaluated_at_every_recorded_epoch(tmp_path):
    sweep, results = held_out_sweep(tmp_path, folds=4)
    trajectories, runs = results.trajectories, results.runs
    for run_id in runs["run_id"]:
        held_out = sweep.single(run_id).validation
        assert len(held_out.inputs) == 5
        for row in trajectories[trajectories["run_id"] == run_id].to_dict("records"):
            theta = np.empty(sweep.network.parameter_count)
            for name, at in sweep.network.positions.items():
                theta[at] = row[name]
            p = predict(sweep.network.architecture(), theta, held_out.inputs)[:, 0]
            y = held_out.targets[:, 0]
            assert row["validation_ssr"] == pytest.approx(((y - p) ** 2).sum(), rel=1e-12)
            assert row["validation_loss"] == pytest.approx(
                sklearn.log_loss(y, p, labels=[0, 1]), rel=1e-9
            )
            assert row["validation_accuracy"] == sklearn.accuracy_score(y > 0.5, p >= 0.5)
    least = trajectories.loc[trajectories.groupby("run_id")["validation_loss"].idxmin()]
    assert runs["validation_loss_min"].tolist() == least["validation_loss"].tolist()
    assert runs["epoch_of_validation_min"].tolist() == least["epoch"].tolist()
    assert runs["epoch_of_validation_min"].nunique() > 1
    assert "validation_ssr_min" in runs


def test_classes_are_those_of_all_data_points(tmp_path):
    inputs = np.arange(6.0)
    sweep = an_experiment(
        [1, 1], ["identity"],
        data={"inputs": inputs.tolist(), "targets": [0, 0, 0, 0, 0, 1], "validation": 1,
              "split_seed": 8},
        grid={"init_id": 6},
        record={"metrics": ["accuracy"], "parameters": True},
    )  # fmt: skip
    assert sweep.validation.targets.tolist() == [[1.0]]  # all others are of the other class
    runs = harness.run(sweep, tmp_path / "out").runs
    for run in runs.to_dict("records"):
        predicted = run["w1_final"] * inputs + run["b1_final"] >= 0.5
        assert run["accuracy_final"] == (~predicted[:5]).mean()
        assert run["validation_accuracy_final"] == predicted[5]
    assert runs["accuracy_final"].nunique() > 1


def test_without_recorded_epochs_the_end_is_the_best(tmp_path):
    sweep = an_experiment(
        [2, 3, 1], ["tanh", "identity"], points=20, data={"validation": 0.25},
        grid={"init_id": 5}, record={"epochs": "none"},
    )  # fmt: skip
    runs = harness.run(sweep, tmp_path / "out").runs
    assert runs["validation_ssr_final"].tolist() == runs["validation_ssr_min"].tolist()
    assert runs["epoch_of_validation_min"].tolist() == runs["epochs"].tolist()
    assert not runs["validation_ssr_final"].isna().any()
