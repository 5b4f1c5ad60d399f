"""A measure of runs: heat maps over two axes of a grid, lines along one."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.patches import Patch
from numpy.typing import NDArray

from harness.analysis.measures import ENDINGS as STATUSES
from harness.analysis.measures import comparable, outcomes
from harness.analysis.ranking import ending_codes, start_ranks, trained_loss
from harness.analysis.starts import start_numbers
from harness.errors import ResultsError
from harness.plots import reading
from harness.plots.bins import Bins, bins_of, set_bins
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import FINAL_SSR, STATUS, Quantity, final_quantity
from harness.plots.scales import colour_range, label_of, set_linear_ticks, set_log_ticks, span_of
from harness.plots.series import Series
from harness.plots.style import (
    CATEGORIES,
    DASHES,
    ENDINGS,
    GREY,
    HATCH,
    MARKERS,
    SHARES,
    SLIDE,
    VALUES,
    Picture,
    Style,
    colour_bar,
    dress,
    headline,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import count_runs, over_others
from harness.results.tables import Results

Floats = NDArray[np.float64]

CONVERGED = Quantity(column="converged", label="share converged, %", log=False)

_MOST_CELLS = 200  # along an axis: narrower ones could not be told apart on paper
_POINTS_IN_CELL = 4  # of a sample, in the mean
_MOST_POINTS = 60
_MOST_STARTS = 500  # single runs in a line

_RANKED = "starts, best first"
_ORDERED = " Starts are ordered by how often they converged, then by their loss."


def draw(results: Results, options: Options) -> Picture:
    """Draw the map of a sweep over two axes, or lines if it has one."""
    series = options.series
    by = [series.axis] if series else []
    axes = reading.choose_axes(results, [options.x, options.y], apart=by[0] if by else None)
    x, y = (axes[0], axes[-1])
    quantity = final_quantity(results, options.measure)
    if quantity == STATUS and x == y:
        raise ResultsError(
            'measure = "status" takes a map of two axes, and this one has a single axis.\n'
            "The plot endings shows how runs end along an axis."
        )
    columns = ["run_id", "init_id", x, y, *by, "status", trained_loss(results.run_columns)]
    columns += [] if quantity.is_share else [quantity.column]
    runs = reading.runs_of(results, columns)
    over = over_others(results, [*axes, *by])
    title = (quantity.label.removesuffix(", %") if over or quantity != STATUS else "ending") + over
    shares = options.measure is None and results.has_tolerance
    # A sample of a whole sweep has runs of each start at random points.
    is_sample = len(runs) < results.run_count == results.grid.size
    complete = is_sample or _are_alike(runs, [x, y, *by])
    if x == y:
        starts = start_numbers(results.experiment, runs["run_id"].to_numpy())
        picture = final_lines(
            runs.assign(start=starts),
            x,
            quantity=quantity,
            series=series,
            quantiles=options.quantiles,
            shares=shares,
            order_starts=complete,
            style=options.style,
            title=title,
        )
    else:
        picture = final_map(
            runs,
            x,
            y,
            quantity=quantity,
            series=series,
            shares=shares,
            order_starts=complete,
            most=_most_cells(reading.points_of_sample(results, [x, y])),
            style=options.style,
            title=title,
        )
    picture.caption = f"{count_runs(results, len(runs))}. {picture.caption}"
    return picture


def final_map(
    runs: pd.DataFrame,
    x: str,
    y: str,
    *,
    quantity: Quantity = FINAL_SSR,
    series: Series | None = None,
    shares: bool = False,
    order_starts: bool = True,
    most: int = _MOST_CELLS,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the median of a quantity, or a share of runs, in each cell of two axes.

    Parameters
    ----------
    runs : DataFrame
        With `x`, `y`, status, the column of the quantity, and the axis of the series.
    x, y : str
        Axes. Neighbouring values share a cell if there are more than a plot can show.
    quantity : Quantity
        What to draw; `STATUS` for the most frequent ending, the first of `measures.ENDINGS` if
        several are equally frequent.
    series : Series, optional
        The values of another axis, with a panel each; all have the same colours.
    shares : bool
        Whether to add a panel with the share converged. It is left out if cells have a single run,
        which the first panel shows, or all shares are equal, and if there are series.
    order_starts : bool
        Whether to order the starts of init_id, whose numbers have no meaning, by how often they
        converged. Every start must have runs at the same points, or at random ones.
    most : int
        The largest number of cells along an axis.
    """
    labels = {name: label_of(name) for name in (x, y)}
    starts = None
    if order_starts and "init_id" in (x, y):
        runs, starts = _by_rank(runs)
        labels["init_id"] = _RANKED
    parts = dict(series.parts(runs)) if series else {"": runs}
    rows = pd.concat(parts.values(), ignore_index=True)
    panel = np.repeat(np.arange(len(parts)), [len(part) for part in parts.values()])
    across, up = (bins_of(rows[name], most, even=True) for name in (x, y))
    index = (panel, up.of_rows, across.of_rows)
    shape = (len(parts), len(up.centres), len(across.centres))
    values, counts = cells(rows, index, shape, quantity)
    drawn = {quantity: values}
    if shares and counts.max() > 1 and not series:
        converged, _ = cells(rows, index, shape, CONVERGED)
        if np.nanmin(converged) < np.nanmax(converged):
            drawn[CONVERGED] = converged

    several = len(parts) * len(drawn) > 1
    figure, panels = new_figure(style, len(parts) * len(drawn), sharey=bool(several))
    names = list(parts) if series else [title, "share converged"]
    for number, axes in enumerate(panels):
        room = 0.8 / min(len(panels), 3) if style.beside else 0.8
        y_label = labels[y] if axes.get_subplotspec().is_first_col() else ""
        dress(axes, style, x=labels[x], y=y_label, title=names[number], room=room)
    for one, values_of_one in drawn.items():
        ours = panels if series else [panels[list(drawn).index(one)]]
        draw_cells(figure, ours, across, up, values_of_one, one, style, several=counts.max() > 1)
    if series:
        headline(figure, style, title)
    legend(figure, style, _entries(quantity, values, counts))
    merged = len(across.centres) * len(up.centres) < _count(rows[x]) * _count(rows[y])
    diverged = bool((rows["status"] == "diverged").any())
    figure.caption = _caption(quantity, counts, diverged=diverged, merged=merged)
    figure.table = _table(across, up, x, y, counts, drawn, series)
    if starts is not None:
        figure.caption += _ORDERED
        figure.table = _with_starts(figure.table, starts, merged=merged)
    return figure


