"""The boundary between two kinds of runs in an image of a grid, and its dimension.

A pixel is on the boundary if the 2 x 2 block that begins with it contains both kinds. The boundary
is covered with boxes of size d, and N(d) of them contain some of it. The dimension at that size is

    D(d) = - d log N / d log d

(box counting: Falconer 1990, "Fractal geometry", section 3.1). As in porespy's `boxcount`, boxes
that the boundary fills completely are not counted. The dimension of a boundary is the median of D
over all sizes and all images of a zoom (Sohl-Dickstein 2024, arXiv 2402.06184).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def edges(kind: Mask) -> Mask:
    """Return the boundary in an image of two kinds, shape (h - 1, w - 1) of an image (h, w)."""
    corners = (kind[:-1, :-1], kind[:-1, 1:], kind[1:, :-1], kind[1:, 1:])
    some = corners[0] | corners[1] | corners[2] | corners[3]
    every = corners[0] & corners[1] & corners[2] & corners[3]
    return some & ~every


def box_counts(mask: Mask, sizes: Sequence[int] | None = None) -> pd.DataFrame:
    """Cover an image with boxes of several sizes.

    Parameters
    ----------
    mask : array of shape (h, w), bool
        True on the boundary.
    sizes : sequence of int, optional
        Sides of the boxes, in pixels. Default: the powers of two from 1 to a quarter of the shorter
        side.

    Returns
    -------
    DataFrame
        `size`; `boxes`, those that contain some boundary without being full of it; `dimension`, the
        slope by central differences, NaN where there are no such boxes.
    """
    if sizes is None:
        sizes = [2**k for k in range(max(min(mask.shape) // 4, 1).bit_length())]
    boxes = [_boxes(mask, size) for size in sizes]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(boxes)
        slopes = np.full(len(boxes), np.nan)
        if len(boxes) > 1:
            slopes = -np.gradient(logs, np.log(sizes))
    slopes[~np.isfinite(slopes)] = np.nan
    return pd.DataFrame({"size": list(sizes), "boxes": boxes, "dimension": slopes})


def _boxes(mask: Mask, size: int) -> int:
    """Return the number of boxes of a size that contain some boundary without being full of it."""
    rows, columns = (np.arange(0, length, size) for length in mask.shape)

    def by_box(values: NDArray[np.int64]) -> NDArray[np.int64]:
        within: NDArray[np.int64] = np.add.reduceat(
            np.add.reduceat(values, rows, axis=0), columns, axis=1
        )
        return within

    covered = by_box(mask.astype(np.int64))
    area = by_box(np.ones(mask.shape, dtype=np.int64))
    # A box of one pixel is always full, and counts.
    full = (covered == area) & (size > 1)
    return int(np.count_nonzero((covered > 0) & ~full))


def dimension(tables: Sequence[pd.DataFrame]) -> float:
    """Return the median of the dimensions in tables of `box_counts`; NaN if there are none."""
    found = pd.concat(tables)["dimension"].dropna()
    return float(found.median()) if len(found) else float("nan")
