"""Sweeps: their rows, resuming them, and folders that are refused."""

import os
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numba
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import harness
from harness.cli.app import app
from harness.store.lock import writer
from harness.sweep import chunks, engines, provenance, resume
from harness.training.trainer import Trainer

# Stamps of code in the form of hashes.
OLDER, NEWER = "0" * 16, "f" * 16


@pytest.fixture
def chunks_of_two(monkeypatch):
    monkeypatch.setattr(chunks, "MAX_RUNS", 2)


def test_tables_have_one_row_per_run_and_per_epoch_in_order(small, tmp_path):
    results = harness.run(small(), tmp_path / "out")
    assert results.runs["run_id"].tolist() == list(range(12))
    assert results.runs["learning_rate"].tolist() == [0.05, 0.1, 0.9] * 4
    assert results.runs["init_id"].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    trajectories = results.trajectories()
    assert len(trajectories) == (results.runs["epochs"] + 1).sum()
    pd.testing.assert_frame_equal(
        trajectories, trajectories.sort_values(["run_id", "epoch"], kind="stable")
    )
    ends = trajectories.groupby("run_id").last()
    assert ends["epoch"].tolist() == results.runs["epochs"].tolist()
    assert ends["ssr"].tolist() == results.runs["ssr_final"].tolist()
    starts = trajectories.groupby("run_id").first()
    assert (starts["epoch"] == 0).all()
    assert starts["ssr"].tolist() == results.runs["ssr_initial"].tolist()


def test_columns_are_those_of_the_documentation(small, tmp_path):
    experiment = small(
        network={"layers": [1, 1], "activations": ["sigmoid"], "loss": "mse"},
        record={"epochs": "none", "parameters": True, "measures": ["ssr_mean", "gradient_norm"]},
    )
    results = harness.run(experiment, tmp_path / "out")
    assert list(results.runs.columns) == [
        "run_id", "init_id", "learning_rate", "status", "epochs",
        "ssr_initial", "ssr_final", "ssr_min", "loss_initial", "loss_final", "loss_min",
        "ssr_mean", "gradient_norm", "w1_final", "b1_final",
    ]  # fmt: skip
    assert results.trajectories().empty
    assert list(results.trajectories().columns) == ["run_id", "epoch", "ssr", "loss"]
    assert [path.name for path in results.folder.glob("*.csv")] == ["runs.csv"]


def test_runs_of_different_networks_are_in_one_table(small, tmp_path):
    experiment = small(
        grid={"width": [1, 3], "max_epochs": [2, 5], "init_id": 2},
        record={"epochs": "all", "parameters": True},
    )
    results = harness.run(experiment, tmp_path / "out")
    assert results.runs["width"].tolist() == [1, 3] * 4
    assert results.runs["epochs"].tolist() == [2, 2, 5, 5] * 2
    assert results.trajectories()["run_id"].tolist() == [0] * 3 + [1] * 3 + [2] * 6 + [3] * 6 + [
        4] * 3 + [5] * 3 + [6] * 6 + [7] * 6  # fmt: skip
    # A network with one hidden unit has w1, b1, w2 and b2, but not w3.
    assert results.runs["w3_final"].isna().tolist() == [True, False] * 4
    single = harness.run(experiment.single(3), tmp_path / "single").runs
    assert single["w6_final"][0] == results.runs["w6_final"][3]


def test_a_rerun_trains_exactly_the_missing_chunks(small, tmp_path, monkeypatch, chunks_of_two):
    folder = tmp_path / "out"
    whole = harness.run(small(), folder)
    before, trajectories = whole.runs, whole.trajectories()
    (folder / "runs" / "part-000003.parquet").unlink()
    (folder / "runs.csv").unlink()
    trained = []
    train = Trainer.train

    def watch(self, first, last, *arguments):
        trained.append((first, last))
        return train(self, first, last, *arguments)

    monkeypatch.setattr(Trainer, "train", watch)
    again = harness.run(small(), folder)
    assert [span for span in trained if span != (0, 0)] == [(6, 8)]
    pd.testing.assert_frame_equal(again.runs, before, check_exact=True)
    pd.testing.assert_frame_equal(again.trajectories(), trajectories, check_exact=True)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "runs.csv"), before, check_exact=True)


def test_a_finished_folder_trains_nothing(small, tmp_path, monkeypatch):
    harness.run(small(), tmp_path / "out")
    monkeypatch.setattr(Trainer, "train", None)
    assert len(harness.run(small(), tmp_path / "out").runs) == 12


def state(folder):
    """Time and inode of everything in a folder, which writing would change."""
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in [folder, *folder.rglob("*")]
    }


