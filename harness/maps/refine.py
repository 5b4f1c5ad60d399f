"""A map that is trained only where it is not uniform, and checked where it is taken to be.

Level 0 trains every 16th pixel of a map, and its last row and column. Each further level halves the
distance, and trains those of its new pixels around which, up to two pixels of the former level
away, there are both kinds. Another pixel is of the kind of its neighbours, and its value is their
geometric mean. At the end some of those that were not trained are drawn and trained after all: how
many of them are of the other kind says how many of the others are.

A trained pixel has the bits that it has in the whole map: the numbers of a run depend on its values
alone. Each level is a sweep in a results folder of its own, kept and gone on with like any other.
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
from harness.maps.boundary import box_counts, edges
from harness.maps.image import PAPER, Image, columns_of, kinds_and_values, map_axes, part_of
from harness.maps.zoom import Map
from harness.results.tables import Results
from harness.store import has_manifest
from harness.sweep.run import run

Indices = NDArray[np.int64]
Kinds = NDArray[np.bool_]
Floats = NDArray[np.float64]
Train = Callable[[str, Indices], tuple[Kinds, Floats]]
Lattice = tuple[NDArray[np.int64], NDArray[np.int64]]

# Of 256 x 256 pixels of trainability_tanh 5.8 % are trained and 3 are wrong in the end. From every
# 8th pixel on it is 6.7 %, from every 32nd 5.7 %, and the same 3 are wrong.
FIRST = 16
# With 1 it is 2.7 % and 14 pixels, with 3 8.9 % and 2.
_AROUND = 2

# At least so many pixels are checked, and at least this share of those that were not trained.
_CHECKED, _CHECKED_SHARE = 1000, 0.01
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """What a refined map has cost, and how far it can be trusted.

    Attributes
    ----------
    pixels : int
        All of the map.
    levels : tuple of int
        Pixels that each level has trained.
    checked, wrong : int
        Pixels that were drawn from the others and trained, and how many of them are of the other
        kind than their neighbours were. They are right in the image.
    """

    pixels: int
    levels: tuple[int, ...]
    checked: int
    wrong: int

    @property
    def trained(self) -> int:
        """Pixels that were trained, those that were checked among them."""
        return sum(self.levels) + self.checked

    def wrong_share(self) -> tuple[float, float, float]:
        """Return the share of all pixels that are of the wrong kind, and its 95 % interval.

        How many were wrong before the check has the Wilson interval of those that were checked;
        those that it found are right now. It holds as well where most of them were checked.
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
    """A map of which not every pixel was trained; its levels are folders of its folder."""

    refinement: Refinement


def refined_map(
    experiment: Experiment, out: Path, *, sweep: Callable[[Experiment, Path], Results] = run
) -> RefinedMap:
    """Train a map where it is not uniform, or what is missing of that.

    Parameters
    ----------
    experiment : Experiment
        With two axes of numbers that each run has for itself.
    out : Path
        Levels go into its folders level-0, level-1, ..., and what is checked into check.
    sweep : callable
        Trains an experiment into a folder, as `harness.run` does.

    Raises
    ------
    ExperimentError
        The experiment is no such map.
    ResultsError
        The folder holds a whole map, or levels of another one.
    """
    map_axes(experiment)
    if has_manifest(out):
        raise ResultsError(
            f"{out} holds results, and no levels of a refined map.\nChoose another folder with"
            " --out."
        )

    def train(name: str, pixels: Indices) -> tuple[Kinds, Floats]:
        results = sweep(part_of(experiment, pixels), out / name)
        return kinds_and_values(results.read_runs(columns_of(results.run_columns)))

    width, height = experiment.grid.shape
    trained, value, refinement = refine((height, width), train)
    signed = set(PAPER) <= set(experiment.record.measures)
    return RefinedMap(
        experiment=experiment,
        folder=out,
        image=Image(trained=trained, value=value, signed=signed),
        boxes=box_counts(edges(trained)),
        refinement=refinement,
    )