def _most_cells(points: int | None) -> int:
    """Return the largest number of cells along an axis, given the points of a sample of both."""
    if points is None:
        return _MOST_CELLS
    return min(max(int((points / _POINTS_IN_CELL) ** 0.5), 2), _MOST_CELLS)


def _are_alike(runs: pd.DataFrame, axes: list[str]) -> bool:
    """Return whether all starts have equally many runs at the same points of some axes."""
    points = runs.groupby(list(dict.fromkeys(["init_id", *axes])), dropna=False).size()
    others = [name for name in points.index.names if name != "init_id"]
    every = runs["init_id"].nunique()
    every *= len(runs[others].drop_duplicates()) if others else 1
    return len(points) == every and points.nunique() == 1


def _count(column: "pd.Series[Any]") -> int:
    return column.nunique(dropna=False)


def _by_rank(
    runs: pd.DataFrame, quantity: Quantity | None = None
) -> "tuple[pd.DataFrame, pd.Series[int]]":
    """Return runs with the rank of their start as init_id, and the init_id of each rank.

    Starts are ranked as in `harness.analysis.ranking`, or by their median of a quantity.
    """
    if quantity is None or quantity.is_share:
        ranks = start_ranks(runs)
    else:
        medians = comparable(runs, quantity.column).groupby(runs["init_id"]).median()
        order = medians.rank(method="first", ascending=not quantity.higher_is_better)
        ranks = runs["init_id"].map(order.astype(np.int64) - 1)
    return runs.assign(init_id=ranks), runs["init_id"].groupby(ranks).first()


def _with_starts(table: pd.DataFrame, starts: "pd.Series[int]", *, merged: bool) -> pd.DataFrame:
    """Return a table with ranks as `start_rank` and, if each has its own row, init_id."""
    table = table.rename(columns={"init_id": "start_rank"})
    if not merged:
        table.insert(0, "init_id", table["start_rank"].map(starts))
    return table


