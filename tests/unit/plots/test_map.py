"""Maps and lines of any measure: the numbers that are drawn, against pandas."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import LogNorm, Normalize

import harness
from harness import plots
from harness.errors import ResultsError
from harness.plots import reading, scales
from harness.plots.bins import bins_of
from harness.plots.kinds.map import STATUS, final_lines, final_map
from harness.plots.quantities import Quantity
from harness.plots.series import Series
from tests.unit.plots.invented import legend_labels, meshes, runs_table, texts, tick_labels

ACCURACY = Quantity(column="accuracy", label="accuracy", log=False, higher_is_better=True)
MOMENTA = Series(axis="momentum", values=(0.0, 0.9))


def with_momentum(starts=30):
    runs = runs_table(starts=starts)
    return runs.assign(momentum=np.where(runs["init_id"] < starts // 2, 0.0, 0.9))


def medians(runs, *axes):
    ssr = runs["ssr_final"].where(runs["status"] != "diverged", np.inf)
    return ssr.groupby([runs[name] for name in axes]).median()


def is_hatched(axes):
    return axes.patch.get_hatch() is not None


# ----------------------------------------------------------------------------------------- ticks


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        (np.geomspace(0.01, 1, 5), ["0.01", "0.1", "1"]),
        ([0.01848, 0.03162, 0.05411], ["0.02", "0.03", "0.04", "0.05"]),
        ([0.02, 0.05, 0.1], ["0.02", "0.05", "0.1"]),
        ([1, 2, 4, 8], ["1", "2", "4", "8"]),
        (np.linspace(0, 1, 7), ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (
            [0.0, 0.001, 0.002, 1.0],
            ["0", "0.2", "0.4", "0.6", "0.8", "1"],
        ),  # too close for a tick each
    ],
)
def test_ticks_are_round_numbers(values, drawn):
    runs = pd.DataFrame({"learning_rate": values, "status": "finished"})
    runs["ssr_final"] = runs["learning_rate"] + 1
    axes = final_lines(runs, "learning_rate").axes[0]
    low, high = axes.get_xlim()
    pairs = zip(axes.get_xticks(), tick_labels(axes.xaxis), strict=True)
    assert [text for at, text in pairs if low <= at <= high] == drawn


def test_uneven_values_have_bins_of_equal_size_and_some_labels():
    values = [0.0, 0.1, 0.15, 0.75, 3.0, 3.2, 8.0, 50.0, 51.0, 90.0]
    found = bins_of(pd.Series(values), 100, even=True)
    assert np.diff(found.edges).tolist() == [1.0] * 10
    assert found.texts == ["0", "0.15", "3", "8", "51"]
    assert found.values.tolist() == values


def test_many_values_that_some_runs_lack_share_bins():
    values = np.random.default_rng(0).permutation(np.r_[np.arange(80) / 100, [np.nan] * 20])
    found = bins_of(pd.Series(values), 100)
    assert len(found.centres) == 9
    lacking = np.isnan(values)
    assert set(found.of_rows[lacking]) == {8}
    for number in range(8):  # ten neighbours in each
        assert sorted(values[found.of_rows == number]) == pytest.approx(
            (np.arange(10) + 10 * number) / 100
        )
    assert found.values[:8] == pytest.approx(np.arange(8) / 10 + 0.045)
    assert found.texts[-1] == "none"


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.002), (0.0131, 0.0204), (3e-9, 4e-9)])
def test_short_logarithmic_axes_have_round_ticks(low, high):
    major, _ = scales.log_ticks(low, high)
    assert len(major) >= 2
    assert ((low <= major) & (major <= high)).all()
    assert all(tick == float(f"{tick:.5g}") for tick in major)
    assert [float(text) for text in scales.tick_texts(major) if "$" not in text] == [
        tick for tick in major if tick > 1e-4
    ]


def test_a_linear_axis_has_room_for_runs_that_diverged():
    span = scales.span_of([0.2, 1.0, -np.inf], log=False, higher_is_better=True)
    assert (span.low, span.high) == (0.2, 1.0)
    assert span.ends[0] < span.beyond < 0.2
    assert span.positions([0.5, np.nan, -np.inf]).tolist() == [0.5, span.beyond, span.beyond]
    above = scales.span_of([0.2, 1.0, np.inf], log=False)
    assert 1.0 < above.beyond < above.ends[1]


# ------------------------------------------------------------------------------------------ maps


def test_a_map_has_the_median_of_each_cell():
    runs = with_momentum()
    figure = final_map(runs, "learning_rate", "momentum")
    panel, bar = figure.axes  # one panel, with its colour bar
    _, mesh = meshes(panel)
    median = medians(runs, "momentum", "learning_rate")
    cells = median.unstack().to_numpy()
    assert np.isinf(cells).any()
    np.testing.assert_array_equal(mesh.get_array().mask, np.isinf(cells))
    np.testing.assert_array_equal(mesh.get_array().compressed(), cells[np.isfinite(cells)])
    assert is_hatched(panel)
    assert panel.get_xscale() == "log"
    assert legend_labels(figure) == ["at least half of the runs diverged"]
    assert bar.get_ylabel() == "median final SSR"
    assert "those that diverged count as highest" in figure.caption
    table = figure.table.set_index(["momentum", "learning_rate"])
    pd.testing.assert_series_equal(table["ssr_final"], median)
    assert table["runs"].tolist() == [15] * 6


def test_a_second_panel_has_the_shares_if_they_differ():
    runs = with_momentum()
    figure = final_map(runs, "learning_rate", "momentum", shares=True)
    (mesh,) = meshes(figure.axes[1])[1:]
    keys = [runs["momentum"], runs["learning_rate"]]
    share = runs["status"].eq("converged").groupby(keys).mean()
    np.testing.assert_allclose(mesh.get_array(), 100 * share.unstack())
    assert mesh.norm.vmax == pytest.approx(100 * share.max())
    np.testing.assert_allclose(figure.table["converged"], share)
    equal = runs.assign(status="finished")
    assert len(final_map(equal, "learning_rate", "momentum", shares=True).axes) == 2
    # A single run per cell has converged or not: its loss says so.
    single = runs_table(starts=6)
    assert len(final_map(single, "learning_rate", "init_id", shares=True).axes) == 2


def test_starts_are_ordered_and_keep_their_number_in_the_table():
    runs = runs_table(starts=6)
    converged = Quantity(column="converged", label="share converged, %", log=False)
    figure = final_map(runs, "learning_rate", "init_id", quantity=converged)
    rows = (meshes(figure.axes[0])[1].get_array() > 0).sum(axis=1)
    assert rows.tolist() == sorted(rows.tolist(), reverse=True)
    hits = runs["status"].eq("converged").groupby(runs["init_id"]).sum()
    assert sorted(rows.tolist()) == sorted(hits.tolist())
    table = figure.table
    by_start = table.groupby("init_id")["converged"].sum()
    assert by_start.tolist() == hits.tolist()
    assert table.groupby("start_rank")["converged"].sum().is_monotonic_decreasing
    kept = final_map(runs, "learning_rate", "init_id", quantity=converged, order_starts=False)
    plain = meshes(kept.axes[0])[1].get_array()
    assert (plain > 0).sum(axis=1).tolist() == hits.tolist()
    assert "start_rank" not in kept.table


def test_cells_without_runs_are_blank():
    runs = runs_table(starts=4).iloc[1:]
    figure = final_map(runs, "learning_rate", "init_id", order_starts=False)
    white, coloured = meshes(figure.axes[0])
    assert np.argwhere(~white.get_array().mask).tolist() == [[0, 0]]
    assert coloured.get_array().mask[0, 0]
    assert "no run" in legend_labels(figure)
    assert len(figure.table) == len(runs)


def test_a_huge_axis_becomes_a_raster():
    random = np.random.default_rng(0)
    runs = pd.DataFrame({
        "learning_rate": 10.0 ** random.uniform(-3, 0, 50_000),
        "init_id": random.integers(0, 20_000, 50_000),
        "status": "finished",
    })  # fmt: skip
    runs["ssr_final"] = runs["learning_rate"]
    figure = final_map(runs, "learning_rate", "init_id", order_starts=False)
    _, mesh = meshes(figure.axes[0])
    assert mesh.get_array().shape == (200, 200)
    assert figure.axes[0].get_xscale() == "log"
    columns = np.ma.median(mesh.get_array(), axis=0)
    assert (np.diff(columns) > 0).mean() > 0.99
    assert "Neighbouring values share a cell." in figure.caption


def test_colours_span_most_cells_and_ignore_outliers():
    runs = pd.DataFrame({"learning_rate": np.repeat(np.geomspace(0.01, 1, 20), 20),
                         "momentum": np.tile(np.arange(20), 20), "status": "finished"})  # fmt: skip
    runs["ssr_final"] = np.linspace(0.5, 2, 400)
    runs.loc[7, "ssr_final"] = 1e9
    runs.loc[8, "ssr_final"] = 0.0
    figure = final_map(runs, "learning_rate", "momentum")
    mesh = meshes(figure.axes[0])[1]
    assert mesh.norm.vmin > 0.4
    assert mesh.norm.vmax < 2.1
    assert figure.axes[1].get_xlabel() == "0"
    runs.loc[:150, "ssr_final"] = 1e200
    mesh = meshes(final_map(runs, "learning_rate", "momentum").axes[0])[1]
    assert mesh.norm.vmax < 1e4


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.3, 1e200])
@pytest.mark.parametrize("log", [True, False])
def test_equal_values_have_a_colour_scale(value, log):
    runs = with_momentum(4).assign(status="finished", loss=value)
    quantity = Quantity(column="loss", label="loss", log=log)
    figure = final_map(runs, "learning_rate", "momentum", quantity=quantity)
    mesh = meshes(figure.axes[0])[1]
    assert mesh.norm.vmin < value < mesh.norm.vmax
    assert isinstance(mesh.norm, LogNorm if log and value else Normalize)
    assert set(mesh.get_array().compressed()) == {value}
    ticks = figure.axes[1].get_yticks()
    assert ((mesh.norm.vmin <= ticks) & (ticks <= mesh.norm.vmax)).all()
    assert len(ticks) >= 2


def test_every_run_diverged():
    runs = runs_table(starts=3).assign(status="diverged")
    figure = final_map(runs, "learning_rate", "init_id")
    assert "every run diverged" in texts(figure)
    assert is_hatched(figure.axes[0])
    assert len(figure.axes) == 1  # no colour bar
    assert np.isinf(figure.table["ssr_final"]).all()


def test_higher_is_better_counts_lost_runs_as_lowest():
    runs = pd.DataFrame({
        "learning_rate": [1, 1, 1, 2, 2, 2], "momentum": [0, 0, 0, 0, 0, 0],
        "status": ["finished", "diverged", "finished", "diverged", "diverged", "finished"],
        "accuracy": [0.9, 1.0, 0.7, 1.0, np.nan, 0.8],
    })  # fmt: skip
    figure = final_map(runs, "learning_rate", "momentum", quantity=ACCURACY)
    assert figure.table["accuracy"].tolist() == [0.7, -np.inf]
    assert "count as lowest" in figure.caption


def test_the_most_frequent_ending_has_its_colour():
    runs = with_momentum(40)
    runs.loc[runs["learning_rate"] == 0.01, "status"] = "converged"
    figure = final_map(runs, "learning_rate", "momentum", quantity=STATUS)
    keys = ["momentum", "learning_rate"]
    expected = runs.groupby(keys)["status"].agg(lambda status: status.mode()[0])
    assert set(expected) == {"converged", "finished", "diverged"}
    found = figure.table.set_index(keys)["status"]
    assert found.to_dict() == expected.to_dict()
    mesh = meshes(figure.axes[0])[1]
    names = expected.unstack().to_numpy()
    colours = mesh.cmap(mesh.norm(mesh.get_array()))
    for name in ("converged", "finished"):
        assert (colours[names == name] == mpl.colors.to_rgba(plots.style.ENDINGS[name])).all()
    assert mesh.get_array().mask[names == "diverged"].all()
    assert legend_labels(figure) == ["converged", "finished", "diverged"]


def test_ties_of_endings_are_decided_by_their_order():
    runs = pd.DataFrame({"a": [1, 1, 2, 2], "b": 0, "status": ["finished", "converged"] * 2})
    figure = final_map(runs, "a", "b", quantity=STATUS)
    assert figure.table["status"].tolist() == ["converged", "converged"]


def test_panels_have_the_same_colours():
    runs = with_momentum(20).assign(width=lambda table: table["init_id"] % 2 + 1)
    figure = final_map(runs, "learning_rate", "width", series=MOMENTA, title="final SSR")
    panels = figure.axes[:2]
    assert len(figure.axes) == 3  # with one colour bar
    norms = [meshes(axes)[1].norm for axes in panels]
    assert (norms[0].vmin, norms[0].vmax) == (norms[1].vmin, norms[1].vmax)
    assert [axes.get_title(loc="left") for axes in panels] == ["momentum 0", "momentum 0.9"]
    keys = ["momentum", "width", "learning_rate"]
    expected = medians(runs, *keys)
    pd.testing.assert_series_equal(figure.table.set_index(keys)["ssr_final"], expected)
    for axes, value in zip(panels, MOMENTA.values, strict=True):
        cells = expected[value].unstack().to_numpy()
        drawn = meshes(axes)[1].get_array()
        np.testing.assert_array_equal(drawn.compressed(), cells[np.isfinite(cells)])


# ----------------------------------------------------------------------------------------- lines


def test_one_axis_is_a_line():
    runs = runs_table(starts=25)
    figure = final_lines(runs, "learning_rate", shares=True)
    left, right = figure.axes
    median = medians(runs, "learning_rate")
    (line,) = left.get_lines()
    assert line.get_xdata().tolist() == [0.01, 0.1, 1.0]
    assert line.get_ydata()[:2].tolist() == median.tolist()[:2]
    edge = dict(zip(tick_labels(left.yaxis), left.get_yticks(), strict=True))["diverged"]
    assert line.get_ydata()[2] == edge
    share = runs["status"].eq("converged").groupby(runs["learning_rate"]).mean()
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), 100 * share)
    np.testing.assert_allclose(figure.table["converged"], share)
    assert len(final_lines(runs, "learning_rate").axes) == 1


@pytest.mark.parametrize("quantiles", [(0.25, 0.75), (0.05, 0.95), (0.0, 1.0)])
def test_bands_are_quantiles_with_diverged_runs_as_infinity(quantiles):
    runs = runs_table(starts=21)
    table = final_lines(runs, "learning_rate", quantiles=quantiles).table
    for row in table.itertuples():
        ours = runs[runs["learning_rate"] == row.learning_rate]
        values = np.sort(ours["ssr_final"].where(ours["status"] != "diverged", np.inf))
        for share, found in zip((quantiles[0], 0.5, quantiles[1]), row[3:], strict=True):
            at = share * (len(values) - 1)
            below, above = values[int(at)], values[int(np.ceil(at))]
            between = below if at == int(at) else below + (above - below) * (at - int(at))
            assert found == pytest.approx(between if np.isfinite(above) else above)


def test_a_band_from_diverged_runs_begins_below_the_numbers():
    runs = pd.DataFrame({
        "learning_rate": 0.1, "status": ["diverged"] * 2 + ["finished"] * 4,
        "accuracy": [1.0, 1.0, 0.5, 0.6, 0.7, 0.8],
    })  # fmt: skip
    table = final_lines(runs, "learning_rate", quantity=ACCURACY).table
    # Ordered: -inf, -inf, 0.5, 0.6, 0.7, 0.8; the quartiles are at 1.25 and 3.75.
    assert table.iloc[0].tolist() == pytest.approx([0.1, 6, -np.inf, 0.55, 0.675])


def test_lines_differ_in_colour_marker_and_dashes():
    runs = with_momentum()
    figure = final_lines(runs, "learning_rate", series=MOMENTA)
    lines = figure.axes[0].get_lines()
    assert legend_labels(figure) == ["momentum 0", "momentum 0.9"]
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}
    assert all(len(set(part)) == 2 for part in zip(*looks, strict=True))
    expected = medians(runs, "momentum", "learning_rate")
    found = figure.table.set_index(["momentum", "learning_rate"])["ssr_final"]
    pd.testing.assert_series_equal(found, expected)


def test_a_share_along_an_axis_has_its_wilson_interval():
    runs = pd.DataFrame(
        {"learning_rate": [0.1] * 30, "status": ["diverged"] * 25 + ["finished"] * 5}
    )
    quantity = Quantity(column="diverged", label="share diverged, %", log=False)
    table = final_lines(runs, "learning_rate", quantity=quantity).table
    # By statsmodels.stats.proportion.proportion_confint(25, 30, method="wilson").
    expected = [0.1, 30, 0.6644, 25 / 30, 0.9266]
    assert table.iloc[0].tolist() == pytest.approx(expected, abs=5e-5)


def test_starts_in_a_line_are_ordered():
    runs = runs_table(rates=(0.1,), starts=9).assign(status="finished")
    figure = final_lines(runs, "init_id", shares=True)
    (line,) = figure.axes[0].get_lines()
    assert line.get_ydata().tolist() == sorted(runs["ssr_final"])
    by_start = figure.table.set_index("init_id")["ssr_final"]
    assert by_start.to_dict() == runs.set_index("init_id")["ssr_final"].to_dict()
    assert figure.axes[0].get_xlabel() == "starts, best first"


def test_starts_in_a_line_are_ordered_by_what_is_drawn():
    runs = runs_table(rates=(0.1,), starts=9).assign(status="finished")
    runs["epochs"] = np.random.default_rng(0).permutation(9)
    figure = final_lines(runs, "init_id", quantity=Quantity(column="epochs", label="e", log=False))
    (line,) = figure.axes[0].get_lines()
    assert line.get_ydata().tolist() == list(range(9))
    assert figure.caption.endswith("Starts are ordered by their e.")


# ----------------------------------------------------------------------------------- from results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    experiment = harness.Experiment.from_mapping({
        "name": "small",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "mse"},
        "data": {"generator": "dosage"},
        "training": {"epochs": 20, "learning_rate": 0.1, "tolerance": 0.24, "limit": 1e6},
        "grid": {"learning_rate": [0.1, 0.3, 3.0], "momentum": [0.0, 0.5], "init_id": 5},
    })  # fmt: skip
    return harness.run(experiment, tmp_path_factory.mktemp("map") / "out", threads=1)


def test_the_map_summarises_over_starts_and_counts_runs_in_its_caption(results):
    figure = plots.draw(results, "map")
    assert figure.axes[0].get_title(loc="left") == "final loss, over all starts (init_id)"
    assert figure.caption.startswith("30 runs. Each cell is the median of 5 runs")
    runs = results.runs
    share = runs["status"].eq("converged").groupby([runs["momentum"], runs["learning_rate"]]).mean()
    np.testing.assert_allclose(figure.table["converged"], share)
    chosen = plots.draw(results, "map", x="init_id", y="learning_rate", measure="epochs")
    assert chosen.axes[0].get_title(loc="left") == "epochs, over every momentum"
    epochs = runs["epochs"].where(runs["status"] != "diverged", np.inf)
    expected = epochs.groupby(runs["init_id"]).sum()
    found = chosen.table.groupby("init_id")["runs"].sum()
    assert (found == 6).all()
    assert np.isinf(expected).equals(np.isinf(chosen.table.groupby("init_id")["epochs"].sum()))


@pytest.mark.parametrize("measure", ["loss", "converged", "status", "epochs"])
@pytest.mark.parametrize("style", ["slide", "column", "poster"])
def test_panels_of_every_measure_are_drawn(results, measure, style):
    figure = plots.draw(results, "map", measure=measure, by="momentum", style=style)
    assert plots.rendered(figure)[:4] == b"\x89PNG"
    assert figure.table["momentum"].unique().tolist() == [0.0, 0.5]


def test_axes_that_cannot_be_drawn_are_named(results):
    with pytest.raises(ResultsError, match='y and by are both "momentum"'):
        plots.draw(results, "map", x="learning_rate", y="momentum", by="momentum")
    with pytest.raises(ResultsError, match="takes a map of two axes"):
        plots.draw(results, "map", x="momentum", y="momentum", measure="status")


def test_starts_are_ordered_if_all_have_the_same_points(results):
    def label(where):
        return plots.draw(results, "map", y="init_id", where=where).axes[0].get_ylabel()

    assert label("learning_rate < 1") == "starts, best first"
    assert label("init_id < 3 and momentum == 0") == "starts, best first"
    assert label("init_id < 3 or learning_rate < 0.2") == "starts (init_id)"


def test_a_map_of_a_sample_orders_its_starts(tmp_path, monkeypatch):
    document = {
        "name": "sample",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
        "data": {"generator": "dosage"},
        "training": {"epochs": 40, "learning_rate": 0.1, "tolerance": 0.67, "limit": 100},
        "grid": {"learning_rate": {"log": [0.02, 0.3], "count": 20}, "init_id": 30},
        "record": {"epochs": "none"},
    }
    results = harness.run(harness.Experiment.from_mapping(document), tmp_path / "out", threads=1)
    monkeypatch.setattr(
        "harness.plots.reading.runs_of",
        lambda results, names: results.sample_runs(dict.fromkeys(names), 300),
    )
    picture = plots.draw(results, "map", x="learning_rate", y="init_id")
    table = picture.table
    assert table["runs"].sum() < results.run_count
    sampled = results.sample_runs(["run_id", "init_id", "status"], 300)
    shares = sampled["status"].eq("converged").groupby(sampled["init_id"]).mean()
    order = table.drop_duplicates("start_rank").sort_values("start_rank")["init_id"]
    assert shares.loc[order].is_monotonic_decreasing
    assert "Starts are ordered" in picture.caption


def test_a_map_of_a_sample_has_a_few_points_in_each_cell(tmp_path):
    experiment = harness.Experiment.from_mapping(
        {
            "name": "sampled",
            "network": {"layers": [1, 1], "activations": ["identity"]},
            "data": {"inputs": [1.0], "targets": [1.0]},
            "training": {"epochs": 2, "learning_rate": 0.1},
            "grid": {
                "sample": {
                    "count": 64,
                    "method": "sobol",
                    "learning_rate": {"linear": [0, 0.5]},
                    "w1": {"linear": [0, 1]},
                    "momentum": {"linear": [0, 0.9]},
                }
            },
        }
    )
    results = harness.run(experiment, tmp_path)
    picture = plots.draw(results, "map", x="learning_rate", y="w1")
    assert len(picture.table) == 16  # of Sobol points, each cell of 4 x 4 has 4
    assert picture.table["runs"].tolist() == [4] * 16
    assert reading.varied_axes(results) == ["learning_rate", "w1", "momentum"]
