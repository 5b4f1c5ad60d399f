"""Plots of held-out data and of classes: the numbers that are drawn, against pandas and sklearn."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.text import Text
from sklearn.metrics import confusion_matrix

import harness
from harness import plots
from harness.errors import ResultsError
from harness.experiment import Experiment

RNG = np.random.default_rng(8)


def results_of(folder, loss="ssr", last="identity", classes=("no", "yes"), **data):
    """Return results of a sweep over rates; runs at the largest one diverge."""
    words = np.array(classes)[np.arange(40) % len(classes)]
    table = {"a": RNG.normal(size=40), "b": RNG.normal(size=40), "word": words}
    sweep = Experiment.from_mapping(
        {
            "name": "held",
            "network": {
                "layers": [2, 3, 1 if len(classes) == 2 else len(classes)],
                "activations": ["tanh", last],
                "loss": loss,
            },
            "data": {"inputs": ["a", "b"], "targets": ["word"], **data},
            "training": {"epochs": 30, "learning_rate": 0.01, "limit": 1e6},
            "grid": {"learning_rate": [0.001, 0.01, 30.0], "init_id": 8},
            "record": {"metrics": ["accuracy"], "parameters": True},
        },
        data=table,
    )
    return harness.run(sweep, folder / "out")


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    return results_of(tmp_path_factory.mktemp("held"), validation=0.25)


@pytest.mark.parametrize("style", ["slide", "column"])
def test_lines_are_medians_of_the_runs_that_did_not_diverge(held_out, style):
    figure = plots.draw(held_out, "learning", style=style)
    runs, table = held_out.runs, held_out.trajectories()
    kept = runs.loc[runs["status"] != "diverged", "run_id"]
    assert 0 < len(kept) < len(runs)
    table = table[table["run_id"].isin(kept)]
    shares = {"": 30, "validation_": 10}
    for axes, name in zip(figure.axes, ("ssr", "accuracy"), strict=True):
        for line, (prefix, points) in zip(axes.get_lines(), shares.items(), strict=True):
            values = table[f"{prefix}{name}"] / (points if name == "ssr" else 1)
            median = values.groupby(table["epoch"]).quantile(0.5, interpolation="lower")
            np.testing.assert_allclose(line.get_ydata(), median)
            assert line.get_xdata().tolist() == median.index.tolist()
        bands = [c for c in axes.collections if isinstance(c, PolyCollection)]
        assert len(bands) == 2
        low = values.groupby(table["epoch"]).quantile(0.25, interpolation="lower")
        assert bands[1].get_paths()[0].vertices[:, 1].min() == pytest.approx(low.min())
    assert figure.axes[0].get_ylabel() == "SSR per data point"
    title = figure.get_suptitle()
    assert f"{len(runs) - len(kept)} that diverged left out" in " ".join(title.split())


def counts_of(axes):
    texts = [text for text in axes.findobj(Text) if text.get_position()[0] % 1 == 0]
    cells = {text.get_position(): text.get_text() for text in axes.texts if text in texts}
    size = int(len(cells) ** 0.5)
    return [[int(cells[j, i].replace(",", "")) for j in range(size)] for i in range(size)]


def test_the_confusion_matrix_is_that_of_scikit_learn(held_out):
    figure = plots.draw(held_out, "confusion", run=4)
    network, single = held_out.network(4), held_out.experiment.single(4)
    for axes, points in zip(figure.axes, (single.data, single.validation), strict=True):
        predicted = network.predict(points.inputs)[:, 0] >= 0.5
        expected = confusion_matrix(points.targets[:, 0] == 1, predicted, labels=[False, True])
        assert counts_of(axes) == expected.tolist()
        assert f"{np.trace(expected)} of {expected.sum()} right" in axes.get_title(loc="left")
        assert [label.get_text() for label in axes.get_xticklabels()] == ["no", "yes"]


def test_confusion_matrices_of_the_best_run_with_each_value(held_out):
    figure = plots.draw(held_out, "confusion", by="learning_rate=0.001,0.01")
    assert len(figure.axes) == 2
    for axes, rate in zip(figure.axes, (0.001, 0.01), strict=True):
        runs = held_out.runs
        best = runs[runs["learning_rate"] == rate].nsmallest(1, "ssr_final")["run_id"].item()
        points = held_out.experiment.single(best).validation
        predicted = held_out.network(best).predict(points.inputs)[:, 0] >= 0.5
        expected = confusion_matrix(points.targets[:, 0] == 1, predicted, labels=[False, True])
        assert counts_of(axes) == expected.tolist()
        assert axes.get_title(loc="left").startswith(f"learning rate {rate}")
        ours = figure.table[figure.table["panel"] == f"learning rate {rate}"]
        assert ours["points"].tolist() == expected.ravel().tolist()
        assert f"{best:,}" in figure.caption.split("Runs ")[1]
    with pytest.raises(ResultsError, match="run and by are both given"):
        plots.draw(held_out, "confusion", run=1, by="learning_rate")


def test_the_confusion_matrix_of_scaled_targets(tmp_path):
    inputs = np.arange(20.0)
    sweep = Experiment.from_mapping(
        {
            "name": "scaled",
            "network": {"layers": [1, 1], "activations": ["identity"]},
            "data": {
                "inputs": inputs.tolist(),
                "targets": np.where(inputs < 12, 3.0, 7.0).tolist(),
                "standardise": ["inputs", "targets"],
                "validation": 0.25,
            },
            "training": {"epochs": 50, "learning_rate": 0.05},
        }
    )
    results = harness.run(sweep, tmp_path / "out")
    network = results.network(0)
    axes_of_parts = plots.draw(results, "confusion").axes
    for axes, points in zip(axes_of_parts, (sweep.data, sweep.validation), strict=True):
        observed = points.targets[:, 0] > 0
        middle = (sweep.data.targets.min() + sweep.data.targets.max()) / 2
        predicted = network.predict(points.inputs)[:, 0] >= middle
        assert 0 < predicted.sum() < predicted.size
        expected = confusion_matrix(observed, predicted, labels=[False, True])
        assert counts_of(axes) == expected.tolist()
        assert [label.get_text() for label in axes.get_xticklabels()] == ["3", "7"]


def test_the_confusion_matrix_of_several_outputs(tmp_path):
    results = results_of(tmp_path, classes=("a", "b", "c"))
    (axes,) = plots.draw(results, "confusion", run=0).axes
    data = results.experiment.data
    predicted = results.network(0).predict(data.inputs).argmax(axis=1)
    expected = confusion_matrix(data.targets.argmax(axis=1), predicted, labels=[0, 1, 2])
    assert counts_of(axes) == expected.tolist()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]


def test_targets_that_are_not_classes_have_no_confusion_matrix(tmp_path):
    sweep = Experiment.from_mapping(
        {
            "name": "numbers",
            "network": {"layers": [1, 1], "activations": ["identity"]},
            "data": {"inputs": [0.0, 1.0, 2.0], "targets": [0.0, 1.0, 3.0]},
            "training": {"epochs": 1, "learning_rate": 0.1},
        }
    )
    with pytest.raises(ResultsError, match="targets that are not classes"):
        plots.draw(harness.run(sweep, tmp_path / "out"), "confusion")
