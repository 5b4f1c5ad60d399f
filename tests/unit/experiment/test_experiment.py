"""Invalid experiment files raise one error about one key; valid ones mean what the page says."""

import copy
import os
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from harness.errors import ExperimentError
from harness.experiment import Experiment, load_experiment
from harness.experiment.network import Network
from harness.experiment.recording import most_recorded, recorded_epochs
from harness.experiment.schema import Every, Linear, Log

BASE = {
    "name": "small",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 10, "learning_rate": 0.1},
}
TOML = """
[network]
layers = [1, 2, 1]
activations = ["softplus", "identity"]
[training]
epochs = 10
learning_rate = 0.1
"""
MISSING = object()
INF, NAN = float("inf"), float("nan")


def changed(key, value):
    """Return BASE with the value at a key, whose parts are separated by slashes."""
    document = copy.deepcopy(BASE)
    *tables, last = key.split("/")
    table = document
    for name in tables:
        table = table.setdefault(name, {})
    if value is MISSING:
        del table[last]
    else:
        table[last] = value
    return document


def complaint(document, **more):
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_mapping(document, **more)
    return caught.value


# Key of the mistake, its value, the key named by the message, and words of the message.
BAD = [
    # unknown keys, at every level
    ("netwrok", {}, "netwrok", ['"network"']),
    ("network/layerss", 1, "network.layerss", ['"layers"']),
    ("data/generater", "xor", "data.generater", ['"generator"']),
    ("training/learning_rat", 1, "training.learning_rat", ['"learning_rate"']),
    ("initialisation/shceme", "he", "initialisation.shceme", ['"scheme"']),
    ("record/epoch", "all", "record.epoch", ['"epochs"']),
    ("record/epochs", {"evry": 3}, "record.epochs", ["evry", '"every"']),
    ("zzz", 1, "zzz", ["Keys here are name, question, network"]),
    # right keys in the wrong place
    ("momentum", 0.5, "momentum", ["key of [training]"]),
    ("network/learning_rate", 1, "network.learning_rate", ["key of [training]"]),
    # misspelt names
    ("network/activations", ["sofplus", "identity"], "network.activations[0]", ['"softplus"?']),
    ("network/loss", "sse", "network.loss", ['"sse"', '"half_ssr"', '"ssr" here']),
    ("network/loss", "SSR", "network.loss", ['"ssr"?']),
    ("network/scales", ["1/sqrt(fanin)", 1.0], "network.scales[0]", ['"1/sqrt(fan_in)"?']),
    ("data/generator", "dosag", "data.generator", ['"dosage"?', '"chebyshev"']),
    ("data/standardise", ["input"], "data.standardise[0]", ['"inputs"?']),
    ("training/batches", "shufled", "training.batches", ['"shuffled"?', '"drawn"']),
    ("training/batch_size", "al", "training.batch_size", ['"all", or']),
    ("training/train", ["w9"], "training.train", ['"w9"', "1-2-1", '"b3"', "Correct the name"]),
    ("initialisation/scheme", "nromal", "initialisation.scheme", ['"normal"?', '"lecun"']),
    ("initialisation/biases", "zero", "initialisation.biases", ['"zeros"?']),
    ("initialisation/biases", "0.1", "initialisation.biases", ["without quotes"]),
    ("initialisation/biases", True, "initialisation.biases", ["= true", "a finite number"]),
    ("initialisation/parameters", {"w9": 1.0}, "initialisation.parameters", ['"w9"', "1-2-1"]),
    ("record/measures", ["ssr_maen"], "record.measures[0]", ['"ssr_mean"?']),
    ("record/epochs", "al", "record.epochs", ['"all", "none"', "{ every = k }"]),
    # wrong types
    ("training/learning_rate", "0.1", "training.learning_rate", ['"0.1"', "without quotes"]),
    ("training/learning_rate", True, "training.learning_rate", ["= true", "number"]),
    ("training/epochs", True, "training.epochs", ["= true", "whole number"]),
    ("training/epochs", 10.0, "training.epochs", ["= 10.0", "without a point: 10"]),
    ("training/epochs", "10", "training.epochs", ['"10"', "without quotes"]),
    ("network/layers", [1, 2.0, 1], "network.layers[1]", ["= 2.0", "without a point: 2"]),
    ("network/layers", [1, True, 1], "network.layers[1]", ["= true"]),
    ("network/layers", "121", "network.layers", ['"121"', "list"]),
    ("network/layers", 5, "network.layers", ["= 5", "list"]),
    ("network/activations", "tanh", "network.activations", ['brackets: ["tanh"]']),
    ("network/biases", "true", "network.biases", ["without quotes"]),
    ("network/biases", 1, "network.biases", ["= 1", "true, false"]),
    ("network/scales", 2.0, "network.scales", ["= 2.0", "list"]),
    ("training/train", "b3", "training.train", ['brackets: ["b3"]']),
    ("record/parameters", "True", "record.parameters", ["lower case"]),
    ("record/measures", "ssr_mean", "record.measures", ['brackets: ["ssr_mean"]']),
    ("record/epochs", 5, "record.epochs", ["= 5", "{ log = n }"]),
    ("initialisation/parameters", {"w1": "a"}, "initialisation.parameters.w1", ['"a"']),
    ("initialisation/parameters", [1], "initialisation.parameters", ["= [1]", "table"]),
    ("training", 5, "training", ["= 5", "table"]),
    ("grid", [1], "grid", ["= [1]", "table"]),
    ("question", 5, "question", ["= 5", "text"]),
    # missing
    ("training", MISSING, "training", ["Add [training] with epochs and learning_rate."]),
    ("network", MISSING, "network", ["Add [network] with layers and activations."]),
    ("data", MISSING, "data", ["Add [data]."]),
    ("training/learning_rate", MISSING, "training.learning_rate", ["Add learning_rate = "]),
    ("name", MISSING, "name", ["Add name = "]),
    # numbers that are not allowed
    ("training/learning_rate", NAN, "training.learning_rate", ["= nan", "finite"]),
    ("training/learning_rate", INF, "training.learning_rate", ["= inf", "finite"]),
    ("training/learning_rate", -0.1, "training.learning_rate", ["= -0.1", "at least 0"]),
    ("training/learning_rate", 10**400, "training.learning_rate", ["= 1.00e+400", "finite"]),
    ("training/learning_rate", [0.1], "training.learning_rate", ["[0.1]", "2 layers"]),
    ("training/learning_rate", [0.1, -1], "training.learning_rate[1]", ["= -1"]),
    ("training/drift", [0.1], "training.drift", ["[0.1]", "2 layers"]),
    ("training/drift", INF, "training.drift", ["= inf", "finite"]),
    ("training/epochs", -1, "training.epochs", ["= -1", "from 0"]),
    ("training/epochs", 10**400, "training.epochs", ["1.00e+400", "2^53"]),
    ("training/momentum", 1.0, "training.momentum", ["= 1.0", "not including, 1"]),
    ("training/momentum", NAN, "training.momentum", ["= nan"]),
    ("training/batch_size", 0, "training.batch_size", ["= 0", "from 1"]),
    ("training/batch_size", 4, "training.batch_size", ["= 4", "3 data points"]),
    ("training/updates_per_epoch", 3, "training.updates_per_epoch", ['"drawn"', '"in_order"']),
    ("training/train", [], "training.train", ["at least one", "epochs = 0"]),
    ("training/train", ["b3", "b3"], "training.train", ['names "b3" more than once', "Name it"]),
    ("record/measures", ["ssr_mean"] * 2, "record.measures", ['names "ssr_mean" more than once']),
    ("record/metrics", ["mae", "r2", "mae"], "record.metrics", ['names "mae" more than once']),
    ("data/standardise", ["inputs"] * 2, "data.standardise", ['names "inputs" more than once']),
    ("training/tolerance", -1, "training.tolerance", ["= -1"]),
    ("training/limit", 0, "training.limit", ["= 0", "above 0"]),
    ("training/limit", INF, "training.limit", ["= inf"]),
    ("training/seed", 2**63, "training.seed", ["9223372036854775808", "2^63 - 1"]),
    ("initialisation/parameters", {"w1": INF}, "initialisation.parameters.w1", ["= inf"]),
    ("initialisation/scale", NAN, "initialisation.scale", ["= nan"]),
    ("network/output_scale", 0, "network.output_scale", ["= 0", "above 0"]),
    ("network/scales", [0.0, 1.0], "network.scales[0]", ["= 0.0", "above 0"]),
    ("record/epochs", {"every": 0}, "record.epochs", ["every = 0"]),
    ("record/epochs", {"every": 1, "log": 2}, "record.epochs", ["every = 1, log = 2"]),
    # layers
    ("network/layers", [1, 0, 1], "network.layers[1]", ["= 0", "from 1"]),
    ("network/layers", [1, -2, 1], "network.layers[1]", ["= -2"]),
    ("network/layers", [1], "network.layers", ["= [1]", "two or more"]),
    ("network/layers", [1, 10**400, 1], "network.layers[1]", ["1.00e+400", "1000000"]),
    ("network/layers", [1, 10**6, 1], "network.layers", ["3000001 parameters", "1000000"]),
    ("network/activations", ["tanh"], "network.activations", ["has 1 value;", "has 2"]),
    ("network/biases", [True], "network.biases", ["has 1 value;", "has 2"]),
    ("network/scales", [1.0], "network.scales", ["has 1 value;", "has 2"]),
    ("network/loss", "cross_entropy", "network.loss", ["sigmoid", '"identity"']),
    ("network/loss", "hinge", "data.targets", ["the value 0.0", "-1 and 1", "data.labels"]),
    ("network/slope", 0.5, "network.slope", ['only for "leaky_relu"', '"softplus" and "identity"']),
    ("network/slope", 1.0, "network.slope", ["not including, 1"]),
    ("network/slope", -0.1, "network.slope", ["from 0"]),
    ("network/delta", 0.5, "network.delta", ['only for network.loss = "huber"; it is "ssr"']),
    ("network/delta", 0, "network.delta", ["above 0"]),
    # data
    ("data", {}, "data", ["none", "generator"]),
    ("data", {"generator": "dosage", "inputs": [1]}, "data", ["generator and inline"]),
    ("data", {"generator": "dosage", "file": "a.csv"}, "data", ["generator and file"]),
    ("data", {"inputs": [0, 1]}, "data.targets", ["at least one"]),
    ("data", {"inputs": [0, 1], "targets": [1]}, "data.targets", ["1 data", "has 2"]),
    ("data", {"inputs": [[0], [1, 2]], "targets": [1, 2]}, "data.inputs", ["data point 2"]),
    ("data", {"inputs": ["a"], "targets": ["b"]}, "data.inputs", ["no data.file"]),
    ("data", {"inputs": [0, [1]], "targets": [1, 2]}, "data.inputs[1]", ["[1]"]),
    ("data", {"inputs": [0, "x"], "targets": [1, 2]}, "data.inputs[1]", ['"x"']),
    ("data", {"inputs": [], "targets": []}, "data.inputs", ["at least one"]),
    ("data", {"inputs": [[]], "targets": [[]]}, "data.inputs", ["at least one"]),
    ("data", {"inputs": [NAN], "targets": [1]}, "data.inputs[0]", ["= nan", "finite"]),
    ("data", {"inputs": [10**400], "targets": [1]}, "data.inputs[0]", ["1.00e+400"]),
    ("data", {"inputs": [[1, 2]], "targets": [1]}, "data.inputs", ["network.layers", "1", "2"]),
    ("data", {"inputs": [1], "targets": [[1, 2]]}, "data.targets", ["last of network.layers"]),
    ("data", {"generator": "xor"}, "data.generator", ['"xor"', "first", "2 inputs per data point"]),
    ("data/samples", 5, "data.samples", ["= 5", '"gaussian", "chebyshev"', '"plane" or "bumps"']),
    (
        "data",
        {"generator": "chebyshev", "turns": 2},
        "data.turns",
        ['only for the generator "sine" or "spirals"'],
    ),
    (
        "data",
        {"inputs": [1], "targets": [1], "degree": 3},
        "data.degree",
        ['only for the generator "chebyshev"'],
    ),
    ("data", {"generator": "gaussian", "samples": 10**9}, "data.samples", ["1000000"]),
    ("data", {"generator": "chebyshev", "degree": 1001}, "data.degree", ["= 1001", "1000"]),
    (
        "data",
        {"inputs": [1, 1], "targets": [1, 2], "standardise": ["inputs"]},
        "data.standardise",
        ["column 1 of data.inputs", "1.0"],
    ),
    ("record/epochs", {"linear": 0}, "record.epochs", ["linear = 0"]),
    # names
    *(
        ("name", name, "name", ["1 to 64 letters"])
        for name in ("a/b", ".a", "..", "-a", "a" * 65, "", "a\n", "ä", "a b", "a\\b", 5)
    ),
]


