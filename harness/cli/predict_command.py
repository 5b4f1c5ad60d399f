"""`harness predict`: predictions of trained runs, for new inputs or for the data points."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli import ctrl_c
from harness.cli.loading import loading
from harness.cli.options import WHOLE, Folder
from harness.cli.printing import console, say, say_table, say_wrapped
from harness.errors import HarnessError, shown
from harness.formatting import number, plural

if TYPE_CHECKING:
    import pandas as pd

    from harness.results.tables import Results

# Rows of the table on a terminal.
_ROWS = 20

_BEST = "best"
_GAP = 2


def predict(
    folder: Folder,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A CSV or Parquet file of inputs, in the units of the data.",
            show_default="the data points",
        ),
    ] = None,
    run: Annotated[
        str, typer.Option("--run", metavar="IDS", help="best, or run ids, such as 0,5,100-199.")
    ] = _BEST,
    epoch: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="best, or a number of epochs; best is the recorded epoch with the least loss of"
            " held-out data points or, without them, the least loss.",
            show_default="the last epoch",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A .csv file for the whole table."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing CSV file.")] = False,
) -> None:
    """Predict with trained runs of DIR, for new inputs or the data.

    FILE has the columns of the experiment's inputs, by name. Words are encoded and numbers are
    scaled as they were in training; predictions are in the units of the targets.
    """
    if force and output is None:
        raise HarnessError("--force replaces the file of --output, which is missing.")
    ctrl_c.keeping(WHOLE)
    with loading():
        from harness.experiment.new_inputs import input_columns
        from harness.results import export, tables
        from harness.results.selection import parse_runs

    results = tables.open_results(folder)
    if output is not None:  # before anything is computed
        if output.suffix.lower() != ".csv":
            raise HarnessError(
                f"--output = {shown(str(output))} must end in .csv.\nName another file."
            )
        output = export.checked_output(output, results.store, force=force)
    if run == _BEST:
        run_ids = [results.best_run]
    else:
        run_ids = [one for part in parse_runs(run, results.store, "--run") for one in part]
    when = _parsed_epoch(epoch)
    table = results.predict(run_ids, file, when)
    if output is not None:
        # pandas quotes texts with separators, and writes floats that read back to the same bits.
        text = table.to_csv(index=False, lineterminator="\n", na_rep="nan")
        export.write_file(output, [text.encode()], force=force)
        say(f"{plural(len(table), 'row')} in {output}")
        return
    say_wrapped(_heading(results, run_ids, when, is_best=run == _BEST))
    before = 1 if file is not None or results.experiment.validation is None else 2
    inputs = len(input_columns(results.experiment.source))
    _show(table, len(run_ids), list(table.columns[before : before + inputs]))


def _parsed_epoch(epoch: str | None) -> int | Literal["best"] | None:
    if epoch is None:
        return None
    if epoch == "best":
        return "best"
    if not (epoch.isascii() and epoch.isdigit() and len(epoch) < 18):
        raise HarnessError(
            f"--epoch = {shown(epoch)} must be best or a whole number.\n"
            "Leave it out for the last epoch."
        )
    return int(epoch)


def _heading(
    results: "Results", run_ids: list[int], epoch: int | Literal["best"] | None, *, is_best: bool
) -> str:
    """Return whose predictions they are."""
    if len(run_ids) > 1:
        whose, last, best = plural(len(run_ids), "run"), "their last epochs", "their best epochs"
    else:
        whose = f"run {run_ids[0]}" + (", the best," if is_best else "")
        last = plural(int(results.in_order(run_ids, ["epochs"])["epochs"].iloc[0]), "epoch")
        best = ""
        if epoch == "best":
            best = plural(results.best_epoch(run_ids[0]), "epoch") + ", its best"
    after = last if epoch is None else best if epoch == "best" else plural(epoch, "epoch")
    return f"predictions of {whose} after {after}"


def _show(table: "pd.DataFrame", runs: int, inputs: list[str]) -> None:
    """Print the first rows; inputs that do not fit beside the other columns are left out."""
    first, points = table.head(_ROWS), len(table) // runs
    columns = {"point": [str(row % points) for row in range(len(first))]}
    for name in first.columns[int(runs == 1) :]:  # a single run is in the heading
        values = first[name].tolist()
        columns[name] = [number(v) if isinstance(v, float) else str(v) for v in values]
    room = console().width + _GAP - sum(_width(*column) for column in columns.items())
    left_out = []
    while room < 0 and inputs:
        left_out.append(inputs.pop())
        room += _width(left_out[-1], columns.pop(left_out[-1]))
    say_table("", list(columns), list(zip(*columns.values(), strict=True)), _GAP, fold=True)
    if len(table) > len(first):
        say(f"{len(first)} of {plural(len(table), 'row')}; -o FILE.csv writes all of them")
    if left_out:
        say(f"{plural(len(left_out), 'input')} not shown; -o FILE.csv has all columns")


def _width(name: str, texts: list[str]) -> int:
    """Return the width of a column of a table, with the gap beside it."""
    return max(map(len, (name, *texts))) + _GAP
