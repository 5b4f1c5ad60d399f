"""Splits of data points: shares, numbers and folds to hold out, by class if that is asked for.

Each data point has a random number of its own, and the points are put in the order of these
numbers. So the split of a file hardly changes when points are added at its end.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.experiment.data import Floats
from harness.kernels import philox

Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]


def count_of(share: float, points: int) -> int:
    """Return how many of two points or more a share is: at least one, and not all.

    >>> count_of(0.25, 10), count_of(0.01, 10), count_of(0.99, 10)
    (2, 1, 9)
    """
    return min(max(round(share * points), 1), points - 1)


def shuffled(points: int, seed: int) -> Indices:
    """Return 0 .. points-1 in the order of their random numbers."""
    numbers = np.empty(points)
    philox.fill_uniform(numbers, np.uint64(seed), philox.STREAM_SPLIT, np.uint64(0))
    return np.argsort(numbers, kind="stable")


def hold_out(points: int, count: int, seed: int, targets: Floats | None = None) -> Mask:
    """Hold out the first points of the shuffled order.

    Parameters
    ----------
    points, count : int
        Number of data points, and how many of them to hold out.
    seed : int
        Seed of the order.
    targets : array of shape (points, outputs), optional
        Targets, to hold out the same share of each class: the count is divided among the classes
        by largest remainders.

    Returns
    -------
    array of shape (points,), bool
        Whether each data point is held out.
    """
    order = shuffled(points, seed)
    if targets is None:
        chosen = order[:count]
    else:
        classes = classes_in_order(targets[order])
        sizes = np.bincount(classes)
        firsts = np.cumsum(sizes) - sizes
        counts = by_largest_remainder(sizes.tolist(), count)
        rank_in_class = np.arange(points) - np.repeat(firsts, sizes)
        by_class = order[np.argsort(classes, kind="stable")]
        chosen = by_class[rank_in_class < np.repeat(counts, sizes)]
    return _mask(points, chosen)


def hold_out_fold(
    points: int, folds: int, fold: int, seed: int, targets: Floats | None = None
) -> Mask:
    """Hold out one of several parts of the shuffled order, whose sizes differ by one at most.

    Parameters and result are those of `hold_out`, with the number of parts and that of the part.
    With targets, the parts also have numbers of points of each class that differ by one at most.
    """
    order = shuffled(points, seed)
    if targets is None:
        return _mask(points, np.array_split(order, folds)[fold])
    # Class after class, the points are dealt to the parts in turn.
    by_class = order[np.argsort(classes_in_order(targets[order]), kind="stable")]
    return _mask(points, by_class[fold::folds])


def classes_in_order(targets: Floats) -> Indices:
    """Return the class of each row: the distinct rows, numbered by their first appearance.

    >>> classes_in_order(np.array([[7.0], [2.0], [7.0], [5.0]])).tolist()
    [0, 1, 0, 2]
    """
    _, first, classes = np.unique(targets, axis=0, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[classes.reshape(-1)]


def by_largest_remainder(sizes: Sequence[int], total: int) -> list[int]:
    """Divide a number in proportion to sizes, in whole numbers (Hamilton's method).

    Of equal remainders, those of the first sizes are rounded up.

    >>> by_largest_remainder([5, 3, 2], 5)
    [3, 1, 1]
    """
    divided = [divmod(size * total, sum(sizes)) for size in sizes]
    counts = [whole for whole, _ in divided]
    by_remainder = sorted(range(len(sizes)), key=lambda c: divided[c][1], reverse=True)
    for c in by_remainder[: total - sum(counts)]:
        counts[c] += 1
    return counts


def _mask(points: int, chosen: Indices) -> Mask:
    mask = np.zeros(points, dtype=np.bool_)
    mask[chosen] = True
    return mask
