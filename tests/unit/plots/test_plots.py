"""Plots: the numbers that are drawn, against pandas; and a few plots against reference images."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import LogNorm
from matplotlib.testing.compare import compare_images
from typer.testing import CliRunner

import harness
from harness import plots
from harness.cli.app import app, main
from harness.errors import HarnessError, ResultsError
from harness.experiment.network import Network
from harness.plots import scales
from harness.plots.bins import bins_of
from harness.plots.kinds import load_kind
from harness.plots.kinds.distribution import distribution
from harness.plots.kinds.endings import endings
from harness.plots.kinds.endpoints import endpoints
from harness.plots.kinds.fit import fit
from harness.plots.kinds.map import final_map
from harness.plots.kinds.squiggle import squiggle
from harness.plots.kinds.trajectories import trajectories
from harness.plots.reading import runs_like
from tests.unit.plots.invented import legend_labels, meshes, runs_table, texts, tick_labels

REFERENCES = Path(__file__).parent
STATUSES = ("converged", "finished", "diverged")


def falling(runs, epochs=6):
    """Trajectories that fall tenfold per epoch, or rise tenfold in runs that diverge."""
    rows = []
    for run in runs.itertuples():
        factor = 10.0 if run.status == "diverged" else 0.1
        rows += [(run.run_id, e, (1 + run.run_id) * factor**e) for e in range(epochs)]
    return pd.DataFrame(rows, columns=["run_id", "epoch", "ssr"])


# ------------------------------------------------------------------------------ cells and scales


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (np.geomspace(0.01, 1, 7), "log"),
        (np.linspace(0.1, 1, 7), "linear"),
        ([1, 2, 3, 4], "linear"),
        ([0.1, 0.3, 1.0, 3.0], "log"),
        ([0.0, 0.1, 1.0, 10.0], "linear"),
        ([-1.0, 1.0, 10.0, 100.0], "linear"),
    ],
)
def test_logarithmic_axes_are_recognised(values, scale):
    assert bins_of(pd.Series(values), 100).scale == scale


def test_edges_of_bins_lie_between_the_values():
    column = pd.Series([1.0, 100.0, 10.0, 1.0])
    found = bins_of(column, 100)
    assert found.of_rows.tolist() == [0, 2, 1, 0]
    assert found.centres.tolist() == [1.0, 10.0, 100.0]
    np.testing.assert_allclose(found.edges, 10.0 ** np.array([-0.5, 0.5, 1.5, 2.5]))
    assert found.texts == ["1", "10", "100"]


def test_many_values_share_bins_with_their_neighbours():
    found = bins_of(pd.Series(np.arange(1000)[::-1]), 10)
    np.testing.assert_array_equal(found.of_rows, np.arange(1000)[::-1] // 100)
    np.testing.assert_allclose(found.centres, np.arange(10) * 100 + 49.5)
    np.testing.assert_allclose(found.edges[1:-1], np.arange(1, 10) * 100 - 0.5)


def test_names_keep_the_order_of_the_grid():
    found = bins_of(pd.Series(["tanh", "relu", "tanh"]), 10)
    assert (found.of_rows.tolist(), found.texts) == ([0, 1, 0], ["tanh", "relu"])


def test_zero_and_infinity_are_drawn_at_the_edges():
    span = scales.span_of([0.0, 0.01, 1.0, np.inf])
    zero, low, high, beyond = span.positions([0.0, 0.01, 1.0, np.inf])
    assert 0 < zero < low == 0.01
    assert 1.0 == high < beyond
    assert span.positions([np.nan, 1e300]).tolist() == [beyond, beyond]
    assert span.ends[0] < zero
    assert span.ends[1] > beyond
    plain = scales.span_of([0.01, 1.0])
    assert (plain.zero, plain.beyond) == (None, None)


@pytest.mark.parametrize("values", [[], [np.inf], [0.0], [3.0], [1e-300, 1e300]])
def test_any_numbers_have_an_axis(values):
    span = scales.span_of(np.array(values))
    low, high = span.ends
    assert 0 < low < high < np.inf
    major, _ = scales.log_ticks(span.low, span.high)
    assert 2 <= len(major) <= 10


# ---------------------------------------------------------------------------------- trajectories


def test_few_runs_are_lines():
    runs = runs_table(starts=4)
    table = falling(runs)
    figure = trajectories(runs, table, colour_by="learning_rate")
    axes = figure.axes[0]
    (lines,) = [c for c in axes.collections if isinstance(c, LineCollection)]
    segments = lines.get_segments()
    assert len(segments) == len(runs)
    for run, segment in zip(runs.itertuples(), segments, strict=True):
        expected = table[table["run_id"] == run.run_id]
        assert segment[:, 0].tolist() == expected["epoch"].tolist()
        if run.status != "diverged":
            assert segment[:, 1].tolist() == expected["ssr"].tolist()
    assert lines.get_array().tolist() == runs["learning_rate"].tolist()
    assert isinstance(lines.norm, LogNorm)
    lost = (runs["status"] == "diverged").sum()
    assert f"diverged ({lost})" in legend_labels(figure)


def test_runs_that_diverge_end_at_the_edge_and_do_not_stretch_the_axis():
    runs = pd.DataFrame({"run_id": [0, 1], "status": ["finished", "diverged"]})
    figure = trajectories(runs, falling(runs, 40))
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert high < 1e10
    (cross,) = axes.get_lines()
    assert cross.get_xdata().tolist() == [39.0]
    assert "diverged" in tick_labels(axes.yaxis)
    assert (
        dict(zip(axes.get_yticks(), tick_labels(axes.yaxis), strict=True))[cross.get_ydata()[0]]
        == "diverged"
    )
    assert low < cross.get_ydata()[0] < high


def test_an_ssr_of_zero_is_drawn_at_the_lower_edge():
    runs = pd.DataFrame({"run_id": [0], "status": ["converged"]})
    table = pd.DataFrame({"run_id": 0, "epoch": [0, 1, 2], "ssr": [1.0, 0.1, 0.0]})
    axes = trajectories(runs, table).axes[0]
    segment = axes.collections[0].get_segments()[0]
    labels = dict(zip(tick_labels(axes.yaxis), axes.get_yticks(), strict=True))
    assert segment[-1, 1] == labels["0"] < 0.1
    assert axes.get_ylim()[0] < labels["0"]


def test_epoch_0_is_on_a_logarithmic_axis():
    runs = pd.DataFrame({"run_id": [0], "status": ["finished"]})
    table = pd.DataFrame({"run_id": 0, "epoch": np.arange(200), "ssr": 1.0 / (1 + np.arange(200))})
    axes = trajectories(runs, table).axes[0]
    assert axes.get_xscale() == "symlog"
    assert axes.get_xlim()[0] < 0
    assert tick_labels(axes.xaxis)[:3] == ["0", "1", "10"]


def test_runs_that_finish_at_1e200_do_not_stretch_the_axis():
    runs = pd.DataFrame({"run_id": [0, 1, 2], "status": "finished"})
    table = falling(runs)
    table.loc[table["run_id"] == 2, "ssr"] = [3.0, 30.0, 1e50, 1e100, 1e150, 1e200]
    axes = trajectories(runs, table).axes[0]
    assert axes.get_ylim()[1] < 1e3
    assert "off the\nscale" in tick_labels(axes.yaxis)
    assert "diverged" not in tick_labels(axes.yaxis)


# --------------------------------------------------------------------------------- along an axis


def test_endings_are_shares_with_wilson_intervals():
    runs = pd.DataFrame({
        "learning_rate": np.repeat([0.1, 0.2], 30),
        "status": ["converged"] * 25 + ["finished"] * 5 + ["diverged"] * 30,
    })  # fmt: skip
    stopped = runs.assign(status=runs["status"].replace("finished", "stopped"))
    assert legend_labels(endings(stopped, "learning_rate")) == ["converged", "diverged", "stopped"]
    figure = endings(runs, "learning_rate")
    assert legend_labels(figure) == ["converged", "finished", "diverged"]
    axes = figure.axes[0]
    found = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    np.testing.assert_allclose(found["converged"], [100 * 25 / 30, 0])
    np.testing.assert_allclose(found["finished"], [100 * 5 / 30, 0])
    np.testing.assert_allclose(found["diverged"], [0, 100])
    # Wilson (1927) with z = 1.959964: centre (p + z²/2n) / (1 + z²/n).
    z, n, p = 1.959963984540054, 30, 25 / 30
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    for end in (middle - half, middle + half):
        assert np.isclose(heights, 100 * end).any()


def test_without_an_axis_endings_are_bars_of_all_runs():
    runs = pd.DataFrame({"status": ["converged"] * 3 + ["finished"]})
    figure = endings(runs, None)
    axes = figure.axes[0]
    assert [bar.get_height() for bar in axes.patches] == [75, 25]
    assert tick_labels(axes.xaxis) == ["converged", "finished"]
    # Wilson's interval of 3 of 4, by hand.
    (line, _) = axes.collections
    np.testing.assert_allclose(line.get_segments()[0][:, 1], [30.06, 95.44], atol=0.01)


# ---------------------------------------------------------------------------------- distribution


def test_a_histogram_counts_every_run_once():
    runs = runs_table(starts=50)
    runs.loc[runs.index[runs["status"] == "converged"][:4], "ssr_final"] = 0.0
    figure = distribution(runs)
    axes = figure.axes[0]
    height = dict.fromkeys(STATUSES, 0.0)
    for bars in axes.containers:
        colour = mpl.colors.to_hex(bars.patches[0].get_facecolor()).upper()
        name = {"#009E73": "converged", "#0072B2": "finished", "#D55E00": "diverged"}[colour]
        height[name] += sum(bar.get_height() for bar in bars)
    assert height == runs["status"].value_counts().astype(float).to_dict()
    assert {str((runs["status"] == "diverged").sum()), "4"} <= set(texts(figure))
    assert {"0", "diverged"} <= set(tick_labels(axes.xaxis))


def test_bins_are_those_of_numpy():
    runs = runs_table(starts=50)
    runs["status"] = "finished"
    axes = distribution(runs).axes[0]
    (bars,) = axes.containers
    edges = np.array([bar.get_x() for bar in bars] + [bars[-1].get_x() + bars[-1].get_width()])
    edges[-1] = runs["ssr_final"].max()
    expected, _ = np.histogram(runs["ssr_final"], edges)
    assert [bar.get_height() for bar in bars] == expected.tolist()
    np.testing.assert_allclose(np.diff(np.log(edges)), np.log(edges[-1] / edges[0]) / 50)


def test_bars_of_endings_are_stacked():
    runs = pd.DataFrame({"status": ["converged", "converged", "finished", "diverged"]})
    runs["ssr_final"] = [1.0, 1.0, 1.0, np.nan]
    axes = distribution(runs).axes[0]
    bars = [bar for group in axes.containers for bar in group if bar.get_height()]
    assert [(bar.get_y(), bar.get_height()) for bar in bars] == [(0, 2), (2, 1), (0, 1)]


def test_all_diverged_is_one_bar():
    runs = pd.DataFrame({"status": ["diverged"] * 7, "ssr_final": [np.inf, np.nan, *[1e20] * 5]})
    figure = distribution(runs)
    bars = [bar for bar in figure.axes[0].patches if bar.get_height() == 7]
    assert len(bars) == 1
    assert tick_labels(figure.axes[0].xaxis) == ["diverged"]
    assert "all 7 runs diverged" in texts(figure)


def test_the_highest_bar_does_not_touch_the_top():
    runs = pd.DataFrame({"status": ["finished"] * 5 + ["diverged"], "ssr_final": [1.0] * 5 + [9.0]})
    assert distribution(runs).axes[0].get_ylim()[1] > 5.2


# ----------------------------------------------------------------------------------- fit, squiggle


def test_a_fit_has_the_curve_and_the_data():
    points = pd.DataFrame({"input_1": [0.0, 1.0], "target_1": [1.0, 3.0], "prediction_1": [1, 2]})
    curve = pd.DataFrame({"input_1": [0.0, 0.5, 1.0], "prediction_1": [1.0, np.inf, 2.0]})
    line, dots = fit(points, curve).axes[0].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [1.0, np.nan, 2.0])
    assert dots.get_ydata().tolist() == [1.0, 3.0]


def lattice_table(function):
    x, y = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 4))
    return pd.DataFrame({"input_1": x.ravel(), "input_2": y.ravel()} | function(x, y))


def test_two_inputs_are_an_area_with_the_data_in_the_same_colours():
    curve = lattice_table(lambda x, y: {"prediction_1": (x + 10 * y).ravel()})
    points = pd.DataFrame({"input_1": [0.0, 1.0], "input_2": [0.0, 1.0], "target_1": [-4.0, 3.0],
                           "prediction_1": [0.0, 11.0]})  # fmt: skip
    figure = fit(points, curve)
    dots = next(c for c in figure.axes[0].collections if isinstance(c, PathCollection))
    assert dots.get_array().tolist() == [-4.0, 3.0]
    assert dots.get_clim() == (-4.0, 11.0)


def test_several_outputs_are_regions_of_the_largest():
    curve = lattice_table(lambda x, y: {"prediction_1": x.ravel(), "prediction_2": y.ravel()})
    points = pd.DataFrame({"input_1": [0.9, 0.1], "input_2": [0.1, 0.9], "target_1": [1, 0]})
    points = points.assign(target_2=[0, 1], prediction_1=0.0, prediction_2=0.0)
    figure = fit(points, curve, inputs=["a", "b"], outputs=["left", "right"])
    axes = figure.axes[0]
    (mesh,) = meshes(axes)
    x, y = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 4))
    np.testing.assert_array_equal(mesh.get_array(), y > x)
    assert legend_labels(figure) == ["left", "right"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")
    assert [line.get_xdata().tolist() for line in axes.get_lines()] == [[0.9], [0.1]]


def test_more_inputs_are_predicted_against_observed():
    points = pd.DataFrame({"input_1": [0.0], "input_2": [0.0], "input_3": [1.0],
                           "target_1": [2.0], "prediction_1": [2.5]})  # fmt: skip
    axes = fit(points, pd.DataFrame()).axes[0]
    dots = axes.get_lines()[1]
    assert (dots.get_xdata().tolist(), dots.get_ydata().tolist()) == ([2.0], [2.5])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("observed", "predicted")


def test_more_inputs_and_classes_are_outputs_for_the_class_of_each_point():
    points = pd.DataFrame(
        {
            "input_1": 0.0,
            "input_2": 0.0,
            "input_3": [1.0, 2.0, 3.0],
            "target_1": [1, 0, 0],
            "target_2": [0, 1, 1],
            "prediction_1": [0.9, 0.2, 0.6],
            "prediction_2": [0.1, 0.8, 0.4],
        }
    )
    figure = fit(points, pd.DataFrame(), classes=["left", "right"])
    left, right, wrong = figure.axes[0].get_lines()
    assert (left.get_ydata().tolist(), right.get_ydata().tolist()) == ([0.9], [0.8, 0.4])
    assert wrong.get_ydata().tolist() == [0.4]
    assert tick_labels(figure.axes[0].xaxis) == ["left", "right"]
    assert legend_labels(figure) == ["taken for another class"]
    assert len(figure.table) == 3


def test_a_squiggle_has_one_curve_per_epoch_and_the_last_is_the_boldest():
    points = pd.DataFrame({"input_1": [0.0, 1.0], "target_1": [0.0, 1.0]})
    curves = pd.DataFrame({"epoch": np.repeat([0, 5, 1000], 2), "input_1": [0.0, 1.0] * 3,
                           "prediction_1": [0.0, 5.0, 0.0, 3.0, 0.0, 1.0]})  # fmt: skip
    axes = squiggle(points, curves).axes[0]
    *lines, dots = axes.get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [[0.0, 5.0], [0.0, 3.0], [0.0, 1.0]]
    assert [line.get_label() for line in lines] == ["0", "5", "1,000"]
    assert lines[-1].get_linewidth() > lines[0].get_linewidth()
    assert lines[-1].get_alpha() > lines[1].get_alpha() > lines[0].get_alpha()
    assert dots.get_ydata().tolist() == [0.0, 1.0]


def test_a_curve_far_off_does_not_flatten_the_others():
    points = pd.DataFrame({"input_1": [0.0, 1.0], "target_1": [0.0, 1.0]})
    curves = pd.DataFrame({"epoch": [0, 0, 1, 1], "input_1": [0.0, 1.0] * 2,
                           "prediction_1": [0.0, 1.0, 1e9, 1e9]})  # fmt: skip
    figure = squiggle(points, curves)
    low, high = figure.axes[0].get_ylim()
    assert -1 < low < 0 < 1 < high < 4
    assert "cut off" in figure.caption
    far = points.assign(prediction_1=1e9)
    fitted = fit(far, curves[2:])
    low, high = fitted.axes[0].get_ylim()
    assert -1 < low < 0 < 1 < high < 4
    assert "all predictions are beyond the y axis" in texts(fitted)


def test_predictions_that_are_not_finite_are_explained():
    points = pd.DataFrame({"input_1": [0.0], "target_1": [1.0], "prediction_1": [np.nan]})
    curve = pd.DataFrame({"epoch": 3, "input_1": [0.0, 1.0], "prediction_1": [np.nan, np.inf]})
    for figure in (fit(points, curve), squiggle(points, curve)):
        assert any("the run diverged" in text for text in texts(figure))


# ------------------------------------------------------------------------------------- endpoints

NETWORK = Network(sizes=(1, 2, 1), activations=("softplus", "identity"), biases=(True, True),
                  scales=(1.0, 1.0), output_scale=1.0, loss="ssr")  # fmt: skip


def ended(thetas, ssr, status="finished"):
    names = [f"{name}_final" for name in NETWORK.parameters]
    table = pd.DataFrame(np.array(thetas, dtype=float), columns=names)
    return table.assign(run_id=np.arange(len(table)), ssr_final=ssr, status=status)


def two_solutions():
    random = np.random.default_rng(1)
    one = [1, 0, 3, 0, -2, 1, 0.5]
    swapped = [3, 0, 1, 0, 1, -2, 0.5]
    other = [-5, 1, 2, 4, 2, 2, -3]
    thetas = [one] * 4 + [swapped] * 3 + [other] * 2
    return ended(thetas + random.normal(0, 1e-3, (9, 7)), np.linspace(0.1, 2, 9))


def dots_of(axes):
    found = [c.get_offsets() for c in axes.collections if isinstance(c, PathCollection)]
    return np.concatenate([points for points in found if len(points)])


def test_exchanged_units_coincide_and_solutions_are_counted():
    runs = two_solutions()
    figure = endpoints(runs, NETWORK)
    axes = figure.axes[0]
    points = dots_of(axes)[::-1]  # the best are drawn last, and these are in order of SSR
    assert np.ptp(points[:7], axis=0).max() < 0.1
    assert np.linalg.norm(points[0] - points[8]) > 1
    assert {"7", "2"} <= {text.get_text() for text in axes.texts}
    assert len(axes.get_lines()) == 2


def test_a_pair_of_parameters_is_drawn_unchanged():
    runs = two_solutions()
    axes = endpoints(runs, NETWORK, pair=("w1", "w2")).axes[0]
    found = {tuple(point) for point in np.asarray(dots_of(axes))}
    assert found == set(zip(runs["w1_final"], runs["w2_final"], strict=True))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("w1", "w2")


def test_one_run_far_out_is_at_the_edge():
    runs = pd.concat([two_solutions(), ended([[1e6] * 7], [5.0])], ignore_index=True)
    runs["run_id"] = np.arange(len(runs))
    figure = endpoints(runs, NETWORK, pair=("w1", "w2"))
    _, high = figure.axes[0].get_xlim()
    assert high < 10
    assert dots_of(figure.axes[0])[:, 0].max() == high
    assert "1 further out" in legend_labels(figure)


def test_endpoints_of_runs_that_diverged():
    runs = two_solutions().assign(status="diverged")
    assert "all 9 runs diverged" in texts(endpoints(runs, NETWORK))
    runs.loc[0, "status"] = "finished"
    assert len(dots_of(endpoints(runs, NETWORK).axes[0])) == 1


# ------------------------------------------------------------------------------------ from results


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Sweeps with everything recorded, with nothing, with one run, and with only diverged runs."""
    home = tmp_path_factory.mktemp("trained")
    document = {
        "name": "small",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
        "data": {"generator": "dosage"},
        "training": {"epochs": 20, "learning_rate": 0.1, "tolerance": 0.7, "limit": 1e6},
        "grid": {"learning_rate": [0.05, 0.1, 0.9], "momentum": [0.0, 0.5], "init_id": 4},
        "record": {"epochs": "all", "parameters": True},
    }
    changes = {
        "full": {},
        "bare": {"record": {"epochs": "none"}},
        "one": {"grid": {}},
        "activations": {
            "grid": {"learning_rate": [0.1, 0.2], "init_id": 20, "activation": ["softplus", "tanh"]}
        },
        "lost": {"grid": {"learning_rate": [0.8, 0.9, 1.0], "init_id": 3}},
        "aimless": {"training": {"epochs": 3, "learning_rate": 0.1}, "record": {"epochs": "none"}},
    }
    return {
        name: harness.run(
            harness.Experiment.from_mapping(document | change), home / name, threads=1
        )
        for name, change in changes.items()
    }


