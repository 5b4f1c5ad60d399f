"""Training against held-out data points over the epochs: medians and middle halves of all runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from harness.analysis.measures import bands
from harness.analysis.ranking import trained_loss
from harness.plots import reading
from harness.plots.kinds import Kind, Options
from harness.plots.scales import label_of, set_epochs, span_of
from harness.plots.style import (
    CATEGORIES,
    SLIDE,
    Picture,
    Style,
    dress,
    entry,
    headline,
    legend,
    new_figure,
)
from harness.plots.titles import count_runs
from harness.results.tables import Results
from harness.training.evaluation import HELD_OUT

_SAMPLE = 5_000  # runs that quantiles are taken of
_BANDS = (0.25, 0.5, 0.75)
_SUMS = ("ssr", "half_ssr")  # losses that grow with the number of data points
_SIDES = {"": ("training", CATEGORIES[0]), HELD_OUT: ("held out", CATEGORIES[1])}


def draw(results: Results, options: Options) -> Picture:
    """Draw the loss, and the first metric if there is one, of training and held-out data."""
    experiment = results.experiment
    loss = trained_loss(results.run_columns).removesuffix("_final")
    names = [loss, *experiment.record.metrics[:1]]
    columns = [f"{prefix}{name}" for name in names for prefix in _SIDES]
    runs, table = reading.runs_and_trajectories(results, ["status"], _SAMPLE, columns)
    labels = {name: label_of(name) for name in names}
    if experiment.network.loss in _SUMS:
        validation = experiment.validation
        assert validation is not None  # `need_held_out` has seen it
        table[loss] /= len(experiment.data.inputs)
        table[f"{HELD_OUT}{loss}"] /= len(validation.inputs)
        labels[loss] = f"{loss.upper() if loss == 'ssr' else loss} per data point"
    kept = runs[runs["status"].astype(str) != "diverged"]
    left_out = len(runs) - len(kept)
    title = f"training and held-out data of {count_runs(results, len(runs))}"
    if left_out:
        title += f"; {left_out:,} that diverged left out"
    table = table[table["run_id"].isin(kept["run_id"])]
    return learning(kept, table, labels, style=options.style, title=title)


def learning(
    runs: pd.DataFrame,
    table: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw quantiles of columns and of those of held-out data, one panel for each column.

    Parameters
    ----------
    runs : DataFrame
        With run_id and status.
    table : DataFrame
        Trajectories of these runs, with run_id, epoch, each column and `validation_<column>`.
    labels : mapping of str to str
        The columns, with what the axes say.
    """
    figure, panels = new_figure(style, len(labels))
    for axes, (name, label) in zip(panels, labels.items(), strict=True):
        found = {prefix: bands(table, runs, _BANDS, f"{prefix}{name}") for prefix in _SIDES}
        if len(runs):
            _draw_bands(axes, found, style, log=name in ("ssr", "loss"))
            set_epochs(axes, float(table["epoch"].max()))
        dress(axes, style, x="epoch", y=label)
    headline(figure, style, title)
    legend(figure, style, _entries(style))
    return figure


def _draw_bands(axes: Any, found: Mapping[str, pd.DataFrame], style: Style, *, log: bool) -> None:
    numbers = np.concatenate(
        [part.drop(columns="epoch").to_numpy().ravel() for part in found.values()]
    )
    span = span_of(numbers[np.isfinite(numbers)], beyond=False) if log else None
    for prefix, (_, colour) in _SIDES.items():
        part = found[prefix]
        low, middle, high = (
            part[str(share)] if span is None else span.positions(part[str(share)])
            for share in _BANDS
        )
        axes.fill_between(part["epoch"], low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(part["epoch"], middle, color=colour, linewidth=1.3 * style.line)
    if span is not None:
        span.set(axes.yaxis, "")


def _entries(style: Style) -> list[Any]:
    medians = [
        entry(f"{says}, median", color=colour, linewidth=1.3 * style.line)
        for says, colour in _SIDES.values()
    ]
    halves = [
        Patch(color=colour, alpha=0.25, linewidth=0, label=f"{says}, middle half")
        for says, colour in _SIDES.values()
    ]
    return [*medians, *halves]


KIND = Kind(
    summary="Loss and first metric over the epochs, of training against held-out data.",
    draw=draw,
    needs=(reading.need_trajectories, reading.need_held_out),
)
