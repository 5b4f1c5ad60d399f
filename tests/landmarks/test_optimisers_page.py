"""The page of optimisers, compared with pandas one-liners and tables by hand."""

import numpy as np
import pytest

import harness
from experiments.landmarks.optimisers import LANDMARK
from experiments.landmarks.optimisers.measurements import (
    ADAM,
    RPROP,
    decades,
    epochs_by_rate,
    interval,
    middle,
)
from experiments.landmarks.page import ROOT
from harness.experiment.schedules import SCHEDULES
from harness.kernels.optimisers import OPTIMISERS


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return LANDMARK.measure(tmp_path_factory.mktemp("trained"), quick=True)


def test_every_optimiser_and_schedule_is_there(found):
    for runs in (found.dosage, found.xor):
        assert set(runs["optimiser"]) == set(OPTIMISERS)
    assert set(found.schedules["schedule"]) == set(SCHEDULES)


def test_epochs_are_those_of_the_runs(found):
    rates, epochs = epochs_by_rate(found.dosage, "adam")
    runs = found.dosage.set_index(["optimiser", "learning_rate", "init_id"]).loc["adam"]
    assert epochs.shape == (31, 10)
    for rate, row in zip(rates, epochs, strict=True):
        for start, value in enumerate(row):
            run = runs.loc[(rate, start)]
            assert value == (run["epochs"] if run["status"] == "converged" else np.inf)


def test_the_median_of_runs_that_mostly_do_not_converge_is_infinite():
    assert middle(np.array([[3.0, np.inf, np.inf], [3.0, 5.0, np.inf]])).tolist() == [np.inf, 5]


def test_widths_by_hand():
    rates = np.array([0.01, 0.1, 1.0, 10.0, 100.0])
    half, none = [1.0, np.inf], [np.inf, np.inf]
    # The wider of two ranges: two rates a decade apart, and half a decade on either side.
    assert decades(rates, np.array([half, half, none, half, none])) == pytest.approx(2)
    assert decades(rates, np.array([none] * 5)) == 0
    assert decades(rates, np.array([half] * 5)) == pytest.approx(5)


def test_an_interval_draws_starts():
    assert interval(np.array([[1.0, 1.0, 1.0]]), lambda drawn: drawn.mean(axis=-1)) == (1, 1)
    low, high = interval(np.arange(100.0), np.mean)
    assert (low, high) == pytest.approx((49.5 - 1.96 * 2.887, 49.5 + 1.96 * 2.887), abs=0.8)


def test_published_share_of_rprop(found):
    share = (found.rprop["status"] == "converged").mean()
    # Three standard errors of 100 starts.
    assert share == pytest.approx(RPROP, abs=3 * np.sqrt(0.8 * 0.2 / 100))


@pytest.mark.parametrize(("setting", "published"), ADAM.items())
def test_published_shares_of_adam(found, setting, published):
    activation, scheme = setting
    runs = found.adam
    runs = runs[(runs["activation"] == activation) & (runs["init_scheme"] == scheme)]
    share = (runs["accuracy_final"] == 1).mean()
    # Three standard errors of the difference of two shares of 200 starts.
    spread = 3 * np.sqrt(2 * published * (1 - published) / 200)
    assert share == pytest.approx(published, abs=spread)


def test_the_network_of_micrograd_separates_the_moons(found):
    assert (found.moons["accuracy_final"] == 1).mean() > 0.9


def test_page(found, tmp_path):
    page = LANDMARK.tell(found, tmp_path)
    runs = found.xor[found.xor["optimiser"] == "sgd"]
    shares = (runs["status"] == "converged").groupby(runs["learning_rate"]).mean()
    (line,) = [
        line for line in page.partition("## Exclusive or")[2].splitlines() if line[:6] == "| sgd "
    ]
    assert line.startswith(f"| sgd | {shares.idxmax():.2g} | {100 * shares.max():.1f} % (")
    constant = found.schedules[found.schedules["schedule"] == "constant"]
    loss = constant["validation_loss_final"].where(constant["status"] != "diverged", np.inf)
    medians = loss.groupby(constant["learning_rate"]).quantile(0.5, interpolation="lower")
    assert f"| constant | {medians.idxmin():.2g} | {medians.min():.4f} (" in page
    for name in ("shares", "schedules"):
        assert f"(images/optimisers_{name}.png)" in page
        assert (tmp_path / f"optimisers_{name}.png").read_bytes().startswith(b"\x89PNG")


def test_published_settings_are_those_of_the_files():
    adam = harness.load_experiment(ROOT / "experiments" / "adam_xor.toml").document()
    assert (adam["network"]["layers"], adam["training"]["epochs"]) == ([2, 4, 1], 200)
    assert (adam["training"]["optimiser"], adam["training"]["learning_rate"]) == ("adam", 0.01)
