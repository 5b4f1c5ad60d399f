"""Measures of a run besides its SSR and loss. A new measure is one entry of `MEASURES`.

A measure keeps one total per run. The total starts at 0, `add` updates it at every epoch, epoch 0
included, and `end` turns it into the measure when the run ends.

The relative loss v is the loss of an epoch divided by that of epoch 0:

    v = loss / first, at most 10^6; 10^6 if it is not finite

It is due to Sohl-Dickstein 2024, "The boundary of neural network trainability is fractal" (arXiv
2402.06184). A run has trained if the mean of v over its last epochs is below 1. The sum of v then
measures how slowly it trained; for other runs, the sum of 1 / v measures how late they failed. An
epoch skipped by ending early counts as 10^6 if the run diverged, and like its last epoch otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from harness.kernels._jit import compiled
from harness.kernels.simd.arithmetic import select

MOST_RELATIVE: Final = 1e6  # largest relative loss
LATE_EPOCHS: Final = 20  # number of last epochs in `relative_late`


class Epoch(NamedTuple):
    """An epoch of one run, or of the runs in all lanes."""

    epoch: Any  # a float
    epochs: float  # of the whole training
    ssr: Any
    ssr_min: Any  # over the epochs before
    loss: Any
    loss_first: Any  # at epoch 0


class End(NamedTuple):
    """The last epoch of a run."""

    epoch: float
    epochs: float
    diverged: bool
    loss: float
    loss_first: float
    gradient_norm: float  # NaN unless a measure is `of_gradient`


class Measure(NamedTuple):
    """A measure: its description, and how its total is updated and used."""

    says: str
    add: Callable[..., Any]  # total, Epoch -> total; on numbers or on lanes
    end: Callable[..., float]  # total, End -> measure
    whole: bool = False  # an integer column in the table
    of_gradient: bool = False  # needs the gradient at every epoch
    resumable: bool = False  # a run that resumes can take the measure as its total


@compiled
def keep(total: Any, at: Epoch) -> Any:
    """Return the total unchanged."""
    return total


@compiled
def total_as_it_is(total: float, end: End) -> float:
    """Return the total as the measure."""
    return total


@compiled
def epoch_of_min(total: Any, at: Epoch) -> Any:
    """Return the first epoch of the least SSR so far."""
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
    """Return v, the relative loss."""
    v = loss / first
    return select(v <= MOST_RELATIVE, v, MOST_RELATIVE)


@compiled
def spared(end: End) -> float:
    """Return the v that stands for each skipped epoch of a run."""
    return MOST_RELATIVE if end.diverged else relative(end.loss, end.loss_first)


@compiled
def sum_relative(total: Any, at: Epoch) -> Any:
    """Add v."""
    return total + relative(at.loss, at.loss_first)


@compiled
def with_spared(total: float, end: End) -> float:
    """Add v for the skipped epochs."""
    return total + (end.epochs - end.epoch) * spared(end)


@compiled
def sum_inverse(total: Any, at: Epoch) -> Any:
    """Add 1 / v."""
    return total + 1.0 / relative(at.loss, at.loss_first)


@compiled
def inverse_with_spared(total: float, end: End) -> float:
    """Add 1 / v for the skipped epochs."""
    return total + (end.epochs - end.epoch) * (1.0 / spared(end))


@compiled
def sum_late(total: Any, at: Epoch) -> Any:
    """Add v if this is one of the last epochs."""
    late = at.epoch > at.epochs - LATE_EPOCHS
    return select(late, total + relative(at.loss, at.loss_first), total)


@compiled
def mean_late(total: float, end: End) -> float:
    """Return the mean of v over the last epochs, including skipped ones."""
    count = min(float(LATE_EPOCHS), end.epochs + 1.0)
    return (total + min(end.epochs - end.epoch, count) * spared(end)) / count


MEASURES: Final = {
    "epoch_of_ssr_min": Measure(
        "epoch of the least SSR", epoch_of_min, total_as_it_is, whole=True, resumable=True
    ),
    "ssr_mean": Measure("mean SSR over all epochs", sum_ssr, mean_over_epochs),
    "gradient_norm": Measure(
        "Euclidean norm of the gradient at the end",
        keep,
        norm_at_end,
        of_gradient=True,
        resumable=True,
    ),
    "relative_sum": Measure(
        "sum over all epochs of the relative loss, that over the loss of epoch 0",
        sum_relative,
        with_spared,
    ),
    "relative_inverse_sum": Measure(
        "sum over all epochs of the inverse of the relative loss",
        sum_inverse,
        inverse_with_spared,
    ),
    "relative_late": Measure(
        f"mean relative loss over the last {LATE_EPOCHS} epochs",
        sum_late,
        mean_late,
    ),
}


def _each(functions: Sequence[Callable[..., Any]]) -> Callable[..., None]:
    """Return `update(totals, at)`, which applies to each total the function at its position."""
    if not functions:
        return compiled(lambda totals, at: None)
    *others, function = functions
    before, last = _each(others), len(others)

    @compiled
    def update(totals: Any, at: Any) -> None:
        before(totals, at)
        totals[last] = function(totals[last], at)

    return update


# Each takes the totals of a run, one per measure, and updates them with an `Epoch`, or turns them
# into the measures at an `End`.
add = _each([measure.add for measure in MEASURES.values()])
end = _each([measure.end for measure in MEASURES.values()])
