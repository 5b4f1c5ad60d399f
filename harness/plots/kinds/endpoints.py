"""Final parameters of runs: a pair of them, or their first two principal components."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import NDArray

from harness.analysis.parameters import exchanged, parameters_of
from harness.analysis.solutions import MOST_RUNS, solutions
from harness.errors import ResultsError, shown
from harness.experiment.network import Network
from harness.formatting import plural
from harness.hints import nearest
from harness.plots import reading
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import FINAL_SSR, Quantity, final_quantity
from harness.plots.scales import colour_range, set_linear_ticks, set_log_ticks
from harness.plots.style import (
    DARK,
    SLIDE,
    VALUES,
    Picture,
    Style,
    colour_bar,
    dress,
    entry,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import count_runs
from harness.results.tables import Results

Floats = NDArray[np.float64]

_MARKED = 6
_APART = 0.1  # labels of solutions, as a share of the height of the panel

# Runs farther from the median than `_FAR` times the `_MOST` quantile of these distances are drawn
# at the edge.
_FAR = 4.0
_MOST = 0.8


def draw(results: Results, options: Options) -> Picture:
    """Draw where the runs of a sweep ended, for the network of the best run."""
    best = results.best_run
    network = results.experiment.single(best).network
    pair = None
    if options.x or options.y:
        pair = _checked(options.x, network), _checked(options.y, network)
    quantity = final_quantity(results, options.measure, endings=False)
    columns = ["run_id", "status", "ssr_final", quantity.column]
    columns += [f"{name}_final" for name in network.parameters]
    axes = [axis.name for axis in results.experiment.variant_grid.axes]
    # The size of a sample is approximate: keep clear of the limit of `solutions`.
    runs, shared = reading.runs_like(results, best, axes, columns, int(0.9 * MOST_RUNS))
    title = "where runs ended" + (f", {shared}" if shared else "")
    picture = endpoints(
        runs, network, pair=pair, quantity=quantity, style=options.style, title=title
    )
    count = plural(len(runs), "run") if shared else count_runs(results, len(runs))
    diverged = int(runs["status"].astype(str).eq("diverged").sum())
    left_out = f", without the {diverged:,} that diverged" if diverged else ""
    if diverged == len(runs):
        left_out = ", which all diverged"
    picture.caption = f"{count}{left_out}. {picture.caption}".strip()
    if network.loss == "cross_entropy":  # of classes, whose solutions differ in every run
        picture.caption += " The plot confusion shows which classes are mistaken for which."
    return picture


def _checked(name: str | None, network: Network) -> str:
    if name not in network.parameters:
        given = name or ""
        hint = nearest(given, network.parameters)
        raise ResultsError(
            f"endpoints takes two parameters as --x and --y; {shown(given)} is not a parameter of"
            f" the network. {hint}".rstrip()
            + f"\nThe parameters are {shown(list(network.parameters))}."
        )
    return name


def endpoints(
    runs: pd.DataFrame,
    network: Network,
    *,
    pair: tuple[str, str] | None = None,
    quantity: Quantity = FINAL_SSR,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw where the parameters of runs ended, with the most frequent solutions.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status, ssr_final, the column of the quantity and all final parameters, such as
        w1_final; at most `harness.analysis.solutions.MOST_RUNS` rows. Runs that diverged are not
        drawn.
    network : Network
        Their network.
    pair : tuple of str, optional
        Names of two parameters. Default: the first two principal components of all parameters,
        with hidden units in ascending order, so that runs that differ only in the order of their
        units coincide. A network with two parameters needs no components.
    quantity : Quantity
        What the colours show.
    """
    theta = parameters_of(runs, network)
    good = runs["status"].astype(str).ne("diverged").to_numpy() & np.isfinite(theta).all(axis=1)
    kept, theta = runs[good].reset_index(drop=True), theta[good]
    if pair is None and network.parameter_count == 2:
        pair = network.parameters[0], network.parameters[1]
    figure, (axes,) = new_figure(style)
    x, y = pair or ("component 1", "component 2")
    names = ["x", "y"] if pair is None else list(pair)
    figure.table = pd.DataFrame(columns=["run_id", *names, quantity.column])
    if kept.empty:
        remark(axes, style, f"all {len(runs):,} runs diverged")
        axes.set_axis_off()
    else:
        if pair is not None:
            at = theta[:, [network.positions[name] for name in pair]]
            near = _near(at)
        else:
            points = np.array([exchanged(row, network) for row in theta])
            near = _near(points)
            at, shares = _components(points, near)
            if shares.any():
                x, y = (
                    f"component {k + 1} ({share:.0%} of variance)" for k, share in enumerate(shares)
                )
        _dots(figure, axes, at, near, kept[quantity.column].to_numpy(float), quantity, style)
        figure.table = pd.DataFrame(at, columns=names)
        figure.table.insert(0, "run_id", kept["run_id"])
        figure.table[quantity.column] = kept[quantity.column]
        handles = _rings(axes, kept, at, near, network, style)
        if not near.all():
            look = {"marker": "D", "linestyle": "", "markersize": 0.3 * style.font}
            handles.append(entry(f"{(~near).sum():,} further out", color=DARK, **look))
        legend(figure, style, handles)
        if pair is None:
            figure.caption = (
                "Components are the directions in which the final parameters differ most. Hidden"
                " units are in ascending order, so that exchanged ones coincide."
            )
        if not near.all():
            figure.caption += " Runs further out are drawn at the edge."
        figure.caption = figure.caption.strip()
    dress(axes, style, x=x, y=y, title=title)
    return figure


