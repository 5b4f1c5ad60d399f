"""A sweep of some chunks that takes milliseconds, and the contents of its folder."""

import hashlib
import tomllib

import pandas as pd

import harness
from harness.experiment import Experiment
from harness.store import TABLES, Reader, Store

# Chunks have two runs here, one chunk per seed: one run converges and the other diverges.
TEXT = """
name = "faults"
network = { layers = [1, 2, 1], activations = ["softplus", "identity"] }
data = { generator = "dosage" }
training = { epochs = 3, learning_rate = 0.1 }
grid = { learning_rate = [0.05, 0.9], init_id = 2 }
record = { epochs = "all" }
"""


def experiment(seeds):
    document = tomllib.loads(TEXT)
    document["grid"]["init_id"] = seeds
    return Experiment.from_mapping(document)


def train(folder, seeds, threads=1):
    return harness.run(experiment(seeds), folder, threads=threads, lanes=1)


def tables(folder):
    """Return the SHA-256 of both tables and both CSV files."""
    results = harness.open_results(folder)
    digest = hashlib.sha256()
    for frame in (results.runs, results.trajectories):
        for name in frame:
            digest.update(f"{name} {frame[name].dtype}\n".encode())
            numbers = pd.api.types.is_numeric_dtype(frame[name].dtype)
            digest.update(
                frame[name].to_numpy().tobytes() if numbers else "\n".join(frame[name]).encode()
            )
    for table in TABLES:
        digest.update((folder / f"{table}.csv").read_bytes())
    return digest.hexdigest()


def commits(folder):
    """Return the contents of the commits by name."""
    return {path.name: path.read_bytes() for path in (folder / "commits").glob("0*.json")}


def reused(folder):
    """Return the number of runs reused from a smaller grid."""
    return sum(c.about.reused_runs for c in Store.open(folder).commits().values())


def leftovers(folder):
    """Return the parts that no commit names, which readers of whole folders would see."""
    there = {f"{table}/{path.name}" for table in TABLES for path in (folder / table).glob("[!.]*")}
    return there - {name for c in Store.open(folder).commits().values() for name in c.files}


def read_whole_chunks(folder, whole):
    """Return the current runs of a folder: whole chunks, each as in the finished sweep `whole`.

    A folder without a manifest or chunks has no runs.
    """
    if not (folder / "manifest.json").exists():
        return []
    reader = Reader(Store.open(folder))
    found = []
    # A chunk committed in between is only in the second table.
    for table in ("trajectories", "runs"):
        if not reader.store.commits():
            return []
        frame = reader.read(table).to_pandas()
        ids = frame["run_id"].unique()
        assert ids.tolist() == [run_id for first in ids[::2] for run_id in (first, first + 1)]
        expected = getattr(whole, table)
        expected = expected[expected["run_id"].isin(ids)].reset_index(drop=True)
        pd.testing.assert_frame_equal(frame, expected, check_exact=True)
        assert set(found) <= set(ids)
        found = ids.tolist()
    return found
