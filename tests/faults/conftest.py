"""Chunks of two runs, and undisturbed sweeps to compare with."""

from types import SimpleNamespace

import pytest

from harness.sweeps import chunks
from harness.sweeps.engines import threads as thread_engine
from harness.sweeps.engines.threads import ThreadEngine
from tests.faults.effort import LONG
from tests.faults.fork_server import ForkServer
from tests.faults.sweeps import tables, train

_undisturbed = {}


def pytest_collection_modifyitems(config, items):
    """Deselect tests that take minutes, except in `make torture`."""
    if not LONG:
        long = [item for item in items if item.get_closest_marker("torture")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.fixture(autouse=True)
def chunks_of_two(monkeypatch):
    monkeypatch.setattr(chunks, "MAX_RUNS", 2)


@pytest.fixture
def undisturbed(tmp_path_factory, chunks_of_two):
    """Return a function from a number of seeds to a sweep: folder, tables and their SHA-256."""

    def get(seeds):
        if seeds not in _undisturbed:
            folder = tmp_path_factory.mktemp("undisturbed") / "out"
            results = train(folder, seeds)
            _undisturbed[seeds] = SimpleNamespace(
                folder=folder,
                sha256=tables(folder),
                runs=results.runs,
                trajectories=results.trajectories,
            )
        return _undisturbed[seeds]

    return get


@pytest.fixture
def in_order(monkeypatch):
    """Write one chunk at a time, so that operations always come in the same order."""
    monkeypatch.setattr(thread_engine, "ThreadEngine", lambda train, _: ThreadEngine(train, 1))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with ForkServer(tmp_path_factory.mktemp("server")) as running:
        yield running
