"""Plots of classes: the numbers that are drawn, against sklearn."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.text import Text
from sklearn.metrics import confusion_matrix

import harness
from harness import plots
from harness.analysis.predictions import class_names
from harness.errors import ResultsError
from harness.experiment import Experiment
from harness.plots.classes import DIVERGED, RING
from harness.plots.kinds.difficulty import difficulty
from harness.plots.kinds.regions import regions

RNG = np.random.default_rng(8)


def results_of(folder, loss="ssr", last="identity", classes=("no", "yes"), record=None, **data):
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
            "record": record or {"metrics": ["accuracy"], "parameters": True},
        },
        data=table,
    )
    return harness.run(sweep, folder / "out")


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    return results_of(tmp_path_factory.mktemp("held"), validation=0.25)


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


# ------------------------------------------------------------------------- regions and difficulty


def face_of(line):
    return to_hex(line.get_markerfacecolor())


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c")])
def test_regions_are_the_classes_of_the_predictions_at_each_epoch(tmp_path, classes):
    results = results_of(tmp_path, classes=classes, validation=0.25)
    figure = plots.draw(results, "regions", run=4)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [f"epoch {epoch}" for epoch in (0, 1, 2, 3, 5, 10, 17, 30)]
    network, single = results.network(4), results.experiment.single(4)
    (mesh,) = [m for m in figure.axes[-1].collections if isinstance(m, QuadMesh)]
    x, y = (np.unique(mesh.get_coordinates()[..., k]) for k in (0, 1))
    centres = np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    found = network.predict(np.stack([c.ravel() for c in centres], axis=1))
    expected = found.argmax(axis=1) if len(classes) > 2 else found[:, 0] >= 0.5
    np.testing.assert_array_equal(mesh.get_array().ravel(), expected)
    lines = figure.axes[0].get_lines()
    drawn = {True: 0, False: 0}
    for line in lines:
        drawn[face_of(line) == "#ffffff"] += len(line.get_xdata())
    assert drawn == {False: 30, True: 10}
    hollow = [line for line in lines if face_of(line) == "#ffffff"]
    held_out = np.concatenate([line.get_xydata() for line in hollow])
    assert {*map(tuple, held_out)} == {*map(tuple, single.validation.inputs)}
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [*classes, "held out"]


def test_regions_that_are_not_finite_are_explained():
    x, y = np.meshgrid([0.0, 1.0], [0.0, 1.0])
    curves = pd.DataFrame({"input_1": x.ravel(), "input_2": y.ravel()})
    curves = pd.concat([curves.assign(epoch=0), curves.assign(epoch=9)])
    curves["class"] = [0, 1, 0, -1, -1, -1, -1, -1]
    points = pd.DataFrame({"input_1": [0.5], "input_2": [0.5], "class": [0], "held_out": [False]})
    first, last = regions(points, curves, ["a", "b"]).axes[:2]
    assert first.collections[0].get_array().filled(-1).tolist() == [[0, 1], [0, -1]]
    assert [text.get_text() for text in last.texts] == [DIVERGED]


def test_the_fit_of_two_classes_has_their_boundary_and_marks_held_out_points(held_out):
    axes = plots.draw(held_out, "fit", run=4).axes[0]
    single = held_out.experiment.single(4)
    (boundary,) = [
        c
        for c in axes.collections
        if isinstance(c, ContourSet) and not c.filled and len(c.levels) == 1
    ]
    at_boundary = held_out.network(4).predict(boundary.get_paths()[0].vertices)
    np.testing.assert_allclose(at_boundary, 0.5, atol=0.01)
    (dots,) = [c for c in axes.collections if isinstance(c, PathCollection)]
    ringed = [to_hex(colour) == RING.lower() for colour in dots.get_edgecolors()]
    held = {tuple(point) for point in np.asarray(dots.get_offsets())[ringed]}
    assert held == {*map(tuple, single.validation.inputs)}


def test_the_difficulty_of_points_in_the_plane(held_out):
    figure = plots.draw(held_out, "difficulty")
    assert figure.table["point"].tolist() == [*range(len(figure.table))]
    runs = held_out.runs
    kept = runs.loc[runs["status"] != "diverged", "run_id"]
    single = held_out.experiment.single(0)
    expected = {}
    for points in (single.data, single.validation):
        found = np.array([held_out.network(k).predict(points.inputs)[:, 0] for k in kept])
        right = (found >= 0.5) == (points.targets[:, 0] == 1)
        expected |= dict(zip(map(tuple, points.inputs), 100 * right.mean(axis=0), strict=True))
    drawn = {}
    for dots in figure.axes[0].collections:
        drawn |= dict(
            zip(map(tuple, np.asarray(dots.get_offsets())), dots.get_array(), strict=True)
        )
    assert drawn == pytest.approx(expected)
    source = single.source  # before scaling
    np.testing.assert_array_equal(figure.table.iloc[:, 1:3], source.inputs)
    assert set(figure.table["class"]) == set(class_names(source))
    assert figure.get_suptitle() == "share of right answers for each data point"
    assert figure.caption.startswith("Shares of 24 runs")
    assert f", without the {24 - len(kept)} that diverged" in figure.caption
    same = plots.draw(held_out, "difficulty", run=4)
    assert same.caption.startswith("Shares of 8 runs with learning_rate 0.01")


def test_the_hardest_points_of_more_inputs_are_named():
    points = pd.DataFrame({f"input_{k}": np.arange(20.0) for k in (1, 2, 3)})
    points["class"] = np.arange(20) % 2
    points["held_out"] = points.index == 17
    points["right"] = np.linspace(1.0, 0.05, 20)
    left, right = difficulty(points, ["no", "yes"]).axes
    labels = [label.get_text() for label in left.get_yticklabels()]
    assert labels[:4] == ["19, yes", "18, no", "17, yes", "16, no"]
    assert len(labels) == 12
    drawn = np.concatenate([line.get_xydata() for line in right.get_lines()])
    drawn = drawn[np.argsort(drawn[:, 0])]
    np.testing.assert_allclose(drawn[:, 1], 100 * np.linspace(0.05, 1.0, 20))
    (hollow,) = [line for line in right.get_lines() if face_of(line) == "#ffffff"]
    assert hollow.get_xydata().tolist() == [[3.0, pytest.approx(15.0)]]


def test_a_difficulty_that_takes_too_long_asks_for_parameters(tmp_path, monkeypatch):
    results = results_of(tmp_path, record={"epochs": "none"})
    monkeypatch.setattr("harness.plots.kinds.difficulty._MOST_WORK", 1.0)
    with pytest.raises(ResultsError, match=r"record\.parameters = true"):
        plots.draw(results, "difficulty")


# ------------------------------------------------------------------------------------ accuracy


def test_the_map_shows_the_accuracy_of_held_out_data(held_out):
    options = {"x": "learning_rate", "y": "init_id", "measure": "validation_accuracy"}
    figure = plots.draw(held_out, "map", **options)
    runs = held_out.runs.set_index(["learning_rate", "init_id"])
    drawn = figure.table.set_index(["learning_rate", "init_id"])["validation_accuracy_final"]
    lost = runs["status"] == "diverged"
    assert 0 < lost.sum() < len(runs)
    wanted = runs["validation_accuracy_final"].where(~lost, -np.inf)
    pd.testing.assert_series_equal(drawn.sort_index(), wanted.sort_index())
    assert figure.axes[0].get_title(loc="left").startswith("final held-out accuracy")


def test_the_map_along_one_axis_shows_the_accuracy(held_out):
    options = {"x": "learning_rate", "y": "learning_rate", "measure": "validation_accuracy"}
    table = plots.draw(held_out, "map", **options).table
    runs = held_out.runs
    values = runs["validation_accuracy_final"].where(runs["status"] != "diverged", -np.inf)
    wanted = values.groupby(runs["learning_rate"]).median()
    assert table["validation_accuracy_final"].tolist() == pytest.approx(wanted.tolist())


def test_points_that_every_run_classifies_rightly_are_not_hard():
    points = pd.DataFrame({"input_1": [0.0, 1.0], "class": [0, 1], "held_out": False, "right": 1.0})
    left, right = difficulty(points, ["no", "yes"]).axes
    assert [text.get_text() for text in left.texts] == ["every run is right\nat every data point"]
    assert len(right.get_lines()) == 2
