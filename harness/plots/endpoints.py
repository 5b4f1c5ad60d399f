"""Where parameters end: a pair of them, or their first two principal components."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from harness.analysis.parameters import exchanged, final_parameters
from harness.analysis.solutions import solutions
from harness.experiment.network import Network
from harness.formatting import plural
from harness.plots.scales import set_log_ticks
from harness.plots.style import (
    DARK,
    SLIDE,
    VALUES,
    Style,
    colour_bar,
    dress,
    legend,
    new_figure,
    remark,
)

Floats = NDArray[np.float64]

_MARKED = 6

# Runs that ended further out than so many times the distance of most of them are drawn at the edge.
_FAR = 4.0
_MOST = 0.8


def endpoints(
    runs: pd.DataFrame,
    network: Network,
    *,
    pair: tuple[str, str] | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Figure:
    """Draw where the parameters of runs ended, coloured by SSR, with the most frequent solutions.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status, ssr_final and all final parameters, such as w1_final; as many as
        `harness.analysis.solutions.MOST_RUNS` at most. Runs that diverged are left out.
    network : Network
        Theirs.
    pair : tuple of str, optional
        Names of two parameters. If left out, they are the only two, or the first two principal
        components of all, with the hidden units in ascending order, so that runs which differ by
        an exchange of units are in one place.
    style : Style
        Sizes.
    title : str
        Above the picture; the number of runs if left out.
    """
    theta = final_parameters(runs, network)
    good = runs["status"].astype(str).ne("diverged").to_numpy() & np.isfinite(theta).all(axis=1)
    kept, theta = runs[good].reset_index(drop=True), theta[good]
    if pair is None and network.parameter_count == 2:
        pair = network.parameters[0], network.parameters[1]
    figure, (axes,) = new_figure(style)
    x, y = pair or ("component 1", "component 2")
    if kept.empty:
        remark(axes, style, f"all {len(runs):,} runs diverged")
        axes.set(xticks=[], yticks=[])
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
        _dots(figure, axes, at, near, kept["ssr_final"].to_numpy(), style)
        handles = _rings(axes, kept, at, near, network, style)
        if not near.all():
            handles.append(
                Line2D(
                    [],
                    [],
                    marker="D",
                    linestyle="",
                    color=DARK,
                    markersize=0.3 * style.font,
                    label=f"{(~near).sum():,} further out",
                )
            )
        legend(figure, style, handles)
    lost = len(runs) - len(kept)
    text = f"where {plural(len(kept), 'run')} ended"
    text += f" ({lost:,} diverged)" if lost else ""
    dress(axes, style, x=x, y=y, title=title or text)
    return figure


def _near(points: Floats) -> NDArray[np.bool_]:
    """Return which points are not so far out that nothing could be seen of the others."""
    distance = np.abs(points - np.median(points, axis=0)).max(axis=1)
    near: NDArray[np.bool_] = distance <= _FAR * max(float(np.quantile(distance, _MOST)), 1e-12)
    return near


def _components(points: Floats, near: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the first two principal components (runs, 2), and their shares of the variance.

    They are those of the points that are near: one run far out would be a component of its own.
    """
    centre = points[near].mean(axis=0)
    _, sizes, directions = np.linalg.svd(points[near] - centre, full_matrices=False)
    directions = np.vstack((directions, np.zeros((2, directions.shape[1]))))[:2]
    # A direction has no sign: let its largest part be positive.
    largest = np.abs(directions).argmax(axis=1)
    signs = np.where(directions[np.arange(2), largest] < 0, -1.0, 1.0)
    variance = np.append(sizes**2, (0.0, 0.0))
    shares = variance[:2] / (variance.sum() or 1.0)
    return (points - centre) @ (directions * signs[:, None]).T, shares


def _dots(
    figure: Any, axes: Any, at: Floats, near: NDArray[np.bool_], ssr: Floats, style: Style
) -> None:
    """Draw a dot a run, those further out as diamonds at the edge."""
    positive = ssr[ssr > 0]
    low, high = np.quantile(positive, (0.02, 0.98)) if positive.size else (0.1, 1.0)
    if high / low < 1.5:
        low, high = low / 1.25, high * 1.25
    ends = np.array([at[near].min(axis=0), at[near].max(axis=0)])
    room = np.where(ends[1] > ends[0], 0.06 * (ends[1] - ends[0]), 0.5)
    inside = np.clip(at, ends[0] - room, ends[1] + room)
    order = np.argsort(-ssr, kind="stable")  # the best are drawn last, on top of the others
    norm = LogNorm(low, high)
    for marker, chosen in (("D", order[~near[order]]), ("o", order[near[order]])):
        dots = axes.scatter(
            inside[chosen, 0],
            inside[chosen, 1],
            marker=marker,
            norm=norm,
            cmap=VALUES,
            c=np.maximum(ssr[chosen], np.finfo(float).tiny),
            s=(0.35 * style.font) ** 2,
            alpha=0.8,
            linewidths=0,
            rasterized=len(at) > 1000,
            clip_on=False,
        )
    axes.set_xlim(ends[0, 0] - room[0], ends[1, 0] + room[0])
    axes.set_ylim(ends[0, 1] - room[1], ends[1, 1] + room[1])
    bar = colour_bar(figure, style, dots, axes, "final SSR", extend="both")
    set_log_ticks(bar.ax.yaxis, low, high)


def _rings(
    axes: Any,
    runs: pd.DataFrame,
    at: Floats,
    near: NDArray[np.bool_],
    network: Network,
    style: Style,
) -> list[Any]:
    """Draw rings around the solutions to which most runs came, with their number."""
    table = solutions(runs, network)
    place = {run_id: row for row, run_id in enumerate(runs["run_id"])}
    rows = [place[run_id] for run_id in table["run_id"]]
    often = table[(table["runs"] > 1) & near[rows]].head(_MARKED)
    offset = 0.55 * style.font
    # Numbers in turn on the four sides: neighbours do not cover one another.
    sides = (
        ("left", "bottom", 1, 1),
        ("right", "top", -1, -1),
        ("left", "top", 1, -1),
        ("right", "bottom", -1, 1),
    )
    for number, solution in enumerate(often.itertuples()):
        point = at[place[solution.run_id]]
        across, up, right, above = sides[number % 4]
        axes.plot(
            *point,
            "o",
            markersize=0.9 * style.font,
            markerfacecolor="none",
            markeredgecolor=DARK,
            markeredgewidth=0.7 * style.line,
        )
        axes.annotate(
            f"{solution.runs:,}",
            point,
            xytext=(right * offset, above * offset),
            ha=across,
            va=up,
            textcoords="offset points",
            fontsize=0.85 * style.font,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
        )
    ring = Line2D(
        [],
        [],
        marker="o",
        linestyle="",
        markerfacecolor="none",
        markeredgecolor=DARK,
        markersize=0.7 * style.font,
        label="solution, with its number of runs",
    )
    return [ring] if len(often) else []