@pytest.mark.parametrize(("key", "value", "named", "words"), BAD)
def test_bad_value(key, value, named, words):
    error = complaint(changed(key, value))
    assert error.key == named
    assert all(word in f"{error.problem} {error.advice}" for word in words), str(error)
    assert error.advice, str(error)
    assert str(error) == f"{named} {error.problem}\n{error.advice}"
    assert "\n" not in error.problem
    assert "\n" not in error.advice
    assert len(str(error)) < 400


def test_a_misspelt_key_is_named_before_the_missing_one():
    document = copy.deepcopy(BASE)
    document["trainng"] = document.pop("training")
    assert complaint(document).key == "trainng"
    document = copy.deepcopy(BASE)
    document["training"]["learning_rat"] = document["training"].pop("learning_rate")
    assert complaint(document).key == "training.learning_rat"


def test_too_many_recorded_epochs():
    document = changed("record/epochs", "all")
    document["training"]["epochs"] = 10**6
    error = complaint(document)
    assert error.key == "record.epochs"
    assert "1000001 epochs" in error.problem
    document["training"]["epochs"] = 10**6 - 1
    assert len(Experiment.from_mapping(document).recorded_epochs) == 10**6


def test_recorded_parameters_of_no_epochs_and_of_too_many():
    document = changed("record/parameters", "trajectory")
    document["record"]["epochs"] = "none"
    assert complaint(document).key == "record.parameters"
    document = changed("record/parameters", "trajectory")
    document["network"]["layers"] = [1, 100, 1]
    document["record"]["epochs"] = "all"
    document["training"]["epochs"] = 10**6 - 1
    error = complaint(document)
    assert error.key == "record.parameters"
    assert "301 parameters at up to 1000000 epochs" in error.problem
    document["record"]["parameters"] = True
    Experiment.from_mapping(document)