def test_a_sample_of_similar_runs_has_every_value_of_the_first_axis(trained):
    runs, shared = runs_like(trained["activations"], 0, ["activation"], ["learning_rate"], 10)
    assert (len(runs), set(runs["learning_rate"])) == (10, {0.1, 0.2})
    assert shared == "activation softplus"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name in ("full", "one", "lost")
        for kind in plots.KINDS
        # One run cannot be compared with another, and has no range.
        if kind != "regions" and not (name == "one" and kind in ("compare", "range"))
    ],
)
def test_every_kind_draws_all_sorts_of_results(trained, name, kind):
    figure = plots.draw(trained[name], kind, style="column")
    assert plots.rendered(figure)[:4] == b"\x89PNG"
    assert figure.caption.endswith(".")
    assert len(figure.table.columns)
    if name != "lost":
        assert len(figure.table)


def test_epochs_to_an_ssr_are_those_of_the_trajectories(trained):
    results = trained["full"]
    figure = plots.draw(results, "epochs", ssr=2.0)
    table = results.trajectories
    first = table[table["ssr"] <= 2.0].groupby("run_id")["epoch"].min()
    runs = results.runs
    chosen = runs[(runs["learning_rate"] == 0.05) & (runs["momentum"] == 0.0)]
    times = chosen["run_id"].map(first).fillna(np.inf).sort_values().to_numpy()
    drawn = figure.axes[0].get_lines()[0].get_ydata()[0]
    # The second of four runs makes half of them.
    assert drawn == times[1] or (np.isnan(drawn) and np.isinf(times[1]))


