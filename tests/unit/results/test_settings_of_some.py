"""Tables of a sweep over optimisers with settings that only some of them have."""

import numpy as np
import pandas as pd
import pytest

import harness
from harness.sweep import chunks


@pytest.fixture(scope="module")
def grid():
    return {"optimiser": ["sgd", "rprop"], "momentum": [0, 0.5, 0.9], "init_id": 4}


@pytest.fixture
def results(small, grid, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "MAX_RUNS", 5)  # chunks of only one optimiser, and of both
    return harness.run(small(grid=grid), tmp_path / "out", lanes=1)


def expected(grid):
    """Return the axes by pandas: the whole grid, without what differs only in missing settings."""
    whole = pd.MultiIndex.from_product(
        [range(grid["init_id"]), grid["momentum"], grid["optimiser"]],
        names=["init_id", "momentum", "optimiser"],
    ).to_frame(index=False)
    whole["momentum"] = whole["momentum"].where(whole["optimiser"] == "sgd")
    return whole.drop_duplicates(ignore_index=True)


def test_all_tables_have_nan_where_there_is_no_setting(results, grid):
    wanted = expected(grid)
    assert len(wanted) == 4 * (3 + 1)
    written = pd.read_csv(results.folder / "runs.csv")
    parts = sorted((results.folder / "runs").glob("*.parquet"))
    stored = pd.concat(map(pd.read_parquet, parts), ignore_index=True)
    assert len(parts) > 1
    for runs in (results.runs, written, stored, harness.open_results(results.folder).runs):
        found = runs[wanted.columns].astype({"optimiser": str, "init_id": np.int64})
        pd.testing.assert_frame_equal(
            found.reset_index(drop=True), wanted, check_dtype=False, check_exact=True
        )
    text = (results.folder / "runs.csv").read_text().splitlines()
    assert text[0].startswith("run_id,init_id,optimiser,momentum,status")
    assert text[2].startswith("1,0,rprop,nan,")


def test_each_run_is_the_run_of_its_own(results, tmp_path):
    for run_id in (0, 1, 2):
        single = results.experiment.single(run_id)
        alone = harness.run(single, tmp_path / f"run_{run_id}", lanes=1).runs.iloc[0]
        there = results.runs.iloc[run_id]
        for name in ("status", "epochs", "ssr_initial", "ssr_final", "ssr_min"):
            assert alone[name] == there[name]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("momentum == 0.5", lambda runs: runs["momentum"].eq(0.5)),
        ("momentum != momentum", lambda runs: runs["momentum"].isna()),
        ("momentum < 0.6 or optimiser == 'rprop'", lambda runs: ~runs["momentum"].ge(0.6)),
    ],
)
def test_conditions_on_a_setting_that_some_runs_lack(results, condition, holds):
    chosen = results.where(condition).runs
    wanted = results.runs[holds(results.runs)]
    assert 0 < len(wanted) < len(results.runs)
    assert chosen["run_id"].tolist() == wanted["run_id"].tolist()


def test_an_interrupted_sweep_is_resumed(results, small, grid):
    before = results.runs
    (results.folder / "commits" / "000001.json").unlink()
    again = harness.run(small(grid=grid), results.folder, lanes=1)
    pd.testing.assert_frame_equal(again.runs, before, check_exact=True)


def test_a_plan_counts_each_run_once(small, grid):
    plan = harness.plan(small(grid=grid), threads=1)
    assert plan.runs == 16
    assert plan.updates == 16 * 20
    assert plan.trajectory_rows == 16 * 21
