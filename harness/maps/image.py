"""A grid of two axes of numbers as an image: axes, windows, pixels and the next half of a zoom.

The first axis goes from left to right, the second from bottom to top. Each pixel is one run. With
the measures `relative_late`, `relative_sum` and `relative_inverse_sum` the pixels are those of
Sohl-Dickstein 2024, "The boundary of neural network trainability is fractal" (arXiv 2402.06184): a
run trained if its relative loss v is below 1 in the mean over the last 20 epochs; its value is
minus the sum of v if it trained, and the sum of 1 / v if it did not. Without these measures a run
trained if it did not diverge, and its value is the final SSR.
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
from harness.experiment.grid import Spaced
from harness.maps.boundary import edges

# The measures of the paper, which give pixels a sign.
PAPER_MEASURES = ("relative_late", "relative_sum", "relative_inverse_sum")


@dataclass(frozen=True, slots=True)
class MapAxis:
    """An axis of a map. It is drawn as its logarithm to base 10 if its values have equal ratios."""

    name: str
    values: Spaced

    @property
    def is_log(self) -> bool:
        """Whether the logarithm is drawn."""
        return self.values.kind == "log"

    def positions(self, values: Any) -> NDArray[np.float64]:
        """Return where values are drawn."""
        return np.log10(values) if self.is_log else np.asarray(values, dtype=np.float64)

    def ends(self) -> tuple[float, float]:
        """Return the least and the greatest position, the centres of the pixels at the edges."""
        low, high = np.sort(self.positions(self.values.ends())).tolist()
        return low, high

    def extent(self) -> tuple[float, float]:
        """Return the outer edges of the first and of the last pixel, as positions."""
        first, last = self.positions(self.values.ends()).tolist()
        half = (last - first) / max(self.values.count - 1, 1) / 2
        return first - half, last + half


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of a map: the ends of the first and of the second axis, in their own units."""

    across: tuple[float, float]
    up: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The runs of a map as pixels, arrays of shape (height, width) with the lowest row first.

    Attributes
    ----------
    trained : array of bool
        Whether the run trained.
    value : array of float
        The value to draw.
    signed : bool
        Whether the value is that of the paper: negative if the run trained, positive if it did not.
        Otherwise it is the final SSR.
    """

    trained: NDArray[np.bool_]
    value: NDArray[np.float64]
    signed: bool = True

    @property
    def boundary(self) -> NDArray[np.bool_]:
        """The boundary of what trained, shape (height - 1, width - 1)."""
        return edges(self.trained)


def map_axes(experiment: Experiment) -> tuple[MapAxis, MapAxis]:
    """Return the two axes of a map.

    Raises
    ------
    ExperimentError
        The grid does not have two axes of evenly spaced numbers.
    """
    grid = experiment.grid
    axes = [
        MapAxis(axis.name, axis.values) for axis in grid.axes if isinstance(axis.values, Spaced)
    ]
    if len(axes) != 2 or len(grid.axes) != 2 or len(grid.dimensions) != 2:
        raise ExperimentError(
            "grid",
            "must have two axes, each { linear = [..] } or { log = [..] }, to be a map.",
            "For example: learning_rate_1 = { log = [1e-3, 1e6], count = 256 }",
        )
    return axes[0], axes[1]


def framed(
    experiment: Experiment, *, size: int | None = None, window: Window | None = None
) -> Experiment:
    """Return a map in another window, or with another number of pixels on each side.

    Raises
    ------
    ExperimentError
        The experiment is not a map, or a value in the window is not allowed.
    """
    document = experiment.document()
    ends = (window.across, window.up) if window else (None, None)
    for axis, here in zip(map_axes(experiment), ends, strict=True):
        values = axis.values
        document["grid"][axis.name] = {
            values.kind: list(here or (values.first, values.last)),
            "count": size or values.count,
        }
    return Experiment.from_mapping(document, data=experiment.source)


def window_of(experiment: Experiment) -> Window:
    """Return the window of a map, its ends in ascending order."""
    across, up = (sorted(axis.values.ends()) for axis in map_axes(experiment))
    return Window(across=(across[0], across[1]), up=(up[0], up[1]))


def parse_window(text: str) -> Window:
    """Return the window x0,x1,y0,y1 of a command line.

    Raises
    ------
    HarnessError
        The text is not four finite numbers, or an axis does not ascend.
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
    """Return a window as text for `parse_window`.

    >>> zoom_argument(Window(across=(0.001, 10.0), up=(1.0, 2.5e20)))
    '0.001,10,1,2.5e+20'
    """
    return ",".join(repr(end).removesuffix(".0") for end in (*window.across, *window.up))


