"""Readers while a writer works see whole committed chunks and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

import harness
from harness.results import inspection
from tests.faults.effort import LONG
from tests.faults.sweeps import experiment, read_whole_chunks, tables, train

SEEDS = 400 if LONG else 60


def while_at_work(work, look):
    """Call `look` repeatedly until `work` has ended, and once more; return all results."""
    seen = []
    with ThreadPoolExecutor(1) as pool:
        at_work = pool.submit(work)
        while not at_work.done():
            seen.append(look())
    at_work.result()
    return [*seen, look()]


def test_a_reader_sees_a_growing_number_of_whole_chunks(tmp_path, undisturbed):
    folder, whole = tmp_path / "out", undisturbed(SEEDS)
    seen = while_at_work(
        lambda: train(folder, SEEDS, threads=2), lambda: read_whole_chunks(folder, whole)
    )
    assert all(set(few) <= set(more) for few, more in pairwise(seen))
    assert seen[-1] == list(range(2 * SEEDS))
    assert any(0 < len(some) < 2 * SEEDS for some in seen)
    assert tables(folder) == whole.sha256


def test_of_a_growing_grid_it_sees_the_smaller_or_whole_chunks_of_the_larger(tmp_path, undisturbed):
    folder, whole = tmp_path / "out", undisturbed(SEEDS)
    train(folder, SEEDS // 2)

    def look():
        try:
            return len(read_whole_chunks(folder, whole))
        except (
            harness.ResultsError
        ) as error:  # it had opened the smaller grid, which has been removed
            return str(error)

    seen = while_at_work(lambda: train(folder, SEEDS, threads=2), look)
    errors = [some for some in seen if isinstance(some, str)]
    assert all("No such file" in error or "no finished" in error for error in errors)
    assert seen[-1] == 2 * SEEDS
    assert tables(folder) == whole.sha256


def test_open_results_see_later_commits(tmp_path, undisturbed):
    folder, opened = tmp_path / "out", []

    def look(progress):
        if not opened and list((folder / "commits").glob("0*.json")):
            opened.append(harness.open_results(folder))
            opened.append(opened[0].read_runs(["run_id"]))

    harness.run(experiment(SEEDS), folder, threads=1, progress=look)
    results, first = opened
    assert 0 < len(first) < 2 * SEEDS
    assert len(results.runs) == 2 * SEEDS
    assert len(results.trajectories) == len(undisturbed(SEEDS).trajectories)


def test_status_and_verify_do_not_disturb_a_writer(tmp_path, undisturbed):
    folder = tmp_path / "out"

    def look():
        if not (folder / "manifest.json").exists():
            return 0
        assert not [file for file in inspection.verify(folder) if file.problem]
        return inspection.status(folder).runs_done

    seen = while_at_work(lambda: train(folder, SEEDS, threads=2), look)
    assert seen == sorted(seen)
    assert seen[-1] == 2 * SEEDS
    assert tables(folder) == undisturbed(SEEDS).sha256


def test_verify_accepts_a_partly_grown_grid(tmp_path):
    folder = tmp_path / "out"
    train(folder, 2)

    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harness.run(experiment(4), folder, threads=1, progress=stop)
    assert not [file for file in inspection.verify(folder) if file.problem]