def cells(
    runs: pd.DataFrame,
    index: Sequence[NDArray[np.int64]],
    shape: Sequence[int],
    quantity: Quantity = FINAL_SSR,
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the value and the number of runs of each cell, in arrays of a shape.

    Parameters
    ----------
    runs : DataFrame
        With status and the column of the quantity.
    index : sequence of array
        The cell of each run: its index in each dimension.
    shape : sequence of int
        The number of cells in each dimension.
    quantity : Quantity
        Of a column, the value is the median, which is inf, or -inf if higher is better, where at
        least half of the runs diverged. Of an ending, it is the share in percent. Of `STATUS`, it
        is the position of the most frequent ending in `measures.ENDINGS`. Without runs it is NaN.
    """
    size = int(np.prod(shape))
    cell = np.ravel_multi_index(tuple(index), tuple(shape))
    counts = np.bincount(cell, minlength=size)
    if quantity == STATUS or quantity.is_share:
        codes = cell * len(STATUSES) + ending_codes(runs)
        endings = np.bincount(codes, minlength=size * len(STATUSES)).reshape(size, -1)
        if quantity == STATUS:
            values = endings.argmax(axis=1).astype(np.float64)
        else:
            hits = endings[:, STATUSES.index(quantity.column)]
            values = 100.0 * hits / np.maximum(counts, 1)
        values[counts == 0] = np.nan
    else:
        column = comparable(runs, quantity.column)
        median = pd.Series(column.to_numpy()).groupby(cell).median()
        values = median.reindex(np.arange(size)).to_numpy()
    return values.reshape(shape), counts.reshape(shape)


def draw_cells(
    figure: Any,
    panels: Sequence[Any],
    across: Bins,
    up: Bins,
    values: Floats,
    quantity: Quantity,
    style: Style,
    *,
    several: bool = False,
) -> None:
    """Draw cells in panels with the same colours; those that diverged (inf) are hatched.

    Parameters
    ----------
    figure, panels
        Where to draw.
    across, up : Bins
        The axes.
    values : array of shape (panels, up, across)
        From `cells`.
    quantity : Quantity
        What they are.
    style : Style
        Sizes.
    several : bool
        Whether cells have several runs.
    """
    is_status = quantity == STATUS
    lost = values == STATUSES.index("diverged") if is_status else np.isinf(values)
    look: dict[str, Any] = {}
    if is_status:
        look = {"cmap": ListedColormap([ENDINGS[name] for name in STATUSES]), "vmin": -0.5}
        look["vmax"] = len(STATUSES) - 0.5
    else:
        look = {"cmap": SHARES if quantity.is_share else VALUES, "norm": _norm(values, quantity)}
    mesh = None
    for axes, part, far in zip(panels, values, lost, strict=True):
        set_bins(axes.xaxis, across)
        set_bins(axes.yaxis, up)
        # The hatched background is seen where nothing else is drawn.
        if far.any():
            axes.patch.set(**_hatched(ENDINGS["diverged"] if is_status else GREY))
        edges = (across.edges, up.edges)
        empty = np.ma.masked_where(~np.isnan(part), np.ones_like(part))
        axes.pcolormesh(*edges, empty, cmap=ListedColormap(["white"]), rasterized=True)
        if not (~far & ~np.isnan(part)).any():
            remark(axes, style, "every run diverged" if far.any() else "no run")
            continue
        shown = np.ma.masked_where(far | np.isnan(part), part)
        if isinstance(look.get("norm"), LogNorm):
            # Zero has no logarithm: the smallest float has the lowest colour.
            shown = np.ma.maximum(shown, np.finfo(float).tiny)
        mesh = axes.pcolormesh(*edges, shown, rasterized=True, **look)
    if mesh is None or is_status:
        return
    label = f"median {quantity.label}" if several and not quantity.is_share else quantity.label
    _colour_bar(figure, panels, mesh, values[np.isfinite(values)], label, style)


def _norm(values: Floats, quantity: Quantity) -> Normalize:
    """Return the colour scale: from 0 for shares, of most values otherwise."""
    good = values[np.isfinite(values)]
    if quantity.is_share:
        return Normalize(0, good.max(initial=0) or 100)
    log = quantity.log and bool((good > 0).any())
    return (LogNorm if log else Normalize)(*colour_range(good, log=log))


def _colour_bar(
    figure: Any, panels: Sequence[Any], mesh: Any, good: Floats, label: str, style: Style
) -> None:
    low, high = mesh.norm.vmin, mesh.norm.vmax
    ends = bool((good < low).any()), bool((good > high).any())
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[ends]
    rows = sum(axes.get_subplotspec().is_first_col() for axes in panels) or 1
    bar = colour_bar(figure, style, mesh, list(panels), label, extend=extend, aspect=25 * rows)
    if not isinstance(mesh.norm, LogNorm):
        set_linear_ticks(bar.ax.yaxis, low, high)
        return
    set_log_ticks(bar.ax.yaxis, low, high)
    if (good <= 0).any():
        bar.ax.set_xlabel("0" if good.min() == 0 else "≤ 0", fontsize=style.small)


def _hatched(colour: str) -> dict[str, Any]:
    return {"facecolor": colour, "edgecolor": "white", "hatch": HATCH, "linewidth": 0}


def _entries(quantity: Quantity, values: Floats, counts: NDArray[np.int64]) -> list[Patch]:
    """Return the legend entries of cells without a colour on the colour bar."""
    entries = []
    if quantity == STATUS:
        for code, name in enumerate(STATUSES):
            if (values == code).any():
                look = _hatched(ENDINGS[name]) if name == "diverged" else {"color": ENDINGS[name]}
                entries.append(Patch(label=name, **look))
    elif np.isinf(values).any():
        label = "at least half of the runs diverged" if counts.max() > 1 else "diverged"
        entries.append(Patch(label=label, **_hatched(GREY)))
    if (counts == 0).any():
        entries.append(Patch(facecolor="white", edgecolor=GREY, label="no run"))
    return entries


def _caption(quantity: Quantity, counts: NDArray[np.int64], *, diverged: bool, merged: bool) -> str:
    """Return the sentences on what cells are."""
    least, most = counts[counts > 0].min(), counts.max()
    number = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    if most == 1:
        text = "Each cell is a run."
    elif quantity == STATUS or quantity.is_share:
        text = f"Each cell has {number} runs."
    else:
        text = f"Each cell is the median of {number} runs"
        text += _told_diverged(quantity) if diverged else "."
    if merged:
        text += " Neighbouring values share a cell."
    return text


def _told_diverged(quantity: Quantity) -> str:
    worst = "lowest" if quantity.higher_is_better else "highest"
    return f"; those that diverged count as {worst}."


def _table(
    across: Bins,
    up: Bins,
    x: str,
    y: str,
    counts: NDArray[np.int64],
    drawn: dict[Quantity, Floats],
    series: Series | None,
) -> pd.DataFrame:
    """Return the numbers of a map, one row per cell with runs."""
    panel, row, column = np.nonzero(counts)
    table = pd.DataFrame({x: across.values[column], y: up.values[row], "runs": counts[counts > 0]})
    for quantity, values in drawn.items():
        found = values[counts > 0]
        if quantity == STATUS:
            table["status"] = np.array(STATUSES)[found.astype(np.int64)]
        else:
            # Shares are percentages on axes only.
            table[quantity.column] = found / 100 if quantity.is_share else found
    if series:
        table.insert(0, series.axis, [series.values[number] for number in panel])
    return table


def final_lines(
    runs: pd.DataFrame,
    x: str,
    *,
    quantity: Quantity = FINAL_SSR,
    series: Series | None = None,
    quantiles: tuple[float, float] = (0.25, 0.75),
    shares: bool = False,
    order_starts: bool = True,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw a quantity along one axis, as median and band, or as share with its interval.

    Parameters
    ----------
    runs : DataFrame
        With `x`, status, the column of the quantity, the axis of the series and, if runs share
        starts, their number as `start`.
    x : str
        The axis.
    quantity : Quantity
        What to draw.
    series : Series, optional
        The values of another axis, with a line each.
    quantiles : tuple of two floats
        The ends of the bands.
    shares : bool
        Whether to add a panel with the share converged. It is left out if points have a single run,
        along starts, or if all shares are equal.
    order_starts : bool
        Whether to order the starts of init_id, by the quantity if it is not a share.
    """
    label, starts = label_of(x), None
    if order_starts and x == "init_id":
        runs, starts = _by_rank(runs, quantity)
        label = _RANKED
    parts = dict(series.parts(runs)) if series else {"": runs}
    rows = pd.concat(parts.values(), ignore_index=True)
    part = np.repeat(np.arange(len(parts)), [len(rows_of) for rows_of in parts.values()])
    bins = bins_of(rows[x], _MOST_POINTS if starts is None else _MOST_STARTS)
    merged = len(bins.values) < _count(rows[x])
    rows = rows.assign(part=part, bin=bins.of_rows)
    drawn = {quantity: _points(rows, quantity, quantiles)}
    several = drawn[quantity]["runs"].max() > 1
    if shares and several and starts is None:
        converged = _points(rows, CONVERGED, quantiles)
        if converged["middle"].nunique() > 1:
            drawn[CONVERGED] = converged
    figure, panels = new_figure(style, len(drawn))
    for axes, (one, table), heading in zip(
        panels, drawn.items(), [title, "share converged"], strict=False
    ):
        y = f"median {one.label}" if several and not one.is_share else one.label
        _draw_lines(axes, table, bins, one, list(parts), style)
        set_bins(axes.xaxis, bins)
        room = 0.8 / len(panels) if style.beside else 0.8
        dress(axes, style, x=label, y=y, title=heading, room=room)
    legend(figure, style, panels[0].get_lines() if series else [])
    figure.caption = _line_caption(
        quantity,
        quantiles,
        diverged=bool((rows["status"] == "diverged").any()),
        several=several,
        shares=len(drawn) > 1,
        pooled="start" in rows and bool(rows.duplicated(["part", "bin", "start"]).any()),
    )
    table = drawn[quantity].rename(
        columns={"low": f"{quantity.column}_low", "middle": quantity.column}
        | {"high": f"{quantity.column}_high"}
    )
    if len(drawn) > 1:
        table[["converged", "converged_low", "converged_high"]] = drawn[CONVERGED][
            ["middle", "low", "high"]
        ]
    # Shares are percentages on axes only.
    percentages = [name for name in table.columns.astype(str) if name.startswith(STATUSES)]
    table[percentages] /= 100
    table.insert(0, x, bins.values[table.pop("bin")])
    numbers = table.pop("part")
    if series:
        table.insert(0, series.axis, [series.values[number] for number in numbers])
    if starts is not None:
        if quantity.is_share:
            figure.caption += _ORDERED
        else:
            median = "median " if len(parts) > 1 else ""
            figure.caption += f" Starts are ordered by their {median}{quantity.label}."
        table = _with_starts(table, starts, merged=merged)
    figure.table = table
    return figure


def _points(rows: pd.DataFrame, quantity: Quantity, quantiles: tuple[float, float]) -> pd.DataFrame:
    """Return part, bin, runs, low, middle and high of groups of runs, shares in percent."""
    keys = ["part", "bin"]
    if quantity.is_share:
        found = outcomes(rows, keys, "start" if "start" in rows else None)
        name = quantity.column
        names = {f"{name}_low": "low", name: "middle", f"{name}_high": "high"}
        found = found.reindex(columns=[*keys, "runs", *names], fill_value=0.0)
        found = found.rename(columns=names)
        found[["low", "middle", "high"]] *= 100
        return found
    worst = -np.inf if quantity.higher_is_better else np.inf
    values = comparable(rows, quantity.column)
    groups = values.groupby([rows[name] for name in keys])
    found = pd.DataFrame({"runs": groups.size()})
    low, high = quantiles
    for name, share in (("low", low), ("middle", 0.5), ("high", high)):
        # pandas interpolates to NaN between minus infinity and a number.
        found[name] = groups.quantile(share).fillna(worst)
    return found.reset_index()


def _draw_lines(
    axes: Any, table: pd.DataFrame, bins: Bins, quantity: Quantity, names: list[str], style: Style
) -> None:
    """Draw a line and a band for each part."""
    ends = ["low", "middle", "high"]
    span = None
    if not quantity.is_share:
        span = span_of(table[ends], log=quantity.log, higher_is_better=quantity.higher_is_better)
    looks = zip(names, cycle(CATEGORIES), cycle(MARKERS), cycle(DASHES), strict=False)
    for number, (name, colour, marker, dash) in enumerate(looks):
        ours = table[table["part"] == number]
        at = bins.centres[ours["bin"]]
        low, middle, high = (
            ours[end].to_numpy() if span is None else span.positions(ours[end]) for end in ends
        )
        axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
        if len(at) == 1:  # the band has no width
            axes.vlines(at, low, high, color=colour, alpha=0.4, linewidth=style.line)
        axes.plot(
            at,
            middle,
            color=colour,
            linewidth=style.line,
            linestyle=dash,
            marker=marker,
            markersize=0.35 * style.font,
            markevery=max(1, len(at) // 15),
            label=name,
        )
    if span is None:
        axes.set_ylim(-2, 102)
    else:
        span.set(axes.yaxis, "diverged")


def _line_caption(
    quantity: Quantity,
    quantiles: tuple[float, float],
    *,
    diverged: bool,
    several: bool,
    shares: bool,
    pooled: bool,
) -> str:
    """Return the sentences on what lines and bands are."""
    interval = "95% intervals"
    starts = ", for the number of starts" if pooled else ""
    if quantity.is_share:
        return f"Bands are {interval} of the shares{starts}."
    if not several:
        return "Each point is a run."
    low, high = quantiles
    band = "the middle half"
    if quantiles != (0.25, 0.75):
        band = f"from the {100 * low:.4g}% to the {100 * high:.4g}% quantile"
    text = f"Lines are medians and bands {band} of the runs"
    text += _told_diverged(quantity) if diverged else "."
    return text + (f" Bands of the share converged are {interval}{starts}." if shares else "")


KIND = Kind(
    summary="A measure, by default the final loss, over two axes or along one.",
    draw=draw,
    takes=("x", "y", "by", "measure", "quantiles"),
)
