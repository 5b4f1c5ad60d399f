"""The report of a results folder: everything gathered, and put into the page."""

import base64
import hashlib
import re
import shlex
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from plotly.offline import get_plotlyjs

from harness.errors import ResultsError
from harness.report import chain_rule, charts, sections, trajectories
from harness.report.heat_maps import CellCounts, View, heat_map, views
from harness.report.ordered_axes import ordered_axes
from harness.report.packing import as_json
from harness.report.summary import gather
from harness.results.tables import Results, open_results
from harness.store import is_local
from harness.store.files import LocalFiles
from harness.store.outputs import split_output, write_inside

# What every report begins with, so that no other file is taken for one and replaced.
_BEGINNING = "<!doctype html>\n<!-- made by harness report -->\n"
_SCRIPTS = ("looks.js", "trajectories.js", "heat_map.js", "pictures.js")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


class Written(NamedTuple):
    """Where the report is, and its size in bytes."""

    path: Path
    size: int


def write_report(folder: Path, output: Path | None = None) -> Written:
    """Write the report of a results folder as one HTML file.

    Parameters
    ----------
    folder : Path
        The results folder; of a sweep that has not ended, what is trained is shown.
    output : Path, optional
        Where it goes; report.html in the folder if left out. A report that is there is replaced.

    Raises
    ------
    ResultsError
        It is no results folder, no run is finished, or `output` is another file.
    """
    results = open_results(folder)
    if output is None and not is_local(results.folder):
        raise ResultsError(f"{results.folder} takes no report.\nName a file with --output.")
    path = output or results.folder / "report.html"
    folder, name = split_output(path, results.folder)
    _check_free(path, LocalFiles(folder), name)
    data = page(results).encode("utf-8", "xmlcharrefreplace")
    write_inside(folder, name, [data])
    return Written(path, len(data))


def _check_free(path: Path, files: LocalFiles, name: str) -> None:
    """Raise a ResultsError if there is something that is not a report."""
    try:
        with files.open(name) as file:
            if file.read(len(_BEGINNING)) == _BEGINNING.encode():
                return
    except FileNotFoundError:
        return
    except OSError:  # something that is not a plain file
        pass
    raise ResultsError(
        f"{path} is there already and is no report.\nChoose another name with --output."
    )


def page(results: Results) -> str:
    """Return the report as HTML."""
    experiment = results.experiment
    numbered = ordered_axes(experiment.grid)
    axes = [axis for _, axis in numbered]
    cells = [CellCounts(view, axes) for view in views(axes)]
    by_axis = [
        CellCounts(View((at,), (min(axis.count, charts.TABLE_BINS),)), axes)
        for at, axis in enumerate(axes)
    ]
    found = gather(results, [*cells, *by_axis])
    coordinates = experiment.grid.coordinates(found.runs["run_id"].to_numpy())
    places = [axis.place(coordinates[number]) for number, axis in numbered]
    shown = [each.view for each in cells]
    along = {
        axis: charts.outcomes_along(axis, counted.counts, at, found.runs)
        for axis, counted, at in zip(axes, by_axis, places, strict=True)
    }
    chosen = trajectories.choose(found, shown, axes, places)
    used = {(n, bins) for view in shown for n, bins in zip(view.axes, view.bins, strict=True)}
    if axes:
        used.add((0, min(axes[0].count, charts.TABLE_BINS)))
    data = {
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
        "views": [heat_map(each, places, found.runs) for each in cells],
        "runs": trajectories.trajectories(results, found, chosen, axes, places),
        "bands": trajectories.bands(results, found),
        "epochs": charts.epochs_along(axes[0], places[0], results, found) if axes else None,
        "ends": charts.ends_along(axes[0], along[axes[0]]) if axes else None,
        "histogram": charts.histogram(axes, places, found.runs),
        "curve": None
        if found.best["status"].iloc[0] == "diverged"
        else charts.fitted_curve(experiment, found.best.iloc[0]),
        "best_run": found.best_run,
        "best_places": [
            axis.place(experiment.grid.coordinates(np.array([found.best_run]))[n]).item()
            for n, axis in numbered
        ],
        "log_epochs": "log" in str(experiment.record.epochs),
    }
    toml = experiment.to_toml()
    template = files("harness.report")
    plotly, script = get_plotlyjs(), _script()
    parts = {
        "title": escape(experiment.name),
        "question": escape(experiment.question),
        "summary": sections.summary(results, found),
        "outcome": sections.outcome(found, along),
        "best": sections.best(found),
        "chain": chain_rule.worked(experiment, found.best_run),
        "best_run": str(found.best_run),
        "commands": escape(sections.commands(results, found)),
        "toml": escape(toml),
        "needs": sections.needs(results),
        "manifest": sections.manifest(results),
        "manifest_json": escape(sections.manifest_text(results)),
        "downloads": sections.downloads(results, found, along, toml),
        "style": template.joinpath("page.css").read_text("utf-8"),
        "script": script,
        "plotly": plotly,
        "hashes": " ".join(map(_hash_source, (plotly, script))),
        "data": as_json(data),
    }
    # In one pass: what is put in is not looked through again.
    html = template.joinpath("page.html").read_text("utf-8")
    return _BEGINNING + _PLACE.sub(lambda place: parts[place[1]], html)


def _hash_source(script: str) -> str:
    """Return what the page's Content-Security-Policy calls an inline script that may run."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _script() -> str:
    """Return the page's program: its files share one scope, and nothing outside it."""
    parts = [files("harness.report").joinpath(name).read_text("utf-8") for name in _SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
