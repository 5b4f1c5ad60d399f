"""The commands: arguments in, one function of the package called, exit status out.

Exit status: 0 done, 1 a file, folder or cluster cannot be used or is broken, 2 bad input, 3 the
disk is full, 4 another process writes there, 130 stopped by Ctrl-C; always with one message and no
traceback. What harness needs for training is imported inside the commands,
so that `--help` does not wait for a compiler.
"""

import gc
import sys
from functools import partial
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.explore_command import explore
from harness.cli.export_command import export
from harness.cli.map_command import map_, zoom
from harness.cli.options import KEPT, Changes, File, Folder, Threads, complain, load
from harness.cli.plot_command import plot
from harness.cli.report_command import report
from harness.errors import (
    ChunkError,
    ClusterError,
    HarnessError,
    InUseError,
    NoSpaceError,
    StorageError,
)
from harness.sweep.engines import ENGINES

FAILED = 1
BAD_INPUT = 2

# The first class that an error belongs to decides.
_STATUS = {
    NoSpaceError: 3,
    StorageError: FAILED,
    InUseError: 4,
    ChunkError: FAILED,
    ClusterError: FAILED,
    HarnessError: BAD_INPUT,
}

app = typer.Typer(
    help="Train every point of a grid of small neural networks.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.")
    ] = False,
) -> None:
    """Train every point of a grid of small neural networks."""
    if show_version:
        print(f"harness {version('harness')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(short_help="Train FILE, or go on where it stopped.")
def run(
    file: File,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Results folder, or its URL; results/NAME if left out."),
    ] = None,
    changes: Changes = None,
    threads: Threads = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="; ".join(f"{name}: {entry.where}" for name, entry in ENGINES.items()) + ".",
        ),
    ] = "threads",
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Train on a running Dask cluster: tcp://..., tls://... or its scheduler file.",
        ),
    ] = None,
    allow_code_change: Annotated[
        bool,
        typer.Option("--allow-code-change", help="Go on where another version of harness began."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Train every run of FILE, or those that are missing in its results folder.

    What is finished stays, whatever happens; the same command goes on. If the grid or the number
    of epochs has grown, only what is new is trained.
    """
    ctrl_c.keeping(KEPT)
    from harness.cli import summary_screen, sweep_screen
    from harness.sweep import run as sweep

    experiment = load(file, changes)
    train = partial(
        sweep.run,
        experiment,
        out,
        threads=threads,
        engine=engine,
        scheduler=scheduler,
        allow_code_change=allow_code_change,
    )
    if quiet:
        train()
        return
    sweep_screen.announce(experiment)
    with sweep_screen.ProgressBar(experiment.grid.size) as bar:
        results = train(progress=bar.move)
    sweep_screen.say_how_long(bar.last)
    summary_screen.summarise(results)


@app.command(short_help="Say what FILE would take.")
def plan(file: File, changes: Changes = None, threads: Threads = None) -> None:
    """Say what FILE takes: runs, updates, time, memory and bytes; nothing is trained."""
    from harness.cli import sweep_screen
    from harness.sweep import plan as planning

    experiment = load(file, changes)
    sweep_screen.announce(experiment)
    sweep_screen.show_plan(planning.plan(experiment, threads=threads))


@app.command(short_help="Show the chain rule of one update.")
def trace(
    file: File,
    epoch: Annotated[int, typer.Option(help="After how many epochs; 0 is the first update.")] = 0,
    parameter: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One parameter, w1 or W11(1); all if left out."),
    ] = None,
    run_id: Annotated[int, typer.Option("--run", help="Which run of the grid.")] = 0,
    notation: Annotated[
        str | None,
        typer.Option(help='"numbered" (x1, y1, w1) or "matrix" (h1, W11(1)), as the lessons have.'),
    ] = None,
    changes: Changes = None,
) -> None:
    """Show the chain rule of one update of FILE, factor by factor."""
    from harness.analysis import chain_rule
    from harness.cli import trace_screen

    experiment = load(file, changes)
    trace_screen.show_trace(
        chain_rule.trace(
            experiment,
            run_id=run_id,
            epoch=epoch,
            parameter=parameter,
            notation=notation,
        )
    )


@app.command(short_help="Say what the results in DIR came to.")
def show(folder: Folder) -> None:
    """Say what the results in DIR came to."""
    from harness.cli import summary_screen
    from harness.results import tables

    summary_screen.summarise(tables.open_results(folder))


@app.command(short_help="Say how far DIR is, and who writes there.")
def status(folder: Folder) -> None:
    """Say how far the sweep in DIR is: done, missing, rate, and which process writes there."""
    from harness.cli import folder_screens
    from harness.results import inspection

    folder_screens.show_status(folder, inspection.status(folder))


@app.command(short_help="Compare every byte in DIR with its checksum.")
def verify(folder: Folder) -> None:
    """Compare every byte in DIR with its checksum, and name what is broken.

    `harness run` then trains the chunks of the broken files again. Exit status 1 if there are any.
    """
    from harness.cli import folder_screens
    from harness.results import inspection

    if folder_screens.show_checked(folder, inspection.verify(folder)):
        complain("`harness run FILE` trains the runs of the broken files again.")
        raise typer.Exit(FAILED)


app.command(short_help="Write a table of DIR as CSV or Parquet.")(export)
app.command(short_help="Write a page that shows what DIR came to.")(report)
app.command(short_help="Draw a picture of the results in DIR.")(plot)
app.command("map", short_help="Train two axes of FILE as an image.")(map_)
app.command(short_help="Follow the boundary in FILE, image by image.")(zoom)
app.command(short_help="Walk about in a map of FILE, in a window.")(explore)


@app.command(short_help="Compare the speed with other ways to train.")
def bench(
    workloads: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORKLOAD",
            help="dosage, recorded, xor, tanh, square, early; by-runs, by-epochs, by-width,"
            " by-points; all of them if left out.",
        ),
    ] = None,
    baselines: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="python, numpy, numpy-batched, numpy-matmul, numba, jax-vmap, jax-batched, torch,"
            " torch-batched, torch-vmap; those that are installed if left out.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Take less than a minute, for rough figures.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where table and pictures go.")] = Path(
        "results/bench"
    ),
    threads: Annotated[
        int | None, typer.Option(min=1, help="Cores that are compared beside one; all of them.")
    ] = None,
) -> None:
    """Compare the speed with other ways to train the same, on one core and on all.

    A baseline that does not come to the same SSR has no figure. Needs the extra `bench`; JAX and
    PyTorch come with the extra `peers`.
    """
    ctrl_c.keeping("nothing was kept.")
    from harness.benchmarks import comparison, picture
    from harness.cli import bench_screen

    names = [name.strip() for name in (baselines or "").split(",") if name.strip()]
    comparison.check_names(workloads or [], names)
    with bench_screen.TimingBar() as bar:
        table = comparison.compare(
            workloads or [], names, out, quick=quick, threads=threads, report=bar.move
        )
    bench_screen.show_table(table)
    pictures = picture.draw(table, out) if comparison.has_package("matplotlib") else None
    bench_screen.show_files(out, pictures, table["machine"].iloc[0], bar.failed)


def main() -> None:
    """Run a command, and say what went wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what its encoding lacks is printed as an escape
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
        # Or Python looks for garbage in all that was loaded before it ends, which takes 0.35 s.
        gc.freeze()


def _message(error: HarnessError | OSError) -> str:
    if isinstance(error, HarnessError):
        return str(error)
    # A full disk, or a folder without permission.
    where = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return " ".join(where.split())
