"""Decision regions of a network with two inputs, and how they change during training."""

from collections.abc import Sequence

import pandas as pd

from harness.analysis import predictions
from harness.analysis.predictions import class_names
from harness.kernels.metrics import classes_of, threshold_of
from harness.plots.classes import class_entries, draw_classes, draw_regions
from harness.plots.kinds import Kind, Options
from harness.plots.reading import need_classes, need_inputs, one_run
from harness.plots.style import (
    SLIDE,
    Picture,
    Style,
    dress,
    fitted,
    headline,
    legend,
    new_figure,
)
from harness.plots.titles import run_title
from harness.results.sentences import column_names
from harness.results.tables import Results

_PANELS = 8
_POINTS = 100  # of the lattice along each input


def draw(results: Results, options: Options) -> Picture:
    """Draw the decision regions of one run at several epochs, more densely in the beginning."""
    experiment = results.experiment
    run_id, row = one_run(results, options.run)
    epochs = predictions.spread_epochs(int(row["epochs"]), _PANELS)
    single = experiment.single(run_id)  # an axis may change the data
    points = predictions.data_points(single)
    targets = points.filter(like="target_").to_numpy()
    threshold = threshold_of(targets)
    inputs = predictions.lattice(single, _POINTS)
    curves = predictions.curves(experiment, run_id, epochs, inputs)
    picture = regions(
        points.assign(**{"class": classes_of(targets, threshold)}),
        curves.assign(**{"class": predictions.predicted_classes(curves, threshold)}),
        class_names(single.source, "class "),
        inputs=column_names(results, "inputs"),
        style=options.style,
        title=run_title(results, run_id, row),
    )
    picture.caption = "Colours are predicted classes, dots the data points."
    return picture


def regions(
    points: pd.DataFrame,
    curves: pd.DataFrame,
    names: Sequence[str],
    *,
    inputs: Sequence[str] = (),
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the class that a network predicts everywhere, one panel per epoch.

    Parameters
    ----------
    points : DataFrame
        The data points: input_1, input_2, class, held_out.
    curves : DataFrame
        epoch; input_1 and input_2, a lattice; class, or -1 where the predictions are not finite.
    names : sequence of str
        Names of the classes.
    inputs : sequence of str
        Names of the inputs.
    """
    epochs = curves["epoch"].unique()
    figure, panels = new_figure(
        style, len(epochs), 4 if style.beside else 2, sharex=True, sharey=True
    )
    observed = points["class"].to_numpy()
    room = 0.2 if style.beside else 0.35  # of the width of the figure, for a panel
    x, y = (fitted(name, style, room) for name in inputs or ("input 1", "input 2"))
    for axes, epoch in zip(panels, epochs, strict=True):
        curve = curves[curves["epoch"] == epoch]
        draw_regions(axes, curve, curve["class"].to_numpy(), len(names), style)
        draw_classes(axes, points, observed, len(names), 0.3 * style.font)
        dress(axes, style, x=x, y=y, title=f"epoch {epoch:,}")
        axes.autoscale(tight=True)
        axes.label_outer()
    headline(figure, style, title)
    legend(figure, style, class_entries(names, points, style))
    figure.table = curves
    return figure


KIND = Kind(
    summary="Decision regions of one run during training; for classes and two inputs.",
    draw=draw,
    takes=("run",),
    needs=(need_classes, need_inputs("regions", 2, "confusion")),
)
