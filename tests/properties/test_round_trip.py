"""File -> Experiment -> file, and the identity of an experiment."""

import copy
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.experiment import Experiment
from tests.side_by_side import HIDDEN

numbers = st.floats(-1e9, 1e9, allow_nan=False)
positive = st.floats(1e-9, 1e9)
seeds = st.integers(0, 2**63 - 1)


def some_of(**keys):
    """Return tables with any subset of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


def axis_of(strategy):
    listed = st.lists(strategy, min_size=1, max_size=4, unique_by=float)
    return st.one_of(listed, listed.map(lambda values: {"values": values}))


@st.composite
def documents(draw):
    """Return valid experiments of a random shape, as mappings."""
    layers = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    depth = len(layers) - 1
    activation = st.sampled_from(HIDDEN)

    def each(strategy):
        return st.lists(strategy, min_size=depth, max_size=depth)

    samples = draw(st.integers(1, 5))

    def rows(columns):
        row = st.lists(numbers, min_size=columns, max_size=columns)
        return st.lists(row, min_size=samples, max_size=samples)

    network = {"layers": layers, "activations": draw(each(activation))} | draw(
        some_of(
            biases=st.booleans() | each(st.booleans()),
            scales=each(positive | st.sampled_from(["1/sqrt(fan_in)", "1/fan_in"])),
            output_scale=positive,
            loss=st.sampled_from(["ssr", "half_ssr", "mse", "half_mse", "mae"]),
        )
    )
    data = draw(
        st.fixed_dictionaries({"inputs": rows(layers[0]), "targets": rows(layers[-1])})
        | some_of(samples=st.just(samples), seed=seeds).map(lambda d: d | {"generator": "gaussian"})
    )
    training = {
        "epochs": draw(st.integers(0, 100)),
        "learning_rate": draw(positive | each(positive)),
    } | draw(
        some_of(
            momentum=st.floats(0, 0.99),
            batches=st.sampled_from(["in_order", "shuffled", "drawn"]),
            batch_size=st.just("all") | st.just(1),
            seed=seeds,
            train=st.just("all") | st.just(["w1"]),
            tolerance=positive,
            limit=positive,
        )
    )
    initialisation = draw(
        some_of(
            scheme=st.sampled_from(["zeros", "normal", "he"]),
            scale=numbers,
            offset=numbers,
            biases=st.sampled_from(["zeros", "same"]),
            seed=seeds,
            init_id=seeds,
            parameters=st.dictionaries(st.just("w1"), numbers),
        )
    )
    grid = draw(
        some_of(
            learning_rate=axis_of(positive),
            momentum=axis_of(st.floats(0, 0.99)),
            init_id=st.integers(1, 5),
            loss=st.just(["mse", "ssr"]),
            init_offset=st.fixed_dictionaries(
                {"linear": st.just([-0.5, 0.7]), "count": st.integers(1, 5)}
            ),
            init_scale=st.fixed_dictionaries(
                {"log": st.just([0.001, 3]), "count": st.integers(1, 5)}
            ),
        )
    )
    grid = dict(draw(st.permutations(list(grid.items()))))
    record = draw(
        some_of(
            epochs=st.sampled_from(["all", "none", {"every": 3}, {"linear": 4}, {"log": 5}]),
            parameters=st.booleans(),
            measures=st.lists(st.sampled_from(["ssr_mean", "gradient_norm"]), unique=True),
        )
    )
    document = {"name": "x", "network": network, "data": data, "training": training}
    sections = {"initialisation": initialisation, "grid": grid, "record": record}
    question = draw(some_of(question=st.text(st.characters(codec="utf-8"), max_size=20)))
    return document | question | {name: keys for name, keys in sections.items() if keys}


@given(documents())
def test_file_to_experiment_to_file(document):
    before = Experiment.from_mapping(document)
    after = Experiment.from_mapping(tomllib.loads(before.to_toml()))
    assert after.document() == before.document()
    assert after.identity == before.identity
    assert after.to_toml() == before.to_toml()
    assert [axis.name for axis in after.grid.axes] == list(document.get("grid", {}))
    assert after.grid == before.grid
    assert after.data.inputs.tobytes() == before.data.inputs.tobytes()
    # All keys of the file are still there, next to the defaults.
    for section, keys in document.items():
        if isinstance(keys, dict) and section != "data":
            written = after.document()[section]
            assert {name: written[name] for name in keys} == keys


@given(documents(), st.data())
def test_a_run_is_the_point_of_its_grid(document, data):
    experiment = Experiment.from_mapping(document)
    run_id = data.draw(st.integers(0, experiment.grid.size - 1))
    run = experiment.single(run_id)
    assert run.grid.size == 1
    point = experiment.grid.point(run_id)
    found = {
        "learning_rate": run.training.learning_rate,
        "momentum": run.training.momentum,
        "init_id": run.initialisation.init_id,
        "init_offset": run.initialisation.offset,
        "init_scale": run.initialisation.scale,
        "loss": run.network.loss,
    }
    for name, value in point.items():
        assert found[name] == value
    # and everything else is unchanged
    grid = document.get("grid", {})
    plain = Experiment.from_mapping({k: v for k, v in document.items() if k != "grid"})
    assert run.identity == plain.at({}).identity or point
    if not grid:
        assert run.document() == plain.document()


def reversed_keys(value):
    if isinstance(value, dict):
        # The order of axes determines the run ids.
        return {
            name: item if name == "grid" else reversed_keys(item)
            for name, item in reversed(list(value.items()))
        }
    return value


def floats_for_whole_numbers(document):
    """Write 5.0 for 5 wherever a float is allowed."""
    changed = copy.deepcopy(document)
    if "inputs" in changed["data"]:
        for name in ("inputs", "targets"):
            changed["data"][name] = [
                [int(x) if x and x.is_integer() else x for x in row]
                for row in changed["data"][name]
            ]
    for section, key in (("training", "momentum"), ("initialisation", "scale")):
        value = changed.get(section, {}).get(key)
        if value and value == int(value):  # -0.0 is not 0
            changed[section][key] = int(value)
    return changed


@given(documents())
def test_the_identity_does_not_depend_on_spelling(document):
    identity = Experiment.from_mapping(document).identity
    assert len(identity) == 64
    for same in (
        reversed_keys(document),
        floats_for_whole_numbers(document),
        document | {"name": "other", "question": "Another?"},
        tomllib.loads(Experiment.from_mapping(document).to_toml()),
    ):
        assert Experiment.from_mapping(same).identity == identity


BASE = {
    "name": "x",
    "question": "?",
    "network": {"layers": [2, 2, 1], "activations": ["tanh", "sigmoid"], "scales": [1, 2]},
    "data": {"inputs": [[0, 1], [5, 3]], "targets": [0.25, 1]},
    "training": {"epochs": 10, "learning_rate": 1, "momentum": 0, "tolerance": 0},
    "initialisation": {"scale": 2, "parameters": {"w1": 1, "b1": 2}},
    "grid": {"learning_rate": [5, 0.5], "init_id": 3},
}
CHANGES = {
    "network": [
        {"layers": [2, 3, 1]},
        {"activations": ["relu", "sigmoid"]},
        {"biases": [True, False]},
        {"scales": [1, np.nextafter(2, 3).item()]},
        {"output_scale": 2},
        {"loss": "mse"},
    ],
    "data": [
        {"inputs": [[0, 1], [5, np.nextafter(3, 4).item()]]},
        {"inputs": [[0, 1], [3, 5]]},
        {"inputs": [[-0.0, 1], [5, 3]]},
        {"targets": [0.25, np.nextafter(1, 0).item()]},
        {"inputs": [[0, 1], [5, 3], [0, 0]], "targets": [0.25, 1, 0]},
        {"standardise": ["inputs"]},
    ],
    "training": [
        {"epochs": 11},
        {"learning_rate": np.nextafter(1, 2).item()},
        {"learning_rate": [1, 2]},
        {"momentum": 5e-324},
        {"batch_size": 1},
        {"batches": "shuffled"},
        {"seed": 1},
        {"train": ["w1"]},
        {"tolerance": 5e-324},
        {"limit": 1e9},
    ],
    "initialisation": [
        {"scheme": "he"},
        {"scale": np.nextafter(2, 3).item()},
        {"offset": 1e-300},
        {"biases": "same"},
        {"seed": 1},
        {"init_id": 1},
        {"parameters": {"w1": 1, "b1": np.nextafter(2, 3).item()}},
        {"parameters": {"w1": 1, "b2": 2}},
    ],
    "grid": [
        {"learning_rate": [5, np.nextafter(0.5, 1).item()]},
        {"learning_rate": [0.5, 5]},
        {"init_id": 4},
        {"momentum": [0.0]},
    ],
    "record": [{"epochs": "all"}, {"parameters": True}, {"measures": ["ssr_mean"]}],
}


@pytest.mark.parametrize(
    ("section", "change"),
    [(name, change) for name, changes in CHANGES.items() for change in changes],
)
def test_the_identity_changes_with_every_number_that_matters(section, change):
    document = copy.deepcopy(BASE)
    if section != "grid":
        # A key that an axis replaces has no effect.
        document["grid"] = {n: axis for n, axis in document["grid"].items() if n not in change}
    before = Experiment.from_mapping(document)
    document[section] = document.get(section, {}) | change
    assert Experiment.from_mapping(document).identity != before.identity


def test_the_identity_changes_with_the_order_of_axes():
    document = copy.deepcopy(BASE)
    document["grid"] = dict(reversed(document["grid"].items()))
    assert Experiment.from_mapping(document).identity != Experiment.from_mapping(BASE).identity


def test_5_and_5_point_0_are_one_number():
    document = copy.deepcopy(BASE)
    document["network"]["scales"] = [1.0, 2.0]
    document["data"] = {"inputs": [[0.0, 1.0], [5.0, 3.0]], "targets": [[0.25], [1.0]]}
    document["training"].update(learning_rate=1.0, momentum=0.0, tolerance=0.0)
    document["initialisation"] = {"scale": 2.0, "parameters": {"b1": 2.0, "w1": 1.0}}
    document["grid"]["learning_rate"] = {"values": [5.0, 0.5]}
    assert Experiment.from_mapping(document).identity == Experiment.from_mapping(BASE).identity


def test_the_source_of_data_does_not_matter(tmp_path):
    (tmp_path / "data.csv").write_text("a,b,c\n0,1,0.25\n5,3,1\n")
    document = copy.deepcopy(BASE)
    document["data"] = {"file": "data.csv", "inputs": ["a", "b"], "targets": ["c"]}
    found = Experiment.from_mapping(document, folder=tmp_path)
    assert found.identity == Experiment.from_mapping(BASE).identity
    again = Experiment.from_mapping(tomllib.loads(found.to_toml()), folder=tmp_path)
    assert again.document() == found.document()
