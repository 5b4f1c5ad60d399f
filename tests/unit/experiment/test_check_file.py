"""All errors of an experiment file at once, and where they are."""

import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment, load_experiment
from harness.experiment.loading import check_file

GOOD = """\
[network]
layers = [2, 2, 1]
activations = ["sigmoid", "sigmoid"]

[data]
generator = "xor"

[training]
epochs = 100
learning_rate = 0.1
"""


def found(tmp_path, text):
    path = tmp_path / "one.toml"
    path.write_text(text)
    errors = check_file(path)
    assert isinstance(errors, list)
    assert all(error.source == str(path) for error in errors)
    # What is reported first by the other commands is among them.
    with pytest.raises(ExperimentError) as first:
        load_experiment(path)
    assert str(first.value) in map(str, errors)
    return [(error.key, *error.position) for error in errors]


def test_a_right_file_is_an_experiment(tmp_path):
    (tmp_path / "one.toml").write_text(GOOD)
    assert isinstance(check_file(tmp_path / "one.toml"), Experiment)


def test_errors_of_single_keys(tmp_path):
    text = GOOD.replace("epochs = 100\nlearning_rate", "epochs = -1\nlearning_rat")
    text += 'tran = "all"\n[initialisation]\nparameters = { w1 = "a", w2 = 1, w3 = "b" }\n'
    assert found(tmp_path, text) == [
        ("training.epochs", 9, 1),
        ("training.learning_rat", 10, 1),  # and not that learning_rate is missing
        ("training.tran", 11, 1),
        ("initialisation.parameters.w1", 13, 16),
        ("initialisation.parameters.w3", 13, 34),
    ]


def test_axes_are_checked_beside_single_keys(tmp_path):
    text = GOOD.replace("epochs = 100", "epochs = -1")
    text += "[grid]\nlearning_rat = [1]\nmomentum = [0, 'a']\n"
    assert found(tmp_path, text) == [
        ("training.epochs", 9, 1),
        ("grid.learning_rat", 12, 1),
        ("grid.momentum[1]", 13, 16),
    ]


def test_errors_of_several_keys(tmp_path):
    text = GOOD.replace("0.1", "[0.1, 0.2, 0.3]") + (
        "batch_size = 9\n"
        'train = ["w10"]\n'
        "patience = 3\n"
        "schedule = [1.0]\n"
        "[initialisation]\nparameters = { w99 = 1 }\n"
        '[record]\nmeasures = ["ssr_mean", "ssr_mean"]\n'
        "[grid]\ninit = 3\nloss = [1]\n"
    )
    assert found(tmp_path, text) == [
        ("training.learning_rate", 10, 1),
        ("training.batch_size", 11, 1),
        ("training.train", 12, 1),
        ("training.patience", 13, 1),
        ("training.schedule", 14, 1),
        ("initialisation.parameters", 16, 1),
        ("record.measures", 18, 1),
        ("grid.init", 20, 1),
        ("grid.loss[0]", 21, 9),
    ]


def test_the_data_do_not_hide_the_rest(tmp_path):
    text = GOOD.replace('generator = "xor"', 'file = "none.csv"\ninputs = [1]\ntargets = [2]')
    errors = found(tmp_path, text + '\ntrain = ["w10"]\n[grid]\ninit = 3\n')
    assert [key for key, *_ in errors] == ["data.file", "training.train", "grid.init"]


def test_the_network_and_the_runs(tmp_path):
    assert found(tmp_path, GOOD.replace('["sigmoid", ', "[")) == [("network.activations", 3, 1)]
    text = GOOD + "[grid]\nbatch_size = [1, 9]\n"
    assert found(tmp_path, text) == [("training.batch_size", 8, 2)]  # of the second run


def test_missing_sections_and_files(tmp_path):
    assert found(tmp_path, "question = 1") == [
        ("network",),
        ("data",),
        ("training",),
        ("question", 1, 1),
    ]
    (error,) = check_file(tmp_path / "none.toml")
    assert error.key == str(tmp_path / "none.toml")


def test_many_wrong_keys_are_not_all_reported(tmp_path):
    errors = found(tmp_path, "".join(f"a{n} = 1\n" for n in range(1000)) + GOOD)
    assert len(errors) == 20


def test_changes_have_no_line(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(GOOD)
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, {"training.epochs": -1})
    assert str(caught.value).startswith(f"{path}: training.epochs = -1 ")
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, {"training.batch_size": 9, "training.epochs": 10})
    assert str(caught.value).startswith(f"{path}: training.batch_size = 9 ")
