"""Draw any kind of plot by its name."""

from types import NoneType

from matplotlib.figure import Figure

from harness.calls import check_type, check_whole, is_number
from harness.errors import HarnessError, shown
from harness.hints import suggest
from harness.plots.kinds import KINDS, Options, load_kind
from harness.plots.style import WIDTHS
from harness.results.tables import Results


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
    """Draw a plot of the results of a sweep.

    Parameters
    ----------
    results : Results
        As returned by `harness.run` or `harness.open_results`.
    kind : str
        One of `harness.plots.KINDS`.
    run : int, optional
        The run_id of what shows one run. Default: the best run, as defined in
        `harness.analysis.ranking`. For difficulty, the run whose settings all runs have. Default:
        any settings.
    x, y : str, optional
        Axes of the grid; for endpoints, two parameters. Default: the axes with most values.
    ssr : float, optional
        The SSR to reach, for epochs. Default: the tolerance.
    width : {"slide", "column"}
        Where the plot must be readable: on a slide, or in a column of text.

    Raises
    ------
    HarnessError
        A name is unknown, or the plot does not take an option.
    ResultsError
        The sweep did not record what the plot needs.
    """
    check_type("results", results, Results, "Results", "Use harness.open_results(FOLDER).")
    for what, value, known in (("plot", kind, KINDS), ("width", width, tuple(WIDTHS))):
        names = f"Choose from {', '.join(known)}."
        check_type(what, value, str, "a name", names)
        if value not in known:
            hint = suggest(value, known)
            raise HarnessError(f"There is no {what} {shown(value)}. {hint}".rstrip() + f"\n{names}")
    chosen = load_kind(kind)
    for name, option in {"run": run, "x": x, "y": y, "ssr": ssr}.items():
        if option is not None and name not in chosen.takes:
            takers = [other for other in KINDS if name in load_kind(other).takes]
            raise HarnessError(
                f"{kind} does not use {name} = {shown(option)}.\nLeave it out; {name} is for"
                f" {', '.join(takers)}."
            )
    if run is not None:
        run = check_whole("run", run, 0, "It is a run_id of the results.")
    for name, axis in (("x", x), ("y", y)):
        check_type(name, axis, (str, NoneType), "a name", "Or leave it out.")
    if ssr is not None and not (is_number(ssr) and ssr >= 0):
        raise HarnessError(
            f"ssr = {shown(ssr)} must be a finite number of at least 0.\n"
            "Leave it out to use the tolerance."
        )
    for check in chosen.needs:
        check(results)
    return chosen.draw(results, Options(run=run, x=x, y=y, ssr=ssr, style=WIDTHS[width]))
