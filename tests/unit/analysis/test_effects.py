"""The effect of an axis on the outcome, on tables written by hand."""

import numpy as np
import pandas as pd
import pytest

from harness.analysis.effects import ordered_effect, paired_effect
from harness.analysis.ranking import combinations


def sweep(converged, diverged=(), runs=50):
    """Return the table along learning rates 1, 2, ... with some numbers of runs that converged."""
    rows = []
    for rate, count in enumerate(converged, start=1):
        rest = "diverged" if rate in diverged else "finished"
        endings = ["converged"] * count + [rest] * (runs - count)
        rows += [(float(rate), ending, 0.1 * rate) for ending in endings]
    table = pd.DataFrame(rows, columns=["learning_rate", "status", "ssr_final"])
    return combinations(table, "learning_rate")


@pytest.mark.parametrize(
    ("converged", "diverged", "works", "diverge_to", "diverge_from"),
    [
        ([0, 20, 40, 25, 19, 40, 0], (), (2, 4), None, None),  # 19 is less than half of 40
        ([40, 20, 20, 5, 0], (4, 5), (1, 3), None, 5),
        ([0, 0, 45, 50, 0, 0], (1, 2, 6), (3, 4), 2, 6),
        ([50, 0, 50], (2,), (1, 1), None, None),  # all diverge in the middle only
        ([40, 30, 25], (), (1, 3), None, None),
    ],
)
def test_a_range_works_around_the_best_value_and_all_diverge_at_the_ends(
    converged, diverged, works, diverge_to, diverge_from
):
    found = ordered_effect(sweep(converged, diverged), "learning_rate")
    assert found.works == works
    assert found.everywhere == (works == (1, len(converged)))
    assert (found.diverge_to, found.diverge_from) == (diverge_to, diverge_from)
    assert not found.no_difference
    assert not found.all_diverge


def test_overlapping_intervals_show_no_difference():
    found = ordered_effect(sweep([20, 22, 19, 24, 21]), "learning_rate")
    assert found.no_difference
    assert found.works is None


def test_too_few_runs_say_nothing():
    found = ordered_effect(sweep([1, 1, 0, 1, 1], runs=1), "learning_rate")
    assert not found.no_difference
    assert found.works is None


def test_nothing_works_where_all_diverge():
    found = ordered_effect(sweep([0] * 5, diverged=range(1, 6)), "learning_rate")
    assert found.all_diverge
    assert found.works is None


def test_medians_decide_if_no_run_converged():
    random = np.random.default_rng(0)
    rates = np.repeat(np.arange(1.0, 8.0), 30)
    losses = np.abs(rates - 4) + random.normal(0, 1, rates.size) ** 2
    runs = pd.DataFrame({"learning_rate": rates, "status": "finished", "ssr_final": losses})
    found = ordered_effect(combinations(runs, "learning_rate"), "learning_rate")
    medians = runs.groupby("learning_rate")["ssr_final"].median()
    assert found.decided_by == "median"
    assert found.best["learning_rate"] == medians.idxmin()
    assert found.best["median"] == medians.min()
    low, high = found.works
    assert low <= medians.idxmin() <= high
    assert (low, high) != (1, 7)


def paired(epochs_of, loss_of, status="converged"):
    """Return runs with three momenta from forty starts of different difficulty."""
    start = np.tile(np.arange(40), 3)
    momentum = np.repeat([0.0, 0.5, 0.9], 40)
    runs = pd.DataFrame({"momentum": momentum, "init_id": start, "status": status})
    return runs.assign(epochs=epochs_of(momentum, start), ssr_final=loss_of(momentum, start))


def test_epochs_are_compared_from_the_same_starts():
    runs = paired(
        lambda momentum, start: ((1 + 10 * start) * np.where(momentum == 0.9, 24, 60)).astype(int),
        lambda momentum, start: 0.01 + 0 * start,
    )
    found = paired_effect(runs, "momentum", [0.0, 0.9, 0.5], ["init_id"])
    wide = runs.pivot_table(index="init_id", columns="momentum", values="epochs")
    assert found.differs
    assert found.column == "epochs"
    assert (found.row["momentum"], found.against) == (0.9, 0.0)
    assert found.row["epochs_ratio"] == pytest.approx((wide[0.9] / wide[0.0]).median(), rel=1e-12)


def test_the_first_value_that_differs_is_said_even_if_a_better_one_does_not():
    runs = paired(
        lambda momentum, start: np.where(momentum == 0.9, 500, 100),
        lambda momentum, start: 0.01 + 0 * start,
    )
    found = paired_effect(runs, "momentum", [0.0, 0.5, 0.9], ["init_id"])
    assert (found.row["momentum"], found.against) == (0.0, 0.9)  # the better one comes first
    assert found.row["epochs_ratio"] == pytest.approx(1 / 5)


def test_losses_are_compared_if_most_runs_do_not_converge():
    random = np.random.default_rng(1)
    runs = paired(
        lambda momentum, start: 0 * start + 100,
        lambda momentum, start: random.random(start.size),
        status="finished",
    )
    found = paired_effect(runs, "momentum", [0.0, 0.5, 0.9], ["init_id"])
    assert not found.differs
    assert found.column == "ssr_final"
    better = runs.assign(ssr_final=runs["ssr_final"] + (runs["momentum"] == 0.0))
    found = paired_effect(better, "momentum", [0.0, 0.5, 0.9], ["init_id"])
    assert found.differs
    assert found.row["better"] == 1.0


def test_five_starts_are_too_few():
    runs = paired(lambda m, start: np.where(m == 0, 100, 10), lambda m, start: 0.0 * start)
    few = runs[runs["init_id"] < 5]
    assert paired_effect(few, "momentum", [0.0, 0.5, 0.9], ["init_id"]) is None


@pytest.mark.parametrize(("gained", "lost"), [(20, 2), (2, 20)])
def test_the_share_that_converges_comes_first_if_it_changes(gained, lost):
    start = np.arange(40)
    converges = [start < 20 + lost, (start < 20) | (start >= 40 - gained)]
    runs = pd.DataFrame({"momentum": np.repeat([0.0, 0.9], 40), "init_id": np.tile(start, 2)})
    runs["status"] = np.where(np.concatenate(converges), "converged", "finished")
    runs = runs.assign(epochs=100, ssr_final=1.0)
    found = paired_effect(runs, "momentum", [0.0, 0.9], ["init_id"])
    assert found.column == "converged"
    assert found.differs
    assert (found.row["momentum"], found.against) == ((0.9, 0.0) if gained > lost else (0.0, 0.9))
    assert found.row["converged_change"] == pytest.approx(abs(gained - lost) / 40)
