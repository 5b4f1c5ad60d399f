"""The values that plots compare, what they measure, and the options that select runs."""

import pandas as pd
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import harness
from harness import plots
from harness.cli.app import app
from harness.errors import HarnessError, ResultsError
from harness.plots.quantities import final_quantity, path_quantity
from harness.plots.series import MOST_SERIES, series_of

DOCUMENT = {
    "name": "small",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "mse"},
    "data": {"generator": "sine", "samples": 12, "validation": 4},
    "training": {"epochs": 8, "learning_rate": 0.1, "tolerance": 0.3},
    "grid": {
        "learning_rate": {"log": [0.01, 1], "count": 9},
        "activation": ["softplus", "tanh"],
        "init_id": 3,
    },
    "record": {"epochs": "all", "metrics": ["r2", "mae"]},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    experiment = harness.Experiment.from_mapping(DOCUMENT)
    return harness.run(experiment, tmp_path_factory.mktemp("series") / "out", threads=1)


def test_the_nearest_values_are_taken_and_said(results):
    rates = sorted(results.runs["learning_rate"].unique())
    found = series_of(results, "learning_rate=0.02,0.1")
    assert found.values == (min(rates, key=lambda rate: abs(rate - 0.02)), 0.1)
    assert found.note == "Of the values of learning rate, 0.01778 is nearest to 0.02."
    assert series_of(results, "activation=tanh").note == ""
    assert series_of(results, "learning_rate=0.02,0.3,0.5").note == (
        "Of the values of learning rate, 0.01778 is nearest to 0.02, 0.3162 to 0.3 and 0.5623 to"
        " 0.5."
    )


def test_long_axes_are_thinned_and_short_ones_are_whole(results):
    rates = sorted(results.runs["learning_rate"].unique())
    found = series_of(results, "learning_rate")
    assert (len(found.values), found.values[0], found.values[-1]) == (
        MOST_SERIES, rates[0], rates[-1],
    )  # fmt: skip
    assert found.note == "6 of 9 values of learning rate are shown."
    assert series_of(results, "init_id", most=2).note == "2 of 3 starts are shown."
    assert series_of(results, "activation").values == ("softplus", "tanh")
    assert series_of(results, "init_id").values == (0, 1, 2)


def test_an_axis_that_is_not_in_the_grid_has_one_value(tmp_path):
    document = DOCUMENT | {"grid": {"learning_rate": [0.1, 0.2]}}
    results = harness.run(harness.Experiment.from_mapping(document), tmp_path / "out", threads=1)
    assert series_of(results.where("run_id == 1"), "init_id").values == (0,)


def test_parts_are_the_runs_with_each_value(results):
    found = series_of(results, "activation")
    runs = results.runs
    for value, (label, part) in zip(found.values, found.parts(runs), strict=True):
        assert label == f"activation {value}"
        pd.testing.assert_frame_equal(part, runs[runs["activation"] == value])
    assert results.where(found.condition).run_count == len(runs)


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("learning_rat", 'Did you mean "learning_rate"'),
        ("activation=tan", "Its values are softplus, tanh."),
        ("learning_rate=fast", "Its values are 0.01, "),
        ("learning_rate=nan", "Its values are 0.01, "),
        ("learning_rate=1,2,3,4,5,6,7", "Name at most 6."),
    ],
)
def test_unknown_values_are_refused(results, by, says):
    with pytest.raises(ResultsError) as caught:
        series_of(results, by)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "column", "label", "log", "higher"),
    [
        (None, "loss_final", "final loss", True, False),
        ("ssr", "ssr_final", "final SSR", True, False),
        ("ssr_min", "ssr_min", "lowest SSR", True, False),
        ("r2", "r2_final", "final r2", False, True),
        ("validation_mae", "validation_mae_final", "final held-out mae", False, False),
        ("validation_loss", "validation_loss_final", "final held-out loss", True, False),
        ("epochs", "epochs", "epochs", True, False),
        ("converged", "converged", "share converged, %", False, True),
    ],
)
def test_final_quantities(results, name, column, label, log, higher):
    found = final_quantity(results, name)
    assert (found.column, found.label, found.log, found.higher_is_better) == (
        column, label, log, higher,
    )  # fmt: skip
    assert found.is_share == (column == "converged")


