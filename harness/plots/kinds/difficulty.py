"""Difficulty of data points: how many runs classify each of them rightly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from harness.analysis.difficulty import right_shares, within
from harness.analysis.predictions import class_names, data_points
from harness.analysis.ranking import SEEDS
from harness.analysis.sampling import scattered
from harness.experiment.data import Dataset
from harness.experiment.new_inputs import input_columns
from harness.formatting import plural
from harness.plots import reading
from harness.plots.classes import class_entries, class_look, draw_classes, edges, ring_entries
from harness.plots.kinds import Kind, Options
from harness.plots.style import (
    GREY,
    SHARES,
    SLIDE,
    STRIP,
    Picture,
    Style,
    colour_bar,
    dress,
    entry,
    headline,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import count_runs
from harness.results.sentences import column_names
from harness.results.tables import Results

_MOST_RUNS = 2_000
_MOST_WORK = 1e11  # multiply-adds to train runs again: ten seconds in lanes
_FEWEST = 10  # runs; a share of fewer says little
_NAMED = 12  # hardest data points
_SHARE = "runs that are right, %"


def draw(results: Results, options: Options) -> Picture:
    """Draw the share of runs that classify each data point rightly.

    These are all runs, or those with the settings of one run and other seeds. Those that diverged
    are left out.
    """
    experiment = results.experiment
    like, _ = reading.one_run(results, options.run)
    axes = experiment.data_axes  # the others have other data points
    if options.run is not None:
        axes = [axis.name for axis in experiment.grid.axes if axis.name not in SEEDS]
    columns = ["run_id", "status", "epochs"]
    runs, shared = reading.runs_like(results, like, axes, columns, _MOST_RUNS)
    kept = runs[runs["status"].astype(str) != "diverged"]
    if kept.empty:
        figure, (axes,) = new_figure(options.style)
        remark(axes, options.style, f"all {len(runs):,} runs diverged")
        axes.set_axis_off()
        figure.caption = f"{count_runs(results, len(runs))}, which all diverged."
        figure.table = pd.DataFrame(columns=["class", "held_out", "runs", "right"])
        return figure
    kept = _with_parameters(results, kept)
    single = experiment.single(like)
    shares = right_shares(experiment, kept)
    diverged = int(runs["status"].astype(str).eq("diverged").sum())
    drawn = len(kept) + diverged
    count = plural(drawn, "run") if shared else count_runs(results, drawn)
    title = "share of right answers for each data point"
    told = f"Shares of {count}{f' with {shared}' if shared else ''}"
    if diverged:
        told += f", without the {diverged:,} that diverged"
    if (shares["runs"] < len(kept)).any():
        told += "; for each held-out point, of the runs that hold it out"
    picture = difficulty(
        data_points(single).drop(columns="held_out").join(shares),
        class_names(single.source, "class "),
        inputs=column_names(results, "inputs"),
        style=options.style,
        title=title,
    )
    picture.caption = f"{told}. {picture.caption}".strip()
    picture.table = _in_data_units(single.source, picture.table)
    return picture


def _in_data_units(source: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `difficulty` with the inputs and classes as the data have them."""
    found = table.filter(["point", "class", "held_out", "runs", "right"])
    found["class"] = np.array(class_names(source), dtype=object)[found["class"]]
    for at, column in enumerate(input_columns(source), start=1):
        name = f"input_{column.name}" if column.name in found else column.name
        found.insert(at, name, column.values(source.inputs))
    return found


