"""The table [grid]: the keys that axes set, the forms of axes, and invalid axes."""

import copy
import tomllib

import numpy as np
import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment, axes
from harness.experiment.experiment import MOST_VARIANTS
from harness.experiment.schema import (
    DataSection,
    InitialisationSection,
    NetworkSection,
    TrainingSection,
    keys_of,
)

BASE = {
    "name": "small",
    "network": {"layers": [1, 2, 3, 1], "activations": ["softplus", "tanh", "sigmoid"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 10, "learning_rate": 0.1},
}


def make(grid, **sections):
    document = copy.deepcopy(BASE) | {"grid": grid}
    for name, keys in sections.items():
        document[name] = document.get(name, {}) | keys
    return Experiment.from_mapping(document)


def complaint(grid, **sections):
    with pytest.raises(ExperimentError) as caught:
        make(grid, **sections)
    return caught.value


# Every axis except the parameters: a value, and a check of the experiment with this value.
SETS = {
    "init_id": (7, lambda e: e.initialisation.init_id == 7),
    "init_scheme": ("he", lambda e: e.initialisation.scheme == "he"),
    "init_scale": (0.5, lambda e: e.initialisation.scale == 0.5),
    "init_offset": (-0.5, lambda e: e.initialisation.offset == -0.5),
    "init_biases": ("same", lambda e: e.initialisation.biases == "same"),
    "init_seed": (3, lambda e: e.initialisation.seed == 3),
    "learning_rate": (0.2, lambda e: e.training.learning_rate == 0.2),
    "learning_rate_1": (0.2, lambda e: e.training.learning_rate == (0.2, 0.1, 0.1)),
    "learning_rate_2": (0.2, lambda e: e.training.learning_rate == (0.1, 0.2, 0.1)),
    "learning_rate_3": (0.2, lambda e: e.training.learning_rate == (0.1, 0.1, 0.2)),
    "momentum": (0.9, lambda e: e.training.momentum == 0.9),
    "drift": (0.5, lambda e: e.training.drift == 0.5),
    "drift_1": (0.5, lambda e: e.training.drift == (0.5, 0.0, 0.0)),
    "drift_2": (0.5, lambda e: e.training.drift == (0.0, 0.5, 0.0)),
    "drift_3": (0.5, lambda e: e.training.drift == (0.0, 0.0, 0.5)),
    "optimiser": ("adam", lambda e: e.training.optimiser == "adam"),
    **{
        name: (value, lambda e, name=name, value=value: e.training.settings.get(name) == value)
        for name, value in {
            "l2": 0.1,
            "weight_decay": 0.1,
            "clip_norm": 2.0,
            "epsilon": 1e-3,
            "decay": 0.5,
            "beta1": 0.5,
            "beta2": 0.5,
            "eta_minus": 0.25,
            "eta_plus": 2.0,
            "step_min": 1e-3,
            "step_max": 1.0,
        }.items()
    },
    "schedule": ("cosine", lambda e: e.training.schedule == "cosine"),
    "warm_up": (2, lambda e: e.training.warm_up == 2),
    **{
        name: (
            value,
            lambda e, name=name, value=value: e.training.schedule_settings.get(name) == value,
        )
        for name, value in {
            "schedule_every": 5,
            "schedule_factor": 0.25,
            "schedule_final": 0.5,
            "schedule_initial": 0.5,
            "schedule_rise": 0.5,
        }.items()
    },
    "tolerance": (1e-3, lambda e: e.training.tolerance == 1e-3),
    "limit": (1e3, lambda e: e.training.limit == 1e3),
    "max_epochs": (5, lambda e: e.training.epochs == 5),
    "patience": (3, lambda e: e.training.patience == 3),
    "precision": ("float32", lambda e: e.training.precision == "float32"),
    "batch_size": (2, lambda e: e.training.batch_size == 2),
    "batches": ("shuffled", lambda e: e.training.batches == "shuffled"),
    "updates_per_epoch": (5, lambda e: e.training.updates_per_epoch == 5),
    "batch_seed": (2, lambda e: e.training.seed == 2),
    "noise": (0.5, lambda e: e.data_section.noise == 0.5),
    "samples": (4, lambda e: len(e.data.inputs) == e.data_section.samples == 4),
    "data_seed": (2, lambda e: e.data_section.seed == 2),
    "degree": (1, lambda e: e.data_section.degree == 1),
    "turns": (3.0, lambda e: e.data_section.turns == 3.0),
    "gate": ("or", lambda e: e.data_section.gate == "or"),
    "fold": (1, lambda e: e.data_section.fold == 1),
    "split_seed": (2, lambda e: e.data_section.split_seed == 2),
    "output_scale": (2.0, lambda e: e.network.output_scale == 2.0),
    "scale": ("1/fan_in", lambda e: e.network.scales == ("1/fan_in",) * 3),
    "scale_1": (2.0, lambda e: e.network.scales == (2.0, 1.0, 1.0)),
    "scale_2": (2.0, lambda e: e.network.scales == (1.0, 2.0, 1.0)),
    "scale_3": (2.0, lambda e: e.network.scales == (1.0, 1.0, 2.0)),
    "loss": ("mse", lambda e: e.network.loss == "mse"),
    "slope": (0.5, lambda e: e.network.settings == {"slope": 0.5}),
    "delta": (0.5, lambda e: e.network.settings == {"delta": 0.5}),
    "width": (4, lambda e: e.network.sizes == (1, 4, 4, 1)),
    "width_1": (4, lambda e: e.network.sizes == (1, 4, 3, 1)),
    "width_2": (4, lambda e: e.network.sizes == (1, 2, 4, 1)),
    "activation": ("relu", lambda e: e.network.activations == ("relu", "relu", "sigmoid")),
    "activation_1": ("relu", lambda e: e.network.activations == ("relu", "tanh", "sigmoid")),
    "activation_2": ("relu", lambda e: e.network.activations == ("softplus", "relu", "sigmoid")),
    "activation_3": ("relu", lambda e: e.network.activations == ("softplus", "tanh", "relu")),
}


# Sections that some of them need.
CURVE = {"data": {"generator": "chebyshev"}}
ADAMW = {"training": {"optimiser": "adamw"}}
RPROP = {"training": {"optimiser": "rprop"}}
ONE_CYCLE = {"training": {"schedule": "one_cycle"}}
NEEDS = {
    "updates_per_epoch": {"training": {"batches": "drawn"}},
    **dict.fromkeys(("noise", "samples", "data_seed", "degree"), CURVE),
    "turns": {"data": {"generator": "sine"}},
    "epsilon": {"training": {"optimiser": "adagrad"}},
    "decay": {"training": {"optimiser": "rmsprop"}},
    **dict.fromkeys(("beta1", "beta2"), ADAMW),
    **dict.fromkeys(("eta_minus", "eta_plus", "step_min", "step_max"), RPROP),
    "schedule_every": {"training": {"schedule": "step"}},
    "schedule_factor": {"training": {"schedule": "exponential"}},
    **dict.fromkeys(("schedule_final", "schedule_initial", "schedule_rise"), ONE_CYCLE),
    "patience": {"data": {"generator": "chebyshev", "validation": 0.25}},
    "fold": {"data": {"generator": "sine", "folds": 3}},
    "split_seed": {"data": {"generator": "sine", "validation": 0.25}},
    "slope": {"network": {"activations": ["tanh", "leaky_relu", "sigmoid"]}},
    "delta": {"network": {"loss": "huber"}},
    "gate": {
        "data": {"generator": "gates"},
        "network": {"layers": [2, 1], "activations": ["sigmoid"]},
    },
}


@pytest.mark.parametrize("name", SETS)
def test_each_axis_sets_its_key(name):
    value, is_set = SETS[name]
    sections = NEEDS.get(name, {})
    assert not is_set(make({}, **sections))
    experiment = make({name: [value]}, **sections)
    assert is_set(experiment.single(0))
    assert experiment.single(0).grid_section == {}
    assert not is_set(experiment)


def test_every_axis_is_tested_and_parameters_are_axes():
    network = make({}).network
    assert set(axes.allowed_axes(network)) == {*SETS, *network.parameters}
    for name in ("w1", "b1", "w11", "b6"):
        found = make({name: [0.25]}).single(0)
        assert found.initialisation.parameters == {name: 0.25}


def test_a_setting_without_a_value_has_its_default_as_an_axis():
    leaky = NEEDS["slope"]
    before, after = make({}, **leaky), make({"slope": [0.01, 0.1]}, **leaky)
    assert before.with_axes_of(after) == make({"slope": [0.01]}, **leaky)
    assert make({}).with_axes_of(after) == make({})  # no layer has it


# Keys without an axis, and why.
NO_AXIS = {
    **dict.fromkeys(
        (f"data.{key}" for key in ("inputs", "targets", "file", "header", "separator", "decimal")),
        "data that are given",
    ),
    "data.missing": "decides which data points there are",
    "data.generator": "each takes other keys",
    **dict.fromkeys(
        (f"data.{key}" for key in ("validation", "folds", "validation_file", "stratify")),
        "runs that differ in what they are judged by cannot be compared",
    ),
    **dict.fromkeys(("data.classes", "data.bits", "data.patterns"), "the size of the network"),
    **dict.fromkeys(("data.labels", "data.standardise", "data.scale"), "a list"),
    "network.biases": "a switch that changes the parameters of the network",
    "training.train": "a list of names",
    "training.penalise_biases": "a switch",
}


def test_every_key_of_a_run_has_an_axis():
    sections = {
        "network": NetworkSection,
        "data": DataSection,
        "training": TrainingSection,
        "initialisation": InitialisationSection,
    }
    keys = {f"{name}.{key}" for name, section in sections.items() for key in keys_of(section)}
    found = {f"{s.section}.{s.key}" for s in axes.allowed_axes(make({}).network).values()}
    assert found.isdisjoint(NO_AXIS)
    assert found | set(NO_AXIS) == keys


@pytest.mark.parametrize(
    ("name", "spec", "points", "column"),
    [
        ("batch_size", [2, "all"], [2, "all"], ["2", "all"]),
        ("batch_size", ["all"], ["all"], ["all"]),
        ("batch_size", [1, 2], [1, 2], [1, 2]),
        ("batch_size", {"linear": [1, 3], "count": 3}, [1, 2, 3], [1, 2, 3]),
        ("scale_2", [1, "1/fan_in", 0.5], [1.0, "1/fan_in", 0.5], ["1.0", "1/fan_in", "0.5"]),
        ("scale", {"log": [1, 100], "count": 3}, [1.0, 10.0, 100.0], [1.0, 10.0, 100.0]),
    ],
)
def test_axes_of_numbers_and_names(name, spec, points, column):
    experiment = make({name: spec})
    runs = np.arange(experiment.grid.size)
    assert [experiment.grid.point(run)[name] for run in runs.tolist()] == points
    assert experiment.grid.columns(runs)[name].tolist() == column
    for run, point in zip(runs.tolist(), points, strict=True):
        assert experiment.single(run) == experiment.at({name: point})
    assert Experiment.from_mapping(experiment.document()) == experiment
    assert Experiment.from_mapping(tomllib.loads(experiment.to_toml())) == experiment


@pytest.mark.parametrize(
    ("axis", "key", "value"),
    [
        ({"learning_rate": [0.1, 0.2]}, "learning_rate", 0.5),
        ({"batch_size": [1, "all"]}, "batch_size", 2),
        ({"tolerance": [1e-3]}, "tolerance", 1e-2),
    ],
)
def test_a_key_replaced_by_an_axis_is_checked_but_not_part_of_the_identity(axis, key, value):
    assert make(axis, training={key: value}).identity == make(axis).identity
    assert make({}, training={key: value}).identity != make({}).identity
    assert complaint(axis, training={key: -1}).key == f"training.{key}"


def test_a_network_without_hidden_layers_has_no_width_axis():
    experiment = {"layers": [1, 1], "activations": ["tanh"]}
    assert complaint({"width": [1]}, network=experiment).key == "grid.width"
    assert complaint({"activation": ["tanh"]}, network=experiment).key == "grid.activation"
    assert make({"activation_1": ["relu"]}, network=experiment).grid.size == 1


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ([0.1, 0.2], [0.1, 0.2]),
        ([1, 2.5], [1.0, 2.5]),
        ({"values": [0.3, 0.1]}, [0.3, 0.1]),
        ({"linear": [0.1, 0.5], "count": 5}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"linear": [0.5, 0.1], "count": 3}, [0.5, 0.3, 0.1]),
        ({"linear": [0, 1], "count": 2}, [0.0, 1.0]),
        ({"log": [1e-3, 1], "count": 4}, [0.001, 0.01, 0.1, 1.0]),
        ({"log": [1, 1e-3], "count": 4}, [1.0, 0.1, 0.01, 0.001]),
        ({"linear": [0.1, 0.5], "count": 1}, [0.1]),
        ({"count": 1, "log": [0.1, 0.1]}, [0.1]),
    ],
)
def test_forms_of_an_axis_of_numbers(spec, values):
    experiment = make({"learning_rate": spec})
    found = [experiment.grid.point(i)["learning_rate"] for i in range(experiment.grid.size)]
    assert found == values
    assert all(isinstance(value, float) for value in found)


