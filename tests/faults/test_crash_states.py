"""Power failures: a sample of the possible states of the disk, with a rerun in each.

Two sweeps are recorded, the second with a larger grid in the same folder. In any state, the chunks
for which `keep` has returned must exist, readers must see whole chunks, and a rerun must end with
the tables of an undisturbed sweep.
"""

import os
import shutil
from pathlib import Path
from random import Random

import pytest

from harness.results import inspection
from harness.store import Store
from harness.store.csv_files import CSV_COMMIT
from tests.faults.crash_model import Disk, Killed, Recorder
from tests.faults.effort import LONG
from tests.faults.operations import watched
from tests.faults.sweeps import commits, read_whole_chunks, reused, tables, train

STATES = 2_500 if LONG else 60
KILLS = 300 if LONG else 15
SEEDS = (2, 3)  # of the first sweep, and of the grown one


@pytest.fixture
def record(in_order, monkeypatch):
    """Return a function that records a sweep, and when it wrote each chunk."""
    commit = Store.commit

    def start(recorder, folder, seeds):
        def commit_and_note(store, packed):
            commit(store, packed)
            chunk = packed.commit.chunk
            name = store.name_of_commit(chunk)
            recorder.note("kept", seeds, Path(name).name, store.files.read(name, 1 << 20))

        recorder.note("began", seeds)
        with watched(recorder), monkeypatch.context() as patch:
            patch.setattr(Store, "commit", commit_and_note)
            train(folder, seeds)
        recorder.note("ended", seeds)

    return start


def check_state(events, base, random, undisturbed):
    """Simulate a power failure after some events; read the folder, and run again."""
    folder = base / "out"
    Disk(events).put(base, random)
    seeds = [about[0] for kind, *about in events if kind == "began"][-1]
    kept = dict(about[1:] for kind, *about in events if kind == "kept" and about[0] == seeds)
    assert kept.items() <= commits(folder).items()
    whole = undisturbed(SEEDS[-1])
    before = read_whole_chunks(folder, whole)
    if events[-1] == ("ended", seeds):
        assert tables(folder) == undisturbed(seeds).sha256
    if (folder / "manifest.json").exists():
        store = Store.open(folder)
        files = [file for each in (store, *store.earlier()) for file in inspection.check(each)]
        wrong = [file for file in files if file.problem]
        # The CSV files are derived, and a rerun writes them again.
        assert {file.commit for file in wrong} <= {CSV_COMMIT}, wrong
    train(folder, seeds)
    assert tables(folder) == undisturbed(seeds).sha256
    assert kept.items() <= commits(folder).items()
    if seeds == SEEDS[1]:
        assert reused(folder) == 2 * SEEDS[0]
    return before


def test_no_power_failure_loses_or_changes_a_chunk(record, tmp_path, undisturbed):
    recorder = Recorder(tmp_path)
    for seeds in SEEDS:
        record(recorder, tmp_path / "out", seeds)
    random = Random(7)
    found = set()
    for state in range(STATES):
        end = len(recorder.events) if state == 0 else random.randrange(1, len(recorder.events))
        base = tmp_path / f"state{state}"
        found.add(len(check_state(recorder.events[:end], base, random, undisturbed)))
        shutil.rmtree(base)
    assert found >= {0, 2, 4}  # or the states were not interesting


def test_nor_does_one_that_follows_a_killed_process(record, tmp_path, undisturbed):
    # The next process must not rely on files that the killed one did not flush.
    random = Random(8)
    for attempt in range(KILLS):
        base = tmp_path / f"kill{attempt}"
        base.mkdir()
        recorder = Recorder(base)
        if attempt % 2:
            record(recorder, base / "out", SEEDS[0])
        recorder.left = random.randrange(8, 90)
        with pytest.raises(Killed):
            record(recorder, base / "out", SEEDS[attempt % 2])
        recorder.left = None
        killed = len(recorder.events)
        record(recorder, base / "out", SEEDS[attempt % 2])
        for number in range(3):
            last = random.randrange(killed + 1, len(recorder.events) + 1)
            events = recorder.events[: last if number else None]
            check_state(events, base / f"state{number}", random, undisturbed)
        shutil.rmtree(base)


@pytest.mark.parametrize("operations", [1, 2, 22, 23, 24, 29, 30, 31])
def test_folders_and_documents_that_a_killed_process_did_not_flush_are_flushed_by_the_next(
    operations, record, tmp_path, undisturbed
):
    recorder = Recorder(tmp_path)
    recorder.left = operations  # 1 creates the folder, 22 its data points, 29 its manifest
    with pytest.raises(Killed):
        record(recorder, tmp_path / "out", SEEDS[0])
    recorder.left = None
    killed = len(recorder.events)
    record(recorder, tmp_path / "out", SEEDS[0])
    random = Random(operations)
    for number in range(15):
        last = random.randrange(killed + 1, len(recorder.events) + 1)
        events = recorder.events[: last if number else None]
        check_state(events, tmp_path / f"state{number}", random, undisturbed)


def test_the_model_loses_what_was_not_flushed(tmp_path):
    # The tests above prove nothing if the model loses nothing.
    recorder, path = Recorder(tmp_path), tmp_path / "file"
    descriptor = recorder("open", os.open, path, os.O_WRONLY | os.O_CREAT, 0o666)
    recorder("write", os.write, descriptor, b"by")
    recorder("close", os.close, descriptor)
    recorder("link", os.link, path, tmp_path / "other")
    seen = set()
    for number in range(500):
        Disk(recorder.events).put(tmp_path / f"{number}", Random(number))
        seen |= {tuple((p.name, p.read_bytes()) for p in (tmp_path / f"{number}").iterdir())}
    assert () in seen
    single = {state[0] for state in seen if len(state) == 1}
    contents = (b"", b"b", b"by", bytes(2))
    assert single >= {(name, data) for name in ("file", "other") for data in contents}