def test_a_finished_folder_is_not_written_to(small, tmp_path):
    folder = tmp_path / "out"
    runs = harness.run(small(), folder).runs
    before = state(folder)
    paths = [*folder.rglob("*"), folder]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)  # root may write anyway
    again = harness.run(small(), folder)
    for path in reversed(paths):
        path.chmod(0o755 if path.is_dir() else 0o644)
    pd.testing.assert_frame_equal(again.runs, runs, check_exact=True)
    assert state(folder) == before


def test_a_lost_file_of_a_finished_folder_is_written_again_and_no_other_changes(small, tmp_path):
    folder = tmp_path / "out"
    harness.run(small(), folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "trajectories.csv").unlink()
    harness.run(small(), folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_folder_that_another_process_writes_into_can_only_be_read(small, tmp_path):
    folder = tmp_path / "out"
    harness.run(small(), folder)
    with writer(folder):
        assert len(harness.run(small(), folder).runs) == 12  # it is finished: nothing is written
        before = state(folder)
        with pytest.raises(harness.HarnessError, match=f"by process {os.getpid()} on "):
            harness.run(small(grid__init_id=5), folder)
        assert state(folder) == before


# -- other code ------------------------------------------------------------------------------------


@pytest.fixture
def begun(small, tmp_path, monkeypatch, chunks_of_two):
    """A folder by harness 0.0.9, with the stamp OLDER, that lacks a chunk."""
    versions = provenance.versions()
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "code_stamp", lambda: OLDER)
        patch.setattr(provenance, "versions", lambda: {**versions, "harness": "0.0.9"})
        harness.run(small(), tmp_path / "out")
    (tmp_path / "out" / "commits" / "000003.json").unlink()
    return tmp_path / "out"


def test_other_code_does_not_resume_and_names_the_versions(small, begun):
    before = state(begun)
    with pytest.raises(harness.ResultsError) as caught:
        harness.run(small(), begun)
    now = provenance.versions()["harness"]
    assert f"(harness {now} instead of 0.0.9)" in str(caught.value)
    assert "--allow-code-change" in str(caught.value)
    after = state(begun)
    assert {path: after[path] for path in before if path not in (begun, begun / ".lock")} == {
        path: before[path] for path in before if path not in (begun, begun / ".lock")
    }


def test_changed_sources_of_the_same_version_are_named_too(small, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "code_stamp", lambda: OLDER)
        harness.run(small(), tmp_path / "out")
    (tmp_path / "out" / "runs" / "part-000000.parquet").unlink()
    with pytest.raises(harness.ResultsError, match="other sources of harness"):
        harness.run(small(), tmp_path / "out")


def test_other_code_resumes_if_allowed_and_is_recorded(small, begun, tmp_path):
    results = harness.run(small(), begun, allow_code_change=True)
    assert len(results.runs) == 12
    for manifest in (results.manifest, harness.open_results(begun).manifest):
        assert manifest["code"] == provenance.code_stamp()
        assert manifest["former_code"] == [OLDER]
        assert manifest["versions"] == provenance.versions()
    (begun / "commits" / "000002.json").unlink()
    assert harness.run(small(), begun).manifest["former_code"] == [OLDER]


def test_former_code_is_recorded_if_its_runs_are_reused(small, begun):
    # Older code trained all runs of the smaller grid but two.
    larger = small(grid__init_id=6)
    with pytest.raises(harness.ResultsError, match="this code differs"):
        harness.run(larger, begun)
    results = harness.run(larger, begun, allow_code_change=True)
    assert len(results.runs) == 18
    assert results.manifest["former_code"] == [OLDER]


def test_other_code_reads_a_finished_folder(small, tmp_path, monkeypatch):
    results = harness.run(small(), tmp_path / "out")
    monkeypatch.setattr(provenance, "code_stamp", lambda: NEWER)
    again = harness.run(small(), tmp_path / "out")
    assert again.manifest == results.manifest
    pd.testing.assert_frame_equal(harness.open_results(tmp_path / "out").runs, results.runs)


def test_another_experiment_is_refused_and_the_difference_named(small, tmp_path):
    harness.run(small(), tmp_path / "out")
    other = small(training__learning_rate=0.2, training__momentum=0.5, grid__init_id=5)
    with pytest.raises(harness.ResultsError) as caught:
        harness.run(other, tmp_path / "out")
    assert "grid.init_id was 4 and is 5" in str(caught.value)
    assert "training.learning_rate was 0.1 and is 0.2" in str(caught.value)
    assert "training.momentum was not given and is 0.5" in str(caught.value)
    assert "--out" in str(caught.value)
    renamed = small(name="other_name", question="Another?")
    assert len(harness.run(renamed, tmp_path / "out").runs) == 12


