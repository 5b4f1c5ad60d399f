"""Train a map only where it is not uniform, and check a sample of the rest.

Level 0 trains every 16th pixel of a map, and its last row and column. Each further level halves the
distance. It trains a new pixel if both kinds occur around it, up to two pixels of the former level
away. Any other pixel takes the kind of its neighbours, and the geometric mean of their values. At
the end, a random sample of the pixels that were not trained is trained after all: the share of them
that are of the other kind estimates the share among the rest.

A run depends only on its own values, so a trained pixel has the same bits as in the whole map. Each
level is a sweep in its own results folder, which can be resumed like any other.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harness.analysis.measures import share_interval
from harness.errors import ResultsError
from harness.experiment import Experiment
from harness.maps.image import (
    Image,
    columns_of,
    is_signed,
    kinds_and_values,
    map_axes,
    part_of,
)
from harness.maps.zoom import Map
from harness.results.tables import Results
from harness.store import has_manifest
from harness.sweeps.run import run

Indices = NDArray[np.int64]
Kinds = NDArray[np.bool_]
Floats = NDArray[np.float64]
Train = Callable[[str, Indices], tuple[Kinds, Floats]]
Lattice = tuple[NDArray[np.int64], NDArray[np.int64]]

# Of the 256 x 256 pixels of trainability_tanh, 5.8 % are trained and 3 are wrong in the end.
# Starting from every 8th pixel, 6.7 % are trained; from every 32nd, 5.7 %; the same 3 are wrong.
FIRST = 16
# With 1, 2.7 % are trained and 14 pixels are wrong; with 3, 8.9 % and 2.
_AROUND = 2

# Pixels to check: this many, or this share of those that were not trained if that is more.
_CHECKED, _CHECKED_SHARE = 1000, 0.01
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """The cost of a refined map, and how far it can be trusted.

    Attributes
    ----------
    pixels : int
        Pixels of the map.
    levels : tuple of int
        Pixels that each level trained.
    checked, wrong : int
        Pixels that were trained to check them, and those of them whose kind had been wrong. The
        image has the right kinds.
    """

    pixels: int
    levels: tuple[int, ...]
    checked: int
    wrong: int

    @property
    def trained(self) -> int:
        """The number of pixels that were trained, including the checked ones."""
        return sum(self.levels) + self.checked

    def wrong_share(self) -> tuple[float, float, float]:
        """Return the share of all pixels whose kind is still wrong, and its 95 % interval.

        The interval is the Wilson interval of the checked pixels, applied to all that were not
        trained by a level, less the wrong ones that the check has found and put right. It also
        holds if most of them were checked.
        """
        others = self.pixels - self.trained
        if not others:
            return 0.0, 0.0, 0.0
        interval = share_interval(np.array([self.wrong]), np.array([self.checked]))
        left = [(others + self.checked) * end.item() - self.wrong for end in interval]
        low, high = (min(max(wrong, 0.0), others) / self.pixels for wrong in left)
        return others / self.pixels * self.wrong / self.checked, low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinedMap(Map):
    """A map with pixels that were not trained; each level has a folder in its folder."""

    refinement: Refinement


def refined_map(
    experiment: Experiment, out: Path, *, sweep: Callable[[Experiment, Path], Results] = run
) -> RefinedMap:
    """Train a map where it is not uniform, or the part of that which is missing.

    Parameters
    ----------
    experiment : Experiment
        With two axes of numbers that do not change the network or the kind of training.
    out : Path
        The folder of the levels, which are called level-0, level-1, ... and check.
    sweep : callable
        Trains an experiment into a folder, as `harness.run` does.

    Raises
    ------
    ExperimentError
        The experiment is not a map, or cannot be refined.
    ResultsError
        The folder holds a whole map, or levels of another map.
    """
    map_axes(experiment)
    if has_manifest(out):
        raise ResultsError(
            f"{out} holds the results of a sweep, not the levels of a refined map.\n"
            "Choose another folder with --out."
        )

    def train(name: str, pixels: Indices) -> tuple[Kinds, Floats]:
        results = sweep(part_of(experiment, pixels), out / name)
        return kinds_and_values(results.read_runs(columns_of(results.run_columns)))

    width, height = experiment.grid.shape
    trained, value, refinement = refine((height, width), train)
    signed = is_signed(experiment.record.measures)
    return RefinedMap(
        experiment=experiment,
        folder=out,
        image=Image(trained=trained, value=value, signed=signed),
        refinement=refinement,
    )


def refine(shape: tuple[int, int], train: Train) -> tuple[Kinds, Floats, Refinement]:
    """Return the kind and the value of every pixel, but train only some of them.

    Parameters
    ----------
    shape : pair of int
        Height h and width w; pixels are numbered row by row.
    train : callable
        From the name of a level and its pixels, ascending, of shape (n,), to their kinds and
        values, each of shape (n,).

    Returns
    -------
    kinds, values : array of shape (h, w)
    refinement : Refinement
    """
    kinds, values, known = np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape, dtype=bool)

    def train_level(name: str, chosen: Kinds) -> int:
        if chosen.any():
            kinds[chosen], values[chosen] = train(name, np.flatnonzero(chosen))
            known[chosen] = True
        return int(np.count_nonzero(chosen))

    distance = FIRST
    lattice = _lattice(shape, distance)
    levels = [train_level("level-0", _mask(shape, lattice, True))]
    while distance > 1:
        distance //= 2
        former, lattice = lattice, _lattice(shape, distance)
        fill, between, both = _between(former, lattice, kinds, values)
        kinds[lattice] = np.where(known[lattice], kinds[lattice], fill)
        values[lattice] = np.where(known[lattice], values[lattice], between)
        chosen = _mask(shape, lattice, both & ~known[lattice])
        levels.append(train_level(f"level-{len(levels)}", chosen))
    before = kinds.copy()
    checked = train_level("check", _drawn(~known))
    refinement = Refinement(
        pixels=kinds.size,
        levels=tuple(levels),
        checked=checked,
        wrong=int(np.count_nonzero(kinds != before)),
    )
    return kinds, values, refinement


def _lattice(shape: tuple[int, int], distance: int) -> Lattice:
    """Return the rows and the columns at a distance from one another, and the last ones."""
    rows, columns = (np.union1d(np.arange(0, n, distance), [n - 1]) for n in shape)
    return rows[:, np.newaxis], columns[np.newaxis]


def _mask(shape: tuple[int, int], lattice: Lattice, chosen: Kinds | bool) -> Kinds:
    mask = np.zeros(shape, dtype=bool)
    mask[lattice] = chosen
    return mask


def _between(
    former: Lattice, lattice: Lattice, kinds: Kinds, values: Floats
) -> tuple[Kinds, Floats, Kinds]:
    """Interpolate the kinds and the values of a lattice from the former, coarser one.

    The third array says where both kinds occur nearby, so that the kind may be wrong.
    """
    corners = [
        (row, column)
        for row in _neighbours(former[0], lattice[0])
        for column in _neighbours(former[1], lattice[1])
    ]
    coarse, size = kinds[former], 2 * _AROUND + 1
    both = ndimage.maximum_filter(coarse, size) != ndimage.minimum_filter(coarse, size)
    # Values of one kind have the same sign, and may be many powers of ten apart. The geometric mean
    # keeps zero and infinity.
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.abs(values[former]))
        sizes = np.exp(sum(logs[corner] for corner in corners) / len(corners))
    first = corners[0]
    signs = np.sign(values[former][first])
    return coarse[first], signs * sizes, np.logical_and.reduce([both[corner] for corner in corners])


def _neighbours(former: Indices, now: Indices) -> tuple[Indices, Indices]:
    """Return the indices of the former rows, or columns, before and after each one of now."""
    before = np.searchsorted(former.ravel(), now, side="right") - 1
    return before, np.searchsorted(former.ravel(), now, side="left")


def _drawn(others: Kinds) -> Kinds:
    """Return the pixels to check, drawn from those that were not trained, the same every time."""
    pixels = np.flatnonzero(others)
    count = max(_CHECKED, math.ceil(_CHECKED_SHARE * pixels.size))
    # The raw output of a bit generator is the same in every version of numpy; `choice` may not be.
    words = np.random.Philox(key=_SEED).random_raw(pixels.size)
    drawn = np.zeros(others.shape, dtype=bool)
    drawn.flat[pixels[np.argsort(words, kind="stable")[:count]]] = True
    return drawn