@pytest.mark.parametrize(
    ("key", "section", "value"),
    [
        ("record.sharpness", "record", {"sharpness": True}),
        ("record.metrics", "record", {"metrics": ["rmse"]}),
        ("record.epochs", "data", {"validation": 1}),
    ],
)
def test_columns_that_need_too_many_parameters(key, section, value):
    document = changed("record/epochs", "all")
    document["network"]["layers"] = [1, 100, 1]
    document["training"]["epochs"] = 10**6 - 1
    Experiment.from_mapping(document)
    document[section] |= value
    error = complaint(document)
    assert error.key == key
    assert "301 parameters at up to 1000000 epochs" in error.problem
    document["record"]["epochs"] = {"log": 50}
    Experiment.from_mapping(document)


def test_too_many_drawn_data_points():
    document = changed("data", {"generator": "chebyshev", "samples": 101})
    document["training"].update(batches="drawn", updates_per_epoch=10**6)
    assert complaint(document).key == "training.updates_per_epoch"
    document["training"]["batch_size"] = 100
    Experiment.from_mapping(document)


def test_too_many_numbers():
    document = changed("data", {"generator": "gaussian", "samples": 10**6})
    document["network"]["layers"] = [100, 1]
    document["network"]["activations"] = ["identity"]
    error = complaint(document)
    assert error.key == "data.samples"
    assert "100 inputs" in error.problem


