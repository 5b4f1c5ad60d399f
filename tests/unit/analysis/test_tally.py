"""Runs counted by cell in batches, against pandas over the whole table."""

import numpy as np
import pandas as pd
import pytest

from harness.analysis import ranking, tally
from harness.analysis.sampling import scattered
from harness.experiment.grid import Axis, Counted, Grid, Listed, Spaced


def axis(name, values):
    return Axis(name=name, values=Listed(tuple(values)) if isinstance(values, list) else values)


FALLING = axis("learning_rate", Spaced(kind="log", first=1.0, last=0.01, count=9))
WORDS = axis("init_scheme", ["uniform", "normal"])
STARTS = axis("init_id", Counted(30))
SEEDED = (axis("init_seed", [0, 1, 0, 1]), axis("learning_rate", [0.3, 0.3, 0.1, 0.1]))


def runs_of(grid):
    random = np.random.default_rng(2)
    ids = np.arange(grid.size)
    return pd.DataFrame({
        "run_id": ids,
        **grid.columns(ids),
        "status": random.choice(["converged", "finished", "diverged"], ids.size),
        "epochs": random.integers(0, 50, ids.size),
        "ssr_final": random.lognormal(size=ids.size),
    })  # fmt: skip


def counted(grid, cells=(), runs=None, **settings):
    runs = runs_of(grid) if runs is None else runs
    found = tally.Tally(grid, cells, **settings)
    for at in range(0, len(runs), 17):
        found.add(runs.iloc[at : at + 17])
    return found


@pytest.mark.parametrize("dimensions", [
    ((FALLING,), (WORDS,), (STARTS,)),
    ((STARTS,), SEEDED, (WORDS,)),
    ((axis("init_seed", [5, 2]),), (FALLING, axis("momentum", Spaced("linear", 0.0, 0.8, 9)))),
], ids=["falling", "zipped with a seed", "zipped"])  # fmt: skip
def test_combinations_are_those_of_the_whole_table(dimensions):
    grid = Grid(dimensions=dimensions)
    runs = runs_of(grid)
    names = [a.name for a in grid.axes if a.name not in ranking.SEEDS]
    for status in (runs["status"], "finished", "diverged"):
        # If all diverged, all are equal, in the order of the grid.
        runs = runs.assign(status=status)
        wanted = ranking.combinations(runs, names)
        found = counted(grid, runs=runs).ranked()
        pd.testing.assert_frame_equal(found[wanted.columns], wanted, check_exact=True)


def test_numbers_ascend_and_words_are_in_the_order_of_the_experiment():
    grid = Grid(dimensions=((FALLING,), (WORDS,), (STARTS,)))
    rates, words = tally.varied(grid)
    assert rates.values(np.arange(9))["learning_rate"].tolist() == sorted(
        FALLING.values.take(np.arange(9)).tolist()
    )
    assert words.values(np.arange(2))["init_scheme"].tolist() == ["uniform", "normal"]


def test_neighbours_share_a_cell():
    grid = Grid(dimensions=((FALLING,), (STARTS,)))
    runs = runs_of(grid)
    (rates,) = tally.varied(grid)
    shared = tally.Cells([rates], [4])
    table = counted(grid, [shared], runs).table(shared)
    values = sorted(set(runs["learning_rate"]))
    assert table["learning_rate"].tolist() == values[::4]
    for first, row in zip(range(0, 9, 4), table.to_dict("records"), strict=True):
        ours = runs[runs["learning_rate"].isin(values[first : first + 4])]
        assert row["runs"] == len(ours)
        assert row["converged"] == (ours["status"] == "converged").mean()
        losses = ours["ssr_final"].mask(ours["status"] == "diverged", np.inf)
        assert row["median"] == losses.median()


def test_combinations_are_ranked_again_after_more_runs():
    grid = Grid(dimensions=((FALLING,), (STARTS,)))
    runs = runs_of(grid)
    found = tally.Tally(grid)
    for part in (runs[:40], runs[40:]):
        found.add(part)
        ranked = found.ranked()
    pd.testing.assert_frame_equal(
        ranked, ranking.combinations(runs, "learning_rate"), check_exact=True
    )


def test_runs_that_are_not_trained_yet_are_not_counted():
    grid = Grid(dimensions=((FALLING,), (STARTS,)))
    runs = runs_of(grid)
    runs = runs[runs["learning_rate"] != 0.01].iloc[:100]
    wanted = ranking.combinations(runs, "learning_rate")
    found = counted(grid, runs=runs).ranked()
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)


@pytest.mark.parametrize("starts", [20, 2_000])
def test_beyond_the_limit_medians_are_of_a_sample_but_shares_of_all_runs(starts):
    grid = Grid(dimensions=((FALLING,), (axis("init_id", Counted(starts)),)))
    runs = runs_of(grid)
    found = counted(grid, runs=runs, most=grid.size // 3)
    assert found.sampled
    assert 0.8 < 3 * found.values / grid.size < 1.2
    table = found.ranked().sort_values("learning_rate", ignore_index=True)
    wanted = ranking.combinations(runs, "learning_rate")
    wanted = wanted.sort_values("learning_rate", ignore_index=True)
    shares = ["runs", "converged", "finished", "diverged", "converged_low", "converged_high"]
    pd.testing.assert_frame_equal(table[shares], wanted[shares], check_exact=True)
    assert (table["median"] != wanted["median"]).all()
    if starts == 2_000:  # the same starts at every value
        kept = runs["init_id"].isin(np.flatnonzero(scattered(np.arange(starts)) <= 1 / 3))
        some = ranking.combinations(runs[kept], "learning_rate")
        some = some.sort_values("learning_rate", ignore_index=True)
        assert table["median"].tolist() == some["median"].tolist()


def test_nothing_is_ranked_with_one_combination_or_one_run_per_combination():
    assert tally.rankable(Grid(dimensions=((FALLING,), (WORDS,)))) is None
    assert tally.rankable(Grid(dimensions=((STARTS,), (axis("momentum", [0.5]),)))) is None
    huge = axis("learning_rate", Spaced("linear", 0.0, 1.0, tally.MOST_COMBINATIONS + 1))
    assert tally.rankable(Grid(dimensions=((huge,), (STARTS,)))) is None
    assert tally.rankable(Grid(dimensions=((FALLING,), (STARTS,)))).size == 9
