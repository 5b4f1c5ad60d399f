"""Templates: each is an experiment, also with any of its alternatives."""

import re
import tomllib
import typing

import pytest

from harness.cli.new_command import new
from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.experiment.templates import ALTERNATIVES, TEMPLATES, new_file


def experiment(text):
    return Experiment.from_mapping({"name": "one", **tomllib.loads(text)})


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_file_is_the_template(name):
    text = new_file(name, "one.toml")
    assert tomllib.loads(text) == {
        section: TEMPLATES[name].get(section, {})
        for section in (
            "question",
            "network",
            "data",
            "training",
            "initialisation",
            "grid",
            "record",
        )
    }
    assert experiment(text) == experiment(experiment(text).to_toml())
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_alternative_is_valid(name):
    text = new_file(name, "one.toml")
    own_file = "file", "inputs", "targets"
    tried = []
    for line in re.findall(r"^#\w.*", text, re.MULTILINE):
        key = line[1:].partition(" ")[0]
        if key not in own_file:
            tried.append(key)
            experiment(text.replace(line, line[1:]))
    left = {key for section in ALTERNATIVES.values() for key in section} - set(tried)
    assert left <= {key for section in TEMPLATES[name].values() for key in section}


def test_a_file_of_ones_own():
    text = new_file("dosage", "one.toml").replace('generator = "dosage"', "")
    for key in ("file", "inputs", "targets"):
        text = text.replace(f"#{key} = ", f"{key} = ")
    with pytest.raises(ExperimentError, match=r"data.file.*measurements.csv.*cannot be read"):
        experiment(text)


def test_the_help_names_the_templates():
    option = typing.get_type_hints(new, include_extras=True)["template"].__metadata__[0]
    *most, last = TEMPLATES
    assert option.help == f"Template: {', '.join(most)} or {last}."
