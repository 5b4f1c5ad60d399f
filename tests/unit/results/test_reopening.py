"""Columns and sizes that follow from an experiment, against a trained folder."""

import hashlib
import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

import harness
from harness.cli import sweep_screen
from harness.cli.show_command import show
from harness.experiment import Experiment
from harness.experiment.data import MOST_NUMBERS
from harness.results import inspection
from harness.store import data_points, encoding, manifest, parts
from harness.store.documents import seal, unseal
from harness.sweeps import chunks
from harness.training.columns import columns_of, most_recorded
from harness.training.trainer import Trainer
from tests.faults.foreign import command

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
    "zipped losses": {
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
    said = columns_of(experiment).by_table()
    assert list(said) == list(tables)
    for table, columns in tables.items():
        assert list(said[table]) == list(columns)
        for column, values in columns.items():
            expected = said[table][column]
            assert (str if isinstance(expected, frozenset) else expected) is kind(values), column
    variants = range(experiment.variant_grid.size)
    recorded = max(trainer.variant(i).plan.recorded.size for i in variants)
    assert most_recorded(experiment) == recorded


@pytest.mark.parametrize("name", SWEEPS)
def test_a_trained_folder_is_read(small, name, tmp_path):
    harness.run(small(**SWEEPS[name]), tmp_path / "out", lanes=1)
    results = harness.open_results(tmp_path / "out")
    assert len(results.runs) == results.manifest["runs"]
    assert list(results.trajectories) == list(columns_of(results.experiment).trajectories)


def test_chunks_are_as_large_as_a_manifest_allows():
    assert chunks.MAX_ENLARGEMENT * chunks.MAX_RUNS <= manifest.MAX_CHUNK_RUNS


def test_a_run_that_records_too_much_is_refused_before_it_is_trained(small, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "MAX_VALUES", 62)
    with pytest.raises(harness.HarnessError, match="21 recorded epochs of 3 values are too many"):
        harness.run(small(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def from_file(small, tmp_path):
    """An experiment whose data points are in a file."""
    file = tmp_path / "points.csv"
    file.write_text("x,y\n0,0\n0.5,1\n1,0\n")
    return small(data={"file": str(file), "inputs": ["x"], "targets": ["y"]})


def with_a_seed_more(experiment):
    document = experiment.document()
    document["grid"]["init_id"] += 1
    return Experiment.from_mapping(document)


def test_a_folder_of_many_data_points_needs_no_other_file(tmp_path):
    points = np.linspace(-1, 1, 1_200_000).reshape(-1, 3)
    file = tmp_path / "points.csv"
    with file.open("w") as written:
        written.write("a,b,c\n")
        written.writelines(f"{a!r},{b!r},{c!r}\n" for a, b, c in points.tolist())
    document = {
        "name": "many",
        "network": {"layers": [2, 1], "activations": ["identity"]},
        "data": {"file": str(file), "inputs": ["a", "b"], "targets": ["c"]},
        "training": {"epochs": 1, "learning_rate": 1e-7},
        "grid": {"init_id": 2},
    }
    results = harness.run(Experiment.from_mapping(document), tmp_path / "out", lanes=1)
    file.unlink()
    data = harness.open_results(tmp_path / "out").experiment.data
    assert np.array_equal(np.hstack([data.inputs, data.targets]), points)
    for name, *others in (["show"], ["plot", "trajectories"], ["report"], ["verify"]):
        status, said = command([name, str(tmp_path / "out"), *others])
        assert status == 0, said
    exported = pd.read_csv(io.StringIO(command(["export", str(tmp_path / "out")])[1]))
    assert exported["ssr_final"].tolist() == results.runs["ssr_final"].tolist()


def test_data_points_are_a_table_of_inputs_and_targets(small, tmp_path):
    data = {"inputs": [[1], [3]], "targets": [[10], [-0.0]], "standardise": ["inputs"]}
    harness.run(small(data=data), tmp_path / "out", lanes=1)
    written = (tmp_path / "out" / "data.parquet").read_bytes()
    table = pd.read_parquet(io.BytesIO(written))
    assert list(table) == ["input_1", "target_1"]
    assert table["input_1"].tolist() == [1, 3]
    assert [str(number) for number in table["target_1"]] == ["10.0", "-0.0"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    digest = hashlib.sha256(written).hexdigest()
    file = {"rows": 2, "size": len(written), "sha256": digest}
    assert manifest["data"] == {"inputs": 1, "targets": 1, "file": file, "original": True}
    assert harness.open_results(tmp_path / "out").experiment.data.inputs.tolist() == [[-1], [1]]


def test_dropped_data_points_are_counted_in_the_manifest(small, tmp_path, capsys):
    (tmp_path / "points.csv").write_text("x,y\n1,2\n,3\n4,5\n6,na\n7,8\n")
    data = {"file": "points.csv", "inputs": ["x"], "targets": ["y"], "missing": "drop"}
    document = small(data__generator="dosage").document() | {"data": data}
    experiment = Experiment.from_mapping(document, folder=tmp_path)
    sweep_screen.announce(experiment)
    assert "2 of 5 data points dropped: missing cells in lines 3, 5\n" in capsys.readouterr().out
    results = harness.run(experiment, tmp_path / "out", lanes=1)
    assert json.loads((results.folder / "manifest.json").read_text())["data"]["dropped"] == 2
    show(results.folder)
    assert capsys.readouterr().out.startswith("2 of 5 data points dropped: missing cells\n")
    assert harness.open_results(results.folder).experiment == experiment


def test_a_folder_of_an_earlier_version_has_scaled_numbers(small, tmp_path):
    data = {"inputs": [[1], [3]], "targets": [[10], [20]], "standardise": ["inputs"]}
    experiment, folder = small(data=data), tmp_path / "out"
    results = harness.run(experiment, folder, lanes=1)
    record, content = data_points.encode(
        data_points.DataPoints(inputs=np.array([[-1.0], [1.0]]), targets=np.array([[10.0], [20.0]]))
    )
    (folder / "data.parquet").write_bytes(content)
    manifest = unseal((folder / "manifest.json").read_bytes())
    manifest["data"] = record.document()
    (folder / "manifest.json").write_bytes(seal(manifest))
    kept = harness.open_results(folder)
    assert kept.experiment == experiment
    assert kept.experiment.data.inputs.tolist() == [[-1], [1]]
    assert not [file for file in inspection.verify(folder) if file.problem]
    assert kept.network(0).theta.tolist() == results.network(0).theta.tolist()
    with pytest.raises(harness.HarnessError, match=r"Remove data\.parquet from the folder"):
        kept.predict(0)
    (folder / "data.parquet").unlink()
    harness.run(experiment, folder, lanes=1)
    assert harness.open_results(folder).predict(0, [[1], [3]]).equals(results.predict(0))


@pytest.mark.parametrize("rows", [1, 5, 6, 7])
def test_data_points_are_kept_in_groups_of_rows(rows, monkeypatch):
    monkeypatch.setattr(data_points, "_GROUP_ROWS", 3)
    inputs = np.arange(2.0 * rows).reshape(rows, 2)
    targets = np.full((rows, 1), 5e-324)
    record, content = data_points.encode(data_points.DataPoints(inputs=inputs, targets=targets))
    assert pyarrow.parquet.ParquetFile(content).num_row_groups == -(-rows // 3)
    for there, kept in zip(
        data_points.decode(record, content.to_pybytes()), (inputs, targets), strict=True
    ):
        assert np.array_equal(there, kept)


@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize("harm", ["gone", "short", "flipped"])
def test_broken_data_points_are_named_and_written_again(harm, grows, from_file, small, tmp_path):
    folder, path = tmp_path / "out", tmp_path / "out" / "data.parquet"
    runs = harness.run(from_file, folder, lanes=1).runs
    before = path.read_bytes()
    flipped = bytes([*before[:40], before[40] ^ 1, *before[41:]])
    path.unlink()
    if harm != "gone":
        path.write_bytes({"short": before[:-1], "flipped": flipped}[harm])
    with pytest.raises(harness.ResultsError, match=r"data\.parquet is broken: .*\n.*harness run"):
        harness.open_results(folder)
    found = {file.name: file.problem for file in inspection.verify(folder)}
    assert [name for name, problem in found.items() if problem] == ["data.parquet"]
    assert "runs/part-000000.parquet" in found  # the others are read all the same
    other = small(data={"inputs": [0, 1], "targets": [0, 1]})
    with pytest.raises(harness.ResultsError, match="holds the results of another experiment"):
        harness.run(other, folder, lanes=1)
    again = with_a_seed_more(from_file) if grows else from_file
    harness.run(again, folder, lanes=1)
    assert path.read_bytes() == before
    assert not [file for file in inspection.verify(folder) if file.problem]
    kept = harness.open_results(folder)
    assert kept.experiment == again
    assert grows or kept.runs.equals(runs)


def test_an_intact_file_of_data_points_is_not_written_again(from_file, tmp_path, monkeypatch):
    folder, path = tmp_path / "out", tmp_path / "out" / "data.parquet"
    harness.run(from_file, folder, lanes=1)
    before = path.read_bytes()
    # As another version of pyarrow may do.
    options = encoding._options
    monkeypatch.setattr(encoding, "_options", lambda s: {**options(s), "compression": "none"})
    grown = with_a_seed_more(from_file)
    harness.run(grown, folder, lanes=1)
    assert path.read_bytes() == before
    path.unlink()
    harness.run(grown, folder, lanes=1)
    assert path.read_bytes() != before
    assert harness.open_results(folder).experiment == grown


def test_as_many_numbers_are_kept_as_an_experiment_may_have(small, monkeypatch):
    assert data_points.MAX_NUMBERS == MOST_NUMBERS
    data = {"inputs": [0, 1], "targets": [0, 1]}
    monkeypatch.setattr("harness.experiment.data.MOST_NUMBERS", 4)
    small(data=data)
    monkeypatch.setattr("harness.experiment.data.MOST_NUMBERS", 3)
    with pytest.raises(harness.ExperimentError, match=r"data has 4 numbers in 2 .* at most 3 are"):
        small(data=data)


def test_data_of_a_file_are_kept(from_file, tmp_path):
    harness.run(from_file, tmp_path / "out")
    (tmp_path / "points.csv").unlink()
    kept = harness.open_results(tmp_path / "out").experiment
    assert kept == from_file
    assert isinstance(kept, Experiment)


@pytest.fixture
def classes(small):
    """An experiment whose targets are classes, with a column that has a long name."""
    name = "a\n" + 300 * "b"
    table = {name: [0, 1, 2], "kind": ["x", "y", "x"], "sort": ["new", "old", "new"]}
    document = small().document() | {
        "network": {"layers": [3, 1], "activations": ["sigmoid"]},
        "data": {"inputs": [1, 2], "targets": ["sort"]},
    }
    return Experiment.from_mapping(document, data=table)


def test_names_of_columns_and_classes_are_kept(classes, tmp_path):
    harness.run(classes, tmp_path / "out", lanes=1)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    names = manifest["data"]["names"]
    assert names["inputs"][1:] == ["kind = x", "kind = y"]
    assert names["inputs"][0].startswith("a\\u000abbb")
    assert len(names["inputs"][0]) <= 256
    assert (names["targets"], names["classes"]) == (["old"], ["new", "old"])
    kept = harness.open_results(tmp_path / "out").experiment
    assert kept.data.names.classes == classes.data.names.classes == ("new", "old")
    assert list(kept.data.names.inputs) == names["inputs"]
    assert kept == classes
    (tmp_path / "out" / "data.parquet").unlink()
    harness.run(classes, tmp_path / "out", lanes=1)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["data"]["names"] == names


@pytest.mark.parametrize(
    "names",
    [
        3,
        {"inputs": ["a"]},
        {"targets": ["a", "b"]},
        {"classes": ["a"]},
        {"classes": ["a", "b", "c"]},
        {"classes": ["a", "\n"]},
        {"classes": ["a", "b" * 300]},
        {"classes": ["a", 1]},
        {"others": []},
    ],
)
def test_names_of_strangers_are_refused(names, classes, tmp_path):
    folder = tmp_path / "out"
    harness.run(classes, folder, lanes=1)
    manifest = unseal((folder / "manifest.json").read_bytes())
    manifest["data"]["names"] = names
    (folder / "manifest.json").write_bytes(seal(manifest))
    with pytest.raises(harness.ResultsError, match=r"manifest\.json is broken: .*names"):
        harness.open_results(folder)
