"""Heat maps: how the runs in each cell of two axes ended, and medians of their final values.

A further axis is a filter: choice 0 is all of its values, choice 1 its first bin. The median over
all values does not follow from the medians of the bins, so every choice has numbers of its own.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.measures import ENDINGS, accuracy_column, comparable
from harness.analysis.ranking import medians, trained_loss
from harness.report.ordered_axes import OrderedAxis, Ranks
from harness.report.packing import packed, packed_logs

# The cells of all heat maps together, with every choice of the filters: 16 bytes each.
MOST_CELLS = 40_000
LONGEST = 200  # bins along one axis
_FILTERS, _FILTER_BINS, _FEWEST = 3, 50, 4


@dataclass(frozen=True, slots=True)
class View:
    """The axes of a heat map, as indices of the ordered axes, and the bins of each.

    The first axis is x, the second, if there is one, y; the others are filters.
    """

    axes: tuple[int, ...]
    bins: tuple[int, ...]

    @property
    def across(self) -> int:
        """The number of axes that span the picture: 1 or 2."""
        return min(2, len(self.axes))

    @property
    def cells(self) -> int:
        """The number of cells, with every choice of the filters."""
        spanned, filters = self.bins[: self.across], self.bins[self.across :]
        return math.prod(spanned) * math.prod(bins + 1 for bins in filters)


def views(axes: Sequence[OrderedAxis]) -> list[View]:
    """Return a heat map for every pair of the first three axes, or for the only one."""
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
    """Return the view with at most `most` cells, by wider bins: first of filters, then of axes."""
    while view.cells > most:
        bins, across = list(view.bins), view.across
        filters = range(across, len(bins))
        widest = max(filters, key=bins.__getitem__, default=0)
        if not filters or bins[widest] <= _FEWEST:
            widest = max(range(across), key=bins.__getitem__)
        if bins[widest] <= _FEWEST:
            view = View(view.axes[:-1], view.bins[:-1])
            continue
        bins[widest] = max(_FEWEST, bins[widest] * 3 // 4)
        view = View(view.axes, tuple(bins))
    return view


class CellCounts:
    """Runs by ending in each cell of a view, with every choice of its filters.

    Parameters
    ----------
    view : View
        The view.
    axes : sequence of OrderedAxis
        All ordered axes of the grid.
    """

    def __init__(self, view: View, axes: Sequence[OrderedAxis]) -> None:
        self.view = view
        self._axes = axes
        filters = (bins + 1 for bins in view.bins[view.across :])
        cells = math.prod(view.bins[: view.across])
        self.counts = np.zeros((len(ENDINGS), *filters, cells), dtype=np.int64)

    def add(self, ranks: Sequence[Ranks], endings: NDArray[np.int8]) -> None:
        """Count runs by their ranks along all axes, and their codes in `ENDINGS`."""
        for at, code in self.choices(ranks):
            part = self.counts[(slice(None), *at)]
            code += endings.astype(np.int64) * part[0].size
            part += np.bincount(code, minlength=part.size).reshape(part.shape)

    def choices(
        self, ranks: Sequence[Ranks]
    ) -> Iterator[tuple[tuple[int | slice, ...], NDArray[np.int64]]]:
        """Yield for each set of filters in use the index of its cells, and the cell of each run."""
        view = self.view
        inside = [
            self._axes[a].bins(ranks[a], n) for a, n in zip(view.axes, view.bins, strict=True)
        ]
        spanned = inside[0].copy()
        if view.across == 2:
            spanned += inside[1] * view.bins[0]
        filters = list(zip(inside[view.across :], view.bins[view.across :], strict=True))
        for chosen in itertools.product((False, True), repeat=len(filters)):
            code, cells = spanned.copy(), math.prod(view.bins[: view.across])
            # The last filter is the fastest digit, after the cell itself.
            for is_chosen, (at, bins) in reversed([*zip(chosen, filters, strict=True)]):
                if is_chosen:
                    code += at * cells
                    cells *= bins
            yield tuple(slice(1, None) if is_chosen else 0 for is_chosen in chosen), code


def heat_map(counts: CellCounts, ranks: Sequence[Ranks], runs: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of a view for the page.

    Parameters
    ----------
    counts : CellCounts
        The counts of all runs.
    ranks : sequence of ndarray
        The ranks of `runs` along each ordered axis.
    runs : DataFrame
        The runs for the medians, with status and the final loss, and accuracy if it was recorded.

    Returns
    -------
    dict
        x, y (None if there is one axis), filters, bins; and, packed, runs, converged, diverged,
        stopped if any run was, the logarithms of median, and the median of
        `measures.accuracy_column`, if there is one, as accuracy; in the order of nested lists:
        filters, then y, then x.
    """
    view = counts.view
    loss, accuracy = trained_loss(runs.columns), accuracy_column(runs)
    names = [loss, accuracy] if accuracy else [loss]
    found = {name: np.full(counts.counts.shape[1:], np.nan) for name in names}
    for at, code in counts.choices(ranks):
        for name, median in found.items():
            values = np.asarray(comparable(runs, name), dtype=np.float64)
            part = median[at]
            part[...] = medians(code, values, part.size)[0].reshape(part.shape)
    by_ending = dict(zip(ENDINGS, counts.counts, strict=True))
    return {
        "x": view.axes[0],
        "y": view.axes[1] if view.across == 2 else None,
        "filters": list(view.axes[view.across :]),
        "bins": list(view.bins),
        "median": packed_logs(found[loss]),
        **({"accuracy": packed(found[accuracy], "<f4")} if accuracy else {}),
        "runs": packed(counts.counts.sum(axis=0), "<u4"),
        **{
            name: packed(count, "<u4")
            for name, count in by_ending.items()
            if name in ("converged", "diverged") or (name == "stopped" and count.any())
        },
    }
