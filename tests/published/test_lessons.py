"""The published numbers of the two lessons, to the printed digits, through the public interface.

Sources: StatQuest, Neural Networks parts 1 and 2, Backpropagation Details parts 1 and 2; Ganesh
Kumar's article series after them (dev.to, 2026); Udacity, Deep Learning, "Calculating the
Gradient 2" and the exercise "backprop" of that course.
"""

import math
from itertools import pairwise
from pathlib import Path

import pytest

import harness

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
LESSON = ("w1", "b1", "w2", "b2", "w3", "w4", "b3")
PART_1 = dict(zip(LESSON, (-34.4, 2.14, -2.52, 1.29, -1.30, 2.28, -0.58), strict=True))
PART_2 = dict(zip(LESSON, (3.34, -1.43, -3.53, 0.57, -1.22, -2.30, 0.0), strict=True))
OUTPUT_LAYER = PART_2 | {"w3": 0.36, "w4": 0.63}
ALL_SEVEN = dict(zip(LESSON, (2.74, 0.0, -1.13, 0.0, 0.36, 0.63, 0.0), strict=True))
EFFECTIVENESS = [0.0, 1.0, 0.0]


def load(name, **changes):
    """Load a shipped experiment, with keys replaced like by --set: training__epochs=0."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    return harness.load_experiment(EXPERIMENTS / f"{name}.toml", changes)


def predictions(experiment):
    """Return the predictions at epoch 0, from dSSR/dpredicted = -2 (observed - predicted)."""
    factors = harness.trace(experiment, parameter="b3").factors
    slopes = factors[factors["symbol"] == "dSSR/dpredicted"]["value"]
    return [observed + slope / 2 for observed, slope in zip(EFFECTIVENESS, slopes, strict=True)]


def update(experiment, epoch, parameter):
    """Return one row of the trace's updates: old, derivative, step_size, new."""
    return harness.trace(experiment, epoch=epoch, parameter=parameter).updates.iloc[0]


# -- the first lesson ------------------------------------------------------------------------------


def test_predictions_of_the_part_1_network():
    experiment = load("statquest_b3", initialisation__parameters=PART_1)
    assert [round(p, 3) for p in predictions(experiment)] == [-0.011, 1.035, 0.005]


def test_predictions_of_the_part_2_network_before_its_last_bias():
    assert load("statquest_b3").initialisation.parameters == PART_2
    found = predictions(load("statquest_b3"))
    assert [round(p, 3) for p in found] == [-2.604, -1.609, -2.615]
    published = [-2.6, -1.61, -2.61]  # the last one is truncated, not rounded
    assert found == pytest.approx(published, abs=0.0051)


def test_ssr_at_four_values_of_b3(tmp_path):
    experiment = load("statquest_b3", grid={"b3": [0.0, 1.0, 2.0, 3.0]}, training__epochs=0)
    ssr = harness.run(experiment, out=tmp_path / "r").runs["ssr_initial"]
    assert [round(value, 1) for value in ssr[:2]] == [20.4, 7.8]
    assert [round(value, 2) for value in ssr[2:]] == [1.11, 0.46]


def test_b3_is_0_then_1_57_then_2_19_then_2_61(tmp_path):
    experiment = load("statquest_b3")
    steps = [update(experiment, epoch, "b3") for epoch in range(5)]
    assert round(steps[0]["derivative"], 1) == -15.7
    assert round(steps[1]["derivative"], 2) == -6.26
    assert round(steps[0]["step_size"], 2) == -1.57
    assert round(steps[1]["step_size"], 3) == -0.626
    assert round(steps[1]["old"], 4) == 1.5655  # at the rounded 1.57 the slope would be -6.24
    assert [round(step["old"], 2) for step in steps[:3]] == [0.0, 1.57, 2.19]
    for step, following in pairwise(steps):
        assert step["learning_rate"] == 0.1
        assert step["new"] == step["old"] - step["derivative"] * 0.1
        assert following["old"] == pytest.approx(step["new"], rel=1e-14)

    runs = harness.run(experiment, out=tmp_path / "r").runs
    assert (runs["learning_rate"][0], runs["status"][0]) == (0.1, "converged")
    assert round(runs["b3_final"][0], 2) == 2.61
    held = [f"{name}_final" for name in LESSON[:-1]]
    assert runs.loc[0, held].tolist() == list(PART_2.values())[:-1]


