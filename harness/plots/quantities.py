"""The quantities that plots show: a column of the runs or trajectories, its name and its scale."""

from dataclasses import dataclass

from harness.analysis.measures import ENDINGS, higher_is_better
from harness.analysis.ranking import trained_loss
from harness.errors import ResultsError, shown
from harness.hints import suggest
from harness.results.sentences import column_label
from harness.results.tables import Results
from harness.training.evaluation import HELD_OUT

# They range over many powers of ten.
_LOG = ("ssr", "loss", "sharpness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A quantity of runs.

    Attributes
    ----------
    column : str
        Its column in the table, status for how runs end, or one of `measures.ENDINGS` for the share
        of runs that end so.
    label : str
        Its name on an axis.
    log : bool
        Whether its scale is logarithmic.
    higher_is_better : bool
        Whether runs that diverged, and NaN, count as lowest instead of highest.
    """

    column: str
    label: str
    log: bool
    higher_is_better: bool = False

    @property
    def is_share(self) -> bool:
        """Whether it is the share of runs with an ending, not a column."""
        return self.column in ENDINGS


FINAL_SSR = Quantity(column="ssr_final", label="final SSR", log=True)
STATUS = Quantity(column="status", label="most frequent ending", log=False)


def final_quantity(results: Results, name: str | None = None, *, endings: bool = True) -> Quantity:
    """Return a quantity of the table of runs.

    Parameters
    ----------
    results : Results
        The sweep.
    name : str, optional
        A column, a column without its ending `_final`, one of `measures.ENDINGS` for shares of
        runs, or status. Default: the final loss that was trained.
    endings : bool
        Whether the plot can show how runs end.

    Raises
    ------
    ResultsError
        The column does not exist, or has no numbers.
    """
    columns = results.run_columns
    name = name or trained_loss(columns)
    if endings and name == STATUS.column:
        return STATUS
    if endings and name in ENDINGS:
        higher = higher_is_better(name)
        return Quantity(column=name, label=f"share {name}, %", log=False, higher_is_better=higher)
    column = name if name in columns else f"{name}_final"
    axes = [axis.name for axis in results.grid.axes]
    numbers = [known for known in columns if known not in ("run_id", "status", *axes)]
    if column not in numbers:
        known = [*ENDINGS, STATUS.column] if endings else []
        known += [known.removesuffix("_final") for known in numbers]
        raise _unknown(results, name, known)
    return _quantity(column, epochs=column == "epochs" or column.startswith("epoch_"))


def path_quantity(results: Results, name: str | None = None) -> Quantity:
    """Return a quantity of the trajectories; by default, the loss that was trained.

    Raises
    ------
    ResultsError
        The column does not exist.
    """
    columns = results.reader.columns("trajectories")
    name = name or trained_loss(results.run_columns).removesuffix("_final")
    if name not in columns[2:]:
        raise _unknown(results, name, columns[2:])
    return _quantity(name)


def _quantity(column: str, *, epochs: bool = False) -> Quantity:
    bare = column.removeprefix(HELD_OUT)
    return Quantity(
        column=column,
        label=column_label(column),
        log=epochs or bare.startswith(_LOG),
        higher_is_better=higher_is_better(column),
    )


def _unknown(results: Results, name: str, known: list[str]) -> ResultsError:
    return ResultsError(
        f"{results.folder} has no measure {shown(name)}. {suggest(name, known)}".rstrip()
        + f"\nChoose from {', '.join(known)}."
    )
