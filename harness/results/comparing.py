"""The values of an axis compared run by run: reading the pairs, and saying what changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.comparison import most_converge, paired_axes, pairs, share_changes
from harness.analysis.measures import ENDINGS
from harness.analysis.ranking import trained_loss
from harness.errors import ResultsError
from harness.formatting import listed, plural
from harness.results.sentences import percent
from harness.results.tables import Results

_THEN = {
    "converged": "converged",
    "finished": "finished",
    "diverged": "diverged",
    "stopped": "were stopped",
}
# Plural and singular.
_NOW = {
    "converged": ("converge", "converges"),
    "finished": ("finish", "finishes"),
    "diverged": ("diverge", "diverges"),
    "stopped": ("are stopped", "is stopped"),
}


_COMPARATIVES = {"epochs": "fewer epochs", "ending": "better ending"}


def read_pairs(
    results: Results,
    axis: str,
    values: Sequence[Any],
    column: str | None = None,
) -> pd.DataFrame:
    """Return the table of `harness.analysis.comparison.pairs` for some values of an axis.

    Beyond a million runs, these are the pairs in a sample.

    Parameters
    ----------
    results : Results
        The sweep.
    axis, values
        As for `pairs`.
    column : str, optional
        What to compare: a column, an ending or status, as for `pairs`. Default: the final loss that
        was trained.

    Raises
    ------
    ResultsError
        There are no pairs.
    """
    loss = trained_loss(results.run_columns)
    column = column or loss
    on = paired_axes(results.grid, axis)
    names = dict.fromkeys([axis, *on, "status", "epochs", loss])
    if column not in ENDINGS:
        names |= {column: None}
    runs = results.sample_runs(names)
    found = pairs(runs, axis, values, on, column)
    if found.empty:
        raise ResultsError(
            f"{results.folder} has no two runs that differ in {axis} only.\n"
            f"Runs are paired by {', '.join(on)}, with at least two values of {axis}."
        )
    return found


def what_changes(
    row: Mapping[str, Any],
    second: str,
    first: str,
    label: str,
    *,
    higher_is_better: bool = False,
    ratio: bool = True,
) -> str:
    """Say what changes from the first value of an axis to another one, in sentences.

    The final loss or another column comes first, then the epochs, then the endings.

    Parameters
    ----------
    row : mapping
        A row of `harness.analysis.comparison.compare`.
    second, first : str
        The values in words, such as "momentum 0.9" and "0".
    label : str
        What is compared, in words, such as "final SSR".
    higher_is_better, ratio : bool
        As for `pairs` and `compare`.

    Examples
    --------
    >>> import textwrap
    >>> row = {"pairs": 100, "starts": 100, "equal": 0, "both_converged": 0}
    >>> row |= {"better": 0.83, "better_low": 0.745, "better_high": 0.891}
    >>> row |= {"change": 0.31, "change_low": 0.22, "change_high": 0.45}
    >>> row |= {"converged_first": 0.0, "converged_second": 0.12, "converged_change": 0.12}
    >>> row |= {"converged_change_low": 0.06, "converged_change_high": 0.2}
    >>> row |= {"converged_only_first": 0, "converged_only_second": 12}
    >>> row |= {"finished_to_converged": 12, "finished_to_diverged": 3}
    >>> print(textwrap.fill(what_changes(row, "momentum 0.9", "0", "final SSR"), 80))
    momentum 0.9 against 0, paired over 100 starts: lower final SSR in 83% of the
    pairs (95% interval 74.5% to 89.1%); median ratio 0.31 (0.22 to 0.45). 12%
    converge instead of 0%, 12 percentage points more (95% interval 6 to 20). Of the
    runs that finished, 12 now converge and 3 now diverge.
    """
    said = [
        f"{second} against {first}, {_paired(row)}:"
        f" {_better(row, label, higher_is_better)}{_change(row, ratio)}."
    ]
    if row["both_converged"]:
        count = row["both_converged"]
        said.append(f"Where both converge ({count:,} of the pairs): {_epochs(row)}.")
    if row["converged_first"] or row["converged_second"]:
        said.append(f"{_share(row, 'converged')}.")
    said.append(_endings(row))
    return " ".join(said)


def which_endings_change(
    row: Mapping[str, Any], second: str, first: str, ending: str | None = None
) -> str:
    """Say how the endings change from the first value of an axis to another one, in sentences.

    Parameters
    ----------
    row, second, first
        As for `what_changes`.
    ending : str, optional
        The ending that is compared. By default, all are.

    Examples
    --------
    >>> import textwrap
    >>> row = {"pairs": 100, "starts": 100, "finished_to_converged": 18, "converged_to_diverged": 4}
    >>> row |= {"converged_first": 0.31, "converged_second": 0.45, "converged_change": 0.14}
    >>> row |= {"converged_change_low": 0.048, "converged_change_high": 0.23}
    >>> row |= {"converged_only_first": 4, "converged_only_second": 18}
    >>> print(textwrap.fill(which_endings_change(row, "momentum 0.9", "0", "converged"), 80))
    momentum 0.9 against 0, paired over 100 starts: 45% converge instead of 31%, 14
    percentage points more (95% interval 4.8 to 23); 18 pairs converge only with the
    second value, and 4 only with the first. Of the runs that converged, 4 now
    diverge; of those that finished, 18 now converge.
    """
    head = f"{second} against {first}, {_paired(row)}"
    if ending is None:
        said = f"{head}: {_better(row, 'ending', False)}. "
        return said + _endings(row)
    flips = ""
    if row[f"{ending}_only_first"] or row[f"{ending}_only_second"]:
        one, other = row[f"{ending}_only_second"], row[f"{ending}_only_first"]
        verb = _NOW[ending][one == 1]
        flips = (
            f"; {plural(one, 'pair')} {verb} only with the second value, and {other:,} only with"
            " the first"
        )
    return f"{head}: {_share(row, ending)}{flips}. {_endings(row)}"


def against_the_first(
    rows: Mapping[str, Mapping[str, Any]],
    first: str,
    label: str,
    *,
    higher_is_better: bool = False,
    trained: bool = True,
) -> str:
    """Say in a sentence how several values of an axis compare with the first one.

    Parameters
    ----------
    rows : mapping
        The rows of `harness.analysis.comparison.compare` by the values in words, such as "0.9".
    first : str
        The first value in words, with the axis, such as "momentum 0".
    label, higher_is_better
        As for `what_changes`.
    trained : bool
        Whether that is the loss that is trained. If so, changes of the share that converges and, if
        most pairs converge, of the epochs are said instead.

    Examples
    --------
    >>> row = {"pairs": 100, "starts": 100, "both_converged": 0}
    >>> row |= {"converged_change_low": -0.04, "converged_change_high": 0.04}
    >>> row |= {"better": 0.83, "better_low": 0.745, "better_high": 0.891}
    >>> print(against_the_first({"0.5": row, "0.9": row}, "momentum 0", "final SSR"))
    Against momentum 0, paired over 100 starts: lower final SSR in 83% of the pairs with \
