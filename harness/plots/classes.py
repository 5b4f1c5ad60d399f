"""Data points and decision regions in the colours of their classes; held-out points are hollow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from harness.plots.style import CATEGORIES, DARK, GREY, MARKERS, Style, entry, remark

RING = "#D55E00"  # edge of held-out data points whose colour is a number

DIVERGED = "the run diverged:\nits predictions are not finite"


def class_look(number: int) -> tuple[str, str]:
    """Return the colour and the marker of a class."""
    return CATEGORIES[number % len(CATEGORIES)], MARKERS[number % len(MARKERS)]


def on_lattice(curve: pd.DataFrame, values: NDArray[Any]) -> tuple[Any, Any, Any]:
    """Return the two inputs and the values of a lattice as contourf takes them."""
    x, y = np.unique(curve["input_1"]), np.unique(curve["input_2"])
    order = np.lexsort((curve["input_1"], curve["input_2"]))
    return x, y, values[order].reshape(len(y), len(x))


def draw_regions(
    axes: Any, curve: pd.DataFrame, classes: NDArray[np.int64], count: int, style: Style
) -> None:
    """Fill the plane of two inputs with the colours of `count` classes, and nothing for -1."""
    if (classes < 0).all():
        remark(axes, style, DIVERGED)
        return
    x, y, z = on_lattice(curve, classes)
    axes.pcolormesh(
        x,
        y,
        np.ma.masked_less(z, 0),
        cmap=ListedColormap([class_look(k)[0] for k in range(count)]),
        vmin=-0.5,
        vmax=count - 0.5,
        alpha=0.3,
        shading="nearest",
        rasterized=True,
        linewidth=0,
    )


def draw_classes(
    axes: Any, points: pd.DataFrame, classes: NDArray[np.int64], count: int, size: float
) -> None:
    """Draw data points of two inputs in the colours and with the markers of `count` classes."""
    for k in range(count):
        colour, marker = class_look(k)
        look = {"color": colour, "markersize": size, "markeredgecolor": "white"}
        look |= {"markeredgewidth": 0.3}
        draw_dots(axes, points[classes == k], "input_1", "input_2", marker, look)


def draw_dots(
    axes: Any, points: pd.DataFrame, x: str, y: str, marker: str, look: dict[str, Any]
) -> None:
    """Draw two columns of data points against each other; those that are held out are hollow."""
    held_out = is_held_out(points)
    shown = points[~held_out]
    axes.plot(shown[x], shown[y], marker, **look)
    if held_out.any():
        edge = {"markeredgecolor": look["color"], "markeredgewidth": 0.16 * look["markersize"]}
        hidden = points[held_out]
        axes.plot(hidden[x], hidden[y], marker, **{**look, **edge, "markerfacecolor": "white"})


def class_entries(names: Sequence[str], points: pd.DataFrame, style: Style) -> list[Any]:
    """Return the legend of `draw_classes`."""
    size = 0.5 * style.font
    found = []
    for k, name in enumerate(names):
        colour, marker = class_look(k)
        look = {"marker": marker, "color": colour, "markersize": size}
        found.append(entry(name, linestyle="", markeredgecolor="white", **look))
    return [*found, *held_out_entries(points, style)]


def held_out_entries(points: pd.DataFrame, style: Style) -> list[Any]:
    """Return the legend of held-out data points, if there are any."""
    if not is_held_out(points).any():
        return []
    look = {"marker": "o", "color": DARK, "markerfacecolor": "white"}
    return [entry("held out", linestyle="", markersize=0.5 * style.font, **look)]


def edges(points: pd.DataFrame) -> NDArray[Any]:
    """Return the colours of the edges of data points whose colour is a number."""
    return np.where(is_held_out(points), RING, "white")


def ring_entries(points: pd.DataFrame, style: Style) -> list[Any]:
    """Return the legend of `edges`, if there are held-out data points."""
    if not is_held_out(points).any():
        return []
    look = {"marker": "o", "color": GREY, "markeredgecolor": RING, "linestyle": ""}
    size = {"markersize": 0.6 * style.font, "markeredgewidth": 0.6 * style.line}
    return [entry("held out", **look, **size)]


def is_held_out(points: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which data points are held out; a table without that column has none."""
    if "held_out" not in points:
        return np.zeros(len(points), dtype=np.bool_)
    return points["held_out"].to_numpy(np.bool_)
