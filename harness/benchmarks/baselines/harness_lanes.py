"""harness itself: one call of a kernel on one thread, or ranges of runs on several."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.job import Floats, Job
from harness.training.buffers import make_counts, make_rows, start
from harness.training.trainer import Trainer

# Ranges per thread, so that no thread waits long for the last one; runs per group of lanes.
_RANGES = 4
_GROUP = 16


def prepare(job: Job) -> Train:
    """Return a function that trains with the kernels of harness."""
    trainer = Trainer(job.experiment)
    trainer.compile()
    variant, axes = trainer.variant(0), job.experiment.grid
    at_once = job.runs if job.threads == 1 else -(-job.runs // (_RANGES * job.threads))
    size = -(-at_once // _GROUP) * _GROUP
    firsts = range(0, job.runs, size)
    stop = np.zeros(1, dtype=np.uint8)

    def train_range(index: int) -> Floats:
        run_ids = np.arange(firsts[index], min(firsts[index] + size, job.runs))
        runs = start(variant, axes.columns(run_ids), run_ids.size)
        rows = make_rows(run_ids.size, variant.plan.recorded.size, keeps_loss=False)
        counts = make_counts(1)[0]
        trainer.train_runs(variant, runs, rows, stop, counts)
        return rows.ssr_trajectory if job.recorded else rows.ssr[:, 1:2]

    def train() -> Floats:
        if job.threads == 1:
            return np.concatenate([train_range(index) for index in range(len(firsts))])
        with ThreadPoolExecutor(job.threads) as pool:
            return np.concatenate(list(pool.map(train_range, range(len(firsts)))))

    return train
