"""Preload module for `dask worker` that gives it the fault named by HARNESS_FAULT."""

import os
import resource

from harness.sweeps import chunk_task, provenance
from harness.training.trainer import Trainer

# The chunk of two runs that fails, and a file-size limit in bytes below that of any part.
POISONED, TINY = 3, 64

_train = Trainer.train


def _on_the_poisoned_chunk(happens):
    def train(self, first, last, *arguments):
        if (first, last) == (2 * POISONED, 2 * POISONED + 2):
            happens()
        return _train(self, first, last, *arguments)

    Trainer.train = train


def _raise():
    raise ArithmeticError("this chunk is poisoned")


def _be_older():
    versions = provenance.versions()
    provenance.code_stamp = lambda: "older"
    provenance.versions = lambda: versions | {"harness": "0.0.9"}


_FAULTS = {
    # The worker has no folder of that name, or another one.
    "elsewhere": lambda: setattr(chunk_task, "is_written_by", lambda folder, token: False),
    "full": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (TINY, TINY)),
    "older": _be_older,
    "poisoned": lambda: _on_the_poisoned_chunk(_raise),
    "deadly": lambda: _on_the_poisoned_chunk(lambda: os._exit(1)),
}


def dask_setup(worker):
    """Install the fault; Dask calls this when the worker starts."""
    _FAULTS[os.environ["HARNESS_FAULT"]]()