def told_apart(window: Window, shape: tuple[int, ...]) -> bool:
    """Return whether neighbouring pixels of a window are different numbers, with a margin."""
    ends = zip((window.across, window.up), shape, strict=True)
    return all(
        abs(last - first) / count > 64 * max(np.spacing(abs(first)), np.spacing(abs(last)))
        for (first, last), count in ends
    )


def part_of(experiment: Experiment, pixels: NDArray[np.int64]) -> Experiment:
    """Return an experiment with only some pixels of a map, in their order.

    A run depends only on its own values, so it has the same bits as in the whole map.

    Parameters
    ----------
    experiment : Experiment
        The map.
    pixels : array of shape (n,), int64
        Run ids of the map, without repetitions.

    Raises
    ------
    ExperimentError
        An axis changes the network or the kind of training: each pixel would need its own kernel
        call.
    """
    if experiment.variant_grid.axes:
        names = ", ".join(axis.name for axis in experiment.variant_grid.axes)
        raise ExperimentError(
            "grid",
            f"has an axis that cannot be refined, since it changes more than the numbers of a run:"
            f" {names}.",
            "Leave out --refine to train all pixels.",
        )
    document = experiment.document()
    columns = experiment.grid.columns(pixels)
    document["grid"] = {name: values.tolist() for name, values in columns.items()}
    document["grid"]["zip"] = [list(columns)]
    return Experiment.from_mapping(document, data=experiment.source)


def is_signed(names: Collection[str]) -> bool:
    """Return whether columns or measures include those of the paper."""
    return set(PAPER_MEASURES) <= set(names)


def columns_of(known: Collection[str]) -> tuple[str, ...]:
    """Return the columns of a table of runs that `kinds_and_values` needs."""
    return PAPER_MEASURES if is_signed(known) else ("status", "ssr_final")


def kinds_and_values(runs: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return whether runs trained, and their values, each of shape (runs,).

    Parameters
    ----------
    runs : DataFrame
        With the columns of `columns_of`.
    """
    if is_signed(runs.columns):
        trained = runs["relative_late"] < 1.0
        value = (-runs["relative_sum"]).where(trained, runs["relative_inverse_sum"])
    else:
        trained = runs["status"].astype(str) != "diverged"
        value = runs["ssr_final"]
    return trained.to_numpy(bool), value.to_numpy(np.float64)


def image_of(runs: pd.DataFrame, experiment: Experiment) -> Image:
    """Return the runs of a map as pixels.

    Parameters
    ----------
    runs : DataFrame
        All runs, ordered by run_id, with the columns of `columns_of`.
    experiment : Experiment
        The map.
    """
    width, height = experiment.grid.shape
    trained, value = kinds_and_values(runs)
    return Image(
        trained=trained.reshape(height, width),
        value=value.reshape(height, width),
        signed=is_signed(runs.columns),
    )


def equalised(image: Image) -> NDArray[np.float64]:
    """Return shades from -1 to 1 by rank, below 0 for pixels that trained.

    Every shade has equally many pixels, whatever the values are. The largest values of both kinds,
    which are darkest, meet at the boundary.
    """
    shades = np.zeros(image.value.shape)
    for kind, sign in ((image.trained, -1.0), (~image.trained, 1.0)):
        values = np.abs(image.value[kind])
        if values.size:
            distinct, rank = np.unique(values, return_inverse=True)
            shades[kind] = sign * (rank.reshape(-1) + 1) / distinct.size
    return shades


def nearest_half(image: Image, experiment: Experiment) -> Window | None:
    """Return the window of half the size with most of the boundary; None if there is no boundary.

    Its ends are pixels of this image. Of equals, the one nearest to the centre is returned.
    """
    boundary = image.boundary.astype(np.int64)
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
