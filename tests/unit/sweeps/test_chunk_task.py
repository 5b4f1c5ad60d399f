"""The task of training a chunk: committed here, sent from elsewhere, pickled."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

import harness
from harness.kernels.descent import COUNTS
from harness.store import Reader, Store
from harness.store.lock import writer
from harness.sweeps import chunks, provenance, resume
from harness.sweeps.chunk_task import ChunkTask
from harness.training.trainer import Trainer
from tests.patience import PATIENCE


@pytest.fixture
def begun(request, small, tmp_path, monkeypatch):
    """A folder of six chunks that this process writes into: its store, and its task.

    The parameter is the number of chunks trained at once.
    """
    monkeypatch.setattr(chunks, "MAX_RUNS", 2)
    experiment, folder = small(), tmp_path / "out"
    Store.prepare(folder)
    trains_at_once = getattr(request, "param", None)
    with writer(folder) as token:
        trainer = Trainer(experiment, lanes=1)
        manifest = resume.make_manifest(trainer)
        store = resume.open_or_create(folder, experiment, manifest, allow_code_change=False)
        yield (
            store,
            ChunkTask(trainer, store, token, trains_at_once=trains_at_once),
        )


def test_a_chunk_is_committed_where_the_folder_is(begun):
    store, task = begun
    trained = task(2)
    assert trained.packed is None
    assert list(store.commits()) == [2]
    runs = Reader(store).read("runs").to_pandas()
    assert runs["run_id"].tolist() == [4, 5]
    assert trained.counts[:2].tolist() == [2, runs["epochs"].sum()]


def test_elsewhere_a_chunk_is_sent_back(begun, tmp_path):
    store, task = begun
    (store.folder / ".writer.json").rename(tmp_path / "moved")
    trained = pickle.loads(pickle.dumps(task(2)))
    assert not store.commits()
    (tmp_path / "moved").rename(store.folder / ".writer.json")
    store.commit(trained.packed)
    parts = {name: store.files.read(name, 1 << 20) for name in trained.packed.parts}
    task(2)  # the same again, and compared
    assert {name: store.files.read(name, 1 << 20) for name in parts} == parts
    assert list(store.commits()) == [2]


def test_it_travels(begun):
    store, task = begun
    task.prepare()
    arrived = pickle.loads(pickle.dumps(task))
    arrived(0)
    counts, stop = np.zeros(COUNTS, dtype=np.int64), np.zeros(1, dtype=np.uint8)
    task(1, counts, stop)
    assert list(store.commits()) == [0, 1]


@pytest.mark.parametrize(("begun", "trains"), [(1, 1), (2, 2)], indirect=["begun"])
def test_the_number_of_chunks_trained_at_once_is_limited(begun, trains, monkeypatch):
    store, task = begun
    task = pickle.loads(pickle.dumps(task))  # as a worker process gets it
    task.prepare()
    train, entered, most = Trainer.train, [], []
    together = threading.Barrier(2)

    def watched(*arguments):
        entered.append(None)
        with suppress(threading.BrokenBarrierError):  # another chunk is trained, or none may be
            together.wait(timeout=0.2 if trains == 1 else PATIENCE)
        most.append(len(entered))
        block = train(*arguments)
        entered.pop()
        return block

    monkeypatch.setattr(Trainer, "train", watched)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(task, range(4)))
    assert max(most) == trains
    assert list(store.commits()) == [0, 1, 2, 3]


def test_a_stopped_chunk_is_not_committed(begun):
    store, task = begun
    counts, stop = np.zeros(COUNTS, dtype=np.int64), np.ones(1, dtype=np.uint8)
    assert task(0, counts, stop) is None
    assert not store.commits()


def test_other_code_prepares_nothing(begun, monkeypatch):
    _, task = begun
    monkeypatch.setattr(provenance, "code_stamp", lambda: "older")
    with pytest.raises(harness.ClusterError, match="other sources of harness"):
        task.prepare()


def test_of_two_different_results_the_first_is_kept_and_both_workers_are_named(begun, monkeypatch):
    store, task = begun
    monkeypatch.setattr(provenance, "worker", lambda: "process 1 on one")
    task(0)
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(provenance, "worker", lambda: "process 2 on other")
    task(0)  # the same numbers
    train = Trainer.train

    def wrong(*arguments):
        block = train(*arguments)
        block.runs["ssr_final"][0] += 1e-12
        return block

    monkeypatch.setattr(Trainer, "train", wrong)
    with pytest.raises(harness.ResultsError) as caught:
        task(0)
    for name in ("process 1 on one at ", "process 2 on other at "):
        assert name in str(caught.value)
    after = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    assert after == before
