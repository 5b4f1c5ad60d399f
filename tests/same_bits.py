"""Digest of all results of some trainings, printed once per number of lanes and for singles.

For example, `python -m tests.same_bits 1 8`. Tests run it in a separate process, because Numba
chooses the target processor when it starts.
"""

import hashlib
import sys

import numpy as np

from harness.experiment import Experiment
from harness.kernels.descent import COUNTS
from harness.training.trainer import Trainer

POINTS = {
    "inputs": [[0.1, -0.7], [0.9, 0.3], [-1.2, 0.4], [0.6, 1.1], [-0.2, -0.5]],
    "targets": [0.2, 0.8, 0.4, 0.7, 0.1],
}
CLASSES = POINTS | {"targets": [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1], [0.5, 0.25, 0.25]]}


def experiment(activation, last, grid, **training):
    """Return a small sweep that records every epoch and every parameter."""
    loss = "cross_entropy" if last in ("sigmoid", "softmax") else "ssr"
    outputs = 3 if last == "softmax" else 1
    return Experiment.from_mapping(
        {
            "name": activation,
            "network": {"layers": [2, 3, outputs], "activations": [activation, last], "loss": loss},
            "data": CLASSES if last == "softmax" else POINTS,
            "training": {"epochs": 60, "learning_rate": 0.1, **training},
            "initialisation": {"scheme": "normal", "biases": "same", "seed": 11},
            "grid": grid,
            "record": {"parameters": True, "epochs": "all"},
        }
    )


# All activations; runs that converge, diverge or finish; momentum; all kinds of batches.
EXPERIMENTS = (
    experiment("softplus", "identity", {"learning_rate": [0.01, 0.1, 2.0], "init_id": 9},
               tolerance=0.1),
    experiment("sigmoid", "sigmoid", {"momentum": [0.0, 0.9], "init_id": 12}, batch_size=2),
    experiment("tanh", "identity", {"learning_rate_1": [0.1, 1.0], "init_id": 11},
               batch_size=2, batches="shuffled", limit=50.0),
    experiment("relu", "identity", {"init_scale": [0.5, 3.0], "init_id": 10},
               batch_size=3, batches="drawn", momentum=0.5, tolerance=0.2),
)  # fmt: skip


# Single precision is trained in lanes only.
SINGLES = (
    experiment("softplus", "identity", {"learning_rate": [0.01, 0.1, 2.0], "init_id": 9},
               tolerance=0.1, precision="float32"),
    experiment("sigmoid", "sigmoid", {"momentum": [0.0, 0.9], "init_id": 12}, batch_size=2,
               precision="float32"),
    experiment("tanh", "identity", {"learning_rate_1": [0.1, 1.0], "init_id": 21},
               batch_size=2, batches="shuffled", limit=50.0, precision="float32"),
)  # fmt: skip

SOFTMAX = (
    experiment("tanh", "softmax", {"learning_rate": [0.1, 1.0, 60.0], "init_id": 9},
               tolerance=0.3, limit=4.0),
    experiment("relu", "softmax", {"momentum": [0.0, 0.9], "init_id": 12}, batch_size=2,
               batches="shuffled"),
)  # fmt: skip
SOFTMAX_SINGLES = (
    experiment("tanh", "softmax", {"learning_rate": [0.1, 1.0, 60.0], "init_id": 9},
               tolerance=0.3, limit=4.0, precision="float32"),
)  # fmt: skip


def optimised(**training):
    """Return an experiment for each optimiser, with a schedule, batches, a penalty and clipping."""
    return {
        name: experiment("tanh", "identity", {"learning_rate": [0.02, 0.2], "init_id": 9},
                         optimiser=name, schedule="cosine", warm_up=5, clip_norm=0.7, l2=0.01,
                         batch_size=2, batches="shuffled", epochs=20, **training)
        for name in ("sgd", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "rprop")
    }  # fmt: skip


OPTIMISED = optimised()
OPTIMISED_SINGLES = optimised(precision="float32")


def add(digest, tables):
    """Add the rows of some tables to a digest; all NaN count as equal."""
    for table in tables:
        for name, column in table.items():
            values = np.asarray(column)
            if values.dtype == np.float64:
                values = np.where(np.isnan(values), np.nan, values)
            digest.update(name.encode() + b"\0")
            digest.update("\n".join(map(str, values.tolist())).encode())


def digest(lanes, size=None, experiments=EXPERIMENTS):
    """Return the digest of all trainings, in ranges of `size` runs or all at once."""
    found = hashlib.sha256()
    for sweep in experiments:
        trainer, runs = Trainer(sweep, lanes=lanes), sweep.grid.size
        stop, counts = np.zeros(1, np.uint8), np.zeros(COUNTS, np.int64)
        step = size or runs
        blocks = [
            trainer.train(first, min(first + step, runs), stop, counts)
            for first in range(0, runs, step)
        ]
        for kind in ("runs", "trajectories"):
            parts = [
                block.runs if kind == "runs" else block.trajectories.columns() for block in blocks
            ]
            columns = {name: [np.asarray(part[name]) for part in parts] for name in parts[0]}
            add(found, [{name: np.concatenate(pieces) for name, pieces in columns.items()}])
    return found.hexdigest()


def digests(lanes, size=None, experiments=OPTIMISED):
    """Return the first 16 digits of the digest of each experiment, by name."""
    return {name: digest(lanes, size, (sweep,))[:16] for name, sweep in experiments.items()}


if __name__ == "__main__":
    for lanes in map(int, sys.argv[1:]):
        print(digest(lanes))
        print(digest(lanes, experiments=SOFTMAX))
        print(*digests(lanes).values())
    print(digest(16, experiments=SINGLES))
    print(digest(16, experiments=SOFTMAX_SINGLES))
    print(*digests(16, experiments=OPTIMISED_SINGLES).values())
