"""Suggestions of a shell for arguments; `harness --install-completion` sets them up."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path


def experiment_files(incomplete: str) -> list[str]:
    """Return the TOML files that begin like a path, at most one folder below it."""
    return sorted(_below(incomplete, "*.toml"))


def results_folders(incomplete: str) -> list[str]:
    """Return the results folders that begin like a path, at most one folder below it."""
    from harness.store.manifest import MANIFEST

    return sorted(path.removesuffix(f"/{MANIFEST}") for path in _below(incomplete, f"*/{MANIFEST}"))


def _below(incomplete: str, pattern: str) -> Iterator[str]:
    """Yield paths of a folder, and of the folders in it, that begin with a text."""
    prefix = incomplete[: incomplete.rfind("/") + 1]
    folder = Path(prefix or ".")
    for found in (pattern, f"*/{pattern}"):
        for path in folder.glob(found):
            inside = path.relative_to(folder)
            whole = f"{prefix}{inside.as_posix()}"
            if whole.startswith(incomplete) and not inside.parts[0].startswith("."):
                yield whole


def names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a function that completes some names."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return complete


def templates(incomplete: str) -> list[str]:
    """Return the templates of `harness new` that begin with a text."""
    from harness.experiment.templates import TEMPLATES

    return names(TEMPLATES)(incomplete)
