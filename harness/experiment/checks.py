"""Checks across the keys of an experiment, and its network and data made from the sections."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import ExperimentError, shown
from harness.experiment import data
from harness.experiment.data import MOST_NUMBERS
from harness.experiment.generators import GENERATORS, KEYS, TRAINING, VALIDATION
from harness.experiment.grid import Grid
from harness.experiment.held_out import generated_in_addition
from harness.experiment.network import Network
from harness.experiment.parquet_files import is_parquet, read_parquet
from harness.experiment.recording import most_recorded
from harness.experiment.schema import (
    DataSection,
    InitialisationSection,
    NetworkSection,
    RecordSection,
    TrainingSection,
    declared,
    keys_of,
    listed,
)
from harness.experiment.selection import Reading
from harness.experiment.tables import data_points, read_csv, read_table
from harness.hints import nearest
from harness.kernels.losses import LOSSES
from harness.kernels.metrics import METRICS, are_classes

# The memory of a run is allocated at once; these limits refuse files that ask for too much of it.
MOST_PARAMETERS = 1_000_000
MOST_GENERATED = 10_000_000  # in all data that axes generate, each time the experiment is read
MOST_RECORDED = 1_000_000

MOST_FROM_ONE = 1e-9  # by which targets of softmax outputs may miss a sum of 1


def build_network(section: NetworkSection) -> Network:
    """Make the network, with a value for every layer."""
    layers = len(section.layers) - 1

    def each(key: str, given: Any) -> tuple[Any, ...]:
        values = given if isinstance(given, tuple) else (given,) * layers
        if len(values) != layers:
            raise ExperimentError(
                f"network.{key}",
                f"= {shown(values)} has {len(values)} values; network.layers ="
                f" {shown(section.layers)} has {layers} layers after the input.",
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
    if network.parameter_count > MOST_PARAMETERS:
        raise ExperimentError(
            "network.layers",
            f"= {shown(section.layers)} has {shown(network.parameter_count)} parameters; at most"
            f" {MOST_PARAMETERS} are allowed.",
            "Use smaller layers.",
        )
    _check_softmax(network)
    if LOSSES[network.loss].of_probabilities:
        if network.activations[-1] not in ("sigmoid", "softmax"):
            raise ExperimentError(
                "network.loss",
                f'= "{network.loss}" needs sigmoid or softmax outputs; the last of'
                f' network.activations is "{network.activations[-1]}".',
                'Change it to "sigmoid" or "softmax", or use another loss.',
            )
        if network.output_scale != 1.0:
            raise ExperimentError(
                "network.output_scale",
                f'= {network.output_scale} must be 1 for the loss "{network.loss}".',
                "Leave it out, or use another loss.",
            )
    return network


def _check_softmax(network: Network) -> None:
    """Check that softmax is the last activation, of two or more outputs, with its loss."""
    if "softmax" in network.activations[:-1]:
        raise ExperimentError(
            "network.activations",
            f'= {shown(network.activations)} has "softmax" before the last layer; it is for outputs'
            " only.",
            "Use another activation there.",
        )
    if network.activations[-1] != "softmax":
        return
    if not LOSSES[network.loss].of_probabilities:
        raise ExperimentError(
            "network.loss",
            f'= "{network.loss}" is not available for softmax outputs, only "cross_entropy" is.',
            'Change it to "cross_entropy", or use another activation in the last layer.',
        )
    if network.sizes[-1] == 1:
        raise ExperimentError(
            "network.activations",
            f'= {shown(network.activations)} ends with "softmax", which needs two or more outputs;'
            " the last of network.layers is 1.",
            'Use "sigmoid" for a single output, or one output per class.',
        )


def build_source(
    section: DataSection, network: Network, folder: Path, table: Any = None
) -> data.Dataset:
    """Make the data points: inline, read from a file or a table of Python, or generated."""
    forms = {
        "generator": section.generator is not None,
        "file": section.file is not None,
        "a table of Python": table is not None,
        "inline": section.file is None
        and table is None
        and (section.inputs or section.targets) is not None,
    }
    _check_unused_keys(section, has_table=table is not None)
    if sum(forms.values()) != 1:
        chosen = [form for form, given in forms.items() if given]
        raise ExperimentError(
            "data",
            f"must have one form; it has {' and '.join(chosen) or 'none'}.",
            "Give `inputs` and `targets`; or `file`, with columns in `inputs` and `targets`;"
            " or `generator`.",
        )
    if section.generator is not None:
        return _generated(section.generator, section, network)
    if section.file is not None:
        return _from_files(section, _reading(section, network), folder)
    if table is not None:
        reading = _reading(section, network)
        return data_points(read_table(table, reading), reading)
    return data.Dataset(
        inputs=_table("data.inputs", section.inputs),
        targets=_table("data.targets", section.targets),
    )


def _reading(section: DataSection, network: Network) -> Reading:
    """Return how to read a table."""
    every = section.inputs == "all but targets"
    return Reading(
        inputs=None if every else _column_names("data.inputs", section.inputs),
        targets=_column_names("data.targets", section.targets),
        outputs=network.sizes[-1],
        missing=section.missing,
        header=section.header,
        separator=section.separator,
        decimal=section.decimal,
    )


def _from_files(section: DataSection, reading: Reading, folder: Path) -> data.Dataset:
    """Read data points, and those of another file for validation, if there is one."""
    tables = [
        (read_parquet if is_parquet(name) else read_csv)(folder / name, reading, key)
        for key, name in (
            ("data.file", section.file),
            ("data.validation_file", section.validation_file),
        )
        if name is not None
    ]
    return data_points(tables[0], reading, *tables[1:])


def _check_unused_keys(section: DataSection, *, has_table: bool) -> None:
    """Refuse keys of another form, such as `samples` for data from a file."""
    unused: dict[str, str] = {}
    if section.file is None or is_parquet(section.file):
        unused |= dict.fromkeys(("header", "separator", "decimal"), "a CSV file")
    if section.file is None and not has_table:
        unused["missing"] = "data from a file"
    if section.file is None:
        unused["validation_file"] = "data from a file"
    for key, users in unused.items():
        value = getattr(section, key)
        if value != keys_of(DataSection)[key].default:
            raise ExperimentError(
                f"data.{key}", f"= {shown(value)} is only for {users}.", "Remove it."
            )
    twice = [name for name in section.scale or {} if name in section.standardise]
    if twice:
        raise ExperimentError(
            "data.scale",
            f"= {shown(section.scale)} scales the {twice[0]}, as data.standardise does.",
            "Remove one of the two.",
        )
    takers: dict[str, list[str]] = {}
    for name, generator in GENERATORS.items():
        for key in generator.keys:
            takers.setdefault(key, []).append(name)
    for key, names in takers.items():
        if getattr(section, key) is not None and section.generator not in names:
            raise ExperimentError(
                f"data.{key}",
                f"= {shown(getattr(section, key))} is only for the generator {listed(names)}.",
                "Remove it, or change data.generator.",
            )


def _keys_of_generator(section: DataSection) -> dict[str, Any]:
    """Return the values of the keys that the generator takes; empty if there is none."""
    defaults = GENERATORS[section.generator].keys if section.generator else {}
    given = {key: getattr(section, key) for key in defaults}
    return {key: defaults[key] if given[key] is None else given[key] for key in defaults}


def _size_of_generated(keys: Mapping[str, Any], section: DataSection, network: Network) -> int:
    """Return how many numbers a generator makes; 0 for a table, which is small."""
    points = keys.get("samples", 0) + generated_in_addition(section)
    inputs, outputs = network.sizes[0], network.sizes[-1]
    return int(points * (inputs + max(outputs, keys.get("classes", 0))))


def _generated(name: str, section: DataSection, network: Network) -> data.Dataset:
    keys = _keys_of_generator(section)
    inputs, outputs = network.sizes[0], network.sizes[-1]
    held_out = generated_in_addition(section)
    if _size_of_generated(keys, section, network) > MOST_NUMBERS:
        more = f" and data.validation = {held_out}" if held_out else ""
        raise ExperimentError(
            "data.samples",
            f"= {keys['samples']}{more}, with {inputs} inputs and {outputs} outputs, is more"
            f" than {MOST_NUMBERS} numbers.",
            "Use fewer samples, or a smaller network.",
        )
    made = GENERATORS[name].make(inputs, outputs, TRAINING, **keys)
    if not held_out:
        return made
    further = GENERATORS[name].make(inputs, outputs, VALIDATION, **{**keys, "samples": held_out})
    return replace(
        made,
        inputs=np.concatenate((made.inputs, further.inputs)),
        targets=np.concatenate((made.targets, further.targets)),
        held_out=held_out,
    )


def check_generated(section: DataSection, network: Network, grid: Grid) -> None:
    """Check the size of the data that the points of a grid generate, before any are made."""
    axes = {axis.name: axis.values for axis in grid.axes}
    if not any(key.axis in axes for key in KEYS.values()):
        return
    keys = _keys_of_generator(section)
    if "samples" in axes:
        keys["samples"] = axes["samples"].take(np.arange(axes["samples"].count)).max().item()
    if grid.size * _size_of_generated(keys, section, network) > MOST_GENERATED:
        raise ExperimentError(
            "grid",
            f"has axes that change the data: {grid.size} data sets of up to {keys['samples']} data"
            f" points are more than {MOST_GENERATED} numbers.",
            "Shorten an axis, or use fewer samples.",
        )


def _column_names(key: str, given: Sequence[Any] | None) -> tuple[str, ...]:
    if not given or not all(isinstance(name, str) for name in given):
        raise ExperimentError(
            key,
            f"= {shown(given or [])} must be a list of columns: column names, or numbers from 1.",
            'For example: ["dosage"], or ["1-3"] for the first three.',
        )
    return tuple(given)


def _table(key: str, given: Sequence[Any] | None) -> data.Floats:
    rows = [row if isinstance(row, tuple) else (row,) for row in given or ()]
    if not rows or not rows[0]:
        raise ExperimentError(
            key,
            f"= {shown(given or [])} must have at least one data point with at least one number.",
            "Give a list of numbers, or of lists of numbers.",
        )
    for number, row in enumerate(rows, start=1):
        if any(isinstance(value, str) for value in row):
            raise ExperimentError(
                key,
                f"= {shown(given)} has column names, but there is no data.file.",
                "Give data.file, or numbers.",
            )
        if len(row) != len(rows[0]):
            raise ExperimentError(
                key,
                f"= {shown(given)} has {len(row)} numbers in data point {number} and"
                f" {len(rows[0])} in the first.",
                "Give all data points the same length.",
            )
    return np.array(rows, dtype=np.float64)


def check_shapes(found: data.Dataset, section: DataSection, network: Network) -> None:
    """Check the number of data points, the numbers per data point, and their total."""
    if len(found.inputs) != len(found.targets):
        raise ExperimentError(
            "data.targets",
            f"has {len(found.targets)} data points and data.inputs has {len(found.inputs)};"
            " there must be one target for each input.",
            "Add the missing ones, or remove the others.",
        )
    for key, columns, units in (
        ("data.inputs", found.inputs.shape[1], network.sizes[0]),
        ("data.targets", found.targets.shape[1], network.sizes[-1]),
    ):
        if columns != units:
            end = "first" if key == "data.inputs" else "last"
            made = f"has {columns} numbers per data point"
            if section.generator:
                made = f'= "{section.generator}" makes {columns} {key[5:]} per data point'
            elif end == "last" and found.names.classes:
                made = f"has {columns} classes: {shown(list(found.names.classes))}"
            raise ExperimentError(
                "data.generator" if section.generator else key,
                f"{made}; this must be the {end} of network.layers = {shown(network.sizes)},"
                f" which is {units}.",
                f"Change the {end} number of network.layers to {columns}.",
            )
    data.check_size(len(found.inputs), found.inputs.shape[1] + found.targets.shape[1])


def check_targets(dataset: data.Dataset, network: Network) -> None:
    """Refuse targets that the loss is not defined for."""
    if not LOSSES[network.loss].of_probabilities:
        return
    outside = dataset.targets[(dataset.targets < 0) | (dataset.targets > 1)]
    if outside.size:
        raise ExperimentError(
            "data.targets",
            f'has the value {outside[0]}; the loss "{network.loss}" allows numbers from 0 to 1.',
            "Use another loss, or scale the targets to 0 to 1.",
        )
    if network.activations[-1] == "softmax":
        sums = dataset.targets.sum(axis=1)
        wrong = np.flatnonzero(np.abs(sums - 1.0) > MOST_FROM_ONE)
        if wrong.size:
            raise ExperimentError(
                "data.targets",
                f"add up to {sums[wrong[0]]} in data point {wrong[0] + 1}; for softmax outputs they"
                " are probabilities, which add up to 1.",
                "Give one target per class, 1 for that of the data point and 0 for the others; or"
                ' use "sigmoid" outputs.',
            )


def check_training(section: TrainingSection, network: Network, samples: int) -> None:
    """Check keys against the number of layers, the parameters, and the number of data points."""
    for key, field in keys_of(TrainingSection).items():
        values, axis = getattr(section, key), declared(field)["axis"]
        by_layer = axis is not None and axis.single is not None
        if by_layer and isinstance(values, tuple) and len(values) != network.layers:
            raise ExperimentError(
                f"training.{key}",
                f"= {shown(values)} has {len(values)} values; the network has {network.layers}"
                " layers after the input.",
                "Give one number for all layers, or one per layer.",
            )
    if section.batch_size != "all" and section.batch_size > samples:
        raise ExperimentError(
            "training.batch_size",
            f'= {section.batch_size} must be "all", or a whole number from 1 to the {samples}'
            " data points.",
            'Use a smaller number, or "all".',
        )
    if section.updates_per_epoch is not None and section.batches != "drawn":
        raise ExperimentError(
            "training.updates_per_epoch",
            f'is only for training.batches = "drawn"; it is "{section.batches}".',
            "Remove it, or draw the batches.",
        )
    size = samples if section.batch_size == "all" else section.batch_size
    if section.batches == "drawn" and (section.updates_per_epoch or 1) * size > MOST_NUMBERS:
        raise ExperimentError(
            "training.updates_per_epoch",
            f"= {section.updates_per_epoch}, with {size} data points each, draws more than"
            f" {MOST_NUMBERS} data points per epoch.",
            "Use fewer updates per epoch, and more epochs.",
        )
    if section.train != "all":
        if not section.train:
            raise ExperimentError(
                "training.train",
                '= [] must be "all" or name at least one parameter.',
                "To keep the initial parameters, use training.epochs = 0.",
            )
        _check_names("training.train", section.train, network)
        name, times = Counter(section.train).most_common(1)[0]
        if times > 1:
            raise ExperimentError(
                "training.train",
                f"= {shown(section.train)} names {shown(name)} twice.",
                "Name each parameter once.",
            )


def check_patience(section: TrainingSection, *, has_held_out: bool) -> None:
    """Refuse patience without held-out data points, whose loss it waits for."""
    if section.patience is not None and not has_held_out:
        raise ExperimentError(
            "training.patience",
            f"= {section.patience} needs held-out data points; the experiment has none.",
            "Hold some out with data.validation, or remove it.",
        )


def check_initialisation(section: InitialisationSection, network: Network) -> None:
    """Check that initial values are for parameters of the network."""
    _check_names("initialisation.parameters", tuple(section.parameters), network)


def check_metrics(section: RecordSection, dataset: data.Dataset) -> None:
    """Refuse metrics of classes for targets that are not classes."""
    name = next((name for name in section.metrics if METRICS[name].of_classes), None)
    if name is None:
        return
    if not are_classes(dataset.targets):
        raise ExperimentError(
            "record.metrics",
            f'has "{name}", which is for classes; data.targets are not classes.',
            "Give one output per class, or two values such as 0 and 1, or leave it out.",
        )


def check_record(
    section: RecordSection, training: TrainingSection, network: Network, *, has_held_out: bool
) -> None:
    """Check the size of the trajectories, and that there are some if columns are asked of them.

    Columns that are computed from the parameters need all of them at every recorded epoch.
    """
    rows, values = most_recorded(section.epochs, training.epochs), section.model_dump()
    if rows > MOST_RECORDED:
        raise ExperimentError(
            "record.epochs",
            f"= {shown(values['epochs'])} records up to {shown(rows)} epochs per run; at most"
            f" {MOST_RECORDED} are allowed.",
            "Record fewer, such as { log = 50 }.",
        )
    for key, asked, of_epochs, otherwise in (
        ("parameters", section.parameters == "trajectory", True, "true, for the final parameters"),
        ("best_parameters", section.best_parameters, True, "false"),
        ("sharpness", section.sharpness, True, "false"),
        ("metrics", bool(section.metrics), False, "[]"),
        ("epochs", has_held_out, False, '"none"'),
    ):
        value = shown(values[key])
        if asked and of_epochs and section.epochs == "none":
            raise ExperimentError(
                f"record.{key}",
                f'= {value} needs recorded epochs; record.epochs is "none".',
                f"Change it to {otherwise}, or record some epochs.",
            )
        if asked and rows * network.parameter_count > MOST_NUMBERS:
            raise ExperimentError(
                f"record.{key}",
                f"= {value}{' with held-out data' if key == 'epochs' else ''} needs"
                f" {network.parameter_count} parameters at up to {rows} epochs per run; at most"
                f" {MOST_NUMBERS} numbers are allowed.",
                f"Record fewer epochs, or change it to {otherwise}.",
            )
    if section.best_parameters and training.patience is not None and section.epochs != "all":
        raise ExperimentError(
            "record.best_parameters",
            "= true needs all epochs to be recorded, because training.patience ="
            f" {training.patience} makes any of them the best.",
            'Write record.epochs = "all", or change it to false: results.network(RUN, epoch="best")'
            " trains a run again up to its best epoch.",
        )


def _check_names(key: str, names: tuple[str, ...], network: Network) -> None:
    for name in names:
        if name not in network.positions:
            raise ExperimentError(
                key,
                f"names {shown(name)}, which is not a parameter of the network"
                f" {'-'.join(map(str, network.sizes))}; it has {shown(list(network.parameters))}.",
                nearest(name, network.parameters) or "Correct the name, or remove it.",
            )
