"""The commands as one application: exit statuses, and errors as messages without a traceback.

Exit status: 0 done, 1 a file, folder or cluster is unusable or broken, 2 bad input, 3 the disk is
full, 4 another process is writing there, 130 stopped by Ctrl-C.

A command is a function in its own file. Files of commands import pandas, numba and the like inside
their functions, so that `--help` does not wait for them.
"""

import gc
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.bench_command import bench
from harness.cli.check_command import check
from harness.cli.command import Command
from harness.cli.explore_command import explore
from harness.cli.export_command import export
from harness.cli.folder_command import status, verify
from harness.cli.map_command import map_, zoom
from harness.cli.new_command import new
from harness.cli.options import BAD_INPUT, FAILED, complain
from harness.cli.plot_command import plot
from harness.cli.predict_command import predict
from harness.cli.report_command import report
from harness.cli.run_command import plan, run
from harness.cli.schema_command import schema
from harness.cli.show_command import show
from harness.cli.trace_command import trace
from harness.errors import (
    ChunkError,
    ClusterError,
    HarnessError,
    InUseError,
    NoSpaceError,
    StorageError,
)

# In the order of `harness --help`, which shows the first line of their docstrings.
_COMMANDS: dict[str, Callable[..., None]] = {
    "new": new,
    "check": check,
    "run": run,
    "plan": plan,
    "trace": trace,
    "show": show,
    "status": status,
    "verify": verify,
    "export": export,
    "predict": predict,
    "report": report,
    "plot": plot,
    "map": map_,
    "zoom": zoom,
    "explore": explore,
    "bench": bench,
    "schema": schema,
}

# The first class that an error belongs to decides.
_STATUS = {
    NoSpaceError: 3,
    StorageError: FAILED,
    InUseError: 4,
    ChunkError: FAILED,
    ClusterError: FAILED,
    HarnessError: BAD_INPUT,
}

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
for _name, _command in _COMMANDS.items():
    app.command(_name, cls=Command)(_command)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.")
    ] = False,
) -> None:
    """Train every point of a grid of small neural networks."""
    if show_version:
        from importlib.metadata import version

        print(f"harness {version('harness')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run a command; print its error, if any, and exit with the status of that error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # characters outside its encoding become escapes
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except (HarnessError, OSError) as error:
        if ctrl_c.stopped():
            raise
        complain(_message(error))
        kinds = (status for kind, status in _STATUS.items() if isinstance(error, kind))
        sys.exit(next(kinds, FAILED))
    finally:
        # Or the interpreter collects garbage among all loaded modules on exit, which takes 0.35 s.
        gc.freeze()


def _message(error: HarnessError | OSError) -> str:
    if isinstance(error, HarnessError):
        return str(error)
    # A full disk, or a folder without permission.
    where = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return " ".join(where.split())
