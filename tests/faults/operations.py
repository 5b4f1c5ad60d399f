"""A proxy for `os` in harness.store.files that reports all its operations on the disk."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.store import files

OPERATIONS = ("open", "write", "fsync", "close", "link", "replace", "rename", "unlink", "mkdir")


class WatchedOs:
    """Passes the name, function and arguments of each operation to `happens`.

    Names relative to an open folder are passed as full paths.
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
    """Replace names by paths, given the descriptors of their folders in order."""
    names, others = arguments[: len(folders)], arguments[len(folders) :]
    paths = [
        Path(os.readlink(f"/proc/self/fd/{descriptor}"), name)
        for name, descriptor in zip(names, folders.values(), strict=True)
    ]
    return [*paths, *others]


@contextmanager
def watched(happens):
    """Route all operations of harness.store.files through a function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "os", WatchedOs(happens))
        yield
