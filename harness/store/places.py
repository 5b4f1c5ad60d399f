"""Where a results folder is: a path of this machine, or the URL of an object store.

Everything else takes what `place` returns and joins names to it; that of an object store is a
UPath, which does what a Path does. Only this module and `objects` know of it.
"""

from pathlib import Path
from typing import cast

from harness.errors import HarnessError, shown
from harness.store.files import LocalFiles
from harness.store.objects import ObjectFiles


def place(where: str | Path) -> Path:
    """Return where a results folder is, given its path or the URL of an object store.

    Raises
    ------
    HarnessError
        It is a URL of a kind that nobody here knows, or packages for it are not installed.
    """
    text = str(where)
    if not isinstance(where, str) or "://" not in text:
        return Path(where) if isinstance(where, str) else where
    try:
        from upath import UPath
    except ImportError:
        raise HarnessError(
            f"{shown(text)} is an object store, for which packages are not installed.\n"
            "Install them: pip install 'harness[objects]', and s3fs, gcsfs or adlfs."
        ) from None
    try:
        found = UPath(text, use_listings_cache=False)
        _ = found.fs  # made at its first use
    except (ImportError, ValueError) as error:
        raise HarnessError(
            f"{shown(text)} cannot be used: {error}\n"
            "Results go into a folder, or to s3://BUCKET/NAME, gs://BUCKET/NAME or az://..."
        ) from None
    return cast(Path, found)


def is_local(folder: Path) -> bool:
    """Return whether a results folder is on this machine, and no object store."""
    return isinstance(folder, Path)


def files_at(folder: Path) -> LocalFiles | ObjectFiles:
    """Return the files of a results folder."""
    return LocalFiles(folder) if is_local(folder) else ObjectFiles(folder)
