"""Plots, reports and tables for users: complete files, in a results folder or elsewhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import NoSpaceError, StorageError
from harness.store.files import FULL, LocalFiles


def write_inside(folder: Path, name: str, data: Iterable[Any]) -> Path:
    """Write a file into a folder, which is made if needed, and return the file's path.

    Links in the folder are not followed, because it may come from a stranger.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        Name of the file in it, with at most one slash.
    data : iterable of buffers
        The content.

    Raises
    ------
    StorageError
        The file cannot be written; NoSpaceError if the disk is full. An existing file is then
        unchanged.
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

    Links on the way to it are followed, except those inside the results folder.

    Parameters
    ----------
    path : Path
        The file.
    results : Path
        The results folder that it is made from.
    data : iterable of buffers
        The content.

    Raises
    ------
    StorageError
        As in `write_inside`.
    """
    folder, name = split_output(path, results)
    return write_inside(folder, name, data)


def split_output(path: Path, results: Path) -> tuple[Path, str]:
    """Split a path into the folder below which links are not followed, and the name inside it."""
    if path.is_relative_to(results) and ".." not in path.parts:
        return results, path.relative_to(results).as_posix()
    target = path.resolve()
    return target.parent, target.name


def not_written(path: Path, error: OSError) -> StorageError:
    """Return the error for a file that cannot be written."""
    kind = NoSpaceError if error.errno in FULL else StorageError
    return kind(
        f"{path} cannot be written: {error.strerror}.\n"
        "Make room, or name another file with --output."
    )
