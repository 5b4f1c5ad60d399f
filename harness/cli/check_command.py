"""`harness check`: everything that is wrong with experiment files, at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.completion import experiment_files
from harness.cli.loading import loading
from harness.cli.options import BAD_INPUT
from harness.cli.printing import say
from harness.formatting import plural

if TYPE_CHECKING:
    from harness.experiment import Experiment

# Kernels are counted for up to this many different networks and kinds of training.
_MOST_COUNTED = 100


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="Experiment files (TOML).", autocompletion=experiment_files
        ),
    ],
) -> None:
    """Say everything that is wrong with FILE, with line and column.

    Keys are checked one by one first. What involves several of them is checked when each is right.
    """
    with loading():
        from harness.experiment.loading import check_file

    wrong = 0
    for file in files:
        found = check_file(file)
        if isinstance(found, list):
            wrong += len(found)
            for error in found:
                say(str(error).replace("\n", "\n  "))
        else:
            say(f"{file}: {_summary(found)}")
    if wrong:
        say(f"{plural(wrong, 'error')} in {plural(len(files), 'file')}.")
        raise typer.Exit(BAD_INPUT)


def _summary(experiment: "Experiment") -> str:
    """Return the size of a sweep in a line."""
    with loading():
        from harness.training.trainer import Trainer

    layers = "-".join(map(str, experiment.network.sizes))
    variants = experiment.variant_grid.size
    if variants > _MOST_COUNTED:
        kernels = f"at most {plural(variants, 'kernel')}"
    else:
        kernels = plural(Trainer(experiment).kernel_count(), "kernel")
    return f"{plural(experiment.grid.size, 'run')} of a {layers} network, {kernels}"
