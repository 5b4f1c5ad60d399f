"""With what results were made: versions, machine, and a stamp of the code that decides numbers."""

import hashlib
import os
import platform
import re
import socket
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.kernels._jit import STAMP

# Packages beside the kernels, whose stamp has the versions of the compiler in it.
_DECIDING = ("experiment", "training")


@cache
def code_stamp() -> str:
    """Return a hash of everything that decides a number of the results, but for the experiment."""
    digest = hashlib.sha256(STAMP.encode())
    package = Path(__file__).parents[1]
    for path in sorted(path for name in _DECIDING for path in (package / name).glob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that take part."""
    packages = ("harness", "numpy", "numba", "llvmlite", "pandas", "pyarrow")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def processor() -> str:
    """Return the model name of the processor or, if unknown, its architecture."""
    described = Path("/proc/cpuinfo")
    names: list[str] = []
    if described.exists():
        names = re.findall(r"^model name\s*: (.*)$", described.read_text(), re.MULTILINE)
    return names[0] if names else platform.processor() or platform.machine()


def machine() -> dict[str, str]:
    """Return what this machine is."""
    return {"system": platform.platform(), "processor": processor()}


def worker() -> str:
    """Return the name of this process, which a commit carries."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def git_commit() -> str | None:
    """Return the commit of harness that is running.

    None if the package is not in a clone of harness, as when it is installed, or if its files are
    not as they were committed. The folder that the user stands in, and its repository, do not
    matter.
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
    """Return what git prints about a folder; None if there is no git or no repository."""
    # In a hook of git these name the repository of the hook.
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
    """Return what the manifest of a results folder says of the software and the machine."""
    return {
        "code": code_stamp(),
        "versions": versions(),
        "machine": machine(),
        "git_commit": git_commit(),
    }
