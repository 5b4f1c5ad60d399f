"""Heat maps: for each cell of two axes how many runs ended how, and their median.

A further axis is a filter: its place 0 is all of its values, and place 1 the first bin. The median
over all values is no function of the medians of each, so that every choice has its own numbers.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.measures import ENDINGS
from harness.report.ordered_axes import OrderedAxis
from harness.report.packing import packed, packed_logs

# Of all heat maps together, with every choice of the filters: 16 bytes each.
MOST_CELLS = 40_000
LONGEST = 200  # bins along one axis
_FILTERS, _FILTER_BINS, _FEWEST = 3, 50, 4


@dataclass(frozen=True, slots=True)
class View:
    """Which axes a heat map has, by their places among the ordered axes, and bins of each.

    `axes` are those along x and y, one or two, and then the filters.
    """

    axes: tuple[int, ...]
    bins: tuple[int, ...]

    @property
    def across(self) -> int:
        """How many of the axes span the picture."""
        return min(2, len(self.axes))

    @property
    def cells(self) -> int:
        """Cells, with every choice of the filters."""
        spanned, filters = self.bins[: self.across], self.bins[self.across :]
        return math.prod(spanned) * math.prod(bins + 1 for bins in filters)


def views(axes: Sequence[OrderedAxis]) -> list[View]:
    """Return the heat maps that are shown: of the first three axes every pair."""
    numbers = range(len(axes))
    if len(axes) < 2:
        pairs: list[tuple[int, ...]] = [tuple(numbers)] if axes else []
    else:
        pairs = list(itertools.combinations(numbers[:3], 2))
    found = []
    for pair in pairs:
        filters = tuple(number for number in numbers if number not in pair)[:_FILTERS]
        bins = [min(axes[number].count, LONGEST) for number in pair]
        bins += [min(axes[number].count, _FILTER_BINS) for number in filters]
        found.append(_fitting(View(pair + filters, tuple(bins)), MOST_CELLS // len(pairs)))
    return found


def _fitting(view: View, most: int) -> View:
    """Return the view with wider bins until there are few enough cells: first of the filters."""
    while view.cells > most:
        bins, across = list(view.bins), view.across
        filters = range(across, len(bins))
        widest = max(filters, key=bins.__getitem__, default=0)
        if not filters or bins[widest] <= _FEWEST:
            widest = max(range(across), key=bins.__getitem__)
        if bins[widest] <= _FEWEST:
            view = View(view.axes[:-1], view.bins[:-1])  # not for any axes that a grid has
            continue
        bins[widest] = max(_FEWEST, bins[widest] * 3 // 4)
        view = View(view.axes, tuple(bins))
    return view


class CellCounts:
    """How many runs ended how in each cell of a view, with every choice of its filters.

    Parameters
    ----------
    view : View
        Which.
    axes : sequence of OrderedAxis
        All of them.
    """

    def __init__(self, view: View, axes: Sequence[OrderedAxis]) -> None:
        self.view = view
        self._axes = axes
        filters = (bins + 1 for bins in view.bins[view.across :])
        cells = math.prod(view.bins[: view.across])
        self.counts = np.zeros((len(ENDINGS), *filters, cells), dtype=np.int64)

    def add(self, places: Sequence[NDArray[np.int64]], endings: NDArray[np.int8]) -> None:
        """Count runs by their places along the axes, and in `ENDINGS`."""
        for at, code in self.choices(places):
            part = self.counts[(slice(None), *at)]
            cells = part[0].size
            code += endings.astype(np.int64) * cells
            counted = np.bincount(code, minlength=part.size)
            self.counts[(slice(None), *at)] += counted.reshape(part.shape)

    def choices(
        self, places: Sequence[NDArray[np.int64]]
    ) -> Iterator[tuple[tuple[int | slice, ...], NDArray[np.int64]]]:
        """Yield for every choice of filters where its cells are, and the cell of each run there."""
        view = self.view
        inside = [
            self._axes[a].bins(places[a], n) for a, n in zip(view.axes, view.bins, strict=True)
        ]
        spanned = inside[0].copy()
        if view.across == 2:
            spanned += inside[1] * view.bins[0]
        filters = list(zip(inside[view.across :], view.bins[view.across :], strict=True))
        for chosen in itertools.product((False, True), repeat=len(filters)):
            code, cells = spanned.copy(), math.prod(view.bins[: view.across])
            # The last filter is the fastest digit, after the cell itself.
            for is_chosen, (place, bins) in reversed([*zip(chosen, filters, strict=True)]):
                if is_chosen:
                    code += place * cells
                    cells *= bins
            yield tuple(slice(1, None) if is_chosen else 0 for is_chosen in chosen), code


def heat_map(
    counts: CellCounts, places: Sequence[NDArray[np.int64]], runs: pd.DataFrame
) -> dict[str, Any]:
    """Return the numbers of a view for the page.

    Parameters
    ----------
    counts : CellCounts
        Of all runs.
    places : sequence of ndarray
        The place of every run of `runs` along each axis.
    runs : DataFrame
        What medians are taken of, with status and ssr_final.

    Returns
    -------
    dict
        x, y (None where there is one axis), filters, bins; and, packed, runs, converged,
        diverged and the logarithms of median. Their order is that of nested lists: filters, then
        y, then x.
    """
    view = counts.view
    values = runs["ssr_final"].to_numpy(np.float64)
    values = np.where((runs["status"] == "diverged") | np.isnan(values), np.inf, values)
    order = np.argsort(values)
    medians = np.full(counts.counts.shape[1:], np.nan)
    for at, code in counts.choices(places):
        part = medians[at]
        medians[at] = _medians(code, part.size, values, order).reshape(part.shape)
    by_ending = dict(zip(ENDINGS, counts.counts, strict=True))
    return {
        "x": view.axes[0],
        "y": view.axes[1] if view.across == 2 else None,
        "filters": list(view.axes[view.across :]),
        "bins": list(view.bins),
        "median": packed_logs(medians),
        "runs": packed(counts.counts.sum(axis=0), "<u4"),
        "converged": packed(by_ending["converged"], "<u4"),
        "diverged": packed(by_ending["diverged"], "<u4"),
    }


def _medians(
    code: NDArray[np.int64], cells: int, values: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the median of each cell, NaN where it has no run; `order` sorts the values."""
    by_cell = order[np.argsort(code[order], kind="stable")]
    counts = np.bincount(code, minlength=cells)
    first = np.cumsum(counts) - counts
    found = np.full(cells, np.nan)
    full = counts > 0
    low = values[by_cell[(first + (counts - 1) // 2)[full]]]
    high = values[by_cell[(first + counts // 2)[full]]]
    found[full] = np.where(low == high, low, (low + high) / 2)
    return found
