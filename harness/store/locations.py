"""Location of a results folder: a path on this machine, or the URL of an object store.

All other code takes the path that `results_folder` returns and joins names to it. For an object
store it is a UPath, which behaves like a Path; only this module and `objects` know the difference.
"""

from pathlib import Path
from typing import cast

from harness.errors import HarnessError, shown
from harness.store.files import LocalFiles
from harness.store.objects import ObjectFiles

# Stores that can create an object only if none has its name, in one step.
_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")


def results_folder(where: str | Path) -> Path:
    """Return the folder at a path or at the URL of an object store.

    Raises
    ------
    HarnessError
        It is a URL of another kind, or packages for it are not installed.
    """
    if not isinstance(where, str):
        return where
    scheme, separator, path = where.partition("://")
    if not separator:
        return Path(where)
    if scheme == "file":
        return Path(path)
    if scheme not in _STORES:
        raise HarnessError(
            f"{shown(where)} is not a place where results can be kept.\n"
            "Use a folder, or s3://BUCKET/NAME, gs://BUCKET/NAME or az://BUCKET/NAME."
        )
    try:
        from upath import UPath

        found = UPath(where, use_listings_cache=False)
        _ = found.fs  # imports the client library of the store
    except ImportError as error:
        raise HarnessError(
            f"{shown(where)} needs packages that are not installed: {error}\n"
            "Install them: pip install 'harness[objects]', and s3fs, gcsfs or adlfs."
        ) from None
    return cast(Path, found)


def is_local(folder: Path) -> bool:
    """Return whether a results folder is on this machine, not in an object store."""
    return isinstance(folder, Path)


def files_at(folder: Path) -> LocalFiles | ObjectFiles:
    """Return the file operations of a results folder."""
    return LocalFiles(folder) if is_local(folder) else ObjectFiles(folder)
