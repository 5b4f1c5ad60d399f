"""Sentences about results, shared by the terminal, the report and the plots."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.measures import comparable, has_value, is_ordered
from harness.analysis.ranking import decided_by, rivals, trained_loss
from harness.analysis.tally import MOST_VALUES, Tally, varied
from harness.experiment import Experiment
from harness.formatting import number, plural
from harness.results.tables import Results
from harness.training.evaluation import HELD_OUT

# Combinations to name after the best one.
_NAMED = 2


def exact(value: Any) -> str:
    """Write a value of an axis with the fewest digits that read back to the same value.

    >>> exact(0.034145488738336005), exact(1.0), exact(3), exact("tanh")
    ('0.034145488738336005', '1', '3', 'tanh')
    >>> exact(float("nan"))  # of runs that do not have the setting
    'none'
    """
    if pd.isna(value):
        return "none"
    return repr(float(value)).removesuffix(".0") if isinstance(value, float) else str(value)


def percent(share: float) -> str:
    """Write a share as a percentage; only 1 is written as 100% and only 0 as 0%.

    >>> percent(0.42), percent(0.9344), percent(0.9999), percent(1.0), percent(1e-5)
    ('42%', '93.4%', '>99.9%', '100%', '<0.1%')
    """
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def point(names: Iterable[str], values: Mapping[Any, Any]) -> str:
    """Write the values of some axes, without settings that the run does not have.

    >>> point(["learning_rate", "momentum"], {"learning_rate": 0.1, "momentum": 0.0})
    'learning_rate 0.1, momentum 0'
    >>> point(["optimiser", "momentum"], {"optimiser": "adam", "momentum": float("nan")})
    'optimiser adam'
    """
    return ", ".join(f"{name} {exact(values[name])}" for name in names if not pd.isna(values[name]))


def data_points(experiment: Experiment) -> str:
    """Return the number of data points to train on, and of those held out if there are any."""
    training, held_out = experiment.data, experiment.validation
    said = plural(len(training.inputs), "data point")
    return said if held_out is None else f"{said}, {len(held_out.inputs):,} held out"


def dropped(experiment: Experiment) -> str:
    """Say how many data points were left out because of missing cells; empty if none were."""
    source = experiment.source
    if not source.dropped:
        return ""
    points = plural(len(source.inputs) + source.dropped, "data point")
    cells = "missing cells" + (f" in {source.dropped_at}" if source.dropped_at else "")
    return f"{source.dropped:,} of {points} dropped: {cells}"


def column_names(results: Results, which: str) -> list[str]:
    """Return the names of "inputs" or "targets" in the data file; empty if they have none."""
    section = results.manifest["experiment"]["data"]
    scaling = (section.get("scale") or {}).get(which)
    note = ""
    if which in section["standardise"] or scaling == "standardise":
        note = ", standardised"
    elif scaling is not None:
        note = ", scaled"
    names = getattr(results.experiment.data.names, which)
    return [name.replace("_", " ") + note for name in names]


_MOMENTS = {"initial": "initial", "final": "final", "min": "lowest", "best": "best"}


def column_label(column: str) -> str:
    """Return the name of a column of runs or trajectories in words.

    >>> column_label("ssr_final"), column_label("validation_balanced_accuracy_final")
    ('final SSR', 'final held-out balanced accuracy')
    >>> column_label("loss"), column_label("ssr_min"), column_label("epochs")
    ('loss', 'lowest SSR', 'epochs')
    """
    bare = column.removeprefix(HELD_OUT)
    stem, _, when = bare.rpartition("_")
    if when not in _MOMENTS:
        stem, when = bare, ""
    held_out = "held-out" if column != bare else ""
    words = (_MOMENTS.get(when, ""), held_out, "SSR" if stem == "ssr" else stem.replace("_", " "))
    return " ".join(word for word in words if word)


def order_of(best: pd.DataFrame, loss: str) -> str:
    """Return the order of a list of best runs, as its title.

    Parameters
    ----------
    best : DataFrame
        Rows in the order of `ranking.best_runs`, with status.
    loss : str
        The column of the final loss.

    Examples
    --------
    >>> order_of(pd.DataFrame({"status": ["converged", "finished"]}), "ssr_final")
    'first to converge, then lowest ssr_final'
    """
    words = {
        "first to converge": {"converged"},
        f"lowest {loss}": {"finished", "stopped"},
        "last to diverge": {"diverged"},
    }
    found = set(best["status"].astype(str))
    return ", then ".join(text for text, statuses in words.items() if statuses & found)


def best(results: Results, counts: Tally, runs: pd.DataFrame) -> str:
    """Say which combination of axis values is best, or which run if each combination has one.

    Parameters
    ----------
    results : Results
        The results of the sweep.
    counts : Tally
        The tally of all its runs.
    runs : DataFrame
        Rows of `runs`, the best first.

    Returns
    -------
    str
        Sentences, with the final metrics and the loss of held-out data if there are any; empty if
        there is only one combination and neither of these.
    """
    names = [name for factor in varied(results.grid) for name in factor.names]
    loss = trained_loss(results.run_columns)
    if not names:
        return _final_values(results, {})
    table = counts.ranked()
    if table is None or (table["runs"] == 1).all():
        run = _first(runs)
        return f"{_best_run(run, names, loss)} {_final_values(results, run['run_id'])}".rstrip()
    sample = counts.values if counts.sampled else None
    said = _best_combination(table, names, loss, results.has_tolerance, sample)
    if table["converged"].iloc[0] or np.isfinite(table["median"].iloc[0]):
        said.append(_final_values(results, {name: table[name].iloc[0] for name in names}))
    return " ".join(said).rstrip()


def _final_values(results: Results, at: Mapping[str, Any] | int) -> str:
    """Say the final metrics and the loss of held-out data; empty if there are neither.

    `at` is a run_id or values of axes. Of several runs they are medians, of a sample if the sweep
    has more than `MOST_VALUES`; diverged runs have the worst value, as in the median of the loss.
    """
    known = results.run_columns
    names = [f"{name}_final" for name in results.experiment.record.metrics]
    held_out = [f"{HELD_OUT}{name}" for name in (trained_loss(known), *names)]
    names += [name for name in held_out if name in known]
    if not names:
        return ""
    if isinstance(at, Mapping):
        runs = results.sample_runs([*at, "status", *names], MOST_VALUES)
        for axis, value in at.items():
            runs = runs[has_value(runs[axis], value)]
    else:
        runs = results.read_runs(["status", *names], [at])
    said = ", ".join(f"{name} {median_of(runs, name):.4g}" for name in names)
    of = f"Medians of {len(runs):,} runs" if len(runs) > 1 else "Final values"
    return f"{of}: {said} ({data_points(results.experiment)})."


def median_of(runs: pd.DataFrame, column: str) -> float:
    """Return the median of a metric or loss; diverged runs, and NaN, count as its worst value."""
    return float(comparable(runs, column).median())


def _first(table: pd.DataFrame) -> dict[str, Any]:
    """Return the first row, each value with the type of its column."""
    return {str(name): column.iloc[0] for name, column in table.items()}


def _best_run(run: Mapping[str, Any], names: Sequence[str], loss: str) -> str:
    where = f" ({point(names, run)})" if names else ""
    epochs = plural(run["epochs"], "epoch")
    lowest = f"the lowest {loss}, {run[loss]:.4g}"
    ended = {
        "converged": f"the first to converge, after {epochs}",
        "finished": lowest,
        "stopped": lowest,
        "diverged": f"every run diverged, and this one lasted longest, {epochs}",
    }[str(run["status"])]
    return f"Best run: {run['run_id']}{where}, {ended}."


def _best_combination(
    table: pd.DataFrame, names: Sequence[str], loss: str, tolerance: bool, sample: int | None
) -> list[str]:
    first = _first(table)
    by_share = decided_by(table) == "converged"
    median = f"median of {loss}" + (f" (in a sample of {sample:,} runs)" if sample else "")
    said = ["No run converged."] if tolerance and not by_share else []
    if not by_share and np.isinf(first["median"]):
        return [*said, "No combination is best: at each, at least half of the runs diverged."]
    title = "Best combination:" if len(names) > 1 else f"Best {names[0]}:"
    if len(table) == 1:  # of a condition
        title = "The only combination:" if len(names) > 1 else f"The only {names[0]}:"
    here = exact(first[names[0]]) if len(names) == 1 else point(names, first)
    if by_share:
        hits, runs = round(first["converged"] * first["runs"]), first["runs"]
        what = f"{hits:,} of {runs:,} runs converge: {percent(first['converged'])}"
        interval = f"{percent(first['converged_low'])} to {percent(first['converged_high'])}"
    else:
        what = f"the {median} is {first['median']:.4g}"
        interval = f"{first['median_low']:.4g} to {first['median_high']:.4g}"
        if np.isinf(first["median_low"]):
            interval = ""
    sure = f"95% interval {interval}" if interval else "too few runs for an interval"
    said.append(f"{title} {here}, where {what} ({sure}).")
    said += _ties(table, median) if by_share else []
    if len(table) > 1:
        said += _runners_up(table, names, "converged" if by_share else "median")
        said += _overlap(table, names) if interval else []
    return said


def _runners_up(table: pd.DataFrame, names: Sequence[str], column: str) -> list[str]:
    """Name the combinations after the best one."""
    said = []
    for row in table[1 : 1 + _NAMED].to_dict("records"):
        if np.isfinite(row[column]):
            here = exact(row[names[0]]) if len(names) == 1 else point(names, row)
            value = percent(row[column]) if column == "converged" else number(row[column])
            said.append(f"{here} ({value})")
    title = "Runner-up" if len(said) == 1 else "Runners-up"
    return [f"{title}: {'; '.join(said)}."] if said else []


def _overlap(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Say how many intervals overlap that of the best combination, and where along one axis."""
    others = rivals(table)
    if others.empty:
        return ["No other interval overlaps it."]
    if len(others) == 1:
        return ["The interval of 1 other overlaps it."]
    said = f"{'all ' if len(others) == len(table) - 1 else ''}{len(others):,} others overlap it"
    values = others[names[0]]
    if len(names) == 1 and is_ordered(values):
        said += f" ({exact(values.min())} to {exact(values.max())})"
    return [f"The intervals of {said}."]


def _ties(table: pd.DataFrame, median: str) -> list[str]:
    """Say what decided between combinations with the same share, if there are any."""
    tied = table[table["converged"] == table["converged"].iloc[0]]
    if len(tied) == 1:
        return []
    others = "1 other has" if len(tied) == 2 else f"{len(tied) - 1:,} others have"
    lowest = tied["median"].iloc[0]
    if (tied["median"] == lowest).sum() > 1:
        same = f"of those with the lowest {median}, {lowest:.4g}, this is the first"
        return [f"{others} the same share; {same}."]
    return [f"{others} the same share; the lowest {median} decides, {lowest:.4g}."]
