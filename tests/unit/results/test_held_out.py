"""Results of experiments that hold data points out are read again, whoever wrote the folder."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import harness
from harness.experiment import Experiment
from harness.results import inspection
from harness.store.documents import seal, unseal
from tests.faults.foreign import parquet, put_points, required

FIRST = "a,b,c\n1,x,0.5\n2,y,0.25\n,x,0\n5,y,1\n4,x,0\n6,x,1\n"
SECOND = "a,b,c\n3,y,0.5\n,x,0.75\n"
WAYS = {
    "share": {"validation": 0.5, "split_seed": 2},
    "fold": {"folds": 3, "fold": 1},
    "file": {"validation_file": "second.csv"},
}


def make(folder, **keys):
    (folder / "first.csv").write_text(FIRST)
    (folder / "second.csv").write_text(SECOND)
    data = {"file": "first.csv", "inputs": ["a", "b"], "targets": ["c"], "missing": "mean", **keys}
    document = {
        "name": "held_out",
        "network": {"layers": [3, 2, 1], "activations": ["tanh", "identity"]},
        "data": {**data, "scale": {"inputs": "min_max"}},
        "training": {"epochs": 3, "learning_rate": 0.1},
        "grid": {"init_id": 2},
    }
    return Experiment.from_mapping(document, folder=folder)


def record_of(folder):
    return json.loads((folder / "manifest.json").read_text())["data"]


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_holds_the_source(way, tmp_path):
    experiment, out = make(tmp_path, **WAYS[way]), tmp_path / "out"
    results = harness.run(experiment, out, lanes=1)
    record = record_of(out)
    assert record["words"] == {"inputs": [1, 2]}
    assert record.get("held_out") == (2 if way == "file" else None)
    assert record["missing"] == (2 if way == "file" else 1)
    table = pd.read_parquet(io.BytesIO((out / "data.parquet").read_bytes()))
    first = [1, 2, np.nan, 5, 4, 6] + [3, np.nan] * (way == "file")
    np.testing.assert_array_equal(table["input_1"], first)
    for name in ("first.csv", "second.csv"):
        (tmp_path / name).unlink()
    kept = harness.open_results(out).experiment
    assert kept == experiment
    for part in ("data", "validation", "source"):
        for columns in ("inputs", "targets"):
            there, here = (getattr(getattr(e, part), columns) for e in (kept, experiment))
            assert there.tobytes() == here.tobytes()
    assert not [file for file in inspection.verify(out) if file.problem]
    # The numbers are those of training on the training points, given as they are.
    plain = experiment.document()
    data = experiment.data
    plain["data"] = {"inputs": data.inputs.tolist(), "targets": data.targets.tolist()}
    expected = harness.run(Experiment.from_mapping(plain), tmp_path / "plain", lanes=1)
    assert results.runs["ssr_final"].tolist() == expected.runs["ssr_final"].tolist()


def test_a_manifest_without_held_out_points_does_not_count_them(tmp_path):
    harness.run(make(tmp_path), tmp_path / "out", lanes=1)
    assert set(record_of(tmp_path / "out")) == {
        *("inputs", "targets", "file", "names", "words", "missing", "original")
    }


@pytest.mark.parametrize(
    "change",
    [
        {"held_out": 2},
        {"held_out": 0},
        {"held_out": 6},
        {"held_out": True},
        {"missing": 2},
        {"missing": 19},
        {"missing": -1},
        {"words": {"inputs": [1]}},
        {"words": {"inputs": []}},
        {"words": {"inputs": [2, 1]}},
        {"words": {"inputs": [1, 1]}},
        {"words": {"inputs": [1, 3]}},
        {"words": {"inputs": [1, True]}},
        {"words": {"inputs": [-1]}},
        {"words": {"targets": [0, 1]}},
        {"words": {"classes": [0]}},
        {"words": 3},
        {"original": False},
    ],
)
def test_records_of_strangers_are_refused(change, tmp_path):
    folder = tmp_path / "out"
    harness.run(make(tmp_path, **WAYS["share"]), folder, lanes=1)
    manifest = unseal((folder / "manifest.json").read_bytes())
    manifest["data"] |= change
    (folder / "manifest.json").write_bytes(seal(manifest))
    with pytest.raises(harness.ResultsError, match="is broken"):
        harness.open_results(folder)


@pytest.mark.parametrize(
    "section",
    [
        {"missing": "error"},
        {"folds": 3},
        {"validation": 3},
        {"validation": 9},
        {"fold": 1},
        {"validation_file": "second.csv"},
        {"validation": None},
        {"validation": None, "validation_file": "second.csv"},
        {"scale": {"inputs": 2.0}},
        {"split_seed": 3},
    ],
)
def test_sections_of_strangers_are_refused(section, tmp_path):
    folder = tmp_path / "out"
    harness.run(make(tmp_path, **WAYS["share"]), folder, lanes=1)
    manifest = unseal((folder / "manifest.json").read_bytes())
    data = manifest["experiment"]["data"] | section
    manifest["experiment"]["data"] = {k: v for k, v in data.items() if v is not None}
    (folder / "manifest.json").write_bytes(seal(manifest))
    with pytest.raises(harness.ResultsError, match="is broken"):
        harness.open_results(folder)


def test_numbers_of_strangers_are_finite_or_missing_as_said(tmp_path):
    folder = tmp_path / "out"
    harness.run(make(tmp_path, **WAYS["share"]), folder, lanes=1)
    whole = (folder / "data.parquet").read_bytes()

    for name, value in (("input_1", np.inf), ("input_2", np.nan), ("target_1", np.nan)):
        table = pd.read_parquet(io.BytesIO(whole))
        table.loc[0, name] = value
        put_points(folder, parquet(required(pa.Table.from_pandas(table, preserve_index=False))))
        with pytest.raises(harness.ResultsError, match=r"data\.parquet is broken"):
            harness.open_results(folder)
