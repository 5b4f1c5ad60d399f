import inspect

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import harness
from harness.cli.app import app
from harness.plots import KINDS
from harness.plots.kinds import load_kind


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    experiment = harness.Experiment(
        name="moons",
        network=harness.Network([2, 3, 1], ["tanh", "sigmoid"], loss="cross_entropy"),
        data=harness.Data(generator="moons", samples=20),
        training=harness.Training(epochs=20, learning_rate=0.1, tolerance=0.5),
        grid=harness.Grid(learning_rate=harness.log(0.1, 10, 5), init_id=4),
    )
    return harness.run(experiment, tmp_path_factory.mktemp("results") / "moons", threads=1)


def test_every_kind_of_plot_is_a_method(results):
    assert dir(results.plot) == list(KINDS)
    for kind in KINDS:
        method = getattr(results.plot, kind)
        assert method.__name__ == kind
        assert method.__doc__.startswith(load_kind(kind).summary)
        assert set(inspect.signature(method).parameters) == {
            "where",
            "style",
            *load_kind(kind).takes,
        }


def test_plots_are_figures(results):
    figure = results.plot.map(measure="converged")
    assert isinstance(figure, Figure)
    assert len(figure.table) > 0
    few = results.where("learning_rate < 1").plot.trajectories(lines=2)
    assert "learning_rate < 1" in few.caption
    with pytest.raises(AttributeError, match='It is called "map" here'):
        results.plot.heatmap()
    with pytest.raises(harness.HarnessError, match="endings does not use run"):
        results.plot.endings(run=3)


def test_best_has_the_order_of_show(results, capsys):
    best = results.best(2)
    assert best.equals(results.combinations().head(2))
    results.show()
    assert (
        f"Best learning_rate: {best['learning_rate'].iloc[0]:g}, where" in capsys.readouterr().out
    )
    single = results.experiment.replace(grid={"learning_rate": [0.1, 1.0, 10.0]})
    single = harness.run(single, results.folder.with_name("single"), threads=1)
    assert single.best(2).equals(single.best_runs(2))
    with pytest.raises(harness.HarnessError, match="count"):
        results.best(0)


def test_show_prints_what_the_command_prints(results, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    results.show()
    assert capsys.readouterr().out == CliRunner().invoke(app, ["show", str(results.folder)]).stdout


def test_the_report_is_of_all_runs(results, tmp_path):
    path = tmp_path / "moons.html"
    assert results.report(path) == path
    assert results.report() == results.folder / "report.html"
    assert path.read_bytes() == (results.folder / "report.html").read_bytes()
    with pytest.raises(harness.ResultsError, match="A report has all runs"):
        results.where("init_id < 2").report(path)


def test_trajectories_are_a_table_like_runs(results):
    assert results.trajectories.equals(results.read_trajectories())
    few = results.where("init_id < 2")
    assert set(few.trajectories["run_id"]) == set(few.runs["run_id"])
    assert len(results.trajectories) > len(few.trajectories) > 0
