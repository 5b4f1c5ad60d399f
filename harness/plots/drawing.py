"""Draw any kind of plot by its name."""

from collections.abc import Sequence
from types import NoneType
from typing import Any

from harness.calls import check_type, check_whole, is_number
from harness.errors import HarnessError, shown
from harness.hints import suggest
from harness.plots.kinds import KINDS, Options, load_kind
from harness.plots.series import series_of
from harness.plots.style import STYLES, Picture, write_caption
from harness.results.tables import Results

_SCALES = ("linear", "log")


def draw(
    results: Results,
    kind: str,
    *,
    where: str | None = None,
    by: str | None = None,
    measure: str | None = None,
    run: int | None = None,
    x: str | None = None,
    y: str | None = None,
    ssr: float | None = None,
    quantiles: Sequence[float] | None = None,
    lines: int | None = None,
    epoch_scale: str | None = None,
    style: str = "slide",
) -> Picture:
    """Draw a plot of the results of a sweep.

    Parameters
    ----------
    results : Results
        As returned by `harness.run` or `harness.open_results`.
    kind : str
        One of `harness.plots.KINDS`.
    where : str, optional
        A condition on the runs, as for `Results.where`.
    by : str, optional
        An axis of the grid, with a line, band or panel for each of its values, or for some of them:
        ``"learning_rate=0.02,0.05"`` takes the nearest ones.
    measure : str, optional
        What to show: a column of the runs or trajectories, with or without `_final`, such as
        "accuracy" or "validation_loss"; for map also "converged" and so on, for shares of runs.
        Default: the loss that was trained.
    run : int, optional
        The run_id of what shows one run. Default: the best run, as defined in
        `harness.analysis.ranking`. For difficulty, the run whose settings all runs have. Default:
        any settings.
    x, y : str, optional
        Axes of the grid; for grid, also with values, as in `by`; for endpoints, two parameters.
        Default: the axes with most values.
    ssr : float, optional
        The SSR to reach, for epochs. Default: the tolerance.
    quantiles : sequence of two floats, optional
        The ends of the bands. Default: 0.25 and 0.75, the middle half.
    lines : int, optional
        The number of single runs to draw over each band.
    epoch_scale : {"linear", "log"}, optional
        Scale of the epochs. Default: logarithmic if they are many.
    style : {"slide", "column", "poster"}
        Where the plot must be readable: on a slide, in a column of text, or on a poster.

    Returns
    -------
    Picture
        A matplotlib figure, with its `caption`, and with the numbers in it as `table`.

    Raises
    ------
    HarnessError
        A name is unknown, or the plot does not take an option.
    ResultsError
        The sweep did not record what the plot needs, or no run satisfies the condition.
    """
    check_type("results", results, Results, "Results", "Use harness.open_results(FOLDER).")
    _check_name("plot", kind, KINDS)
    _check_name("style", style, tuple(STYLES))
    given: dict[str, Any] = {"run": run, "x": x, "y": y, "ssr": ssr, "by": by, "measure": measure}
    given |= {"quantiles": quantiles, "lines": lines, "epoch_scale": epoch_scale}
    _check_taken(kind, given)
    for name in ("x", "y", "by", "measure"):
        check_type(name, given[name], (str, NoneType), "a name", "Or leave it out.")
    if run is not None:
        run = check_whole("run", run, 0, "It is a run_id of the results.")
    if lines is not None:
        lines = check_whole("lines", lines, 0, "It is the number of runs to draw as lines.")
    if epoch_scale is not None:
        _check_name("epoch_scale", epoch_scale, _SCALES)
    if ssr is not None and not (is_number(ssr) and ssr >= 0):
        raise HarnessError(
            f"ssr = {shown(ssr)} must be a finite number of at least 0.\n"
            "Leave it out to use the tolerance."
        )
    ends = _ends(quantiles)
    chosen = load_kind(kind)
    for check in chosen.needs:
        check(results)
    notes = []
    if where is not None:
        results = results.where(where)
        results.require_runs()
    if results.condition is not None:
        notes.append(f"Only runs with {results.condition.text}.")
    series = None if by is None else series_of(results, by)
    if series is not None:
        results = results.where(series.condition)
        notes.append(series.note)
    options = Options(
        given=frozenset(name for name, option in given.items() if option is not None),
        run=run,
        x=x,
        y=y,
        ssr=ssr,
        series=series,
        measure=measure,
        quantiles=ends,
        lines=lines,
        epoch_scale=epoch_scale,
        style=STYLES[style],
    )
    picture = chosen.draw(results, options)
    picture.caption = " ".join(part for part in (picture.caption, *notes) if part)
    write_caption(picture, options.style)
    return picture


def _check_name(what: str, value: object, known: Sequence[str]) -> None:
    """Raise a HarnessError unless a value is one of the known names."""
    names = f"Choose from {', '.join(known)}."
    check_type(what, value, str, "a name", names)
    if value not in known:
        hint = suggest(str(value), known)
        raise HarnessError(f"There is no {what} {shown(value)}. {hint}".rstrip() + f"\n{names}")


def _check_taken(kind: str, given: dict[str, Any]) -> None:
    """Raise a HarnessError if a kind of plot does not take an option."""
    takes = load_kind(kind).takes
    for name, option in given.items():
        if option is not None and name not in takes:
            takers = [other for other in KINDS if name in load_kind(other).takes]
            raise HarnessError(
                f"{kind} does not use {name} = {shown(option)}.\nLeave it out; {name} is for"
                f" {', '.join(takers)}."
            )


def _ends(quantiles: Sequence[float] | None) -> tuple[float, float]:
    """Return the ends of bands."""
    if quantiles is None:
        return 0.25, 0.75
    ends = tuple(quantiles) if isinstance(quantiles, Sequence) else ()
    if not (len(ends) == 2 and all(map(is_number, ends)) and 0 <= ends[0] < ends[1] <= 1):
        raise HarnessError(
            f"quantiles = {shown(quantiles)} must be two numbers from 0 to 1, the lower one first."
            "\nFor example, 0.05 and 0.95 for 90 % of the runs."
        )
    return ends
