"""Shares of runs that classify data points rightly, against predictions of the runs one by one."""

import numpy as np
import pandas as pd
import pytest

import harness
from harness.analysis.difficulty import right_shares, within
from harness.analysis.measures import accuracy_column, comparable, final_values
from harness.experiment import Experiment
from harness.training.variants import make_variant, work_of

RNG = np.random.default_rng(5)


def trained(folder, classes=2, grid=None, record=None, **data):
    inputs = RNG.normal(size=(30, 3))
    number = np.digitize(inputs[:, 0] + 0.8 * RNG.normal(size=30), np.arange(1, classes) - 1.0)
    table = pd.DataFrame(inputs, columns=["a", "b", "c"])
    table["kind"] = np.array(["no", "yes", "maybe"])[number]
    table.loc[4, "b"] = np.nan if data.get("missing") else 0.0
    sweep = Experiment.from_mapping(
        {
            "name": "hard",
            "network": {
                "layers": [3, 4, 1 if classes == 2 else classes],
                "activations": ["tanh", "sigmoid"],
                "loss": "cross_entropy",
            },
            "data": {"inputs": ["a", "b", "c"], "targets": ["kind"], **data},
            "training": {"epochs": 15, "learning_rate": 0.5},
            "grid": grid or {"width": [1, 4], "learning_rate": [0.1, 2.0], "init_id": 3},
            "record": record or {},
        },
        data=table,
    )
    return harness.run(sweep, folder)


def one_by_one(results):
    """Yield for each run: which points it holds out, and which it classifies rightly."""
    for run_id in range(results.manifest["runs"]):
        single, network = results.experiment.single(run_id), results.network(run_id)
        held_out = single.is_held_out
        right = np.zeros(len(held_out), dtype=bool)
        for mask, points in ((~held_out, single.data), (held_out, single.validation)):
            if points is not None:
                found = network.predict(points.inputs)
                if found.shape[1] == 1:
                    right[mask] = (found[:, 0] >= 0.5) == (points.targets[:, 0] == 1)
                else:
                    right[mask] = found.argmax(axis=1) == points.targets.argmax(axis=1)
        yield held_out, right


@pytest.mark.parametrize("parameters", [True, False])
@pytest.mark.parametrize(
    ("classes", "data"),
    [
        (2, {}),
        (3, {"validation": 0.3, "standardise": ["inputs"]}),
        (2, {"validation": 0.3, "missing": "mean"}),
    ],
)
def test_shares_are_those_of_the_runs_one_by_one(tmp_path, classes, data, parameters):
    results = trained(tmp_path / "r", classes, record={"parameters": parameters}, **data)
    table = right_shares(results.experiment, results.runs)
    rows = list(one_by_one(results))
    share = np.mean([right for _, right in rows], axis=0)
    assert 0 < share.min() + share.max() < 2
    np.testing.assert_allclose(table["right"], share)
    assert table["held_out"].tolist() == rows[0][0].tolist()
    assert table["held_out"].sum() == (9 if data else 0)
    assert (table["runs"] == 12).all()
    targets = results.experiment.source.targets
    expected = targets.argmax(axis=1) if classes > 2 else targets[:, 0]
    assert table["class"].tolist() == expected.tolist()


def test_points_that_are_held_out_count_in_the_runs_that_hold_them_out(tmp_path):
    results = trained(tmp_path / "r", grid={"fold": [0, 1], "init_id": 4}, folds=3)
    table = right_shares(results.experiment, results.runs)
    held_out, right = map(np.array, zip(*one_by_one(results), strict=True))
    some = held_out.any(axis=0)
    assert some.sum() == 20
    assert table["held_out"].tolist() == some.tolist()
    assert table["runs"].tolist() == np.where(some, 4, 8).tolist()
    expected = np.where(some, (right & held_out).sum(axis=0) / 4, right.sum(axis=0) / 8)
    np.testing.assert_allclose(table["right"], expected)


def test_runs_are_trained_again_within_a_number_of_operations(tmp_path):
    results = trained(tmp_path / "r")
    runs = results.runs
    work = [work_of(make_variant(results.experiment.single(run))) for run in runs["run_id"]]
    for count in (0, 1, 7, 12):
        most = sum(work[:count]) * (1 + 1e-12)
        assert within(results.experiment, runs, most)["run_id"].tolist() == list(range(count))


def test_the_accuracy_is_that_of_held_out_data_if_there_are_any():
    names = ["ssr_final", "accuracy_final", "validation_ssr_final"]
    assert accuracy_column(names) == "accuracy_final"
    assert accuracy_column([*names, "validation_accuracy_final"]) == "validation_accuracy_final"
    assert accuracy_column([*names[::2], "r2_final"]) is None


def test_a_run_that_diverged_has_the_worst_accuracy():
    runs = pd.DataFrame({"rate": [1, 1, 1, 1, 2], "status": ["finished"] * 3 + ["diverged"] * 2})
    runs["accuracy_final"] = [0.5, 0.9, np.nan, 1.0, 1.0]
    assert comparable(runs, "accuracy_final").tolist() == [0.5, 0.9, -np.inf, -np.inf, -np.inf]
    one, other = final_values(runs, "rate", "accuracy_final").to_dict("records")
    assert (one["best"], one["worst"]) == (0.9, -np.inf)
    # Between -inf and 0.5, and a quarter of the way from 0.5 to 0.9.
    assert (one["median"], one["upper_quartile"]) == (-np.inf, 0.6)
    assert (other["best"], other["median"]) == (-np.inf, -np.inf)
