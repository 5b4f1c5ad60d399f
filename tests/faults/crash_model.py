"""Model of a disk after a power failure, by the guarantees of POSIX.

The bytes of a file are safe once it has been flushed; before that it may be empty, short, or zeros.
The names in a folder are safe once the folder has been flushed; before that each change may have
reached the disk or not, independently of earlier and later ones. Nothing else is guaranteed.
"""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path


class Killed(BaseException):
    """The process ends here, as by `kill -9`, without any cleanup."""


@dataclass(eq=False)
class File:
    written: bytes = b""
    safe: bytes = b""


@dataclass(eq=False)
class Folder:
    now: dict = field(default_factory=dict)
    safe: dict = field(default_factory=dict)
    changes: list = field(default_factory=list)  # unflushed: names and their files


class Recorder:
    """Executes the operations of `os`, and records their effects on the disk.

    Parameters
    ----------
    base : Path
        A folder that is already safe on the disk.
    """

    def __init__(self, base):
        self.events = []
        self.left = None  # operations until the process is killed
        self._base = base
        self._files = {}  # number of the file by descriptor
        self._names = {}  # number of the file by path
        self._count = 0
        self._lock = threading.Lock()

    def note(self, *event):
        self.events.append(event)

    def __call__(self, name, call, *arguments):
        with self._lock:
            if self.left is not None:
                if self.left == 0:
                    raise Killed
                self.left -= 1
            result = call(*arguments)
            getattr(self, f"_{name}")(result, *arguments)
            return result

    def _change(self, folder, **names):
        self.events.append(("change", str(folder.relative_to(self._base)), names))

    def _mkdir(self, result, path):
        self._change(path.parent, **{path.name: "folder"})

    def _open(self, descriptor, path, flags, mode=0):
        self._count += 1
        self._files[descriptor] = self._names[path] = self._count
        self._change(path.parent, **{path.name: self._count})

    def _write(self, count, descriptor, data):
        self.events.append(("write", self._files[descriptor], bytes(data[:count])))

    def _fsync(self, result, descriptor):
        if descriptor in self._files:
            self.events.append(("flush", self._files[descriptor]))
        else:
            folder = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            self.events.append(("flush", str(folder.relative_to(self._base))))

    def _close(self, result, descriptor):
        del self._files[descriptor]

    def _link(self, result, source, target):
        self._names[target] = self._names[source]
        self._change(target.parent, **{target.name: self._names[target]})

    def _replace(self, result, source, target):
        self._names[target] = self._names.pop(source)
        self._change(target.parent, **{source.name: None, target.name: self._names[target]})

    def _unlink(self, result, path):
        del self._names[path]
        self._change(path.parent, **{path.name: None})


class Disk:
    """State of the disk after the events of a Recorder."""

    def __init__(self, events):
        self.folders = {".": Folder()}
        self._files = {}
        for kind, *about in events:
            if kind in ("change", "write", "flush"):
                getattr(self, f"_{kind}")(*about)

    def _change(self, path, names):
        changed = {}
        for name, entry in names.items():
            if entry == "folder":
                inside = str(Path(path) / name)
                changed[name] = self.folders[inside] = Folder()
            else:
                changed[name] = entry and self._files.setdefault(entry, File())
        self.folders[path].now.update(changed)
        self.folders[path].changes.append(changed)

    def _write(self, number, data):
        self._files[number].written += data

    def _flush(self, what):
        if isinstance(what, int):
            self._files[what].safe = self._files[what].written
        else:
            folder = self.folders[what]
            folder.safe, folder.changes = dict(folder.now), []

    def put(self, path, random, folder=None):
        """Write one of the possible states after the power failure into a new folder."""
        folder = folder or self.folders["."]
        path.mkdir(exist_ok=True)
        likely = random.choice([0, 0.5, 1])
        entries = dict(folder.safe)
        for changed in folder.changes:
            if random.random() < likely:
                entries.update(changed)
        for name, entry in entries.items():
            if isinstance(entry, Folder):
                self.put(path / name, random, entry)
            elif entry is not None:
                (path / name).write_bytes(_content(entry, random))


def _content(file, random):
    if file.written == file.safe:
        return file.safe
    some = random.randrange(len(file.written) + 1)
    kinds = (b"", file.written[:some], bytes(len(file.written)), file.written)
    return random.choice(kinds)
