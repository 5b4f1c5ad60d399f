"""An experiment as a small table for notebooks."""

from collections.abc import Sequence
from html import escape

from harness.experiment.grid import Axis
from harness.experiment.network import Network
from harness.experiment.schema import TrainingSection


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
        ("epochs", ", ".join([f"{training.epochs:,}", *ends])),
        ("runs", f"{runs:,}"),
    ]
    for axis in axes:
        first, last = axis.values.ends()
        rows.append((f"axis {axis.name}", f"{axis.values.count:,} from {first} to {last}"))
    return [row for row in rows if row[1]]


def card(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Write labels and texts as an HTML table; both are escaped."""
    lines = "".join(
        f'<tr><th style="text-align:left">{escape(label)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for label, text in rows
    )
    return f"<table><caption><strong>{escape(title)}</strong></caption>{lines}</table>"
