"""Trajectories compared along an axis, in one panel or many: the numbers drawn, against pandas."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.testing.compare import compare_images

import harness
from harness import plots
from harness.analysis.measures import bands
from harness.errors import ResultsError
from harness.plots.kinds.grid import grid
from harness.plots.kinds.trajectories import trajectories
from harness.plots.series import Series
from tests.unit.plots.test_plots import REFERENCES, SMALL, falling, legend_labels, runs_table, texts

RATES = Series(axis="learning_rate", values=(0.01, 0.1, 1.0))
DOCUMENT = {
    "name": "compared",
    "network": {"layers": [1, 2, 1], "activations": ["tanh", "identity"], "loss": "ssr"},
    "data": {"generator": "sine", "samples": 12, "validation": 4},
    "training": {"epochs": 40, "learning_rate": 0.1, "limit": 1e3},
    "grid": {
        "learning_rate": [0.003, 0.01, 0.03, 0.1, 1.0],
        "momentum": [0.0, 0.5],
        "samples": [12, 24],
        "init_id": 4,
    },
    "record": {"epochs": "all", "metrics": ["r2"]},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A sweep in which no run converges, and some or all diverge at the larger rates."""
    experiment = harness.Experiment.from_mapping(DOCUMENT)
    made = harness.run(experiment, tmp_path_factory.mktemp("compared") / "out", threads=1)
    shares = made.runs["status"].eq("diverged").groupby(made.runs["learning_rate"]).mean()
    assert shares.iloc[0] == 0
    assert shares.iloc[-1] == 1
    assert ((shares > 0) & (shares < 1)).any()
    return made


def expected_quantiles(results, share, axes, column, scale=None):
    """Quantiles of the runs that did not diverge, which all last to the end."""
    runs = results.runs[list(dict.fromkeys(["run_id", *axes, "samples", "status"]))]
    rows = results.trajectories.merge(runs[runs["status"] != "diverged"], on="run_id")
    values = rows[column] / (1 if scale is None else scale(rows))
    groups = values.groupby([*(rows[name] for name in axes), rows["epoch"]])
    return groups.quantile(share, interpolation="lower")


def drawn(picture, data, axes, share):
    table = picture.table[picture.table["data"] == data].dropna(subset="epoch")
    return table.set_index([*axes, "epoch"])[share].sort_index()


def test_medians_and_bands_are_those_of_the_runs_that_did_not_diverge(results):
    picture = plots.draw(results, "trajectories", by="learning_rate", quantiles=(0.1, 0.8))
    sides = {"training": ("ssr", lambda t: t["samples"])}
    sides["held out"] = ("validation_ssr", lambda t: 4)
    for data, (column, points) in sides.items():
        for share in (0.1, 0.5, 0.8):
            expected = expected_quantiles(results, share, ["learning_rate"], column, points)
            found = drawn(picture, data, ["learning_rate"], str(share))
            np.testing.assert_allclose(found.to_numpy(float), expected)
            assert found.index.tolist() == expected.index.tolist()
    assert picture.axes[0].get_ylabel() == "SSR per data point"
    assert "quantiles from 10% to 80%" in picture.caption
    lines = picture.axes[0].get_lines()
    training = picture.table[picture.table["data"] == "training"]
    first = training[training["learning_rate"] == 0.003]
    assert lines[0].get_ydata().tolist() == first["0.5"].tolist()
    assert (lines[0].get_linestyle(), lines[1].get_linestyle()) == ("-", "--")


def test_values_whose_runs_diverged_are_counted(results):
    picture = plots.draw(results, "trajectories", by="learning_rate")
    runs = results.runs
    counts = runs["status"].eq("diverged").groupby(runs["learning_rate"]).sum()
    labels = legend_labels(picture)
    for (rate, count), label in zip(counts.items(), labels, strict=False):
        said = {0: "", 16: " (all 16 diverged)"}.get(count, f" ({count} of 16 diverged)")
        assert label == f"learning rate {rate:g}{said}"
    assert labels[-2:] == ["training", "held out"]
    kept = 2 * (counts < 16).sum()  # training and held-out data
    assert len(picture.axes[0].get_lines()) == kept
    assert len([c for c in picture.axes[0].collections if isinstance(c, PolyCollection)]) == kept
    lost = picture.table[picture.table["learning_rate"] == 1.0]
    assert lost[["runs", "diverged"]].drop_duplicates().to_numpy().tolist() == [[16, 16]]
    assert lost["epoch"].isna().all()
    assert f"{counts.sum()} that diverged are left out" in picture.caption