def test_the_best_run_is_fitted_unless_another_is_named(trained):
    results = trained["full"]
    runs = results.runs
    converged = runs[runs["status"] == "converged"]
    best = converged.nsmallest(1, ["epochs", "ssr_final"]).iloc[0]
    assert f"run {best['run_id']} " in " ".join(texts(plots.draw(results, "fit"))) + " "
    figure = plots.draw(results, "fit", run=3)
    assert "run 3 (" in " ".join(texts(figure))
    assert figure.caption.startswith("Run 3, with 3 data points. The line is the prediction")
    line = figure.axes[0].get_lines()[0]
    at = np.abs(line.get_xdata() - 0.5).argmin()
    row = runs.iloc[3]
    y = [np.log1p(np.exp(line.get_xdata()[at] * row[f"w{i}_final"] + row[f"b{i}_final"]))
         for i in (1, 2)]  # fmt: skip
    expected = y[0] * row["w3_final"] + y[1] * row["w4_final"] + row["b3_final"]
    assert line.get_ydata()[at] == pytest.approx(expected, rel=1e-9)


def test_without_parameters_the_run_is_trained_again_to_the_same_fit(trained):
    with_them = plots.draw(trained["full"], "fit", run=2).axes[0].get_lines()[0].get_ydata()
    without = plots.draw(trained["bare"], "fit", run=2).axes[0].get_lines()[0].get_ydata()
    assert with_them.tolist() == without.tolist()


