"""The thread engine, with work that is no training."""

import threading

import pytest

from harness.engines.threads import ThreadEngine


def collect(engine):
    found = {}
    while engine.in_flight:
        found.update(engine.completed(timeout=5.0))
    return found


def test_every_chunk_comes_back_once_with_its_result():
    engine = ThreadEngine(lambda chunk: chunk**2, threads=2)
    for chunk in range(20):
        engine.submit(chunk)
    assert collect(engine) == {chunk: chunk**2 for chunk in range(20)}
    engine.close()


def test_chunks_are_worked_on_side_by_side():
    # Each waits for the other: on one thread this would never end.
    meeting = threading.Barrier(2, timeout=10.0)
    engine = ThreadEngine(lambda chunk: meeting.wait(), threads=2)
    engine.submit(0)
    engine.submit(1)
    assert sorted(collect(engine).values()) == [0, 1]
    engine.close()


def test_an_exception_of_the_work_is_raised_where_results_are_taken():
    engine = ThreadEngine(lambda chunk: 1 // chunk, threads=1)
    engine.submit(0)
    with pytest.raises(ZeroDivisionError):
        collect(engine)
    engine.close()


def test_close_drops_what_is_queued():
    begun, release = threading.Event(), threading.Event()
    worked_on = []

    def work(chunk):
        worked_on.append(chunk)
        begun.set()
        release.wait(10.0)

    engine = ThreadEngine(work, threads=1)
    for chunk in range(3):
        engine.submit(chunk)
    begun.wait(10.0)
    threading.Timer(0.1, release.set).start()
    engine.close()
    assert worked_on == [0]