def _with_parameters(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """Return runs with their final parameters, or those that can be trained again in little time.

    Raises
    ------
    ResultsError
        There are too few of them.
    """
    if results.experiment.record.parameters:
        return results.read_runs(results.run_columns, runs["run_id"].tolist())
    order = np.argsort(scattered(runs["run_id"]), kind="stable")
    found = within(results.experiment, runs.iloc[order], _MOST_WORK)
    if len(found) < min(_FEWEST, len(runs)):
        reading.need_parameters(results)
    return found


def difficulty(
    points: pd.DataFrame,
    names: Sequence[str],
    *,
    inputs: Sequence[str] = (),
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the share of runs that classify each data point rightly.

    With two inputs the data points are drawn in their plane. Otherwise they are in the order of
    their shares, and the hardest have their numbers.

    Parameters
    ----------
    points : DataFrame
        The data points: input_1, ...; class, held_out, right. Their index is their numbers.
    names : sequence of str
        Names of the classes.
    inputs : sequence of str
        Names of the inputs.
    """
    if sum(str(name).startswith("input_") for name in points) == 2:
        figure, (axes,) = new_figure(style)
        handles = _draw_plane(figure, axes, points, names, style)
        axes.set_facecolor(STRIP)  # the colour of a share of 100 % is faint on white
        x, y = inputs or ("input 1", "input 2")
        dress(axes, style, x=x, y=y)
    else:
        figure, (left, right) = new_figure(style, 2)
        ordered = points.sort_values("right", kind="stable")
        _draw_hardest(left, ordered[ordered["right"] < 1].head(_NAMED), names, style)
        _draw_ordered(right, ordered, len(names), style)
        handles = class_entries(names, points, style)
        figure.caption = "Data points have their numbers, from 0, and their classes."
    headline(figure, style, title)
    legend(figure, style, handles)
    figure.table = points.rename_axis("point").reset_index()
    return figure


def _draw_plane(
    figure: Any, axes: Any, points: pd.DataFrame, names: Sequence[str], style: Style
) -> list[Any]:
    """Draw data points of two inputs in the colours of their shares; return the legend."""
    handles = []
    dots = None
    for k, name in enumerate(names):
        _, marker = class_look(k)
        # The hardest are drawn last.
        ours = points[points["class"] == k].sort_values("right", ascending=False, kind="stable")
        dots = axes.scatter(
            ours["input_1"],
            ours["input_2"],
            c=100 * ours["right"],
            cmap=SHARES,
            vmin=0,
            vmax=100,
            marker=marker,
            s=(0.6 * style.font) ** 2,
            linewidths=0.6 * style.line,
            edgecolors=edges(ours),
        )
        look = {"marker": marker, "color": GREY, "markersize": 0.6 * style.font}
        handles.append(entry(name, linestyle="", **look))
    colour_bar(figure, style, dots, axes, _SHARE)
    return [*handles, *ring_entries(points, style)]


def _draw_hardest(axes: Any, hardest: pd.DataFrame, names: Sequence[str], style: Style) -> None:
    """Draw a row for each of a few data points, with its number and its class."""
    if hardest.empty:
        remark(axes, style, "every run is right\nat every data point")
    rows = np.arange(len(hardest))
    axes.hlines(rows, 0, 100 * hardest["right"], color=GREY, linewidth=style.line / 2)
    at = hardest.assign(input_1=100 * hardest["right"], input_2=rows)
    draw_classes(axes, at, at["class"].to_numpy(), len(names), 0.5 * style.font)
    classes = hardest["class"]
    labels = [f"{number}, {names[k]}" for number, k in zip(hardest.index, classes, strict=True)]
    axes.set_yticks(rows, labels)
    axes.invert_yaxis()
    axes.set_xlim(-2, 102)
    dress(axes, style, x=_SHARE, title="hardest data points", room=0.4 if style.beside else 0.8)


def _draw_ordered(axes: Any, ordered: pd.DataFrame, count: int, style: Style) -> None:
    """Draw all data points in the order of their shares."""
    at = ordered.assign(input_1=np.arange(1, len(ordered) + 1), input_2=100 * ordered["right"])
    draw_classes(axes, at, at["class"].to_numpy(), count, 0.3 * style.font)
    axes.set_ylim(-2, 102)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    dress(axes, style, x="data points, hardest first", y=_SHARE, title="all data points", room=0.4)


KIND = Kind(
    summary="Share of runs that classify each data point rightly; for classes.",
    draw=draw,
    takes=("run",),
    needs=(reading.need_classes,),
)