def test_a_metric_is_on_a_linear_axis_and_not_divided(results):
    picture = plots.draw(results, "trajectories", by="momentum", measure="r2", lines=2)
    assert picture.axes[0].get_yscale() == "linear"
    for data, column in (("training", "r2"), ("held out", "validation_r2")):
        expected = expected_quantiles(results, 0.5, ["momentum"], column)
        np.testing.assert_array_equal(
            drawn(picture, data, ["momentum"], "0.5").to_numpy(float), expected
        )
    alone = plots.draw(results, "trajectories", by="momentum", measure="validation_ssr")
    assert alone.table["data"].unique().tolist() == ["held out"]
    expected = expected_quantiles(results, 0.5, ["momentum"], "validation_ssr")
    found = drawn(alone, "held out", ["momentum"], "0.5")
    np.testing.assert_array_equal(found.to_numpy(float), expected)
    assert alone.axes[0].get_lines()[0].get_linestyle() == "-"


def test_single_runs_are_evenly_spread_in_the_order_of_their_last_value():
    runs = runs_table(starts=9).assign(status="finished")
    table = falling(runs)
    axes = trajectories(runs, table, series=RATES, lines=3).axes[0]
    thin = [c for c in axes.collections if isinstance(c, LineCollection)]
    last = table[table["epoch"] == 5].merge(runs[["run_id", "learning_rate"]], on="run_id")
    for group, (_, part) in zip(thin, last.groupby("learning_rate"), strict=True):
        ends = sorted(part["ssr"])
        found = sorted(segment[-1, 1] for segment in group.get_segments())
        assert found == [ends[0], ends[4], ends[8]]


def test_more_single_runs_than_there_are():
    runs = runs_table(starts=2).assign(status="finished")
    picture = trajectories(runs, falling(runs), lines=100)
    (thin,) = [c for c in picture.axes[0].collections if isinstance(c, LineCollection)]
    assert len(thin.get_segments()) == len(runs)


def test_many_runs_are_a_median_and_a_band():
    runs = runs_table(starts=200).assign(status="finished")
    table = falling(runs)
    axes = trajectories(runs, table).axes[0]
    (median,) = axes.get_lines()
    by_epoch = table.groupby("epoch")["ssr"]
    assert median.get_ydata().tolist() == by_epoch.quantile(0.5, interpolation="lower").tolist()
    (band,) = axes.collections
    heights = set(band.get_paths()[0].vertices[:, 1])
    for share in (0.25, 0.75):
        assert set(by_epoch.quantile(share, interpolation="lower")) <= heights


def test_who_names_quantiles_or_lines_gets_a_band(results):
    few = results.where("learning_rate == 0.01 and momentum == 0 and samples == 12")
    assert "epoch" in plots.draw(few, "trajectories").table
    assert "0.5" not in plots.draw(few, "trajectories").table
    for options in ({"quantiles": (0, 1)}, {"lines": 0}):
        assert "0.5" in plots.draw(few, "trajectories", **options).table
        with pytest.raises(ResultsError, match="colours single runs"):
            plots.draw(few, "trajectories", x="learning_rate", **options)


def test_runs_one_by_one_have_dashed_lines_of_held_out_data(results):
    few = results.where("learning_rate == 0.01 and momentum == 0")
    picture = plots.draw(few, "trajectories")
    (lines,) = [c for c in picture.axes[0].collections if isinstance(c, LineCollection)]
    rows = few.trajectories.merge(few.runs[["run_id", "samples"]], on="run_id")
    segments = lines.get_segments()
    assert len(segments) == 16
    for number, (_, run) in enumerate(rows.groupby("run_id")):
        training = run["ssr"] / run["samples"]
        np.testing.assert_allclose(segments[number][:, 1], training)
        np.testing.assert_allclose(segments[8 + number][:, 1], run["validation_ssr"] / 4)
    dashes = [pattern for _, pattern in lines.get_linestyle()]
    assert dashes[0] is None
    assert dashes[8] is not None
    linear = plots.draw(few, "trajectories", measure="r2")
    (lines,) = [c for c in linear.axes[0].collections if isinstance(c, LineCollection)]
    assert lines.get_segments()[0][:, 1].tolist() == rows["r2"].iloc[:41].tolist()


@pytest.mark.parametrize(
    ("scale", "drawn_as"), [("linear", "linear"), ("log", "symlog"), (None, "symlog")]
)
@pytest.mark.parametrize("kind", ["trajectories", "grid"])
def test_the_scale_of_epochs(results, kind, scale, drawn_as):
    picture = plots.draw(results, kind, epoch_scale=scale)
    assert {axes.get_xscale() for axes in picture.axes} == {drawn_as}


