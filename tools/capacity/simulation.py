"""Simulation of a cluster, chunk by chunk, with measured costs.

The scheduler and the driver each serve one request at a time, in the order of arrival. Half of
their cost for a chunk is on its way to a worker and half on its way back.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from harness.sweeps.engines.dask import WINDOW
from tools.capacity.costs import Costs


class _Stage(IntEnum):
    """Stage of a chunk: the last event in its life."""

    SUBMITTED = 0
    SCHEDULED = 1
    TRAINED = 2
    ANSWERED = 3
    TAKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Result of a simulation.

    Attributes
    ----------
    seconds : float
        From the first chunk to the end of the last.
    busy : mapping
        Share of that time in which the scheduler, the driver, the file system and the workers
        were busy.
    """

    seconds: float
    busy: Mapping[str, float]


def simulate(
    costs: Costs, *, workers: int, chunks: int, shared: bool = True, commits: int = 1, seed: int = 0
) -> Simulated:
    """Simulate a sweep.

    Parameters
    ----------
    costs : Costs
        Measured costs; those of each chunk are drawn from them.
    workers, chunks : int
        Numbers of workers, with one thread each, and of chunks.
    shared : bool
        Whether the workers write their chunks; otherwise the driver does.
    commits : int
        Number of commits that the file system handles at once.
    seed : int
        Seed of the draws.
    """
    random = np.random.default_rng(seed)
    training = random.choice(costs.training, chunks) + random.choice(costs.packing, chunks)
    commit = random.choice(costs.commit, chunks)
    free = {"scheduler": 0.0, "driver": 0.0}
    workers_free, disks_free = [0.0] * workers, [0.0] * commits
    busy = dict.fromkeys((*free, "file system", "workers"), 0.0)
    coming = iter(range(chunks))
    events: list[tuple[float, int, int]] = []

    def submit(now: float) -> None:
        for chunk in coming:
            heapq.heappush(events, (now, _Stage.SUBMITTED, chunk))
            return

    def serve(who: str, now: float, cost: float) -> float:
        free[who] = max(free[who], now) + cost
        busy[who] += cost
        return free[who]

    for _ in range(WINDOW * workers):
        submit(0.0)
    now = 0.0
    while events:
        now, stage, chunk = heapq.heappop(events)
        if stage == _Stage.SUBMITTED:
            now = serve("driver", now, costs.driver / 2)
        elif stage == _Stage.SCHEDULED:
            now = serve("scheduler", now, costs.scheduler / 2)
        elif stage == _Stage.TRAINED:
            begins = max(now, heapq.heappop(workers_free))
            now = begins + costs.worker + training[chunk]
            if shared:
                now = max(now, heapq.heappop(disks_free)) + commit[chunk]
                heapq.heappush(disks_free, now)
                busy["file system"] += commit[chunk] / commits
            heapq.heappush(workers_free, now)
            busy["workers"] += (now - begins) / workers
        elif stage == _Stage.ANSWERED:
            now = serve("scheduler", now, costs.scheduler / 2)
        else:
            now = serve("driver", now, costs.driver / 2 + (0.0 if shared else commit[chunk]))
            submit(now)
            continue
        heapq.heappush(events, (now, stage + 1, chunk))
    end = max(free.values())
    return Simulated(seconds=end, busy={name: spent / end for name, spent in busy.items()})
