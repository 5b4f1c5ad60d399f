"""Measure the cost of a chunk, and write docs/capacity.md. `make capacity` runs it."""

import math
from pathlib import Path

import numpy as np

from harness.experiment import load_experiment
from harness.formatting import duration, shown_bytes
from harness.store.manifest import MAX_CHUNKS
from harness.sweeps.engines.threads import available_threads
from harness.sweeps.provenance import machine_in_words
from tools.capacity.costs import Costs, measure, overhead
from tools.capacity.simulation import simulate

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"
SWEEP = Path(__file__).with_name("sweep.toml")

RUNS, WORKERS = (10**9, 10**12), (10, 100, 1000, 10_000)
# Only this number of chunks is simulated; the time of more chunks is in proportion.
SIMULATED = 60_000
# Commits that a file system handles at once, and how much slower than this disk it may be.
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
    quick = simulate(_of_empty_chunks(costs), workers=2, chunks=5000)
    ratio = float(np.median([there / here for here, there in pairs]))
    each = ",\n".join(f"{here:.1f} s and {there:.1f} s" for here, there in pairs)
    driver_writing = commit + costs.driver
    return f"""\
# Capacity of a cluster

*Written by `make capacity` on {machine_in_words()}. The sweep is the 1-2-1 network of the
dosage lesson, 2,000 epochs per run, final parameters and no trajectories. The cost of a chunk
depends on the experiment; `harness plan FILE` prints the number of chunks.*

## Cost of a chunk

| work | seconds | process |
|---|---|---|
| training {costs.runs:,} runs, and encoding the files | {chunk:.3g} | a worker's thread |
| writing {shown_bytes(costs.size)} in three files, and flushing | {commit:.2g} | the writer |
| sending a task and its result | {costs.scheduler:.2g} | the scheduler |
| | {costs.driver:.2g} | the driver, which is `harness run` |
| | {costs.worker:.2g} | the worker |

Training is measured on {len(costs.training)} chunks, the overhead of sending on empty chunks.

**Worker processes compared with threads.** `harness run` of [a sweep of a
minute](../tools/capacity/sweep.toml) on {available_threads()} threads and on
{available_threads()} worker processes took, alternating,
{each}:
the median of the ratios is {ratio:.3f}.

## Limits

- **The scheduler** has {costs.scheduler * 1e3:.1f} ms of work per chunk: it is saturated by
  {chunk / costs.scheduler:,.0f} workers.
- **The driver** has {costs.driver * 1e3:.1f} ms of work per chunk that a worker has written: enough
  for {chunk / costs.driver:,.0f} workers. If it writes the chunks itself, because the workers do
  not see the folder, it takes {driver_writing * 1e3:.0f} ms: enough for
  {chunk / driver_writing:,.0f}.
- **The file system** handles {1 / commit:,.0f} sequential commits per second on this disk,
  which is enough for {chunk / commit:,.0f} workers. A file system that is {SLOWER} times slower and
  handles {COMMITS} commits at once is enough for {COMMITS * chunk / commit / SLOWER:,.0f}.
- **A folder** has at most {MAX_CHUNKS:,} chunks, here {MAX_CHUNKS * costs.runs:.1e} runs. Split a
  larger sweep into several experiments, with other seeds or other ranges of an axis.

## Time of large sweeps

A simulation of each chunk, with costs drawn from the measured ones and {COMMITS} commits
at once ([tools/capacity/simulation.py](../tools/capacity/simulation.py)). The last
column names the busiest part, and its share of the time.

| runs | workers | writer of chunks | time | workers busy | busiest |
|---|---|---|---|---|---|
{chr(10).join(rows)}

**Accuracy.** Two workers with empty chunks processed {costs.sent_a_second:,.0f} per second
here, where all processes share {available_threads()} processors; the simulation, where each has
its own, predicts {5000 / quick.seconds:,.0f}. It neglects the network,
differences in the speed of workers, and the growth of a scheduler's costs with the number of
workers.
"""


def _of_empty_chunks(costs: Costs) -> Costs:
    """Return the costs of empty chunks."""
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