def test_all_runs_diverged(results):
    lost = results.where("learning_rate == 1")
    picture = plots.draw(lost, "trajectories", by="momentum")
    assert "all 16 runs diverged" in texts(picture)
    assert picture.caption.startswith("16 runs; all of them diverged.")
    assert not picture.axes[0].get_lines()
    assert plots.draw(lost, "grid", x="momentum", y="samples").table["epoch"].isna().all()


def test_bands_ignore_runs_that_are_not_asked_for():
    runs = runs_table(starts=5).assign(status="finished")
    table = falling(runs)
    table.loc[table["run_id"] == 0, "ssr"] = np.nan
    found = bands(table, runs[runs["run_id"] > 7], [0.0, 1.0])
    ours = table[table["run_id"] > 7].groupby("epoch")["ssr"]
    assert found["0.0"].tolist() == ours.min().tolist()
    assert found["1.0"].tolist() == ours.max().tolist()
    assert bands(table, runs[:0], [0.5]).columns.tolist() == ["epoch", "0.5"]
    assert bands(table, runs[:0], [0.5]).empty


# ------------------------------------------------------------------------------------------ panels


def test_panels_have_the_runs_of_a_pair_of_values(results):
    picture = plots.draw(results, "grid", x="learning_rate", y="momentum", by="samples")
    axes = ["learning_rate", "momentum", "samples"]
    expected = expected_quantiles(results, 0.5, axes, "validation_ssr", lambda t: 4)
    found = drawn(picture, "held out", axes, "0.5")
    np.testing.assert_allclose(found.to_numpy(float), expected[expected.index.isin(found.index)])
    rates = results.runs["learning_rate"].drop_duplicates().tolist()
    chosen = [rates[0], rates[1], rates[3], rates[4]]
    assert picture.table["learning_rate"].unique().tolist() == chosen
    assert "4 of 5 values of learning rate are shown" in picture.caption
    assert len(picture.axes) == 8
    first, second = (picture.axes[panel].get_lines()[0].get_ydata().tolist() for panel in (0, 4))
    training = picture.table[picture.table["data"] == "training"]
    keys = training[axes].to_numpy().tolist()
    assert first == training["0.5"][[key == [chosen[0], 0.0, 12.0] for key in keys]].tolist()
    assert second == training["0.5"][[key == [chosen[0], 0.5, 12.0] for key in keys]].tolist()
    assert {axes.get_ylim() for axes in picture.axes} == {picture.axes[0].get_ylim()}


def test_panels_are_headed_and_say_how_many_runs_diverged(results):
    picture = plots.draw(results, "grid", x="learning_rate=0.003,1", y="momentum=0.5")
    flat = [text.replace("\n", " ") for text in texts(picture)]
    for said in ("learning rate 0.003", "learning rate 1", "momentum 0.5", "all 8 diverged"):
        assert said in flat
    assert len(picture.axes) == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"x": "momentum", "y": "momentum"}, "would have momentum, momentum"),
        ({"x": "momentum=0", "by": "momentum"}, "would have momentum"),
        ({"x": "learning_rate=1,2,3,4,5"}, 'x = "learning_rate=1,2,3,4,5" names 5 values'),
        ({"y": "samples=many"}, 'y = "samples=many"'),
        ({"x": "rate"}, "has no axis"),
    ],
)
def test_axes_that_panels_cannot_have(results, options, named):
    with pytest.raises(ResultsError) as caught:
        plots.draw(results, "grid", **options)
    assert named in str(caught.value)


def test_panels_without_runs_say_so():
    runs = runs_table(rates=(0.01, 0.1), starts=2).assign(status="finished", momentum=0.0)
    momenta = Series(axis="momentum", values=(0.0, 0.9))
    picture = grid(runs, falling(runs), x=momenta, y=Series(axis="learning_rate", values=(0.01,)))
    assert texts(picture).count("no runs") == 1


# ---------------------------------------------------------------------------------- how they look


def reference_pictures():
    runs = runs_table(rates=(0.01, 0.1, 0.5, 1.0), starts=30)
    runs["momentum"] = np.where(runs["init_id"] < 15, 0.0, 0.9)
    table = falling(runs)
    rates = Series(axis="learning_rate", values=(0.01, 0.1, 1.0))
    momenta = Series(axis="momentum", values=(0.0, 0.9))
    chosen = runs[runs["learning_rate"].isin(rates.values)]
    table["ssr"] *= table["run_id"].map(runs.set_index("run_id")["learning_rate"])
    held_out = table.assign(validation_ssr=3 * table["ssr"])
    return {
        "trajectories_by": trajectories(
            chosen, held_out, series=rates, lines=3, style=SMALL, title="SSR by rate"
        ),
        "grid": grid(chosen, table, x=rates, y=momenta, style=SMALL, title="SSR in panels"),
    }