@pytest.mark.parametrize(
    ("outputs", "targets", "key"),
    [
        ({"output_scale": 2.0}, [0, 1], "network.output_scale"),
        ({}, [0, 1.5], "data.targets"),
        ({}, [-0.5, 1], "data.targets"),
    ],
)
def test_cross_entropy_is_for_probabilities(outputs, targets, key):
    document = copy.deepcopy(BASE)
    document["network"].update(activations=["tanh", "sigmoid"], loss="cross_entropy", **outputs)
    document["data"] = {"inputs": [0, 1], "targets": targets}
    error = complaint(document)
    assert error.key == key
    assert error.advice
    document["network"]["output_scale"] = 1.0
    document["data"]["targets"] = [0, 1]
    Experiment.from_mapping(document)


CLASSES = [[1, 0, 0], [0.2, 0.3, 0.5]]


@pytest.mark.parametrize(
    ("network", "targets", "key", "words"),
    [
        (
            {"activations": ["softmax", "softmax"]},
            CLASSES,
            "network.activations",
            "before the last",
        ),
        ({"loss": "mse"}, CLASSES, "network.loss", '"mse" is not available for softmax outputs'),
        ({"layers": [1, 2, 1]}, [1, 1], "network.activations", "two or more outputs"),
        ({"output_scale": 2.0}, CLASSES, "network.output_scale", "must be 1"),
        ({}, [[1, 0, 0], [0.2, 0.3, 0.4]], "data.targets", "add up to 0.9 in data point 2"),
        ({}, [[0, 1, 1e-8], [0, 0, 1]], "data.targets", "add up to 1.00000001 in data point 1"),
        ({}, [[1, 0.5, -0.5], [0, 0, 1]], "data.targets", "has the value -0.5"),
    ],
)
def test_softmax_is_for_outputs_that_are_the_probabilities_of_classes(network, targets, key, words):
    document = copy.deepcopy(BASE)
    right = {"layers": [1, 2, 3], "activations": ["tanh", "softmax"], "loss": "cross_entropy"}
    document["network"].update(right)
    document["data"] = {"inputs": [0, 1], "targets": [[1, 0, 1e-10], [0.2, 0.3, 0.5]]}
    assert Experiment.from_mapping(document).network.kernel_loss == "categorical_cross_entropy"
    document["network"].update(network)
    document["data"]["targets"] = targets
    error = complaint(document)
    assert error.key == key
    assert words in error.problem
    assert error.advice


