"""Each picture by its name, from the tables of a sweep."""

from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.analysis import measures, predictions
from harness.analysis.solutions import MOST_RUNS as MOST_COMPARED
from harness.calls import check_type, check_whole, is_number
from harness.errors import HarnessError, ResultsError, shown
from harness.hints import nearest, suggest
from harness.plots import reading
from harness.plots.distribution import distribution
from harness.plots.endpoints import endpoints
from harness.plots.epochs import MOST_SERIES, endings, epochs
from harness.plots.fit import fit
from harness.plots.map import final_lines, final_map
from harness.plots.squiggle import squiggle
from harness.plots.style import WIDTHS, Style
from harness.plots.titles import called, over_others, run_title, sampled
from harness.plots.trajectories import MOST_LINES, trajectories
from harness.results.tables import Results

# Runs of which bands are made, or of which first epochs are looked for.
_SAMPLE = 5_000
_WATCHED = 20_000

# Points of a curve, and along each side of an area; curves of a squiggle.
_CURVE = 400
_AREA = 120
_SQUIGGLES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a caller asked for; None unless the picture takes it."""

    run: int | None
    x: str | None
    y: str | None
    ssr: float | None
    style: Style


@dataclass(frozen=True, slots=True)
class Picture:
    """How a picture is drawn, and which of `run`, `x`, `y` and `ssr` it takes."""

    draw: Callable[[Results, Wishes], Figure]
    takes: tuple[str, ...] = ()


def draw(
    results: Results,
    kind: str,
    *,
    run: int | None = None,
    x: str | None = None,
    y: str | None = None,
    ssr: float | None = None,
    width: str = "slide",
) -> Figure:
    """Draw a picture of the results of a sweep.

    Parameters
    ----------
    results : Results
        What `harness.run` or `harness.open_results` returned.
    kind : str
        One of `PICTURES`.
    run : int, optional
        The run of fit and squiggle; by default the best, as `harness.analysis.ranking` defines it.
    x, y : str, optional
        Axes of the grid; two parameters for endpoints. If left out, those with most values.
    ssr : float, optional
        For epochs: what is to be reached; the tolerance if left out.
    width : {"slide", "column"}
        What it has to be readable on: a slide, or a column of text.

    Raises
    ------
    HarnessError
        There is no such picture, axis, run or width, or the picture does not use it.
    ResultsError
        The sweep did not record what the picture reading.
    """
    check_type("results", results, Results, "Results", "Use harness.open_results(FOLDER).")
    for value, allowed, what in ((kind, PICTURES, "picture"), (width, WIDTHS, "width")):
        check_type(what, value, str, "a name", f"There are {', '.join(allowed)}.")
        if value not in allowed:
            question = suggest(value, allowed)
            raise HarnessError(
                f"{shown(value)} is no {what}. {question}".rstrip()
                + f"\nThere are {', '.join(allowed)}."
            )
    picture = PICTURES[kind]
    for name, wish in (("run", run), ("x", x), ("y", y), ("ssr", ssr)):
        if wish is not None and name not in picture.takes:
            kinds = [kind for kind, other in PICTURES.items() if name in other.takes]
            raise HarnessError(
                f"{kind} does not use {name} = {shown(wish)}.\nLeave it out; {name} is for"
                f" {', '.join(kinds)}."
            )
    if run is not None:
        run = check_whole("run", run, 0, "It is a run_id of the results.")
    for name, axis in (("x", x), ("y", y)):
        check_type(name, axis, (str, NoneType), "a name", "Or leave it out.")
    if ssr is not None and not (is_number(ssr) and ssr >= 0):
        raise HarnessError(
            f"ssr = {shown(ssr)} must be a finite number of at least 0.\n"
            "Leave it out for the tolerance."
        )
    return picture.draw(results, Wishes(run=run, x=x, y=y, ssr=ssr, style=WIDTHS[width]))


def _trajectories(results: Results, wishes: Wishes) -> Figure:
    reading.need_trajectories(results)
    axes = reading.axes_of(results)
    by = reading.choose_axes(results, [wishes.x])[0] if wishes.x else (axes or ["init_id"])[0]
    if by == "init_id":
        columns = ["init_id", "status"]
    else:
        columns = [by, "status"]
    if wishes.x and results.manifest["runs"] > MOST_LINES:
        raise ResultsError(
            f"trajectories of {results.manifest['runs']:,} runs are drawn as quantiles, and x ="
            f" {shown(wishes.x)} colours lines, of at most {MOST_LINES} runs.\n"
            "Leave x out; epochs and endings show what depends on an axis."
        )
    most = MOST_LINES if results.manifest["runs"] <= MOST_LINES else _SAMPLE
    runs, table = reading.runs_and_trajectories(results, columns, most)
    title = sampled(
        results,
        len(runs),
        "SSR of {}" if len(runs) <= MOST_LINES else "SSR of {}: quantiles at each epoch",
    )
    colour = None if by == "init_id" and not wishes.x else by
    return trajectories(runs, table, by=colour, style=wishes.style, title=title)


def _map(results: Results, wishes: Wishes) -> Figure:
    axes = reading.choose_axes(results, [wishes.x, wishes.y])
    runs = reading.runs_of(results, ["init_id", *axes, "status", "ssr_final"])
    title = over_others(results, len(runs), axes)
    if len(axes) == 1 or axes[0] == axes[1]:
        return final_lines(runs, axes[0], style=wishes.style, title=title)
    whole = len(runs) == results.manifest["runs"]
    return final_map(runs, *axes, style=wishes.style, title=title, order_starts=whole)


def _epochs(results: Results, wishes: Wishes) -> Figure:
    training = results.manifest["experiment"]["training"]
    known = reading.all_axes(results)
    series = None
    (x,) = reading.choose_axes(results, [wishes.x or _rate(known)])
    others = [name for name in reading.axes_of(results) if name not in (x, "init_id")]
    columns = list(dict.fromkeys(["run_id", "status", "epochs", x, *others[:1]]))
    if "max_epochs" in known:
        columns.append("max_epochs")
    if wishes.ssr is None:
        if not results.has_tolerance:
            raise ResultsError(
                f"{results.folder} has no tolerance, so that no run has converged.\n"
                "Say what is to be reached with --ssr, or set `training.tolerance`."
            )
        runs, table = reading.runs_of(results, columns), None
        title = "epochs after which half of the runs have converged"
    else:
        runs, table = reading.runs_and_trajectories(results, columns, _WATCHED)
        title = f"epochs after which half of the runs have come to SSR {wishes.ssr:g}"
    if "max_epochs" not in runs:
        runs = runs.assign(max_epochs=training["epochs"])
    if others and runs[others[0]].nunique() <= MOST_SERIES:
        series = others[0]
    watched = measures.reached(runs, table, wishes.ssr)
    drawn = [x, *([series] if series else [])]
    title += over_others(results, len(runs), drawn, "; {}")
    return epochs(watched, x, series=series, style=wishes.style, title=title)


def _endings(results: Results, wishes: Wishes) -> Figure:
    (x,) = reading.choose_axes(results, [wishes.x or _rate(reading.all_axes(results))])
    runs = reading.runs_of(results, [x, "status"])
    title = over_others(results, len(runs), [x], "how {} ended")
    return endings(runs, x, style=wishes.style, title=title)


def _distribution(results: Results, wishes: Wishes) -> Figure:
    runs = reading.runs_of(results, ["status", "ssr_final"])
    title = sampled(results, len(runs), "final SSR of {}")
    return distribution(runs, style=wishes.style, title=title)


def _fit(results: Results, wishes: Wishes) -> Figure:
    run_id = results.best_run if wishes.run is None else wishes.run
    row = _row(results, run_id)
    experiment = results.experiment
    inputs = experiment.data.inputs.shape[1]
    more = None
    if inputs <= 2:
        more = predictions.lattice(experiment, _CURVE if inputs == 1 else _AREA)
    if results.manifest["experiment"]["record"]["parameters"]:
        predicted = predictions.final_curve(experiment, row)
        curve = predicted if more is None else predictions.final_curve(experiment, row, more)
    else:
        last = [int(row["epochs"])]
        predicted = predictions.curves(experiment, run_id, last)
        curve = predicted if more is None else predictions.curves(experiment, run_id, last, more)
    points = pd.concat(
        [predictions.data_points(experiment), predicted.filter(like="prediction_")], axis=1
    )
    return fit(
        points,
        curve,
        inputs=called(results, "inputs"),
        outputs=called(results, "targets"),
        style=wishes.style,
        title=run_title(results, run_id, row),
    )


def _squiggle(results: Results, wishes: Wishes) -> Figure:
    experiment = results.experiment
    inputs = experiment.data.inputs.shape[1]
    if inputs != 1:
        raise ResultsError(
            f"squiggle is for networks with one input; that of {results.folder} has {inputs}.\n"
            "`harness plot DIR fit` shows what such a network has learnt."
        )
    run_id = results.best_run if wishes.run is None else wishes.run
    row = _row(results, run_id)
    last = int(row["epochs"])
    epochs = [0, *np.unique(np.geomspace(1, max(last, 1), _SQUIGGLES - 1).round().astype(int))]
    if last == 0:
        epochs = [0]
    found = predictions.curves(experiment, run_id, epochs, predictions.lattice(experiment, _CURVE))
    return squiggle(
        predictions.data_points(experiment),
        found,
        style=wishes.style,
        title=run_title(results, run_id, row),
    )


def _endpoints(results: Results, wishes: Wishes) -> Figure:
    reading.need_parameters(results)
    best = results.best_run
    network = results.experiment.single(best).network
    pair = None
    if wishes.x or wishes.y:
        for name in (wishes.x, wishes.y):
            if name not in network.parameters:
                raise ResultsError(
                    f"endpoints takes two parameters as --x and --y, and {shown(name or '')} is"
                    f" none. {nearest(name or '', network.parameters)}\n"
                    f"They are {shown(list(network.parameters))}."
                )
        pair = str(wishes.x), str(wishes.y)
    columns = ["run_id", "status", "ssr_final", *(f"{name}_final" for name in network.parameters)]
    # A sample has about as many as it is asked for.
    runs, whose = reading.network_runs(results, best, columns, int(0.9 * MOST_COMPARED))
    diverged = int(runs["status"].astype(str).eq("diverged").sum())
    title = (
        sampled(results, len(runs), "where {} ended")
        if not whose
        else (f"where {len(runs):,} runs ended, {whose}")
    )
    if diverged:
        title += f" ({diverged:,} diverged)"
    return endpoints(runs, network, pair=pair, style=wishes.style, title=title)


def _rate(known: list[str]) -> str | None:
    return "learning_rate" if "learning_rate" in known else None


def _row(results: Results, run_id: int) -> "pd.Series[float]":
    """Return the columns of one run."""
    table = results.read_runs(results.run_columns, [run_id])
    if table.empty:
        raise ResultsError(f"Run {run_id} is not trained yet.\n`harness run FILE` goes on.")
    return table.iloc[0]


PICTURES: dict[str, Picture] = {
    "trajectories": Picture(_trajectories, takes=("x",)),
    "map": Picture(_map, takes=("x", "y")),
    "epochs": Picture(_epochs, takes=("x", "ssr")),
    "endings": Picture(_endings, takes=("x",)),
    "distribution": Picture(_distribution),
    "fit": Picture(_fit, takes=("run",)),
    "squiggle": Picture(_squiggle, takes=("run",)),
    "endpoints": Picture(_endpoints, takes=("x", "y")),
}
