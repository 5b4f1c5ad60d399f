"""A grid of two axes of numbers as an image: its windows, its pixels, and the way to its boundary.

The first axis goes from left to right, the second from bottom to top. Each pixel is one run. With
the measures `relative_late`, `relative_sum` and `relative_inverse_sum` the pixels are those of
Sohl-Dickstein 2024, "The boundary of neural network trainability is fractal" (arXiv 2402.06184): a
run trained if its relative loss is below 1 in the mean over the last 20 epochs; its value is minus
the sum of v if it did, and the sum of 1 / v if it did not. Without them a run trained if it did not
diverge, and its value is the final SSR.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ExperimentError, HarnessError, shown
from harness.experiment import Experiment
from harness.experiment.grid import Axis, Spaced
from harness.maps.boundary import edges

PAPER = ("relative_late", "relative_sum", "relative_inverse_sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of the plane: the ends of the first and of the second axis, in their own units."""

    across: tuple[float, float]
    up: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The runs of a map as pixels, arrays of shape (height, width), the lowest row first.

    Attributes
    ----------
    trained : array of bool
        Which kind a run is.
    value : array of float
        What is drawn.
    signed : bool
        Whether the value is that of the paper, negative where a run trained and positive where it
        did not; else it is the final SSR.
    """

    trained: NDArray[np.bool_]
    value: NDArray[np.float64]
    signed: bool = True


def map_axes(experiment: Experiment) -> tuple[Axis, Axis]:
    """Return the two axes of a map.

    Raises
    ------
    ExperimentError
        The grid is another one.
    """
    axes = experiment.grid.axes
    spaced = all(isinstance(axis.values, Spaced) for axis in axes)
    if len(experiment.grid.dimensions) != 2 or len(axes) != 2 or not spaced:
        raise ExperimentError(
            "grid",
            "must have two axes, each { linear = [..] } or { log = [..] }, to be a map.",
            "For example: learning_rate_1 = { log = [1e-3, 1e6], count = 256 }",
        )
    return axes[0], axes[1]


def framed(
    experiment: Experiment, *, size: int | None = None, window: Window | None = None
) -> Experiment:
    """Return the experiment in another window, or with another number of pixels on each side.

    Raises
    ------
    ExperimentError
        It is no map, or a value in the window is not allowed.
    """
    document = experiment.document()
    ends = (window.across, window.up) if window else (None, None)
    for axis, here in zip(map_axes(experiment), ends, strict=True):
        values = axis.values
        assert isinstance(values, Spaced)  # as map_axes has made sure
        first, last = here or (values.first, values.last)
        document["grid"][axis.name] = {
            values.kind: [first, last],
            "count": size or values.count,
        }
    return Experiment.from_mapping(document, data=experiment.data)


def window_of(experiment: Experiment) -> Window:
    """Return the window of a map, its ends in ascending order."""
    across, up = (sorted(axis.values.ends()) for axis in map_axes(experiment))
    return Window(across=(across[0], across[1]), up=(up[0], up[1]))


def parse_window(text: str) -> Window:
    """Read x0,x1,y0,y1.

    Raises
    ------
    HarnessError
        It is not that.
    """
    try:
        x0, x1, y0, y1 = (float(part) for part in text.split(","))
        if not all(map(math.isfinite, (x0, x1, y0, y1))) or x0 >= x1 or y0 >= y1:
            raise ValueError
    except ValueError:
        raise HarnessError(
            f"--zoom {shown(text)} must be x0,x1,y0,y1, the ends of both axes in ascending order.\n"
            "For example: --zoom 0.1,10,1,1000"
        ) from None
    return Window(across=(x0, x1), up=(y0, y1))


def zoom_argument(window: Window) -> str:
    """Return what `parse_window` reads as a window.

    >>> zoom_argument(Window(across=(0.001, 10.0), up=(1.0, 2.5e20)))
    '0.001,10,1,2.5e+20'
    """
    return ",".join(repr(end).removesuffix(".0") for end in (*window.across, *window.up))


def told_apart(window: Window, shape: tuple[int, ...]) -> bool:
    """Return whether neighbours in a window are different numbers, with room to spare."""
    ends = zip((window.across, window.up), shape, strict=True)
    return all(
        abs(last - first) / count > 64 * max(np.spacing(abs(first)), np.spacing(abs(last)))
        for (first, last), count in ends
    )


def part_of(experiment: Experiment, pixels: NDArray[np.int64]) -> Experiment:
    """Return the experiment of some pixels of a map alone, in their order.

    A run's numbers depend on its values alone, and these are those of the map: so are its numbers.

    Parameters
    ----------
    experiment : Experiment
        The map.
    pixels : array of shape (n,), int64
        Run ids of the map; each once.

    Raises
    ------
    ExperimentError
        An axis changes more than numbers of a run, so that each pixel would be a kernel call.
    """
    if experiment.variant_grid.axes:
        names = ", ".join(axis.name for axis in experiment.variant_grid.axes)
        raise ExperimentError(
            "grid",
            f"has an axis that changes more than numbers of a run ({names}); of such a map only"
            " all pixels are trained.",
            "Leave out --refine.",
        )
    document = experiment.document()
    columns = experiment.grid.columns(pixels)
    document["grid"] = {name: values.tolist() for name, values in columns.items()}
    document["grid"]["zip"] = [list(columns)]
    return Experiment.from_mapping(document, data=experiment.data)


def columns_of(there: Collection[str]) -> tuple[str, ...]:
    """Return those columns of a table of runs that `kinds_and_values` needs."""
    return PAPER if set(PAPER) <= set(there) else ("status", "ssr_final")


def kinds_and_values(runs: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return whether runs trained, and their values, each of shape (runs,).

    Parameters
    ----------
    runs : DataFrame
        With the columns of `columns_of`.
    """
    if set(PAPER) <= set(runs.columns):
        trained = runs["relative_late"] < 1.0
        value = (-runs["relative_sum"]).where(trained, runs["relative_inverse_sum"])
    else:
        trained = runs["status"].astype(str) != "diverged"
        value = runs["ssr_final"]
    return trained.to_numpy(bool), value.to_numpy(np.float64)


