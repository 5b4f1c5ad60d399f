import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import harness

ROOT = Path(__file__).parents[3]
TRAINING = harness.Training(epochs=3, learning_rate=0.1)
LABELS = {"loss": "cross_entropy"}


def made(data, layers=(2, 1), activations=("identity",), **network):
    return harness.Experiment(
        name="saved",
        network=harness.Network(layers, list(activations), **network),
        data=data,
        training=TRAINING,
    )


def keys(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))["data"]


def test_few_numbers_are_in_the_file(tmp_path):
    experiment = made(harness.Data([[0.1, -0.0], [1e-300, 3]], [1 / 3, 2]))
    experiment.save(tmp_path / "few.toml")
    assert keys(tmp_path / "few.toml")["inputs"] == [[0.1, -0.0], [1e-300, 3.0]]
    assert keys(tmp_path / "few.toml")["targets"] == [1 / 3, 2.0]
    assert [path.name for path in tmp_path.iterdir()] == ["few.toml"]
    assert harness.load_experiment(tmp_path / "few.toml") == experiment


@pytest.mark.parametrize(("points", "suffix"), [(60, ".csv"), (600_000, ".parquet")])
def test_many_numbers_are_beside_it(tmp_path, points, suffix):
    numbers = np.random.default_rng(0).normal(size=(points, 3)) ** 9
    experiment = made(harness.Data(numbers[:, :2], numbers[:, 2], validation=0.25))
    experiment.save(tmp_path / "many.toml")
    assert keys(tmp_path / "many.toml")["file"] == f"many{suffix}"
    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    there = read(tmp_path / f"many{suffix}")
    assert there.columns.tolist() == ["x1", "x2", "y"]
    assert there.to_numpy().tobytes() == numbers.tobytes()
    assert harness.load_experiment(tmp_path / "many.toml") == experiment


def test_words_and_classes_come_back(tmp_path):
    frame = pd.DataFrame(
        {"colour": ["red", "blue", "red", "green"], "size": [1, 2, 3, np.nan], "kind": [*"abba"]}
    )
    data = harness.Data(frame, inputs=["colour", "size"], targets=["kind"], missing="mean")
    experiment = made(data, (4, 2), ["softmax"], **LABELS)
    experiment.save(tmp_path / "words.toml")
    assert (tmp_path / "words.csv").read_text() == (
        "colour,size,kind\nred,1.0,a\nblue,2.0,b\nred,3.0,b\ngreen,nan,a\n"
    )
    found = harness.load_experiment(tmp_path / "words.toml")
    assert found == experiment
    assert found.source.names == experiment.source.names


def test_a_file_of_data_stays_where_it_is(tmp_path):
    iris = harness.load_experiment(ROOT / "experiments" / "iris.toml")
    iris.save(tmp_path / "iris.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["iris.toml"]
    assert (tmp_path / keys(tmp_path / "iris.toml")["file"]).samefile(
        ROOT / "experiments" / "iris.csv"
    )
    assert harness.load_experiment(tmp_path / "iris.toml") == iris


def test_an_experiment_of_results_is_saved_with_its_data(tmp_path):
    iris = harness.load_experiment(ROOT / "experiments" / "iris.toml")
    few = iris.replace(grid={"init_id": 2}, **{"training.epochs": 1})
    harness.run(few, tmp_path / "results", threads=1)
    found = harness.open_results(tmp_path / "results").experiment
    found.save(tmp_path / "iris.toml")
    assert keys(tmp_path / "iris.toml")["file"] == "iris.csv"
    assert harness.load_experiment(tmp_path / "iris.toml") == few


def test_held_out_points_of_another_file_are_in_one(tmp_path):
    for name, rows in (("train", "1,2,1\n3,4,0\n"), ("test", "5,6,1\n")):
        (tmp_path / f"{name}.csv").write_text(f"a,b,c\n{rows}")
    data = {"file": "train.csv", "validation_file": "test.csv"}
    mapping = {
        "name": "two",
        "network": {"layers": [2, 1], "activations": ["identity"]},
        "data": data | {"inputs": ["a", "b"], "targets": ["c"]},
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    experiment = harness.Experiment.from_mapping(mapping, folder=tmp_path)
    (tmp_path / "train.csv").unlink()
    experiment.save(tmp_path / "two.toml")
    assert keys(tmp_path / "two.toml")["validation_file"] == "two_validation.csv"
    assert harness.load_experiment(tmp_path / "two.toml") == experiment


def test_nothing_is_overwritten(tmp_path):
    experiment = made(harness.Data(np.eye(60)[:, :2], np.arange(60)))
    for name in ("saved.csv", "saved.toml"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(harness.ExperimentError, match=f"{name} exists already"):
            experiment.save(tmp_path / "saved.toml")
        assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
        (tmp_path / name).unlink()
    (tmp_path / "saved.toml").write_text("mine")
    experiment.save(tmp_path / "saved.toml", overwrite=True)
    assert harness.load_experiment(tmp_path / "saved.toml") == experiment
    for path, words in (("saved.txt", "must end in .toml"), ("no/saved.toml", "cannot be written")):
        with pytest.raises(harness.ExperimentError, match=words):
            experiment.save(tmp_path / path)


def test_replaced_keys_are_checked_anew():
    experiment = made(harness.Data([[0, 1], [1, 0], [1, 1]], [1, 0, 1]))
    assert experiment.replace(**{"training.epochs": np.int64(9)}).training.epochs == 9
    assert experiment.training.epochs == 3
    held_out = experiment.replace(**{"data.validation": 1})
    assert len(held_out.validation.inputs) == 1
    assert held_out.source is experiment.source
    adam = experiment.replace(**{"training.optimiser": harness.Adam(beta1=0.5)})
    assert adam.training.settings["beta1"] == 0.5
    other = experiment.replace(data=harness.Data(generator="xor"), name="other", question="?")
    assert (other.name, other.question, len(other.data.inputs)) == ("other", "?", 4)
    for changes, words in (
        ({"training.epoch": 3}, 'Did you mean "epochs"?'),
        ({"training.epochs": -3}, "training.epochs = -3"),
        ({"data.inputs": ["1"]}, "a table of Python"),
        ({"data.file": "x.csv"}, "a table of Python"),
        ({"name.first": 3}, 'name = "saved" is not a table'),
        ({"network": harness.Network([3, 1], ["identity"])}, "data.inputs"),
    ):
        with pytest.raises(harness.ExperimentError) as caught:
            experiment.replace(**changes)
        assert words in str(caught.value)


def test_generated_data_are_made_again():
    experiment = made(harness.Data(generator="moons", samples=10))
    assert len(experiment.replace(**{"data.samples": 20}).data.inputs) == 20
    assert experiment.replace(**{"data.samples": 20}).replace(**{"data.samples": 10}) == experiment
