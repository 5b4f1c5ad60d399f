"""The relative loss v: the loss of an epoch over that of epoch 0, and its sums over a run.

    v = loss / first, at most 10^6, which also stands for what is not finite

From Sohl-Dickstein 2024, "The boundary of neural network trainability is fractal" (arXiv
2402.06184): a run trained if v is below 1 in the mean over its last epochs; the sum of v says how
slowly, and the sum of 1 / v, of a run that did not, how late it broke. An epoch that a run was
spared by ending early counts as 10^6 if it diverged, else as its last one.
"""

from typing import Any, Final

from harness.kernels._jit import compiled, inner
from harness.kernels.simd.arithmetic import select

MOST: Final = 1e6
LATE: Final = 20  # so many last epochs


@compiled
def relative(loss: Any, first: Any, most: Any) -> Any:
    """Return v; `most` is MOST, as a number of the same type."""
    v = loss / first
    return select(v <= most, v, most)


@inner
def add(rows: Any, r: int, epoch: int, epochs: int) -> None:
    """Add v of epoch `epoch`, whose loss is noted in rows of descent.Rows, to the sums of run r."""
    if epoch == 0:
        rows.relative_sum[r] = rows.relative_inverse_sum[r] = rows.relative_late[r] = 0.0
    v = relative(rows.loss[r, 1], rows.loss[r, 0], MOST)
    rows.relative_sum[r] += v
    rows.relative_inverse_sum[r] += 1.0 / v
    if epoch > epochs - LATE:
        rows.relative_late[r] += v


@inner
def end(rows: Any, r: int, epochs: int, diverged: bool) -> None:
    """Add the epochs that run r was spared, and make a mean of the last."""
    spared = epochs - rows.epochs[r]
    v = MOST if diverged else relative(rows.loss[r, 1], rows.loss[r, 0], MOST)
    rows.relative_sum[r] += spared * v
    rows.relative_inverse_sum[r] += spared * (1.0 / v)
    late = min(LATE, epochs + 1)
    rows.relative_late[r] = (rows.relative_late[r] + min(spared, late) * v) / late
