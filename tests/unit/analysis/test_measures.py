"""Measures against tables worked out by hand, and against scipy and pandas one-liners."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.analysis import measures

RUNS = pd.DataFrame({
    "run_id": range(8),
    "init_id": [0, 0, 0, 0, 1, 1, 1, 1],
    "learning_rate": [0.1, 0.2, 0.4, 0.8] * 2,
    "status": [
        "finished", "converged", "converged", "diverged",
        "finished", "finished", "converged", "diverged",
    ],
    "epochs": [100, 80, 20, 7, 100, 100, 30, 3],
    "ssr_final": [0.5, 0.01, 0.01, 1e12, 0.7, 0.3, 0.009, np.nan],
})  # fmt: skip

TRAJECTORIES = pd.DataFrame(
    {
        "run_id": [0, 0, 0, 1, 1, 1, 2, 2, 3, 3],
        "epoch": [0, 50, 100, 0, 50, 80, 0, 20, 0, 7],
        "ssr": [4.0, 1.0, 0.5, 4.0, 0.4, 0.01, 4.0, 0.01, 4.0, 1e12],
    }
)


def test_shares_of_endings():
    table = measures.outcomes(RUNS, "learning_rate")
    assert table["learning_rate"].tolist() == [0.1, 0.2, 0.4, 0.8]
    assert table["runs"].tolist() == [2, 2, 2, 2]
    assert table["converged"].tolist() == [0.0, 0.5, 1.0, 0.0]
    assert table["finished"].tolist() == [1.0, 0.5, 0.0, 0.0]
    assert table["diverged"].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_shares_of_stopped_runs_are_there_if_any_was_stopped():
    assert not [name for name in measures.outcomes(RUNS, "init_id") if "stopped" in name]
    runs = RUNS.assign(status=RUNS["status"].replace("finished", "stopped"))
    table = measures.outcomes(runs, "init_id")
    assert table["stopped"].tolist() == [0.25, 0.5]
    wanted = stats.binomtest(1, 4).proportion_ci(0.95, method="wilson")
    low, high = table.loc[0, ["stopped_low", "stopped_high"]]
    np.testing.assert_allclose((low, high), (wanted.low, wanted.high))


def test_shares_over_a_pair_of_axes_and_of_categories():
    runs = RUNS.assign(status=RUNS["status"].astype("category"))
    table = measures.outcomes(runs, ["init_id", "learning_rate"])
    assert len(table) == 8
    assert table.set_index(["init_id", "learning_rate"]).loc[(1, 0.4), "converged"] == 1.0


@pytest.mark.parametrize(("hits", "runs"), [(0, 10), (25, 30), (30, 30), (1, 1000)])
def test_intervals_of_shares_are_those_of_wilson(hits, runs):
    wanted = stats.binomtest(hits, runs).proportion_ci(0.95, method="wilson")
    low, high = measures.share_interval(np.array([hits, hits]), np.array([runs, runs]))
    np.testing.assert_allclose(low, wanted.low, rtol=1e-12, atol=0)
    np.testing.assert_allclose(high, wanted.high, rtol=1e-12, atol=0)


def test_final_values_count_diverged_runs_as_the_worst():
    table = measures.final_values(RUNS, "init_id").set_index("init_id")
    # 0.01, 0.01, 0.5, inf and 0.009, 0.3, 0.7, inf
    assert table["best"].tolist() == [0.01, 0.009]
    assert table["worst"].tolist() == [np.inf, np.inf]
    assert table["median"].tolist() == [(0.01 + 0.5) / 2, (0.3 + 0.7) / 2]
    assert table["upper_quartile"].tolist() == [np.inf, np.inf]
    np.testing.assert_allclose(table["lower_quartile"], [0.01, 0.009 + 0.75 * 0.291])


def test_final_values_without_divergence_are_those_of_numpy():
    values = np.random.default_rng(1).lognormal(size=101)
    runs = pd.DataFrame({"group": 0, "status": "finished", "ssr_final": values})
    row = measures.final_values(runs, "group").iloc[0]
    names = ["best", "lower_quartile", "median", "upper_quartile", "worst"]
    np.testing.assert_allclose(
        row[names].astype(float), np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    )


def test_runs_that_converged_reach_the_tolerance():
    watched = measures.reached(RUNS)
    assert watched["reached"].tolist() == [False, True, True, False, False, False, True, False]
    # Diverged runs are watched for all 100 epochs, because they never reach it.
    assert watched["epoch"].tolist() == [100, 80, 20, 100, 100, 100, 30, 100]


def test_a_given_ssr_is_reached_at_the_first_recorded_epoch_below_it():
    watched = measures.reached(RUNS[:4], TRAJECTORIES, 0.5)
    assert watched["reached"].tolist() == [True, True, True, False]
    assert watched["epoch"].tolist() == [100, 50, 20, 100]


def test_runs_are_watched_for_their_own_max_epochs():
    runs = RUNS.assign(max_epochs=[100] * 4 + [200] * 4)
    assert measures.reached(runs)["epoch"].tolist()[3::4] == [100, 200]


def test_the_median_epoch_is_that_of_kaplan_and_meier():
    watched = pd.DataFrame(
        {
            "rate": [1] * 5 + [2] * 4,
            "epoch": [10, 20, 30, 50, 50, 5, 40, 40, 40],
            "reached": [True, True, True, False, False, True, False, False, False],
        }
    )
    table = measures.epochs_to_reach(watched, "rate").set_index("rate")
    assert table["reached"].tolist() == [3, 1]
    # Survival 4/5, 3/5, 2/5 after 10, 20, 30; one of four never goes below 3/4.
    assert table["median"].tolist() == [30.0, np.inf]
    assert table.loc[1, "low"] <= 30.0 <= table.loc[1, "high"]


def test_censored_in_the_middle():
    # The textbook case: 6, 6, 6, 6+, 7, 9+, 10, 10+, 11+, 13, 16, 17+, 19+, 20+, 22, 23, 25+, 32+,
    # 32+, 34+, 35+ weeks of remission; median 23 (Freireich et al. 1963, as in Kalbfleisch and
    # Prentice, "The statistical analysis of failure time data").
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    events = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    watched = pd.DataFrame({"arm": 0, "epoch": weeks, "reached": np.array(events, dtype=bool)})
    assert measures.epochs_to_reach(watched, "arm")["median"].tolist() == [23.0]


def test_shares_by_epoch_are_those_of_a_textbook():
    # The same patients: Kalbfleisch and Prentice print the share still in remission, to 3 digits.
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    events = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    watched = pd.DataFrame({"epoch": weeks, "reached": np.array(events, dtype=bool)})
    table = measures.reached_by_epoch(watched).set_index("epoch")
    left = {0: 1.0, 6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    np.testing.assert_allclose(1 - table.loc[list(left), "share"], list(left.values()), atol=5e-4)
    assert table["share"].iloc[-1] == table.loc[23, "share"]
    assert table["lost"].to_dict() == {
        0: 0, 6: 1, 7: 0, 9: 1, 10: 1, 11: 1, 13: 0, 16: 0, 17: 1, 19: 1, 20: 1,
        22: 0, 23: 0, 25: 1, 32: 2, 34: 1, 35: 1,
    }  # fmt: skip
    # At 10: log(-log S) +- 1.96 times the root of Greenwood's sum, over log S.
    survival = (18 / 21) * (16 / 17) * (14 / 15)
    spread = np.sqrt(3 / (21 * 18) + 1 / (17 * 16) + 1 / (15 * 14)) / -np.log(survival)
    ends = [survival ** np.exp(sign * 1.959964 * spread) for sign in (-1, 1)]
    np.testing.assert_allclose(1 - table.loc[10, ["low", "high"]], ends, rtol=1e-5)


@pytest.mark.parametrize("lost", [0.0, 0.3, 0.9])
def test_shares_by_epoch_have_the_bits_of_scipy(lost):
    random = np.random.default_rng(5)
    epoch = random.integers(1, 60, 500)
    hit = random.random(500) >= lost
    table = measures.reached_by_epoch(pd.DataFrame({"epoch": epoch, "reached": hit}))
    sample = stats.CensoredData(uncensored=epoch[hit], right=epoch[~hit])
    found = stats.ecdf(sample).cdf
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        band = found.confidence_interval(0.95, method="log-log")
    for name, expected in (("share", found), ("low", band.low), ("high", band.high)):
        np.testing.assert_array_equal(table[name][1:], expected.probabilities)


def test_without_lost_runs_shares_by_epoch_are_counts():
    watched = pd.DataFrame({"epoch": [3, 1, 2, 2], "reached": True})
    table = measures.reached_by_epoch(watched)
    assert table["epoch"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(table["share"], [0, 0.25, 0.75, 1])
    nobody = measures.reached_by_epoch(watched.assign(reached=False))
    assert nobody["share"].tolist() == [0, 0, 0, 0]
    assert nobody["lost"].tolist() == [0, 1, 2, 1]
    at_once = measures.reached_by_epoch(watched.assign(epoch=0))
    assert at_once[["epoch", "share"]].to_numpy().tolist() == [[0, 1]]


def test_ranges_of_an_axis_where_something_is_true_of_half_of_the_runs():
    hits = {0.1: [1, 1, 0], 0.01: [1, 0], 0.5: [0, 0, 1], 0.001: [0], 1.0: [1]}
    rows = [(rate, bool(hit)) for rate, found in hits.items() for hit in found]
    runs = pd.DataFrame(rows, columns=["rate", "converged"])
    table = measures.majority_ranges(runs, "rate", "converged")
    assert table[["low", "high", "values"]].to_numpy().tolist() == [[0.01, 0.1, 2], [1, 1, 1]]
    np.testing.assert_allclose(table["decades"], [1, 0])
    assert measures.majority_ranges(runs.assign(converged=False), "rate", "converged").empty
    (whole,) = measures.majority_ranges(runs.assign(rate=-1.0), "rate", "converged").to_dict(
        "records"
    )
    assert np.isnan(whole["decades"])


def test_ends_of_ranges_have_intervals():
    # Of 30 runs each; Wilson's interval holds one half from 10 to 20 of 30.
    hits = [3, 11, 17, 22, 28, 19, 14, 9, 21, 2]
    runs = pd.DataFrame({"rate": np.repeat(np.arange(10.0), 30)})
    runs["converged"] = np.concatenate([np.arange(30) < count for count in hits])
    for count, wanted in ((9, False), (10, True), (20, True), (21, False)):
        low, high = stats.binomtest(count, 30).proportion_ci(0.95, method="wilson")
        assert (low <= 0.5 <= high) == wanted
    table = measures.majority_ranges(runs, "rate", "converged")
    assert table[["low", "high"]].to_numpy().tolist() == [[2, 5], [8, 8]]
    assert table[["low_low", "low_high"]].to_numpy().tolist() == [[1, 3], [8, 8]]
    assert table[["high_low", "high_high"]].to_numpy().tolist() == [[4, 6], [8, 8]]


def test_an_uncertain_range_may_be_all_of_it():
    runs = pd.DataFrame({"rate": np.repeat([1.0, 2.0, 3.0], 10)})
    runs["converged"] = np.concatenate([np.arange(10) < count for count in (6, 5, 4)])
    (row,) = measures.majority_ranges(runs, "rate", "converged").to_dict("records")
    assert (row["low"], row["low_low"], row["low_high"]) == (1, 1, 2)
    assert (row["high"], row["high_low"], row["high_high"]) == (2, 1, 3)


def test_runs_of_one_start_do_not_narrow_intervals():
    hits = [3, 11, 17, 22, 28]
    runs = pd.DataFrame({"rate": np.repeat(np.arange(5.0), 30), "init_id": list(range(30)) * 5})
    runs["converged"] = np.concatenate([np.arange(30) < count for count in hits])
    runs["status"] = np.where(runs["converged"], "converged", "finished")
    copies = pd.concat([runs] * 4)
    once = measures.majority_ranges(runs, "rate", "converged")
    pd.testing.assert_frame_equal(
        measures.majority_ranges(copies, "rate", "converged", "init_id"), once
    )
    assert measures.majority_ranges(copies, "rate", "converged")["low_low"][0] == 2
    single = measures.majority_ranges(runs.assign(init_id=0), "rate", "converged", "init_id")
    assert single["low"].tolist() == [2]
    assert single.filter(like="_").isna().all(axis=None)
    shares = measures.outcomes(copies, "rate", "init_id")
    assert (shares["starts"] == 30).all()
    wanted = measures.outcomes(runs, "rate").drop(columns="runs")
    pd.testing.assert_frame_equal(shares.drop(columns=["runs", "starts"]), wanted)


def test_intervals_of_ends_cover_the_truth():
    random = np.random.default_rng(0)
    rates = np.arange(15.0)
    truth = 1 / (1 + np.exp(rates - 8.3))  # at least one half up to 8
    covered = []
    for _ in range(200):
        runs = pd.DataFrame({"rate": np.repeat(rates, 25)})
        runs["converged"] = random.random(len(runs)) < np.repeat(truth, 25)
        first = measures.majority_ranges(runs, "rate", "converged").iloc[0]
        covered.append(first["high_low"] <= 8 <= first["high_high"])
    assert np.mean(covered) >= 0.95


def test_the_median_is_infinite_if_no_run_reached_it():
    watched = pd.DataFrame({"rate": [1, 1], "epoch": [9, 9], "reached": [False, False]})
    assert measures.epochs_to_reach(watched, "rate")["median"].tolist() == [np.inf]


def test_the_largest_stable_rate_lies_below_the_first_that_diverges():
    runs = pd.concat([RUNS, pd.DataFrame({
        "run_id": [8, 9, 10], "init_id": [2, 2, 3], "learning_rate": [0.1, 0.2, 0.1],
        "status": ["finished", "finished", "diverged"],
    })])  # fmt: skip
    table = measures.largest_stable(runs).set_index("init_id")
    np.testing.assert_equal(table["stable"].tolist(), [0.4, 0.4, 0.2, np.nan])
    np.testing.assert_equal(table["diverged"].tolist(), [0.8, 0.8, np.nan, 0.1])


def test_a_rate_that_works_above_one_that_does_not_is_not_stable():
    runs = RUNS[:3].assign(status=["finished", "diverged", "finished"])
    assert measures.largest_stable(runs)["stable"].tolist() == [0.1]


def test_bands_include_runs_that_have_ended():
    table = measures.bands(TRAJECTORIES, RUNS[:4], [0.0, 0.5, 1.0])
    # Recorded at 0, 50, 100; run 1 ended at 80 with 0.01, run 2 at 20 with 0.01, run 3 diverged.
    assert table["epoch"].tolist() == [0, 50, 100]
    at_50 = table[table["epoch"] == 50].iloc[0]
    assert (at_50["0.0"], at_50["0.5"], at_50["1.0"]) == (0.01, 0.4, np.inf)
