"""`harness plot epochs`: medians and shares worked out by hand, curves against their table."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import harness
from harness import plots
from harness.plots.kinds.epochs import curves, epochs
from harness.plots.series import Series
from harness.plots.style import CATEGORIES


def watched_at(rate, arrived, of=10, momentum=0.0):
    """Runs watched for 100 epochs; the first ones arrive at 10, 20, 30, ..."""
    epoch = [10 * (i + 1) if i < arrived else 100 for i in range(of)]
    table = pd.DataFrame({"epoch": epoch, "reached": np.arange(of) < arrived})
    return table.assign(learning_rate=rate, momentum=momentum)


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def legend_labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_medians_are_those_of_all_runs_and_shares_fill_the_gaps():
    # All arrive at 0.1, seven at 0.2, three at 0.4.
    watched = pd.concat([watched_at(0.1, 10), watched_at(0.2, 7), watched_at(0.4, 3)])
    figure = epochs(watched, "learning_rate")
    left, right = figure.axes
    curve, triangles = left.get_lines()
    # The fifth of ten arrives at epoch 50.
    assert curve.get_ydata()[:2].tolist() == [50.0, 50.0]
    assert np.isnan(curve.get_ydata()[2])
    assert curve.get_xdata().tolist() == [0.1, 0.2, 0.4]
    assert triangles.get_xdata().tolist() == [0.4]
    labels = dict(zip(tick_labels(left.yaxis), left.get_yticks(), strict=True))
    assert triangles.get_ydata()[0] == labels["not\nreached"] > 100
    assert "fewer than half" in legend_labels(figure)
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), [100, 70, 30])
    assert figure.table["learning_rate"].tolist() == [0.1, 0.2, 0.4]
    assert figure.table["median"].tolist() == [50, 50, np.inf]
    np.testing.assert_allclose(figure.table["share"], [1, 0.7, 0.3])


def test_there_is_one_panel_if_all_or_no_medians_exist():
    every = pd.concat([watched_at(0.1, 10), watched_at(0.2, 5)])
    (axes,) = epochs(every, "learning_rate").axes
    assert axes.get_ylabel() == "median of epochs"
    nowhere = pd.concat([watched_at(0.1, 4), watched_at(0.2, 0)])
    figure = epochs(nowhere, "learning_rate")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "share of runs, %"
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [40, 0])


def test_there_is_a_curve_along_the_axis_for_each_value_of_another():
    watched = pd.concat([
        watched_at(rate, 10, momentum=momentum).assign(
            epoch=lambda t, momentum=momentum: t["epoch"] * (1 - momentum)
        )
        for rate in (0.1, 0.2)
        for momentum in (0.0, 0.5)
    ])  # fmt: skip
    series = Series(axis="momentum", values=(0.5, 0.0))
    figure = epochs(watched, "learning_rate", series=series)
    assert legend_labels(figure) == ["momentum 0.5", "momentum 0"]
    first, second = figure.axes[0].get_lines()
    assert (first.get_ydata().tolist(), second.get_ydata().tolist()) == ([25, 25], [50, 50])


def test_curves_are_steps_that_say_where_they_end():
    watched = pd.concat([watched_at(0.1, 7), watched_at(0.1, 2, momentum=0.9)])
    series = Series(axis="momentum", values=(0.0, 0.9))
    figure = curves(watched, series, epoch_scale="linear")
    assert legend_labels(figure) == [
        "momentum 0: half after 50 epochs",
        "momentum 0.9: 20% after 100 epochs",
    ]
    for number, (momentum, arrived) in enumerate([(0.0, 7), (0.9, 2)]):
        (step,) = [
            line
            for line in figure.axes[0].get_lines()
            if line.get_drawstyle() == "steps-post" and to_hex(line.get_color()).upper()
            == CATEGORIES[number].upper()
        ]  # fmt: skip
        ends = [0, *range(10, 10 * arrived + 1, 10), 100]
        assert step.get_xdata().tolist() == ends
        np.testing.assert_allclose(
            step.get_ydata(), [*range(0, 10 * arrived + 1, 10), 10 * arrived]
        )
        ours = figure.table[figure.table["momentum"] == momentum]
        np.testing.assert_allclose(100 * ours["share"], step.get_ydata())
        assert ours["lost"].tolist() == [0] * (arrived + 1) + [10 - arrived]


def test_the_axis_of_many_epochs_begins_before_the_first_arrival():
    watched = pd.concat([watched_at(0.1, 7), watched_at(0.1, 2, momentum=0.9)])
    series = Series(axis="momentum", values=(0.0, 0.9))
    axes = curves(watched, series).axes[0]
    assert (axes.get_xscale(), axes.get_xlim()[0]) == ("log", 5.0)
    early = curves(watched.assign(epoch=watched["epoch"] // 10), series).axes[0]
    assert early.get_xlim()[0] < 0
    never = curves(watched.assign(reached=False), series)
    assert legend_labels(never)[0] == "momentum 0: 0% after 100 epochs"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    document = {
        "name": "epochs",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
        "data": {"generator": "dosage"},
        "training": {"epochs": 60, "learning_rate": 0.1, "tolerance": 0.67, "limit": 100},
        "grid": {"learning_rate": [0.05, 0.35], "momentum": [0.0, 0.9], "init_id": 20},
        "record": {"epochs": "all"},
    }
    folder = tmp_path_factory.mktemp("epochs") / "results"
    return harness.run(harness.Experiment.from_mapping(document), folder, threads=1)


def test_curves_of_a_sweep_are_counts_if_all_runs_are_watched_to_the_end(trained):
    figure = plots.draw(trained, "epochs", by="momentum")
    runs = trained.runs
    assert (runs["status"] == "diverged").any()
    for momentum, ours in figure.table.groupby("momentum"):
        group = runs[runs["momentum"] == momentum]
        done = group["epochs"].where(group["status"] == "converged", np.inf)
        wanted = [(done <= epoch).mean() for epoch in ours["epoch"]]
        np.testing.assert_allclose(ours["share"], wanted, atol=1e-12)
    assert "runs that diverged count as never" in figure.caption
    assert "as if all runs had different starts" in figure.caption


def test_the_title_says_whether_there_are_medians(trained):
    def titles(**options):
        figure = plots.draw(trained, "epochs", **options)
        return [text.get_text() for text in figure.findobj(mpl.text.Text)]

    assert any(text.startswith("epochs until runs have converged") for text in titles())
    lost = titles(where="learning_rate > 0.1 and momentum < 0.5")
    assert any(text.startswith("share of runs that have converged") for text in lost)
    assert any(text.startswith("epochs until runs have reached SSR 3") for text in titles(ssr=3))


def test_starts_are_one_curve(trained):
    results = trained.where("learning_rate < 0.1 and momentum == 0")
    watched = results.runs.assign(reached=lambda t: t["status"] == "converged")
    figure = curves(watched.rename(columns={"epochs": "epoch"})[["epoch", "reached"]])
    assert legend_labels(figure)[0].startswith("all runs: ")
    assert next(iter(figure.table)) == "epoch"
    last = figure.table["share"].iloc[-1]
    assert last == pytest.approx(watched["reached"].mean())
