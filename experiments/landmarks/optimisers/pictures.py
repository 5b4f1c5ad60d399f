"""Two pictures of optimisers: shares that converge by learning rate, and losses by schedule."""

import numpy as np

from experiments.landmarks.optimisers.measurements import (
    WORKS,
    Found,
    epochs_by_rate,
    interval,
    losses_by_rate,
    middle,
)
from harness.analysis.measures import share_interval
from harness.plots import rendered
from harness.plots.scales import set_log_ticks
from harness.plots.style import CATEGORIES, DARK, DASHES, SLIDE, dress, legend, new_figure


def draw_shares(found: Found) -> bytes:
    """Draw the share of starts that converge, by learning rate and optimiser."""
    figure, panels = new_figure(SLIDE, 2, sharey=True)
    for axes, (title, runs) in zip(
        panels, (("dosage curve", found.dosage), ("exclusive or", found.xor)), strict=True
    ):
        handles = []
        for colour, name in zip(CATEGORIES, runs["optimiser"].unique(), strict=True):
            rates, epochs = epochs_by_rate(runs, name)
            share = np.isfinite(epochs).mean(axis=1)
            low, high = share_interval(np.isfinite(epochs).sum(axis=1), epochs.shape[1])
            axes.fill_between(rates, 100 * low, 100 * high, color=colour, alpha=0.15, linewidth=0)
            handles += axes.plot(rates, 100 * share, color=colour, linewidth=SLIDE.line, label=name)
        axes.axhline(100 * WORKS, color=DARK, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.set_xlim(rates[0], rates[-1])
        set_log_ticks(axes.xaxis, rates[0], rates[-1])
        axes.set_ylim(-2, 102)
        dress(axes, SLIDE, x="learning rate", title=title)
    panels[0].set_ylabel("converged, % of the starts", fontsize=SLIDE.font)
    legend(figure, SLIDE, handles)
    return rendered(figure)


def draw_schedules(found: Found) -> bytes:
    """Draw the median final loss on held-out data, by learning rate and schedule."""
    figure, (axes,) = new_figure(SLIDE)
    handles = []
    names = found.schedules["schedule"].unique()
    lowest = np.inf
    for colour, dash, name in zip(CATEGORIES, DASHES, names, strict=False):
        rates, losses = losses_by_rate(found.schedules, name)
        shown = np.isfinite(middle(losses))
        low, high = interval(losses, middle)
        axes.fill_between(
            rates[shown], low[shown], high[shown], color=colour, alpha=0.15, linewidth=0
        )
        handles += axes.plot(
            rates[shown],
            middle(losses)[shown],
            linestyle=dash,
            color=colour,
            linewidth=SLIDE.line,
            label=name,
        )
        lowest = min(lowest, middle(losses).min())
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(lowest / 1.1, 10 * lowest)
    set_log_ticks(axes.xaxis, *axes.get_xlim())
    set_log_ticks(axes.yaxis, *axes.get_ylim())
    dress(axes, SLIDE, x="learning rate", y="median loss on held-out data")
    legend(figure, SLIDE, handles)
    return rendered(figure)
