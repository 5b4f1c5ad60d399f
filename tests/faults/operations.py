"""The module `os` as harness.store.files has it, with a watcher of all that it does to a disk."""

import os
from contextlib import contextmanager

import pytest

from harness.store import files

OPERATIONS = ("open", "write", "fsync", "close", "link", "replace", "rename", "unlink", "mkdir")


class WatchedOs:
    """Gives each operation to `happens`, as its name, the function and its arguments."""

    def __init__(self, happens):
        self._happens = happens

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in OPERATIONS:
            return real
        return lambda *arguments: self._happens(name, real, *arguments)


@contextmanager
def watched(happens):
    """Have all operations of harness.store.files go through a function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "os", WatchedOs(happens))
        yield
