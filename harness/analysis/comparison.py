"""Comparison of the values of an axis, run by run: what changes if nothing else does.

Two runs form a pair if they differ in one axis only, so they have the same start and the same value
of every other axis. Differences within pairs are free of the luck of the start, which is most of
what differs between runs; means of each value are not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.measures import (
    ENDINGS,
    change_interval,
    comparable,
    has_value,
    higher_is_better,
    share_interval,
)
from harness.analysis.ranking import RANKS, SEEDS, ending_codes, ranks_outside, trained_loss
from harness.analysis.tally import Factor
from harness.experiment.grid import Axis, Grid, Listed

Floats = NDArray[np.float64]


def paired_axes(grid: Grid, axis: str) -> list[str]:
    """Return the axes on which the runs of a pair agree if they differ in `axis`.

    These are init_id and all other axes, except those that are zipped with `axis` and change
    whenever it does, or that some runs do not have, such as the momentum of an optimiser without
    one.
    """
    names = ["init_id"]
    for number, axes in enumerate(grid.dimensions):
        length = axes[0].values.count
        own = [each for each in axes if each.name == axis]
        for each in axes:
            changes = own and _points(number, (*own, each), length) == _points(number, own, length)
            if not changes and not (own and _lacks_values(each)):
                names.append(each.name)
    return [name for name in dict.fromkeys(names) if name != axis]


def _lacks_values(axis: Axis) -> bool:
    """Return whether some runs do not have the setting of an axis."""
    return isinstance(axis.values, Listed) and any(map(pd.isna, axis.values.values))


def _points(number: int, axes: Sequence[Any], length: int) -> int:
    return Factor(number, tuple(axes), length).count


def pairs(
    runs: pd.DataFrame,
    axis: str,
    values: Sequence[Any],
    on: Sequence[str],
    column: str,
) -> pd.DataFrame:
    """Return the pairs of runs with the first value of an axis and with each of the others.

    Parameters
    ----------
    runs : DataFrame
        With `axis`, `on`, status, epochs, and `column`.
    axis : str
        The axis to compare.
    values : sequence
        Its values; each one after the first is compared with the first.
    on : sequence of str
        The axes on which the runs of a pair agree, from `paired_axes`. Runs without a partner, such
        as those that are not trained yet, are left out.
    column : str
        What to compare, such as ssr_final. Runs that diverged, and NaN, have the worst value. One
        of `measures.ENDINGS` compares whether runs end so, and status how they end, converged being
        best and diverged worst.

    Returns
    -------
    DataFrame
        One row per pair: `axis`, its second value; the columns of `on`; status, epochs and `column`
        of both runs, named `status_first`, `status_second` and so on, with `value` for `column`;
        `start`, a number for each combination of seeds; `better`: 1 if the second run is better, -1
        if it is worse, 0 if they are equal; and `better_ending`, the same for their endings. If
        `column` is the loss that is trained, two runs that converged are equal: both reached the
        tolerance, and how far below it they stopped has no meaning.
    """
    kept = runs[[*on, "status", "epochs"]].assign(value=_values(runs, column))
    base, *others = [kept[has_value(runs[axis], each)] for each in values]
    how: Any = {"on": list(on)} if on else {"how": "cross"}
    joined = [base.merge(other, suffixes=("_first", "_second"), **how) for other in others]
    for table, each in zip(joined, values[1:], strict=True):
        table.insert(0, axis, each)
    found: pd.DataFrame = pd.concat(joined, ignore_index=True)
    seeds = [name for name in on if name in SEEDS]
    found["start"] = found.groupby(seeds, observed=True).ngroup() if seeds else 0
    one, other = found["value_first"], found["value_second"]
    rises, falls = (one < other).astype(np.int8), (one > other).astype(np.int8)
    better: pd.Series[int] = rises - falls if higher_is_better(column) else falls - rises
    if column == trained_loss(runs.columns):
        better = better.where(~both_converged(found), 0)
    first, second = (
        RANKS[ending_codes(found.rename(columns={f"status_{which}": "status"}))]
        for which in ("first", "second")
    )
    return found.assign(better=better, better_ending=np.sign(first - second))


def _values(runs: pd.DataFrame, column: str) -> Floats:
    """Return the values to compare, as numbers."""
    if column in ENDINGS:
        return np.asarray(runs["status"].eq(column), dtype=np.float64)
    if column == "status":
        return RANKS[ending_codes(runs)].astype(np.float64)
    return np.asarray(comparable(runs, column), dtype=np.float64)


def both_converged(pairs: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether both runs of each pair converged, shape (pairs,)."""
    both = pairs["status_first"].eq("converged") & pairs["status_second"].eq("converged")
    return both.to_numpy(bool)


