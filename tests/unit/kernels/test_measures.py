"""Relative loss of the trainability paper, compared with NumPy on the trajectories."""

import numpy as np
import pytest

import harness

MEASURES = ("relative_sum", "relative_inverse_sum", "relative_late")


def by_hand(losses, epochs, diverged):
    """Return the three measures of a run from all its losses, as in the paper's notebook."""
    with np.errstate(all="ignore"):
        v = losses / losses[0]
    v[~np.isfinite(v)] = 1e6
    v = np.minimum(v, 1e6)
    v = np.concatenate([v, np.full(epochs + 1 - v.size, 1e6 if diverged else v[-1])])
    return v.sum(), (1 / v).sum(), v[-20:].mean()


@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize(("epochs", "loss"), [(60, "ssr"), (7, "ssr"), (0, "ssr"), (40, "mse")])
def test_measures_agree_with_the_whole_trajectory(small, tmp_path, lanes, epochs, loss):
    experiment = small(
        network={"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": loss},
        training={"epochs": epochs, "learning_rate": 0.1, "limit": 1e8, "tolerance": 0.66},
        grid={"learning_rate": {"log": [0.02, 2.0], "count": 8}, "init_id": 4},
        record={"epochs": "all", "measures": list(MEASURES)},
    )
    results = harness.run(experiment, tmp_path / "out", lanes=lanes)
    column = "ssr" if loss == "ssr" else "loss"
    losses = results.trajectories.groupby("run_id")[column].apply(np.array)
    statuses = set()
    for run in results.runs.itertuples():
        expected = by_hand(losses[run.run_id], epochs, run.status == "diverged")
        found = [getattr(run, name) for name in MEASURES]
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        statuses.add(run.status)
    assert epochs < 40 or statuses == {"finished", "converged", "diverged"}
