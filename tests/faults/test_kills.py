"""Killed, stopped and concurrent processes: no run is lost, duplicated or changed."""

import json
import os
import shutil
import signal
import time
from random import Random

import pytest

import harness
from harness.cli import app
from harness.store import Store
from tests.faults.cluster import wait_until
from tests.faults.effort import LONG
from tests.faults.sweeps import commits, read_whole_chunks, reused, tables, train

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the server of processes forks")

ROUNDS = 40 if LONG else 1
KILLS = 25
IN_USE = app._STATUS[harness.InUseError]

SEEDS = 12  # of paused sweeps, which stop after one of twelve chunks


def assert_nothing_is_gone(folder, before):
    """Check that all former commits exist, or that a complete generation has replaced theirs."""
    there = commits(folder)
    assert {name: there[name] for name in before if name in there}.items() <= before.items()
    gone = before.keys() - there.keys()
    if gone:
        store = Store.open(folder)
        assert not store.missing()
        generation = store.manifest.generation
        assert all(f"-g{generation}." not in name for name in gone)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_run_is_lost_or_duplicated_if_a_growing_sweep_is_killed(
    number, server, tmp_path, undisturbed
):
    random, folder, seeds = Random(number), tmp_path / "out", 4
    killed = 0
    for kill in range(KILLS):
        before = commits(folder)
        process = server.run(folder, seeds)
        time.sleep(random.uniform(0, 0.3 if kill % 5 == 0 else 0.08))
        status = server.kill(process)
        assert status in (0, -signal.SIGKILL), server.errors()
        killed += status != 0
        assert_nothing_is_gone(folder, before)
        whole = undisturbed(4 + KILLS // 4 * 2)
        read_whole_chunks(folder, whole)
        if kill % 4 == 3:
            seeds += 2
    assert killed  # or nothing was tested
    assert server.wait(server.run(folder, seeds)) == 0, server.errors()
    assert tables(folder) == undisturbed(seeds).sha256
    run_ids = harness.open_results(folder).runs["run_id"]
    assert run_ids.tolist() == list(range(2 * seeds))
    assert not list(folder.rglob("*.unfinished"))


def test_runs_of_a_smaller_grid_are_not_trained_again_after_kills(server, tmp_path, undisturbed):
    random, folder = Random(3), tmp_path / "out"
    shutil.copytree(undisturbed(4).folder, folder)
    for _ in range(5):
        process = server.run(folder, 8)
        time.sleep(random.uniform(0, 0.06))
        server.kill(process)
    train(folder, 8)
    assert reused(folder) == 2 * 4
    assert tables(folder) == undisturbed(8).sha256


def test_a_stopped_writer_keeps_others_out_until_it_is_killed(server, tmp_path, undisturbed):
    folder = tmp_path / "out"
    stopped = server.run(folder, SEEDS, pause=True)
    server.wait_until_stopped(stopped)
    before = commits(folder)
    with pytest.raises(harness.InUseError, match=f"process {stopped} on "):
        train(folder, SEEDS)
    assert server.wait(server.run(folder, SEEDS)) == IN_USE
    assert f"process {stopped} on " in server.errors()
    assert "Traceback" not in server.errors()
    assert commits(folder) == before
    assert server.kill(stopped) == -signal.SIGKILL
    train(folder, SEEDS)
    assert before.items() <= commits(folder).items()
    assert tables(folder) == undisturbed(SEEDS).sha256


def test_of_two_concurrent_processes_one_works_and_the_other_exits(server, tmp_path, undisturbed):
    folder = tmp_path / "out"
    both = {server.run(folder, SEEDS, pause=True) for _ in range(2)}
    wait_until(lambda: commits(folder))
    first = json.loads((folder / ".writer.json").read_text())["process"]
    server.wait_until_stopped(first)
    (other,) = both - {first}
    assert server.wait(other) == IN_USE
    os.kill(first, signal.SIGCONT)
    assert server.wait(first) == 0
    assert tables(folder) == undisturbed(SEEDS).sha256


def test_a_stale_lock_does_not_stop_a_writer(server, tmp_path, undisturbed):
    folder = tmp_path / "out"
    killed = server.run(folder, SEEDS, pause=True)
    server.wait_until_stopped(killed)
    assert server.kill(killed) == -signal.SIGKILL
    assert (folder / ".lock").exists()
    assert str(killed) in (folder / ".writer.json").read_text()
    train(folder, SEEDS)
    assert tables(folder) == undisturbed(SEEDS).sha256


@pytest.mark.parametrize("text", ["", "{", '{"process": 1}', "[]", "\0"])
def test_any_text_in_the_file_of_the_writer_is_accepted(text, tmp_path, undisturbed):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / ".lock").write_text("")
    (folder / ".writer.json").write_text(text)
    train(folder, 2)
    assert tables(folder) == undisturbed(2).sha256
