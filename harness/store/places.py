"""Where a results folder is: a path of this machine, or the URL of an object store.

Everything else takes what `place` returns and joins names to it; that of an object store is a
UPath, which does what a Path does. Only this module and `objects` know of it.
"""

from pathlib import Path
from typing import cast

from harness.errors import HarnessError, shown
from harness.store.files import LocalFiles
from harness.store.objects import ObjectFiles

# Those that make an object only if there is none of that name, in one step.
_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")


def place(where: str | Path) -> Path:
    """Return where a results folder is, given its path or the URL of an object store.

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
            f"{shown(where)} is nowhere that results can be kept.\n"
            "They go into a folder, or to s3://BUCKET/NAME, gs://BUCKET/NAME or az://BUCKET/NAME."
        )
    try:
        from upath import UPath

        found = UPath(where, use_listings_cache=False)
        _ = found.fs  # made at its first use
    except ImportError as error:
        raise HarnessError(
            f"{shown(where)} needs packages that are not installed: {error}\n"
            "Install them: pip install 'harness[objects]', and s3fs, gcsfs or adlfs."
        ) from None
    return cast(Path, found)


def is_local(folder: Path) -> bool:
    """Return whether a results folder is on this machine, and no object store."""
    return isinstance(folder, Path)


def files_at(folder: Path) -> LocalFiles | ObjectFiles:
    """Return the files of a results folder."""
    return LocalFiles(folder) if is_local(folder) else ObjectFiles(folder)
