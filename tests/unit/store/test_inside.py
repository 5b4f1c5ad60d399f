"""Files inside a folder, opened without leaving it, with and without folder descriptors."""

import os
import re

import pytest

from harness.store import inside
from harness.store.files import LocalFiles
from harness.store.inside import open_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and pipes as in POSIX")


@pytest.fixture(params=[True, False], ids=["relative", "by path"])
def files(request, tmp_path, monkeypatch):
    """File operations, on systems with and without names relative to an open folder."""
    if not request.param:
        monkeypatch.setattr(inside, "_RELATIVE", False)
    local = LocalFiles(tmp_path / "out")
    local.make_folders(["runs"])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").write_bytes(b"precious")
    (tmp_path / "other" / ".a.1-ab.unfinished").write_bytes(b"precious")
    return local


def others(files):
    """Content of the folder beside it."""
    folder = files.root.parent / "other"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


PRECIOUS = {"a": b"precious", ".a.1-ab.unfinished": b"precious"}


def test_files_are_made_read_and_removed(files):
    assert files.create("runs/a", [b"one"])
    assert not files.create("runs/a", [b"two"])
    files.replace("b", [b"three"])
    assert (files.read("runs/a", 3), files.size("b")) == (b"one", 5)
    assert (files.names("runs"), files.entries()) == (["runs/a"], {"runs", "b"})
    files.remove(["runs/a", "b", "none/a"])
    assert (files.names("runs"), files.entries()) == ([], {"runs"})


OPERATIONS = {
    "read": lambda files: files.read("runs/a", 100),
    "open": lambda files: files.open("runs/a"),
    "size": lambda files: files.size("runs/a"),
    "names": lambda files: files.names("runs"),
    "create": lambda files: files.create("runs/new", [b"x"]),
    "replace": lambda files: files.replace("runs/a", [b"x"]),
    "remove": lambda files: files.remove(["runs/a"]),
    "unfinished": lambda files: files.remove_unfinished(["runs"]),
    "folders": lambda files: files.make_folders(["runs"]),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_folder_that_is_a_link_is_refused(files, operation):
    (files.root / "runs").rmdir()
    (files.root / "runs").symlink_to(files.root.parent / "other")
    with pytest.raises(OSError, match="runs is a link and not a folder"):
        OPERATIONS[operation](files)
    assert others(files) == PRECIOUS


@pytest.mark.parametrize("operation", ["read", "open", "size"])
@pytest.mark.parametrize("kind", ["a link", "a pipe", "a folder", "a device"])
def test_only_plain_files_are_opened(files, operation, kind):
    path = files.root / "runs" / "a"
    make = {
        "a link": lambda: path.symlink_to(files.root.parent / "other" / "a"),
        "a pipe": lambda: os.mkfifo(path),
        "a folder": path.mkdir,
        "a device": lambda: path.symlink_to("/dev/zero"),
    }
    make[kind]()
    named = "a link" if kind == "a device" else kind
    with pytest.raises(OSError, match=f"a is {re.escape(named)} and not a plain file") as caught:
        OPERATIONS[operation](files)
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("target", ["other/a", "other/new"])
def test_a_link_is_replaced_or_removed_not_its_target(files, target):
    for change in (
        lambda: files.replace("runs/a", [b"x"]),
        lambda: files.remove(["runs/a"]),
        lambda: files.remove_unfinished(["runs"]),
        lambda: files.create("runs/a", [b"x"]),
    ):
        for name in ("a", ".a.2-cd.unfinished"):
            (files.root / "runs" / name).unlink(missing_ok=True)
            (files.root / "runs" / name).symlink_to(files.root.parent / target)
        change()
        assert others(files) == PRECIOUS


def test_a_file_over_the_limit_is_not_read(files):
    with (files.root / "a").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="a has more than 65,536 bytes"):
        files.read("a", 1 << 16)
    assert files.size("a") == 1 << 40


def test_the_folder_itself_may_be_reached_through_links(files, tmp_path):
    files.create("runs/a", [b"one"])
    (tmp_path / "link").symlink_to(tmp_path)
    assert LocalFiles(tmp_path / "link" / "out").read("runs/a", 3) == b"one"


def test_no_descriptor_is_left_open(files):
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(3):
        with pytest.raises(FileNotFoundError), open_folder(files.root, "runs/none"):
            pytest.fail("it is not there")
        (files.root / "link").symlink_to("runs")
        with pytest.raises(OSError, match="is a link"), open_folder(files.root, "link"):
            pytest.fail("it is a link")
        (files.root / "link").unlink()
    assert not before or len(os.listdir("/proc/self/fd")) == before