0.5 (95% interval 74.5% to 89.1%) and 83% with 0.9 (74.5% to 89.1%).
    """
    if trained and any(share_changes(row) or most_converge(row) for row in rows.values()):
        return _against(rows, first, lambda row: _changes(row, label))
    paired = {_paired(row) for row in rows.values()}
    if len(paired) > 1:
        return _against(rows, first, lambda row: [_better(row, label, higher_is_better)])
    pairs, interval = " of the pairs", "95% interval "
    shares = []
    for value, row in rows.items():
        ends = f"{percent(row['better_low'])} to {percent(row['better_high'])}"
        shares.append(f"{percent(row['better'])}{pairs} with {value} ({interval}{ends})")
        pairs = interval = ""
    what = _comparative(label, higher_is_better)
    return f"Against {first}, {paired.pop()}: {what} in {listed(shares)}."


def endings_against_the_first(
    rows: Mapping[str, Mapping[str, Any]], first: str, ending: str | None = None
) -> str:
    """Say in a sentence how several values of an axis change the endings of the first one's runs.

    Parameters
    ----------
    rows, first
        As for `against_the_first`.
    ending : str, optional
        The ending that is compared. By default, all are.
    """
    return _against(
        rows,
        first,
        lambda row: [_share(row, ending) if ending else _better(row, "ending", False)],
    )


def _against(
    rows: Mapping[str, Mapping[str, Any]],
    first: str,
    say: Callable[[Mapping[str, Any]], list[str]],
) -> str:
    """Say what changes with several values, and how runs are paired, once if they all are so."""
    paired = {_paired(row) for row in rows.values()}
    together = f", {paired.pop()}" if len(paired) == 1 else ""
    lines = [
        f"with {value}{'' if together else f', {_paired(row)}'}, {', and '.join(say(row))}"
        for value, row in rows.items()
    ]
    return f"Against {first}{together}: {'; '.join(lines)}."


def in_short(row: Mapping[str, Any], second: str, label: str) -> str:
    """Say what changes in a line: the share that converges if that changes, and the epochs or loss.

    The epochs are said if most pairs converge, and the loss if neither is.

    Parameters
    ----------
    row, second, label
        As for `what_changes`, of the loss that is trained.

    Examples
    --------
    >>> import textwrap
    >>> row = {"pairs": 100, "starts": 100, "both_converged": 100}
    >>> row |= {"converged_change_low": -0.04, "converged_change_high": 0.04}
    >>> row |= {"epochs_ratio": 0.41, "epochs_ratio_low": 0.36, "epochs_ratio_high": 0.475}
    >>> in_short(row, "momentum 0.9", "final SSR")
    'momentum 0.9: 2.44 times fewer epochs (95% interval 2.11 to 2.78), paired over 100 starts'
    >>> row |= {"both_converged": 60, "converged_change_low": 0.29, "converged_change_high": 0.48}
    >>> row |= {"converged_first": 0.6, "converged_second": 0.99, "converged_change": 0.39}
    >>> print(textwrap.fill(in_short(row, "momentum 0.9", "final SSR"), 80))
    momentum 0.9: 99% converge instead of 60%, 39 percentage points more (95%
    interval 29 to 48), and 2.44 times fewer epochs (95% interval 2.11 to 2.78) in
    the 60 of 100 pairs where both converge, paired over 100 starts
    """
    return f"{second}: {', and '.join(_changes(row, label))}, {_paired(row)}"


def _changes(row: Mapping[str, Any], label: str) -> list[str]:
    """Say how many runs converge and how many epochs that takes, or how often the loss is lower."""
    said = [_share(row, "converged")] if share_changes(row) else []
    if most_converge(row):
        both, count = row["both_converged"], row["pairs"]
        part = "" if both == count else f" in the {both:,} of {count:,} pairs where both converge"
        said.append(f"{_epochs(row)}{part}")
    return said or [_better(row, label, False)]


def _paired(row: Mapping[str, Any]) -> str:
    starts = plural(row["starts"], "start")
    if row["pairs"] == row["starts"]:
        return f"paired over {starts}"
    return f"in {plural(row['pairs'], 'pair')} from {starts}"


def _better(row: Mapping[str, Any], label: str, higher_is_better: bool) -> str:
    interval = f"{percent(row['better_low'])} to {percent(row['better_high'])}"
    equal = f", equal in {percent(row['equal'])}" if row["equal"] else ""
    return (
        f"{_comparative(label, higher_is_better)} in {percent(row['better'])} of the"
        f" pairs (95% interval {interval}){equal}"
    )


def _share(row: Mapping[str, Any], ending: str) -> str:
    """Say how the share of runs with an ending changes, in percentage points."""
    first, second = percent(row[f"{ending}_first"]), percent(row[f"{ending}_second"])
    change = [100 * row[f"{ending}_change{end}"] for end in ("", "_low", "_high")]
    verb = _NOW[ending][0]
    if change[0] == 0:
        low, high = map(_points, change[1:])
        return f"{second} {verb}, as before (95% interval of the change {low} to {high} points)"
    words = "more"
    if change[0] < 0:
        words, change = "fewer", [-change[0], -change[2], -change[1]]
    points, low, high = map(_points, change)
    unit = "percentage point" if points == "1" else "percentage points"
    interval = f"95% interval {low} to {high}"
    return f"{second} {verb} instead of {first}, {points} {unit} {words} ({interval})"


def _points(value: float) -> str:
    """Write percentage points, with two digits if they are few.

    >>> _points(12.345), _points(-0.0), _points(0.0123), _points(-0.91)
    ('12.3', '0', '0.012', '-0.9')
    """
    if 0 < abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value + 0.0:.1f}".removesuffix(".0")


def _comparative(label: str, higher_is_better: bool) -> str:
    if label in _COMPARATIVES:
        return _COMPARATIVES[label]
    return f"{'higher' if higher_is_better else 'lower'} {label}"


def _change(row: Mapping[str, Any], ratio: bool) -> str:
    """Say the median change; nothing if it is infinite, since half of the runs diverge then."""
    middle, low, high = (row[f"change{end}"] for end in ("", "_low", "_high"))
    if not np.isfinite(middle) or (ratio and middle == 0):
        return ""
    what = "ratio" if ratio else "difference"
    return f"; median {what} {middle:.3g} ({_interval(low, high, ratio)})"


def _interval(low: float, high: float, ratio: bool) -> str:
    if low == (0 if ratio else -np.inf) and high == np.inf:
        return "too few starts for an interval"
    return f"{low:.3g} to {high:.3g}"


def _epochs(row: Mapping[str, Any]) -> str:
    """Say how many times fewer or more epochs the second runs take to converge."""
    middle, low, high = (row[f"epochs_ratio{end}"] for end in ("", "_low", "_high"))
    if middle == 1:
        return f"as many epochs (ratio {_interval(low, high, True)})"
    words = "as many"
    if middle < 1:
        with np.errstate(divide="ignore"):
            middle, low, high = 1 / np.array([middle, high, low])
        words = "fewer"
    interval = _interval(low, high, True)
    sure = interval if interval.startswith("too") else f"95% interval {interval}"
    return f"{middle:.3g} times {words} epochs ({sure})"


def _endings(row: Mapping[str, Any]) -> str:
    """Say which runs ended in another way."""
    said: list[str] = []
    for first in ENDINGS:
        changed = [
            f"{row[name]:,} now {_NOW[second][row[name] == 1]}"
            for second in ENDINGS
            if row.get(name := f"{first}_to_{second}")
        ]
        if changed:
            runs = "Of the runs that" if not said else "of those that"
            said.append(f"{runs} {_THEN[first]}, {' and '.join(changed)}")
    return "; ".join(said) + "." if said else "Every run ends as before."
