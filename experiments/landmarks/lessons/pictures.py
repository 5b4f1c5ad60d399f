"""Three pictures for a class: a parabola, a bowl, and a fitted squiggle."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.landmarks.lessons.measurements import Bowl, Parabola, Squiggle
from harness.plots import rendered
from harness.plots.scales import set_epochs, set_log_ticks
from harness.plots.style import CATEGORIES, DARK, SLIDE, VALUES, dress, new_figure

SMALL = 0.85 * SLIDE.font
DOT = 0.55 * SLIDE.font


# -- the parabola ----------------------------------------------------------------------------------


def draw_parabola(parabola: Parabola) -> bytes:
    """Draw the steps on the parabola, and the error after each step at several rates."""
    figure, (left, right) = new_figure(SLIDE, 2, width_ratios=[1, 1.15])
    _steps(left, parabola)
    _errors(right, parabola)
    return rendered(figure)


def _steps(axes: Any, parabola: Parabola) -> None:
    b3 = np.linspace(-0.45, 4.6, 200)
    axes.plot(b3, parabola.ssr(b3), color=DARK, linewidth=SLIDE.line)
    way = parabola.path(0.1)
    for at, height in way[["b3", "ssr"]].head(2).itertuples(index=False):
        slope = 6 * (at - parabola.minimum)
        across = np.array([-0.6, 0.6])
        axes.plot(at + across, height + slope * across, color=CATEGORIES[1], linewidth=SLIDE.line)
        axes.annotate(
            f"slope {slope:.3g}",
            (at + 0.28, height + 0.28 * slope),
            (14, 12),
            textcoords="offset points",
            color=CATEGORIES[1],
            fontsize=SMALL,
        )
    axes.plot(way["b3"], way["ssr"], "o", color=CATEGORIES[0], markersize=DOT, zorder=3)
    for at, height in way[["b3", "ssr"]].head(3).itertuples(index=False):
        axes.annotate(
            f"{at:.3g}",
            (at, height),
            (-8, -5),
            textcoords="offset points",
            ha="right",
            va="top",
            color=CATEGORIES[0],
            fontsize=SMALL,
        )
    axes.set_ylim(-1.8, 25)
    dress(axes, SLIDE, x="b3", y="SSR", title="steps of b3 at the rate 0.1", room=0.45)


def _errors(axes: Any, parabola: Parabola) -> None:
    steps, floor = np.arange(16), 1e-3
    for colour, rate in zip(CATEGORIES, (0.4, 0.34, 0.3, 0.02, 0.1), strict=False):
        factor = parabola.factor(rate)
        error = parabola.minimum * abs(factor) ** steps
        shown = error > floor
        axes.plot(steps[shown], error[shown], color=colour, linewidth=0.7 * SLIDE.line)
        trained = parabola.path(rate).head(len(steps))
        distance = (trained["b3"] - parabola.minimum).abs()
        axes.plot(trained["epoch"], distance, "o", color=colour, markersize=0.7 * DOT)
        end = np.flatnonzero(shown)[-1]
        axes.annotate(
            f"{rate:g}  (x {factor:.2f})",
            (steps[end], error[end]),
            (9, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=SMALL,
        )
    axes.set_yscale("log")
    axes.set_xlim(-0.4, 22.5)
    axes.set_xticks([0, 5, 10, 15])
    set_log_ticks(axes.yaxis, floor, 1e3)
    dress(axes, SLIDE, x="step", y="distance to the minimum", title="rate, and factor a step")


# -- the bowl --------------------------------------------------------------------------------------


def draw_bowl(bowl: Bowl) -> bytes:
    """Draw the surface, and the path of each learning rate from above."""
    figure = Figure(figsize=(SLIDE.width, SLIDE.height), dpi=SLIDE.dpi, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.15])
    w3, w4 = np.unique(bowl.surface["w3"]), np.unique(bowl.surface["w4"])
    # w3 is the first axis of the grid, which varies fastest.
    ssr = bowl.surface["ssr_initial"].to_numpy().reshape(len(w4), len(w3))
    ways = list(zip(CATEGORIES, bowl.paths.groupby("learning_rate"), strict=False))
    _surface(left.add_subplot(projection="3d"), w3, w4, ssr, ways[0])
    left.suptitle("SSR over w3 and w4", fontsize=SLIDE.font, x=0.03, ha="left")
    panels = right.subplots(2, 2, sharex=True, sharey=True)
    levels = bowl.least + 0.5 * np.arange(1, 14) ** 2  # so that the rings are equally spaced
    for axes, (colour, (rate, way)) in zip(panels.ravel(), ways, strict=True):
        axes.contour(w3, w4, ssr, levels, cmap=VALUES, linewidths=1, alpha=0.6)
        # Up to the first step that leaves the picture.
        within = way["w3"].between(w3[0], w3[-1]).cummin().shift(fill_value=True)
        way = way[within]
        axes.plot(way["w3"], way["w4"], "o-", color=colour, linewidth=1.2, markersize=0.5 * DOT)
        axes.plot(*bowl.minimum, "+", color=DARK, markersize=1.5 * DOT, zorder=3)
        axes.set(xlim=(w3[0], w3[-1]), ylim=(w4[0], w4[-1]))
        last = axes.get_subplotspec()
        x, y = "w3" if last.is_last_row() else "", "w4" if last.is_first_col() else ""
        dress(axes, SLIDE, x=x, y=y)
        axes.set_title(f"rate {rate:g}", fontsize=SLIDE.font, color=colour, loc="left")
    return rendered(figure)


def _surface(axes: Any, w3: Any, w4: Any, ssr: Any, way: Any) -> None:
    """Draw the surface, and the path of one rate on it."""
    axes.plot_surface(*np.meshgrid(w3, w4), ssr, cmap=VALUES, norm=PowerNorm(0.5))
    colour, (_, steps) = way
    # Drawn over the surface, which matplotlib may otherwise put in front.
    axes.plot(
        steps["w3"], steps["w4"], steps["ssr"], "o-", color="white", markeredgecolor=colour,
        linewidth=1.2, markersize=0.5 * DOT, zorder=10,
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.labelpad = 0.6 * SLIDE.font
    axes.set_box_aspect((1, 1, 0.9), zoom=0.85)
    dress(axes, SLIDE, x="w3", y="w4")


# -- the squiggle ----------------------------------------------------------------------------------


def draw_squiggle(squiggle: Squiggle) -> bytes:
    """Draw the curve at some epochs, from light to dark, and mark them on the curve of SSR."""
    figure, (left, right) = new_figure(SLIDE, 2, width_ratios=[1.15, 1])
    fall = squiggle.fall.set_index("epoch")["ssr"]
    right.plot(fall.index, fall, color=DARK, linewidth=0.7 * SLIDE.line)
    epochs = squiggle.curves["epoch"].unique()
    colours = mpl.colormaps[VALUES](np.linspace(0.85, 0.0, len(epochs)))
    for colour, epoch in zip(colours, epochs, strict=True):
        curve = squiggle.curves[squiggle.curves["epoch"] == epoch]
        x, y = curve["input_1"], curve["prediction_1"]
        left.plot(x, y, color=colour, linewidth=1.3 * SLIDE.line)
        left.annotate(
            f"{epoch:,}",
            (x.iloc[-1], y.iloc[-1]),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=SMALL,
        )
        right.plot(epoch, fall[epoch], "o", color=colour, markersize=DOT, zorder=3, clip_on=False)
    left.plot(*squiggle.published.to_numpy().T, "--", color=DARK, linewidth=0.6 * SLIDE.line)
    points = squiggle.points
    left.plot(points["input_1"], points["target_1"], "o", color=DARK, markersize=DOT, zorder=3)
    right.set_yscale("log")
    set_log_ticks(right.yaxis, fall.min(), fall.max())
    set_epochs(right, fall.index[-1])
    dress(left, SLIDE, x="dose", y="effect", title="the curve after some epochs", room=0.5)
    dress(right, SLIDE, x="epoch", y="SSR", title="SSR at these epochs", room=0.45)
    return rendered(figure)
