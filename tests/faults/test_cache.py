"""Right results with machine code on disk that is damaged, foreign or cannot be written."""

import os
import pickle
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numba
import pytest

from harness.kernels import _cache, _jit
from tests.faults.effort import LONG

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled"),
    pytest.mark.skipif(sys.platform == "win32", reason="modes, links and pipes are those of POSIX"),
]
ROOT = Path(__file__).parents[2]

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)


@pytest.fixture(autouse=True)
def base(tmp_path, monkeypatch):
    """Return a separate cache folder for each test."""
    folder = tmp_path / "base"
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
    _cache.folder_of.cache_clear()
    yield folder
    _cache.folder_of.cache_clear()


def triple(x):
    return x + x + x


def call(function=triple):
    """Call a function like a new process; return whether its machine code was found."""
    dispatcher = _jit.entry(function)
    assert dispatcher(2.0) == function(2.0)
    return sum(dispatcher.stats.cache_hits.values()) == 1


def files(base):
    return sorted(path for path in base.rglob("*.code") if path.is_file())


@pytest.fixture
def kept(base):
    """Return the file of a compiled function."""
    assert not call()
    (file,) = files(base)
    assert call()
    return file


def test_an_empty_folder_is_known(base):
    assert _cache.is_empty(_jit.STAMP)
    call()
    assert not _cache.is_empty(_jit.STAMP)


# -- damaged ---------------------------------------------------------------------------------------


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def link(file):
    other = file.parents[3] / "other"
    file.rename(other)
    file.symlink_to(other)


DAMAGES = {
    "a flipped bit": flip,
    "emptied": lambda file: file.write_bytes(b""),
    "shorter than its checksum": lambda file: file.write_bytes(file.read_bytes()[:31]),
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "zeros": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    "text": lambda file: file.write_text("machine code\n"),
    "gone": lambda file: file.unlink(),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "a link": link,
    "a link to nothing": lambda file: (file.unlink(), file.symlink_to("nowhere")),
    "unreadable": lambda file: file.chmod(0),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_compiled_again_and_replaced(kept, damage):
    damage(kept)
    reads_all = damage is DAMAGES["unreadable"] and os.geteuid() == 0
    assert call() == reads_all
    assert call()
    assert stat.S_ISREG(kept.lstat().st_mode)


def test_a_folder_at_the_path_of_a_file_stays(kept):
    kept.unlink()
    kept.mkdir()
    (kept / "mine").touch()
    assert not call()
    assert (kept / "mine").exists()
    assert not list(kept.parent.glob(".*"))


def test_the_target_of_a_link_is_not_written(kept, tmp_path):
    other = tmp_path / "other"
    other.write_text("mine")
    kept.unlink()
    kept.symlink_to(other)
    assert not call()
    assert other.read_text() == "mine"


def test_any_flipped_bit_is_noticed(kept):
    data = kept.read_bytes()
    for place in range(0, len(data), 1 if LONG else 101):
        for bit in range(8) if LONG else (place % 8,):
            kept.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
            with pytest.raises(_cache.Unusable):
                _cache._read(kept)
    kept.write_bytes(data)
    assert call()


def test_machine_code_under_another_name_is_not_used(kept, base, monkeypatch):
    def double(x):
        return x + x

    assert not call(double)
    other = next(file for file in files(base) if file != kept)
    kept.write_bytes(other.read_bytes())
    assert not call()


def start(before="", **environment):
    """Start a process that runs some code and then calls the function."""
    code = f"import os; {before}\nfrom tests.faults.test_cache import call; print(call())"
    return subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, **environment}, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def found(process):
    """Return whether a process found machine code, after it has ended successfully."""
    out, error = process.communicate()
    assert (process.returncode, error) == (0, "")
    return out == "True\n"


def test_machine_code_for_another_processor_is_not_found(kept, base):
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert not found(start(NUMBA_CACHE_DIR=str(base), **other))
    assert found(start(NUMBA_CACHE_DIR=str(base), **other))
    assert len(files(base)) == 2


# -- several processes, and one that is killed -----------------------------------------------------


def test_three_processes_at_once_with_an_empty_cache(base):
    several = [start(NUMBA_CACHE_DIR=str(base)) for _ in range(3)]
    for process in several:
        found(process)
    assert call()
    (file,) = files(base)
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


@pytest.mark.parametrize(
    ("where", "leaves"),
    [("tempfile.mkstemp", False), ("os.replace", False), ("os.utime", False), ("_tidy", True)],
)
def test_a_killed_process_leaves_a_whole_file_or_none(where, leaves, base):
    kill = (
        "from harness.kernels import _cache;"
        f"before = _cache.{where};"
        f"_cache.{where} = lambda *_, **__: (before(*_, **__), os.kill(os.getpid(), 9))"
    )
    if where == "os.replace":  # or the file would exist
        kill = kill.replace("before(*_, **__), ", "")
    process = start(kill, NUMBA_CACHE_DIR=str(base))
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert call() == leaves
    assert call()


@pytest.mark.torture
def test_kills_at_random_moments(base):
    random = Random(7)
    for _ in range(200):
        process = start(NUMBA_CACHE_DIR=str(base))
        time.sleep(random.uniform(0, 2.5))
        process.kill()
        process.communicate()
        if random.random() < 0.5:
            for file in files(base):
                file.unlink()
    call()
    assert call()


