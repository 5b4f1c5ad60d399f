"""The engine of Dask, with tasks that do not train, and addresses that are allowed."""

import json
import re
import socket
import sys
import threading

import pytest
from distributed import Client, LocalCluster

import harness
from harness.sweeps.engines import dask_cluster
from harness.sweeps.engines.dask import DaskEngine
from harness.sweeps.engines.dask_cluster import address_of
from tests.faults.cluster import wait_until
from tests.patience import PATIENCE


@pytest.fixture(scope="module")
def client():
    """A worker with two threads, in this process."""
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=False,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        ) as cluster,
        Client(cluster, set_as_default=False) as connected,
    ):
        yield connected


class Square:
    prepared = 0

    def prepare(self):
        type(self).prepared += 1

    def __call__(self, chunk):
        return 36 // (chunk - 7)


class Unwilling:
    def prepare(self):
        raise ModuleNotFoundError("No module named 'harness'")


class Waiting:
    release = threading.Event()

    def prepare(self):
        pass

    def __call__(self, chunk):
        assert self.release.wait(PATIENCE)


def wait_for_room(engine):
    while not engine.room:
        assert not list(engine.completed(timeout=0.1))
    return engine.room


def collect(engine, count):
    found = {}
    while len(found) < count:
        found.update(engine.completed(timeout=5.0))
    assert not list(engine.completed(timeout=0.0))
    return found


def test_every_chunk_comes_back_once_with_its_result_or_its_exception(client):
    engine = DaskEngine(client, Square())
    wait_for_room(engine)
    assert Square.prepared == 1
    for chunk in range(20):
        engine.submit(chunk)
    found = collect(engine, 20)
    assert isinstance(found.pop(7), ZeroDivisionError)
    assert found == {chunk: 36 // (chunk - 7) for chunk in range(20) if chunk != 7}
    engine.close()


def test_there_is_room_for_two_chunks_per_thread_once_a_worker_is_ready(client):
    engine = DaskEngine(client, Waiting())
    assert engine.room <= 0
    assert wait_for_room(engine) == 2 * 2
    for chunk in range(4):
        engine.submit(chunk)
    assert engine.room == 0
    Waiting.release.set()
    collect(engine, 4)
    assert engine.room == 4
    engine.close()


def test_nothing_stays_on_the_cluster(client):
    engine = DaskEngine(client, Square())
    wait_for_room(engine)
    for chunk in range(5):
        engine.submit(chunk)
    collect(engine, 5)
    wait_until(lambda: len(client.who_has()) == 1)  # the task
    engine.close()
    wait_until(lambda: not client.who_has())


def test_a_worker_that_cannot_prepare_is_named(client):
    engine = DaskEngine(client, Unwilling())
    with pytest.raises(harness.ClusterError) as caught:
        wait_for_room(engine)
    (address,) = client.nthreads()
    assert str(caught.value).startswith(f"the worker {address} cannot do the task: ModuleNotFound")
    engine.close()


# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786", "tcp://127.1.2.3:1"],
)
def test_a_scheduler_on_this_machine_is_allowed(address, tmp_path):
    assert address_of(address) == address
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": address}))
    assert address_of(str(file)) == address


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.5:8786", "tcp://0.0.0.0:8786", "tcp://192.0.2.1:1", "tcp://[::]:8786",
                "tcp://a..b:8786"]
)  # fmt: skip
def test_a_scheduler_elsewhere_needs_tls(address, tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": address}))
    for given in (address, str(file)):
        with pytest.raises(harness.HarnessError, match="not encrypted") as caught:
            address_of(given)
        assert address in str(caught.value)
        assert "Use tls://" in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1", "tcp://:8786", "tcp://[::1:8786", "tcp://127.0.0.1:x", "tcp://127.0.0.1:99999",
     "http://127.0.0.1:8787", "inproc://1/2/3", "ucx://127.0.0.1:1"],
)  # fmt: skip
def test_other_addresses_are_refused(address):
    with pytest.raises(harness.HarnessError, match=r"must be tcp://HOST:PORT or tls://HOST:PORT"):
        address_of(address)


def test_tls_needs_certificates():
    with pytest.raises(harness.HarnessError, match="needs certificates"):
        address_of("tls://10.0.0.5:8786")


@pytest.mark.parametrize("text", ["", "{}", "[1]", "\0", '{"adress": "tcp://127.0.0.1:1"}'])
def test_other_files_are_refused(text, tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text(text)
    with pytest.raises(harness.HarnessError, match="is not a scheduler file"):
        address_of(str(file))
    with pytest.raises(harness.HarnessError, match="neither an address nor a file"):
        address_of(str(tmp_path / "none.json"))


# -- the face --------------------------------------------------------------------------------------


def test_a_missing_scheduler_is_named_with_the_error_of_the_system(monkeypatch):
    monkeypatch.setattr(dask_cluster, "_ANSWER", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "tcp://127.0.0.1:{1}".format(*server.getsockname())  # free after this line
    with pytest.raises(harness.ClusterError) as caught, dask_cluster.connected(address, workers=0):
        raise AssertionError("there is none")
    # The error of the last try.
    said = r"\[Errno \d+\] Connection refused|Timed out trying to connect to \S+ after 1 s"
    first = str(caught.value).splitlines()[0]
    assert re.fullmatch(f"the scheduler at {address} cannot be reached: ({said})", first)


def test_nothing_is_written_if_the_cluster_is_refused(small, tmp_path):
    for options in (
        {"scheduler": "tcp://10.0.0.5:8786"},
        {"scheduler": "nowhere"},
        {"engine": "dusk"},
    ):
        with pytest.raises(harness.HarnessError):
            harness.run(small(), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_without_dask_the_extra_is_named(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for module in ("dask", "dask_cluster"):
        monkeypatch.delitem(sys.modules, f"harness.sweeps.engines.{module}")
    with pytest.raises(harness.HarnessError, match=r"pip install 'harness\[distributed\]'"):
        harness.run(small(), tmp_path / "out", engine="dask")
