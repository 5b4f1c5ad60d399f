"""Sentences about causes: what each axis does, and why runs diverged."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.analysis.effects import OrderedEffect, PairedEffect
from harness.analysis.stability import Threshold
from harness.formatting import number, plural
from harness.results.comparing import in_short
from harness.results.sentences import exact, percent

Write = Callable[[Any], str]


def writer(values: Sequence[float]) -> Write:
    """Return a function that writes some ascending numbers with enough digits to tell them apart.

    There are four significant digits, or more if neighbours are closer.

    Examples
    --------
    >>> write = writer([0.034145488738336005, 0.03981071705534973])
    >>> write(0.034145488738336005), writer([0.24677367, 0.24677368])(0.24677367)
    ('0.03415', '0.24677367')
    >>> writer([2, 64])(64), writer([10_000.0, 20_000.0])(20_000.0)
    ('64', '20000')
    """
    numbers = np.asarray(values, dtype=np.float64)
    digits = 4
    if numbers.size > 1:
        size = np.maximum(np.abs(numbers[1:]), np.abs(numbers[:-1]))
        closest = float((np.diff(numbers) / size).min())
        digits = min(max(digits, 1 - math.floor(math.log10(closest))), 17)

    def write(value: Any) -> str:
        if float(value).is_integer() and abs(value) < 1e6:
            return str(int(value))
        return f"{value:.{digits}g}"

    return write


def ordered_axis(effect: OrderedEffect, axis: str, count: int, loss: str, write: Write) -> str:
    """Say what an axis of numbers does; empty if the runs are too few to tell.

    Parameters
    ----------
    effect : OrderedEffect
        Its effect.
    axis : str
        Its name.
    count : int
        The number of its values.
    loss : str
        The column of the final loss.
    write : callable
        From `writer`, for its values.
    """
    if effect.no_difference:
        return f"{axis}: no clear difference between its {count:,} values."
    if effect.all_diverge:
        return f"{axis}: all runs diverge at every value."
    said = []
    if effect.works:
        low, high = (write(end) for end in effect.works)
        best, share = write(effect.best[axis]), percent(effect.best["converged"])
        here = low if low == high else f"{low} to {high}"
        if effect.decided_by == "converged":
            where = "every value" if effect.everywhere else here
            said.append(
                f"{where} works (at least half of the best share that converged, {share} at {best})"
            )
        elif low == high:
            said.append(f"the lowest median {loss} is at {best}")
        else:
            said.append(f"the median {loss} is lowest at {best} (no clear difference from {here})")
    if effect.diverge_to is not None:
        said.append(f"up to {write(effect.diverge_to)}, all runs diverge")
    if effect.diverge_from is not None:
        said.append(f"from {write(effect.diverge_from)} on, all runs diverge")
    return f"{axis}: {'; '.join(said)}." if said else ""


def few_values(
    effect: PairedEffect, axis: str, count: int, loss: str, *, named: bool = False
) -> str:
    """Say what an axis with few values does.

    Parameters
    ----------
    effect : PairedEffect
        Its effect.
    axis : str
        Its name.
    count : int
        The number of its values.
    loss : str
        The column of the final loss.
    named : bool
        Whether its values have the names of axes: those of zipped ones, such as
        "optimiser sgd, momentum 0.9".
    """
    row = effect.row
    if effect.differs:
        values = f"{'' if named else f'{axis} '}{exact(row[axis])} against {exact(effect.against)}"
        return f"{in_short(row, values, loss)}."
    among = plural(row["starts"], "start")
    return (
        f"{axis}: no clear difference in {effect.column} between its {count:,} values, paired over"
        f" {among}."
    )


def why_diverged(threshold: Threshold, sample: int | None) -> str:
    """Say why runs diverged.

    Parameters
    ----------
    threshold : Threshold
        The explanation.
    sample : int or None
        The number of runs that it was compared with, if these are a sample.
    """
    factor = "2 (1 + momentum)" if threshold.momentum else "2"
    same = math.isclose(threshold.low, threshold.high)
    value = number(threshold.low)
    values = value if same else f"{value} to {number(threshold.high)}"
    if threshold.of == "output bias":
        curvature = number(threshold.curvature[0])
        equals = (
            f"{factor} / {curvature} = {value}"
            if same
            else f"{factor} / {curvature}, which is {values}"
        )
        cause = (
            f"along the bias of the output the curvature of the loss is {curvature} everywhere, and"
            f" gradient descent is unstable above {equals}."
        )
    else:
        starts = plural(threshold.starts, "start")
        cause = (
            f"gradient descent is unstable above {factor} / sharpness, and at the start that is"
            f" {values} ({starts})."
        )
    return f"Why runs diverge: {cause} {_around(threshold, sample)}"


def _around(threshold: Threshold, sample: int | None) -> str:
    """Say how the runs above and below a threshold ended."""
    above, lost = threshold.above, threshold.diverged_above
    each = f"all {above:,} runs" if lost == above else f"{lost:,} of {plural(above, 'run')}"
    said = f"{each} above it diverged"
    below, lost_below = threshold.below, threshold.diverged_below
    if below:
        said += f", and {f'{lost_below:,}' if lost_below else 'none'} of the {below:,} below"
    said = f"of a sample of {sample:,} runs, {said}" if sample else said
    return f"{said[0].upper()}{said[1:]}."