@pytest.mark.parametrize(
    ("name", "kind", "options", "named"),
    [
        ("bare", "trajectories", {}, "record.epochs"),
        ("bare", "endpoints", {}, "record.parameters"),
        ("bare", "epochs", {"ssr": 0.1}, "record.epochs"),
        ("aimless", "epochs", {}, "training.tolerance"),
        ("full", "regions", {}, "2 inputs"),
        ("full", "map", {"x": "learning_rat"}, 'Did you mean "learning_rate"?'),
        ("full", "endpoints", {"x": "w1", "y": "w9"}, "w9"),
        ("full", "fit", {"run": 24}, "its runs are 0 to 23"),
        ("one", "compare", {}, "no axis to compare by"),
    ],
)
def test_what_is_missing_is_named(trained, name, kind, options, named):
    with pytest.raises(ResultsError) as caught:
        plots.draw(trained[name], kind, **options)
    assert named in str(caught.value)


OPTIONS = {"run": 2, "x": "learning_rate", "y": "init_id", "ssr": 0.1}
TAKEN = {
    "compare": set(),
    "confusion": {"run"},
    "difficulty": {"run"},
    "distribution": set(),
    "endings": {"x"},
    "endpoints": {"x", "y"},
    "epochs": {"x", "ssr"},
    "fit": {"run"},
    "grid": {"x", "y"},
    "map": {"x", "y"},
    "range": {"x"},
    "regions": {"run"},
    "squiggle": {"run"},
    "trajectories": {"x"},
}


