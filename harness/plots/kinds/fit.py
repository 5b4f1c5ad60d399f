"""The curve that a network has learnt, over the data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis import predictions
from harness.analysis.predictions import class_names
from harness.formatting import plural
from harness.kernels.metrics import are_classes, classes_of, threshold_of
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
from harness.plots.scales import set_outputs
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
_FEW = 50  # data points that have room for large dots
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
        classes=class_names(single.source, "class "),
        style=options.style,
        title=run_title(results, run_id, row),
    )
    picture.caption = f"Run {run_id}, with {plural(count, 'data point')}. {picture.caption}"
    return picture


def fit(
    points: pd.DataFrame,
    curve: pd.DataFrame,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    classes: Sequence[str] = (),
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw what a network predicts, and the data points.

    With one input this is a curve. With two it is an area, coloured by the output or, if the
    targets are classes, by the largest output. With more inputs it is the output for the class of
    each data point or, without classes, predicted against observed.

    Parameters
    ----------
    points : DataFrame
        The data points and the predictions there: input_1, ...; target_1, ...; prediction_1, ...;
        held_out.
    curve : DataFrame
        Other inputs and the predictions there: input_1, ...; prediction_1, ... Two inputs form a
        lattice. Not used if there are more.
    inputs, outputs, classes : sequence of str
        Their names. Default: "input 1" and so on.
    """
    width = sum(str(name).startswith("input_") for name in points)
    targets = [name for name in points if str(name).startswith("target_")]
    inputs = inputs or _numbered("input", width)
    outputs = outputs or _numbered("output", len(targets))
    figure, (axes,) = new_figure(style)
    observed = points[targets].to_numpy(np.float64)
    one_hot = len(targets) > 1 and are_classes(observed)
    figure.table = points if width > 2 else pd.concat([points, curve], ignore_index=True)
    if width == 1:
        _curves(figure, axes, points, curve, outputs, style)
        figure.caption = f"The line is the prediction, dots are the data points. {figure.caption}"
        x, y = inputs[0], outputs[0] if len(outputs) == 1 else "output"
    elif width == 2 and (len(targets) == 1 or one_hot):
        if len(targets) == 1:
            _area(figure, axes, points, curve, outputs[0], style)
            figure.caption = "Colours are predictions; dots have the colours of their targets."
        else:
            _regions(figure, axes, points, curve, outputs, style)
            figure.caption = "Colours are predicted classes, dots the data points."
        x, y = inputs
    elif are_classes(observed):
        names = classes or _numbered("class", max(len(targets), 2))
        _by_class(figure, axes, points, names, style)
        x, y = "class", "output for the class" if one_hot else "output"
        figure.caption = (
            "Each dot is a data point; crosses are those that the network takes for another class."
        )
    else:
        _against(figure, axes, points, outputs, style)
        x, y = "observed", "predicted"
        figure.caption = "Each dot is a data point; on the dotted line predictions are right."
    dress(axes, style, x=x, y=y, title=title)
    figure.caption = figure.caption.strip()
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
    found = curve.filter(like="prediction_")
    if not np.isfinite(found.to_numpy()).any():
        remark(axes, style, DIVERGED)
    elif set_outputs(axes, points.filter(like="target_"), found):
        figure.caption = "Predictions beyond the y axis are cut off."
        if not found.map(lambda value: axes.viewLim.y0 < value < axes.viewLim.y1).any(axis=None):
            remark(axes, style, "all predictions are beyond the y axis")
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
    few = len(points) <= _FEW
    dots = axes.scatter(
        points["input_1"],
        points["input_2"],
        c=target,
        cmap=SHARES,
        vmin=low,
        vmax=high,
        edgecolors=edges(points),
        linewidths=(1.0 if few else 0.5) * style.line,
        s=((0.75 if few else 0.5) * style.font) ** 2,
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


def _by_class(
    figure: Any, axes: Any, points: pd.DataFrame, names: Sequence[str], style: Style
) -> None:
    """Draw the output for the class of each data point, or the only output, class by class."""
    targets = points.filter(like="target_").to_numpy(np.float64)
    predicted = points.filter(like="prediction_").to_numpy(np.float64)
    threshold = threshold_of(targets)
    observed = classes_of(targets, threshold)
    single = targets.shape[1] == 1
    column = 0 if single else observed
    output = predicted[np.arange(len(points)), column]
    aside = np.empty(len(points))
    for k in range(len(names)):
        aside[observed == k] = np.linspace(-0.35, 0.35, int((observed == k).sum()))
    finite = np.isfinite(predicted).all(axis=1)
    at = points.assign(input_1=observed + aside, input_2=np.where(finite, output, np.nan))
    draw_classes(axes, at, observed, len(names), 0.4 * style.font)
    wrong = at[finite & (classes_of(predicted, threshold) != observed)]
    look = {"color": DARK, "markersize": 0.7 * style.font, "markeredgewidth": 0.7 * style.line}
    axes.plot(wrong["input_1"], wrong["input_2"], "x", **look)
    if single:
        axes.axhline(threshold, color=DARK, linestyle=":", linewidth=style.line)
    if not finite.any():
        remark(axes, style, DIVERGED)
    axes.set_xticks(range(len(names)), names)
    handles = held_out_entries(points, style)
    if len(wrong):
        handles.append(entry("taken for another class", marker="x", linestyle="", **look))
    legend(figure, style, handles)


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
