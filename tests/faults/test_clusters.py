"""Sweeps on Dask clusters while processes die, stop, join, leave or are faulty.

Each sweep ends with the tables of an undisturbed one, or with a single error, after which another
call resumes it.
"""

import os
import signal
import socket
import threading
from contextlib import suppress
from importlib import import_module

import pandas as pd
import psutil
import pytest
from distributed import Client

import harness
from harness.results import inspection
from harness.store import Store
from harness.sweeps import provenance
from harness.sweeps.engines import dask as dask_engine
from harness.sweeps.engines.dask_cluster import connected
from tests.faults.broken_worker import POISONED
from tests.faults.certificates import write_certificates
from tests.faults.cluster import Cluster, end, family, kill, start_harness, wait_until
from tests.faults.sweeps import TEXT, commits, experiment, tables
from tests.object_store import serving_s3

# Seeds of sweeps with chunks of two runs: a few, and enough to disturb the sweep.
FEW, MANY = 6, 60

# For commands, whose chunks have their usual size: 16 chunks of some tenths of a second.
SLOW = """
name = "slow"
network = { layers = [1, 2, 1], activations = ["softplus", "identity"] }
data = { generator = "dosage" }
training = { epochs = 6000, learning_rate = 0.01 }
grid = { init_id = 2048 }
record = { epochs = { log = 20 } }
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return a cluster of two workers that no test disturbs."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        for _ in range(2):
            running.add_worker()
        yield running


@pytest.fixture
def fresh(tmp_path):
    """Return a scheduler for one test, which adds workers."""
    with Cluster(tmp_path) as running:
        yield running


@pytest.fixture
def slowly(monkeypatch):
    """Make sweeps of this file take some tenths of a second per chunk."""
    slower = TEXT.replace("epochs = 3,", "epochs = 200_000,").replace('"all"', "{ log = 20 }")
    monkeypatch.setattr("tests.faults.sweeps.TEXT", slower)


def run(folder, seeds, scheduler, progress=None, **options):
    return harness.run(
        experiment(seeds), folder, scheduler=scheduler, lanes=1, progress=progress, **options
    )


def once(condition, action):
    """Return a progress callback that runs an action once, when a condition becomes true."""
    done = []

    def progress(now):
        if not done and condition(now):
            done.append(True)
            action()

    progress.done = done
    return progress


def after(chunks):
    return lambda now: now.runs_done >= 2 * chunks


def children():
    return psutil.Process().children(recursive=True)


# -- the same tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_worker_processes_yields_the_tables_of_threads(
    workers, tmp_path, undisturbed
):
    harness.run(experiment(FEW), tmp_path / "out", engine="dask", threads=workers, lanes=1)
    assert tables(tmp_path / "out") == undisturbed(FEW).sha256
    names = {commit.about.worker for commit in stored(tmp_path / "out")}
    assert f"process {os.getpid()} on {socket.gethostname()}" not in names
    wait_until(lambda: not any("spawn_main" in " ".join(each.cmdline()) for each in children()))


def stored(folder):
    return Store.open(folder).commits().values()


def test_a_running_cluster_yields_them_too(cluster, tmp_path, undisturbed):
    run(tmp_path / "out", FEW, str(cluster.file))
    assert tables(tmp_path / "out") == undisturbed(FEW).sha256


def test_a_grown_grid_reuses_runs(cluster, tmp_path, undisturbed):
    run(tmp_path / "out", 4, cluster.address)
    run(tmp_path / "out", FEW, cluster.address)
    assert tables(tmp_path / "out") == undisturbed(FEW).sha256
    assert sum(commit.about.reused_runs for commit in stored(tmp_path / "out")) == 2 * 4


def test_workers_without_the_folder_send_their_rows(fresh, tmp_path, undisturbed):
    fresh.add_worker(fault="elsewhere")
    run(tmp_path / "out", 4, fresh.address)
    run(tmp_path / "out", FEW, fresh.address)  # they do not see the former runs
    assert tables(tmp_path / "out") == undisturbed(FEW).sha256


def test_workers_write_into_an_object_store_themselves(tmp_path, monkeypatch, undisturbed):
    with serving_s3() as (bucket, environment), Cluster(tmp_path, environment) as running:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        running.add_worker()
        with monkeypatch.context() as patch:
            patch.setattr(Store, "commit", None)  # the driver writes nothing
            results = run(f"{bucket}/out", FEW, running.address)
        pd.testing.assert_frame_equal(results.runs, undisturbed(FEW).runs, check_exact=True)
        files = Store.open(results.folder).files
        for name in ("runs.csv", "trajectories.csv"):
            assert files.read(name, 1 << 20) == (undisturbed(FEW).folder / name).read_bytes()


@pytest.mark.torture
def test_a_thousand_tiny_chunks(cluster, tmp_path, undisturbed):
    seen = []
    run(tmp_path / "out", 1000, cluster.address, progress=seen.append)
    assert tables(tmp_path / "out") == undisturbed(1000).sha256
    done = [now.runs_done for now in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 2000)


# -- what dies -------------------------------------------------------------------------------------


def test_a_killed_worker_is_replaced_or_not_needed(fresh, tmp_path, slowly):
    lonely, watched = fresh.add_worker(), fresh.add_worker(nanny=True)

    def kill_both():
        kill(psutil.Process(lonely.pid))
        for each in family(watched.pid)[1:]:  # its nanny starts a new one
            kill(each)

    progress = once(after(4), kill_both)
    run(tmp_path / "out", MANY, fresh.address, progress)
    assert progress.done
    assert_same_rows(tmp_path / "out", MANY)


@pytest.mark.torture
def test_nanny_and_worker_are_killed(fresh, tmp_path, slowly):
    first = fresh.add_worker(nanny=True)

    def replace():
        for each in family(first.pid):
            kill(each)
        fresh.add_worker()  # after a while without workers

    progress = once(after(4), replace)
    run(tmp_path / "out", FEW * 3, fresh.address, progress)
    assert progress.done
    assert_same_rows(tmp_path / "out", FEW * 3)


def assert_same_rows(folder, seeds):
    """Compare a folder with the runs of threads, chunk by chunk and without duplicates."""
    fresh = folder.with_name("fresh")
    harness.run(experiment(seeds), fresh, lanes=1)
    assert tables(folder) == tables(fresh)
    assert len(commits(folder)) == seeds
    assert harness.open_results(folder).runs["run_id"].tolist() == list(range(2 * seeds))


@pytest.fixture
def slow(tmp_path):
    """Return an experiment file for commands."""
    (tmp_path / "slow.toml").write_text(SLOW)
    return tmp_path / "slow.toml"


def goes_on_with_threads(slow, folder, before):
    """Finish a folder, and check that former commits are kept and the tables are right."""
    assert before.items() <= commits(folder).items()
    for out in (folder, folder.with_name("fresh")):
        done = start_harness("run", slow, "--out", out, "-q")
        assert end(done) == (0, "")
    assert before.items() <= commits(folder).items()
    assert tables(folder) == tables(folder.with_name("fresh"))


def test_the_scheduler_is_killed(fresh, slow, tmp_path):
    fresh.add_worker()
    out = tmp_path / "out"
    driver = start_harness("run", slow, "--out", out, "--scheduler", fresh.address, "-q")
    wait_until(lambda: len(commits(out)) >= 2)
    kill(psutil.Process(fresh.scheduler.pid))
    before = commits(out)
    status, errors = end(driver)
    assert status == 1
    assert errors.splitlines() == [
        "harness: the scheduler of the cluster no longer answers.",
        "Start a scheduler and workers. Finished chunks are kept, and the same command resumes the"
        " sweep.",
    ]
    goes_on_with_threads(slow, out, before)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_the_command_is_killed_or_stopped_and_leaves_no_process(signal_number, slow, tmp_path):
    out = tmp_path / "out"
    driver = start_harness("run", slow, "--out", out, "--engine", "dask", "--threads", "2", "-q")
    wait_until(lambda: len(commits(out)) >= 2)
    others = family(driver.pid)[1:]
    assert others
    os.killpg(driver.pid, signal_number) if signal_number == signal.SIGINT else driver.kill()
    status, errors = end(driver)
    before = commits(out)
    if signal_number == signal.SIGINT:  # a terminal sends it to all processes
        assert status == 130
        assert errors == (
            "harness: stopped; finished chunks are kept, and the same command resumes.\n"
        )
    wait_until(lambda: not any(each.is_running() for each in others))
    goes_on_with_threads(slow, out, before)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_cluster_outlives_a_command_that_is_killed_or_stopped(
    signal_number, fresh, slow, tmp_path
):
    fresh.add_worker()
    out = tmp_path / "out"
    command = ("run", slow, "--out", out, "--scheduler", fresh.file, "-q")
    driver = start_harness(*command)
    wait_until(lambda: len(commits(out)) >= 2)
    assert f"process {driver.pid} on " in inspection.status(out).writer
    driver.send_signal(signal_number)
    assert end(driver)[0] == (130 if signal_number == signal.SIGINT else -signal.SIGKILL)
    assert inspection.status(out).writer is None
    before = commits(out)
    again = start_harness(*command)
    assert end(again) == (0, "")
    assert before.items() <= commits(out).items()


# -- what stops, comes and goes --------------------------------------------------------------------


@pytest.mark.torture
def test_a_worker_that_is_stopped_for_long_resumes(fresh, tmp_path, slowly):
    stopped, _ = fresh.add_worker(), fresh.add_worker()

    def stop():
        os.kill(stopped.pid, signal.SIGSTOP)
        threading.Timer(8.0, os.kill, (stopped.pid, signal.SIGCONT)).start()  # WORKER_TTL is 4 s

    progress = once(after(4), stop)
    run(tmp_path / "out", MANY, fresh.address, progress)
    assert progress.done
    assert_same_rows(tmp_path / "out", MANY)


@pytest.mark.torture
def test_workers_are_added_and_retired(fresh, tmp_path, slowly):
    fresh.add_worker()

    def more():
        fresh.add_worker()
        fresh.add_worker()

    def fewer():
        with Client(fresh.address, set_as_default=False) as client:
            client.retire_workers(list(client.nthreads())[:2])

    def workers(now):
        return {commit.about.worker for commit in stored(tmp_path / "out")}

    adding = once(after(2), more)
    retiring = once(lambda now: len(workers(now)) == 3, fewer)
    run(tmp_path / "out", 2 * MANY, fresh.address, lambda now: (adding(now), retiring(now)))
    assert retiring.done
    with Client(fresh.address, set_as_default=False) as client:
        assert len(client.nthreads()) == 1
    assert_same_rows(tmp_path / "out", 2 * MANY)


def test_no_workers_for_long_is_an_error(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_engine, "PATIENCE", 2.0)
    with pytest.raises(harness.ClusterError, match=r"no worker .* has been ready for 2\.0 s"):
        run(tmp_path / "out", FEW, fresh.address)


# -- what is not as it should be -------------------------------------------------------------------


def test_a_full_disk_of_a_worker(fresh, slow, tmp_path):
    fresh.add_worker(fault="full")
    out = tmp_path / "out"
    driver = start_harness("run", slow, "--out", out, "--scheduler", fresh.address, "-q")
    status, errors = end(driver)
    assert status == 3
    assert "cannot be written: File too large; it needs " in errors
    assert "Traceback" not in errors
    goes_on_with_threads(slow, out, {})


def test_a_poisoned_chunk_does_not_stop_the_others(fresh, tmp_path, undisturbed):
    fresh.add_worker(fault="poisoned")
    with pytest.raises(harness.ChunkError) as caught:
        run(tmp_path / "out", FEW, fresh.address)
    assert f"chunk {POISONED} of " in str(caught.value)
    assert f"(runs {2 * POISONED} to {2 * POISONED + 1})" in str(caught.value)
    assert "ArithmeticError: this chunk is poisoned" in str(caught.value)
    assert len(commits(tmp_path / "out")) == FEW - 1
    harness.run(experiment(FEW), tmp_path / "out", lanes=1)
    assert tables(tmp_path / "out") == undisturbed(FEW).sha256


def test_a_chunk_that_kills_its_workers_does_not_stop_the_others(fresh, tmp_path, undisturbed):
    fresh.add_worker(nanny=True, threads=2, fault="deadly")  # which gets all chunks at once
    with pytest.raises(harness.ChunkError, match="4 workers died while training it"):
        run(tmp_path / "out", FEW, fresh.address)
    assert len(commits(tmp_path / "out")) == FEW - 1
    harness.run(experiment(FEW), tmp_path / "out", lanes=1)
    assert tables(tmp_path / "out") == undisturbed(FEW).sha256


@pytest.mark.parametrize("later", [False, True])
def test_a_worker_with_other_code_gets_no_work(later, fresh, tmp_path, slowly):
    fresh.add_worker(fault=None if later else "older")
    adding = once(after(2), lambda: fresh.add_worker(fault="older")) if later else None
    with pytest.raises(harness.ClusterError) as caught:
        run(tmp_path / "out", 1000, fresh.address, adding)
    now = provenance.versions()["harness"]
    assert f"(harness 0.0.9 instead of {now})" in str(caught.value)
    assert {commit.about.code for commit in stored(tmp_path / "out")} <= {provenance.code_stamp()}
    assert bool(commits(tmp_path / "out")) == later


class Foreign:
    """Work from a module that the processes of the cluster lack."""

    def __reduce__(self):
        return import_module, ("a_module_of_the_driver_alone",)


def test_work_that_the_cluster_cannot_read_is_an_error(cluster):
    with connected(cluster.address, workers=0) as client:
        engine = dask_engine.DaskEngine(client, Foreign())
        with pytest.raises(harness.ClusterError, match="the cluster cannot read the task: "):
            wait_until(lambda: engine.room > 0)
        engine.close()


# -- who can listen --------------------------------------------------------------------------------


def test_a_local_cluster_listens_only_on_the_loopback_interface(slow, tmp_path):
    driver = start_harness(
        "run", slow, "--out", tmp_path / "out", "--engine", "dask", "--threads", "2", "-q"
    )
    found = {}
    while driver.poll() is None:
        for process in family(driver.pid):
            with suppress(psutil.Error):
                for each in process.net_connections("inet"):
                    if each.status == psutil.CONN_LISTEN:
                        found.setdefault(process.pid, set()).add(each.laddr.ip)
    assert end(driver) == (0, "")
    assert len(found) >= 3  # the command with scheduler and nannies, and two workers
    assert all(addresses == {"127.0.0.1"} for addresses in found.values())


def test_tls_with_certificates(tmp_path, slow):
    settings = write_certificates(tmp_path)
    with Cluster(tmp_path, settings, protocol="tls") as secured:
        assert secured.address.startswith("tls://")
        secured.add_worker()
        out = tmp_path / "out"
        command = ("run", slow, "--out", out, "--scheduler", secured.address, "-q")
        driver = start_harness(*command, environment=os.environ | settings)
        assert end(driver) == (0, "")
        refused = start_harness(*command[:3], tmp_path / "other", *command[4:])
        status, errors = end(refused)
    assert status == 2
    assert "needs certificates" in errors
    goes_on_with_threads(slow, out, commits(out))
    assert not (tmp_path / "other").exists()