@pytest.mark.parametrize(
    ("name", "spec", "values"),
    [
        ("init_id", 3, [0, 1, 2]),
        ("init_id", [5, 2], [5, 2]),
        ("width", {"linear": [1, 7], "count": 3}, [1, 4, 7]),
        ("width", {"log": [1, 8], "count": 4}, [1, 2, 4, 8]),
        ("batch_seed", {"linear": [2**52, 2**53], "count": 2}, [2**52, 2**53]),
        ("activation", ["tanh", "relu"], ["tanh", "relu"]),
    ],
)
def test_forms_of_an_axis_of_whole_numbers_or_names(name, spec, values):
    experiment = make({name: spec})
    found = [experiment.grid.point(i)[name] for i in range(experiment.grid.size)]
    assert found == values
    assert all(type(value) is type(values[0]) for value in found)


NAN = float("nan")
BAD = [
    ({"learning_rat": [1]}, "grid.learning_rat", ['"learning_rate"?']),
    ({"epochs": [1]}, "grid.epochs", ['"max_epochs" here']),
    ({"w99": [1]}, "grid.w99", ["axes of one layer"]),
    ({"zzz": [1]}, "grid.zzz", ["Axes are width, activation, scale", "parameters by name"]),
    ({"width_3": [1]}, "grid.width_3", ["axes of one layer"]),
    ({"learning_rate": []}, "grid.learning_rate", ["[]", "at least one"]),
    ({"learning_rate": {"values": []}}, "grid.learning_rate", ["[]", "at least one"]),
    ({"learning_rate": {"values": 3}}, "grid.learning_rate", ["= 3", "list"]),
    ({"learning_rate": [5, 5.0]}, "grid.learning_rate", ["5.0 more than once", "init_id"]),
    ({"learning_rate": [0.0, -0.0]}, "grid.learning_rate", ["more than once"]),
    ({"init_id": [1, 1]}, "grid.init_id", ["1 more than once"]),
    ({"activation": ["relu", "relu"]}, "grid.activation", ['"relu" more than once']),
    ({"learning_rate": [0.1, "a"]}, "grid.learning_rate[1]", ['"a"', "finite number"]),
    ({"learning_rate": [True]}, "grid.learning_rate[0]", ["true", "finite number"]),
    ({"learning_rate": [NAN]}, "grid.learning_rate[0]", ["nan", "finite"]),
    ({"learning_rate": [10**400]}, "grid.learning_rate[0]", ["1.00e+400", "finite"]),
    ({"learning_rate": 0.1}, "grid.learning_rate", ["= 0.1", "as [0.1]"]),
    ({"learning_rate": "0.1"}, "grid.learning_rate", ['"0.1"', "list"]),
    ({"learning_rate": {}}, "grid.learning_rate", ["{}", "linear"]),
    ({"learning_rate": {"lin": [0, 1], "count": 2}}, "grid.learning_rate", ['"linear" here']),
    ({"learning_rate": {"linear": [0, 1]}}, "grid.learning_rate", ["count = n"]),
    ({"learning_rate": {"linear": [0, 1, 2], "count": 3}}, "grid.learning_rate.linear", ["first"]),
    ({"learning_rate": {"linear": 5, "count": 3}}, "grid.learning_rate.linear", ["= 5"]),
    ({"learning_rate": {"linear": [0, NAN], "count": 3}}, "grid.learning_rate.linear[1]", ["nan"]),
    ({"learning_rate": {"linear": [0, 1], "count": 0}}, "grid.learning_rate.count", ["= 0"]),
    ({"learning_rate": {"linear": [0, 1], "count": 2.0}}, "grid.learning_rate.count", ["= 2.0"]),
    ({"learning_rate": {"linear": [0, 1], "count": True}}, "grid.learning_rate.count", ["= true"]),
    (
        {"learning_rate": {"linear": [0, 1], "count": 10**400}},
        "grid.learning_rate.count",
        ["1.00e+400", "2^53"],
    ),
    ({"learning_rate": {"log": [0, 1], "count": 5}}, "grid.learning_rate.log", ["above 0"]),
    ({"learning_rate": {"log": [-1, 1], "count": 5}}, "grid.learning_rate.log", ["[-1, 1]"]),
    ({"learning_rate": {"linear": [1, 1], "count": 5}}, "grid.learning_rate", ["differ"]),
    (
        {"learning_rate": {"linear": [1, 1 + 2**-52], "count": 3}},
        "grid.learning_rate",
        ["differ"],
    ),
    ({"learning_rate": {"log": [1, 1 + 2**-50], "count": 9}}, "grid.learning_rate", ["differ"]),
    ({"init_id": 0}, "grid.init_id", ["= 0", "from 1"]),
    ({"init_id": 10**400}, "grid.init_id", ["1.00e+400", "2^53"]),
    ({"init_id": True}, "grid.init_id", ["true", "number of initialisations"]),
    ({"init_id": "a"}, "grid.init_id", ['"a"', "number of initialisations"]),
    ({"init_id": [1.5]}, "grid.init_id[0]", ["1.5", "whole number"]),
    ({"init_id": [2**63]}, "grid.init_id[0]", ["9223372036854775808", "2^63"]),
    ({"width": [1.0]}, "grid.width[0]", ["1.0", "whole number"]),
    ({"width": {"linear": [1, 4], "count": 3}}, "grid.width", ["whole"]),
    ({"width": {"linear": [1, 2000], "count": 2000}}, "grid.width", ["1000 values"]),
    ({"batch_seed": {"linear": [1, 2**60 + 1], "count": 2}}, "grid.batch_seed", ["2^53"]),
    ({"activation": {"linear": [1, 2], "count": 2}}, "grid.activation", ["list of names"]),
    ({"activation": [1]}, "grid.activation[0]", ["name in quotes"]),
    (
        {"learning_rate": [1], "learning_rate_1": [2]},
        "grid.learning_rate_1",
        ["grid.learning_rate"],
    ),
    ({"width_2": [1], "width": [2]}, "grid.width_2", ["grid.width sets"]),
    ({"activation": ["relu"], "activation_1": ["tanh"]}, "grid.activation_1", ["grid.activation"]),
    ({"scale_1": ["1/fan_in"], "scale": [2]}, "grid.scale_1", ["grid.scale sets"]),
    ({"scale": [1, "1/fanin"]}, "network.scales[0]", ['"1/fan_in"?', 'grid.scale = "1/fanin"']),
    ({"scale": [1, True]}, "grid.scale[1]", ["true", "a finite number or a name in quotes"]),
    ({"scale": [1, 1.0, "1/fan_in"]}, "grid.scale", ["1.0 more than once"]),
    ({"scale": {"log": [1, "1/fan_in"], "count": 2}}, "grid.scale.log[1]", ['"1/fan_in"']),
    ({"batch_size": [1.5, "all"]}, "grid.batch_size[0]", ["1.5", "whole number", "name in quotes"]),
    ({"batch_size": {"linear": [1, 2], "count": 3}}, "grid.batch_size", ["whole"]),
    ({"batches": ["drwan"]}, "training.batches", ['"drawn"?']),
    ({"updates_per_epoch": [2]}, "training.updates_per_epoch", ['"drawn"']),
    ({"init_biases": ["zero"]}, "initialisation.biases", ['"zeros"?', "finite number"]),
    ({"init_biases": [True]}, "grid.init_biases[0]", ["true", "finite number or a name"]),
    # zip
    ({"zip": 5}, "grid.zip", ["= 5", "list of lists"]),
    ({"zip": ["w1", "w2"], "w1": [1], "w2": [1]}, "grid.zip", ["list of lists", "For example"]),
    ({"zip": [["w1"]], "w1": [1]}, "grid.zip", ["two or more"]),
    ({"zip": [["w1", "momentom"]], "w1": [1], "momentum": [0]}, "grid.zip", ['"momentum"?']),
    ({"zip": [["w1", ["w2"]]], "w1": [1], "w2": [0]}, "grid.zip", ['["w2"]', "not an axis"]),
    ({"zip": [["w1", 5]], "w1": [1]}, "grid.zip", ["5"]),
    ({"zip": [["w1", "w1"]], "w1": [1]}, "grid.zip", ['"w1" more than once']),
    (
        {"zip": [["w1", "w2"], ["w2", "w3"]], "w1": [1], "w2": [1], "w3": [1]},
        "grid.zip",
        ['"w2" more than once'],
    ),
    (
        {"zip": [["w1", "w2"]], "w1": [1, 2], "w2": [1]},
        "grid.zip",
        ["w1 has 2, w2 has 1"],
    ),
    (
        {"zip": [["w1", "w2"]], "w1": [1, 1], "w2": [2, 2]},
        "grid.w1 and grid.w2",
        ["[1.0, 2.0] more than once"],
    ),
    # size
    ({"w1": {"linear": [0, 1], "count": 10**10}, "init_id": 10**10}, "grid", ["1.00e+20", "2^53"]),
    ({"batch_seed": list(range(10_001))}, "grid", ["10001", "10000", "batch_seed"]),
    # values that the experiment at this point does not allow
    ({"learning_rate": [0.1, -0.1]}, "training.learning_rate", ["grid.learning_rate = -0.1"]),
    ({"learning_rate": {"linear": [1, -1], "count": 9}}, "training.learning_rate", ["-1.0"]),
    ({"init_id": [-1]}, "initialisation.init_id", ["grid.init_id = -1"]),
    ({"momentum": [0, 1]}, "training.momentum", ["grid.momentum = 1.0"]),
    ({"width": [0, 1]}, "network.layers[1]", ["grid.width = 0"]),
    ({"width": [1, 10**6]}, "network.layers", ["1000000", "parameters", "grid.width"]),
    (
        {"activation": ["tanh", "rel"]},
        "network.activations[0]",
        ['grid.activation = "rel"', '"relu"?'],
    ),
    ({"activation_3": ["tannh"]}, "network.activations[2]", ['"tanh"?']),
    ({"loss": ["ssr", "sse"]}, "network.loss", ['grid.loss = "sse"']),
    ({"init_scheme": ["nromal"]}, "initialisation.scheme", ['"normal"?']),
    ({"batch_size": [1, 4]}, "training.batch_size", ["3 data points", "grid.batch_size = 4"]),
    ({"max_epochs": [-1]}, "training.epochs", ["grid.max_epochs = -1"]),
    ({"width": [1, 2], "w9": [1.0]}, "initialisation.parameters", ['"w9"', "grid.width = 1"]),
]


