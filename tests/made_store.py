"""Valid manifests, origins and results folders without any training."""

import math

import numpy as np

from harness.store import Manifest, Origin, Store
from harness.store.data_points import DataPoints

IDENTITY = "1" * 64
EPOCHS = 1000
POINTS = np.array([[0.0], [0.5]])


def manifest(runs, chunk_size, **changes):
    """Return a manifest."""
    values = {
        "identity": IDENTITY,
        "lineage": "2" * 64,
        "runs": runs,
        "chunk_size": chunk_size,
        "chunks": math.ceil(runs / chunk_size),
        "recorded": EPOCHS,
        "experiment": {"name": "made"},
        "created": "2026-01-01T00:00:00.000+00:00",
        "code": "3" * 16,
        "versions": {"harness": "0.1.0"},
        "machine": {"system": "a machine"},
        "git_commit": None,
    }
    return Manifest(**{**values, **changes})


def make_store(folder, runs, chunk_size, **changes):
    Store.prepare(folder)
    points = DataPoints(inputs=POINTS, targets=POINTS)
    return Store.create(folder, manifest(runs, chunk_size, **changes), points)


def origin(**changes):
    """Return the origin of a chunk."""
    values = {
        "worker": "process 1 on here",
        "finished": "2026-01-01T00:00:00.000+00:00",
        "code": "3" * 16,
        "seconds": 1.5,
        "reused_runs": 0,
        "lane_passes": 8,
        "run_passes": 7,
    }
    return Origin(**{**values, **changes})
