"""The git commit of results is that of harness, or there is none."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.sweeps import provenance


def git(folder, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit_all(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all of it")
    return git(folder, "rev-parse", "HEAD").strip()


def installed_in(folder):
    """Return the module from a copy of the part of the package that matters."""
    file = folder / "sweeps" / "provenance.py"
    file.parent.mkdir(parents=True)
    shutil.copy(provenance.__file__, file)
    spec = importlib.util.spec_from_file_location("copied_provenance", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed, and without it no commit is recorded")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "notes.txt").write_text("of the user")
    return tmp_path


def test_the_repository_of_the_user_is_not_that_of_harness(repository, monkeypatch):
    commit = commit_all(repository)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    assert provenance.git_commit() != commit


def test_a_clone_has_a_commit_until_the_package_is_changed(repository):
    module = installed_in(repository / "harness")
    assert module.git_commit() is None
    commit = commit_all(repository)
    assert module.git_commit() == commit
    (repository / "notes.txt").write_text("are not code")
    assert module.git_commit() == commit
    with Path(module.__file__).open("a") as file:
        file.write("# changed\n")
    assert module.git_commit() is None


@pytest.mark.parametrize("tracked", [True, False])
def test_an_installed_package_has_no_commit(repository, tracked):
    module = installed_in(repository / "environment" / "site-packages" / "harness")
    if not tracked:
        (repository / ".gitignore").write_text("environment/\n")
    commit_all(repository)
    assert module.git_commit() is None


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance.git_commit() is None