@pytest.mark.parametrize(("grid", "key", "words"), BAD)
def test_bad_grid(grid, key, words):
    error = complaint(grid)
    assert error.key == key
    assert all(word in f"{error.problem} {error.advice}" for word in words), str(error)
    assert error.advice, str(error)
    assert len(str(error)) < 500
    assert str(error).count("\n") == 1


def test_the_largest_grid():
    rates = {"linear": [0.0, 1.0], "count": 2**26}
    assert make({"learning_rate": rates, "init_id": 2**27}).grid.size == 2**53
    assert complaint({"learning_rate": rates, "init_id": 2**27 + 1}).key == "grid"


def test_more_runs_than_the_largest_float():
    spec = {"linear": [0, 0.5], "count": 10**15}
    names = ["learning_rate", "momentum", *(f"w{i}" for i in range(1, 12)), "b1", "b2", "b3"]
    names += ["b4", "b5", "b6", "init_scale", "init_offset", "tolerance"]
    specs = dict.fromkeys(names, spec) | {"limit": {"linear": [1, 2], "count": 10**15}}
    error = complaint(specs)
    assert f"{len(specs) * 15:d}" in error.problem
    assert len(specs) * 15 > 308


def test_the_limit_of_variants_does_not_count_runs():
    assert make({"batch_seed": list(range(MOST_VARIANTS // 10)), "init_id": 10**6}).grid.size
    error = complaint({"batch_seed": list(range(101)), "max_epochs": list(range(100))})
    assert "10100 different networks" in error.problem
    assert "batch_seed, max_epochs" in error.problem


def test_softmax_is_checked_along_axes():
    axis = {"activation_3": ["sigmoid", "softmax"]}
    assert complaint(axis, network={"loss": "cross_entropy"}).key == "network.activations"
    classes = {
        "network": {"layers": [1, 2, 2], "activations": ["tanh", "sigmoid"]},
        "data": {"inputs": [0, 1], "targets": [[1, 0], [0, 1]]},
    }
    document = copy.deepcopy(BASE) | {"grid": {"activation_2": ["sigmoid", "softmax"]}}
    document |= {**classes, "network": {**classes["network"], "loss": "cross_entropy"}}
    assert Experiment.from_mapping(document).grid.size == 2
    document["grid"] = {"loss": ["mse", "cross_entropy"], "activation_2": ["sigmoid", "softmax"]}
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_mapping(document)
    assert 'grid.loss = "mse", grid.activation_2 = "softmax"' in caught.value.problem


def test_cross_entropy_is_checked_along_axes():
    document = copy.deepcopy(BASE)
    document["data"] = {"inputs": [0, 1], "targets": [0, 2]}
    document["grid"] = {"loss": ["ssr", "cross_entropy"]}
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_mapping(document)
    assert caught.value.key == "data.targets"
    error = complaint({"activation_3": ["sigmoid", "tanh"]}, network={"loss": "cross_entropy"})
    assert error.key == "network.loss"
    assert 'grid.activation_3 = "tanh"' in error.problem
    error = complaint({"loss": ["ssr", "cross_entropy"], "activation_3": ["sigmoid", "identity"]})
    assert 'grid.loss = "cross_entropy", grid.activation_3 = "identity"' in error.problem
    zipped = {
        "loss": ["ssr", "cross_entropy"],
        "activation_3": ["identity", "sigmoid"],
        "zip": [["loss", "activation_3"]],
    }
    assert make(zipped).grid.size == 2


def test_parameters_of_the_smallest_network():
    experiment = {"layers": [1, 2, 1], "activations": ["softplus", "identity"]}
    for section in ({"training": {"train": ["w4"]}}, {"initialisation": {"parameters": {"w4": 1}}}):
        error = complaint({"width": [2, 1]}, network=experiment, **section)
        assert '"w4"' in error.problem
        assert "1-1-1" in error.problem
        assert "grid.width = 1" in error.problem
        make({"width": [2, 3]}, network=experiment, **section)


def test_zipped_axes_move_together():
    grid = {
        "init_id": 2,
        "learning_rate_1": [0.1, 0.1, 0.2],
        "momentum": [0.0, 0.5],
        "learning_rate_2": [0.1, 0.3, 0.3],
        "zip": [["learning_rate_1", "learning_rate_2"]],
    }
    found = make(grid).grid
    assert found.shape == (2, 3, 2)
    assert [axis.name for axis in found.axes] == [
        "init_id",
        "learning_rate_1",
        "learning_rate_2",
        "momentum",
    ]
    pairs = [(p["learning_rate_1"], p["learning_rate_2"]) for p in map(found.point, range(0, 6, 2))]
    assert pairs == [(0.1, 0.1), (0.1, 0.3), (0.2, 0.3)]