@pytest.mark.parametrize("name", ["trajectories_by", "grid"])
def test_they_match_their_reference_images(name, tmp_path):
    reference, made = REFERENCES / f"{name}.png", tmp_path / f"{name}.png"
    made.write_bytes(plots.rendered(reference_pictures()[name]))
    if not reference.exists():
        reference.write_bytes(made.read_bytes())
        pytest.fail(f"{reference} was not there, and is now: look at it")
    assert compare_images(str(reference), str(made), tol=12) is None


@pytest.mark.parametrize("style", ["slide", "column", "poster"])
@pytest.mark.parametrize("kind", ["trajectories", "grid", "squiggle"])
def test_captions_and_legends_lie_inside_the_figure(results, kind, style):
    picture = plots.draw(results, kind, by="momentum", style=style)
    plots.rendered(picture)
    entries = [text for legend in picture.legends for text in legend.get_texts()]
    assert entries
    for text in [*picture.texts, *entries]:
        box = text.get_window_extent()
        assert box.x0 >= -2, text
        assert box.x1 <= picture.bbox.x1 + 2, text
        assert box.y0 >= -2, text


# --------------------------------------------------------------------------------------- squiggle


def test_a_squiggle_of_each_value_is_that_of_its_best_run(results):
    picture = plots.draw(results, "squiggle", by="momentum", where="learning_rate < 0.05")
    runs = results.runs[results.runs["learning_rate"] < 0.05]
    best = runs.sort_values(["ssr_final", "run_id"]).groupby("momentum")["run_id"].first()
    table = picture.table
    assert table.groupby("momentum")["run_id"].unique().map(list).tolist() == [
        [run_id] for run_id in best
    ]
    last = table[(table["run_id"] == best[0.5]) & (table["epoch"] == 40)]
    drawn = [line.get_ydata().tolist() for line in picture.axes[1].get_lines()]
    assert last["prediction_1"].tolist() in drawn
    network = results.network(int(best[0.5]))
    predicted = network.predict(last[["input_1"]].to_numpy())[:, 0]
    np.testing.assert_allclose(last["prediction_1"], predicted, rtol=1e-12)


def test_a_run_and_values_to_compare_exclude_each_other(results):
    with pytest.raises(ResultsError, match="Leave one of them out"):
        plots.draw(results, "squiggle", by="momentum", run=3)


def test_a_run_that_a_condition_leaves_out(results):
    with pytest.raises(ResultsError, match="Run 0 does not satisfy") as caught:
        plots.draw(results, "squiggle", run=0, where="learning_rate > 0.05")
    assert "leave out the condition" in str(caught.value)


def test_values_without_runs_have_no_squiggle(results):
    picture = plots.draw(results, "squiggle", by="momentum", where="momentum > 0.1")
    assert len(picture.axes) == 1
    assert isinstance(picture.table, pd.DataFrame)


def test_many_runs_are_compared_by_the_axis_with_most_values(results):
    # 80 runs with held-out data are too many to be lines.
    picture = plots.draw(results, "trajectories")
    rates = DOCUMENT["grid"]["learning_rate"]
    assert picture.table["learning_rate"].unique().tolist() == rates
    title = picture.axes[0].get_title(loc="left").replace("\n", " ")
    assert title.endswith("over every momentum, samples and start")
    some = plots.draw(results, "trajectories", where="momentum == 0 and samples == 12")
    assert "learning_rate" not in some.table.columns[:1]
    assert some.caption.startswith("20 runs, drawn one by one.")


def test_curves_of_single_runs_are_not_called_medians(results):
    where = "momentum == 0 and samples == 12 and init_id == 1"
    picture = plots.draw(results, "grid", where=where, x="learning_rate", y="momentum")
    assert picture.caption.startswith(
        "4 runs; 2 that diverged are left out. Each line is a run. 4 of 5 values of learning rate"
    )


def test_an_axis_without_values_has_no_numbers(results):
    for options in ({"kind": "trajectories", "by": "momentum"}, {"kind": "grid"}):
        picture = plots.draw(results, where="learning_rate == 1", **options)
        assert "diverged" in " ".join(texts(picture))
        assert all(axes.get_yticks().size == 0 for axes in picture.axes)
