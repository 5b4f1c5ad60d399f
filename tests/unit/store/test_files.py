"""Parts of a results folder: files that appear when they are whole, sealed documents, a lock."""

import errno
import json
import math
import os
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from harness.errors import InUseError, ResultsError
from harness.store import files as files_module
from harness.store.commits import ChunkCommit, FileRecord
from harness.store.documents import seal, unseal
from harness.store.files import LocalFiles
from harness.store.lock import holder, writer
from tests.made_store import origin


@pytest.fixture
def files(tmp_path):
    local = LocalFiles(tmp_path / "out")
    local.make_folders(["runs"])
    return local


@pytest.fixture
def fake_os(monkeypatch):
    """Return a function that replaces some functions of os, only in harness/store/files.py."""

    def replace(**functions):
        monkeypatch.setattr(files_module, "os", SimpleNamespace(**{**vars(os), **functions}))

    return replace


def everything(folder):
    """Content of every file below a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refuse(code):
    def fail(*arguments, **options):
        raise OSError(code, os.strerror(code))

    return fail


# -- files -----------------------------------------------------------------------------------------


def test_folders_are_made_with_their_parents_and_may_exist(tmp_path):
    local = LocalFiles(tmp_path / "a" / "b")
    for _ in range(2):
        local.make_folders(["runs", "commits"])
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["commits", "runs"]


def test_create_writes_all_buffers_and_never_replaces_a_file(files):
    assert files.create("runs/a", [b"one ", memoryview(b"two"), bytearray(b"!")])
    assert not files.create("runs/a", [b"other"])
    assert everything(files.root) == {"runs/a": b"one two!"}


def test_replace_writes_over_a_file(files):
    files.replace("runs/a", [b"first, and longer"])
    files.replace("runs/a", [b"second"])
    assert everything(files.root) == {"runs/a": b"second"}


def test_content_and_size_of_a_file(files):
    files.create("runs/a", [b"12345"])
    assert files.read("runs/a", 5) == b"12345"
    with pytest.raises(OSError, match=r"runs/a has more than 4 bytes"):
        files.read("runs/a", 4)
    with files.open("runs/a") as file:
        assert file.read(2) == b"12"
    assert files.size("runs/a") == 5
    assert files.size("runs/none") is None
    assert files.size("nowhere/none") is None


def test_names_are_sorted_and_without_unfinished_files(files):
    for name in ("b", "a", ".a.123-abcd.unfinished"):
        (files.root / "runs" / name).write_bytes(b"")
    assert files.names("runs") == ["runs/a", "runs/b"]
    assert files.names("nowhere") == []


def test_remove_ignores_missing_files(files):
    for name in ("a", "b", "c"):
        files.create(f"runs/{name}", [b"x"])
    files.remove(["runs/c", "runs/none", "runs/a"])
    assert list(everything(files.root)) == ["runs/b"]


def test_only_temporary_files_of_killed_processes_are_removed(files):
    for name in (".m.1-ab.unfinished", "runs/.p.1-ab.unfinished", "runs/p", "keep.unfinished"):
        (files.root / name).write_bytes(b"x")
    files.remove_unfinished(["runs"])
    assert sorted(everything(files.root)) == ["keep.unfinished", "runs/p"]


@pytest.mark.parametrize("function", ["write", "fsync", "link"])
def test_a_failed_create_leaves_nothing(files, fake_os, function):
    fake_os(**{function: refuse(errno.EIO)})
    with pytest.raises(OSError, match="Input/output"):
        files.create("runs/a", [b"data"])
    assert everything(files.root) == {}


@pytest.mark.parametrize("function", ["write", "fsync", "replace"])
def test_a_failed_replace_leaves_the_old_file(files, fake_os, function):
    files.create("runs/a", [b"first"])
    fake_os(**{function: refuse(errno.ENOSPC)})
    with pytest.raises(OSError, match="No space"):
        files.replace("runs/a", [b"second"])
    assert everything(files.root) == {"runs/a": b"first"}


def test_data_that_raise_leave_nothing(files):
    def pieces():
        yield b"first"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.create("runs/a", pieces())
    assert everything(files.root) == {}


def test_after_a_partial_write_the_rest_is_written(files, fake_os):
    parts = []

    def write_three(descriptor, data):
        parts.append(bytes(data[:3]))
        return os.write(descriptor, data[:3])

    fake_os(write=write_three)
    files.create("runs/a", [b"0123456", b"78"])
    assert everything(files.root) == {"runs/a": b"012345678"}
    assert parts == [b"012", b"345", b"6", b"78"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_without_hard_links_create_does_the_same(files, fake_os, code):
    fake_os(link=refuse(code))
    assert files.create("runs/a", [b"first"])
    assert not files.create("runs/a", [b"second"])
    assert everything(files.root) == {"runs/a": b"first"}


@pytest.mark.parametrize("kind", ["create", "replace"])
def test_a_file_is_flushed_then_named_then_its_folder_flushed(files, fake_os, kind):
    calls = []

    def noted(name):
        real = getattr(os, name)

        def call(*arguments, **options):
            calls.append(name)
            return real(*arguments, **options)

        return call

    fake_os(**{name: noted(name) for name in ("write", "fsync", "link", "replace")})
    getattr(files, kind)("runs/a", [b"x"])
    assert calls == ["write", "fsync", "link" if kind == "create" else "replace", "fsync"]


# -- sealed documents ------------------------------------------------------------------------------

DOCUMENT = {
    "name": "Größe ∂E/∂w → 0",
    "numbers": [1, -0.0, 0.1, 5e-324, math.inf, -math.inf, 2**70],
    "nested": {"none": None, "yes": True, "": []},
}


def test_a_sealed_document_reads_back():
    read = unseal(seal(DOCUMENT))
    assert read == DOCUMENT
    assert list(read) == list(DOCUMENT)
    assert math.copysign(1.0, read["numbers"][1]) == -1.0
    assert math.isnan(unseal(seal({"nan": math.nan}))["nan"])


def test_a_sealed_document_is_plain_json():
    read = json.loads(seal(DOCUMENT).decode("utf-8"))
    assert len(read.pop("sha256")) == 64
    assert read == DOCUMENT


def test_any_changed_byte_of_a_sealed_document_is_found():
    data = seal({"name": "ä", "runs": 10, "on": True, "x": [0.5, None]})
    for place in range(len(data)):
        # One bit; a space for a line break, for example; a digit for a digit.
        for byte in {data[place] ^ 1, data[place] ^ 0x20, data[place] ^ 0x80, 0x20, 0x31}:
            if byte != data[place]:
                changed = data[:place] + bytes([byte]) + data[place + 1 :]
                with pytest.raises(ValueError, match=r"."):
                    unseal(changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data.replace(b" ", b"  "),
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"[]",
        lambda data: b"null",
        lambda data: b"{}",
        lambda data: b"\xff\xfe",
    ],
)
def test_a_truncated_or_rewritten_sealed_document_is_found(change):
    with pytest.raises(ValueError, match=r"."):
        unseal(change(seal(DOCUMENT)))


# -- commits ---------------------------------------------------------------------------------------


def test_a_commit_reads_back():
    files = {"runs/part-000007-g2.parquet": FileRecord.of(3, b"abc")}
    commit = ChunkCommit(identity="4" * 64, chunk=7, files=files, about=origin(worker="Zoë"))
    assert ChunkCommit.from_json(commit.to_json()) == commit


def test_a_record_has_the_standard_sha256_and_says_how_content_differs():
    record = FileRecord.of(3, bytearray(b"abc"))
    assert (record.rows, record.size) == (3, 3)
    # FIPS 180-2, appendix B.1
    assert record.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert record.difference(b"abc") == ""
    assert record.difference(b"ab") == "has 2 bytes instead of 3"
    assert "SHA-256" in record.difference(b"abd")


# -- the lock --------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from harness.store.lock import writer
with writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that writes into tmp_path."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_the_process_and_machine_of_the_first(tmp_path, other_process):
    with pytest.raises(InUseError) as caught, writer(tmp_path):
        pytest.fail("two processes write")
    assert f"process {other_process.pid} on {socket.gethostname()} since 20" in str(caught.value)
    assert "--out" in str(caught.value)
    assert f"process {other_process.pid} on" in holder(tmp_path)


def test_a_killed_writer_does_not_keep_the_lock(tmp_path, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert (tmp_path / ".lock").exists()
    assert holder(tmp_path) is None
    with writer(tmp_path):
        assert f"process {os.getpid()} on" in holder(tmp_path)


def test_there_is_a_holder_only_while_a_writer_works(tmp_path):
    assert holder(tmp_path) is None
    assert not list(tmp_path.iterdir())  # looking changes nothing
    with writer(tmp_path):
        assert holder(tmp_path) is not None
    assert holder(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_an_exception_releases_the_lock(tmp_path):
    with pytest.raises(KeyError), writer(tmp_path):
        raise KeyError
    assert holder(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    with writer(tmp_path):
        pass


def test_a_writer_with_a_broken_note_is_called_another_process(tmp_path):
    with writer(tmp_path):
        (tmp_path / ".writer.json").write_text("{")
        assert holder(tmp_path) == "another process"


@pytest.mark.parametrize("content", [b"x", None])
def test_another_file_in_the_place_of_the_lock_is_unchanged(tmp_path, content):
    folder, precious = tmp_path / "out", tmp_path / "precious"
    folder.mkdir()
    precious.write_bytes(b"precious")
    if content is None:
        (folder / ".lock").symlink_to(precious)
    else:
        (folder / ".lock").write_bytes(content)
    with pytest.raises(ResultsError, match=r"\.lock is not a lock .*\nRemove it"), writer(folder):
        pytest.fail("it is locked")
    assert holder(folder) is None
    assert (folder / ".lock").read_bytes() == content or precious.read_bytes() == b"precious"
