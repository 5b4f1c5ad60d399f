"""Share of ReLU units that are dead before training.

Brownlowe, Cornwell, Montes, Quijano, Stulman and Zhang 2024, "Stably unactivated neurons in ReLU
neural networks" (arXiv 2412.06829). `is_dead` uses only the parameters, not
the published probabilities.
"""

import time
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import harness
from experiments.landmarks.page import ROOT
from harness.analysis.measures import share_interval

FILE = "dead_relu.toml"
LAWS = ("normal", "uniform")

# Inputs, and units of the first layer.
SIZES = ((1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 3), (3, 4))

Floats = NDArray[np.float64]


def published(n0: int, n1: int) -> float:
    """Return the probability that a unit after n0 inputs and n1 <= n0 + 1 units is dead.

    >>> published(1, 2) == 3 / 16, published(2, 2) == 1 / 8
    (True, True)
    """
    return (2**n0 + 1) / 4 ** (n0 + 1) if n1 == n0 + 1 else 0.5 ** (n1 + 1)


def measure(out: Path, quick: bool) -> pd.DataFrame:
    """Draw initialisations, and return the share of dead units per distribution and size.

    Returns
    -------
    DataFrame
        law, n0, n1, runs, dead (number of dead units), share, low and high (95 % Wilson interval of
        the share), published; seconds and bytes, the time and disk space of the sweep.
    """
    rows = []
    for seed, (law, (n0, n1)) in enumerate(product(LAWS, SIZES)):
        changes = {
            "network.layers": [n0, n1, 1],
            "initialisation.scheme": law,
            "initialisation.seed": seed,  # so that the cases have independent random numbers
        }
        if quick:
            changes["grid.init_id"] = 20_000
        experiment = harness.load_experiment(ROOT / "experiments" / FILE, changes)
        began = time.perf_counter()
        results = harness.run(experiment, out=out / f"{law}_{n0}_{n1}")
        seconds = time.perf_counter() - began
        runs = results.runs
        dead = int(is_dead(*layers_of(runs, n0, n1)).sum())
        size = sum(file.stat().st_size for file in results.folder.rglob("*") if file.is_file())
        rows.append((law, n0, n1, len(runs), dead, published(n0, n1), seconds, size))
    names = ["law", "n0", "n1", "runs", "dead", "published", "seconds", "bytes"]
    table = pd.DataFrame(rows, columns=names)
    low, high = share_interval(table["dead"].to_numpy(), table["runs"].to_numpy())
    return table.assign(share=table["dead"] / table["runs"], low=low, high=high)


def layers_of(runs: pd.DataFrame, n0: int, n1: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the parameters of an n0-n1-1 network from the columns w1_final, ... of `runs`.

    Returns
    -------
    tuple of array
        Weights of the first layer (runs, n1, n0) and its biases (runs, n1); weights of the unit
        above (runs, n1) and its bias (runs,).
    """

    def columns(letter: str, first: int, count: int) -> Floats:
        names = [f"{letter}{number}_final" for number in range(first, first + count)]
        return runs[names].to_numpy(np.float64)

    return (
        columns("w", 1, n0 * n1).reshape(-1, n1, n0),
        columns("b", 1, n1),
        columns("w", n0 * n1 + 1, n1),
        columns("b", n1 + 1, 1)[:, 0],
    )


def is_dead(first: Floats, biases: Floats, above: Floats, bias: Floats) -> NDArray[np.bool_]:
    """Return whether a unit of the second layer is 0 for every input.

    For the input x the first layer has the pre-activations h = W x + c, and the unit above has
    F(h) = b + sum_j w_j max(h_j, 0). It is dead if F <= 0 for all h that some x reaches. The
    hyperplanes h_j = 0 divide the set of these h into polyhedra; on each of them F is linear. Each
    lies in an orthant, so it contains no whole line and is the convex hull of its corners plus the
    cone of its unbounded edges (Minkowski and Weyl). So F <= 0 everywhere if and only if F <= 0 at
    every corner and F does not rise along any unbounded edge.

    - n1 <= n0: all of R^n1 is reached. The only corner is h = 0, where F = b. The edges are both
      halves of each axis: F rises by w_j along one and by 0 along the other.
    - n1 = n0 + 1: a hyperplane a . h = s is reached, with a W = 0 and s = a . c. At a corner all
      but one h_i are 0, so h_i = s / a_i. On a line between corners all but two, h_i and h_j, are
      0. The line is unbounded both ways, along +-(a_j, -a_i).

    This holds if W has full rank and s and all a_i are nonzero, which is so with probability 1.

    Parameters
    ----------
    first, biases, above, bias : array
        W (units, n1, n0), c (units, n1), w (units, n1) and b (units,), with n1 <= n0 + 1.

    Returns
    -------
    array of bool, shape (units,)

    Raises
    ------
    ValueError
        The first layer has more than n0 + 1 units.

    Examples
    --------
    The second unit is above 0 for large inputs:

    >>> first, biases = np.ones((2, 2, 1)), np.array([[0.0, 1.0]] * 2)
    >>> is_dead(first, biases, np.array([[-1.0, 0.5], [-1.0, 2.0]]), np.array([-1.0, -1.0]))
    array([ True, False])
    """
    n1, n0 = first.shape[1:]
    if n1 <= n0:
        return (bias <= 0) & (above <= 0).all(axis=1)
    if n1 > n0 + 1:
        raise ValueError(f"{n1} units after {n0} inputs: at most {n0 + 1} are allowed")
    normal = _normal(first)
    corners = (normal * biases).sum(axis=1, keepdims=True) / normal
    dead = (bias[:, np.newaxis] + above * np.maximum(corners, 0) <= 0).all(axis=1)
    for i, j in combinations(range(n1), 2):
        for way in (1.0, -1.0):
            along_i = np.maximum(way * normal[:, j], 0)
            along_j = np.maximum(-way * normal[:, i], 0)
            dead &= above[:, i] * along_i + above[:, j] * along_j <= 0
    return dead


def _normal(first: Floats) -> Floats:
    """Return the vector a with a W = 0, from the minors of W (one more row than columns)."""
    rows = range(first.shape[1])
    minors = [(-1.0) ** row * np.linalg.det(np.delete(first, row, axis=1)) for row in rows]
    return np.stack(minors, axis=1)
