"""The page of the two lessons, compared with the printed numbers, numpy, and closed forms."""

import numpy as np
import pytest

from experiments.landmarks.lessons import LANDMARK
from experiments.landmarks.lessons.page import like
from experiments.landmarks.lessons.published import ONLY_B3, PART_2, PRINTED
from experiments.landmarks.page import ROOT

INPUTS = np.array([0.0, 0.5, 1.0])
TARGETS = np.array([0.0, 1.0, 0.0])
WRONG = "SSR at b3 = 2.61, in an article"
ERROR_TERM = "error term of the output"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return LANDMARK.measure(tmp_path_factory.mktemp("trained"), quick=True)


def hidden_units(inputs=INPUTS):
    """Return the outputs of the two softplus units of Part 2, one column per unit."""
    return np.log1p(np.exp(np.outer(inputs, (3.34, -3.53)) + np.array([-1.43, 0.57])))


@pytest.mark.parametrize(
    ("name", "quantity"), [(name, quantity) for name in PRINTED for quantity in PRINTED[name]]
)
def test_each_number_has_the_printed_digits(found, name, quantity):
    printed, measured = PRINTED[name][quantity], found.measured[name][quantity]
    ours = [like(text, value) for text, value in zip(printed, measured, strict=True)]
    if quantity == WRONG:
        assert (printed, ours) == (("0.46",), ["0.00"])
    elif quantity == ERROR_TERM:
        assert measured[0] == pytest.approx(float(printed[0]), rel=1e-15, abs=0)
    else:
        assert ours == list(printed)


def test_all_measured_numbers_are_printed_ones(found):
    assert {name: set(table) for name, table in found.measured.items()} == {
        name: set(table) for name, table in PRINTED.items()
    }


def test_a_number_is_rounded_like_the_printed_one():
    assert like("0.46", 0.4649) == "0.46"
    assert like("-15.7", -15.6551) == "-15.7"
    assert like("0", 0.2) == "0"
    assert like("1.77005547e-04", 0.00017700554749) == "1.77005547e-04"


# -- only b3 ---------------------------------------------------------------------------------------


def test_traps_of_the_first_lesson(found):
    residuals = TARGETS - hidden_units() @ (-1.22, -2.30)
    (ssr,) = found.measured[ONLY_B3][WRONG]
    assert ssr == pytest.approx(np.square(residuals - 2.61).sum(), rel=1e-10)
    assert found.slope_at_rounded_b3 == pytest.approx(-2 * (residuals - 1.57).sum(), rel=1e-12)
    assert round(found.slope_at_rounded_b3, 2) == -6.24


def test_parabola(found):
    residuals = TARGETS - hidden_units() @ (-1.22, -2.30)
    assert round(found.parabola.minimum, 3) == 2.609
    assert found.parabola.minimum == pytest.approx(residuals.mean(), rel=1e-14)
    assert found.parabola.least == pytest.approx(3 * residuals.var(), rel=1e-10)
    for b3 in (-1.0, 0.0, 2.0, 4.5):
        assert found.parabola.ssr(b3) == pytest.approx(np.square(residuals - b3).sum(), rel=1e-12)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.34, 0.4])
def test_b3_follows_the_closed_form(found, rate):
    way = found.parabola.path(rate).head(16)
    minimum = (TARGETS - hidden_units() @ (-1.22, -2.30)).mean()
    expected = minimum * (1 - (1 - 6 * rate) ** way["epoch"])
    assert len(way) > 8
    assert way["b3"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12, abs=1e-12)


# -- w3 and w4 -------------------------------------------------------------------------------------


def test_bottom_of_the_bowl_is_the_least_squares_solution(found):
    solution, (least,), *_ = np.linalg.lstsq(hidden_units(), TARGETS - 2.61)
    assert found.bowl.minimum == pytest.approx(solution, rel=1e-9)
    assert found.bowl.least == pytest.approx(least, abs=1e-10)
    # The lowest point of the lattice is next to it.
    lowest = found.bowl.surface.loc[found.bowl.surface["ssr_initial"].idxmin()]
    assert np.abs(lowest[["w3", "w4"]].to_numpy() - solution).max() <= 0.25


