"""The curve that a network has learnt, over the data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis import predictions
from harness.formatting import plural
from harness.kernels.metrics import are_classes, threshold_of
from harness.plots.classes import (
    DIVERGED,
    class_entries,
    class_look,
    draw_classes,
    draw_dots,
    draw_regions,
    edges,
    held_out_entries,
    on_lattice,
    ring_entries,
)
from harness.plots.kinds import Kind, Options
from harness.plots.reading import one_run
from harness.plots.style import (
    CATEGORIES,
    DARK,
    SHARES,
    SLIDE,
    Picture,
    Style,
    colour_bar,
    dress,
    entry,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import run_title
from harness.results.sentences import column_names
from harness.results.tables import Results

_POINTS = {1: 400, 2: 200}  # of the curve along each input, by their number
_LEVELS = 15
_DOT = "#999999"


def draw(results: Results, options: Options) -> Picture:
    """Draw what one run has learnt."""
    experiment = results.experiment
    run_id, row = one_run(results, options.run)
    single = experiment.single(run_id)  # an axis may change the data
    points = predictions.data_points(single)
    data = points.filter(like="input_").to_numpy()
    inputs, count = data.shape[1], len(data)
    if inputs in _POINTS:
        data = np.concatenate((data, predictions.lattice(single, _POINTS[inputs])))
    found = predictions.final_curve(experiment, row, data)
    at_data = found[:count].filter(like="prediction_")
    picture = fit(
        points.join(at_data),
        found[count:],
        inputs=column_names(results, "inputs"),
        outputs=column_names(results, "targets"),
        style=options.style,
        title=run_title(results, run_id, row),
    )
    picture.caption = f"Run {run_id}, with {plural(count, 'data point')}."
    return picture


def fit(
    points: pd.DataFrame,
    curve: pd.DataFrame,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw what a network predicts, and the data points.

    With one input this is a curve. With two it is an area, coloured by the output or, if the
    targets are classes, by the largest output. Otherwise it is predicted against observed.

    Parameters
    ----------
    points : DataFrame
        The data points and the predictions there: input_1, ...; target_1, ...; prediction_1, ...;
        held_out.
    curve : DataFrame
        Other inputs and the predictions there: input_1, ...; prediction_1, ... Two inputs form a
        lattice. Not used if there are more.
    inputs, outputs : sequence of str
        Their names. Default: "input 1" and so on.
    """
    width = sum(str(name).startswith("input_") for name in points)
    targets = [name for name in points if str(name).startswith("target_")]
    inputs = inputs or _numbered("input", width)
    outputs = outputs or _numbered("output", len(targets))
    figure, (axes,) = new_figure(style)
    one_hot = bool(
        np.isin(points[targets], (0, 1)).all() and (points[targets].sum(axis=1) == 1).all()
    )
    if width == 1:
        _curves(figure, axes, points, curve, outputs, style)
        x, y = inputs[0], outputs[0] if len(outputs) == 1 else "output"
    elif width == 2 and (len(targets) == 1 or one_hot):
        if len(targets) == 1:
            _area(figure, axes, points, curve, outputs[0], style)
        else:
            _regions(figure, axes, points, curve, outputs, style)
        x, y = inputs
    else:
        _against(figure, axes, points, outputs, style)
        x, y = "observed", "predicted"
    dress(axes, style, x=x, y=y, title=title)
    return figure


def _numbered(noun: str, count: int) -> list[str]:
    return [noun] if count == 1 else [f"{noun} {k + 1}" for k in range(count)]