def test_quantities_of_trajectories(results):
    assert path_quantity(results).column == "loss"
    assert path_quantity(results, "validation_r2").label == "held-out r2"


@pytest.mark.parametrize(
    ("ask", "name"),
    [(final_quantity, "accurcy"), (final_quantity, "run_id"), (final_quantity, "learning_rate"),
     (path_quantity, "epochs"), (path_quantity, "run_id")],
)  # fmt: skip
def test_unknown_measures_are_refused(results, ask, name):
    with pytest.raises(ResultsError, match=r"no measure .*\n*.*Choose from .*ssr"):
        ask(results, name)


def test_a_picture_has_a_caption_and_the_numbers_drawn(results):
    runs = results.runs
    picture = plots.draw(
        results, "endings", where="init_id < 2", by="activation", x="learning_rate"
    )
    assert isinstance(picture, Figure)
    assert picture.caption == (
        "36 runs; bands are 95% intervals of the shares. Only runs with init_id < 2."
    )
    shares = runs[runs["init_id"] < 2].groupby(["activation", "learning_rate"])["status"]
    converged = shares.agg(lambda status: (status == "converged").mean())
    assert picture.table["converged"].tolist() == converged.tolist()
    written = picture.texts[-1].get_text()
    assert written.replace("\n", " ") == picture.caption


def test_a_caption_covers_nothing(results):
    for style in ("slide", "column", "poster"):
        picture = plots.draw(results, "endings", style=style)
        picture.draw_without_rendering()
        legend = picture.legends[0].get_window_extent()
        caption = picture.texts[-1].get_window_extent()
        assert caption.y1 <= legend.y0
        assert legend.y1 <= picture.axes[0].get_tightbbox().y0
        assert caption.x1 <= picture.bbox.width


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"where": "learning_rate == 0.02"}, "nearest are learning_rate == 0.01778279410038923"),
        ({"where": "init_id > 5"}, "Widen it."),
        ({"where": "rate > 5"}, "does not exist"),
        ({"x": "activation", "by": "activation"}, "x and by are both"),
        ({"by": 3}, "must be a name"),
        ({"style": "bilboard"}, "Choose from slide, column, poster"),
        ({"lines": 3}, "endings does not use lines"),
    ],
)
def test_wrong_options_are_refused(results, options, says):
    with pytest.raises(HarnessError) as caught:
        plots.draw(results, "endings", **options)
    assert says in str(caught.value)


def test_the_command_writes_the_numbers_and_says_the_caption(results, tmp_path):
    picture, table = tmp_path / "p.svg", tmp_path / "p.csv"
    command = ["plot", results.folder, "endings", "--by", "activation=tanh", "-o", picture]
    done = CliRunner().invoke(app, [*map(str, command), "--data", str(table)])
    assert done.exit_code == 0
    said = done.output.splitlines()
    assert said == [
        str(picture), str(table), "27 runs; bands are 95% intervals of the shares.",
    ]  # fmt: skip
    wanted = plots.draw(results, "endings", by="activation=tanh").table
    read = pd.read_csv(table)
    pd.testing.assert_frame_equal(read, wanted, check_dtype=False)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [("--quantiles", "a,b", "must be numbers"), ("--data", "x.txt", "must end in .csv")],
)
def test_wrong_options_of_the_command_are_refused(results, option, value, says):
    command = ["plot", str(results.folder), "endings", option, value]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, HarnessError)
    assert says in str(done.exception)


def test_swapped_arguments_are_named():
    done = CliRunner().invoke(app, ["plot", "map", "results/small"])
    assert isinstance(done.exception, HarnessError)
    assert "Did you mean: harness plot results/small map" in str(done.exception)
