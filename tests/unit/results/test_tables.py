"""Results as tables, arrays, and in notebooks."""

import numpy as np
import pandas as pd
import pytest

import harness


@pytest.fixture
def results(small, tmp_path):
    return harness.run(small(), tmp_path / "out")


def test_selected_columns_are_read(results):
    everything = results.trajectories
    some = results.read_trajectories([3, 7], columns=["ssr", "epoch"])
    wanted = everything[everything["run_id"].isin([3, 7])][["ssr", "epoch"]]
    pd.testing.assert_frame_equal(some, wanted.reset_index(drop=True))


@pytest.mark.parametrize("read", ["read_runs", "trajectories", "run_batches"])
def test_unknown_columns_are_refused_with_a_suggestion(results, read):
    ask = {
        "read_runs": lambda: results.read_runs(["sssr_final"]),
        "trajectories": lambda: results.read_trajectories(columns=["epochs"]),
        "run_batches": lambda: list(results.run_batches(["sssr_final"])),
    }[read]
    with pytest.raises(harness.ResultsError, match=r'Did you mean "(ssr_final|epoch)"'):
        ask()


@pytest.mark.parametrize(("at_once", "lengths"), [(1, [5, 5, 2]), (1 << 24, [12])])
def test_a_batch_of_runs_is_one_chunk_or_several_small_ones(
    at_once, lengths, small, tmp_path, monkeypatch
):
    monkeypatch.setattr("harness.sweeps.chunks.MAX_RUNS", 5)
    monkeypatch.setattr("harness.store.reader._BYTES_AT_ONCE", at_once)
    results = harness.run(small(), tmp_path / "out")
    batches = list(results.run_batches(["run_id", "status"]))
    assert [len(batch) for batch in batches] == lengths
    assert pd.concat(batches)["run_id"].tolist() == list(range(12))
    written = pd.read_csv(tmp_path / "out" / "runs.csv")  # none of them converges
    lowest = written[written["status"] == "finished"].nsmallest(4, "ssr_final")
    assert results.best_runs(4)["run_id"].tolist() == lowest["run_id"].tolist()


def test_the_experiment_is_read_back_with_its_data(small, tmp_path):
    (tmp_path / "points.csv").write_text("x,y\n0.1,0.2\n0.3,0.4\n")
    experiment = harness.Experiment.from_mapping(
        {**small().document(), "data": {"file": "points.csv", "inputs": ["x"], "targets": ["y"]}},
        folder=tmp_path,
    )
    harness.run(experiment, tmp_path / "out")
    (tmp_path / "points.csv").unlink()
    again = harness.open_results(tmp_path / "out").experiment
    assert again == experiment
    assert again.data.targets.tolist() == [[0.2], [0.4]]


def test_a_sample_has_about_as_many_runs_as_asked_for(results):
    columns = ["run_id", "init_id"]
    assert results.sample_runs(columns)["run_id"].tolist() == list(range(12))
    few = results.sample_runs(columns, most=6)  # of few initialisations runs are chosen
    assert 1 <= len(few) < 12


def test_an_xarray_dataset_has_the_axes_of_the_grid(results):
    arrays = results.to_xarray()
    assert dict(arrays.sizes) == {"learning_rate": 3, "init_id": 4}
    assert arrays["learning_rate"].values.tolist() == [0.05, 0.1, 0.9]
    for row in results.runs.itertuples():
        cell = arrays.sel(learning_rate=row.learning_rate, init_id=row.init_id)
        assert cell["run_id"].item() == row.run_id
        assert cell["ssr_final"].item() == row.ssr_final
        assert cell["status"].item() == row.status


def test_missing_runs_are_nan_in_an_xarray_dataset(small, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.sweeps.chunks.MAX_RUNS", 2)
    harness.run(small(), tmp_path / "out")
    (tmp_path / "out" / "commits" / "000001.json").unlink()  # runs 2 and 3
    arrays = harness.open_results(tmp_path / "out").to_xarray()
    assert np.isnan(arrays["ssr_final"].values).sum() == 2
    assert (arrays["status"].values == "").sum() == 2


def test_axes_in_step_share_a_dimension(small, tmp_path):
    experiment = small(
        grid={
            "learning_rate": [0.1, 0.2],
            "momentum": [0.0, 0.5],
            "zip": [["learning_rate", "momentum"]],
        }
    )
    arrays = harness.run(experiment, tmp_path / "out").to_xarray()
    assert dict(arrays.sizes) == {"learning_rate": 2}
    assert arrays["momentum"].dims == ("learning_rate",)


def test_notebooks_show_results_and_experiments_and_escape_them(small, tmp_path):
    experiment = small(question="a < b & <script>")
    results = harness.run(experiment, tmp_path / "out")
    for page in (results._repr_html_(), experiment._repr_html_()):
        assert "a &lt; b &amp; &lt;script&gt;" in page
        assert "<script>" not in page
    assert "12 of 12 trained" in results._repr_html_()
    assert "3 from 0.05 to 0.9" in experiment._repr_html_()


def test_a_condition_restricts_every_table(results):
    chosen = results.where("learning_rate < 0.2 and init_id >= 1")
    runs, paths = results.runs, results.trajectories
    wanted = runs[(runs["learning_rate"] < 0.2) & (runs["init_id"] >= 1)]
    assert 0 < len(wanted) < len(runs)
    ids = wanted["run_id"].tolist()
    pd.testing.assert_frame_equal(chosen.runs, wanted.reset_index(drop=True))
    assert chosen.run_count == len(wanted)
    assert chosen.read_runs(["run_id"])["run_id"].tolist() == ids
    assert pd.concat(chosen.run_batches(["run_id"]))["run_id"].tolist() == ids
    assert chosen.sample_runs(["run_id"], 1000)["run_id"].tolist() == ids
    assert chosen.trajectories["run_id"].unique().tolist() == ids
    assert chosen.read_trajectories(runs["run_id"].tolist()).equals(chosen.trajectories)
    assert len(chosen.trajectories) == paths["run_id"].isin(ids).sum()
    assert chosen.best_run in ids
    assert results.runs.equals(runs)  # as before


def test_conditions_add_up_and_may_leave_no_run(results):
    once = results.where("init_id == 0").where("learning_rate < 0.2")
    assert once.runs.equals(results.where("init_id == 0 and learning_rate < 0.2").runs)
    none = results.where("init_id < 0")
    assert (none.run_count, len(none.runs)) == (0, 0)
    assert list(none.runs.columns) == list(results.runs.columns)
    assert none.trajectories.empty


def test_a_condition_is_checked_at_once(results):
    with pytest.raises(harness.HarnessError, match=r'Did you mean "learning_rate"'):
        results.where("learning_rat < 1")
    with pytest.raises(harness.HarnessError, match="must be a text"):
        results.where(3)