def _near(points: Floats) -> NDArray[np.bool_]:
    """Return a mask of the points that are not outliers."""
    distance = np.abs(points - np.median(points, axis=0)).max(axis=1)
    near: NDArray[np.bool_] = distance <= _FAR * max(float(np.quantile(distance, _MOST)), 1e-12)
    return near


def _components(points: Floats, near: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the first two principal components (runs, 2), and their shares of the variance.

    Only near points count: a single outlier would determine the first component.
    """
    centre = points[near].mean(axis=0)
    _, sizes, directions = np.linalg.svd(points[near] - centre, full_matrices=False)
    directions = np.vstack((directions, np.zeros((2, directions.shape[1]))))[:2]
    # The sign of a direction is arbitrary: make its largest part positive.
    largest = np.abs(directions).argmax(axis=1)
    signs = np.where(directions[np.arange(2), largest] < 0, -1.0, 1.0)
    variance = np.append(sizes**2, (0.0, 0.0))
    shares = variance[:2] / (variance.sum() or 1.0)
    return (points - centre) @ (directions * signs[:, None]).T, shares


def _dots(
    figure: Any,
    axes: Any,
    at: Floats,
    near: NDArray[np.bool_],
    values: Floats,
    quantity: Quantity,
    style: Style,
) -> None:
    """Draw one dot per run, with diamonds at the edge for those further out."""
    low, high = colour_range(values, log=quantity.log)
    ends = np.array([at[near].min(axis=0), at[near].max(axis=0)])
    room = np.where(ends[1] > ends[0], 0.06 * (ends[1] - ends[0]), 0.5)
    inside = np.clip(at, ends[0] - room, ends[1] + room)
    # The best runs on top.
    order = np.argsort(values if quantity.higher_is_better else -values, kind="stable")
    norm = LogNorm(low, high) if quantity.log else Normalize(low, high)
    colours = np.maximum(values, np.finfo(float).tiny) if quantity.log else values
    for marker, chosen in (("D", order[~near[order]]), ("o", order[near[order]])):
        dots = axes.scatter(
            inside[chosen, 0],
            inside[chosen, 1],
            marker=marker,
            norm=norm,
            cmap=VALUES,
            c=colours[chosen],
            s=(0.35 * style.font) ** 2,
            alpha=0.8,
            linewidths=0,
            rasterized=len(at) > 1000,
            clip_on=False,
        )
    axes.set_xlim(ends[0, 0] - room[0], ends[1, 0] + room[0])
    axes.set_ylim(ends[0, 1] - room[1], ends[1, 1] + room[1])
    bar = colour_bar(figure, style, dots, axes, quantity.label, extend="both")
    (set_log_ticks if quantity.log else set_linear_ticks)(bar.ax.yaxis, low, high)


def _rings(
    axes: Any,
    runs: pd.DataFrame,
    at: Floats,
    near: NDArray[np.bool_],
    network: Network,
    style: Style,
) -> list[Any]:
    """Draw rings around the most frequent solutions, with their number of runs."""
    table = solutions(runs, network)
    row_of = {run_id: row for row, run_id in enumerate(runs["run_id"])}
    rows = [row_of[run_id] for run_id in table["run_id"]]
    often = table[(table["runs"] > 1) & near[rows]].head(_MARKED)
    points = [at[row_of[run_id]] for run_id in often["run_id"]]
    fractions = [axes.transLimits.transform(point)[1] for point in points]
    # Labels are beside the panel, in the order of their rings, so that none covers another.
    heights = _spread(np.array(fractions), _APART)
    for point, count, height in zip(points, often["runs"], heights, strict=True):
        axes.plot(
            *point,
            "o",
            markersize=0.9 * style.font,
            markerfacecolor="none",
            markeredgecolor=DARK,
            markeredgewidth=0.7 * style.line,
        )
        axes.annotate(
            f"{count:,}",
            point,
            xytext=(1.04, height),
            textcoords="axes fraction",
            va="center",
            fontsize=style.small,
            arrowprops={"arrowstyle": "-", "color": DARK, "linewidth": 0.3 * style.line},
        )
    if often.empty:
        return []
    look = {"marker": "o", "linestyle": "", "markersize": 0.7 * style.font}
    label = "solution, with its number of runs"
    return [entry(label, markerfacecolor="none", markeredgecolor=DARK, **look)]


def _spread(positions: Floats, apart: float) -> Floats:
    """Return positions from 0 to 1, moved so that neighbours are at least `apart`.

    >>> _spread(np.array([0.5, 0.52, 0.9]), 0.1).round(2).tolist()
    [0.5, 0.6, 0.9]
    >>> _spread(np.array([1.0, 0.98]), 0.1).round(2).tolist()
    [1.0, 0.9]
    """
    order = np.argsort(positions, kind="stable")
    steps = apart * np.arange(len(positions))
    # Without the steps, neighbours only have to be in order.
    room = np.maximum.accumulate(positions[order] - steps)
    found = np.empty(len(positions))
    found[order] = np.minimum(room, 1.0 - apart * (len(positions) - 1)) + steps
    return found


KIND = Kind(
    summary="Final parameters of runs, with the most frequent solutions.",
    draw=draw,
    takes=("x", "y", "measure"),
    needs=(reading.need_parameters,),
)
