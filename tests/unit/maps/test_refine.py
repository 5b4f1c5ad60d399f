"""Refined maps: known images, and a map that is also trained as a whole."""

import math

import numpy as np
import pytest
from scipy import stats

import harness
from harness.maps.image import PAPER_MEASURES
from harness.maps.refine import Refinement, refine, refined_map
from harness.maps.zoom import train_map


class Known:
    """Train a known image, and keep the pixels that were requested."""

    def __init__(self, kinds, values=None):
        self.kinds = kinds
        rows, columns = np.indices(kinds.shape)
        sizes = np.exp(0.1 * rows - 0.07 * columns)  # its logarithms are linear
        self.values = np.where(kinds, -sizes, sizes) if values is None else values
        self.asked = {}

    def __call__(self, name, pixels):
        assert pixels.size
        assert name not in self.asked
        self.asked[name] = pixels
        return self.kinds.ravel()[pixels], self.values.ravel()[pixels]

    def refined(self):
        return refine(self.kinds.shape, self)

    @property
    def trained(self):
        return np.concatenate(list(self.asked.values()))


def disc(height, width):
    rows, columns = np.indices((height, width))
    return np.hypot(rows - 0.4 * height, columns - 0.55 * width) < 0.3 * min(height, width)


def comb(height, width):
    teeth = np.arange(width) % 8 < 4
    return np.broadcast_to(teeth, (height, width)) & (np.arange(height) < height // 2)[:, None]


def noise(height, width, share=0.5, seed=0):
    return np.random.default_rng(seed).random((height, width)) < share


SHAPES = [(75, 53), (130, 91), (64, 200), (16, 17), (2, 3), (1, 40), (1, 1), (33, 4)]
IMAGES = {
    "disc": disc,
    "comb": comb,
    "noise": noise,
    "uniform": lambda height, width: np.ones((height, width), dtype=bool),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", IMAGES)
def test_trained_pixels_are_exact_and_counted_once(name, shape):
    image = Known(IMAGES[name](*shape))
    kinds, values, found = image.refined()
    assert kinds.shape == values.shape == shape
    pixels = image.trained
    assert np.unique(pixels).size == pixels.size == found.trained <= found.pixels
    assert found.pixels == shape[0] * shape[1]
    assert (kinds.ravel()[pixels] == image.kinds.ravel()[pixels]).all()
    assert (values.ravel()[pixels] == image.values.ravel()[pixels]).all()
    assert all((np.diff(asked) > 0).all() for asked in image.asked.values())
    counts = {f"level-{place}": count for place, count in enumerate(found.levels) if count}
    if found.checked:
        counts["check"] = found.checked
    assert {name: asked.size for name, asked in image.asked.items()} == counts


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", IMAGES)
def test_the_number_of_wrong_pixels_is_as_reported(name, shape):
    image = Known(IMAGES[name](*shape))
    kinds, _, found = image.refined()
    share, low, high = found.wrong_share()
    assert low <= share <= high
    assert low <= (kinds != image.kinds).mean() <= high


def test_a_disc_is_cheap_and_has_no_wrong_pixels():
    image = Known(disc(250, 310))
    kinds, _, found = image.refined()
    assert (kinds == image.kinds).all()
    assert found.wrong == 0
    assert found.levels[0] == 17 * 21  # every 16th of 250 and 310, and the last
    assert found.trained < 0.12 * found.pixels
    # Farther than 5 x 8 pixels from the boundary, only level 0 is trained.
    rows, columns = np.indices(image.kinds.shape)
    away = np.abs(np.hypot(rows - 0.4 * 250, columns - 0.55 * 310) - 0.3 * 250)
    near = np.concatenate([image.asked[f"level-{k}"] for k in range(1, len(found.levels))])
    assert away.ravel()[near].max() <= math.hypot(40, 40)


def test_noise_is_trained_almost_completely():
    image = Known(noise(75, 53))
    kinds, _, found = image.refined()
    assert found.trained == found.pixels
    assert (kinds == image.kinds).all()
    assert found.wrong_share() == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("shape", [(96, 130), (48, 36)])  # most pixels of the second are checked
def test_the_interval_nearly_always_contains_the_true_share(shape):
    inside = []
    for seed in range(100):
        # Dots between the pixels of level 0: most are found only by the check.
        image = Known(noise(*shape, share=0.006, seed=seed))
        kinds, _, found = image.refined()
        _, low, high = found.wrong_share()
        inside.append(low <= (kinds != image.kinds).mean() <= high)
    # 95 of 100 are expected; 88 or fewer have a probability of 0.4 %.
    assert stats.binom.cdf(88, 100, 0.95) < 0.005
    assert sum(inside) > 88


def test_the_share_of_wrong_pixels_has_a_wilson_interval():
    found = Refinement(pixels=65_536, levels=(289, 1200, 1500), checked=1000, wrong=7)
    z, n, p = stats.norm.ppf(0.975), 1000, 0.007
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    guessed = 65_536 - 289 - 1200 - 1500
    expected = [guessed * share - 7 for share in (p, middle - half, middle + half)]
    assert found.wrong_share() == pytest.approx(np.array(expected) / 65_536, rel=1e-9)


@pytest.mark.parametrize("kind", [True, False])
def test_values_between_are_geometric_means(kind):
    image = Known(np.full((49, 81), kind))
    kinds, values, found = image.refined()
    assert found.levels == (4 * 6, 0, 0, 0, 0)
    assert (kinds == kind).all()
    np.testing.assert_allclose(values, image.values, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, math.inf])
def test_zero_and_infinity_are_kept(value):
    shape = (49, 81)
    image = Known(np.zeros(shape, dtype=bool), np.full(shape, value))
    _, values, _ = image.refined()
    assert (values == value).all()


def test_the_same_pixels_are_checked_every_time():
    first, second = Known(disc(90, 70)), Known(disc(90, 70))
    assert first.refined()[2] == second.refined()[2]
    assert (first.asked["check"] == second.asked["check"]).all()
    assert not (np.diff(first.asked["check"]) == 1).all()  # spread, not the first thousand


# -- real trainings --------------------------------------------------------------------------------


@pytest.fixture
def bowl(small):
    """One weight, one data point: the boundary of gradient descent with momentum is a line."""

    def make(width=90, height=60, **changes):
        return small(
            **{
                "network": {"layers": [1, 1], "activations": ["identity"], "biases": False},
                "data": {"inputs": [[1.0]], "targets": [[0.0]]},
                "training": {"epochs": 120, "learning_rate": 0.1, "limit": 1e6},
                "initialisation": {"parameters": {"w1": 1.0}},
                "grid": {
                    "learning_rate": {"linear": [0.5, 2.5], "count": width},
                    "momentum": {"linear": [0.0, 0.9], "count": height},
                },
                "record": {"epochs": "none", "measures": list(PAPER_MEASURES)},
            }
            | changes
        )

    return make


@pytest.mark.parametrize("measures", [list(PAPER_MEASURES), []])
def test_trained_pixels_have_the_bits_of_the_whole_map(bowl, tmp_path, measures):
    experiment = bowl(record={"epochs": "none", "measures": measures})
    whole = train_map(experiment, tmp_path / "whole")
    found = refined_map(experiment, tmp_path / "refined")
    table = harness.open_results(whole.folder).runs.set_index(["learning_rate", "momentum"])
    folders = sorted(path for path in found.folder.iterdir() if path.is_dir())
    assert [path.name for path in folders] == ["check", *(f"level-{k}" for k in range(5))]
    exact = np.zeros(whole.image.trained.size, dtype=bool)
    for folder in folders:
        runs = harness.open_results(folder).runs.set_index(["learning_rate", "momentum"])
        there = table.loc[runs.index]
        exact[there["run_id"]] = True
        for name in runs.columns.drop("run_id"):
            ours, theirs = runs[name].to_numpy(), there[name].to_numpy()
            assert (
                ours.tobytes() == theirs.tobytes()
                if ours.dtype == float
                else (ours.tolist() == theirs.tolist())
            ), name
    assert exact.sum() == found.refinement.trained < exact.size
    ours, theirs = found.image, whole.image
    assert ours.signed == theirs.signed == bool(measures)
    assert (ours.trained == theirs.trained).all()
    assert ours.value.ravel()[exact].tobytes() == theirs.value.ravel()[exact].tobytes()
    assert found.dimension == whole.dimension


def test_a_refined_map_is_resumed(bowl, tmp_path):
    experiment = bowl(40, 30)
    asked = []

    def sweep(part, folder):
        asked.append(folder.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return harness.run(part, folder)

    with pytest.raises(KeyboardInterrupt):
        refined_map(experiment, tmp_path, sweep=sweep)
    written = (tmp_path / "level-1" / "manifest.json").stat().st_mtime_ns
    found = refined_map(experiment, tmp_path)
    assert (tmp_path / "level-1" / "manifest.json").stat().st_mtime_ns == written
    assert (found.image.trained == train_map(experiment, tmp_path / "w").image.trained).all()


def test_other_folders_are_refused(bowl, tmp_path):
    whole = train_map(bowl(8, 6), tmp_path / "whole")
    with pytest.raises(harness.HarnessError, match=r"holds the results of a sweep.*\n.*--out"):
        refined_map(bowl(8, 6), whole.folder)
    refined_map(bowl(8, 6), tmp_path / "refined")
    other = bowl(8, 6, training={"epochs": 120, "learning_rate": 0.1, "limit": 1e7})
    with pytest.raises(harness.HarnessError, match="limit"):
        refined_map(other, tmp_path / "refined")


def test_a_map_whose_axes_change_the_network_is_refused(bowl, tmp_path):
    with pytest.raises(harness.ExperimentError, match="two axes"):
        refined_map(bowl(grid={"learning_rate": [0.1, 0.2]}), tmp_path)
    assert not list(tmp_path.iterdir())
