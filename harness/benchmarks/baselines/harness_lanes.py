"""harness itself: one call on one thread, or ranges of runs on several, as a sweep has them."""

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.job import Floats, Job, ssr_of
from harness.blocks import Trainer
from harness.engines.threads import ThreadEngine

# Ranges for each thread, so that none waits long for the last one.
_RANGES = 4


def prepare(job: Job) -> Train:
    """Return what trains with the kernels of harness."""
    trainer = Trainer(job.experiment)
    trainer.compile()
    ranges = min(job.runs, 1 if job.threads == 1 else _RANGES * job.threads)
    ends = np.linspace(0, job.runs, ranges + 1).astype(int).tolist()
    stop = np.zeros(1, dtype=np.uint8)

    def train_range(index: int) -> Floats:
        progress = np.zeros(4, dtype=np.int64)
        block = trainer.train(ends[index], ends[index + 1], stop, progress)
        assert block is not None  # nobody stops it
        return ssr_of(block, job.recorded)

    def train() -> Floats:
        if ranges == 1:
            return train_range(0)
        engine = ThreadEngine(train_range, job.threads)
        found: dict[int, Floats] = {}
        try:
            for index in range(ranges):
                engine.submit(index)
            while engine.in_flight:
                found.update(engine.completed(timeout=1.0))
        finally:
            engine.close()
        return np.concatenate([found[index] for index in range(ranges)])

    return train
