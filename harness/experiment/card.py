"""An experiment in a few words: how it trains in a line, and a small table for notebooks."""

from collections.abc import Container, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from harness.experiment.grid import Axis, Drawn
from harness.experiment.network import Network
from harness.experiment.schedules import CONSTANT
from harness.experiment.schema import TrainingSection
from harness.formatting import listed, plural
from harness.kernels.optimisers import OPTIMISERS


def update_rule(training: TrainingSection, axes: Container[str]) -> str:
    """Return the optimiser, the schedule and their settings, in a line.

    Settings that axes set are left out, and so are those that have no effect.

    Examples
    --------
    >>> training = TrainingSection(epochs=9, learning_rate=0.01, optimiser="adam", l2=0.001)
    >>> update_rule(training, axes=["beta1"])
    'adam, learning rate 0.01, beta2 0.999, epsilon 1e-08, l2 0.001'
    """
    values: dict[str, Any]
    if "optimiser" in axes:  # the defaults depend on it
        optimiser = "several optimisers"
        known = {s.name: s for entry in OPTIMISERS.values() for s in entry.all_settings}
        given = {name: getattr(training, name) for name in known}
        values = {name: value for name, value in given.items() if value is not None}
    else:
        optimiser, values = training.optimiser, training.settings
        known = {s.name: s for s in OPTIMISERS[optimiser].all_settings}
    in_use = {
        name: value
        for name, value in values.items()
        if np.any(np.asarray(value) != known[name].neutral)
    }
    said = [optimiser, *_written({"learning_rate": training.learning_rate, **in_use}, axes)]
    if not training.penalise_biases:
        said.append("biases not penalised")
    return ", ".join([*said, *_schedule(training, axes)])


def _schedule(training: TrainingSection, axes: Container[str]) -> list[str]:
    """Return the schedule and its warm-up in words; none if the learning rate is constant."""
    said = []
    if "schedule" not in axes and training.schedule != CONSTANT:
        if isinstance(training.schedule, str):
            settings = ", ".join(_written(training.schedule_settings, axes))
            said.append(f"{training.schedule.replace('_', ' ')} schedule")
            said += [f"({settings})"] if settings else []
        else:
            said.append(f"schedule of {plural(len(training.schedule), 'factor')}")
    if training.warm_up and "warm_up" not in axes:
        said += ["after"] if said else []
        said.append(f"{plural(training.warm_up, 'epoch')} of warm-up")
    return [" ".join(said)] if said else []


def _written(values: Mapping[str, Any], axes: Container[str]) -> Iterator[str]:
    """Yield names and values of settings that no axis sets."""
    for name, value in values.items():
        if name not in axes and f"{name}_1" not in axes:  # one axis per layer
            each = [f"{number:g}" for number in np.atleast_1d(value)]
            yield f"{name.removeprefix('schedule_').replace('_', ' ')} {listed(each)}"


def experiment_rows(
    question: str,
    network: Network,
    training: TrainingSection,
    points: int,
    runs: int,
    axes: Sequence[Axis],
) -> list[tuple[str, str]]:
    """Return the main facts about an experiment, as labels and texts."""
    ends = [
        f"{name} {value:g}"
        for name, value in (("tolerance", training.tolerance), ("limit", training.limit))
        if value is not None
    ]
    rows = [
        ("question", question),
        ("network", f"{'-'.join(map(str, network.sizes))} {' '.join(network.activations)}"),
        ("loss", f"{network.loss} on {points} data points"),
        ("update", update_rule(training, [axis.name for axis in axes])),
        ("epochs", ", ".join([f"{training.epochs:,}", *ends])),
        ("runs", f"{runs:,}"),
    ]
    for axis in axes:
        if isinstance(axis.values, Drawn):
            said = axis.values.text()
        else:
            first, last = axis.values.ends()
            said = f"{axis.values.count:,} from {first} to {last}"
        rows.append((f"axis {axis.name}", said))
    return [row for row in rows if row[1]]


def card(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Write labels and texts as an HTML table; both are escaped."""
    lines = "".join(
        f'<tr><th style="text-align:left">{escape(label)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for label, text in rows
    )
    return f"<table><caption><strong>{escape(title)}</strong></caption>{lines}</table>"
