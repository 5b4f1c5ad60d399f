"""The manifest of a results folder: whether there is one, and what it says."""

import json
from pathlib import Path
from typing import Any

from harness.errors import ResultsError
from harness.store.places import files_at
from harness.store.sealed import unseal

MANIFEST = "manifest.json"
FORMAT = 2


def has_manifest(folder: Path) -> bool:
    """Return whether a folder is a results folder."""
    try:
        return files_at(folder).size(MANIFEST) is not None
    except NotADirectoryError:
        return False


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest of a folder says.

    Raises
    ------
    ResultsError
        There is none, or it is broken, or of another format.
    """
    path = folder / MANIFEST
    try:
        data = files_at(folder).read(MANIFEST)
    except OSError as error:
        raise ResultsError(
            f"{folder} is no results folder: {path} cannot be read: {error.strerror}.\n"
            "`harness run FILE` makes one."
        ) from None
    try:
        manifest: dict[str, Any] = json.loads(data)
        if manifest["format"] != 1:  # which had no seal
            manifest = unseal(data)
        if manifest["format"] == FORMAT:
            return manifest
    except (ValueError, TypeError, KeyError) as error:
        raise ResultsError(
            f"{path} is broken: {error}.\nMove {folder} away, and train anew."
        ) from None
    raise ResultsError(
        f"{path} has the format {manifest['format']}; this harness reads {FORMAT}.\n"
        f"Use the version of harness that wrote it, or move {folder} away and train anew."
    )
