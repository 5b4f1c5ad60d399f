"""Distributions of any measure, by ending and by axis: the numbers drawn, against numpy."""

import numpy as np
import pandas as pd
import pytest

from harness.plots.kinds.distribution import distribution
from harness.plots.quantities import Quantity
from harness.plots.series import Series
from tests.unit.plots.invented import runs_table, tick_labels

ACCURACY = Quantity(column="accuracy", label="accuracy", log=False, higher_is_better=True)
RATES = Series(axis="learning_rate", values=(0.01, 1.0))


def test_the_table_has_the_numbers_of_each_bin():
    runs = runs_table(starts=50)
    runs.loc[runs.index[runs["status"] == "converged"][:4], "ssr_final"] = 0.0
    table = distribution(runs).table
    zero, far = table.iloc[0], table.iloc[-1]
    assert (zero["low"], zero["high"], zero["converged"]) == (0.0, 0.0, 4)
    assert (far["low"], far["diverged"]) == (np.inf, (runs["status"] == "diverged").sum())
    bins = table.iloc[1:-1]
    edges = [*bins["low"], bins["high"].iloc[-1]]
    for name in ("converged", "finished"):
        values = runs.loc[(runs["status"] == name) & (runs["ssr_final"] > 0), "ssr_final"]
        assert bins[name].tolist() == np.histogram(values, edges)[0].tolist()


@pytest.mark.parametrize("value", [0.0, 0.5, -3.0])
def test_a_linear_measure_has_bins_of_equal_width(value):
    random = np.random.default_rng(0)
    runs = pd.DataFrame({"status": "finished", "accuracy": value + random.random(200)})
    runs.loc[:2, "status"] = "diverged"
    figure = distribution(runs, quantity=ACCURACY)
    table = figure.table
    assert (table["low"].iloc[-1], table["diverged"].iloc[-1]) == (-np.inf, 3)
    bins = table.iloc[:-1]
    np.testing.assert_allclose(bins["high"] - bins["low"], np.ptp(runs["accuracy"][3:]) / 50)
    assert bins["finished"].sum() == 197
    axes = figure.axes[0]
    ticks = dict(zip(tick_labels(axes.xaxis), axes.get_xticks(), strict=True))
    assert ticks["diverged"] < runs["accuracy"].min()


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("value", [0.0, 0.25])
def test_equal_values_are_one_bar(value, log):
    runs = pd.DataFrame({"status": ["finished"] * 5, "loss": value})
    quantity = Quantity(column="loss", label="loss", log=log)
    figure = distribution(runs, quantity=quantity)
    heights = [bar.get_height() for bar in figure.axes[0].patches if bar.get_height() == 5]
    assert len(heights) == 1
    assert figure.table["finished"].sum() == 5


def test_rows_are_shares_of_the_runs_with_each_value():
    runs = runs_table(starts=40)
    figure = distribution(runs, series=RATES)
    assert tick_labels(figure.axes[0].yaxis) == ["learning rate 0.01", "learning rate 1"]
    table = figure.table
    for rate, ours in table.groupby("learning_rate"):
        expected = runs[runs["learning_rate"] == rate]
        assert ours["runs"].sum() == len(expected)
        far = ours.loc[np.isinf(ours["low"]), "runs"].sum()
        assert far == (expected["status"] == "diverged").sum()
    heights, _, base = figure.axes[0].patches[0].get_data()
    counts = table[(table["learning_rate"] == 0.01) & np.isfinite(table["low"])]["runs"]
    np.testing.assert_allclose(heights - base, 100 * counts / 40, atol=1e-9)
