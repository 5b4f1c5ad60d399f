"""Maps: windows, pixels, the next half, and the smooth boundary of a quadratic bowl."""

import numpy as np
import pandas as pd
import PIL.Image
import pytest

import harness
from harness.maps.boundary import box_counts, dimension, edges
from harness.maps.image import (
    Image,
    Window,
    equalised,
    framed,
    image_of,
    map_axes,
    nearest_half,
    parse_window,
)
from harness.maps.zoom import train_map, write_film, zoom


@pytest.fixture
def bowl(small):
    """One weight, one data point: SSR = w^2, whose curvature is 2.

    Gradient descent with momentum b is stable below a rate of 2 (1 + b) / 2 (Polyak 1964).
    """

    def make(count=64):
        return small(
            network={"layers": [1, 1], "activations": ["identity"], "biases": False},
            data={"inputs": [[1.0]], "targets": [[0.0]]},
            training={"epochs": 300, "learning_rate": 0.1, "limit": 1e6},
            initialisation={"parameters": {"w1": 1.0}},
            grid={
                "learning_rate": {"linear": [0.5, 2.5], "count": count},
                "momentum": {"linear": [0.0, 0.9], "count": count},
            },
            record={"epochs": "none"},
        )

    return make


def test_the_boundary_of_a_bowl_is_smooth_and_where_theory_puts_it(bowl, tmp_path):
    found = train_map(bowl(), tmp_path / "out")
    rates, momenta = np.linspace(0.5, 2.5, 64), np.linspace(0.0, 0.9, 64)
    distance = rates[np.newaxis] - (1.0 + momenta[:, np.newaxis])
    clear = np.abs(distance) > 0.05  # 300 epochs do not decide at the boundary itself
    assert (found.image.trained == (distance < 0))[clear].all()
    assert 1.0 <= found.dimension <= 1.1


def test_the_pixels_of_the_paper(small):
    experiment = small(
        grid={"learning_rate": {"log": [0.1, 1.0], "count": 2},
              "momentum": {"linear": [0.0, 0.5], "count": 2}},
    )  # fmt: skip
    runs = pd.DataFrame(
        {
            "relative_late": [0.2, 0.999, 1.0, np.nan],
            "relative_sum": [3.0, 4.0, 5.0, 6.0],
            "relative_inverse_sum": [0.1, 0.2, 0.3, 0.4],
        }
    )
    image = image_of(runs, experiment)
    assert image.trained.tolist() == [[True, True], [False, False]]
    assert image.value.tolist() == [[-3.0, -4.0], [0.3, 0.4]]


def test_shades_are_ranks_among_runs_of_a_kind():
    image = Image(
        trained=np.array([[True, True, True], [False, False, True]]),
        value=np.array([[-1.0, -100.0, -2.0], [1e-6, 50.0, -2.0]]),
    )
    np.testing.assert_allclose(equalised(image), [[-1 / 3, -1.0, -2 / 3], [0.5, 1.0, -2 / 3]])


def test_the_next_window_is_the_half_with_most_boundary(bowl):
    experiment = bowl(16)
    trained = np.ones((16, 16), dtype=bool)
    trained[2:6:2, 9:14:2] = False  # a comb in the lower right
    window = nearest_half(Image(trained=trained, value=np.ones((16, 16))), experiment)
    rates, momenta = np.linspace(0.5, 2.5, 16), np.linspace(0.0, 0.9, 16)
    (left, right), (low, high) = window.across, window.up
    assert right - left == pytest.approx(8 * (rates[1] - rates[0]))
    assert left <= rates[8]
    assert rates[14] <= right
    assert low <= momenta[1]
    assert momenta[5] <= high
    assert {left, right} <= set(rates.round(12)) | set(rates)
    smaller = framed(experiment, window=window)
    assert smaller.grid.shape == (16, 16)
    assert smaller.grid.point(0) == pytest.approx({"learning_rate": left, "momentum": low})


def test_no_boundary_has_no_next_window(bowl):
    image = Image(trained=np.ones((16, 16), dtype=bool), value=np.ones((16, 16)))
    assert nearest_half(image, bowl(16)) is None


def test_a_zoom_halves_the_window_until_numbers_coincide(bowl, tmp_path):
    found = list(zoom(bowl(8), tmp_path, frames=4))
    widths = [np.ptp(map_axes(m.experiment)[0].values.ends()) for m in found]
    assert widths == pytest.approx([2.0 * (4 / 7) ** k for k in range(4)])
    assert [m.folder.name for m in found] == [f"frame-0{k}" for k in range(4)]
    assert all(edges(m.image.trained).any() for m in found)
    thin = framed(bowl(8), window=Window(across=(1.2, 1.2 + 4e-14), up=(0.2, 0.3)))
    assert len(list(zoom(thin, tmp_path / "thin", frames=3))) <= 1


def test_a_film_has_every_frame(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.maps.zoom.shutil.which", lambda name: None)  # GIF, by Pillow
    images = [
        Image(trained=np.random.default_rng(k).random((8, 8)) < 0.5, value=np.ones((8, 8)))
        for k in range(3)
    ]
    film = write_film(images, tmp_path)
    with PIL.Image.open(film) as pictures:
        assert (pictures.n_frames, pictures.size) == (3, (512, 512))


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "2,1,0,1", "0,1,1,1", "0,inf,0,1", ""])
def test_malformed_windows_are_refused(text):
    with pytest.raises(harness.HarnessError, match="--zoom"):
        parse_window(text)


def test_other_grids_are_refused(small):
    with pytest.raises(harness.ExperimentError, match="two axes"):
        map_axes(small())


def test_the_dimension_of_a_map_is_that_of_its_boxes(bowl, tmp_path):
    found = train_map(bowl(16), tmp_path / "out")
    assert found.dimension == dimension([box_counts(edges(found.image.trained))])
