"""Measures of a run beside its SSR and loss. A new measure is one entry of `MEASURES`.

A measure has one total for each run. It is 0 before epoch 0, `add` takes every epoch into it, and
`end` makes the measure of it when the run ends.

The relative loss v is the loss of an epoch over that of epoch 0:

    v = loss / first, at most 10^6, which also stands for what is not finite

From Sohl-Dickstein 2024, "The boundary of neural network trainability is fractal" (arXiv
2402.06184): a run trained if v is below 1 in the mean over its last epochs; the sum of v says how
slowly, and the sum of 1 / v, of a run that did not, how late it broke. An epoch that a run was
spared by ending early counts as 10^6 if it diverged, else as its last one.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from harness.kernels._jit import compiled, glue
from harness.kernels.simd.arithmetic import select
from harness.kernels.simd.memory import load, store
from harness.kernels.tables import code_of

MOST: Final = 1e6  # relative loss
LATE: Final = 20  # last epochs of `relative_late`


class Epoch(NamedTuple):
    """One epoch, of one run or of the runs in all lanes."""

    epoch: Any  # a float
    epochs: float  # in all
    ssr: Any
    ssr_min: Any  # of the epochs before
    loss: Any
    loss_first: Any  # of epoch 0


class End(NamedTuple):
    """The last epoch of one run."""

    epoch: float
    epochs: float
    diverged: bool
    loss: float
    loss_first: float
    gradient_norm: float  # NaN unless a measure is `of_gradient`


class Measure(NamedTuple):
    """One measure."""

    says: str
    add: Callable[..., Any]  # total, Epoch -> total; for a number and for lanes
    end: Callable[..., float]  # total, End -> measure
    whole: bool = False  # a whole number in the table
    of_gradient: bool = False  # needs the gradient of every epoch
    goes_on: bool = True  # with more epochs, a run goes on from the measure as its total


@compiled
def keep(total: Any, at: Epoch) -> Any:
    """Return the total as it is."""
    return total


@compiled
def total_as_it_is(total: float, end: End) -> float:
    """Return the total."""
    return total


@compiled
def epoch_of_min(total: Any, at: Epoch) -> Any:
    """Return the epoch of the least SSR up to now, the first of several."""
    return select(at.ssr < at.ssr_min, at.epoch, total)


@compiled
def sum_ssr(total: Any, at: Epoch) -> Any:
    """Add the SSR."""
    return total + at.ssr


@compiled
def mean_over_epochs(total: float, end: End) -> float:
    """Divide by the number of epochs, epoch 0 included."""
    return total / (end.epoch + 1.0)


@compiled
def norm_at_end(total: float, end: End) -> float:
    """Return the norm of the gradient."""
    return end.gradient_norm


@compiled
def relative(loss: Any, first: Any) -> Any:
    """Return v."""
    v = loss / first
    return select(v <= MOST, v, MOST)


@compiled
def spared(end: End) -> float:
    """Return the v that stands for each epoch which a run was spared."""
    return MOST if end.diverged else relative(end.loss, end.loss_first)


@compiled
def sum_relative(total: Any, at: Epoch) -> Any:
    """Add v."""
    return total + relative(at.loss, at.loss_first)


@compiled
def with_spared(total: float, end: End) -> float:
    """Add v of the epochs that the run was spared."""
    return total + (end.epochs - end.epoch) * spared(end)


@compiled
def sum_inverse(total: Any, at: Epoch) -> Any:
    """Add 1 / v."""
    return total + 1.0 / relative(at.loss, at.loss_first)


@compiled
def inverse_with_spared(total: float, end: End) -> float:
    """Add 1 / v of the epochs that the run was spared."""
    return total + (end.epochs - end.epoch) * (1.0 / spared(end))


@compiled
def sum_late(total: Any, at: Epoch) -> Any:
    """Add v of the last epochs."""
    late = at.epoch > at.epochs - LATE
    return select(late, total + relative(at.loss, at.loss_first), total)


@compiled
def mean_late(total: float, end: End) -> float:
    """Return the mean of v over the last epochs, those that the run was spared included."""
    count = min(float(LATE), end.epochs + 1.0)
    return (total + min(end.epochs - end.epoch, count) * spared(end)) / count


MEASURES: Final = {
    "epoch_of_ssr_min": Measure("epoch of the least SSR", epoch_of_min, total_as_it_is, whole=True),
    "ssr_mean": Measure("mean SSR over all epochs", sum_ssr, mean_over_epochs, goes_on=False),
    "gradient_norm": Measure(
        "Euclidean norm of the gradient at the end", keep, norm_at_end, of_gradient=True
    ),
    "relative_sum": Measure(
        "sum over all epochs of the relative loss, that over the loss of epoch 0",
        sum_relative,
        with_spared,
        goes_on=False,
    ),
    "relative_inverse_sum": Measure(
        "sum over all epochs of the inverse of the relative loss",
        sum_inverse,
        inverse_with_spared,
        goes_on=False,
    ),
    "relative_late": Measure(
        "mean relative loss over the last 20 epochs", sum_late, mean_late, goes_on=False
    ),
}


@cache
def make_add(names: tuple[str, ...], lanes: int) -> Callable[..., None]:
    """Return `add(totals, at)`: takes an Epoch into the totals of some measures.

    In memory the totals of one measure lie side by side, `lanes` of them, then those of the next.
    """
    if not names:

        @glue
        def add_none(totals: Any, at: Epoch) -> None:
            pass

        return add_none

    before, row, add_one = make_add(names[:-1], lanes), len(names) - 1, MEASURES[names[-1]].add

    @glue
    def add(totals: Any, at: Epoch) -> None:
        before(totals, at)
        store(totals, row * lanes, add_one(load(totals, row * lanes, lanes), at))

    return add


@cache
def make_end(names: tuple[str, ...], lanes: int) -> Callable[..., None]:
    """Return `end(totals, lane, last, out)`: writes the measures of the run in a lane.

    Each is written into `out` at its position in `MEASURES`.
    """
    if not names:

        @glue
        def end_none(totals: Any, lane: int, last: End, out: Any) -> None:
            pass

        return end_none

    before, row, end_one = make_end(names[:-1], lanes), len(names) - 1, MEASURES[names[-1]].end
    column = code_of(MEASURES, names[-1])

    @glue
    def end(totals: Any, lane: int, last: End, out: Any) -> None:
        before(totals, lane, last, out)
        out[column] = end_one(totals[row * lanes + lane], last)

    return end
