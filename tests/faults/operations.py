"""The module `os` as harness.store.files has it, with a watcher of all that it does to a disk."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.store import files

OPERATIONS = ("open", "write", "fsync", "close", "link", "replace", "rename", "unlink", "mkdir")


class WatchedOs:
    """Gives each operation to `happens`, as its name, the function and its arguments.

    Names that are relative to a folder that is open are given as paths, as if they had come so.
    """

    def __init__(self, happens):
        self._happens = happens

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in OPERATIONS:
            return real

        def call(*arguments, **folders):
            return self._happens(name, real, *_with_paths(arguments, folders))

        return call


def _with_paths(arguments, folders):
    """Replace names by paths, given the descriptors of their folders in their order."""
    names, others = arguments[: len(folders)], arguments[len(folders) :]
    paths = [
        Path(os.readlink(f"/proc/self/fd/{descriptor}"), name)
        for name, descriptor in zip(names, folders.values(), strict=True)
    ]
    return [*paths, *others]


@contextmanager
def watched(happens):
    """Have all operations of harness.store.files go through a function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "os", WatchedOs(happens))
        yield