def refine(shape: tuple[int, int], train: Train) -> tuple[Kinds, Floats, Refinement]:
    """Return kind and value of every pixel, training few of them.

    Parameters
    ----------
    shape : pair of int
        Height h and width w; pixels are counted row by row.
    train : callable
        From the name of a level and pixels of shape (n,), ascending, to their kinds and values,
        each of shape (n,).

    Returns
    -------
    kinds, values : array of shape (h, w)
    refinement : Refinement
    """
    kinds, values, known = np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape, dtype=bool)

    def place(name: str, chosen: Kinds) -> int:
        if chosen.any():
            kinds[chosen], values[chosen] = train(name, np.flatnonzero(chosen))
            known[chosen] = True
        return int(np.count_nonzero(chosen))

    distance = FIRST
    lattice = _lattice(shape, distance)
    levels = [place("level-0", _mask(shape, lattice, True))]
    while distance > 1:
        distance //= 2
        former, lattice = lattice, _lattice(shape, distance)
        fill, between, both = _between(former, lattice, kinds, values)
        kinds[lattice] = np.where(known[lattice], kinds[lattice], fill)
        values[lattice] = np.where(known[lattice], values[lattice], between)
        chosen = _mask(shape, lattice, both & ~known[lattice])
        levels.append(place(f"level-{len(levels)}", chosen))
    before = kinds.copy()
    checked = place("check", _drawn(~known))
    refinement = Refinement(
        pixels=kinds.size,
        levels=tuple(levels),
        checked=checked,
        wrong=int(np.count_nonzero(kinds != before)),
    )
    return kinds, values, refinement


def _lattice(shape: tuple[int, int], distance: int) -> Lattice:
    """Return the pixels at a distance from one another, and those of the last row and column."""
    rows, columns = (np.union1d(np.arange(0, n, distance), [n - 1]) for n in shape)
    return rows[:, np.newaxis], columns[np.newaxis]


def _mask(shape: tuple[int, int], lattice: Lattice, chosen: Kinds | bool) -> Kinds:
    mask = np.zeros(shape, dtype=bool)
    mask[lattice] = chosen
    return mask


def _between(
    former: Lattice, lattice: Lattice, kinds: Kinds, values: Floats
) -> tuple[Kinds, Floats, Kinds]:
    """Return kind and value of the pixels of a lattice by those of the former one around them.

    Also returns where both kinds are around: there the kind may be wrong.
    """
    corners = [
        (row, column)
        for row in _neighbours(former[0], lattice[0])
        for column in _neighbours(former[1], lattice[1])
    ]
    coarse, size = kinds[former], 2 * _AROUND + 1
    both = ndimage.maximum_filter(coarse, size) != ndimage.minimum_filter(coarse, size)
    # Values of a kind have one sign and may be many powers of ten apart. Zero and infinity stay.
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.abs(values[former]))
        sizes = np.exp(sum(logs[corner] for corner in corners) / len(corners))
    first = corners[0]
    signs = np.sign(values[former][first])
    return coarse[first], signs * sizes, np.logical_and.reduce([both[corner] for corner in corners])


def _neighbours(former: Indices, now: Indices) -> tuple[Indices, Indices]:
    """Return the places among former rows, or columns, of those before and after each of now."""
    before = np.searchsorted(former.ravel(), now, side="right") - 1
    return before, np.searchsorted(former.ravel(), now, side="left")


def _drawn(others: Kinds) -> Kinds:
    """Return the pixels that are checked, of those that were not trained: always the same ones."""
    pixels = np.flatnonzero(others)
    count = max(_CHECKED, math.ceil(_CHECKED_SHARE * pixels.size))
    # The words of a bit generator stay what they are in every version of numpy, `choice` may not.
    words = np.random.Philox(key=_SEED).random_raw(pixels.size)
    drawn = np.zeros(others.shape, dtype=bool)
    drawn.flat[pixels[np.argsort(words, kind="stable")[:count]]] = True
    return drawn