# -- somebody else's -------------------------------------------------------------------------------


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def planted(kept, tmp_path):
    """Return a valid file that runs code when unpickled, and the marker that shows it has run."""
    marker = tmp_path / "marker"
    _cache._write(kept, pickle.dumps(Evil(marker)))
    return marker


def test_the_users_own_file_is_unpickled_which_validates_the_next_tests(planted):
    assert not call()
    assert planted.exists()


PLACES = {"the base": 2, "harness": 1, "the stamp": 0}


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_nothing_is_read_or_written_where_others_may_write(place, mode, kept, planted, base):
    folder = kept.parents[place]
    folder.chmod(mode)
    _cache.folder_of.cache_clear()
    before = kept.read_bytes()
    assert not call()
    assert not planted.exists()
    assert kept.read_bytes() == before
    assert files(base) == [kept]
    why = f"{folder} may be written by others (chmod go-w)"
    assert _cache.folder_of(_jit.STAMP) == (None, why)


@as_root
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_nothing_is_read_or_written_in_a_folder_of_another_user(place, kept, planted):
    folder = kept.parents[place]
    os.chown(folder, 12345, -1)
    _cache.folder_of.cache_clear()
    assert not call()
    assert not planted.exists()
    assert _cache.folder_of(_jit.STAMP) == (None, f"{folder} belongs to another user")


@pytest.mark.parametrize("place", [0, 1])
def test_links_below_the_base_are_not_followed(place, kept, planted):
    folder = kept.parents[place]
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    _cache.folder_of.cache_clear()
    assert not call()
    assert not planted.exists()
    assert _cache.folder_of(_jit.STAMP) == (None, f"{folder} is a link")


def test_the_base_may_be_a_link(kept, base):
    elsewhere = base.with_name("elsewhere")
    base.rename(elsewhere)
    base.symlink_to(elsewhere)
    _cache.folder_of.cache_clear()
    assert call()


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_may_write_is_not_read(mode, kept, planted):
    kept.chmod(mode)
    assert not call()
    assert not planted.exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@as_root
def test_a_file_of_another_user_is_not_read(kept, planted):
    os.chown(kept, 12345, -1)
    assert not call()
    assert not planted.exists()


def test_only_the_user_can_access_folders_and_files(base, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(base / "deeper" / "still"))
    before = os.umask(0)
    try:
        call()
    finally:
        os.umask(before)
    made = [base, *base.rglob("*")]
    assert len(made) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700, 0o600}


# -- no room, no place -----------------------------------------------------------------------------


def test_a_full_disk_does_not_stop_training(base):
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    assert not found(start(full, NUMBA_CACHE_DIR=str(base)))
    assert not [path for path in base.rglob("*") if path.is_file()]


@pytest.mark.parametrize("function", ["mkstemp", "replace", "mkdir", "lstat", "utime"])
def test_failing_system_calls_do_not_stop_training(function, base, monkeypatch):
    def refuse(*_, **__):
        raise OSError

    owner = {"mkstemp": _cache.tempfile, "mkdir": Path}.get(function, _cache.os)
    with monkeypatch.context() as patch:
        patch.setattr(owner, function, refuse)
        assert not call()
    assert not list(base.rglob(".*"))
    _cache.folder_of.cache_clear()
    assert call() == (function == "utime")


def test_a_file_at_the_path_of_the_folder_does_not_stop_training(base):
    base.touch()
    assert not call()
    assert str(base) in _cache.folder_of(_jit.STAMP).problem
    assert base.is_file()


def test_an_empty_variable_is_not_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    call()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


# -- tidied ----------------------------------------------------------------------------------------


def test_recent_stamps_and_foreign_files_stay(kept):
    stamps = kept.parents[1]
    for number in range(_cache._STAMPS + 5):
        old = stamps / f"{number:016x}"
        old.mkdir()
        (old / "some.code").touch()
        os.utime(old, (1000 + number, 1000 + number))
    mine = stamps / "mine"
    mine.mkdir()
    os.utime(mine, (0, 0))

    def double(x):
        return x + x

    call(double)
    last = [f"{number:016x}" for number in range(6, _cache._STAMPS + 5)]
    assert sorted(path.name for path in stamps.iterdir()) == sorted(
        [*last, kept.parent.name, "mine"]
    )
    assert call()


def test_finding_machine_code_counts_as_using_a_stamp(kept):
    os.utime(kept.parent, (0, 0))
    _cache.folder_of.cache_clear()
    assert call()
    assert kept.parent.stat().st_mtime > 0


def test_leftovers_of_killed_processes_go_and_files_in_progress_stay(kept):
    kept.unlink()
    left, written = (kept.parent / f"{_cache._UNFINISHED}{name}" for name in ("left", "written"))
    for path, age in ((left, 2 * _cache._SECONDS_TO_FINISH), (written, 0)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    call()
    assert (left.exists(), written.exists()) == (False, True)


def test_a_folder_that_disappears_does_not_stop_training(kept):
    for file in kept.parent.iterdir():
        file.unlink()
    kept.parent.rmdir()
    assert not call()
