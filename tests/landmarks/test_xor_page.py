"""The page of exclusive or, compared with a plain numpy training, closed forms and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import harness
from experiments.landmarks.page import ROOT
from experiments.landmarks.xor import LANDMARK
from experiments.landmarks.xor.measurements import BASINS, CONVENTIONS, share_by
from experiments.landmarks.xor.page import _MOST, _cliffs
from tests.reference.network import Twin
from tests.reference.random_numbers import initial_parameters

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TARGETS = np.array([0.0, 1.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return LANDMARK.measure(tmp_path_factory.mktemp("trained"), quick=True)


def starts(hidden, scale, count, seed=0):
    """Return initial parameters of 2-hidden-1 networks, shape (count, parameters)."""
    twin = Twin(sizes=(2, hidden, 1), activations=("sigmoid", "sigmoid"), loss="half_ssr")
    return np.array([
        initial_parameters(twin, "uniform", k, seed, scale, biases="same") for k in range(count)
    ])  # fmt: skip


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def trained(theta, hidden, rate, momentum, epochs, criterion=0.04, batches=((0, 1, 2, 3),)):
    """Train on half the sum of squares; return the epoch at which each run is solved, or NaN."""
    lower = theta[:, : 3 * hidden].reshape(-1, 3, hidden).copy()
    upper = theta[:, 3 * hidden :].copy()
    ones = np.column_stack([INPUTS, np.ones(4)])
    steps, upper_steps = np.zeros_like(lower), np.zeros_like(upper)
    solved = np.full(len(theta), np.nan)

    def forward(points):
        below = sigmoid(ones[points] @ lower)
        return below, sigmoid((below * upper[:, np.newaxis, :-1]).sum(axis=2) + upper[:, -1:])

    for epoch in range(epochs + 1):
        if epoch:
            for points in batches:
                points = list(points)
                below, out = forward(points)
                error = (out - TARGETS[points]) * out * (1 - out)
                back = error[..., np.newaxis] * upper[:, np.newaxis, :-1] * below * (1 - below)
                upper_slope = np.concatenate(
                    [
                        (error[..., np.newaxis] * below).sum(axis=1),
                        error.sum(axis=1)[:, np.newaxis],
                    ],
                    axis=1,
                )
                steps = momentum * steps - rate * np.einsum("pi,rph->rih", ones[points], back)
                upper_steps = momentum * upper_steps - rate * upper_slope
                lower, upper = lower + steps, upper + upper_steps
        ssr = np.square(forward([0, 1, 2, 3])[1] - TARGETS).sum(axis=1)
        solved[np.isnan(solved) & (ssr <= criterion)] = epoch
        if not np.isnan(solved).any():
            break
    return solved


def row_of(table, **point):
    (row,) = table.loc[
        np.logical_and.reduce([table[k] == v for k, v in point.items()])
    ].itertuples()
    return row


# -- 2-2-1 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "ssr"), [(0.5, 0.04), (0.25, 0.01), (0.5, 0.25)])
def test_shares_and_medians_are_those_of_a_plain_training(found, rate, ssr):
    row = row_of(found.pdp, learning_rate=rate, tolerance=ssr / 2)
    epochs = trained(starts(2, 0.5, 300), 2, rate, 0.9, 5000, ssr)
    solved = np.isfinite(epochs)
    assert row.runs == 300
    assert row.converged == solved.mean()
    assert row.median_solved == pytest.approx(np.median(epochs[solved]), abs=1)
    # All unsolved runs have the full number of epochs, so the median is the 150th.
    assert row.median == pytest.approx(np.sort(epochs)[149], abs=1)


def test_samples_of_30_are_binomial(found):
    for row in found.pdp.itertuples():
        assert row.few == pytest.approx(stats.binom.cdf(25, 30, row.converged), abs=0.01)
        assert row.median_low < row.median_solved < row.median_high
        # The standard error of a median of about 30 values is roughly 1.25 sd / sqrt(30).
        assert row.median_high < 2 * row.median_low


def test_the_published_interval_is_wilsons(found):
    share, z = 25 / 30, stats.norm.ppf(0.975)
    middle = (share + z**2 / 60) / (1 + z**2 / 30)
    half = z / (1 + z**2 / 30) * np.sqrt(share * (1 - share) / 30 + z**2 / 3600)
    assert found.published == pytest.approx((middle - half, middle + half), rel=1e-9)


@pytest.mark.parametrize(("factor", "loss", "criterion"), [(2.0, "ssr", 1), (0.5, "mse", 4)])
def test_conventions_are_rates(tmp_path, factor, loss, criterion):
    def epochs(name, **changes):
        changes = {"grid": {"init_id": 40}, **changes}
        file = ROOT / "experiments" / "xor_pdp.toml"
        experiment = harness.load_experiment(file, changes)
        return harness.run(experiment, out=tmp_path / name).runs["epochs"].tolist()

    as_rate = epochs("rate", **{"training.learning_rate": 0.5 * factor})
    as_loss = epochs("loss", **{"network.loss": loss, "training.tolerance": 0.04 / criterion})
    assert as_rate == as_loss
    assert {1.0, factor} < set(CONVENTIONS)


def test_share_by_counts_only_solved_runs():
    runs = pd.DataFrame({
        "status": ["converged", "finished", "converged", "diverged"], "epochs": [30, 40, 50, 20]
    })  # fmt: skip
    assert share_by(runs, np.array([29, 30, 45, 50])).tolist() == [0, 0.25, 0.25, 0.5]


# -- longer, wider ---------------------------------------------------------------------------------


def test_unsolved_runs_are_on_a_plateau(found):
    left = found.budget[found.budget["status"].astype(str) == "finished"]
    assert len(left) > 20
    assert (left["gradient_norm"] > 0).all()
    names = [f"w{k}_final" for k in range(1, 7)] + [f"b{k}_final" for k in range(1, 4)]
    assert (left["largest"] == np.abs(left[names].to_numpy()).max(axis=1)).all()
    near = [np.isclose(left["ssr_final"], plateau, atol=0.01) for plateau in (1, 1 / 2, 2 / 3)]
    assert np.logical_or.reduce(near).mean() > 0.9
    small = found.budget[found.budget["init_scale"] == 0.05].groupby("momentum")
    slow, fast = (share_by(runs, np.array([1000, 5000, 20_000])) for _, runs in small)
    assert (fast[0], slow[2]) == (0, 0)
    assert fast[0] < fast[1] < fast[2]


def test_online_and_batch_shares_are_those_of_a_plain_training(found):
    online = found.online.assign(batch_size=found.online["batch_size"].astype(str))
    for size, batches in (("1", ((0,), (1,), (2,), (3,))), ("all", ((0, 1, 2, 3),))):
        epochs = trained(starts(3, 1.0, 300), 3, 2.0, 0.7, 5000, batches=batches)
        row = row_of(online, batch_size=size, learning_rate=2.0)
        # At this rate, rounding may change single runs.
        assert row.converged == pytest.approx(np.isfinite(epochs).mean(), abs=0.01)
        assert row.median == pytest.approx(np.sort(epochs)[149], abs=1)


def test_basins_are_those_of_a_plain_training(found):
    ours = found.basins[0.5]
    values = np.linspace(-10, 10, 24)
    theta = np.repeat(starts(2, 1.0, 1, seed=2), 24 * 24, axis=0)
    # w1 and w2 lead to the first unit, from the first and from the second input.
    theta[:, 0], theta[:, 2] = (part.ravel() for part in np.meshgrid(values, values))
    plain = trained(theta, 2, 0.5, 0.9, 2000).reshape(24, 24)
    assert ours.shape == plain.shape
    same = np.isclose(ours, plain, atol=1, equal_nan=True)
    assert same.mean() > 0.99
    assert not np.allclose(
        plain, plain.T, atol=1, equal_nan=True
    )  # so that exchanged axes would be noticed


def test_cliffs_are_pairs_of_neighbours():
    nan = np.nan
    assert _cliffs(np.array([[1.0, nan, 3.0], [9.0, nan, nan]])) == 4 / 7


# -- the page --------------------------------------------------------------------------------------


def test_page(found, tmp_path):
    page = LANDMARK.tell(found, tmp_path)
    assert (
        "25 of 30\ninitialisations were solved (83 %, 66 to 93), with a median of\n730 epochs"
        in page
    )
    row = row_of(found.pdp, learning_rate=0.25, tolerance=0.005)
    start = "| the mean of squares | 0.01 | "
    (line,) = [line for line in page.splitlines() if line.startswith(start)]
    assert f"| {row.median:.0f} | {row.median_solved:.0f} |" in line
    assert ("**" in line) == (row.median_low <= 730 <= row.median_high)
    online = found.online.assign(batch_size=found.online["batch_size"].astype(str))
    for size, name, published in (
        ("1", "one point at a time", 96),
        ("all", "all points at once", 99),
    ):
        share = row_of(online, batch_size=size, learning_rate=2.0).converged
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
        assert f"| {published} % |" in line
        assert f"| {100 * share:.1f} % (" in line
    for name in ("epochs", "shares", "basins"):
        assert f"(images/xor_{name}.png)" in page
        assert (tmp_path / f"xor_{name}.png").read_bytes().startswith(b"\x89PNG")


def test_page_describes_the_shipped_files():
    for name in LANDMARK.files:
        document = harness.load_experiment(ROOT / "experiments" / name).document()
        if name == "xor_basin.toml":
            assert document["training"]["epochs"] == _MOST
            assert document["training"]["learning_rate"] in (BASINS[1], [BASINS[1]] * 2)
