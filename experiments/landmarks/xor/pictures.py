"""Three pictures of exclusive or: shares by epoch, shares by settings, and basins."""

from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.patches import Patch

from experiments.landmarks.xor.measurements import (
    CONVENTIONS,
    MEDIAN,
    OF,
    SOLVED,
    Found,
    share_by,
)
from harness.plots import rendered
from harness.plots.scales import number_text, set_log_ticks
from harness.plots.style import (
    CATEGORIES,
    DARK,
    GREY,
    SHARES,
    SLIDE,
    VALUES,
    colour_bar,
    dress,
    legend,
    new_figure,
)

SMALL = 0.75 * SLIDE.font


# -- shares over epochs ----------------------------------------------------------------------------


def draw_epochs(found: Found) -> bytes:
    """Draw the share solved by epoch: three conventions, and long runs."""
    figure, (left, right) = new_figure(SLIDE, 2)
    total = found.pdp["runs"].iloc[0]
    within = np.unique(np.geomspace(50, 5000, 300).astype(int))
    handles = []
    for colour, (factor, convention) in zip(CATEGORIES, CONVENTIONS.items(), strict=False):
        ends = np.sort(found.solved.loc[found.solved["learning_rate"] == 0.5 * factor, "epochs"])
        share = 100 * np.searchsorted(ends, within, side="right") / total
        handles += left.plot(within, share, color=colour, linewidth=SLIDE.line, label=convention)
    low, high = found.published
    bar = np.array([[SOLVED / OF - low], [high - SOLVED / OF]])
    look = {"fmt": "o", "color": DARK, "markersize": 8, "elinewidth": SLIDE.line, "capsize": 5}
    left.errorbar([5000], [100 * SOLVED / OF], yerr=100 * bar, **look)
    left.plot([MEDIAN], [100 * SOLVED / OF / 2], "o", color=DARK, markersize=8)
    text = {"va": "center", "fontsize": SMALL, "color": DARK}
    left.text(4200, 100 * SOLVED / OF, f"{SOLVED} of {OF}", ha="right", **text)
    left.text(1.15 * MEDIAN, 100 * SOLVED / OF / 2, f"half of these\nby {MEDIAN}", **text)
    left.set_xlim(80, 6500)
    longest = found.budget["epochs"].max()
    within = np.unique(np.geomspace(50, longest, 300).astype(int))
    for (momentum, runs), colour in zip(
        found.budget.groupby("momentum"), CATEGORIES[3:], strict=False
    ):
        for (scale, part), style in zip(runs.groupby("init_scale"), (":", "-", "--"), strict=True):
            handles += right.plot(
                within,
                100 * share_by(part, within),
                style,
                color=colour,
                linewidth=SLIDE.line,
                label=f"momentum {momentum:g}, weights to {scale:g}",
            )
    right.set_xlim(80, longest)
    for axes, title in ((left, "the gradient of what?"), (right, "with more epochs")):
        axes.set_xscale("log")
        set_log_ticks(axes.xaxis, *axes.get_xlim())
        axes.set_ylim(0, 102)
        dress(axes, SLIDE, x="epochs", title=title)
    left.set_ylabel("solved, % of the runs", fontsize=SLIDE.font)
    legend(figure, SLIDE, handles)
    return rendered(figure)


# -- shares over settings --------------------------------------------------------------------------


def draw_shares(found: Found) -> bytes:
    """Draw the share solved by rate and size of the weights, one panel per width and momentum."""
    shares = found.shares
    widths, momenta = (np.unique(shares[name]) for name in ("width", "momentum"))
    figure, _ = new_figure(SLIDE)
    figure.clear()
    panels = figure.subplots(len(momenta), len(widths), sharex=True, sharey=True, squeeze=False)
    for (row, column), axes in np.ndenumerate(panels):
        here = (shares["momentum"] == momenta[row]) & (shares["width"] == widths[column])
        grid = shares[here].pivot_table(
            index="init_scale", columns="learning_rate", values="converged"
        )
        mesh = axes.pcolormesh(
            *_edges(grid), 100 * grid.to_numpy(), cmap=SHARES, vmin=0, vmax=100, rasterized=True
        )
        axes.set_xscale("log")
        axes.set_yscale("log")
        set_log_ticks(axes.xaxis, 0.1, 10)
        axes.set_yticks([0.125, 1, 8], ["1/8", "1", "8"])
        axes.set_yticks([], minor=True)
        y = "" if column else f"momentum {momenta[row]:g}\nlargest weight"
        x = "rate" if row == len(momenta) - 1 else ""
        dress(axes, SLIDE, x=x, y=y, title="" if row else f"2-{widths[column]}-1")
    colour_bar(figure, SLIDE, mesh, panels, "solved, % of the runs")
    return rendered(figure)


def _edges(grid: Any) -> tuple[Any, Any]:
    """Return the edges of cells around values at equal ratios, across and up."""

    def around(values: Any) -> Any:
        logs = np.log(np.asarray(values, dtype=float))
        step = logs[1] - logs[0]
        return np.exp(np.append(logs - step / 2, logs[-1] + step / 2))

    return around(grid.columns), around(grid.index)


# -- basins ----------------------------------------------------------------------------------------


def draw_basins(found: Found, most: int) -> bytes:
    """Draw the epochs until a run is solved by two initial weights, one panel per learning rate."""
    figure, panels = new_figure(replace(SLIDE, height=5.0), 2, sharey=True)
    least = min(np.nanmin(epochs) for epochs in found.basins.values())
    colours = mpl.colormaps[VALUES].with_extremes(bad=GREY)
    for axes, (rate, epochs) in zip(panels, found.basins.items(), strict=True):
        image = axes.imshow(
            epochs,
            norm=LogNorm(least, most),
            cmap=colours,
            origin="lower",
            extent=(-10, 10, -10, 10),
            interpolation="nearest",
        )
        axes.set_xticks([-10, -5, 0, 5, 10])
        axes.set_yticks([-10, -5, 0, 5, 10])
        y = "" if axes is panels[1] else "w2 at the start"
        dress(axes, SLIDE, x="w1 at the start", y=y, title=f"learning rate {rate:g}", room=0.4)
    bar = colour_bar(figure, SLIDE, image, panels, "epochs until solved")
    set_log_ticks(bar.ax.yaxis, least, most)
    label = f"not solved within {number_text(most)} epochs"
    legend(figure, SLIDE, [Patch(color=GREY, label=label)])
    return rendered(figure)
