"""Predictions of a run, against a network written by hand and the recorded SSR."""

import numpy as np
import pandas as pd
import pytest

import harness
from harness.analysis import predictions
from tests.lessons import TWO_OUTPUTS, an_experiment


def softplus(z):
    return np.log1p(np.exp(z))


def lesson(x, p):
    """The network of the first lesson."""
    y1, y2 = softplus(x * p["w1"] + p["b1"]), softplus(x * p["w2"] + p["b2"])
    return y1 * p["w3"] + y2 * p["w4"] + p["b3"]


@pytest.fixture
def results(small, tmp_path):
    experiment = small(record={"parameters": True, "epochs": "all"})
    return harness.run(experiment, tmp_path / "small")


def test_the_final_curve_is_that_of_the_lesson(results):
    row = results.runs.iloc[4]
    parameters = {name: row[f"{name}_final"] for name in ("w1", "b1", "w2", "b2", "w3", "w4", "b3")}
    x = np.linspace(-1, 2, 7)
    table = predictions.final_curve(results.experiment, row, x[:, np.newaxis])
    assert list(table) == ["input_1", "prediction_1"]
    assert table["input_1"].tolist() == x.tolist()
    np.testing.assert_allclose(table["prediction_1"], lesson(x, parameters), rtol=1e-12)


def test_a_run_trained_again_has_the_recorded_ssr(results):
    recorded = results.read_trajectories(5).set_index("epoch")["ssr"]
    table = predictions.curves(results.experiment, 5, [0, 1, 7, 20])
    points = predictions.data_points(results.experiment)
    assert points["target_1"].tolist() == [0.0, 1.0, 0.0]
    for epoch, part in table.groupby("epoch"):
        ssr = ((part["prediction_1"].to_numpy() - points["target_1"].to_numpy()) ** 2).sum()
        assert ssr == pytest.approx(recorded[epoch], rel=1e-12)


def test_the_last_curve_is_that_of_the_final_parameters(results):
    row = results.runs.iloc[7]
    x = predictions.lattice(results.experiment, 30)
    again = predictions.curves(results.experiment, 7, [row["epochs"]], x).drop(columns="epoch")
    final = predictions.final_curve(results.experiment, row, x)
    pd.testing.assert_frame_equal(again, final, check_exact=True)


def test_a_run_stays_where_it_ended(small, tmp_path):
    results = harness.run(small(training__tolerance=5.0, training__epochs=50), tmp_path / "r")
    ended = results.runs.query("status == 'converged' and epochs < 50").iloc[0]
    run_id, epochs = int(ended["run_id"]), int(ended["epochs"])
    at_end, later, beyond = (
        part["prediction_1"].tolist()
        for _, part in predictions.curves(results.experiment, run_id, [epochs, 50, 999]).groupby(
            "epoch"
        )
    )
    assert at_end == later == beyond


def test_two_inputs_and_two_outputs():
    experiment = an_experiment([2, 3, 2], ["tanh", "identity"], TWO_OUTPUTS)
    table = predictions.curves(experiment, 0, [0])
    assert list(table) == ["epoch", "input_1", "input_2", "prediction_1", "prediction_2"]
    assert table["input_2"].tolist() == [-0.7, 0.3, 0.4, 1.1, -0.5]
    lattice = predictions.lattice(experiment, 11)
    assert lattice.shape == (121, 2)
    # 8 % beyond the data on each side.
    assert lattice[:, 0].min() == pytest.approx(-1.2 - 0.08 * 2.1)
    assert lattice[:, 1].max() == pytest.approx(1.1 + 0.08 * 1.8)
    assert predictions.data_points(experiment)["target_2"].tolist() == [0.9, 0.1, 0.3, 0.6, 0.5]


def test_one_data_point_has_a_lattice():
    data = {"inputs": [[2.0]], "targets": [[1.0]]}
    experiment = an_experiment([1, 2, 1], ["tanh", "identity"], data)
    assert predictions.lattice(experiment, 3).ravel().tolist() == [1.5, 2.0, 2.5]
