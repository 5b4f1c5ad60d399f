"""Invalid arguments of public functions are refused with a clear message."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import harness
from harness import plots


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    document = {
        "name": "small",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
        "data": {"generator": "dosage"},
        "training": {"epochs": 3, "learning_rate": 0.1},
        "grid": {"learning_rate": [0.05, 0.1], "init_id": 4},
    }
    experiment = harness.Experiment.from_mapping(document)
    folder = tmp_path_factory.mktemp("results") / "small"
    return SimpleNamespace(
        document=document,
        experiment=experiment,
        folder=folder,
        results=harness.run(experiment, folder, lanes=1),
    )


class Nothing:
    """An object that is not a valid value of any argument."""


NOTHING = Nothing()

# A call, values that it must refuse, and a part of the message.
REFUSED = {
    "run": (
        lambda made, value: harness.run(value),
        ["a.toml", {"name": "x"}, None, 5, Path("a.toml"), NOTHING],
        "harness.load_experiment(FILE)",
    ),
    "plan": (
        lambda made, value: harness.plan(value),
        ["a.toml", {"name": "x"}, None, 5, NOTHING],
        "harness.load_experiment(FILE)",
    ),
    "trace": (
        lambda made, value: harness.trace(value),
        ["a.toml", {"name": "x"}, None, 5, NOTHING],
        "harness.load_experiment(FILE)",
    ),
    "run out": (
        lambda made, value: harness.run(made.experiment, value),
        [5, 0, True, "", b"a", ["a"], {}, "a\0b", NOTHING, io.StringIO()],
        "out = ",
    ),
    "run threads": (
        lambda made, value: harness.run(made.experiment, made.folder, threads=value),
        ["2", True, False, 0, -1, 2.0, [], NOTHING, np.nan],
        "threads = ",
    ),
    "run lanes": (
        lambda made, value: harness.run(made.experiment, made.folder, lanes=value),
        ["8", True, 8.0, 0, -8, 7, 10**9, [], NOTHING],
        "lanes = ",
    ),
    "run engine": (
        lambda made, value: harness.run(made.experiment, made.folder, engine=value),
        [3, None, "thread", ["threads"], {}, NOTHING],
        "engine = ",
    ),
    "run scheduler": (
        lambda made, value: harness.run(made.experiment, made.folder, scheduler=value),
        [3, True, ["tcp://localhost:1"], NOTHING],
        "scheduler = ",
    ),
    "run allow_code_change": (
        lambda made, value: harness.run(made.experiment, made.folder, allow_code_change=value),
        [3, "no", None, NOTHING],
        "allow_code_change = ",
    ),
    "run progress": (
        lambda made, value: harness.run(made.experiment, made.folder, progress=value),
        [1, True, "print", [], NOTHING],
        "progress = ",
    ),
    "plan threads": (
        lambda made, value: harness.plan(made.experiment, threads=value),
        ["2", True, 0, -1, 2.0, NOTHING],
        "threads = ",
    ),
    "trace run_id": (
        lambda made, value: harness.trace(made.experiment, run_id=value),
        ["2", True, -1, 8, 2.0, None, [1], NOTHING],
        "run_id = ",
    ),
    "trace epoch": (
        lambda made, value: harness.trace(made.experiment, epoch=value),
        ["2", True, -1, 8, 2.0, None, NOTHING],
        "epoch = ",
    ),
    "trace parameter": (
        lambda made, value: harness.trace(made.experiment, parameter=value),
        [5, "w99", "", ["w1"], NOTHING],
        "parameter = ",
    ),
    "trace notation": (
        lambda made, value: harness.trace(made.experiment, notation=value),
        [5, "letters", ["matrix"], NOTHING],
        "notation = ",
    ),
    "load_experiment": (
        lambda made, value: harness.load_experiment(value),
        [5, None, True, "", b"a.toml", {"name": "x"}, "a\0b", ["a"], NOTHING],
        "path = ",
    ),
    "load_experiment changes": (
        lambda made, value: harness.load_experiment("a.toml", value),
        [5, "training.epochs=1", ["training.epochs=1"], {5: 1}, {None: 1}, NOTHING],
        "changes = ",
    ),
    "open_results": (
        lambda made, value: harness.open_results(value),
        [5, None, True, "", b"a", {}, "a\0b", NOTHING],
        "folder = ",
    ),
    "from_mapping": (
        lambda made, value: harness.Experiment.from_mapping(value),
        [[], "a.toml", None, 5, NOTHING, {}, {5: 1}],
        "",
    ),
    "from_mapping folder": (
        lambda made, value: harness.Experiment.from_mapping(made.document, folder=value),
        [5, True, "", b"a", NOTHING],
        "folder = ",
    ),
    "from_mapping data": (
        lambda made, value: harness.Experiment.from_mapping(made.document, data=value),
        [5, [], pd.DataFrame(), NOTHING],
        "data must have one form; it has generator and a table of Python",
    ),
    "Experiment": (
        lambda made, value: harness.Experiment(**{**made.document, "training": value}),
        [5, None, {}, {"epochs": 1.5}, NOTHING],
        "training",
    ),
    "at": (
        lambda made, value: made.experiment.at(value),
        [5, None, "learning_rate", {"lr": 1}, {5: 1}, {"learning_rate": NOTHING}],
        "",
    ),
    "run of an experiment": (
        lambda made, value: made.experiment.single(value),
        ["2", True, -1, 8, 2.0, None, [1], NOTHING],
        "run_id = ",
    ),
    "Results": (
        lambda made, value: harness.Results(value),
        ["results/small", None, 5, NOTHING],
        "harness.open_results(FOLDER)",
    ),
    "trajectories": (
        lambda made, value: made.results.read_trajectories(value),
        [
            *("x", True, 1.0, np.nan, NOTHING, -1, 8, 10**400),
            *([1.5], ["1"], [True], [None], [[1], [2]], [0, 8], [10**400]),
            *(np.array([1.0]), np.array([[1]])),
        ],
        "run",
    ),
    "trajectories columns": (
        lambda made, value: made.results.read_trajectories(0, value),
        ["ssr", 5, True, [5], [None], ["sr"], NOTHING],
        "",
    ),
    "read_runs": (
        lambda made, value: made.results.read_runs(value),
        ["status", 5, None, [5], ["statsu"], NOTHING],
        "",
    ),
    "read_runs run_ids": (
        lambda made, value: made.results.read_runs(["status"], value),
        ["x", True, 1.0, [1.5], [True], -1, 8, NOTHING],
        "run",
    ),
    "run_batches": (
        lambda made, value: list(made.results.run_batches(value)),
        ["status", 5, None, [5], ["statsu"], NOTHING],
        "",
    ),
    "sample_runs": (
        lambda made, value: made.results.sample_runs(value),
        ["status", 5, None, [5], ["statsu"], NOTHING],
        "",
    ),
    "sample_runs most": (
        lambda made, value: made.results.sample_runs(["status"], value),
        ["5", 0, -1, 1.5, True, None, NOTHING],
        "most = ",
    ),
    "best_runs": (
        lambda made, value: made.results.best_runs(value),
        ["5", 0, -1, 1.5, True, None, [1], NOTHING],
        "count = ",
    ),
    "best_runs columns": (
        lambda made, value: made.results.best_runs(1, value),
        ["status", 5, [5], ["statsu"], NOTHING],
        "",
    ),
    "in_order": (
        lambda made, value: made.results.in_order(value),
        ["x", True, 1.0, [1.5], ["1"], [True], -1, [0, 8], NOTHING],
        "run",
    ),
    "draw": (
        lambda made, value: plots.draw(value, "map"),
        ["results/small", None, 5, NOTHING],
        "harness.open_results(FOLDER)",
    ),
    "draw kind": (
        lambda made, value: plots.draw(made.results, value),
        ["maps", None, 5, ["map"], NOTHING],
        "",
    ),
    "draw run": (
        lambda made, value: plots.draw(made.results, "fit", run=value),
        ["5", -1, 8, 1.5, True, [1], NOTHING],
        "run",
    ),
    "draw x": (
        lambda made, value: plots.draw(made.results, "map", x=value),
        ["lr", "", 5, ["learning_rate"], NOTHING],
        "",
    ),
    "draw ssr": (
        lambda made, value: plots.draw(made.results, "epochs", ssr=value),
        ["5", np.nan, np.inf, -1.0, True, [1], NOTHING],
        "ssr = ",
    ),
    "draw width": (
        lambda made, value: plots.draw(made.results, "map", style=value),
        ["wide", None, 5, ["slide"], NOTHING],
        "",
    ),
}


@pytest.mark.parametrize("call", REFUSED)
def test_invalid_arguments_are_refused(call, made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, values, words = REFUSED[call]
    for value in values:
        with pytest.raises(harness.HarnessError) as caught:
            function(made, value)
        assert words in str(caught.value), value
        assert len(str(caught.value)) < 1500
    assert list(tmp_path.iterdir()) == []


def test_numpy_numbers_and_all_kinds_of_paths_are_accepted(made):
    assert len(made.results.read_trajectories(np.int64(3))) == len(
        made.results.read_trajectories([3])
    )
    ids = made.results.runs["run_id"]
    assert len(made.results.read_runs(["status"], ids)) == 8
    assert len(made.results.read_runs(["status"], ids.to_numpy(np.uint8))) == 8
    assert len(made.results.read_runs(["status"], [])) == 0
    assert len(made.results.read_runs(ids.to_frame().columns)) == 8
    again = harness.run(made.experiment, made.folder, threads=np.int32(1), lanes=np.int64(8))
    assert again.runs.equals(made.results.runs)
    assert harness.open_results(str(made.folder)).runs.equals(made.results.runs)
    assert harness.plan(made.experiment, threads=np.int64(1)).threads == 1
    assert harness.trace(made.experiment, run_id=np.int64(7), epoch=np.uint8(1)).run_id == 7
    assert made.experiment.single(np.int64(3)).training.learning_rate == 0.1


def test_threads_are_refused_for_a_cluster(made):
    with pytest.raises(harness.HarnessError, match="threads = 2 is for this machine"):
        harness.run(made.experiment, made.folder, threads=2, scheduler="tcp://127.0.0.1:8786")
