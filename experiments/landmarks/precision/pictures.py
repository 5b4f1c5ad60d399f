"""Pictures: flipped pixels, and where and when trajectories part."""

from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from experiments.landmarks.precision.measurements import PARTED, Found, difference, flips
from harness.plots import rendered
from harness.plots.scales import set_log_ticks
from harness.plots.style import CATEGORIES, DARK, SLIDE, dress, entry, legend, new_figure

LABELS = {"float32": "float32", "reversed": "float64, data points reversed"}
STYLES = {"float32": "-", "reversed": "--"}

# Colours of pixels that trained in neither variant, in both, only in float64, only in the other.
_KINDS = ("#ffffff", "#cccccc", CATEGORIES[1], CATEGORIES[0])
_LABELS = (
    "trained in neither",
    "trained in both",
    "only in float64",
    "only in float32 or reversed",
)


def draw_maps(found: Found) -> bytes:
    """Draw the pixels of each window with those that another variant flips, one row per variant."""
    count = len(found.maps)
    figure = Figure(figsize=(SLIDE.width, 6.0), dpi=SLIDE.dpi, layout="constrained")
    panels = figure.subplots(len(LABELS), count, squeeze=False)
    for row, (variant, label) in zip(panels, LABELS.items(), strict=True):
        for axes, (window, images) in zip(row, found.maps.items(), strict=True):
            double, other = images["float64"], images[variant]
            kinds = np.where(flips(double, other), np.where(double.trained, 2, 3), double.trained)
            axes.imshow(
                kinds,
                cmap=ListedColormap(_KINDS),
                vmin=0,
                vmax=len(_KINDS) - 1,
                origin="lower",
                interpolation="nearest",
            )
            axes.set_xticks([])
            axes.set_yticks([])
            if variant == "float32":
                axes.set_title(window, fontsize=SLIDE.font, loc="left")
        row[0].set_ylabel(label.replace(", ", ",\n"), fontsize=SLIDE.font)
    squares = [
        entry(label, marker="s", color=colour, markeredgecolor=DARK, linestyle="", markersize=9)
        for label, colour in zip(_LABELS, _KINDS, strict=True)
    ]
    legend(figure, SLIDE, squares)
    return rendered(figure)


def draw_parting(found: Found) -> bytes:
    """Draw the difference in sharpness by epoch, and the share of pairs that part by rate."""
    figure, (left, right) = new_figure(SLIDE, 2)
    rate = shown_rate(found)
    ways = {variant: _of_rate(way, rate) for variant, way in found.edge.items()}
    for colour, (variant, style) in zip(CATEGORIES, STYLES.items(), strict=False):
        look: dict[str, Any] = {"color": colour, "linestyle": style, "linewidth": SLIDE.line}
        off = difference(ways["float64"]["sharpness"], ways[variant]["sharpness"])
        left.plot(ways["float64"]["epoch"], off.where(off > 0), **{**look, "linewidth": 1})
        parted = found.dosage[variant]["largest"] > PARTED
        shares = parted.groupby(found.dosage[variant]["learning_rate"]).mean()
        right.plot(shares.index, 100 * shares, **look)
    left.set_yscale("log")
    right.set_xscale("log")
    right.set_ylim(0, None)
    set_log_ticks(right.xaxis, shares.index.min(), shares.index.max())
    title = f"sharpness, learning rate {rate:g}"
    dress(left, SLIDE, x="epoch", y="difference from float64", title=title, room=0.45)
    dress(right, SLIDE, x="learning rate", y="% of pairs", title="dosage: pairs that part")
    legend(
        figure,
        SLIDE,
        [
            entry(LABELS[variant], color=colour, linestyle=style, linewidth=SLIDE.line)
            for colour, (variant, style) in zip(CATEGORIES, STYLES.items(), strict=False)
        ],
    )
    return rendered(figure)


def shown_rate(found: Found) -> float:
    """Return the learning rate of the sharpness that is drawn: the second largest."""
    return float(np.unique(found.edge["float64"]["learning_rate"])[-2])


def _of_rate(way: Any, rate: float) -> Any:
    return way[way["learning_rate"] == rate].reset_index(drop=True)
