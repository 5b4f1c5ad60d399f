"""The recorded epochs of a run, from the key `record.epochs`."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.experiment.grid import Spaced
from harness.experiment.schema import Every, Linear, Log

Wanted = Literal["all", "none"] | Every | Linear | Log


def most_recorded(wanted: Wanted, epochs: int) -> int:
    """Return an upper bound of the number of `recorded_epochs`."""
    if isinstance(wanted, Every):
        return epochs // wanted.every + 2
    if isinstance(wanted, Linear):
        return min(wanted.linear, epochs) + 2
    if isinstance(wanted, Log):
        return min(wanted.log, epochs) + 2
    return epochs + 1 if wanted == "all" else 0


def recorded_epochs(wanted: Wanted, epochs: int) -> NDArray[np.int64]:
    """Return the recorded epochs of a run of `epochs` epochs, ascending.

    Unless `wanted` is "none", the first and the last epoch are included. Values between epochs are
    rounded, and duplicates removed.

    Examples
    --------
    >>> recorded_epochs(Every(every=4), 10).tolist()
    [0, 4, 8, 10]
    >>> recorded_epochs(Log(log=4), 1000).tolist()
    [0, 1, 32, 1000]
    """
    if wanted == "none":
        return np.zeros(0, dtype=np.int64)
    if isinstance(wanted, Every):
        between = np.arange(0, epochs, wanted.every)
    elif isinstance(wanted, Linear):
        between = _spread("linear", 0, epochs, wanted.linear)
    elif isinstance(wanted, Log):
        # One of them is epoch 0, which has no logarithm.
        between = _spread("log", 1, epochs, wanted.log - 1)
    else:
        between = np.arange(epochs)
    return np.unique(np.concatenate(([0], between, [epochs])))


def _spread(kind: Literal["linear", "log"], first: int, last: int, count: int) -> NDArray[np.int64]:
    """Return `count` whole numbers from `first` to `last`, or all if there are fewer."""
    if last - first < count:
        return np.arange(first, last)
    if count < 2:
        return np.zeros(0, dtype=np.int64)
    spaced = Spaced(kind=kind, first=float(first), last=float(last), count=count)
    numbers: NDArray[np.float64] = spaced.take(np.arange(count))
    return np.rint(numbers).astype(np.int64)
