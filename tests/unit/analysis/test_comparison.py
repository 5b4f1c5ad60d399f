"""Pairs of runs, against tables worked out by hand and against scipy and pandas one-liners."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.analysis.comparison import compare, paired_axes, pairs, share_changes
from harness.analysis.measures import change_interval
from harness.experiment.grid import Axis, Counted, Grid, Listed

# Momentum 0 and 0.9 from six starts: better, better, better by not diverging, worse, both
# converged, both diverged.
RUNS = pd.DataFrame({
    "momentum": [0.0] * 6 + [0.9] * 6,
    "init_id": [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0],
    "status": [
        "finished", "finished", "diverged", "converged", "converged", "diverged",
        "diverged", "converged", "diverged", "finished", "finished", "converged",
    ],
    "epochs": [100, 100, 7, 60, 80, 3, 2, 20, 9, 100, 100, 50],
    "ssr_final": [0.4, 0.2, 1e12, 0.01, 0.009, np.nan, 1e11, 0.01, 1e13, 0.3, 0.1, 0.01],
})  # fmt: skip


def paired(runs=RUNS, **options):
    return pairs(runs, "momentum", [0.0, 0.9], ["init_id"], "ssr_final", **options)


def invented(starts=80, rates=(0.1,), seed=1):
    """Runs whose loss is lower by about a factor of 2 with momentum 0.9."""
    random = np.random.default_rng(seed)
    settings = [(m, rate, start) for m in (0.0, 0.9) for rate in rates for start in range(starts)]
    runs = pd.DataFrame(settings, columns=["momentum", "learning_rate", "init_id"])
    luck = 10.0 ** random.normal(size=starts)
    noise = 10.0 ** random.normal(scale=0.4, size=len(runs))
    runs["ssr_final"] = luck[runs["init_id"]] * noise * np.where(runs["momentum"] > 0, 0.5, 1)
    runs["epochs"] = random.integers(10, 99, len(runs))
    return runs.assign(status="finished")


def test_pairs_have_the_same_start():
    table = paired()
    assert table["init_id"].tolist() == [0, 1, 2, 3, 4, 5]
    assert table["momentum"].tolist() == [0.9] * 6
    assert table["value_first"].tolist() == [0.4, 0.2, np.inf, 0.01, 0.009, np.inf]
    assert table["value_second"].tolist() == [0.01, 0.1, 0.3, np.inf, 0.01, np.inf]
    assert table["epochs_second"].tolist() == [50, 100, 100, 9, 20, 2]
    assert table["better"].tolist() == [1, 1, 1, -1, 0, 0]
    assert table["better_ending"].tolist() == [1, 0, 1, -1, 0, 0]


def test_two_runs_that_converged_are_equal_only_in_the_trained_loss():
    by_other = pairs(
        RUNS.assign(loss_final=RUNS["ssr_final"]), "momentum", [0.0, 0.9], ["init_id"], "ssr_final"
    )
    assert by_other["better"].tolist() == [1, 1, 1, -1, -1, 0]


def test_higher_is_better():
    runs = RUNS.assign(accuracy_final=1 - RUNS["ssr_final"].clip(upper=1))
    table = pairs(runs, "momentum", [0.0, 0.9], ["init_id"], "accuracy_final")
    assert table["value_first"].tolist() == [0.6, 0.8, -np.inf, 0.99, 0.991, -np.inf]
    assert table["better"].tolist() == [1, 1, 1, -1, -1, 0]
    (row,) = compare(table, "momentum", ratio=False).to_dict("records")
    # Changes: 0.39, 0.1, inf, -inf, -0.001, 0.
    assert row["change"] == pytest.approx(0.05)


def test_a_comparison_by_hand():
    (row,) = compare(paired(), "momentum").to_dict("records")
    assert (row["momentum"], row["pairs"], row["starts"]) == (0.9, 6, 6)
    assert (row["better"], row["equal"], row["worse"]) == (3 / 6, 2 / 6, 1 / 6)
    # Ratios: 0.025, 0.5, 0, inf, 1, 1, in order 0, 0.025, 0.5, 1, 1, inf; of six, the least and the
    # greatest bound the median.
    assert row["change"] == pytest.approx(0.5**0.5)
    assert (row["change_low"], row["change_high"]) == (0, np.inf)
    assert (row["both_converged"], row["epochs_ratio"]) == (1, pytest.approx(20 / 80))
    assert (row["epochs_ratio_low"], row["epochs_ratio_high"]) == (0, np.inf)
    assert (row["converged_first"], row["converged_second"]) == (2 / 6, 2 / 6)
    assert (row["converged_only_first"], row["converged_only_second"]) == (1, 1)
    assert (row["finished_first"], row["finished_second"]) == (2 / 6, 2 / 6)
    assert (row["finished_only_first"], row["finished_only_second"]) == (1, 1)
    assert (row["diverged_change"], row["diverged_only_first"]) == (0, 1)
    assert not any(name.startswith("stopped") for name in row)
    changed = {name: count for name, count in row.items() if "_to_" in name}
    assert changed == {
        "finished_to_converged": 1, "diverged_to_finished": 1, "converged_to_diverged": 1,
    }  # fmt: skip


def test_intervals_are_those_of_wilson_and_of_the_sign_test():
    runs = invented()
    (row,) = compare(paired(runs), "momentum").to_dict("records")
    wide = runs.pivot(index="init_id", columns="momentum", values="ssr_final")
    wins = int((wide[0.9] < wide[0.0]).sum())
    wanted = stats.binomtest(wins, 80).proportion_ci(0.95, method="wilson")
    assert row["better"] == wins / 80
    np.testing.assert_allclose([row["better_low"], row["better_high"]], list(wanted))
    ratios = np.sort(wide[0.9] / wide[0.0])
    assert row["change"] == pytest.approx(stats.gmean(ratios[[39, 40]]))
    # The interval holds the medians that a sign test at 5 % does not reject.
    k = int(stats.binom.ppf(0.025, 80, 0.5))
    interval = [row["change_low"], row["change_high"]]
    np.testing.assert_allclose(interval, [ratios[k - 1], ratios[80 - k]])
    for median, rejected in ((interval[0] * 0.99, True), (interval[0] * 1.01, False)):
        above = int((ratios > median).sum())
        assert (stats.binomtest(above, 80).pvalue < 0.05) == rejected


def test_copies_of_pairs_do_not_narrow_intervals():
    runs = invented()
    copies = pd.concat([runs.assign(learning_rate=rate) for rate in (0.1, 0.2, 0.3)])
    (once,) = compare(paired(runs), "momentum").to_dict("records")
    table = pairs(copies, "momentum", [0.0, 0.9], ["init_id", "learning_rate"], "ssr_final")
    (thrice,) = compare(table, "momentum").to_dict("records")
    assert (thrice.pop("pairs"), thrice["starts"]) == (240, 80)
    once.pop("pairs")
    assert thrice == pytest.approx(once, nan_ok=True)


def test_intervals_of_several_pairs_per_start_cover_the_truth():
    covered = []
    for seed in range(60):
        runs = invented(starts=30, rates=(0.1, 0.2, 0.4), seed=seed)
        table = pairs(runs, "momentum", [0.0, 0.9], ["init_id", "learning_rate"], "ssr_final")
        (row,) = compare(table, "momentum").to_dict("records")
        covered.append(row["change_low"] <= 0.5 <= row["change_high"])
    assert np.mean(covered) >= 0.95


def test_every_value_is_compared_with_the_first():
    runs = pd.concat([invented(), invented(seed=2).assign(momentum=0.5)[:80]])
    table = compare(pairs(runs, "momentum", [0.9, 0.5, 0.0], ["init_id"], "ssr_final"), "momentum")
    assert table["momentum"].tolist() == [0.5, 0.0]
    wide = runs.pivot(index="init_id", columns="momentum", values="ssr_final")
    assert table["better"].tolist() == [(wide[value] < wide[0.9]).mean() for value in (0.5, 0.0)]


def test_runs_without_a_partner_are_left_out():
    assert len(paired(RUNS[1:])) == 5


def test_pairs_agree_on_all_other_axes_but_those_that_change_too():
    momentum = Axis(name="momentum", values=Listed((0.0, 0.9)))
    rate = Axis(name="learning_rate", values=Listed((0.1, 0.01)))
    starts = Axis(name="init_id", values=Counted(3))
    product = Grid(dimensions=((momentum,), (rate,), (starts,)))
    assert paired_axes(product, "momentum") == ["init_id", "learning_rate"]
    assert paired_axes(product, "init_id") == ["momentum", "learning_rate"]
    zipped = Grid(dimensions=((momentum, rate), (starts,)))
    assert paired_axes(zipped, "momentum") == ["init_id"]
    repeated = Axis(name="momentum", values=Listed((0.0, 0.9, 0.9)))
    rates = Axis(name="learning_rate", values=Listed((0.1, 0.1, 0.2)))
    assert paired_axes(Grid(dimensions=((repeated, rates),)), "momentum") == [
        "init_id",
        "learning_rate",
    ]


def newcombe(both, lost, gained, neither):
    """Method 10 of Newcombe (1998), written out as in the paper, for the change to the second."""
    n = both + lost + gained + neither
    p1, p2 = (both + gained) / n, (both + lost) / n
    z = stats.norm.ppf(0.975)

    def wilson(p):
        middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)

    (l1, u1), (l2, u2) = wilson(p1), wilson(p2)
    a, b, c, d = both, gained, lost, neither
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    product = a * d - b * c
    if product > n / 2:
        product -= n / 2
    elif product >= 0:
        product = 0
    phi = product / np.sqrt(margins) if margins else 0
    change = p1 - p2
    down = (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2
    up = (u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2
    return change - np.sqrt(down), change + np.sqrt(up)


@pytest.mark.parametrize(
    "counts",
    [(20, 4, 18, 58), (1, 1, 7, 12), (0, 0, 0, 30), (30, 0, 0, 0), (0, 30, 0, 0), (3, 9, 2, 1),
     (0, 0, 5, 5), (40, 1, 1, 58)],
)  # fmt: skip
def test_the_interval_of_a_changed_share_is_that_of_newcombe(counts):
    np.testing.assert_allclose(change_interval(*counts), newcombe(*counts), rtol=1e-9, atol=1e-12)


def test_a_published_interval_of_a_changed_share():
    # Fagerland, Lydersen and Laake (2014), airway hyper-responsiveness: -0.507 to -0.026.
    low, high = change_interval(both=1, lost=7, gained=1, neither=12)
    assert (round(low, 3), round(high, 3)) == (-0.507, -0.026)


def endings(both, lost, gained, neither, copies=1):
    """Runs with momentum 0 and 0.9 at several learning rates; some converge."""
    kinds = np.repeat([0, 1, 2, 3], [both, lost, gained, neither])
    return pd.concat(
        pd.DataFrame({
            "momentum": momentum, "learning_rate": 0.1 * rate, "init_id": range(len(kinds)),
            "status": np.where(np.isin(kinds, hits), "converged", "finished"), "epochs": 10,
            "ssr_final": 1.0,
        })
        for momentum, hits in ((0.0, (0, 1)), (0.9, (0, 2)))
        for rate in range(copies)
    )  # fmt: skip


def test_shares_that_converge_are_compared_in_pairs():
    table = pairs(endings(20, 4, 18, 58), "momentum", [0.0, 0.9], ["init_id"], "converged")
    (row,) = compare(table, "momentum", ratio=False).to_dict("records")
    assert (row["converged_first"], row["converged_second"]) == (0.24, 0.38)
    assert row["converged_change"] == 0.14
    assert (row["converged_only_first"], row["converged_only_second"]) == (4, 18)
    interval = row["converged_change_low"], row["converged_change_high"]
    np.testing.assert_allclose(interval, newcombe(20, 4, 18, 58))
    assert (row["better"], row["equal"], row["worse"]) == (0.18, 0.78, 0.04)
    assert share_changes(row)
    (other,) = compare(
        pairs(endings(20, 4, 9, 67), "momentum", [0.0, 0.9], ["init_id"], "converged"), "momentum"
    ).to_dict("records")
    assert not share_changes(other)
    # An exact test of McNemar agrees with both.
    assert stats.binomtest(4, 22).pvalue < 0.05 < stats.binomtest(4, 13).pvalue


def test_copies_of_pairs_do_not_narrow_the_interval_of_a_changed_share():
    table = pairs(
        endings(20, 4, 18, 58, copies=3), "momentum", [0.0, 0.9], ["init_id", "learning_rate"],
        "converged",
    )  # fmt: skip
    (row,) = compare(table, "momentum", ratio=False).to_dict("records")
    assert (row["pairs"], row["starts"], row["converged_only_second"]) == (300, 100, 54)
    interval = row["converged_change_low"], row["converged_change_high"]
    np.testing.assert_allclose(interval, newcombe(20, 4, 18, 58))


def test_intervals_of_changed_shares_cover_the_truth():
    random = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        # Starts differ in difficulty; the second setting is 0.15 better from each.
        easy = random.choice([0.1, 0.7], size=60)
        hits = random.random((2, 3, 60)) < easy + np.array([0.0, 0.15])[:, None, None]
        first, second = hits[0].ravel(), hits[1].ravel()
        counts = [(first & second).sum(), (first & ~second).sum()]
        counts += [(~first & second).sum(), (~first & ~second).sum()]
        low, high = change_interval(*counts, 60)
        covered.append(low <= 0.15 <= high)
    assert np.mean(covered) >= 0.95


def test_fewer_that_diverge_is_better():
    runs = endings(20, 4, 18, 58).replace("converged", "diverged")
    table = pairs(runs, "momentum", [0.0, 0.9], ["init_id"], "diverged")
    assert (table["better"] == 1).sum() == 4
    assert (table["better"] == -1).sum() == 18


def test_endings_are_compared_by_their_order():
    table = pairs(RUNS, "momentum", [0.0, 0.9], ["init_id"], "status")
    assert table["better"].tolist() == table["better_ending"].tolist() == [1, 0, 1, -1, 0, 0]
