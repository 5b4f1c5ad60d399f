"""Pictures, pages and tables that people ask for: whole or not there, in a folder or beside it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import NoSpaceError, StorageError
from harness.store.files import FULL, LocalFiles


def write_inside(folder: Path, name: str, data: Iterable[Any]) -> Path:
    """Write a file into a folder, which is made if it is not there, and return its path.

    Nothing is written behind a link in the folder, which may come from a stranger.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        Name of the file in it, with slashes, and no more than one of them.
    data : iterable of buffers
        What is written.

    Raises
    ------
    StorageError
        It cannot be written; NoSpaceError if the disk is full. What was there is as it was.
    """
    files = LocalFiles(folder)
    inside = name.rpartition("/")[0]
    try:
        files.make_folders([inside] if inside else [])
        files.replace(name, data)
    except OSError as error:
        raise not_written(folder / name, error) from error
    return folder / name


def write_output(path: Path, results: Path, data: Iterable[Any]) -> Path:
    """Write a file that the user has named, and return its path.

    Links on the way to it are the user's, but for those in the results folder.

    Parameters
    ----------
    path : Path
        The file.
    results : Path
        The results folder that it is made of.
    data : iterable of buffers
        What is written.

    Raises
    ------
    StorageError
        As of `write_inside`.
    """
    folder, name = split_output(path, results)
    return write_inside(folder, name, data)


def split_output(path: Path, results: Path) -> tuple[Path, str]:
    """Return the folder that a file is written into without following links in it, and its name."""
    if path.is_relative_to(results) and ".." not in path.parts:
        return results, path.relative_to(results).as_posix()
    target = path.resolve()
    return target.parent, target.name


def not_written(path: Path, error: OSError) -> StorageError:
    """Return the error for a file that cannot be written."""
    kind = NoSpaceError if error.errno in FULL else StorageError
    return kind(
        f"{path} cannot be written: {error.strerror}.\n"
        "Make room, or name a file elsewhere with --output."
    )
