"""The simulation behind docs/capacity.md, in cases with a closed form."""

import numpy as np
import pytest

from tools.capacity.costs import Costs
from tools.capacity.simulation import simulate


def costs(*, training=4.0, commit=0.5, scheduler=0.0, driver=0.0, worker=0.0):
    return Costs(
        runs=100,
        size=1000,
        training=np.array([training]),
        packing=np.zeros(1),
        commit=np.array([commit]),
        scheduler=scheduler,
        driver=driver,
        worker=worker,
        sent_a_second=1.0,
    )


def test_workers_that_never_wait_share_the_chunks():
    for workers in (1, 3, 10):
        found = simulate(costs(worker=0.5), workers=workers, chunks=60, commits=100)
        assert found.seconds == pytest.approx(60 / workers * (4.0 + 0.5 + 0.5))
        assert found.busy["workers"] == pytest.approx(1.0)


@pytest.mark.parametrize("who", ["scheduler", "driver"])
def test_a_saturated_scheduler_or_driver_sets_the_time(who):
    found = simulate(costs(**{who: 0.1}), workers=1000, chunks=10_000, commits=10_000)
    assert found.seconds == pytest.approx(10_000 * 0.1, rel=0.02)
    assert found.busy[who] == pytest.approx(1.0, rel=0.02)
    # A few workers do not saturate it.
    few = simulate(costs(**{who: 0.1}), workers=10, chunks=1000, commits=1000)
    assert few.seconds == pytest.approx(1000 / 10 * 4.5, rel=0.02)


def test_a_file_system_handles_a_number_of_commits_at_once():
    found = simulate(costs(), workers=100, chunks=10_000, commits=2)
    assert found.seconds == pytest.approx(10_000 * 0.5 / 2, rel=0.02)
    assert found.busy["file system"] == pytest.approx(1.0, rel=0.02)


def test_a_driver_writes_one_commit_at_a_time():
    found = simulate(costs(driver=0.1), workers=100, chunks=10_000, shared=False, commits=50)
    assert found.seconds == pytest.approx(10_000 * 0.6, rel=0.02)
    assert found.busy["driver"] == pytest.approx(1.0, rel=0.02)
    assert found.busy["file system"] == 0.0


def test_costs_are_drawn_from_all_measured_ones():
    mixed = costs(commit=0.0)
    mixed = Costs(**{**{f: getattr(mixed, f) for f in mixed.__slots__}, "training": np.arange(5.0)})
    found = simulate(mixed, workers=1, chunks=20_000)
    assert found.seconds == pytest.approx(20_000 * 2.0, rel=0.02)
