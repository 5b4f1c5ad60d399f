"""`harness bench`: the speed of harness and of other ways to train, timed and as tables."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.benchmarks.baselines import BASELINES, OURS
from harness.benchmarks.workloads import WORKLOADS
from harness.cli import ctrl_c
from harness.cli.printing import console, say, say_table
from harness.formatting import plural, si

if TYPE_CHECKING:
    import pandas as pd


def bench(
    workloads: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORKLOAD", help=f"{', '.join(WORKLOADS)}.", show_default="all of them"
        ),
    ] = None,
    baselines: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help=f"{', '.join(name for name in BASELINES if name != OURS)}.",
            show_default="those that are installed",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Train a tenth of the epochs, for rough figures.")
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the table and the pictures.")
    ] = Path("results/bench"),
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Cores to compare besides one.", show_default="all cores"
        ),
    ] = None,
) -> None:
    """Compare the speed of harness with other ways to train.

    All train the same networks, on one core and on several. A baseline whose SSR differs from
    that of harness gets no figure. Needs the extra `bench`; JAX and PyTorch come with the extra
    `peers`.
    """
    ctrl_c.keeping("nothing was kept.")
    from harness.benchmarks import comparison, picture

    names = [name.strip() for name in (baselines or "").split(",") if name.strip()]
    comparison.check_names(workloads or [], names)
    table, failed = comparison.compare(
        workloads or [], names, out, quick=quick, threads=threads, show=_show_output
    )
    show_table(table)
    pictures = picture.draw(table, out) if comparison.has_package("matplotlib") else None
    show_files(out, pictures, table["machine"].iloc[0], failed)


def _show_output(piece: bytes) -> None:
    """Pass the output of pytest to a terminal, where it shows the progress."""
    if console().is_terminal:
        sys.stdout.buffer.write(piece)
        sys.stdout.flush()


def show_table(table: "pd.DataFrame") -> None:
    """Print one table per workload."""
    for name in dict.fromkeys(table["workload"]):
        part = table[table["workload"] == name]
        title = f"{name}  {WORKLOADS[name][0].says}"
        if part["point"].notna().any():
            _show_curve(title, part)
        else:
            _show_speeds(title, part)
        say()
    _show_compilation(table[(table["threads"] == 1) & table["point"].isna()])


def show_files(
    folder: Path, pictures: list[Path] | None, machine: str, failed: Iterable[str]
) -> None:
    """Print the machine, the tests that failed, and where the files are."""
    say(machine)
    for case in failed:
        say(f"FAILED: {case}; see {folder}/pytest-*.txt")
    names = ", ".join(["speed.csv", *(path.name for path in pictures or ())])
    say(f"In {folder}: {names}")
    if pictures is None:
        say("No picture: matplotlib is not installed; it comes with the extra `bench`.")


def _show_speeds(title: str, table: "pd.DataFrame") -> None:
    rows: list[tuple[str, ...]] = []
    for threads in dict.fromkeys(table["threads"].tolist()):
        cores = "on one core" if threads == 1 else f"on {plural(threads, 'core')}"
        rows.append((cores, "", "", "", "", ""))
        rows += [
            (
                f"  {BASELINES[row['baseline']].title}",
                f"{row['runs']:,}",
                f"{row['epochs']:,}",
                _time(row["seconds"]),
                si(row["run_epochs_per_second"]).rstrip(),
                _verdict(row),
            )
            for row in table[table["threads"] == threads].to_dict("records")
        ]
    _say_rows(title, ("", "runs", "epochs", "time", "run-epochs/s", "harness is"), rows)


def _show_curve(title: str, table: "pd.DataFrame") -> None:
    one = table[table["threads"] == 1]
    points = sorted(one["point"].unique())
    rows = []
    for name in dict.fromkeys(one["baseline"]):
        part = one[one["baseline"] == name].set_index("point")
        cells = (_time(part["seconds"][p]) if p in part.index else "-" for p in points)
        wrong = "" if part["agrees"].all() else "  (other result)"
        rows.append((f"  {BASELINES[name].title}{wrong}", *cells))
    _say_rows(f"{title}, on one core", ("", *(f"{p:,}" for p in points)), rows)


def _show_compilation(table: "pd.DataFrame") -> None:
    """Print the time that each baseline takes to compile each network."""
    if table.empty:
        return
    workloads = list(dict.fromkeys(table["workload"]))
    rows = []
    for name in dict.fromkeys(table["baseline"]):
        seconds = table[table["baseline"] == name].set_index("workload")["warm_up_seconds"]
        cells = (f"{seconds[w]:.2f}" if w in seconds else "-" for w in workloads)
        rows.append((f"  {BASELINES[name].title}", *cells))
    title = "compile  CPU seconds to compile a network, on one core"
    _say_rows(title, ("", *workloads), rows, fold=True)
    once = table.loc[table["baseline"] == OURS, "start_up_seconds"].max()
    say(f"harness compiles what all networks share once per installation: {once:.1f} s.")
    say()


def _say_rows(
    title: str,
    headings: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    fold: bool = False,
) -> None:
    """Print a table with its first column left-aligned."""
    wide = max(len(row[0]) for row in rows)
    say_table(title, headings, [(row[0].ljust(wide), *row[1:]) for row in rows], fold=fold)


def _verdict(row: Mapping[Any, Any]) -> str:
    """Return how many times as fast harness is, or how far the result of a baseline is off.

    For harness itself, return its share of the port limit.
    """
    if row["baseline"] == OURS:
        return f"{row['share_of_port_limit']:.0%} of limit"
    if not row["agrees"]:
        return f"WRONG by {row['largest_difference']:.0e}"
    ratio = row["harness_is_times_as_fast"]
    if math.isnan(ratio):  # harness was not timed
        return "-"
    return f"{ratio:.2g} x" if ratio < 10 else f"{ratio:,.0f} x"


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
