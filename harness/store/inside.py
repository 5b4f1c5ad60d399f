"""Find things inside a folder without leaving it: no link below the folder is followed.

A results folder may come from a stranger, and a link in it may lead anywhere. So each name is
opened relative to the folder that it is in, and only if it is what it should be: a folder, or a
plain file, not a link, a pipe or a device. The folder itself is the user's choice and may be a
link.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# POSIX opens names relative to a folder that is open. Windows does not; there, each name is looked
# at before it is used.
_RELATIVE = {os.open, os.stat, os.mkdir, os.unlink, os.link, os.rename} <= os.supports_dir_fd

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# Without O_NONBLOCK, opening a pipe waits for its other end.
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
    """A folder that is open.

    Functions of `os` find a name in it as ``os.unlink(folder.at(name), dir_fd=folder.descriptor)``.

    Attributes
    ----------
    path : Path
        Its path, as far as the user knows.
    descriptor : int or None
        Where names are relative to; None on systems that cannot do that.
    """

    path: Path
    descriptor: int | None

    def at(self, name: str) -> str | Path:
        """Return a name in this folder as functions of `os` need it."""
        return self.path / name if self.descriptor is None else name

    def names(self) -> list[str]:
        """Return the names in this folder."""
        return os.listdir(self.path if self.descriptor is None else self.descriptor)

    def look(self, name: str) -> os.stat_result | None:
        """Return what a name stands for, or None if there is nothing; a link is not followed."""
        try:
            return os.stat(self.at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def plain_size(self, name: str) -> int | None:
        """Return the bytes of a plain file, or None if there is nothing of that name.

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
            It is not there, or not a plain file.
        """
        # To open a device can change it, so it is looked at first; and again when it is open.
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
        Names separated by slashes, none of which may be a link.

    Raises
    ------
    OSError
        A name is not there, or not a folder.
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
    """Raise an OSError unless a name stands for what is wanted, a folder or a plain file."""
    kind = stat.S_IFMT(found.st_mode)
    # Junctions of Windows are folders by their mode.
    reparsed = getattr(found, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT
    if kind == wanted and not reparsed:
        return
    what = "a link" if reparsed else _KINDS.get(kind, "a link")
    needed = "a folder" if wanted == stat.S_IFDIR else "a plain file"
    # Neither ENOTDIR nor EISDIR, which are said of the path that the user has named.
    raise OSError(errno.EINVAL, f"{path.name} is {what} and not {needed}", str(path))
