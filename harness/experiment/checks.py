"""What the sections of an experiment must agree on, and the data that they lead to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import data
from harness.errors import ExperimentError, nearest, shown
from harness.experiment.sections import (
    DataSection,
    InitialisationSection,
    NetworkSection,
    TrainingSection,
)
from harness.kernels.losses import NEEDS_PROBABILITY
from harness.network import Network


def build_network(section: NetworkSection) -> Network:
    """Return the network, with a value for every layer."""
    layers = len(section.layers) - 1

    def each(key: str, given: Any) -> tuple[Any, ...]:
        values = given if isinstance(given, tuple) else (given,) * layers
        if len(values) != layers:
            raise ExperimentError(
                f"network.{key}",
                f"= {shown(values)} has {len(values)} values; {shown(section.layers)} has {layers}"
                f" layers after the input.",
                "Give one value for each layer after the input.",
            )
        return values

    network = Network(
        sizes=section.layers,
        activations=each("activations", section.activations),
        biases=each("biases", section.biases),
        scales=each("scales", 1.0 if section.scales is None else section.scales),
        output_scale=section.output_scale,
        loss=section.loss,
    )
    if network.loss in NEEDS_PROBABILITY:
        if network.activations[-1] != "sigmoid":
            raise ExperimentError(
                "network.loss",
                f'= "{network.loss}" needs a sigmoid output; the last of network.activations is'
                f' "{network.activations[-1]}".',
                'Make it "sigmoid", or use another loss.',
            )
        if network.output_scale != 1.0:
            raise ExperimentError(
                "network.output_scale",
                f'= {network.output_scale} must be 1 for the loss "{network.loss}".',
            )
    return network


def build_dataset(section: DataSection, network: Network, folder: Path) -> data.Dataset:
    """Return the data points, read from the disk or generated where the section says so."""
    forms = {
        "generator": section.generator is not None,
        "file": section.file is not None,
        "inline": section.file is None and (section.inputs or section.targets) is not None,
    }
    if sum(forms.values()) != 1:
        chosen = [form for form, given in forms.items() if given]
        raise ExperimentError(
            "data",
            f"must be in one form, and is in {' and '.join(chosen) or 'none'}.",
            "Give `inputs` and `targets`; or `file`, with column names in `inputs` and `targets`;"
            " or `generator`.",
        )
    if section.generator is not None:
        request = data.Request(
            inputs=network.sizes[0],
            outputs=network.sizes[-1],
            samples=section.samples,
            seed=section.seed,
            degree=section.degree,
        )
        found = data.generate(section.generator, request)
    elif section.file is not None:
        found = data.read_csv(
            folder / section.file,
            _column_names("data.inputs", section.inputs),
            _column_names("data.targets", section.targets),
        )
    else:
        found = data.Dataset(
            inputs=_table("data.inputs", section.inputs),
            targets=_table("data.targets", section.targets),
        )
    _check_shapes(found, network)
    columns = {
        name: data.standardise(getattr(found, name), f"data.{name}") for name in section.standardise
    }
    return data.Dataset(
        inputs=columns.get("inputs", found.inputs), targets=columns.get("targets", found.targets)
    )


def _column_names(key: str, given: Sequence[Any] | None) -> tuple[str, ...]:
    if not given or not all(isinstance(name, str) for name in given):
        raise ExperimentError(
            key, f"= {shown(given or [])} must be a list of column names of data.file."
        )
    return tuple(given)


def _table(key: str, given: Sequence[Any] | None) -> data.Floats:
    rows = [row if isinstance(row, tuple) else (row,) for row in given or ()]
    if not rows:
        raise ExperimentError(key, "must have at least one data point.")
    for number, row in enumerate(rows, start=1):
        if any(isinstance(value, str) for value in row):
            raise ExperimentError(
                key,
                f"= {shown(given)} has column names, and there is no data.file.",
                "Give data.file, or numbers.",
            )
        if len(row) != len(rows[0]):
            raise ExperimentError(
                key,
                f"has {len(row)} numbers at data point {number} and {len(rows[0])} at the first.",
            )
    return np.array(rows, dtype=np.float64)


def _check_shapes(found: data.Dataset, network: Network) -> None:
    if len(found.inputs) != len(found.targets):
        raise ExperimentError(
            "data.targets",
            f"has {len(found.targets)} data points and data.inputs has {len(found.inputs)};"
            " there must be one target for each input.",
        )
    for key, columns, units in (
        ("data.inputs", found.inputs.shape[1], network.sizes[0]),
        ("data.targets", found.targets.shape[1], network.sizes[-1]),
    ):
        if columns != units:
            end = "first" if key == "data.inputs" else "last"
            raise ExperimentError(
                key,
                f"has {columns} numbers a data point; the {end} of network.layers ="
                f" {shown(network.sizes)} is {units}.",
                f"Make the {end} number of network.layers {columns}.",
            )


def check_targets(dataset: data.Dataset, network: Network) -> None:
    """Refuse targets that the loss is not defined for."""
    if network.loss not in NEEDS_PROBABILITY:
        return
    outside = dataset.targets[(dataset.targets < 0) | (dataset.targets > 1)]
    if outside.size:
        raise ExperimentError(
            "data.targets",
            f'has the value {outside[0]}; the loss "{network.loss}" allows 0 to 1.',
            "Use another loss, or bring the targets into 0 to 1.",
        )


def check_training(section: TrainingSection, network: Network, samples: int) -> None:
    """Refuse what does not fit the number of layers, parameters or data points."""
    rates = section.learning_rate
    if isinstance(rates, tuple) and len(rates) != network.layers:
        raise ExperimentError(
            "training.learning_rate",
            f"= {shown(rates)} has {len(rates)} values; the network has {network.layers} layers"
            " after the input.",
            "Give one number for all layers, or one for each.",
        )
    if section.batch_size != "all" and section.batch_size > samples:
        raise ExperimentError(
            "training.batch_size",
            f'= {section.batch_size} must be "all", or a whole number from 1 to the {samples}'
            " data points.",
        )
    if section.updates_per_epoch is not None and section.batches != "drawn":
        raise ExperimentError(
            "training.updates_per_epoch",
            f'is for training.batches = "drawn" only, which is "{section.batches}".',
        )
    if section.train != "all":
        if not section.train:
            raise ExperimentError(
                "training.train", '= [] must be "all" or name at least one parameter.'
            )
        _check_names("training.train", section.train, network)


def check_initialisation(section: InitialisationSection, network: Network) -> None:
    """Refuse initial values of parameters that the network does not have."""
    _check_names("initialisation.parameters", tuple(section.parameters), network)


def _check_names(key: str, names: tuple[str, ...], network: Network) -> None:
    for name in names:
        if name not in network.positions:
            raise ExperimentError(
                key,
                f'names "{name}", which is no parameter of the network'
                f" {'-'.join(map(str, network.sizes))}; it has {shown(list(network.parameters))}.",
                nearest(name, network.parameters),
            )
