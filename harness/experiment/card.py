"""An experiment as a small table for notebooks."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.experiment.document import Experiment


def experiment_rows(experiment: "Experiment") -> list[tuple[str, str]]:
    """Return what a reader asks first of an experiment, as labels and texts."""
    network, training = experiment.perceptron, experiment.training
    ends = [
        f"{name} {value:g}"
        for name, value in (("tolerance", training.tolerance), ("limit", training.limit))
        if value is not None
    ]
    rows = [
        ("question", experiment.question),
        ("network", f"{'-'.join(map(str, network.sizes))} {' '.join(network.activations)}"),
        ("loss", f"{network.loss} on {len(experiment.dataset.inputs)} data points"),
        ("epochs", ", ".join([f"{training.epochs:,}", *ends])),
        ("runs", f"{experiment.axes.size:,}"),
    ]
    for axis in experiment.axes.axes:
        first, last = axis.values.ends()
        rows.append((f"axis {axis.name}", f"{axis.values.count:,} from {first} to {last}"))
    return [row for row in rows if row[1]]


def card(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Write labels and texts as an HTML table; whatever is in them is text."""
    lines = "".join(
        f'<tr><th style="text-align:left">{escape(label)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for label, text in rows
    )
    return f"<table><caption><strong>{escape(title)}</strong></caption>{lines}</table>"