def compare(pairs: pd.DataFrame, axis: str, *, ratio: bool = True) -> pd.DataFrame:
    """Compare the first value of an axis with each of the others.

    Parameters
    ----------
    pairs : DataFrame
        The table of `pairs`.
    axis : str
        The axis.
    ratio : bool
        Whether to compare by ratios, as suits losses, or by differences. Ratios need values that
        are not negative.

    Returns
    -------
    DataFrame
        One row per value:

        - `axis`, its value; `pairs`, their number; `starts`, the number of different starts;
        - `better`, `equal` and `worse`: shares of the pairs, with 95 % Wilson intervals, as in
          `measures.outcomes`;
        - `change`: the median ratio of the second run's value to the first one's, or the median
          difference, with a 95 % interval, `change_low` to `change_high`, which assumes no
          distribution, as in `ranking.combinations`;
        - `both_converged`, the number of pairs in which both runs converged, and
          `epochs_ratio`, `epochs_ratio_low`, `epochs_ratio_high`: the same for their epochs, of
          these pairs only. NaN if there are none. Kaplan and Meier's estimate, which counts all
          runs, does not apply to pairs;
        - `converged_first` and `converged_second`, the shares of the first and the second runs that
          converged; `converged_change`, the difference of the two, with a 95 % interval,
          `converged_change_low` to `converged_change_high`, from `measures.change_interval`; and
          `converged_only_first` and `converged_only_second`, the numbers of pairs in which only one
          run converged, as in the test of McNemar (1947). The same for finished, for diverged, and
          for stopped if any run was;
        - `finished_to_converged` and so on: the number of pairs that end in another way, for all
          changes that occur.

        Pairs that share a start are not independent. All intervals are as wide as if such pairs
        were copies of each other: with the number of starts instead of the number of pairs. This
        is exact for one pair per start, and errs on the safe side for several, since the mean over
        the pairs of a start varies at most as much as a single pair.

    Examples
    --------
    >>> runs = pd.DataFrame(
    ...     {
    ...         "momentum": [0.0, 0.0, 0.0, 0.9, 0.9, 0.9],
    ...         "init_id": [0, 1, 2, 0, 1, 2],
    ...         "status": ["finished", "finished", "converged"] * 2,
    ...         "epochs": [100, 100, 80, 100, 100, 20],
    ...         "ssr_final": [0.4, 0.2, 0.01, 0.1, 0.3, 0.01],
    ...     }
    ... )
    >>> paired = pairs(runs, "momentum", [0.0, 0.9], ["init_id"], "ssr_final")
    >>> compare(paired, "momentum")[["pairs", "better", "equal", "worse", "epochs_ratio"]].round(2)
       pairs  better  equal  worse  epochs_ratio
    0      3    0.33   0.33   0.33          0.25
    """
    rows = []
    stopped = (pairs[["status_first", "status_second"]].to_numpy() == "stopped").any()
    endings = [name for name in ENDINGS if name != "stopped" or stopped]
    for value, group in pairs.groupby(axis, observed=True, sort=False, dropna=False):
        starts = group["start"].nunique()
        row: dict[str, Any] = {axis: value, "pairs": len(group), "starts": starts}
        for name, sign in (("better", 1), ("equal", 0), ("worse", -1)):
            share = np.array([(group["better"] == sign).mean()])
            low, high = share_interval(share * starts, np.array([starts]))
            row |= {name: share[0], f"{name}_low": low[0], f"{name}_high": high[0]}
        first, second = group["value_first"].to_numpy(), group["value_second"].to_numpy()
        same = group["better"].to_numpy() == 0
        row |= _named("change", _median_change(first, second, same, starts, ratio))
        both = group[both_converged(group)]
        first, second = (both[f"epochs_{which}"].to_numpy(float) for which in ("first", "second"))
        row["both_converged"] = len(both)
        row |= _named(
            "epochs_ratio",
            _median_change(first, second, first == second, both["start"].nunique(), True),
        )
        for ending in endings:
            row |= _changed_share(group, ending, starts)
        rows.append(row | _changed_endings(group))
    table = pd.DataFrame(rows)
    changes = [name for name in table if "_to_" in str(name)]
    return table.fillna(dict.fromkeys(changes, 0)).astype(dict.fromkeys(changes, np.int64))


