"""`harness run` and `harness plan`: train a sweep, or estimate what it takes."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import ctrl_c
from harness.cli.completion import names
from harness.cli.loading import loading
from harness.cli.options import KEPT, Changes, File, Threads, load
from harness.cli.printing import say
from harness.formatting import duration, plural, shown_bytes
from harness.sweep.engines import ENGINES

if TYPE_CHECKING:
    from harness.sweep.plan import Plan


def run(
    file: File,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Results folder or its URL.", show_default="results/NAME"),
    ] = None,
    changes: Changes = None,
    threads: Threads = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="; ".join(f"{name}: {entry.where}" for name, entry in ENGINES.items()) + ".",
            autocompletion=names(ENGINES),
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
        typer.Option(
            "--allow-code-change", help="Resume a sweep that another version of harness started."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Train the runs of FILE, or resume an unfinished sweep.

    Finished runs are kept whatever happens, and the same command resumes the sweep. If the grid
    or the number of epochs has grown, only what is new is trained.
    """
    ctrl_c.keeping(KEPT)
    with loading():
        from harness.cli import summary_screen, sweep_screen
        from harness.kernels import _cache
        from harness.kernels._jit import STAMP
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
    if _cache.is_empty(STAMP):
        say("First use: compiling takes about ten seconds, once on this machine.")
    with sweep_screen.ProgressBar(experiment.grid.size) as bar:
        results = train(progress=bar.move)
    sweep_screen.say_how_long(bar.last)
    summary_screen.summarise(results)


def plan(file: File, changes: Changes = None, threads: Threads = None) -> None:
    """Estimate the time, memory and disk space that FILE takes.

    Nothing is trained.
    """
    with loading():
        from harness.cli import sweep_screen
        from harness.sweep import plan as planning

    experiment = load(file, changes)
    sweep_screen.announce(experiment)
    show_plan(planning.plan(experiment, threads=threads))


def show_plan(plan: "Plan") -> None:
    """Print what a sweep takes, and a warning if machine code cannot be cached."""
    from harness.kernels._cache import folder_of
    from harness.kernels._jit import STAMP

    chunks = f"{plural(plan.chunks, 'chunk')} of {plan.chunk_size:,}"
    for label, text in (
        ("runs", f"{plan.runs:,} in {chunks}"),
        ("updates", f"at most {plan.updates:,}"),
        ("recorded epochs", f"at most {plan.trajectory_rows:,}"),
        ("time", f"about {duration(plan.seconds)} on {plural(plan.threads, 'thread')}"),
        ("memory", f"{shown_bytes(plan.memory_bytes)} for rows in flight"),
        ("disk", f"at most {shown_bytes(plan.disk_bytes)}"),
    ):
        say(f"{label:15}  {text}")
    if problem := folder_of(STAMP).problem:
        say(f"{'compiling':15}  at every start, as machine code cannot be kept: {problem}")
