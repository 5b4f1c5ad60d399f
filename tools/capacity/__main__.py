"""Measure what a chunk costs, and write docs/capacity.md: `make capacity`."""

import math
from pathlib import Path

import numpy as np

from harness.benchmarks.comparison import machine
from harness.experiment import load_experiment
from harness.formatting import duration, shown_bytes
from harness.store.manifest import MAX_CHUNKS
from harness.sweep.engines.threads import available_threads
from tools.capacity.costs import Costs, measure, overhead
from tools.capacity.simulation import simulate

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"
SWEEP = Path(__file__).with_name("sweep.toml")

RUNS, WORKERS = (10**9, 10**12), (10, 100, 1000, 10_000)
# More chunks than these are not simulated one by one: what they take is in proportion.
SIMULATED = 60_000
# Commits that a file system takes side by side, and how much slower than this disk it may be.
COMMITS, SLOWER = 8, 10
ROUNDS = 7


def tell(costs: Costs, pairs: list[tuple[float, float]]) -> str:
    """Return the page."""
    chunk = float(np.median(costs.training + costs.packing))
    commit = float(np.median(costs.commit))
    rows = []
    for runs in RUNS:
        chunks = math.ceil(runs / costs.runs)
        for workers in WORKERS:
            few = min(chunks, SIMULATED)
            for shared in (True, False):
                found = simulate(costs, workers=workers, chunks=few, shared=shared, commits=COMMITS)
                busiest = max(found.busy, key=lambda name: found.busy[name])
                rows.append(
                    f"| 10^{round(math.log10(runs))} | {workers:,} |"
                    f" {'workers' if shared else 'driver'} |"
                    f" {duration(found.seconds * chunks / few)} | {found.busy['workers']:.0%} |"
                    f" {busiest}, {found.busy[busiest]:.0%} |"
                )
    quick = simulate(_of_nothing(costs), workers=2, chunks=5000)
    ratio = float(np.median([there / here for here, there in pairs]))
    each = ",\n".join(f"{here:.1f} s and {there:.1f} s" for here, there in pairs)
    driver_alone = commit + costs.driver
    return f"""\
# What a cluster can take

*Written by `make capacity` on {machine()}. The sweep is the 1-2-1 network of the dosage lesson,
2,000 epochs a run, final parameters and no trajectories; what a chunk costs depends on the
experiment, and `harness plan FILE` says how many there are.*

## What a chunk costs

| what | seconds | who |
|---|---|---|
| training {costs.runs:,} runs, and making the files | {chunk:.3g} | a worker's thread |
| writing {shown_bytes(costs.size)} in three files, and flushing | {commit:.2g} | who writes |
| a task on its way there and back | {costs.scheduler:.2g} | the scheduler |
| | {costs.driver:.2g} | the driver, which is `harness run` |
| | {costs.worker:.2g} | the worker |

Training is measured on {len(costs.training)} chunks, the way there and back on chunks of no work.

**Worker processes against threads.** `harness run` of [a sweep of a
minute](../tools/capacity/sweep.toml) on {available_threads()} threads and on
{available_threads()} worker processes took, in turns,
{each}:
the median of the ratios is {ratio:.3f}.

## Where it ends

- **The scheduler** has {costs.scheduler * 1e3:.1f} ms to do for a chunk: it is busy all the time
  with {chunk / costs.scheduler:,.0f} workers.
- **The driver** has {costs.driver * 1e3:.1f} ms to do for a chunk that a worker has written: enough
  for {chunk / costs.driver:,.0f} workers. Where it writes the chunks itself, because the workers do
  not see the folder, it takes {driver_alone * 1e3:.0f} ms: enough for {chunk / driver_alone:,.0f}.
- **The file system** takes {1 / commit:,.0f} commits a second one after the other on this disk,
  which is enough for {chunk / commit:,.0f} workers. With one that is {SLOWER} times as slow, and
  takes {COMMITS} side by side, it is {COMMITS * chunk / commit / SLOWER:,.0f}.
- **A folder** has at most {MAX_CHUNKS:,} chunks, here {MAX_CHUNKS * costs.runs:.1e} runs. A
  larger sweep is several experiments, with other seeds or other ends of an axis.

## How long it takes

Simulated chunk by chunk with the costs above, each drawn from the measured ones, with {COMMITS}
commits side by side ([tools/capacity/simulation.py](../tools/capacity/simulation.py)). The last
column says who is busiest, and how much of the time.

| runs | workers | chunks are written by | time | workers busy | busiest |
|---|---|---|---|---|---|
{chr(10).join(rows)}

**How far to trust it.** Two workers with chunks of no work did {costs.sent_a_second:,.0f} a second
here, where all processes share {available_threads()} processors; the simulation, where each has
its own, makes it {5000 / quick.seconds:,.0f}. What it leaves out: the time of the network, workers
of different speed, and that a scheduler's costs grow with the number of workers.
"""


def _of_nothing(costs: Costs) -> Costs:
    """Return costs without training and without files."""
    nothing = np.zeros(1)
    return Costs(
        runs=costs.runs,
        size=0,
        training=nothing,
        packing=nothing,
        commit=nothing,
        scheduler=costs.scheduler,
        driver=costs.driver,
        worker=costs.worker,
        sent_a_second=costs.sent_a_second,
    )


def main() -> None:
    """Measure, simulate, write."""
    costs = measure(load_experiment(SWEEP, {"grid.init_id": RUNS[0]}))
    print(costs, flush=True)
    pairs = overhead(SWEEP, ROUNDS)
    PAGE.write_text(tell(costs, pairs), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