def most_converge(row: Mapping[Any, Any]) -> bool:
    """Return whether both runs converged in at least half of the pairs of a row of `compare`."""
    return bool(2 * row["both_converged"] >= row["pairs"])


def share_changes(row: Mapping[Any, Any]) -> bool:
    """Return whether the interval of a row of `compare` excludes that equally many converge."""
    return not row["converged_change_low"] <= 0 <= row["converged_change_high"]


def _named(name: str, numbers: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), numbers, strict=True))


def _median_change(
    first: Floats, second: Floats, same: NDArray[np.bool_], starts: int, ratio: bool
) -> tuple[float, float, float]:
    """Return the median ratio or difference of pairs, and its interval; NaN without pairs."""
    if not len(first):
        return np.nan, np.nan, np.nan
    with np.errstate(all="ignore"):  # of infinite and zero values
        if ratio:
            first, second = np.log(first), np.log(second)
        changes = np.where(same, 0.0, second - first)
        found = np.array(_median(changes, starts))
        low, middle, high = np.exp(found[[1, 0, 2]]) if ratio else found[[1, 0, 2]]
    return float(middle), float(low), float(high)


def _median(values: Floats, independent: int) -> tuple[float, float, float]:
    """Return the median of some values and its interval.

    Of as many values as are independent, it is that of Thompson (1936); of more, it has the same
    share of the values on either side, after Woodruff (1952, "Confidence intervals for medians and
    other position measures").
    """
    count, ordered = len(values), np.sort(values)
    low, high = ordered[(count - 1) // 2], ordered[count // 2]
    middle = low if low == high else (low + high) / 2
    outside = ranks_outside(independent)
    if not outside:
        return middle, -np.inf, np.inf
    at = (outside - 1) * count // independent
    return middle, ordered[at], ordered[count - 1 - at]


def _changed_share(pairs: pd.DataFrame, ending: str, starts: int) -> dict[str, float]:
    """Return the shares of runs with an ending, their change, and pairs in which one run has it."""
    first, second = (
        pairs[f"status_{which}"].eq(ending).to_numpy(bool) for which in ("first", "second")
    )
    lost, gained = int((first & ~second).sum()), int((second & ~first).sum())
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    interval = change_interval(both, lost, gained, neither, starts)
    return {
        f"{ending}_first": float(first.mean()),
        f"{ending}_second": float(second.mean()),
        **_named(f"{ending}_change", ((gained - lost) / len(pairs), *interval)),
        f"{ending}_only_first": lost,
        f"{ending}_only_second": gained,
    }


def _changed_endings(pairs: pd.DataFrame) -> dict[str, int]:
    """Return the number of pairs for each change of the ending that occurs."""
    first, second = (pairs[f"status_{which}"].astype(str) for which in ("first", "second"))
    counts = (first + "_to_" + second)[first != second].value_counts()
    names = [f"{one}_to_{other}" for one in ENDINGS for other in ENDINGS]
    return {name: int(counts[name]) for name in names if name in counts}
