"""The twin compared with published numbers, so that it can be trusted as a reference.

`harness` is not used here. Published figures are compared to the digits printed. Sources:
StatQuest, Neural Networks parts 1 and 2, Backpropagation Details parts 1 and 2; Ganesh Kumar's
article series after them (dev.to, 2026); Udacity, Deep Learning, "Calculating the Gradient 2" and
the exercise "backprop" of that course.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from .network import SLOPES, Twin, gradient, gradient_by_backpropagation
from .training import train

# -- the 1-2-1 softplus network of the first lesson ------------------------------------------------

LESSON = Twin(sizes=(1, 2, 1), activations=("softplus", "identity"))
DOSAGE = np.array([[0.0], [0.5], [1.0]])
EFFECTIVENESS = np.array([[0.0], [1.0], [0.0]])
PART_1 = {"w1": -34.4, "b1": 2.14, "w2": -2.52, "b2": 1.29, "w3": -1.30, "w4": 2.28, "b3": -0.58}
PART_2 = {"w1": 3.34, "b1": -1.43, "w2": -3.53, "b2": 0.57, "w3": -1.22, "w4": -2.30, "b3": 2.61}
OUTPUT_LAYER = PART_2 | {"w3": 0.36, "w4": 0.63, "b3": 0.0}
ALL_SEVEN = {"w1": 2.74, "b1": 0.0, "w2": -1.13, "b2": 0.0, "w3": 0.36, "w4": 0.63, "b3": 0.0}
B3 = LESSON.names().index("b3")


def lesson_predictions(values):
    """Return the predictions of the 1-2-1 network, shape (3,)."""
    return LESSON.predict(LESSON.theta(**values), DOSAGE)[:, 0]


def lesson_ssr(values):
    """Return the SSR of the 1-2-1 network."""
    return LESSON.ssr(LESSON.theta(**values), DOSAGE, EFFECTIVENESS)


def train_only_b3(rate, epochs, **more):
    """Train only b3, from 0, on the Part 2 network."""
    start = LESSON.theta(**PART_2 | {"b3": 0.0})
    return train(LESSON, DOSAGE, EFFECTIVENESS, start, epochs, rate, trained=[B3], **more)


def b3_sequence(rate, epochs):
    """Return b3 at epochs 0 to `epochs` if only b3 trains."""
    return [train_only_b3(rate, e).theta[B3] for e in range(epochs + 1)]


def test_forward_is_the_lessons_formula_written_out():
    p = PART_2
    for dosage, prediction in zip(DOSAGE[:, 0], lesson_predictions(p), strict=True):
        y1 = math.log(1 + math.exp(dosage * p["w1"] + p["b1"]))
        y2 = math.log(1 + math.exp(dosage * p["w2"] + p["b2"]))
        assert prediction == pytest.approx(y1 * p["w3"] + y2 * p["w4"] + p["b3"], rel=1e-14)


def test_part_1_predictions():
    assert lesson_predictions(PART_1).round(3).tolist() == [-0.011, 1.035, 0.005]


def test_part_2_predictions_without_the_last_bias():
    predictions = lesson_predictions(PART_2 | {"b3": 0.0})
    assert predictions.round(3).tolist() == [-2.604, -1.609, -2.615]
    published = [-2.6, -1.61, -2.61]  # the last one is truncated, not rounded
    assert predictions == pytest.approx(published, abs=0.0051)


def test_ssr_at_four_values_of_b3():
    values = [lesson_ssr(PART_2 | {"b3": b3}) for b3 in (0.0, 1.0, 2.0, 3.0)]
    assert values == pytest.approx([20.4, 7.8, 1.11, 0.46], abs=0.051)
    assert [round(value, 1) for value in values[:2]] == [20.4, 7.8]
    assert [round(value, 2) for value in values[2:]] == [1.11, 0.46]


def test_b3_slopes_steps_and_values():
    values = b3_sequence(0.1, 2)
    slopes = [
        gradient(LESSON, LESSON.theta(**PART_2 | {"b3": b3}), DOSAGE, EFFECTIVENESS)[B3]
        for b3 in values
    ]
    assert [round(slope, 1) for slope in slopes[:1]] == [-15.7]
    assert round(slopes[1], 2) == -6.26
    assert round(0.1 * slopes[0], 2) == -1.57
    assert round(0.1 * slopes[1], 3) == -0.626
    assert [round(value, 2) for value in values] == [0.0, 1.57, 2.19]
    assert round(train_only_b3(0.1, 100).theta[B3], 2) == 2.61


def test_the_error_of_b3_has_a_closed_form():
    minimum = float(np.mean(EFFECTIVENESS[:, 0] - lesson_predictions(PART_2 | {"b3": 0.0})))
    assert round(minimum, 3) == 2.609
    for rate, factor in ((0.1, 0.4), (0.05, 0.7), (0.3, -0.8), (0.34, -1.04)):
        errors = np.array(b3_sequence(rate, 5)) - minimum
        assert errors[1:] / errors[:-1] == pytest.approx(np.full(5, factor), rel=1e-10)


@pytest.mark.parametrize(("rate", "status"), [(0.33, "converged"), (0.335, "diverged")])
def test_b3_diverges_above_a_third(rate, status):
    least = lesson_ssr(PART_2 | {"b3": 2.6093})
    record = train_only_b3(
        rate, 2000, tolerance=least + 1e-6, limit=1e6, gradient=gradient_by_backpropagation
    )
    assert record.status == status
    assert record.epochs < 2000


def test_only_the_output_layer_trains():
    start = LESSON.theta(**OUTPUT_LAYER)
    trained = [LESSON.names().index(name) for name in ("w3", "w4", "b3")]
    assert lesson_predictions(OUTPUT_LAYER).round(2).tolist() == [0.72, 0.46, 0.77]
    assert round(lesson_ssr(OUTPUT_LAYER), 1) == 1.4
    slopes = gradient(LESSON, start, DOSAGE, EFFECTIVENESS)[trained]
    assert slopes.round(2).tolist() == [2.58, 1.26, 1.90]
    record = train(LESSON, DOSAGE, EFFECTIVENESS, start, 1, 0.1, trained=trained)
    assert record.theta[trained].round(2).tolist() == [0.10, 0.50, -0.19]
    held = [k for k in range(7) if k not in trained]
    assert record.theta[held].tolist() == start[held].tolist()


def test_all_seven_train():
    assert lesson_predictions(ALL_SEVEN).round(3).tolist() == [0.686, 0.858, 1.185]
    assert round(lesson_ssr(ALL_SEVEN), 2) == 1.90
    record = train(
        LESSON,
        DOSAGE,
        EFFECTIVENESS,
        LESSON.theta(**ALL_SEVEN),
        4000,
        0.1,
        gradient=gradient_by_backpropagation,
    )
    # The end values are not unique (seven parameters, three points); the curve is.
    assert record.ssr[-1] < 1e-6
    predictions = LESSON.predict(record.theta, DOSAGE)
    assert predictions == pytest.approx(EFFECTIVENESS, abs=1e-3)


def test_gradient_is_the_lessons_seven_derivatives():
    p = ALL_SEVEN
    x = DOSAGE[:, 0]
    x1, x2 = x * p["w1"] + p["b1"], x * p["w2"] + p["b2"]
    d = -2 * (EFFECTIVENESS[:, 0] - lesson_predictions(p))
    slope1, slope2 = 1 / (1 + np.exp(-x1)), 1 / (1 + np.exp(-x2))
    expected = LESSON.theta(
        w1=np.sum(d * p["w3"] * slope1 * x),
        b1=np.sum(d * p["w3"] * slope1),
        w2=np.sum(d * p["w4"] * slope2 * x),
        b2=np.sum(d * p["w4"] * slope2),
        w3=np.sum(d * np.log(1 + np.exp(x1))),
        w4=np.sum(d * np.log(1 + np.exp(x2))),
        b3=np.sum(d),
    )
    theta = LESSON.theta(**p)
    assert gradient(LESSON, theta, DOSAGE, EFFECTIVENESS) == pytest.approx(expected, rel=1e-13)


# -- the sigmoid networks of the second lesson -----------------------------------------------------


def test_backprop_exercise():
    twin = Twin(
        sizes=(3, 2, 1),
        activations=("sigmoid", "sigmoid"),
        loss="half_ssr",
        biases=(False, False),
    )
    theta = np.array([0.5, -0.6, 0.1, -0.2, 0.1, 0.7, 0.1, -0.3])
    assert twin.names() == ["w1", "w4", "w2", "w5", "w3", "w6", "w7", "w8"]
    inputs, targets = np.array([[0.5, 0.1, -0.2]]), np.array([[0.6]])

    z = twin.forward(theta, inputs)[0][-1]
    y = twin.predict(theta, inputs)
    error_term = ((targets - y) * SLOPES["sigmoid"](z)).item()
    assert error_term == pytest.approx(0.028730669543515018, rel=1e-14)

    change = train(twin, inputs, targets, theta, 1, 0.5).theta - theta
    hidden_to_output = [f"{value:.8f}" for value in change[6:]]
    assert hidden_to_output == ["0.00804047", "0.00555918"]
    input_to_hidden = [f"{value:.8e}" for value in change[:6]]
    assert input_to_hidden == [
        "1.77005547e-04",
        "-5.11178506e-04",
        "3.54011093e-05",
        "-1.02235701e-04",
        "-7.08022187e-05",
        "2.04471402e-04",
    ]


def test_cross_entropy_is_the_lessons_and_its_chain_starts_with_y_hat_minus_y():
    twin = Twin(sizes=(2, 2, 1), activations=("sigmoid", "sigmoid"), loss="cross_entropy")
    inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    theta = np.linspace(-1.0, 1.5, 9)
    y_hat = twin.predict(theta, inputs)
    literal = -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))
    assert twin.value(theta, inputs, y) == pytest.approx(literal, rel=1e-13)

    # dE/dW11(1), factor by factor; W11(1) is the weight from x1 into h1.
    hidden_sums, outputs = twin.forward(theta, inputs)
    d_y_hat = (y_hat - y) / (y_hat * (1 - y_hat)) / len(y)
    d_h = d_y_hat * y_hat * (1 - y_hat)
    assert d_h == pytest.approx((y_hat - y) / len(y), rel=1e-13)
    h1 = hidden_sums[0][:, :1]
    w11_2 = twin.unpack(theta)[1][0, 0]
    s = 1 / (1 + np.exp(-h1))
    expected = np.sum(d_h * w11_2 * s * (1 - s) * inputs[:, :1])
    assert gradient(twin, theta, inputs, y)[0] == pytest.approx(expected, rel=1e-13)
    assert outputs[1].shape == (4, 2)


# -- packing ---------------------------------------------------------------------------------------


def test_names():
    assert LESSON.names() == ["w1", "w2", "b1", "b2", "w3", "w4", "b3"]
    assert LESSON.table_names() == ["w1", "b1", "w2", "b2", "w3", "w4", "b3"]
    twin = Twin(sizes=(2, 3, 1), activations=("tanh", "identity"), biases=(True, False))
    assert twin.names() == ["w1", "w3", "w5", "w2", "w4", "w6", "b1", "b2", "b3", "w7", "w8", "w9"]
    assert twin.table_names() == [
        "w1",
        "w2",
        "b1",
        "w3",
        "w4",
        "b2",
        "w5",
        "w6",
        "b3",
        "w7",
        "w8",
        "w9",
    ]


def test_unpack_puts_the_bias_in_the_last_row():
    first, second = LESSON.unpack(LESSON.theta(w1=1, w2=2, b1=3, b2=4, w3=5, w4=6, b3=7))
    assert first.tolist() == [[1, 2], [3, 4]]
    assert second.tolist() == [[5], [6], [7]]