STRANGE = ['"', "'", "\n", "\x1b[31m", "é" * 10_000, "\\", "\u202e", "[bold]", "{0}", "%s"]


@pytest.mark.parametrize("text", STRANGE)
@pytest.mark.parametrize("where", ["key", "section key", "axis", "loss", "name", "column", "zip"])
def test_strange_text_does_not_break_a_message(where, text, tmp_path):
    document = copy.deepcopy(BASE)
    if where == "key":
        document[text] = 1
    elif where == "section key":
        document["training"][text] = text
    elif where == "axis":
        document["grid"] = {text: [1]}
    elif where == "loss":
        document["network"]["loss"] = text
    elif where == "name":
        document["name"] = text
    elif where == "zip":
        document["grid"] = {"w1": [1.0], "zip": [["w1", text]]}
    else:
        (tmp_path / "data.csv").write_text("a,b\n1,2\n")
        document["data"] = {"file": "data.csv", "inputs": [text], "targets": ["b"]}
    error = complaint(document, folder=tmp_path)
    message = str(error)
    assert message.count("\n") == 1
    assert message.replace("\n", "").isprintable()
    assert len(message) < 700 + len(str(tmp_path))


# ------------------------------------------------------------------------------------- files


def write(folder, text, name="one.toml"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path, changes=None):
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, changes)
    assert str(caught.value).startswith(str(path).replace("\n", "\\u000a"))
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"name = '\xe9'", "not UTF-8"),
        ("a = = 1", "not TOML"),
        ("just words", "not TOML"),
        (TOML + TOML, "not TOML"),
        ("a = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("a = " + "9" * 5000, "4300 digits"),
    ],
)
def test_not_toml(tmp_path, text, words):
    assert words in refusal(write(tmp_path, text)).problem


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "network"),
        (
            TOML + '[data]\ngenerator = "dosage"\n[grid]\nx.' + ".".join("a" * 2000) + " = 1",
            "grid.x",
        ),
        (TOML + '[data]\ngenerator = "dosage"\n' + ".".join("a" * 2000) + " = 1", "data.a"),
        (TOML + "[data]\ninputs = " + "[" * 300 + "]" * 300, "data.inputs[0][0]"),
        ("name = 1979-05-27\n" + TOML, "name"),
        (TOML + '[data]\ngenerator = "dosage"\n[grid]\nw1 = [0x' + "f" * 5000 + "]", "grid.w1[0]"),
        (TOML + '[data]\ngenerator = "dosage"\n[grid]\nw1 = [1979-05-27]', "grid.w1[0]"),
    ],
)
def test_toml_that_is_not_an_experiment(tmp_path, text, key):
    error = refusal(write(tmp_path, text))
    assert error.key == key
    assert len(str(error)) < 700 + len(str(tmp_path))


