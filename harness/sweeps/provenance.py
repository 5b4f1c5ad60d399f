"""Provenance of results: versions, machine, and a hash of the code that determines them."""

import hashlib
import os
import platform
import re
import socket
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.kernels._jit import STAMP

# Packages whose code determines numbers, beside the kernels: their stamp covers the sources in
# kernels/ and the versions of Numba and llvmlite.
_DETERMINING = ("experiment", "training")


@cache
def code_stamp() -> str:
    """Return a hash of all code that determines results."""
    digest = hashlib.sha256(STAMP.encode())
    package = Path(__file__).parents[1]
    for path in sorted(path for name in _DETERMINING for path in (package / name).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Return the versions of Python, harness and the packages that it computes with."""
    packages = ("harness", "numpy", "numba", "llvmlite", "pandas", "pyarrow")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def code_difference(before: Mapping[str, str]) -> str:
    """Say how the code of this process differs from other code, given the versions of that."""
    now = versions()
    differing = [
        f"{package} {now[package]} instead of {before.get(package)}"
        for package in ("harness", "numba", "llvmlite")
        if now[package] != before.get(package)
    ]
    return ", ".join(differing) or "other sources of harness"


def processor() -> str:
    """Return the model name of the processor or, if unknown, its architecture."""
    described = Path("/proc/cpuinfo")
    names: list[str] = []
    if described.exists():
        names = re.findall(r"^model name\s*: (.*)$", described.read_text(), re.MULTILINE)
    return names[0] if names else platform.processor() or platform.machine()


def machine_in_words() -> str:
    """Return processor, number of cores and version of Python."""
    return f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def machine() -> dict[str, str]:
    """Return operating system and processor of this machine."""
    return {"system": platform.platform(), "processor": processor()}


def worker() -> str:
    """Return the name of this process in commits and messages."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def now() -> str:
    """Return the current time for manifests and commits."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def git_commit() -> str | None:
    """Return the git commit of the running harness.

    None if the package is not in a clone of harness, as when it is installed, or if its files have
    changed since the commit. The current folder and its repository do not matter.
    """
    here = Path(__file__).resolve()
    package = here.parents[1]
    name = here.relative_to(package).as_posix()
    tracked = _git(package, "ls-files", "--full-name", "--error-unmatch", name)
    changed = _git(package, "status", "--porcelain", "--", ".")
    if tracked != f"harness/{name}" or changed != "":
        return None
    return _git(package, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of git in a folder; None if there is no git or no repository."""
    # In a git hook, these variables name the repository of the hook.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        found = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def provenance() -> dict[str, Any]:
    """Return the entries of a manifest about code and machine."""
    return {
        "code": code_stamp(),
        "versions": versions(),
        "machine": machine(),
        "git_commit": git_commit(),
    }
