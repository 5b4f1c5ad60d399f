"""Invented runs, and what a figure says."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.collections import QuadMesh


def runs_table(seed=0, rates=(0.01, 0.1, 1.0), starts=20):
    """Invented runs; most diverge at the largest rate."""
    random = np.random.default_rng(seed)
    grid = [(rate, start) for start in range(starts) for rate in rates]
    table = pd.DataFrame(grid, columns=["learning_rate", "init_id"])
    table.insert(0, "run_id", np.arange(len(table)))
    table["ssr_final"] = 10.0 ** random.uniform(-4, 1, len(table))
    table["status"] = np.where(table["ssr_final"] < 1e-2, "converged", "finished")
    lost = table["learning_rate"].eq(rates[-1]) & (random.random(len(table)) < 0.8)
    table.loc[lost, "status"] = "diverged"
    table.loc[lost, "ssr_final"] = 1e12
    table["epochs"] = random.integers(5, 100, len(table))
    return table


def texts(figure):
    """All texts of a figure."""
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def legend_labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def meshes(axes):
    return [c for c in axes.collections if isinstance(c, QuadMesh)]
