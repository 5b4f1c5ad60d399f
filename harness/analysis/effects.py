"""The effect of one axis on the outcome, over all values of the other axes.

Along an axis of numbers, `ordered_effect` finds the ranges that work and that diverge. A few values
are better compared pair by pair, by `paired_effect`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.comparison import (
    compare,
    most_converge,
    pairs,
    share_changes,
)
from harness.analysis.measures import leading
from harness.analysis.ranking import decided_by, ranked, rivals, trained_loss

# The median of fewer runs has no interval; see `ranking.combinations`.
FEWEST_RUNS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedEffect:
    """The values of an axis of numbers at which runs work, and those at which all diverge.

    Attributes
    ----------
    best : dict
        The row of the best value, as `ranking` orders them.
    decided_by : str
        What decided: converged, the share of runs, or median, that of the final loss.
    works : tuple of two floats, or None
        The ends of the range around the best value in which at least half of its share of runs
        converges or, if the median decided, in which the intervals of the medians overlap that of
        the best one. None if no value stands out, or at least half of the runs diverged at each.
    everywhere : bool
        Whether that range is the whole axis.
    no_difference : bool
        Whether the intervals of all values overlap that of the best one, with enough runs at each
        value to tell.
    diverge_to, diverge_from : float or None
        Up to, and from, this value on, all runs diverged.
    all_diverge : bool
        Whether all runs diverged at every value.
    """

    best: dict[str, Any]
    decided_by: str
    works: tuple[float, float] | None
    everywhere: bool
    no_difference: bool
    diverge_to: float | None
    diverge_from: float | None
    all_diverge: bool


def ordered_effect(table: pd.DataFrame, axis: str) -> OrderedEffect:
    """Return the effect of an axis of numbers.

    Parameters
    ----------
    table : DataFrame
        The table of `ranking.combinations` for this axis, in any order.
    axis : str
        The axis; each value has one row.

    Examples
    --------
    >>> from harness.analysis.ranking import combinations
    >>> status = ["finished", "converged", "converged", "diverged"]
    >>> runs = pd.DataFrame({"learning_rate": [0.1, 0.2, 0.3, 0.9], "status": status})
    >>> runs = pd.concat([runs.assign(ssr_final=1.0)] * 10, ignore_index=True)
    >>> found = ordered_effect(combinations(runs, "learning_rate"), "learning_rate")
    >>> found.works, found.diverge_from
    ((0.2, 0.3), 0.9)
    """
    table = table.sort_values(axis, ignore_index=True)
    values = table[axis].tolist()
    order = ranked(table)
    best = {str(name): column.iloc[0] for name, column in order.items()}
    decided = decided_by(order)
    if decided == "converged":
        works = (table["converged"] >= best["converged"] / 2).to_numpy(bool)
    else:
        works = (table["median_low"] <= best["median_high"]).to_numpy(bool)
    stands_out = len(rivals(order)) < len(order) - 1
    first, last = _around(works, values.index(best[axis]))
    lost = (table["diverged"] == 1).to_numpy(bool)
    below, above = leading(lost), leading(lost[::-1])
    return OrderedEffect(
        best=best,
        decided_by=decided,
        works=(values[first], values[last])
        if stands_out and (decided == "converged" or np.isfinite(best["median"]))
        else None,
        everywhere=bool(works.all()),
        no_difference=not stands_out and not lost.any() and table["runs"].min() >= FEWEST_RUNS,
        diverge_to=values[below - 1] if below else None,
        diverge_from=values[len(values) - above] if above else None,
        all_diverge=bool(lost.all()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEffect:
    """Changes from a value of an axis to a better one, pair by pair.

    Attributes
    ----------
    row : dict
        A row of `comparison.compare`.
    against : object
        The value that it is compared with.
    column : str
        What is compared: converged if the share that converges changes. Otherwise epochs if most
        pairs converge, or else the final loss.
    differs : bool
        Whether the interval excludes that nothing changes.
    """

    row: dict[str, Any]
    against: Any
    column: str
    differs: bool


def paired_effect(
    runs: pd.DataFrame, axis: str, order: Sequence[Any], on: Sequence[str]
) -> PairedEffect | None:
    """Return the effect of an axis with few values; None if the starts are too few to tell.

    It is that of the best value that differs from the first one of `order`, or of the best other
    value if none does. If the first one is better, it is compared with that value instead.

    Parameters
    ----------
    runs : DataFrame
        All runs or a sample, with `axis`, `on`, status, epochs and the final loss.
    axis : str
        The axis.
    order : sequence
        Its values: the one to compare with, then the others with the best first.
    on : sequence of str
        The axes on which the runs of a pair agree, from `comparison.paired_axes`.
    """
    loss, first = trained_loss(runs.columns), order[0]

    def compared(values: Sequence[Any]) -> list[PairedEffect]:
        found = pairs(runs, axis, values, on, loss)
        rows = [] if found.empty else compare(found, axis).to_dict("records")
        return [
            PairedEffect(
                row={str(name): value for name, value in row.items()},
                against=values[0],
                column=_compared(row, loss),
                differs=_differs(row),
            )
            for row in rows
            if row["starts"] >= FEWEST_RUNS
        ]

    effects = compared(order)
    if not effects:
        return None
    found = next((effect for effect in effects if effect.differs), effects[0])
    return compared([found.row[axis], first])[0] if _is_worse(found.row) else found


def _compared(row: Mapping[Any, Any], loss: str) -> str:
    if share_changes(row):
        return "converged"
    return "epochs" if most_converge(row) else loss


def _differs(row: Mapping[Any, Any]) -> bool:
    if share_changes(row):
        return True
    if most_converge(row):
        return not row["epochs_ratio_low"] <= 1 <= row["epochs_ratio_high"]
    return bool(row["better_low"] > row["worse_high"] or row["worse_low"] > row["better_high"])


def _is_worse(row: Mapping[Any, Any]) -> bool:
    if share_changes(row):
        return bool(row["converged_change"] < 0)
    if most_converge(row):
        return bool(row["epochs_ratio"] > 1)
    return bool(row["worse"] > row["better"])


def _around(works: NDArray[np.bool_], at: int) -> tuple[int, int]:
    """Return the first and the last of the neighbours of a position that are all true."""
    return at - leading(works[:at][::-1]), at + leading(works[at + 1 :])
