"""Checks across the keys of an experiment, and the network made from its section."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.errors import ExperimentError, shown
from harness.experiment.data import MOST_NUMBERS, Dataset, check_size
from harness.experiment.network import Network
from harness.experiment.recording import most_recorded
from harness.experiment.schedules import CONSTANT, MOST_EPOCHS
from harness.experiment.schema import (
    DataSection,
    InitialisationSection,
    NetworkSection,
    RecordSection,
    TrainingSection,
    declared,
    keys_of,
)
from harness.formatting import plural
from harness.hints import nearest
from harness.kernels.losses import LOSSES
from harness.kernels.metrics import METRICS, MOST_FROM_ONE, are_classes
from harness.kernels.optimisers import OPTIMISERS

# The memory of a run is allocated at once; these limits refuse files that ask for too much of it.
MOST_PARAMETERS = 1_000_000
MOST_RECORDED = 1_000_000

ORDERED = ("step_min", "step_max")  # the first setting is at most the second


def build_network(section: NetworkSection) -> Network:
    """Make the network, with a value for every layer."""
    layers = len(section.layers) - 1

    def each(key: str, given: Any) -> tuple[Any, ...]:
        values = given if isinstance(given, tuple) else (given,) * layers
        if len(values) != layers:
            raise ExperimentError(
                f"network.{key}",
                f"= {shown(values)} has {plural(len(values), 'value')}; network.layers ="
                f" {shown(section.layers)} has {layers} layers after the input.",
                "Give one value for each layer after the input.",
            )
        return values

    settings = {
        name: value
        for name, field in keys_of(NetworkSection).items()
        if declared(field)["only_for"] and (value := getattr(section, name)) is not None
    }
    network = Network(
        sizes=section.layers,
        activations=each("activations", section.activations),
        biases=each("biases", section.biases),
        scales=each("scales", 1.0 if section.scales is None else section.scales),
        output_scale=section.output_scale,
        loss=section.loss,
        settings=settings,
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


def check_shapes(found: Dataset, section: DataSection, network: Network) -> None:
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
            made = f"has {plural(columns, 'number')} per data point"
            if end == "first" and found.input_words:
                made += f", {len(found.input_words)} of them for words"
            if section.generator:
                made = f'= "{section.generator}" makes {plural(columns, key[5:-1])} per data point'
            elif end == "last" and found.names.classes:
                made = f"has {columns} classes: {shown(list(found.names.classes))}"
            raise ExperimentError(
                "data.generator" if section.generator else key,
                f"{made}; this must be the {end} of network.layers = {shown(network.sizes)},"
                f" which is {units}.",
                f"Change the {end} number of network.layers to {columns}.",
            )
    check_size(len(found.inputs), found.inputs.shape[1] + found.targets.shape[1])


def check_targets(dataset: Dataset, network: Network, of: str = "") -> None:
    """Refuse targets that the loss is not defined for; `of` says which data points they are."""
    targets, loss = dataset.targets, LOSSES[network.loss]
    if loss.of_probabilities:
        outside = (targets < 0) | (targets > 1)
        allowed, advice = "numbers from 0 to 1", "bring all targets to 0 to 1 with data.scale"
    elif loss.of_signs:
        outside = np.abs(targets) != 1
        allowed = "-1 and 1"
        advice = "write -1 and 1 for the two classes (data.labels = [-1, 1] for generated data)"
    else:
        return
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ExperimentError(
            "data.targets",
            f"has the value {targets[row, column]} in {dataset.name_of(row)}{of}; the loss"
            f' "{network.loss}" allows {allowed}.',
            f"Use another loss, or {advice}.",
        )
    if network.activations[-1] == "softmax":
        sums = targets.sum(axis=1)
        wrong = np.flatnonzero(np.abs(sums - 1.0) > MOST_FROM_ONE)
        if wrong.size:
            raise ExperimentError(
                "data.targets",
                f"add up to {sums[wrong[0]]} in {dataset.name_of(wrong[0])}{of}; for softmax"
                " outputs they are probabilities, which add up to 1.",
                "Give one target per class, 1 for that of the data point and 0 for the others; or"
                ' use "sigmoid" outputs.',
            )


def check_precision(dataset: Dataset, section: TrainingSection, of: str = "") -> None:
    """Refuse numbers that are too large for the precision; for `of`, see `check_targets`."""
    if section.precision == "float64":
        return
    largest = float(np.finfo(section.precision).max)
    for key, numbers in (("data.inputs", dataset.inputs), ("data.targets", dataset.targets)):
        too_large = np.argwhere(np.abs(numbers) > largest)
        if too_large.size:
            row, column = too_large[0]
            raise ExperimentError(
                key,
                f"has the value {numbers[row, column]} in {dataset.name_of(row)}{of}; the largest"
                f' number of training.precision = "{section.precision}" is {largest:.3g}.',
                'Scale the data with data.scale, or use "float64".',
            )


def check_layers(section: TrainingSection, network: Network) -> None:
    """Check that lists have a value for each layer."""
    for key, field in keys_of(TrainingSection).items():
        values, axis = getattr(section, key), declared(field)["axis"]
        by_layer = axis is not None and axis.single is not None
        if by_layer and isinstance(values, tuple) and len(values) != network.layers:
            raise ExperimentError(
                f"training.{key}",
                f"= {shown(values)} has {plural(len(values), 'value')}; the network has"
                f" {network.layers} layers after the input.",
                "Give one number for all layers, or one per layer.",
            )


def check_batches(section: TrainingSection, samples: int) -> None:
    """Check the size and the number of batches against the number of data points."""
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


def check_trained(section: TrainingSection, network: Network) -> None:
    """Check that the names of trained parameters are those of the network."""
    if section.train != "all":
        if not section.train:
            raise ExperimentError(
                "training.train",
                '= [] must be "all" or name at least one parameter.',
                "To keep the initial parameters, use training.epochs = 0.",
            )
        _check_names("training.train", section.train, network)
        check_repeats("training.train", section.train)


def check_schedule(section: TrainingSection) -> None:
    """Check the factors on the learning rate against optimiser and epochs."""
    schedule, warm_up = section.schedule, section.warm_up
    if schedule == CONSTANT and not warm_up:
        return
    key, value = ("warm_up", warm_up) if schedule == CONSTANT else ("schedule", schedule)
    if not OPTIMISERS[section.optimiser].scheduled:
        raise ExperimentError(
            f"training.{key}",
            f"= {shown(value)} has no effect on training.optimiser ="
            f' "{section.optimiser}", whose learning rate is only its first step size.',
            "Remove it, or use another optimiser.",
        )
    if section.epochs > MOST_EPOCHS:
        raise ExperimentError(
            "training.epochs",
            f"= {shown(section.epochs)} is too much for training.{key} = {shown(value)}, which has"
            f" a factor for each epoch; at most {MOST_EPOCHS} are allowed.",
            "Use fewer epochs, or a constant learning rate.",
        )
    if isinstance(schedule, str):
        return
    if len(schedule) != section.epochs:
        raise ExperimentError(
            "training.schedule",
            f"= {shown(schedule)} has {plural(len(schedule), 'factor')}; training.epochs ="
            f" {shown(section.epochs)} needs one for each epoch.",
            "Give as many factors as epochs, or name a schedule.",
        )
    if warm_up:
        raise ExperimentError(
            "training.warm_up",
            f"= {warm_up} cannot come before a list of factors, which has those of all epochs.",
            "Remove it, and write its factors into training.schedule.",
        )


def check_step_sizes(section: TrainingSection) -> None:
    """Refuse bounds of step sizes that exclude every size."""
    low, high = ORDERED
    settings = section.settings
    if low in settings and settings[low] > settings[high]:
        raise ExperimentError(
            f"training.{low}",
            f"= {settings[low]} is above training.{high} = {settings[high]}.",
            f"Make it smaller, or {high} larger.",
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


def check_metrics(section: RecordSection, dataset: Dataset) -> None:
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
    """Check the columns, and the size of the trajectories, which some of the columns need.

    Columns that are computed from the parameters need all of them at every recorded epoch.
    """
    check_repeats("record.measures", section.measures)
    check_repeats("record.metrics", section.metrics)
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
    if section.state and not section.parameters:
        raise ExperimentError(
            "record.state",
            "= true needs the final parameters, which it belongs to; record.parameters is false.",
            "Write record.parameters = true, or change it to false.",
        )
    if section.best_parameters and training.patience is not None and section.epochs != "all":
        raise ExperimentError(
            "record.best_parameters",
            "= true needs all epochs to be recorded, because training.patience ="
            f" {training.patience} makes any of them the best.",
            'Write record.epochs = "all", or change it to false: results.network(RUN, epoch="best")'
            " trains a run again up to its best epoch.",
        )


def check_repeats(key: str, names: Sequence[str]) -> None:
    """Refuse a list that has a name twice."""
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise ExperimentError(
            key, f"= {shown(names)} names {shown(name)} more than once.", "Name it once."
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
