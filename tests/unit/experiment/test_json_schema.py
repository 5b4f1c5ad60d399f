"""The JSON Schema: valid files are valid by it, and wrong types, ranges and names are not."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given

from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.experiment.json_schema import FILE, as_text, json_schema
from tests.properties.test_round_trip import documents

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "experiments").glob("*.toml"))
SCHEMA = jsonschema.Draft202012Validator(json_schema())
TAPLO = shutil.which("taplo", path=Path(sys.executable).parent) or shutil.which("taplo")

GOOD = """
name = "good"
[network]
layers = [1, 2, 1]
activations = ["softplus", "identity"]
[data]
generator = "dosage"
[training]
epochs = 1
learning_rate = 0.1
"""

# Lines to put instead of others, or below all of them.
BAD = {
    "section": "[gird]",
    "key at the top": ('name = "good"', 'nam = "good"'),
    "key": "[record]\nepoch = 3",
    "missing section": ("[data]", "[record]"),
    "missing key": ("epochs = 1", ""),
    "name": ('name = "good"', 'name = "a/b"'),
    "name of an activation": ('"softplus"', '"sofplus"'),
    "name of a generator": ('"dosage"', '"dose"'),
    "name of an optimiser": 'optimiser = "adams"',
    "name of a schedule": 'schedule = "cosin"',
    "name of a measure": '[record]\nmeasures = ["ssr"]',
    "number as a text": ("learning_rate = 0.1", 'learning_rate = "0.1"'),
    "text as a number": ('"dosage"', "3"),
    "switch": "penalise_biases = 1",
    "list": ("[1, 2, 1]", "3"),
    "float for a whole number": ("epochs = 1", "epochs = 1.5"),
    "negative rate": ("learning_rate = 0.1", "learning_rate = -0.1"),
    "rate of a layer": ("learning_rate = 0.1", "learning_rate = [0.1, -1]"),
    "layer of size 0": ("[1, 2, 1]", "[1, 0, 1]"),
    "one layer": ("[1, 2, 1]", "[1]"),
    "setting below its range": 'optimiser = "adam"\nbeta1 = -0.5',
    "setting at its upper end": 'optimiser = "adam"\nbeta1 = 1',
    "key of a generator": ('"dosage"', '"sine"\nsamples = 0'),
    "gate": ('"dosage"', '"gates"\ngate = "nxor"'),
    "table of scales": ('"dosage"', '"dosage"\nscale = { output = "min_max" }'),
    "recorded epochs": "[record]\nepochs = { each = 3 }",
    "parameters": '[initialisation]\nparameters = { w1 = "a" }',
    "axis": "[grid]\nlearning_rat = [0.1]",
    "axis of layer 0": "[grid]\nlearning_rate_0 = [0.1]",
    "axis without values": "[grid]\nlearning_rate = []",
    "axis with one value": "[grid]\nlearning_rate = 0.1",
    "axis out of range": "[grid]\nmomentum = [0.5, -0.1]",
    "axis of names": '[grid]\nactivation = ["tanh", "tahn"]',
    "axis of names in one layer": '[grid]\nactivation_1 = ["tanh", 1]',
    "axis of a parameter": '[grid]\nw1 = ["a"]',
    "end out of range": "[grid]\nlearning_rate = { linear = [-1, 1], count = 3 }",
    "end of logarithms": "[grid]\nlearning_rate = { log = [0, 1], count = 3 }",
    "three ends": "[grid]\nlearning_rate = { log = [1, 2, 3], count = 3 }",
    "missing count": "[grid]\nlearning_rate = { log = [1, 2] }",
    "two forms": "[grid]\nlearning_rate = { log = [1, 2], values = [1] }",
    "spaced names": '[grid]\nloss = { linear = ["ssr", "mse"], count = 2 }',
    "number of starts": "[grid]\ninit_id = 0",
    "zip": '[grid]\nzip = ["a", "b"]',
}


def bad(case):
    change = BAD[case]
    if isinstance(change, str):
        return GOOD + change
    assert GOOD.count(change[0]) == 1
    return GOOD.replace(*change)


def test_the_file_of_the_package_is_up_to_date():
    assert FILE.read_text(encoding="utf-8") == as_text()  # if not: make docs


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(as_text()))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_valid(path):
    SCHEMA.validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("case", BAD)
def test_wrong_types_ranges_and_names_are_not(case):
    document = tomllib.loads(bad(case))
    assert not SCHEMA.is_valid(document)
    with pytest.raises(ExperimentError):
        Experiment.from_mapping(document)


def test_columns_by_name_and_number_are_valid():
    text = GOOD.replace('generator = "dosage"', 'file = "a.csv"\ninputs = ["a", 2]\ntargets = [3]')
    SCHEMA.validate(tomllib.loads(text))


@given(documents())
def test_what_harness_accepts_is_valid(document):
    Experiment.from_mapping(document)
    SCHEMA.validate(document)


def test_every_key_and_axis_says_what_it_is():
    def described(part, path):
        for name, inner in {
            **part.get("properties", {}),
            **part.get("patternProperties", {}),
        }.items():
            says = inner.get("description", "")
            assert says[:1].isupper() or says[:1] == "`", (*path, name)
            assert says.endswith("."), (*path, name)
            if not path:
                described(inner, (*path, name))

    described(json_schema(), ())


def test_defaults_are_those_of_the_sections():
    keys = json_schema()["properties"]
    assert keys["training"]["properties"]["batch_size"]["default"] == "all"
    assert keys["training"]["properties"]["beta1"]["default"] == 0.9
    assert keys["record"]["properties"]["epochs"]["default"] == {"log": 50}
    assert "default" not in keys["training"]["properties"]["tolerance"]


@pytest.mark.skipif(TAPLO is None, reason="taplo is not installed")
def test_taplo_agrees(tmp_path):
    def taplo(*paths):
        return subprocess.run(
            [TAPLO, "check", "--no-auto-config", "--schema", FILE.as_uri(), *paths],
            capture_output=True,
            text=True,
        )

    good = taplo(*SHIPPED)
    assert good.returncode == 0, good.stderr
    for case in BAD:
        path = tmp_path / "bad.toml"
        path.write_text(bad(case))
        assert taplo(path).returncode != 0, case