def test_surface_is_the_ssr(found):
    surface = found.bowl.surface
    outputs = hidden_units() @ surface[["w3", "w4"]].to_numpy().T + 2.61
    ssr = np.square(TARGETS[:, np.newaxis] - outputs).sum(axis=0)
    assert surface["ssr_initial"].to_numpy() == pytest.approx(ssr, rel=1e-11)
    assert len(surface) == 27 * 29


def test_paths_in_the_bowl(found):
    units = hidden_units()
    curvatures = 2 * units.T @ units
    solution, *_ = np.linalg.lstsq(units, TARGETS - 2.61)
    largest = 2 / np.linalg.eigvalsh(curvatures)[-1]
    assert found.bowl.largest_rate == pytest.approx(largest, rel=1e-10)

    ways = found.bowl.paths.groupby("learning_rate")
    assert list(ways.groups) == [0.02, 0.1, 0.19, 0.21]
    for rate, way in ways:
        step = np.eye(2) - rate * curvatures
        errors = [np.array([0.36, 0.63]) - solution]
        for _ in way["epoch"][1:]:
            errors.append(step @ errors[-1])
        size = np.abs(errors).max()
        assert way[["w3", "w4"]].to_numpy() == pytest.approx(errors + solution, abs=1e-12 * size)
        assert set(way["status"]) == {"diverged" if rate > largest else "finished"}


# -- all seven -------------------------------------------------------------------------------------


def test_curves_of_the_squiggle(found):
    squiggle = found.squiggle
    fall = squiggle.fall.set_index("epoch")["ssr"]
    epochs = squiggle.curves["epoch"].unique()
    assert epochs[-1] == fall.index[-1] == squiggle.runs["epochs"][0]
    assert fall.iloc[-1] <= 1e-3 < fall.iloc[-2]
    for epoch in epochs:
        curve = squiggle.curves[squiggle.curves["epoch"] == epoch]
        # The lattice of 201 points does not contain the data points, so interpolate.
        there = np.interp(INPUTS, curve["input_1"], curve["prediction_1"])
        assert np.square(TARGETS - there).sum() == pytest.approx(fall[epoch], abs=2e-4)


def test_published_curve(found):
    published = found.squiggle.published
    expected = hidden_units(published["input_1"]) @ (-1.22, -2.30) + 2.61
    assert list(PART_2.values()) == [3.34, -1.43, -3.53, 0.57, -1.22, -2.30, 2.61]
    assert published["prediction_1"].to_numpy() == pytest.approx(expected, abs=1e-12)
    final = found.squiggle.runs.loc[0, [f"{name}_final" for name in PART_2]].astype(float)
    w1, b1, w2, b2, w3, w4, b3 = final
    x = np.linspace(0, 1, 1001)
    ours = w3 * np.log1p(np.exp(w1 * x + b1)) + w4 * np.log1p(np.exp(w2 * x + b2)) + b3
    apart = np.abs(ours - (hidden_units(x) @ (-1.22, -2.30) + 2.61)).max()
    assert found.squiggle.furthest == pytest.approx(apart, abs=1e-4)


# -- the page --------------------------------------------------------------------------------------


def test_page(found, tmp_path):
    page = LANDMARK.tell(found, tmp_path)
    for table in PRINTED.values():
        for quantity, printed in table.items():
            (row,) = {
                line
                for line in page.splitlines()
                if line.startswith(f"| {quantity} | {printed[0]}")
            }
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            assert cells[1] == ", ".join(printed)
            assert ("**" in cells[2]) == (quantity in (WRONG, ERROR_TERM))
            if "**" not in cells[2]:
                assert cells[2] == cells[1]
    assert "At 1.57 it is -6.24." in page
    assert "below a rate of 0.2005" in page
    for name in ("parabola", "bowl", "squiggle"):
        assert f"(images/lessons_{name}.png)" in page
        assert (tmp_path / f"lessons_{name}.png").read_bytes().startswith(b"\x89PNG")


def test_page_names_existing_files():
    there = {file.name for file in (ROOT / "experiments").iterdir()}
    assert set(LANDMARK.files) <= there
    assert {f"{name}.toml" for name in PRINTED} <= set(LANDMARK.files)
