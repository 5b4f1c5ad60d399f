"""A setting that some runs lack, such as the momentum of Adam: NaN is a value of its axis."""

import numpy as np
import pandas as pd
import pytest

from harness import plots
from harness.analysis import measures, ranking
from harness.analysis.comparison import paired_axes, pairs
from harness.analysis.tally import Factor
from harness.cli.summary_screen import summarise
from harness.errors import ResultsError
from harness.experiment.grid import Axis, Counted, Grid, Listed
from harness.plots.bins import bins_of
from harness.plots.series import series_of
from harness.report.ordered_axes import ordered_axes
from harness.report.page import page
from harness.results import sentences
from tests.unit.results.lacking import lacking_results

NAN = float("nan")


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """One setting per activation: softplus with momentum 0.9, and tanh without any."""
    folder = tmp_path_factory.mktemp("lacking") / "single"
    return lacking_results(folder, ["softplus", "tanh"], [0.9, 0.0])


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Two settings of softplus, and tanh without any, at three learning rates."""
    folder = tmp_path_factory.mktemp("lacking") / "several"
    activations, momenta = ["softplus", "softplus", "tanh"], [0.5, 0.9, 0.0]
    return lacking_results(folder, activations, momenta, learning_rate=[0.05, 0.1, 0.2])


def test_groups_without_the_setting_are_not_dropped(several):
    runs = several.runs
    wanted = runs.assign(momentum=runs["momentum"].fillna(-1)).groupby("momentum")
    table = measures.outcomes(runs, "momentum")
    assert sorted(table["momentum"].fillna(-1)) == [-1, 0.5, 0.9]
    assert table["runs"].sum() == len(runs)
    shares = wanted["status"].agg(lambda status: (status == "converged").mean())
    assert table.set_index(table["momentum"].fillna(-1))["converged"].to_dict() == shares.to_dict()
    values = measures.final_values(runs, "momentum")
    assert values["runs"].sum() == len(runs)
    epochs = measures.epochs_to_reach(measures.reached(runs), ["momentum"])
    assert epochs["runs"].sum() == len(runs)
    cells = ranking.combinations(runs, ["activation", "momentum"])
    assert cells["runs"].sum() == len(runs)


def test_combinations_from_the_grid_are_those_from_the_table(several):
    names = ["learning_rate", "activation", "momentum"]
    counted, plain = several.combinations(), ranking.combinations(several.runs, names)
    pd.testing.assert_frame_equal(counted[plain.columns], plain, check_dtype=False)
    assert len(plain) == 9


def test_a_point_without_the_setting_is_one_value_however_often_it_is_listed():
    axes = (
        Axis(name="optimiser", values=Listed(("sgd", "adam", "adam", "adam"))),
        Axis(name="momentum", values=Listed((0.9, NAN, NAN, NAN))),
        Axis(name="init_seed", values=Listed((0, 0, 1, 2))),
    )
    factor = Factor(0, axes[:2], 4)
    assert factor.count == 2
    assert factor.ranks(np.arange(4)).tolist() == [0, 1, 1, 1]
    alone = Factor(0, (Axis(name="momentum", values=Listed((NAN, 0.9, 0.0, NAN))),), 4)
    np.testing.assert_equal(alone.values(np.arange(3))["momentum"], [0.0, 0.9, NAN])
    assert Listed((NAN, 0.9, 0.0)).ends() == (0.0, 0.9)


def test_runs_are_paired_with_those_that_lack_the_setting(several):
    grid = several.grid
    assert paired_axes(grid, "activation") == ["init_id", "learning_rate"]
    assert paired_axes(grid, "momentum") == ["init_id", "learning_rate"]
    runs = several.runs
    found = pairs(runs, "momentum", [0.9, NAN], paired_axes(grid, "momentum"), "ssr_final")
    key = ["learning_rate", "init_id"]
    one = runs[runs["momentum"] == 0.9].set_index(key)["epochs"]
    other = runs[runs["momentum"].isna()].set_index(key)["epochs"]
    assert found["momentum"].isna().all()
    wanted = pd.concat([one, other], axis=1, keys=["first", "second"]).loc[
        list(zip(found["learning_rate"], found["init_id"], strict=True))
    ]
    assert found["epochs_first"].tolist() == wanted["first"].tolist()
    assert found["epochs_second"].tolist() == wanted["second"].tolist()
    # Both settings of softplus are compared with tanh.
    found = pairs(runs, "activation", ["softplus", "tanh"], ["init_id", "learning_rate"], "epochs")
    assert len(found) == 2 * (runs["activation"] == "tanh").sum()


def test_settings_that_all_runs_have_still_agree():
    rates, momenta = Listed((0.1, 0.1, 0.2)), Listed((0.0, 0.9, 0.9))
    zipped = (Axis(name="learning_rate", values=rates), Axis(name="momentum", values=momenta))
    grid = Grid(dimensions=(zipped, (Axis(name="init_id", values=Counted(3)),)))
    assert paired_axes(grid, "momentum") == ["learning_rate", "init_id"] or paired_axes(
        grid, "momentum"
    ) == ["init_id", "learning_rate"]


def test_a_series_has_a_value_for_runs_without_the_setting(several):
    found = series_of(several, "momentum")
    np.testing.assert_equal(found.values, (0.5, 0.9, NAN))
    assert several.where(found.condition).run_count == several.run_count
    parts = dict(found.parts(several.runs))
    assert {name: len(part) for name, part in parts.items()} == {
        "momentum 0.5": 36, "momentum 0.9": 36, "no momentum": 36,
    }  # fmt: skip
    for text in ("none", "nan"):
        assert series_of(several, f"momentum={text},0.5").label(NAN) == "no momentum"
    lacking = series_of(several, "momentum=none")
    assert lacking.condition == "momentum != momentum"
    assert several.where(lacking.condition).run_count == 36
    assert series_of(several, "momentum=0.8").values == (0.9,)


def test_bins_have_a_place_for_runs_without_the_setting():
    bins = bins_of(pd.Series([NAN, 0.9, 0.0, NAN, 0.9]), 10)
    assert bins.texts == ["0", "0.9", "none"]
    assert bins.of_rows.tolist() == [2, 1, 0, 2, 1]


@pytest.mark.parametrize("by", ["momentum", "activation"])
@pytest.mark.parametrize(
    "kind", ["compare", "distribution", "endings", "epochs", "grid", "map", "range", "trajectories"]
)
def test_every_kind_of_plot_shows_them(several, kind, by):
    options = {"y": by} if kind == "grid" else {"by": by}
    picture = plots.draw(several, kind, **options)
    values = {"momentum": {"0.5", "0.9", "nan"}, "activation": {"softplus", "tanh"}}[by]
    if kind == "compare":  # each is compared with the first
        values -= {"0.5", "softplus"}
    column = picture.table.get(by, picture.table.get("series"))
    known = {"momentum 0.5": "0.5", "momentum 0.9": "0.9", "no momentum": "nan"}
    known |= {f"activation {name}": name for name in ("softplus", "tanh")}
    assert {known.get(str(value), str(value)) for value in column} == values
    plots.rendered(picture)


@pytest.mark.parametrize("kind", ["endings", "map", "epochs"])
def test_plots_along_the_setting_have_a_place_for_them(several, kind):
    picture = plots.draw(several, kind, x="momentum")
    assert picture.table["momentum"].isna().sum() > 0
    labels = [label.get_text() for label in picture.axes[0].get_xticklabels()]
    assert labels == ["0.5", "0.9", "none"]


def test_a_map_counts_all_runs(several):
    table = plots.draw(several, "map", x="learning_rate", y="momentum").table
    assert table["runs"].sum() == several.run_count


def test_a_range_needs_a_value_of_every_run(several):
    with pytest.raises(ResultsError, match="a setting that some runs do not have"):
        plots.draw(several, "range", x="momentum")
    known = plots.draw(several, "range", x="momentum", where="momentum == momentum")
    assert known.caption


def test_one_run_does_not_name_a_setting_that_it_lacks(single):
    run = single.runs.query("momentum != momentum")["run_id"].iloc[0]
    picture = plots.draw(single, "fit", run=int(run))
    words = picture.axes[0].get_title(loc="left") + str(picture.get_suptitle())
    assert "activation tanh" in words
    assert "momentum" not in words
    assert sentences.point(["activation", "momentum"], {"activation": "tanh", "momentum": NAN}) == (
        "activation tanh"
    )


def shown(results, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    summarise(results)
    return " ".join(capsys.readouterr().out.split())


def test_show_names_the_axis_that_tells_the_settings_apart(single, capsys, monkeypatch):
    text = shown(single, capsys, monkeypatch)
    assert "activation tanh against softplus" in text or "activation: no clear difference" in text
    assert "nan" not in text


def test_show_names_all_zipped_axes_if_none_tells_them_apart(several, capsys, monkeypatch):
    text = shown(several, capsys, monkeypatch)
    labels = [
        "activation softplus, momentum 0.5", "activation softplus, momentum 0.9", "activation tanh",
    ]  # fmt: skip
    compared = [f"{one} against {other}" for one in labels for other in labels if one != other]
    assert any(f"{words}: " in text for words in compared) or (
        "activation, momentum: no clear difference" in text
    )
    assert "tanh none" in text  # in the tables
    assert " nan " not in text


def test_conditions_of_the_report_select_the_runs(several):
    axis = next(axis for axis in ordered_axes(several.grid) if "momentum" in axis.name)
    assert axis.labels(3) == ["softplus, 0.5", "softplus, 0.9", "tanh"]
    counts = [several.where(condition).run_count for condition in axis.conditions(3)]
    assert counts == [36, 36, 36]


def test_the_report_has_their_outcome(several):
    axis = next(axis for axis in ordered_axes(several.grid) if "momentum" in axis.name)
    text = page(several)
    for label in axis.labels(3):
        assert label in text
    assert f"{several.run_count:,}: " in text