MANY = 1_000_000
# A key, valid elements, and an invalid one, which follows a million of them.
LONG = {
    "network/layers": (1, "x"),
    "network/activations": ("tanh", 5),
    "network/biases": (True, 5),
    "network/scales": (1.0, []),
    "data/inputs": (1.0, "x"),
    "data/targets": (1.0, True),
    "training/learning_rate": (0.1, -1),
    "training/drift": (0.1, "x"),
    "training/train": ("w1", 5),
    "grid/init_scale": (0.1, "x"),
}


@pytest.mark.parametrize("key", LONG)
def test_one_wrong_element_of_a_long_list_is_one_error(key):
    right, wrong = LONG[key]
    named = key.replace("/", ".")
    assert complaint(changed(key, [right] * MANY + [wrong])).key == f"{named}[{MANY}]"
    assert complaint(changed(key, [wrong] * MANY)).key.startswith(named.split(".")[0])
    with pytest.raises((ValidationError, ExperimentError)) as caught:
        Experiment.model_validate(changed(key, [right] * MANY + [wrong]))
    if isinstance(caught.value, ValidationError):
        assert caught.value.error_count() < 9


def test_one_wrong_element_of_long_rows():
    for rows, key in (
        ([[1.0] * 10] * 100_000 + [[1.0, "x"]], "data.inputs[100000][1]"),
        ([[1.0] * 100_000] * 10 + [[1.0] * 100_000 + [None]], "data.inputs[10][100000]"),
    ):
        assert complaint(changed("data/inputs", rows)).key == key


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("initialisation/parameters", "x", "initialisation.parameters.w0"),
        ("training", 0, "training.w0"),
        ("record/epochs", 0, "record.epochs"),
        ("grid", [1.0], "grid.w0"),
        ("grid/momentum", 0, "grid.momentum"),
    ],
)
def test_a_table_of_a_million_wrong_keys_is_one_error(key, value, named):
    document = changed(key, {f"w{i}": value for i in range(MANY)})
    error = complaint(document)
    assert error.key == named
    assert len(str(error)) < 2000


@pytest.mark.parametrize("key", ["\udcff", 5, None, "a\x1b[31m", "a" * 100_000])
@pytest.mark.parametrize("where", ["", "network/", "grid/", "initialisation/parameters/"])
def test_keys_that_toml_cannot_express(where, key):
    document = changed(where + "x", 1)
    table = document
    for name in where.split("/")[:-1]:
        table = table[name]
    table[key] = table.pop("x")
    assert str(complaint(document)).isascii()
    assert len(str(complaint(document))) < 2000


def test_text_that_utf_8_cannot_encode():
    for key in ("question", "network/loss", "data/generator", "data/file", "training/train"):
        value = ["\udcff"] if key == "training/train" else "\udcff"
        error = complaint(changed(key, value))
        assert error.key.startswith(key.replace("/", "."))
        assert "\\udcff" in str(error)


