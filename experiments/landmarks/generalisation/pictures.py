"""Two pictures of TensorFlow Playground: its runs, and its resets."""

from collections.abc import Mapping

import numpy as np

from experiments.landmarks.generalisation.measurements import (
    CRITERIA,
    DONE,
    NEW,
    SPIRAL,
    Found,
    by_data,
    ratios,
)
from harness.plots import rendered
from harness.plots.scales import set_log_ticks
from harness.plots.style import CATEGORIES, DARK, SLIDE, dress, legend, new_figure

SMALL = 0.75 * SLIDE.font


def draw_runs(found: Found, titles: Mapping[str, str]) -> bytes:
    """Draw the share of runs that are done by epoch, and the final test losses of the spirals."""
    figure, (left, right) = new_figure(SLIDE, 2)
    runs = found.runs[found.runs["order"] == NEW]
    last = runs["epochs"].max()
    within = np.unique(np.geomspace(1, last, 300).astype(int))
    handles = []
    for colour, (name, title) in zip(CATEGORIES, titles.items(), strict=False):
        ends = np.sort(runs.loc[runs["set"] == name, CRITERIA[1]])
        share = 100 * np.searchsorted(ends, within, side="right") / len(ends)
        handles += left.plot(within, share, color=colour, linewidth=SLIDE.line, label=title)
        if name in DONE:
            left.plot([DONE[name]], [50], "o", color=colour, markersize=9, markeredgecolor=DARK)
    left.set_xscale("log")
    left.set_xlim(1, last)
    set_log_ticks(left.xaxis, 1, last)
    left.set_ylim(-2, 102)
    dress(left, SLIDE, x="epochs", y="done, % of the runs", title=f"test loss {CRITERIA[1]:g}")
    losses = runs.loc[runs["set"] == "spirals", "test_loss"]
    right.hist(losses, bins=40, color=CATEGORIES[3])
    right.axvline(SPIRAL, color=DARK, linewidth=SLIDE.line)
    right.annotate(
        f"published:\n{SPIRAL}",
        (SPIRAL, 0.97),
        (6, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize=SMALL,
    )
    dress(right, SLIDE, x="test loss", y="runs", title=f"spiral after {last:,} epochs")
    legend(figure, SLIDE, handles)
    return rendered(figure)


def draw_resets(found: Found) -> bytes:
    """Draw the ratio of the test losses of five resets by the number of hidden units."""
    noises = np.unique(found.resets["noise"])
    figure, panels = new_figure(SLIDE, len(noises), sharey=True)
    handles = []
    for axes, noise in zip(panels, noises, strict=True):
        handles = []
        for shift, colour, activation in zip(
            (0.96, 1.04), CATEGORIES, ("relu", "tanh"), strict=False
        ):
            here = found.resets[
                (found.resets["noise"] == noise) & (found.resets["activation"] == activation)
            ]
            shallow = here[here["network"].str.count("-") == 2]
            networks = list(dict.fromkeys(shallow["network"]))
            units = np.array([int(network.split("-")[1]) for network in networks])
            low, middle, high = np.transpose([
                np.quantile(
                    ratios(by_data(shallow[shallow["network"] == network], "test_loss")),
                    [0.025, 0.5, 0.975],
                )
                for network in networks
            ])  # fmt: skip
            handles.append(
                axes.errorbar(
                    shift * units,
                    middle,
                    yerr=[middle - low, high - middle],
                    fmt="o-",
                    color=colour,
                    linewidth=SLIDE.line,
                    elinewidth=SLIDE.line / 2,
                    capsize=4,
                    label=f"hidden units: {activation}",
                )
            )
        axes.axhline(2, color=DARK, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(units, [str(count) for count in units])
        axes.set_xticks([], minor=True)
        title = f"noise {noise:g}" if noise else "without noise"
        dress(axes, SLIDE, x="hidden units", title=title, room=0.4)
    lowest, highest = panels[0].get_ylim()
    set_log_ticks(panels[0].yaxis, max(lowest, 1), highest)
    panels[0].set_ylabel("largest / smallest test loss", fontsize=SLIDE.font)
    legend(figure, SLIDE, handles)
    return rendered(figure)
