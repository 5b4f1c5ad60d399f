"""Experiment files to start from, with the meaning of their keys as comments.

A template is an entry of `TEMPLATES`, as a mapping with the keys of the file. The comments come
from the schema.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import shown
from harness.experiment.axes import SECTIONS, allowed_axes
from harness.experiment.experiment import Experiment
from harness.experiment.messages import section_of
from harness.experiment.schema import declared, keys_of

TEMPLATES: dict[str, dict[str, Any]] = {
    "dosage": {
        "question": "Which learning rates fit the dosage curve, and how fast?",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
        "data": {"generator": "dosage"},
        "training": {"epochs": 1000, "learning_rate": 0.1, "tolerance": 0.001},
        "grid": {"learning_rate": {"log": [0.001, 1], "count": 13}, "init_id": 50},
    },
    "xor": {
        "question": "Which learning rates solve XOR, and from how many starts?",
        "network": {
            "layers": [2, 2, 1],
            "activations": ["tanh", "sigmoid"],
            "loss": "cross_entropy",
        },
        "data": {"generator": "xor"},
        "training": {"epochs": 1000, "learning_rate": 0.1, "tolerance": 0.01},
        "grid": {"learning_rate": {"log": [0.01, 10], "count": 13}, "init_id": 50},
    },
    "sine": {
        "question": "How well does a noisy sine generalise, for several widths?",
        "network": {"layers": [1, 8, 1], "activations": ["tanh", "identity"], "loss": "mse"},
        "data": {"generator": "sine", "samples": 40, "noise": 0.1, "validation": 0.25},
        "training": {"epochs": 1000, "learning_rate": 0.01, "optimiser": "adam"},
        "grid": {"width": [2, 4, 8, 16], "init_id": 20},
    },
    "blobs": {
        "question": "Which optimiser separates three classes first?",
        "network": {
            "layers": [2, 8, 3],
            "activations": ["relu", "softmax"],
            "loss": "cross_entropy",
        },
        "data": {"generator": "blobs", "samples": 90, "validation": 0.25},
        "training": {"epochs": 100, "learning_rate": 0.01, "batch_size": 10},
        "grid": {"optimiser": ["sgd", "rmsprop", "adam"], "init_id": 20},
        "record": {"metrics": ["accuracy"]},
    },
}

# Keys that many experiments have, with values to try. They are comments in a file without them.
ALTERNATIVES: dict[str, dict[str, Any]] = {
    "network": {"biases": False},
    "data": {"standardise": ["inputs"]},
    "training": {
        "optimiser": "adam",
        "schedule": "cosine",
        "batch_size": 1,
        "tolerance": 0.001,
        "limit": 1000000.0,
        "l2": 0.0001,
    },
    "initialisation": {"scheme": "glorot", "biases": "same", "seed": 1},
    "grid": {"learning_rate": [0.01, 0.1], "width": [2, 4, 8], "activation": ["tanh", "relu"]},
    "record": {"epochs": {"every": 10}, "parameters": True, "metrics": ["rmse"]},
}

_OWN_FILE = """\
# Instead of a generator, a file of your own, and the names of its columns.
#file = "measurements.csv"
#inputs = ["dose"]
#targets = ["effect"]
"""

_WIDTH = 80


def new_file(template: str, file_name: str) -> str:
    """Return the text of a commented experiment file.

    Parameters
    ----------
    template : str
        A name of `TEMPLATES`.
    file_name : str
        Name of the file, for the commands in its first lines.
    """
    document = TEMPLATES[template]
    parts = [
        _comment(f"Train this experiment:          harness run {file_name}")
        + _comment(f"Check it after a change:        harness check {file_name}")
        + "#\n"
        + _comment("A # without a space is before a key to try: remove the # to use it."),
        f"question = {shown(document['question'])}\n",
    ]
    for name, field in keys_of(Experiment).items():
        if name == "grid":
            says = {key: _axis_says(key, document) for key in document[name] | ALTERNATIVES[name]}
        elif model := section_of(field):
            says = {
                key: f"{_sentence(inner.description or '')}\nAllowed: {declared(inner)['allowed']}."
                for key, inner in keys_of(model).items()
            }
        else:
            continue
        parts += [f"[{name}]\n", *_entries(name, document.get(name, {}), says)]
    return "\n".join(parts)


def _entries(name: str, given: Mapping[str, Any], says: Mapping[str, str]) -> Iterator[str]:
    """Yield the keys of a section with their comments, and then the alternatives."""
    for key, value in given.items():
        yield f"{_comment(says[key])}{key} = {shown(value)}\n"
    if name == "data":
        yield _OWN_FILE
    for key, value in ALTERNATIVES[name].items():
        if key not in given:
            yield f"{_comment(says[key])}#{key} = {shown(value)}\n"


def _axis_says(name: str, document: Mapping[str, Any]) -> str:
    """Return the meaning of an axis."""
    if name == "init_id":
        return "Number of initialisations that each combination of the other axes starts from."
    experiment = Experiment.from_mapping({"name": "template", **document})
    target = allowed_axes(experiment.network)[name]
    says = keys_of(SECTIONS[target.section])[target.key].description
    return f"Axis of {target.dotted}: {says}."


def _sentence(phrase: str) -> str:
    return f"{phrase[:1].upper()}{phrase[1:]}."


def _comment(text: str) -> str:
    """Write a text as the lines of a comment."""
    lines = [
        line
        for paragraph in text.split("\n")
        for line in textwrap.wrap(paragraph, _WIDTH - 2, break_on_hyphens=False)
    ]
    return "".join(f"# {line}\n" for line in lines)
