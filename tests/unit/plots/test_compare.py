"""`harness plot compare`: its table against pandas, and what is drawn against the table."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

import harness
from harness import plots
from harness.errors import ResultsError


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    document = {
        "name": "pairs",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
        "data": {"generator": "dosage"},
        "training": {"epochs": 40, "learning_rate": 0.1, "tolerance": 0.67, "limit": 100},
        "grid": {"learning_rate": [0.05, 0.35], "momentum": [0.0, 0.5, 0.9], "init_id": 30},
        "record": {"epochs": "none"},
    }
    folder = tmp_path_factory.mktemp("compare") / "pairs"
    return harness.run(harness.Experiment.from_mapping(document), folder, threads=1)


def paired(results, value):
    """Status, epochs and loss of the runs with momentum 0 and with another value, side by side."""
    runs = results.runs.assign(
        ssr=lambda t: t["ssr_final"].where(t["status"] != "diverged", np.inf)
    )
    index = ["learning_rate", "init_id"]
    wide = runs.pivot(index=index, columns="momentum", values=["status", "epochs", "ssr"])
    return wide.xs(0.0, axis=1, level=1), wide.xs(value, axis=1, level=1)


def points(axes):
    """Positions of all points."""
    found = [c.get_offsets() for c in axes.collections if isinstance(c, PathCollection)]
    return np.concatenate(found)


def test_the_table_is_that_of_pandas(results):
    table = plots.draw(results, "compare", by="momentum").table
    assert table["momentum"].tolist() == [0.5, 0.9]
    for row in table.itertuples():
        first, second = paired(results, row.momentum)
        both = (first["status"] == "converged") & (second["status"] == "converged")
        better = (second["ssr"] < first["ssr"]) & ~both
        assert (row.pairs, row.starts, row.both_converged) == (60, 30, both.sum())
        assert row.better == pytest.approx(better.mean())
        changed = ((first["status"] == "finished") & (second["status"] == "converged")).sum()
        assert row.finished_to_converged == changed > 0
        ratio = second["epochs"][both].astype(float) / first["epochs"][both].astype(float)
        assert row.epochs_ratio == pytest.approx(np.exp(np.log(ratio).median()))


def test_two_values_are_points_around_a_diagonal(results):
    figure = plots.draw(results, "compare", by="momentum=0,0.9", where="learning_rate < 0.1")
    first, second = paired(results.where("learning_rate < 0.1"), 0.9)
    wanted = np.column_stack([first["ssr"].loc[0.05], second["ssr"].loc[0.05]]).astype(float)
    drawn = points(figure.axes[0])
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(wanted, axis=0))
    diagonal = figure.axes[0].get_lines()[0]
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    share = figure.table["better"].iloc[0]
    assert f"{100 * share:.1f}".removesuffix(".0") + "% better" in [
        text.get_text() for text in figure.axes[0].texts
    ]


def test_points_of_runs_that_diverged_are_in_the_strip(results):
    figure = plots.draw(results, "compare", by="momentum=0,0.9", where="learning_rate > 0.1")
    axes = figure.axes[0]
    first, second = paired(results.where("learning_rate > 0.1"), 0.9)
    assert (first["status"] == "diverged").any()
    values = pd.concat([first["ssr"], second["ssr"]]).astype(float)
    largest = values[values < np.inf].max()
    assert (points(axes)[:, 0] > largest).sum() == (first["status"] == "diverged").sum()
    assert points(axes).max() < axes.get_xlim()[1]


def test_several_values_are_bars_and_intervals(results):
    figure = plots.draw(results, "compare", by="momentum")
    left, right = figure.axes
    widths = [[bar.get_width() for bar in bars] for bars in left.containers]
    wanted = 100 * figure.table[["better", "equal", "worse"]].to_numpy().T
    np.testing.assert_allclose(widths, wanted)
    assert [label.get_text() for label in left.get_yticklabels()] == ["0.5", "0.9"]
    medians = right.get_lines()[1]
    np.testing.assert_allclose(medians.get_xdata(), figure.table["change"])


def test_the_caption_says_what_changes(results):
    caption = plots.draw(results, "compare", by="momentum=0.5,0.9").caption
    table = plots.draw(results, "compare", by="momentum=0.5,0.9").table.iloc[0]
    assert caption.startswith(
        "momentum 0.9 against 0.5, in 60 pairs from 30 starts: lower final SSR"
    )
    assert f"{100 * table['better']:.1f}".removesuffix(".0") + "% of the pairs" in caption
    assert "same learning rate and start" in caption
    assert "Intervals are for the number of starts" in caption
    alone = plots.draw(results, "compare", by="momentum=0.5,0.9", where="learning_rate < 0.1")
    assert ", paired over 30 starts: " in alone.caption
    assert "number of starts" not in alone.caption


def test_a_measure_that_is_not_a_loss(results):
    figure = plots.draw(results, "compare", by="momentum=0,0.9", measure="epochs")
    first, second = paired(results, 0.9)
    lost = (first["status"] == "diverged", second["status"] == "diverged")
    one, other = (
        each["epochs"].astype(float).where(~gone, np.inf)
        for each, gone in zip((first, second), lost, strict=True)
    )
    assert figure.table["better"].iloc[0] == pytest.approx((other < one).mean())


def test_a_sweep_or_an_axis_with_one_value_has_nothing_to_compare(results):
    with pytest.raises(ResultsError, match=r"momentum 0\.9 is the only value to compare"):
        plots.draw(results, "compare", by="momentum=0.9")
    with pytest.raises(ResultsError, match="no two runs that differ in momentum only"):
        plots.draw(
            results, "compare", by="momentum", where="(momentum > 0) == (learning_rate > 0.1)"
        )


def test_the_axis_with_fewest_values_is_compared_by_default(results):
    assert list(plots.draw(results, "compare").table["learning_rate"]) == [0.35]


def test_many_pairs_are_drawn_as_a_sample(results, monkeypatch):
    monkeypatch.setattr("harness.plots.kinds.compare._MOST_POINTS", 10)
    figure = plots.draw(results, "compare", by="momentum=0,0.9")
    assert len(points(figure.axes[0])) == 10
    assert figure.table["pairs"].tolist() == [60]
    assert "Points are a sample of 10 pairs." in figure.caption


def test_the_caption_of_several_values_names_the_pairs_once(results):
    options = {"where": "learning_rate > 0.1", "by": "momentum"}
    converged = plots.draw(results, "compare", **options)
    assert converged.caption.count("paired over 30 starts") == 1
    for row in converged.table.itertuples():
        points = f"{100 * row.converged_change:.1f}".removesuffix(".0")
        assert f", {points} percentage points more (" in converged.caption
    picture = plots.draw(results, "compare", measure="ssr_min", **options)
    assert picture.caption.count("paired over 30 starts") == 1
    for row in picture.table.itertuples():
        share = f"{100 * row.better:.1f}".removesuffix(".0")
        assert f"{share}% " in picture.caption
        assert f" with {row.momentum:g} (" in picture.caption
    counted = plots.draw(results, "compare", by="momentum=0,0.9")
    numbers = [text.get_text().split("(")[1].rstrip(")") for text in counted.legends[0].texts]
    assert sum(map(int, numbers)) == counted.table["pairs"].iloc[0]


def test_the_share_that_converges(results):
    picture = plots.draw(results, "compare", by="momentum", measure="converged")
    left, right = picture.axes
    for at, row in enumerate(picture.table.itertuples()):
        first, second = paired(results, row.momentum)
        one, other = first["status"] == "converged", second["status"] == "converged"
        assert (row.converged_first, row.converged_second) == (one.mean(), other.mean())
        lost, gained = (one & ~other).sum(), (other & ~one).sum()
        assert (row.converged_only_first, row.converged_only_second) == (lost, gained)
        assert right.texts[at].get_text() == f"+{gained} \N{MINUS SIGN}{lost}"
        points = 100 * (other.mean() - one.mean())
        assert f"{points:.1f}".removesuffix(".0") + " percentage points more" in picture.caption
    interval = right.collections[0].get_segments()
    ends = 100 * picture.table[["converged_change_low", "converged_change_high"]].to_numpy()
    np.testing.assert_allclose([[x for x, _ in line] for line in interval], ends)
    shares = [line.get_xdata() for line in left.get_lines()]
    np.testing.assert_allclose(
        shares, 100 * picture.table[["converged_first", "converged_second"]].to_numpy().T
    )


def test_the_caption_of_two_values_counts_the_runs_that_changed(results):
    picture = plots.draw(results, "compare", by="momentum=0,0.9", measure="converged")
    (row,) = picture.table.to_dict("records")
    assert (
        f"{row['converged_only_second']} pairs converge only with the second value, and"
        f" {row['converged_only_first']} only with the first." in picture.caption
    )
    assert picture.caption.startswith("momentum 0.9 against 0, in 60 pairs from 30 starts: ")


def test_other_endings_and_all_of_them(results):
    diverged = plots.draw(results, "compare", by="momentum=0,0.9", measure="diverged")
    row = diverged.table.iloc[0]
    first, second = (each["status"] == "diverged" for each in paired(results, 0.9))
    assert row["diverged_change"] == pytest.approx(second.mean() - first.mean())
    assert "diverge instead of" in diverged.caption or "diverge, as before" in diverged.caption
    picture = plots.draw(results, "compare", by="momentum", measure="status")
    left, right = picture.axes
    runs = results.runs
    for bars in left.containers:
        share = runs["status"].eq(bars.get_label()).groupby(runs["momentum"]).mean()
        np.testing.assert_allclose([bar.get_width() for bar in bars], 100 * share)
    widths = [[bar.get_width() for bar in bars] for bars in right.containers]
    np.testing.assert_allclose(widths, 100 * picture.table[["better", "equal", "worse"]].T)
    assert [label.get_text() for label in left.get_yticklabels()] == ["0", "0.5", "0.9"]
    assert "better ending in " in picture.caption


def test_a_measure_that_is_not_trained_is_said_even_if_most_converge(results):
    picture = plots.draw(
        results, "compare", by="momentum", measure="ssr_min", where="learning_rate < 0.1"
    )
    assert "lower lowest SSR in" in picture.caption
