"""The best combination and the best run, against tables worked out by hand and against scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.analysis import ranking


def table(rows, columns=("learning_rate", "init_id", "status", "ssr_final")):
    return pd.DataFrame(rows, columns=list(columns)).rename_axis("run_id").reset_index()


@pytest.fixture
def random_runs():
    random = np.random.default_rng(3)
    count = 2_000
    status = random.choice(["converged", "finished", "diverged"], count)
    return pd.DataFrame({
        "run_id": random.permutation(count),
        "learning_rate": random.choice([0.1, 0.2, 0.4], count),
        "momentum": random.choice([0.0, 0.9], count),
        "status": status,
        "epochs": random.integers(0, 20, count),
        "ssr_final": np.where(random.random(count) < 0.1, np.nan, random.integers(0, 5, count)),
    })  # fmt: skip


def test_a_larger_share_is_better_regardless_of_medians():
    runs = table([
        (0.1, 0, "converged", 0.5), (0.1, 1, "converged", 0.5),
        (0.2, 0, "converged", 0.1), (0.2, 1, "finished", 0.2),
    ])  # fmt: skip
    best = ranking.combinations(runs, "learning_rate")
    assert best["learning_rate"].tolist() == [0.1, 0.2]
    assert best["converged"].tolist() == [1.0, 0.5]
    assert ranking.decided_by(best) == "converged"


def test_the_median_decides_between_equal_shares_and_divergence_is_worse_than_any_number():
    runs = table([
        (0.1, 0, "finished", 3.0), (0.1, 1, "finished", 4.0), (0.1, 2, "finished", 9.0),
        (0.2, 0, "finished", 0.1), (0.2, 1, "diverged", 2.0), (0.2, 2, "diverged", 1.0),
        (0.4, 0, "finished", 1.0), (0.4, 1, "finished", np.nan), (0.4, 2, "finished", 2.0),
    ])  # fmt: skip
    best = ranking.combinations(runs, "learning_rate")
    assert best["learning_rate"].tolist() == [0.4, 0.1, 0.2]
    assert best["median"].tolist() == [2.0, 4.0, np.inf]
    assert ranking.decided_by(best) == "median"


def test_ties_are_in_the_order_of_the_grid():
    runs = table([(rate, 0, "finished", 1.0) for rate in (0.4, 0.1, 0.2)])
    for same in (runs, runs[::-1]):
        rates = ranking.combinations(same, "learning_rate")["learning_rate"]
        assert rates.tolist() == [0.4, 0.1, 0.2]


def test_the_trained_loss_decides_and_seeds_are_ignored():
    columns = ("learning_rate", "init_seed", "init_id", "status", "ssr_final", "loss_final")
    runs = table([
        (0.1, 0, 0, "finished", 1.0, 0.9), (0.1, 1, 0, "finished", 1.0, 0.7),
        (0.2, 0, 0, "finished", 2.0, 0.5), (0.2, 1, 0, "finished", 2.0, 0.3),
    ], columns)  # fmt: skip
    best = ranking.combinations(runs, ["learning_rate", "init_seed", "init_id"])
    assert best["learning_rate"].tolist() == [0.2, 0.1]
    assert best["median"].tolist() == [0.4, 0.8]
    assert best["runs"].tolist() == [2, 2]


def test_without_axes_there_is_one_combination():
    best = ranking.combinations(table([(0.1, 0, "converged", 1.0)] * 7), "init_id")
    assert best[["runs", "converged", "median"]].to_numpy().tolist() == [[7, 1.0, 1.0]]


def test_rivals_are_those_whose_intervals_overlap():
    rows = [
        (rate, start, "converged" if start < hits else "finished", 0.1)
        for rate, hits in ((0.1, 90), (0.2, 80), (0.3, 50))
        for start in range(100)
    ]
    best = ranking.combinations(table(rows), "learning_rate")
    # 0.826 to 0.945, 0.711 to 0.867, 0.404 to 0.596
    assert ranking.rivals(best)["learning_rate"].tolist() == [0.2]


@pytest.mark.parametrize("count", [1, 5, 6, 7, 10, 99, 100, 1001])
def test_intervals_of_medians_are_those_of_scipy(count):
    values = np.random.default_rng(count).lognormal(size=count)
    median, low, high = ranking.medians(np.zeros(count, dtype=np.int64), values, 1)[:, 0]
    assert median == np.median(values)
    wanted = stats.quantile_test(values).confidence_interval(0.95)
    if count < 6:  # 2 / 2^n is more than 5 %
        assert (low, high) == (-np.inf, np.inf)
        assert np.isnan(wanted.low)
    else:
        assert (low, high) == (wanted.low, wanted.high)


def test_medians_of_cells_are_those_of_pandas():
    random = np.random.default_rng(1)
    codes, values = random.integers(0, 300, 5_000), random.integers(0, 9, 5_000).astype(float)
    codes[codes == 7] = 8  # a cell without runs
    values[random.random(5_000) < 0.3] = np.inf
    found = ranking.medians(codes, values, 301)[0]
    wanted = pd.Series(values).groupby(codes).median().reindex(range(301))
    np.testing.assert_array_equal(found, wanted)


def naively_ordered(runs):
    def key(row):
        lost = row.status == "diverged" or np.isnan(row.ssr_final)
        loss = np.inf if lost else row.ssr_final
        return {
            "converged": (0, row.epochs, loss, row.run_id),
            "finished": (1, loss, 0, row.run_id),
            "diverged": (2, -row.epochs, 0, row.run_id),
        }[row.status]

    return [row.run_id for row in sorted(runs.itertuples(), key=key)]


def test_runs_are_ordered_as_documented(random_runs):
    wanted = naively_ordered(random_runs)
    assert ranking.best_runs(random_runs)["run_id"].tolist() == wanted


@pytest.mark.parametrize("endings", [["converged", "finished", "diverged"], ["diverged"],
                                     ["finished", "diverged"], ["finished"]])  # fmt: skip
@pytest.mark.parametrize("count", [1, 30, 700, 5_000])
def test_the_first_of_many_are_the_first_of_all(random_runs, endings, count):
    runs = random_runs[random_runs["status"].isin(endings)]
    wanted = naively_ordered(runs)[:count]
    assert ranking.best_runs(runs, count)["run_id"].tolist() == wanted
    batches = [runs.iloc[at : at + 100] for at in range(0, len(runs), 100)]
    assert ranking.best_of(batches, count)["run_id"].tolist() == wanted


def test_starts_are_ranked_by_share_converged_and_then_by_median():
    runs = table([
        (0.1, 7, "finished", 3.0), (0.1, 3, "finished", 1.0), (0.1, 5, "converged", 0.5),
        (0.2, 7, "finished", 3.0), (0.2, 3, "diverged", 0.0), (0.2, 5, "finished", 9.0),
        (0.4, 7, "finished", 3.0), (0.4, 3, "finished", 2.0), (0.4, 5, "diverged", 9.0),
    ])  # fmt: skip
    assert ranking.start_ranks(runs).tolist() == [2, 1, 0] * 3


def test_a_stopped_run_ranks_as_one_that_finished():
    runs = table([
        ("stopped", 9, 0.3), ("finished", 50, 0.2), ("diverged", 8, 0.1), ("stopped", 3, 0.1),
        ("converged", 40, 0.9), ("finished", 50, 0.4),
    ], ("status", "epochs", "ssr_final"))  # fmt: skip
    assert ranking.best_runs(runs)["run_id"].tolist() == [4, 3, 1, 0, 5, 2]
    for count in range(1, 6):
        best = ranking.best_runs(runs, count)["run_id"].tolist()
        assert best == [4, 3, 1, 0, 5, 2][:count]
