"""Plans of sweeps, against the sweeps and against arithmetic."""

import pytest

import harness
from harness.cli import run_command
from harness.kernels._cache import Folder
from harness.sweeps.chunks import chunk_size
from harness.training.trainer import Trainer


def test_counts_are_those_of_the_sweep(small, tmp_path):
    experiment = small(grid={"max_epochs": [3, 7], "init_id": 5}, training__learning_rate=0.01)
    plan = harness.plan(experiment, threads=1)
    results = harness.run(experiment, tmp_path / "out")
    assert plan.runs == len(results.runs) == 10
    assert plan.updates == results.runs["epochs"].sum() == 50
    assert plan.trajectory_rows == len(results.trajectories) == 5 * 4 + 5 * 8
    assert plan.chunks == results.manifest["chunks"]
    size = sum(path.stat().st_size for path in results.folder.rglob("*") if path.is_file())
    # A file of ten rows is mostly metadata; the estimate is for many rows.
    assert plan.disk_bytes < size
    assert plan.seconds > 0


def test_updates_count_batches(small):
    experiment = small(training={"epochs": 4, "learning_rate": 0.1, "batch_size": 2}, grid={})
    assert harness.plan(experiment).updates == 4 * 2


def test_a_trillion_runs_are_planned_and_not_built(small):
    experiment = small(
        grid={"learning_rate": {"log": [0.001, 0.3], "count": 10**6}, "init_id": 10**6}
    )
    plan = harness.plan(experiment, threads=2)
    assert plan.runs == 10**12
    assert plan.updates == 20 * 10**12
    assert plan.chunks * plan.chunk_size >= plan.runs
    assert plan.memory_bytes < 1e9 < plan.disk_bytes


def test_chunks_are_small_for_long_runs_and_limited_for_short_ones(small):
    short = chunk_size(Trainer(small(grid={"init_id": 10**7}, record={"epochs": "none"})))
    longer = chunk_size(Trainer(small(grid={"init_id": 10**7}, training__epochs=10**5)))
    assert longer < short <= 2**16
    longest = small(grid={"init_id": 10**7}, training__epochs=10**9, record={"epochs": {"log": 10}})
    assert chunk_size(Trainer(longest)) == 1


def test_chunks_of_very_large_sweeps_are_larger_and_still_many(small):
    def size_of(runs):
        return chunk_size(Trainer(small(grid={"init_id": runs}, record={"epochs": "none"})))

    sizes = [size_of(10**power) for power in range(13)]
    assert sizes == sorted(sizes)
    assert size_of(10**7) == size_of(10**6 * 65) == 2**16
    assert size_of(10**8) == 10**5  # a thousand of them
    assert size_of(10**12) == 4 * 2**16


def test_a_plan_stops_a_run_that_takes_minutes(small):
    endless = small(
        training={"epochs": 10**10, "learning_rate": 0.01}, grid={}, record={"epochs": "none"}
    )
    assert harness.plan(endless, threads=1).seconds > 100


@pytest.mark.parametrize("problem", ["", "/home/me/.cache belongs to another user"])
def test_a_plan_says_why_machine_code_is_not_kept(small, problem, monkeypatch, capsys):
    monkeypatch.setattr("harness.kernels._cache.folder_of", lambda stamp: Folder(None, problem))
    run_command.show_plan(harness.plan(small()))
    said = f"machine code cannot be kept: {problem}" in " ".join(capsys.readouterr().out.split())
    assert said == bool(problem)