def test_every_kind_has_a_summary():
    assert tuple(TAKEN) == plots.KINDS
    for kind in plots.KINDS:
        summary = load_kind(kind).summary
        assert summary[0].isupper(), kind
        assert summary.endswith("."), kind


@pytest.mark.parametrize("kind", plots.KINDS)
def test_an_option_that_a_kind_does_not_take_is_refused(trained, kind):
    for option in OPTIONS.keys() - TAKEN[kind]:
        takers = ", ".join(name for name, taken in TAKEN.items() if option in taken)
        with pytest.raises(HarnessError, match=f"{kind} does not use {option} = ") as caught:
            plots.draw(trained["full"], kind, **{option: OPTIONS[option]})
        assert str(caught.value).endswith(f"{option} is for {takers}.")


def test_unknown_kinds_and_widths(trained):
    with pytest.raises(HarnessError, match='Did you mean "squiggle"'):
        plots.draw(trained["full"], "squigle")
    with pytest.raises(HarnessError, match="slide, column"):
        plots.draw(trained["full"], "map", style="billboard")


# ---------------------------------------------------------------------------------- command, files


def test_the_command_writes_to_the_given_file_or_beside_the_results(trained, tmp_path):
    folder = trained["full"].folder
    done = CliRunner().invoke(app, ["plot", str(folder), "endings"])
    assert done.exit_code == 0, done.output
    file = folder / "plots" / "endings.png"
    assert file.read_bytes()[:4] == b"\x89PNG"
    first, caption = done.output.splitlines()
    assert first == str(file)
    assert caption == "24 runs; bands are 95% intervals of the shares, for the number of starts."
    for suffix, start in (("svg", b"<?xml"), ("pdf", b"%PDF")):
        out = tmp_path / "new" / f"picture.{suffix}"
        command = ["plot", str(folder), "endings", "-o", str(out), "--style", "column"]
        assert CliRunner().invoke(app, command).exit_code == 0
        assert out.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["maps"], 'Did you mean "map"?'),
        (["map", "-o", "picture.jpeg"], ".png, .svg or .pdf"),
        (["map", "--x", "rate"], 'has no axis "rate"'),
    ],
)
def test_the_command_says_what_is_wrong(trained, arguments, said, monkeypatch, capsys):
    folder = str(trained["full"].folder)
    monkeypatch.setattr("sys.argv", ["harness", "plot", folder, *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_a_sweep_without_a_finished_chunk(trained, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "begun"
    folder.mkdir()
    for name in ("manifest.json", "data.parquet"):
        (folder / name).write_bytes((trained["full"].folder / name).read_bytes())
    for kind in sorted({*plots.KINDS} - {"regions"}):  # one input
        monkeypatch.setattr("sys.argv", ["harness", "plot", str(folder), kind])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2, kind
        assert "has no finished chunk yet" in capsys.readouterr().err, kind
    assert not (folder / "plots").exists()


@pytest.mark.parametrize("file_format", plots.FORMATS)
def test_a_file_is_the_same_every_time(file_format):
    runs = runs_table()
    one, other = (plots.rendered(endings(runs, "learning_rate"), file_format) for _ in range(2))
    assert one == other
    assert b"Date" not in one
    assert b"dc:date" not in one


def test_no_global_state_is_touched():
    before = dict(mpl.rcParams)
    plots.rendered(distribution(runs_table()), "svg")
    assert dict(mpl.rcParams) == before


def test_all_texts_lie_inside_the_figure():
    # At both sizes.
    runs = runs_table(starts=8)
    long = "a title that is long enough to need more than one line wherever it stands, " * 2
    for style in (plots.SLIDE, plots.COLUMN):
        for figure in (
            final_map(runs, "learning_rate", "init_id", style=style, title=long),
            trajectories(runs, falling(runs), colour_by="learning_rate", style=style, title=long),
            distribution(runs, style=style, title=long),
        ):
            plots.rendered(figure)
            frame = figure.bbox
            labels = [
                part for a in figure.axes for part in (a._left_title, a.xaxis.label, a.yaxis.label)
            ]
            entries = [text for legend in figure.legends for text in legend.get_texts()]
            for text in [*labels, *entries, *figure.texts, figure._suptitle]:
                if text is not None and text.get_text():
                    box = text.get_window_extent()
                    assert box.x0 >= -2, text
                    assert box.x1 <= frame.x1 + 2, text
                    assert box.y0 >= -2, text
                    assert box.y1 <= frame.y1 + 2, text


# ------------------------------------------------------------------------------- how they look

SMALL = plots.Style(width=4.2, height=2.6, font=8, line=1.2, dpi=60)


def reference_pictures():
    runs = runs_table(rates=tuple(np.geomspace(0.01, 1, 5).tolist()), starts=12)
    points = pd.DataFrame({"input_1": [0.0, 0.5, 1.0], "target_1": [0.0, 1.0, 0.0]})
    x = np.linspace(0, 1, 50)
    curves = pd.concat(
        pd.DataFrame({"epoch": e, "input_1": x, "prediction_1": e / 100 * np.sin(np.pi * x)})
        for e in (0, 10, 50, 100)
    )
    return {
        "trajectories": trajectories(
            runs, falling(runs), colour_by="learning_rate", style=SMALL, title="SSR of 60 runs"
        ),
        "map": final_map(runs, "learning_rate", "init_id", style=SMALL, title="60 runs"),
        "endings": endings(runs, "learning_rate", style=SMALL, title="how 60 runs ended"),
        "distribution": distribution(runs, style=SMALL, title="final SSR of 60 runs"),
        "squiggle": squiggle(points, curves, style=SMALL, title="squiggle"),
        "endpoints": endpoints(two_solutions(), NETWORK, style=SMALL, title="where 9 runs ended"),
    }


@pytest.mark.parametrize(
    "name", ["trajectories", "map", "endings", "distribution", "squiggle", "endpoints"]
)
def test_plots_match_their_reference_images(name, tmp_path):
    # To renew a reference: delete it, run this test, and look at the new file.
    reference, drawn = REFERENCES / f"{name}.png", tmp_path / f"{name}.png"
    drawn.write_bytes(plots.rendered(reference_pictures()[name]))
    if not reference.exists():
        reference.write_bytes(drawn.read_bytes())
        pytest.fail(f"{reference} was not there, and is now: look at it")
    # The tolerance covers versions of FreeType, which differ in the edges of letters, and of
    # matplotlib. Another colour or a missing line exceeds it.
    assert compare_images(str(reference), str(drawn), tol=12) is None
