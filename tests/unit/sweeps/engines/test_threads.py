"""The engine of threads, with functions that do not train."""

import threading

from harness.sweeps.engines.threads import ThreadEngine
from tests.patience import PATIENCE


def collect(engine, count):
    found = {}
    while len(found) < count:
        found.update(engine.completed(timeout=5.0))
    assert not list(engine.completed(timeout=0.0))
    return found


def test_every_chunk_comes_back_once_with_its_result():
    engine = ThreadEngine(lambda chunk: chunk**2, threads=2)
    for chunk in range(20):
        engine.submit(chunk)
    assert collect(engine, 20) == {chunk: chunk**2 for chunk in range(20)}
    engine.close()


def test_chunks_are_trained_at_the_same_time():
    # Each waits for the other, so on one thread this would never end.
    meeting = threading.Barrier(2, timeout=PATIENCE)
    engine = ThreadEngine(lambda chunk: meeting.wait(), threads=2)
    engine.submit(0)
    engine.submit(1)
    assert sorted(collect(engine, 2).values()) == [0, 1]
    engine.close()


def test_an_exception_is_yielded_with_its_chunk():
    engine = ThreadEngine(lambda chunk: 6 // chunk, threads=1)
    for chunk in range(3):
        engine.submit(chunk)
    found = collect(engine, 3)
    assert isinstance(found.pop(0), ZeroDivisionError)
    assert found == {1: 6, 2: 3}
    engine.close()


def test_there_is_room_for_one_chunk_per_thread():
    release = threading.Event()
    engine = ThreadEngine(lambda chunk: release.wait(PATIENCE), threads=3)
    assert engine.room == 3
    engine.submit(0)
    assert engine.room == 2
    release.set()
    collect(engine, 1)
    assert engine.room == 3
    engine.close()


def test_close_drops_what_is_queued():
    begun, release = threading.Event(), threading.Event()
    worked_on = []

    def work(chunk):
        worked_on.append(chunk)
        begun.set()
        release.wait(PATIENCE)

    engine = ThreadEngine(work, threads=1)
    for chunk in range(3):
        engine.submit(chunk)
    begun.wait(PATIENCE)
    threading.Timer(0.1, release.set).start()
    engine.close()
    assert worked_on == [0]