def _curves(
    figure: Any,
    axes: Any,
    points: pd.DataFrame,
    curve: pd.DataFrame,
    outputs: Sequence[str],
    style: Style,
) -> None:
    handles = []
    for k, output in enumerate(outputs, start=1):
        colour = CATEGORIES[(k - 1) % len(CATEGORIES)]
        predicted = curve[f"prediction_{k}"].to_numpy()
        axes.plot(
            curve["input_1"],
            np.where(np.isfinite(predicted), predicted, np.nan),
            color=colour,
            linewidth=1.4 * style.line,
        )
        look = {"color": colour if len(outputs) > 1 else DARK, "markersize": 0.6 * style.font}
        look |= {"clip_on": False, "zorder": 3}
        draw_dots(axes, points, "input_1", f"target_{k}", "o", look)
        if len(outputs) > 1:
            handles.append(entry(output, color=colour, marker="o"))
    if not np.isfinite(curve.filter(like="prediction_").to_numpy()).any():
        remark(axes, style, DIVERGED)
    if not handles:
        handles = [
            entry("prediction", color=CATEGORIES[0], linewidth=1.4 * style.line),
            entry("data", color=DARK, marker="o", linestyle="", markersize=0.6 * style.font),
        ]
    legend(figure, style, [*handles, *held_out_entries(points, style)])


def _area(
    figure: Any, axes: Any, points: pd.DataFrame, curve: pd.DataFrame, output: str, style: Style
) -> None:
    handles = []
    predicted = curve["prediction_1"].to_numpy()
    target = points["target_1"].to_numpy()
    good = predicted[np.isfinite(predicted)]
    every = np.concatenate((good, target))
    low, high = float(every.min()), float(every.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    if good.size:
        x, y, z = on_lattice(curve, np.ma.masked_invalid(predicted))
        axes.contourf(x, y, z, np.linspace(low, high, _LEVELS), cmap=SHARES)
        threshold = threshold_of(target)
        if are_classes(target[:, np.newaxis]) and good.min() < threshold < good.max():
            axes.contour(x, y, z, [threshold], colors=[DARK], linewidths=style.line)
            handles.append(entry("boundary of the classes", color=DARK, linewidth=style.line))
    else:
        remark(axes, style, DIVERGED)
    dots = axes.scatter(
        points["input_1"],
        points["input_2"],
        c=target,
        cmap=SHARES,
        vmin=low,
        vmax=high,
        edgecolors=edges(points),
        linewidths=style.line,
        s=(0.75 * style.font) ** 2,
        zorder=3,
        clip_on=False,
    )
    colour_bar(figure, style, dots, axes, output)
    data = entry(
        "data, in the colour of the target",
        marker="o",
        linestyle="",
        markerfacecolor=_DOT,
        markeredgecolor="white",
        markersize=0.6 * style.font,
    )
    legend(figure, style, [data, *ring_entries(points, style), *handles])


def _regions(
    figure: Any,
    axes: Any,
    points: pd.DataFrame,
    curve: pd.DataFrame,
    outputs: Sequence[str],
    style: Style,
) -> None:
    count = len(outputs)
    draw_regions(axes, curve, predictions.predicted_classes(curve), count, style)
    targets = points[[f"target_{k}" for k in range(1, count + 1)]].to_numpy()
    draw_classes(axes, points, targets.argmax(axis=1), count, 0.4 * style.font)
    axes.autoscale(tight=True)
    legend(figure, style, class_entries(outputs, points, style))


def _against(
    figure: Any, axes: Any, points: pd.DataFrame, outputs: Sequence[str], style: Style
) -> None:
    handles = []
    targets = points[[f"target_{k}" for k in range(1, len(outputs) + 1)]].to_numpy()
    ends = [targets.min(), targets.max()]
    axes.plot(ends, ends, color=DARK, linestyle=":", linewidth=style.line)
    for k, output in enumerate(outputs, start=1):
        colour, marker = class_look(k - 1)
        look = {"color": colour, "markersize": 0.35 * style.font}
        predicted = points[f"prediction_{k}"]
        shown = points.assign(predicted=predicted.where(np.isfinite(predicted)))
        draw_dots(axes, shown, f"target_{k}", "predicted", marker, {**look, "alpha": 0.7})
        handles.append(entry(output, marker=marker, linestyle="", **look))
    if not np.isfinite(points.filter(like="prediction_").to_numpy()).any():
        remark(axes, style, DIVERGED)
    diagonal = entry("predicted = observed", color=DARK, linestyle=":")
    if len(outputs) == 1:
        handles = []
    legend(figure, style, [*handles, *held_out_entries(points, style), diagonal])


KIND = Kind(
    summary="What one run has learnt: its predictions and the data.", draw=draw, takes=("run",)
)
