"""The report of a results folder: computed numbers and texts, inserted into the templates."""

import base64
import hashlib
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from harness.analysis.measures import accuracy_column
from harness.analysis.ranking import trained_loss
from harness.errors import ResultsError
from harness.report import charts, sections, trajectories
from harness.report.chain_rule import worked
from harness.report.heat_maps import CellCounts, View, heat_map, views
from harness.report.ordered_axes import OrderedAxis, Ranks, ordered_axes
from harness.report.packing import as_json
from harness.report.rendering import render
from harness.report.settings import settings
from harness.report.summary import Summary, summarise
from harness.results.sentences import column_label
from harness.results.tables import Results, open_results
from harness.store import is_local
from harness.store.files import LocalFiles
from harness.store.outputs import split_output, write_inside

# The first lines of templates/page.html: a file that begins differently is not replaced.
_BEGINNING = "<!doctype html>\n<!-- made by harness report -->\n"
_SCRIPTS = ("looks.js", "trajectories.js", "heat_map.js", "settings.js", "tables.js", "pictures.js")
# Version 4.1.1 as in the npm package plotly.js-cartesian-dist-min. The whole of Plotly, with maps
# and three dimensions, is three times as large.
_PLOTLY = "plotly/plotly-cartesian.min.js"


class Written(NamedTuple):
    """The path of a report, and its size in bytes."""

    path: Path
    size: int


def write_report(folder: Path, output: Path | None = None) -> Written:
    """Write the report of a results folder as one HTML file.

    Parameters
    ----------
    folder : Path
        The results folder. If the sweep has not ended, the report shows what is trained.
    output : Path, optional
        Where to write. Default: report.html in the folder. An existing report is replaced.

    Raises
    ------
    ResultsError
        The folder does not hold results, no run is finished, or `output` is another file.
    """
    results = open_results(folder)
    if output is None and not is_local(results.folder):
        raise ResultsError(
            f"A report cannot be written into {results.folder}.\nName a file with --output."
        )
    path = output or results.folder / "report.html"
    folder, name = split_output(path, results.folder)
    _check_free(path, LocalFiles(folder), name)
    data = page(results).encode("utf-8", "xmlcharrefreplace")
    write_inside(folder, name, [data])
    return Written(path, len(data))


def _check_free(path: Path, files: LocalFiles, name: str) -> None:
    """Raise a ResultsError if a file would be replaced that is not a report."""
    try:
        with files.open(name) as file:
            if file.read(len(_BEGINNING)) == _BEGINNING.encode():
                return
    except FileNotFoundError:
        return
    except OSError:  # it is not a plain file
        pass
    raise ResultsError(f"{path} exists and is not a report.\nChoose another name with --output.")


def page(results: Results) -> str:
    """Return the report as HTML."""
    experiment = results.experiment
    axes = ordered_axes(results.grid)
    cells = [CellCounts(view, axes) for view in views(axes)]
    by_axis = [
        CellCounts(View((at,), (min(axis.count, charts.TABLE_BINS),)), axes)
        for at, axis in enumerate(axes)
    ]
    found = summarise(results, axes, [*cells, *by_axis])
    run_ids = found.runs["run_id"].to_numpy()
    ranks = [axis.ranks(run_ids) for axis in axes]
    along = {
        axis: charts.outcomes_along(axis, counted.counts, at, found.runs)
        for axis, counted, at in zip(axes, by_axis, ranks, strict=True)
    }
    toml = experiment.to_toml()
    data = _data(results, found, axes, ranks, cells, along)
    plotly, script = _source(_PLOTLY), _script()
    return render(
        "page.html",
        experiment=experiment,
        facts=sections.facts(results, found),
        outcome=sections.outcome(found, along),
        best=sections.best(found),
        best_run=found.best_run,
        worked=worked(experiment, found.best_run),
        commands=sections.commands(results, found),
        toml=toml,
        provenance=sections.provenance(results),
        manifest=sections.manifest(results),
        downloads=sections.downloads(results, found, along, toml),
        style=Markup(_source("templates/page.css")),
        plotly=Markup(plotly),
        script=Markup(script),
        hashes=Markup(" ".join(map(_hash_source, (plotly, script)))),
        loss=data["loss"],
        data=as_json(data),
    )


def _data(
    results: Results,
    found: Summary,
    axes: list[OrderedAxis],
    ranks: list[Ranks],
    cells: list[CellCounts],
    along: dict[OrderedAxis, pd.DataFrame],
) -> dict[str, Any]:
    """Return the numbers that the page's script draws."""
    experiment = results.experiment
    shown = [each.view for each in cells]
    drawn = trajectories.choose(found, shown, axes, ranks)
    sample = trajectories.draw_sample(results, found)
    run_ids = found.runs["run_id"].to_numpy()
    read = run_ids[np.union1d(drawn, sample)]
    loss = trained_loss(results.run_columns).removesuffix("_final")
    table = results.read_trajectories(read, ["run_id", "epoch", loss]).rename(
        columns={loss: "loss"}
    )
    used = {(n, bins) for view in shown for n, bins in zip(view.axes, view.bins, strict=True)}
    first, first_ranks = (axes[0], ranks[0]) if axes else (None, None)
    accuracy = accuracy_column(found.runs)
    epochs = ends = None
    if first is not None and first.name == "init_id":  # values with a single run say little
        first = first_ranks = None
    if first is not None and first_ranks is not None:
        used.add((0, min(first.count, charts.TABLE_BINS)))
        epochs = charts.epochs_along(first, first_ranks, results, found, sample, table)
        ends = charts.ends_along(first, along[first])
    return {
        "folder": shlex.quote(str(results.folder)),
        "statuses": list(found.runs["status"].cat.categories),
        "axes": [
            {
                "name": axis.name,
                "count": axis.count,
                "labels": {bins: axis.labels(bins) for at, bins in used if at == n},
                "where": {bins: axis.conditions(bins) for at, bins in used if at == n},
            }
            for n, axis in enumerate(axes)
        ],
        "views": [heat_map(each, ranks, found.runs) for each in cells],
        "runs": trajectories.lines(found.runs.iloc[drawn], [at[drawn] for at in ranks], table),
        "bands": trajectories.bands(found, found.runs.iloc[sample], table),
        "epochs": epochs,
        "ends": ends,
        "histogram": charts.histogram(first, first_ranks, found.runs),
        "settings": settings(results, axes, found.best_run),
        "loss": "SSR" if loss == "ssr" else "loss",
        "curve": charts.fitted_curve(experiment, found.best.iloc[0]),
        "regions": charts.decision_regions(results, found.best.iloc[0]),
        "accuracy": column_label(accuracy) if accuracy else None,
        "best_run": found.best_run,
        "best_ranks": [axis.ranks(np.array([found.best_run])).item() for axis in axes],
        "log_epochs": "log" in str(experiment.record.epochs),
    }


def _source(name: str) -> str:
    return files("harness.report").joinpath(name).read_text("utf-8")


def _hash_source(script: str) -> str:
    """Return the name by which the page's Content-Security-Policy allows an inline script."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _script() -> str:
    """Return the page's script: its files share one scope, and add nothing to the global one."""
    return (
        '"use strict";\n(() => {\n'
        + "\n".join(_source(f"templates/{name}") for name in _SCRIPTS)
        + "})();\n"
    )
