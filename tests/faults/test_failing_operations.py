"""Every file operation fails once: harness raises its own error, and a rerun succeeds.

A failing `close` still closes, and a failing fsync loses data, as in real kernels.
"""

import errno
import os
import shutil
import stat
import threading
from itertools import count

import pytest

from harness.errors import NoSpaceError, ResultsError, StorageError
from tests.faults.effort import LONG
from tests.faults.operations import OPERATIONS, watched
from tests.faults.sweeps import commits, leftovers, reused, tables, train

SEEDS = 3
ERRORS = (errno.EIO, errno.ENOSPC)


class FailsOnce:
    """Makes the nth operation of a kind fail."""

    def __init__(self, operation, nth, number):
        self._operation, self._left, self._number = operation, nth, number
        self._lock = threading.Lock()

    @property
    def has_failed(self):
        return self._left <= 0

    def __call__(self, name, call, *arguments):
        with self._lock:
            self._left -= name == self._operation
            fails = name == self._operation and self._left == 0
        if not fails:
            return call(*arguments)
        if name == "close":
            call(*arguments)
        if name == "fsync" and stat.S_ISREG(os.fstat(*arguments).st_mode):
            os.ftruncate(*arguments, 1)
        raise OSError(self._number, os.strerror(self._number))


def train_with(happens, folder, seeds):
    """Train with a failing operation, and return the error, which must be one of harness."""
    with watched(happens):
        try:
            train(folder, seeds)
        except (StorageError, ResultsError) as error:
            return error
    return None


@pytest.mark.parametrize("grows", [False, True], ids=["new", "growing"])
@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "rename"])
def test_a_failing_operation_costs_a_rerun_but_no_chunk(operation, grows, tmp_path, undisturbed):
    for nth in count(1):
        for number in ERRORS if LONG else [ERRORS[nth % 2]]:
            folder = tmp_path / f"{nth}-{number}"
            if grows:
                shutil.copytree(undisturbed(SEEDS - 1).folder, folder)
            fails = FailsOnce(operation, nth, number)
            error = train_with(fails, folder, SEEDS)
            if not fails.has_failed:
                assert nth > 1 or (grows and operation == "mkdir")
                return
            where = f"{operation} {nth} {errno.errorcode[number]}: {error}"
            if isinstance(error, StorageError):
                assert isinstance(error, NoSpaceError) == (number == errno.ENOSPC), where
            elif error is not None:
                assert "cannot be made" in str(error), where
            there = commits(folder) if (folder / "commits").exists() else {}
            train(folder, SEEDS)
            assert tables(folder) == undisturbed(SEEDS).sha256, where
            after = commits(folder)
            # Files of the smaller grid are removed at the end; its runs are not trained again.
            kept = {name: data for name, data in there.items() if not grows or "-g1" in name}
            assert kept.items() <= after.items(), where
            assert reused(folder) == (2 * (SEEDS - 1) if grows else 0), where
            shutil.rmtree(folder)


def test_parts_of_a_smaller_grid_are_removed_after_one_failure(tmp_path, undisturbed):
    for nth in count(1):
        folder = tmp_path / f"{nth}"
        shutil.copytree(undisturbed(SEEDS - 1).folder, folder)
        fails = FailsOnce("unlink", nth, errno.EIO)
        train_with(fails, folder, SEEDS)
        train(folder, SEEDS)
        assert not leftovers(folder)
        if not fails.has_failed:
            return


def test_short_writes_are_continued(tmp_path, undisturbed):
    def happens(name, call, *arguments):
        if name == "write":
            descriptor, data = arguments
            arguments = (descriptor, data[:99])
        return call(*arguments)

    assert train_with(happens, tmp_path / "out", SEEDS) is None
    assert tables(tmp_path / "out") == undisturbed(SEEDS).sha256


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_file_system_without_links_works(number, tmp_path, undisturbed):
    def happens(name, call, *arguments):
        if name == "link":
            raise OSError(number, os.strerror(number))
        return call(*arguments)

    assert train_with(happens, tmp_path / "out", SEEDS) is None
    assert tables(tmp_path / "out") == undisturbed(SEEDS).sha256


def test_an_error_names_the_file_and_says_what_to_do(tmp_path):
    full = train_with(FailsOnce("write", 4, errno.ENOSPC), tmp_path / "out", SEEDS)
    assert str(tmp_path / "out") in str(full)
    assert "it needs" in str(full)
    assert "Make room" in str(full)
    broken = train_with(FailsOnce("fsync", 20, errno.EIO), tmp_path / "out", SEEDS)
    assert os.strerror(errno.EIO) in str(broken)
    assert "Finished chunks are kept" in str(broken)