def image_of(runs: pd.DataFrame, experiment: Experiment) -> Image:
    """Return the runs of a map as pixels; all of them have to be there.

    Parameters
    ----------
    runs : DataFrame
        Ordered by run_id, with the columns of `columns_of`.
    experiment : Experiment
        Theirs.
    """
    width, height = experiment.grid.shape
    trained, value = kinds_and_values(runs)
    return Image(
        trained=trained.reshape(height, width),
        value=value.reshape(height, width),
        signed=set(PAPER) <= set(runs.columns),
    )


def equalised(image: Image) -> NDArray[np.float64]:
    """Return pixels from -1 to 1 by their rank among those of their kind, trained ones below 0.

    So each shade has as many pixels as any other, however their values are spread. The darkest of
    both kinds meet at the boundary.
    """
    shades = np.zeros(image.value.shape)
    for kind, sign in ((image.trained, -1.0), (~image.trained, 1.0)):
        values = np.abs(image.value[kind])
        if values.size:
            distinct, place = np.unique(values, return_inverse=True)
            shades[kind] = sign * (place.reshape(-1) + 1) / distinct.size
    return shades


def nearest_half(image: Image, experiment: Experiment) -> Window | None:
    """Return the window of half the size with the most boundary in it; None where there is none.

    Its ends are pixels of this image. Among equals the one nearest to the middle is taken.
    """
    boundary = edges(image.trained).astype(np.int64)
    height, width = image.trained.shape
    half_height, half_width = height // 2, width // 2
    total = np.pad(boundary.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside: Any = (
        total[half_height:, half_width:]
        - total[:-half_height, half_width:]
        - total[half_height:, :-half_width]
        + total[:-half_height, :-half_width]
    )
    if not inside.max():
        return None
    rows, columns = np.nonzero(inside == inside.max())
    off = (rows - inside.shape[0] / 2) ** 2 + (columns - inside.shape[1] / 2) ** 2
    row, column = int(rows[off.argmin()]), int(columns[off.argmin()])
    across, up = (axis.values for axis in map_axes(experiment))
    return Window(
        across=(across.value(column), across.value(column + half_width)),
        up=(up.value(row), up.value(row + half_height)),
    )