def test_missing_file_and_folder(tmp_path):
    write(tmp_path, TOML, "dosage.toml")
    error = refusal(tmp_path / "dosgae.toml")
    assert "No such file" in error.problem
    assert error.advice == 'Did you mean "dosage.toml"?'
    assert "directory" in refusal(tmp_path).problem
    assert refusal(tmp_path / "none" / "none.toml").advice


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_an_experiment_file_is_a_plain_file_of_limited_size(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", Path("/dev/zero")):
        assert "cannot be read: it is not a plain file" in refusal(path).problem
    path = write(tmp_path, TOML, "huge.toml")
    os.truncate(path, 10**12)
    assert "it has 1.0 TB; at most 16.0 MB are allowed" in refusal(path).problem


def test_byte_order_mark_and_line_ends_do_not_matter(tmp_path):
    text = (TOML + '[data]\ngenerator = "dosage"\n').replace("\n", "\r\n")
    experiment = load_experiment(write(tmp_path, b"\xef\xbb\xbf" + text.encode(), "windows.toml"))
    assert experiment.name == "windows"
    assert experiment.grid.size == 1


def test_a_file_name_that_is_not_a_valid_name(tmp_path):
    text = TOML + '[data]\ngenerator = "dosage"\n'
    error = refusal(write(tmp_path, text, "my experiment.toml"))
    assert error.key == "name"
    assert '"my experiment"' in error.problem
    load_experiment(write(tmp_path, 'name = "mine"\n' + text, "my experiment.toml"))


def test_changes_replace_keys(tmp_path):
    path = write(
        tmp_path,
        TOML + '[data]\ngenerator = "dosage"\n[grid]\nw1 = { linear = [0, 1], count = 3 }',
    )
    experiment = load_experiment(
        path, {"grid.w1.count": 5, "record.epochs": "none", "name": "other", "training.seed": 7}
    )
    assert experiment.grid.size == 5
    assert experiment.record.epochs == "none"
    assert experiment.name == "other"
    assert experiment.training.seed == 7


@pytest.mark.parametrize(
    ("dotted", "value", "key", "words"),
    [
        ("training.epoch", 5, "training.epoch", '"epochs"'),
        ("training.epochs.x", 1, "training.epochs.x", "training.epochs = 10 is not a table"),
        ("network.layers.0", 1, "network.layers.0", "Set network.layers as a whole"),
        ("network.layers[0]", 1, "network.layers[0]", "layers"),
        ("training", 5, "training", "table"),
        ("", 5, "", "Keys here"),
        (".a", 5, "", "Keys here"),
        ("training.", 5, "training.", "Keys here"),
        ("training.epochs", "abc", "training.epochs", '"abc"'),
    ],
)
def test_changes_that_cannot_be_made(tmp_path, dotted, value, key, words):
    path = write(tmp_path, TOML + '[data]\ngenerator = "dosage"\n')
    error = refusal(path, {dotted: value})
    assert error.key == key
    assert words in f"{error.problem} {error.advice}"


# ------------------------------------------------------------------------------ what is meant


def test_an_experiment_without_a_grid_is_one_run():
    experiment = Experiment.from_mapping(BASE)
    assert experiment.grid.size == 1
    assert experiment.single(0).document() == experiment.document()
    for run_id in (-1, 1, 10**400):
        with pytest.raises(ExperimentError, match="from 0 to 0") as caught:
            experiment.single(run_id)
        assert caught.value.key == "run_id"


def test_experiments_are_immutable():
    experiment = Experiment.from_mapping(BASE)
    with pytest.raises(ValueError, match="frozen"):
        experiment.name = "other"


def test_experiments_are_equal_if_name_question_and_identity_are():
    experiment = Experiment.from_mapping(BASE)
    same = Experiment.from_mapping(changed("training/learning_rate", 0.10))
    assert experiment == same
    assert len({experiment, same}) == 1
    for other in (changed("name", "x"), changed("question", "x?"), changed("training/epochs", 9)):
        assert Experiment.from_mapping(other) != experiment
    assert experiment != "small"


def test_the_repr_of_an_experiment_is_one_line():
    grid = {"learning_rate": {"linear": [0, 1], "count": 31}, "init_id": 100}
    experiment = Experiment.from_mapping(changed("grid", grid))
    assert repr(experiment) == str(experiment) == "<Experiment small: 1-2-1, 3,100 runs>"
    assert repr(experiment.single(0)) == "<Experiment small: 1-2-1, 1 run>"


@pytest.mark.parametrize("grid", [{}, {"w1": [1.0], "scale": [2, "1/fan_in"], "init_id": 3}])
def test_experiments_can_be_pickled(grid):
    experiment = Experiment.from_mapping(changed("grid", grid))
    again = pickle.loads(pickle.dumps(experiment))
    assert again == experiment
    for run_id in range(experiment.grid.size):
        assert again.single(run_id) == experiment.single(run_id)


@pytest.mark.parametrize("mapping", [None, [1], "a.toml", 5])
def test_an_experiment_must_be_a_mapping(mapping):
    assert "must be a mapping" in complaint(mapping).problem


def test_names_of_parameters_are_made_on_demand(monkeypatch):
    monkeypatch.delattr(Network, "positions")
    document = changed("network/layers", [1, 300_000, 1])
    document["grid"] = {"learning_rate": [0.1, 0.2], "init_id": 5}
    assert Experiment.from_mapping(document).grid.size == 10


@pytest.mark.parametrize(
    ("wanted", "epochs", "expected"),
    [
        ("all", 3, [0, 1, 2, 3]),
        ("all", 0, [0]),
        ("none", 3, []),
        (Every(every=4), 10, [0, 4, 8, 10]),
        (Every(every=5), 10, [0, 5, 10]),
        (Every(every=20), 10, [0, 10]),
        (Linear(linear=1), 10, [0, 10]),
        (Linear(linear=2), 10, [0, 10]),
        (Linear(linear=3), 10, [0, 5, 10]),
        (Linear(linear=50), 3, [0, 1, 2, 3]),
        (Log(log=1), 1000, [0, 1000]),
        (Log(log=2), 1000, [0, 1000]),
        (Log(log=3), 1000, [0, 1, 1000]),
        (Log(log=4), 1000, [0, 1, 32, 1000]),
        (Log(log=5), 1000, [0, 1, 10, 100, 1000]),
        (Log(log=50), 3, [0, 1, 2, 3]),
        (Log(log=50), 1, [0, 1]),
        (Linear(linear=50), 0, [0]),
        (Log(log=50), 0, [0]),
    ],
)
def test_recorded_epochs(wanted, epochs, expected):
    found = recorded_epochs(wanted, epochs)
    assert found.dtype == np.int64
    assert found.tolist() == expected
    assert len(found) <= most_recorded(wanted, epochs) <= len(expected) + 50


@pytest.mark.parametrize("epochs", [1, 7, 100, 12345])
@pytest.mark.parametrize("count", [1, 2, 3, 17, 60])
@pytest.mark.parametrize("form", [Linear, Log])
def test_recorded_epochs_are_spread_evenly(form, count, epochs):
    wanted = form(**{form.__name__.lower(): count})
    found = recorded_epochs(wanted, epochs)
    assert found[0] == 0
    assert found[-1] == epochs
    assert np.all(np.diff(found) > 0)
    assert len(found) <= most_recorded(wanted, epochs)
    if form is Linear and 1 < count < epochs:
        exact = [Fraction(epochs * i, count - 1) for i in range(count)]
        assert found.tolist() == [round(number) for number in exact]


def test_the_identity_of_an_experiment_stays():
    # Of the first shipped experiment. If it changes, folders of before are not resumed:
    # `store.manifest.FORMAT` must then change too.
    experiment = load_experiment(Path(__file__).parents[3] / "experiments" / "dosage.toml")
    assert experiment.identity == (
        "7936b36bdce38233778f97f1fed4d52911b8e64eedfd92d88fd6a4f915132a96"
    )


def test_a_key_at_its_default_does_not_change_the_identity():
    document, written = copy.deepcopy(BASE), copy.deepcopy(BASE)
    written["training"] |= {"momentum": 0.0, "optimiser": "sgd"}
    written["initialisation"] = {"seed": 0}
    one, other = Experiment.from_mapping(document), Experiment.from_mapping(written)
    assert one.identity == other.identity
    assert one.lineage == other.lineage