def test_error_of_b3_shrinks_by_1_minus_6_rates(tmp_path):
    minimum = sum(EFFECTIVENESS) / 3 - sum(predictions(load("statquest_b3"))) / 3
    assert round(minimum, 3) == 2.609
    for rate, factor in ((0.1, 0.4), (0.05, 0.7), (0.3, -0.8), (0.34, -1.04)):
        experiment = load("statquest_b3", grid={"learning_rate": [rate]}, training__tolerance=0.0)
        errors = [update(experiment, epoch, "b3")["old"] - minimum for epoch in range(6)]
        ratios = [after / before for before, after in pairwise(errors)]
        assert ratios == pytest.approx([factor] * 5, rel=1e-10)

    results = harness.run(load("statquest_b3"), out=tmp_path / "r")
    ssr = results.read_trajectories([0])["ssr"].to_numpy()
    assert results.read_trajectories([0])["epoch"].tolist() == list(range(len(ssr)))
    least = 6.3e-5  # minimum of the parabola, from the experiment file
    assert (ssr[1:5] - least) / (ssr[:4] - least) == pytest.approx([0.16] * 4, rel=1e-4)


def test_b3_diverges_above_a_third_and_not_below(tmp_path):
    runs = harness.run(load("statquest_b3"), out=tmp_path / "shipped").runs
    slow = runs["learning_rate"] == 0.33
    assert set(runs["status"][runs["learning_rate"] > 1 / 3]) == {"diverged"}
    assert set(runs["status"][runs["learning_rate"] < 1 / 3]) == {"converged"}
    assert (runs["ssr_final"][runs["status"] == "diverged"] > 1e6).all()
    assert (runs["epochs"][slow] > runs["epochs"][runs["learning_rate"] == 0.3].item()).all()

    close = load(
        "statquest_b3",
        grid={"learning_rate": [0.3333, 0.3334]},
        training__epochs=100_000,
        record__epochs="none",
    )
    runs = harness.run(close, out=tmp_path / "close").runs
    assert runs["status"].tolist() == ["converged", "diverged"]


def test_only_the_output_layer_trains(tmp_path):
    experiment = load("statquest_output_layer")
    assert experiment.initialisation.parameters == OUTPUT_LAYER
    assert [round(p, 2) for p in predictions(experiment)] == [0.72, 0.46, 0.77]
    updates = harness.trace(experiment).updates
    assert updates["parameter"].tolist() == ["w3", "w4", "b3"]
    assert updates["derivative"].round(2).tolist() == [2.58, 1.26, 1.90]
    assert updates["new"].round(2).tolist() == [0.10, 0.50, -0.19]

    one_epoch = load("statquest_output_layer", grid={"learning_rate": [0.1]}, training__epochs=1)
    runs = harness.run(one_epoch, out=tmp_path / "r").runs
    assert round(runs["ssr_initial"][0], 1) == 1.4
    final = runs[["w3_final", "w4_final", "b3_final"]].iloc[0].tolist()
    assert final == pytest.approx(updates["new"].tolist(), rel=1e-14)
    held = [f"{name}_final" for name in LESSON[:4]]
    assert runs.loc[0, held].tolist() == list(PART_2.values())[:4]


