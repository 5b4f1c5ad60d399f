"""What follows from the experiment of a folder, against what is trained."""

import numpy as np
import pytest

import harness
from harness import opening, planning
from harness.blocks import Trainer
from harness.experiment import Experiment
from harness.reopening import columns_of, most_recorded
from harness.store import manifest, parts

MEASURES = ["ssr_mean", "epoch_of_ssr_min", "relative_sum"]
SOFTPLUS = {"layers": [1, 2, 1], "activations": ["softplus", "identity"]}
SWEEPS = {
    "plain": {},
    "no epochs": {"record": {"epochs": "none"}},
    "every axis of numbers": {
        "grid": {"init_seed": [0, 1], "init_scale": [1.0, 2.0], "w1": [0.5], "momentum": [0.0, 0.5]}
    },
    "words": {
        "grid": {"activation": ["softplus", "tanh"], "batch_size": [1, "all"], "init_id": 2},
        "network": SOFTPLUS,
    },
    "widths": {
        "grid": {"width": [3, 1, 2], "max_epochs": [1, 4], "init_id": 2},
        "record": {"parameters": True, "epochs": {"every": 2}},
    },
    "losses in step": {
        "network": {"layers": [2, 2, 1], "activations": ["sigmoid", "sigmoid"]},
        "data": {"generator": "xor"},
        "grid": {
            "activation_2": ["identity", "sigmoid"],
            "loss": ["mse", "cross_entropy"],
            "zip": [["activation_2", "loss"]],
        },
    },
    "measures": {"record": {"measures": MEASURES, "epochs": "all"}},
    "parameters": {"record": {"parameters": "trajectory", "sharpness": True, "epochs": {"log": 9}}},
}


def kind(values):
    kinds = {"i": int, "u": int, "f": float}
    return kinds.get(np.asarray(values).dtype.kind, str)


@pytest.mark.parametrize("name", SWEEPS)
def test_columns_and_recorded_epochs_are_those_of_training(small, name):
    experiment = small(**SWEEPS[name])
    trainer = Trainer(experiment, lanes=1)
    made = trainer.compile()
    tables = {"runs": made.runs, "trajectories": made.trajectories.columns()}
    said = columns_of(experiment)
    assert list(said) == list(tables)
    for table, columns in tables.items():
        assert list(said[table]) == list(columns)
        for column, values in columns.items():
            expected = said[table][column]
            assert (str if isinstance(expected, frozenset) else expected) is kind(values), column
    variants = range(experiment.variant_grid.size)
    recorded = max(trainer.variant(i).schedule.recorded.size for i in variants)
    assert most_recorded(experiment) == recorded


@pytest.mark.parametrize("name", SWEEPS)
def test_what_is_trained_is_read(small, name, tmp_path):
    harness.run(small(**SWEEPS[name]), tmp_path / "out", lanes=1)
    results = harness.open_results(tmp_path / "out")
    assert len(results.runs) == results.manifest["runs"]
    assert list(results.trajectories()) == list(columns_of(results.experiment)["trajectories"])


def test_chunks_are_as_large_as_a_manifest_allows():
    assert planning._LARGER * planning._MOST_RUNS_A_CHUNK <= manifest.MOST_CHUNK_RUNS


def test_a_run_that_records_too_much_is_refused_before_it_is_trained(small, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "MOST_VALUES", 62)
    with pytest.raises(harness.HarnessError, match="21 recorded epochs of 3 values are too many"):
        harness.run(small(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_of_data_that_a_folder_does_not_hold_no_file_is_read(small, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "MOST_NUMBERS", 5)
    file = tmp_path / "points.csv"
    file.write_text("x,y\n0,0\n0.5,1\n1,0\n")
    experiment = small(data={"file": str(file), "inputs": ["x"], "targets": ["y"]})
    results = harness.run(experiment, tmp_path / "out")
    with pytest.raises(harness.ResultsError, match=r"does not hold its data.*\n.*harness run"):
        harness.open_results(tmp_path / "out")
    again = harness.run(experiment, tmp_path / "out")
    assert again.runs.equals(results.runs)


def test_data_of_a_file_are_kept(small, tmp_path):
    file = tmp_path / "points.csv"
    file.write_text("x,y\n0,0\n0.5,1\n1,0\n")
    experiment = small(data={"file": str(file), "inputs": ["x"], "targets": ["y"]})
    harness.run(experiment, tmp_path / "out")
    file.unlink()
    kept = harness.open_results(tmp_path / "out").experiment
    assert kept == experiment
    assert isinstance(kept, Experiment)