def test_an_interrupt_keeps_finished_chunks_and_a_rerun_resumes(small, tmp_path, chunks_of_two):
    folder = tmp_path / "out"

    def interrupt(progress):
        if list((folder / "runs").glob("part-*")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harness.run(small(), folder, threads=1, progress=interrupt)
    assert len(list((folder / "runs").iterdir())) > 0
    assert not (folder / "runs.csv").exists()
    again = harness.run(small(), folder)
    fresh = harness.run(small(), tmp_path / "fresh")
    pd.testing.assert_frame_equal(again.runs, fresh.runs, check_exact=True)
    assert again.manifest["passes"] == fresh.manifest["passes"]


def test_passes_over_the_data_are_counted(small, tmp_path):
    for lanes, name in ((1, "one"), (8, "eight")):
        results = harness.run(small(), tmp_path / name, threads=1, lanes=lanes)
        passes = results.manifest["passes"]
        assert passes["runs"] == (results.runs["epochs"] + 1).sum()
        assert passes["lanes"] >= passes["runs"]
        assert passes["lanes"] % lanes == 0


def test_progress_counts_runs_and_updates(small, tmp_path, chunks_of_two):
    seen = []
    results = harness.run(small(), tmp_path / "out", progress=seen.append)
    assert seen[0].runs_done == 0
    assert seen[-1].runs_done == seen[-1].runs == 12
    assert seen[-1].updates_done == results.runs["epochs"].sum()
    assert seen[-1].seconds_left == 0.0


def test_the_manifest_has_experiment_and_versions(small, tmp_path):
    experiment = small()
    manifest = harness.run(experiment, tmp_path / "out").manifest
    assert manifest["identity"] == experiment.identity
    assert manifest["experiment"] == experiment.document()
    assert set(manifest["versions"]) >= {"python", "harness", "numpy", "numba", "llvmlite"}


def test_trajectories_of_some_runs(small, tmp_path):
    results = harness.run(small(), tmp_path / "out")
    some = results.trajectories([7, 2])
    assert some["run_id"].unique().tolist() == [2, 7]
    everything = results.trajectories()
    np.testing.assert_array_equal(some, everything[everything["run_id"].isin([2, 7])])


def test_results_open_again(small, tmp_path):
    results = harness.run(small(), tmp_path / "out")
    opened = harness.open_results(tmp_path / "out")
    pd.testing.assert_frame_equal(opened.runs, results.runs)
    opened.runs.loc[0, "ssr_final"] = 1.0  # a copy, not a read-only view


def test_the_default_folder_is_results_and_the_name(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    harness.run(small())
    assert (tmp_path / "results" / "small" / "manifest.json").exists()


def test_a_difference_only_in_the_data_is_named():
    assert resume._differences({"a": 1}, {"a": 1}) == "the data differ"


def test_an_interrupt_ends_a_run_in_the_middle(small, tmp_path):
    # A billion epochs take minutes; a kernel that looks at the flag returns at once.
    endless = small(
        training={"epochs": 10**9, "learning_rate": 0.01}, grid={}, record={"epochs": "none"}
    )

    def interrupt(progress):
        if progress.updates_done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harness.run(endless, tmp_path / "out", progress=interrupt)
    assert not list((tmp_path / "out" / "runs").iterdir())


def test_every_parameter_of_every_network_has_a_column(small, tmp_path):
    # 10-1-10-1 has more weights than 10-3-1-1, and together they have still more names.
    experiment = small(
        network={"layers": [10, 1, 1, 1], "activations": ["tanh", "tanh", "identity"]},
        data={"generator": "gaussian", "samples": 2},
        grid={"width_1": [1, 3], "width_2": [10, 1], "zip": [["width_1", "width_2"]]},
        record={"epochs": "none", "parameters": True},
    )
    runs = harness.run(experiment, tmp_path / "out").runs
    for run_id in (0, 1):
        single = harness.run(experiment.single(run_id), tmp_path / f"run{run_id}").runs
        for column in single.columns.drop(["run_id", "init_id", "status"]):
            assert single[column][0] == runs[column][run_id], column


def test_parameters_at_a_recorded_epoch_are_those_of_a_shorter_run(small, tmp_path):
    changes = {"training__limit": 3.0, "initialisation__biases": "same"}
    along = small(record={"epochs": {"every": 6}, "parameters": "trajectory"}, **changes)
    results = harness.run(along, tmp_path / "out")
    assert results.runs["status"].nunique() == 2  # some end in between
    trajectories = results.trajectories()
    names = list(along.network.parameters)
    assert list(trajectories.columns) == ["run_id", "epoch", "ssr", *names]
    for epoch in (0, 6, 18, 20):
        shorter = small(
            training__epochs=epoch, record={"epochs": "none", "parameters": True}, **changes
        )
        runs = harness.run(shorter, tmp_path / f"to{epoch}").runs
        there = trajectories[trajectories["epoch"] == epoch].set_index("run_id")[names]
        assert there.size
        theirs = runs.loc[there.index, [f"{name}_final" for name in names]]
        assert (there.to_numpy() == theirs.to_numpy()).all()


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="single precision is trained in lanes")
def test_precision_is_an_axis(small, tmp_path):
    sweep = small(
        grid={"precision": ["float64", "float32"], "init_id": 3},
        record={"parameters": "trajectory", "epochs": "all"},
    )
    results = harness.run(sweep, tmp_path / "out")
    double, single = (
        results.runs[results.runs["precision"] == name] for name in ("float64", "float32")
    )
    trajectories = results.trajectories().set_index("run_id")
    weights = {p: trajectories.loc[runs["run_id"], "w1"] for p, runs in ((8, double), (4, single))}
    assert (weights[4] == weights[4].astype(np.float32)).all()
    assert (weights[8] != weights[8].astype(np.float32)).any()
    np.testing.assert_allclose(single["ssr_final"], double["ssr_final"], rtol=1e-4)
    assert (single["ssr_final"].to_numpy() != double["ssr_final"].to_numpy()).all()
    one = {"training__precision": "float32", "grid": {"init_id": 3}}
    separate = harness.run(small(**one), tmp_path / "one").runs
    assert separate["ssr_final"].tolist() == single["ssr_final"].tolist()


def test_missing_parameters_of_a_network_are_nan_at_every_epoch(small, tmp_path):
    experiment = small(
        grid={"width": [1, 2]}, record={"epochs": {"every": 9}, "parameters": "trajectory"}
    )
    trajectories = harness.run(experiment, tmp_path / "out").trajectories()
    assert trajectories["w3"].isna().tolist() == [True] * 4 + [False] * 4
    assert trajectories["w2"].notna().all()


def test_drift_is_added_at_the_start_to_what_trains(small, tmp_path):
    changes = {"training__epochs": 0, "record__parameters": True, "training__train": ["w1", "b3"]}
    without = harness.run(small(**changes), tmp_path / "without").runs
    drifting = small(**changes, training__drift=[0.5, -2.0], training__learning_rate=0.0)
    moved = harness.run(drifting, tmp_path / "with").runs
    expected = {"w1": 0.5, "b3": -2.0}
    for name in drifting.network.parameters:
        column = f"{name}_final"
        assert (moved[column] == without[column] + expected.get(name, 0.0)).all()


def test_an_interrupt_ends_an_epoch_in_the_middle(small, tmp_path):
    # An epoch of this network takes seconds.
    slow = small(
        network={"layers": [100, 500, 1], "activations": ["tanh", "identity"]},
        data={"generator": "gaussian", "samples": 10**5},
        training={"epochs": 10, "learning_rate": 1e-6},
        grid={},
        record={"epochs": "none"},
    )
    calls = []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harness.run(slow, tmp_path / "out", progress=interrupt)
    assert calls[-1].updates_done == 0


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_refused(small, tmp_path, threads):
    with pytest.raises(harness.HarnessError, match="threads"):
        harness.run(small(), tmp_path / "out", threads=threads)
    assert not (tmp_path / "out").exists()


def test_more_chunks_than_a_folder_should_hold_are_refused(small, tmp_path):
    endless = small(grid={"init_id": 2**50}, record={"epochs": "none"})
    with pytest.raises(harness.HarnessError, match="chunks"):
        harness.run(endless, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# -- engines ---------------------------------------------------------------------------------------


class InOrder:
    """An engine that trains one chunk after the other when it is asked for results."""

    trains_at_once = None

    def __init__(self, threads, scheduler):
        self.queued = []

    @contextmanager
    def start(self, task, counters):
        self.task = task
        yield self

    room = 1

    def submit(self, chunk):
        self.queued.append(chunk)

    def completed(self, timeout):
        while self.queued:
            chunk = self.queued.pop()
            yield chunk, self.task(chunk)


def test_a_new_engine_is_a_module_and_an_entry(small, tmp_path, monkeypatch, chunks_of_two):
    monkeypatch.setitem(engines.ENGINES, "in_order", engines.EngineEntry("this thread"))
    module = SimpleNamespace(Setup=InOrder)
    monkeypatch.setitem(sys.modules, "harness.sweep.engines.in_order", module)
    seen = []
    results = harness.run(small(), tmp_path / "one", engine="in_order", progress=seen.append)
    fresh = harness.run(small(), tmp_path / "two")
    pd.testing.assert_frame_equal(results.runs, fresh.runs, check_exact=True)
    assert [now.runs_done for now in seen] == [0, 2, 4, 6, 8, 10, 12]


def test_every_engine_is_offered_by_the_command_line():
    done = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"})
    for name, entry in engines.ENGINES.items():
        assert f"{name}: {entry.where}" in " ".join(done.output.split())