def test_all_seven_train(tmp_path):
    experiment = load("statquest_all_seven")
    assert experiment.initialisation.parameters == ALL_SEVEN
    assert [round(p, 3) for p in predictions(experiment)] == [0.686, 0.858, 1.185]
    runs = harness.run(experiment, out=tmp_path / "r").runs
    assert set(runs["ssr_initial"].round(2)) == {1.90}
    # The end values are not unique (seven parameters, three points); SSR and the curve are.
    assert (runs["learning_rate"][0], runs["status"][0]) == (0.1, "converged")
    assert runs["ssr_final"][0] <= 1e-3
    final = {name: float(runs[f"{name}_final"][0]) for name in LESSON}
    curve = predictions(load("statquest_b3", initialisation__parameters=final))
    assert curve == pytest.approx(EFFECTIVENESS, abs=math.sqrt(1e-3))


# -- the second lesson -----------------------------------------------------------------------------


def test_weights_of_the_exercise_change_as_published(tmp_path):
    experiment = load("backprop_exercise")
    final = harness.run(experiment, out=tmp_path / "r").runs.iloc[0]
    start = experiment.initialisation.parameters
    changes = {name: final[f"{name}_final"] - start[name] for name in start}
    assert [f"{changes[name]:.8f}" for name in ("w7", "w8")] == ["0.00804047", "0.00555918"]
    steps = {
        row.parameter: -row.step_size for row in harness.trace(experiment).updates.itertuples()
    }
    published = [
        ["1.77005547e-04", "-5.11178506e-04"],
        ["3.54011093e-05", "-1.02235701e-04"],
        ["-7.08022187e-05", "2.04471402e-04"],
    ]
    for source, row in enumerate(published):
        for unit, printed in enumerate(row):
            name = f"w{1 + source + 3 * unit}"
            assert f"{steps[name]:.8e}" == printed
            assert changes[name] == pytest.approx(float(printed), rel=1e-8)


def test_output_error_term_of_the_exercise():
    factors = harness.trace(load("backprop_exercise"), parameter="w7").factors
    assert factors["symbol"].tolist() == ["dE/dŷ", "dŷ/dh", "dh/dW11(2)"]
    error_term = -factors["value"][0] * factors["value"][1]
    assert error_term == pytest.approx(0.028730669543515018, rel=1e-15, abs=0)


def test_chain_of_the_second_lesson():
    trace = harness.trace(load("xor"), run_id=0, epoch=3, parameter="w1")
    updates = harness.trace(load("xor"), run_id=0, epoch=3).updates
    theta = {row.symbol: row.old for row in updates.itertuples()}

    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    # W31(1) is the bias into h1 and W31(2) the bias into h, as if a 1 were appended to x.
    for (_, ours), x, y in zip(
        trace.factors.groupby("data_point"), ([0, 0], [0, 1], [1, 0], [1, 1]), (0, 1, 1, 0),
        strict=True,
    ):  # fmt: skip
        h1, h2 = (
            theta[f"W1{k}(1)"] * x[0] + theta[f"W2{k}(1)"] * x[1] + theta[f"W3{k}(1)"]
            for k in (1, 2)
        )
        h = theta["W11(2)"] * sigmoid(h1) + theta["W21(2)"] * sigmoid(h2) + theta["W31(2)"]
        y_hat = sigmoid(h)
        expected = {
            "dE/dŷ": (y_hat - y) / (y_hat * (1 - y_hat)) / 4,  # not the lesson's ŷ - y
            "dŷ/dh": y_hat * (1 - y_hat),
            "dh/dh1": theta["W11(2)"] * sigmoid(h1) * (1 - sigmoid(h1)),
            "dh1/dW11(1)": x[0],
        }
        assert ours["symbol"].tolist() == list(expected)
        assert ours["value"].tolist() == pytest.approx(list(expected.values()), rel=1e-12)
        assert ours["value"].iloc[0] * ours["value"].iloc[1] == pytest.approx((y_hat - y) / 4)
    assert trace.updates["symbol"].tolist() == ["W11(1)"]
    assert "That is dE/dh" in trace.remark
