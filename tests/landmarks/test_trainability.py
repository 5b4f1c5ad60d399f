"""The boundary of trainability: pixels compared with the formulas of the paper, and the page."""

import math
from functools import cache

import numpy as np
import pytest

import harness
from experiments.landmarks.page import ROOT
from experiments.landmarks.trainability import LANDMARK
from experiments.landmarks.trainability.measurements import BOWL, CONDITIONS
from harness.maps.boundary import box_counts, dimension, edges
from harness.maps.image import framed
from harness.maps.zoom import train_map
from tests.reference.random_numbers import (
    STREAM_INPUTS,
    STREAM_PARAMETERS,
    STREAM_TARGETS,
    drawn_indices,
    normal,
)

N = 16
LOSSES = 41
SIDE = 5


@cache
def normals(stream, *shape):
    return np.array([normal(0, stream, 0, k) for k in range(math.prod(shape))]).reshape(shape)


def losses_of(condition, across, up, nudge=0.0):
    """Return the losses of one run by the formulas of the paper, in NumPy."""
    points = {"identity": 16, "one_point": 1}.get(condition, 272)
    x, y = normals(STREAM_INPUTS, points, N), normals(STREAM_TARGETS, points, 1)
    both = normals(STREAM_PARAMETERS, N * N + N)
    w0, w1 = both[: N * N].reshape(N, N) + nudge, both[N * N :].reshape(N, 1).copy()
    rate_0, rate_1, offset = (up, up, across) if condition == "offset" else (across, up, 0.0)
    w0 = w0 + offset
    found = []
    for step in range(LOSSES):
        hidden, _ = hidden_units(condition, x @ w0 / math.sqrt(N))
        found.append(np.mean((y - hidden @ w1 / N) ** 2))
        rows = np.arange(points)
        if condition == "minibatch":
            rows = np.array(drawn_indices(0, step, points, 16))
        hidden, slope = hidden_units(condition, x[rows] @ w0 / math.sqrt(N))
        error = 2.0 * (hidden @ w1 / N - y[rows]) / len(rows)
        gradient_0 = x[rows].T @ (error @ w1.T / N * slope) / math.sqrt(N)
        gradient_1 = hidden.T @ error / N
        w0, w1 = w0 - rate_0 * gradient_0 + offset, w1 - rate_1 * gradient_1
    return np.array(found)


def hidden_units(condition, z):
    """Return the hidden units and their slopes from their pre-activations."""
    if condition == "identity":
        return z, np.ones_like(z)
    if condition == "relu":
        return math.sqrt(2) * np.maximum(z, 0), math.sqrt(2) * (z > 0)
    a = np.tanh(math.sqrt(2) * z)
    return a, math.sqrt(2) * (1 - a**2)


def pixel(losses):
    """Return whether a run trained, and its value."""
    v = losses / losses[0]
    v = np.where(np.isfinite(v), np.minimum(v, 1e6), 1e6)
    return (True, -v.sum()) if v[-20:].mean() < 1 else (False, (1 / v).sum())


@pytest.mark.parametrize("condition", CONDITIONS)
def test_pixels_are_those_of_the_paper(condition, tmp_path):
    file = ROOT / "experiments" / f"trainability_{condition}.toml"
    experiment = harness.load_experiment(file, {"training.epochs": LOSSES - 1})
    image = train_map(framed(experiment, size=SIDE), tmp_path / "out").image
    values = 10.0 ** np.linspace(-3, 6, SIDE)
    compared = []
    with np.errstate(all="ignore"):
        for row, up in enumerate(values):
            for column, across in enumerate(values):
                kind, value = pixel(losses_of(condition, across, up))
                # If a nudge of the last digits is visible, rounding decides.
                _, nudged = pixel(losses_of(condition, across, up, nudge=1e-13))
                if abs(value - nudged) < 1e-9 * abs(value):
                    assert image.trained[row, column] == kind
                    assert image.value[row, column] == pytest.approx(value, rel=1e-8)
                    compared.append(kind)
    assert len(compared) >= 18
    assert {*compared} == {True, False}


def test_experiments_have_the_number_of_losses_of_the_paper():
    for condition in CONDITIONS:
        file = ROOT / "experiments" / f"trainability_{condition}.toml"
        experiment = harness.load_experiment(file)
        assert experiment.training.epochs + 1 == 500
        assert experiment.grid.shape == (256, 256)


# -- the page --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return LANDMARK.measure(tmp_path_factory.mktemp("trained"), quick=True)


def test_the_bowl_is_smooth(tmp_path):
    bowl = harness.load_experiment(ROOT / "experiments" / "trainability_bowl.toml")
    size = BOWL
    image = train_map(framed(bowl, size=size), tmp_path / "out").image
    rates, momenta = np.linspace(0.5, 2.5, size), np.linspace(0.0, 0.9, size)
    distance = rates[np.newaxis] - (1.0 + momenta[:, np.newaxis])
    clear = np.abs(distance) > 0.03
    assert (image.trained == (distance < 0))[clear].all()
    assert 1.0 <= round(dimension([box_counts(edges(image.trained))]), 12) <= 1.1


def test_the_limit_changes_no_pixel(found):
    one, other = found.without_limit
    assert found.flipped == 0
    assert one.trained.any()
    assert not one.trained.all()
    assert (one.value == other.value).all()


def test_a_refined_map_that_trains_all_pixels_is_the_map(found):
    # With this few pixels, all are trained or checked.
    assert found.refined_small.refinement.trained == found.refined_small.refinement.pixels
    assert found.misjudged == 0.0
    assert (found.refined_small.image.value == found.overviews["tanh"].image.value).all()


def test_measurements_have_a_map_per_condition(found):
    assert list(found.overviews) == list(found.zooms) == list(CONDITIONS)
    assert [len(each.image.trained) for each in found.overviews.values()] == [10] * 6
    assert list(found.steps) == [10, 30]
    assert [each.experiment.training.epochs for each in found.steps.values()] == [9, 29]
    assert found.a_second > 0


def test_the_page_has_measured_and_published_numbers(found, tmp_path):
    page = LANDMARK.tell(found, tmp_path)
    for name, (title, published) in CONDITIONS.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| [{title}]")]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        dimensions = [each.dimension for each in found.zooms[name]]
        every = np.concatenate([each.boxes["dimension"].dropna() for each in found.zooms[name]])
        assert cells[2] == f"{found.overviews[name].dimension:.2f}"
        assert cells[3] == f"{len(dimensions)}"
        assert cells[5:] == [f"**{np.median(every):.2f}**", f"{published:.2f}"]
    assert "0 have another kind" in page
    for name in ("overviews", "zooms", "dimensions", "steps", "refined"):
        assert f"(images/trainability_{name}.png)" in page
        assert (tmp_path / f"trainability_{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_names_existing_files():
    assert all((ROOT / "experiments" / file).exists() for file in LANDMARK.files)
