"""Open files and folders inside a folder without following a link out of it.

A results folder may come from a stranger, and a link in it may lead anywhere. So each name is
opened relative to the folder that it is in, and only if it is a folder or a plain file: not a link,
a pipe or a device. The folder itself is the user's choice and may be a link.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# POSIX opens names relative to an open folder. Windows cannot; there, each name is only checked
# before it is used.
_RELATIVE = {os.open, os.stat, os.mkdir, os.unlink, os.link, os.rename} <= os.supports_dir_fd

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# Without O_NONBLOCK, opening a pipe would wait for its other end.
_PLAIN = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """An open folder.

    Pass a name in it to `os` as ``os.unlink(folder.at(name), dir_fd=folder.descriptor)``.

    Attributes
    ----------
    path : Path
        Its path, for messages.
    descriptor : int or None
        Descriptor that names are relative to; None on systems without relative names.
    """

    path: Path
    descriptor: int | None

    def at(self, name: str) -> str | Path:
        """Return the path argument for functions of `os`."""
        return self.path / name if self.descriptor is None else name

    def names(self) -> list[str]:
        """Return the names in this folder."""
        return os.listdir(self.path if self.descriptor is None else self.descriptor)

    def look(self, name: str) -> os.stat_result | None:
        """Return the status of a name, not following a link; None if the name is missing."""
        try:
            return os.stat(self.at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def plain_size(self, name: str) -> int | None:
        """Return the size of a plain file, or None if the name is missing.

        Raises
        ------
        OSError
            It is not a plain file.
        """
        found = self.look(name)
        if found is None:
            return None
        _check_kind(found, stat.S_IFREG, self.path / name)
        return found.st_size

    def open_plain(self, name: str) -> int:
        """Open a plain file for reading, and return its descriptor.

        Raises
        ------
        OSError
            It is missing, or not a plain file.
        """
        # Opening a device can change it, so the kind is checked before, and again when it is open.
        self.plain_size(name)
        descriptor = os.open(self.at(name), _PLAIN, dir_fd=self.descriptor)
        try:
            _check_kind(os.fstat(descriptor), stat.S_IFREG, self.path / name)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor


@contextmanager
def open_folder(root: Path, inside: str = "") -> Iterator[OpenFolder]:
    """Open a folder, or a folder in it.

    Parameters
    ----------
    root : Path
        The folder; links on the way to it are followed.
    inside : str
        Names separated by slashes; none may be a link.

    Raises
    ------
    OSError
        A name is missing, or not a folder.
    """
    path = root
    descriptor = os.open(root, _FOLDER) if _RELATIVE else None
    try:
        for name in filter(None, inside.split("/")):
            here = OpenFolder(path, descriptor)
            found = here.look(name)
            path = path / name
            if found is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            _check_kind(found, stat.S_IFDIR, path)
            if descriptor is not None:
                inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
        yield OpenFolder(path, descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _check_kind(found: os.stat_result, wanted: int, path: Path) -> None:
    """Raise an OSError unless a name has the wanted kind, a folder or a plain file."""
    kind = stat.S_IFMT(found.st_mode)
    # By their mode, the junctions of Windows are folders.
    reparsed = getattr(found, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT
    if kind == wanted and not reparsed:
        return
    actual = "a link" if reparsed else _KINDS.get(kind, "a link")
    needed = "a folder" if wanted == stat.S_IFDIR else "a plain file"
    # Not ENOTDIR or EISDIR, which callers take as errors of the path that the user named.
    raise OSError(errno.EINVAL, f"{path.name} is {actual} and not {needed}", str(path))
