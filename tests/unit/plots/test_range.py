"""`harness plot range`: bars against tables worked out by hand and against pandas."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import harness
from harness import plots
from harness.errors import ResultsError
from harness.plots.kinds.range import ranges
from harness.plots.series import Series


def runs_of(good, momentum=0.0):
    """Two runs for each learning rate, one of them always bad."""
    rates = 10.0 ** np.arange(-len(good) + 1, 1)
    table = pd.DataFrame({"learning_rate": np.repeat(rates, 2), "momentum": momentum})
    good = np.column_stack([good, np.zeros(len(good))]).ravel() > 0
    return table.assign(good=good, start=[0, 1] * (len(table) // 2))


def bars(axes):
    """Ends and row of each bar."""
    lines = [line for line in axes.get_lines() if line.get_linestyle() != "None"]
    return [(*line.get_xdata(), line.get_ydata()[0]) for line in lines]


def intervals(axes):
    """Ends of the intervals of the lower and of the upper ends of bars."""
    found = [c.get_segments() for c in axes.collections]
    return [[(line[0][0], line[1][0]) for line in lines] for lines in found]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_bars_are_ranges_without_gaps():
    runs = pd.concat([runs_of([0, 1, 1, 1, 0, 1]), runs_of([0] * 6, 0.9), runs_of([1] * 6, 0.5)])
    series = Series(axis="momentum", values=(0.0, 0.5, 0.9))
    figure = ranges(runs, "learning_rate", series=series)
    (axes,) = figure.axes
    wanted = [(1e-4, 1e-2, 0), (1.0, 1.0, 0), (1e-5, 1.0, 1)]
    np.testing.assert_allclose(bars(axes), wanted)
    assert texts(axes) == ["2 + 0 decades", "5 decades", "at most 0%"]
    assert axes.get_xscale() == "log"
    assert figure.table["momentum"].tolist() == [0.0, 0.0, 0.5]
    np.testing.assert_allclose(figure.table[["low", "high"]], [w[:2] for w in wanted])


def test_a_linear_axis_has_widths_and_many_ranges_have_their_number():
    runs = runs_of([1, 0, 1, 0, 1, 0, 1]).assign(learning_rate=np.repeat(np.arange(7.0), 2))
    (axes,) = ranges(runs, "learning_rate").axes
    assert axes.get_xscale() == "linear"
    assert texts(axes) == ["4 ranges"]
    (axes,) = ranges(runs.assign(good=runs["learning_rate"] > 2), "learning_rate").axes
    assert texts(axes) == ["3"]
    (axes,) = ranges(runs_of([0, 1, 0]), "learning_rate").axes
    assert texts(axes) == ["1 value"]
    (axes,) = ranges(runs_of([0, 1, 1]), "learning_rate").axes
    assert texts(axes) == ["1 decade"]


def test_one_decade_is_singular():
    (axes,) = ranges(runs_of([0, 1, 1, 0, 0, 0]), "learning_rate").axes
    assert texts(axes) == ["1 decade"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A sweep with a tolerance, and one without."""
    document = {
        "name": "range",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
        "data": {"generator": "dosage"},
        "training": {"epochs": 40, "learning_rate": 0.1, "tolerance": 0.67, "limit": 100},
        "grid": {
            "learning_rate": {"log": [0.01, 1.0], "count": 9},
            "activation": ["softplus", "tanh"],
            "init_id": 10,
        },
        "record": {"epochs": "none"},
    }
    free = document | {"training": {"epochs": 40, "learning_rate": 0.1, "limit": 100}}
    home = tmp_path_factory.mktemp("range")
    return [
        harness.run(harness.Experiment.from_mapping(each), home / name, threads=1)
        for name, each in (("with", document), ("without", free))
    ]


def test_the_table_is_that_of_pandas(trained):
    table = plots.draw(trained[0], "range").table
    runs = trained[0].runs
    shares = runs["status"].eq("converged").groupby([runs["activation"], runs["learning_rate"]])
    most = shares.mean() >= 0.5
    for name in ("softplus", "tanh"):
        rates = most.loc[name][most.loc[name]].index
        ours = table[table["activation"] == name]
        assert ours["values"].sum() == len(rates) > 0
        assert (ours["low"].min(), ours["high"].max()) == (rates.min(), rates.max())


def test_without_a_tolerance_it_is_where_most_runs_do_not_diverge(trained):
    figure = plots.draw(trained[1], "range", by="activation=tanh")
    runs = trained[1].runs.query("activation == 'tanh'")
    lost = runs["status"].eq("diverged").groupby(runs["learning_rate"]).mean()
    assert lost.max() > 0.5
    assert figure.table["high"].tolist() == [lost[lost <= 0.5].index.max()]
    assert "do not diverge" in figure.axes[0].get_title(loc="left").replace("\n", " ")
    assert "without a tolerance no run converges" in figure.caption


def test_names_have_no_ranges(trained):
    with pytest.raises(ResultsError, match="axis of names"):
        plots.draw(trained[0], "range", x="activation")


def test_starts_have_no_ranges(trained):
    with pytest.raises(ResultsError, match="whose order has no meaning"):
        plots.draw(trained[0], "range", x="init_id")


def test_the_ends_have_intervals_for_the_number_of_starts(trained):
    picture = plots.draw(trained[0], "range", by="activation=tanh")
    runs = trained[0].runs.query("activation == 'tanh'")
    hits = runs["status"].eq("converged").groupby(runs["learning_rate"]).sum()
    half = [
        rate
        for rate, count in hits.items()
        if stats.binomtest(count, 10).proportion_ci(method="wilson").low
        <= 0.5
        <= stats.binomtest(count, 10).proportion_ci(method="wilson").high
    ]
    row = picture.table.iloc[0]
    below = [rate for rate in half if rate < row["low"]]
    assert row["low_low"] == min([*below, row["low"]])
    assert intervals(picture.axes[0]) == [
        [(row["low_low"], row["low_high"])], [(row["high_low"], row["high_high"])],
    ]  # fmt: skip
    assert "95% intervals of the ends" in picture.caption
    assert f"{row['low']:.4g} ({row['low_low']:.4g} to {row['low_high']:.4g})" in picture.caption


def test_a_single_start_has_no_interval(trained):
    picture = plots.draw(trained[0], "range", by="activation=tanh", where="init_id == 3")
    assert picture.table["low_low"].isna().all()
    assert "the same start" in picture.caption
