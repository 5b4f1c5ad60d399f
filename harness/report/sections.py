"""The parts of the page that are text: the experiment, tables, commands, downloads."""

import json
import shlex
from html import escape

import pandas as pd

from harness.grid import Axis
from harness.report.gathering import Gathered
from harness.report.markup import csv, download, number, table, terms
from harness.report.ordered_axes import OrderedAxis
from harness.tables import Results

_BEST_ROWS = 10
_OUTCOME_ROWS = 40
_MOST_DATA = 20


def summary(results: Results, found: Gathered) -> str:
    """Return the experiment and how its runs ended."""
    experiment = results.experiment
    network, training = experiment.network, experiment.training
    ended = ", ".join(f"{n:,} {name}" for name, n in found.counts.items() if n)
    axes = "; ".join(map(_axis, experiment.axes.axes)) or "none: one run"
    pairs = {
        "network": f"{'-'.join(map(str, network.layers))}, {', '.join(network.activations)},"
        f" {network.loss.replace('_', ' ')}",
        "data": f"{experiment.data.generator or experiment.data.file},"
        f" {len(experiment.dataset.inputs):,} data points",
        "training": f"{training.epochs:,} {'epoch' if training.epochs == 1 else 'epochs'} at most"
        + (f", until the SSR is {training.tolerance:g}" if training.tolerance is not None else ""),
        "axes": axes,
        "runs": f"{found.there:,}: {ended}",
    }
    if found.missing:
        pairs["missing"] = f"{found.missing:,} runs are not trained yet"
    if len(found.runs) < found.there:
        pairs["sample"] = (
            f"pictures and the tables along axes are of {len(found.runs):,} runs spread evenly over"
            " the grid"
        )
    return terms(pairs)


def _axis(axis: Axis) -> str:
    values = axis.values
    if values.count == 1:
        return f"{axis.name} {number(values.value(0))}"
    first, last = number(values.value(0)), number(values.value(values.count - 1))
    return f"{axis.name} {first} to {last} ({values.count:,})"


def outcome(found: Gathered, along: dict[OrderedAxis, pd.DataFrame]) -> str:
    """Return the table along the first axis; nothing for one run."""
    if not along:
        return ""
    axis, frame = next(iter(along.items()))
    step = -(-len(frame) // _OUTCOME_ROWS)
    names = [axis.axis.name, f"{axis.axis.name}_to"]
    names = [name for name in names if name in frame]
    rows = [
        [
            *(row[name] for name in names),
            f"{row['runs']:,}",
            *(f"{row[name]:.1%}" for name in ("converged", "finished", "diverged")),
            *(float(row[name]) for name in ("best", "lower_quartile", "median", "upper_quartile")),
        ]
        for row in frame.iloc[::step].to_dict("records")
    ]
    headings = ["runs", "converged", "finished", "diverged", "best SSR", "lower quartile"]
    caption = f"Along {axis.name}" + (f", 1 of every {step} values" if step > 1 else "")
    return table(caption, [*names, *headings, "median", "upper quartile"], rows)


def best(found: Gathered, results: Results) -> str:
    """Return the table of the best runs."""
    known = list(map(str, found.best))
    names = [*known[: known.index("epochs") + 1], "ssr_final"]
    names += ["loss_final"] if "loss_final" in known else []
    caption = {
        "converged": "First to converge",
        "diverged": "All diverged; these held out longest",
    }.get(found.best_by, f"Lowest {found.best_by}")
    rows = found.best[names].astype(object).head(_BEST_ROWS).itertuples(index=False)
    return table(caption, names, rows)


def commands(results: Results, found: Gathered) -> str:
    """Return what makes the same tables again, and looks further into them."""
    name = shlex.quote(f"{results.experiment.name}.toml")
    folder = shlex.quote(str(results.folder))
    lines = []
    commit = results.manifest.get("git_commit")
    if commit:
        lines.append(f"git checkout {commit}  # in a clone of harness")
    lines += [
        "pip install .",
        f"harness run {name} --out {folder}",
        f"harness verify {folder}",
        f"harness trace {name} --run {found.best_run}",
        f"harness export {folder} --table trajectories --runs {found.best_run}",
        f"harness report {folder}",
    ]
    return "\n".join(lines)


def needs(results: Results) -> str:
    """Return which file beside the experiment is needed, if there is one."""
    file = results.experiment.data.file
    return f"<p>It reads its data from <code>{escape(file)}</code>.</p>" if file else ""


def manifest(results: Results) -> str:
    """Return what was trained with what."""
    kept = results.manifest
    versions = ", ".join(f"{name} {text}" for name, text in kept["versions"].items())
    return terms({
        "made": kept["created"],
        "identity": kept["identity"],
        "code": kept["code"],
        "commit": kept.get("git_commit") or "unknown",
        "versions": versions,
        "machine": ", ".join(map(str, kept["machine"].values())),
    })  # fmt: skip


def downloads(
    results: Results, found: Gathered, along: dict[OrderedAxis, pd.DataFrame], toml: str
) -> str:
    """Return links to tables and to the experiment."""
    name = results.experiment.name
    files = [
        download(
            f"{name}-{axis.axis.name}.csv", f"Outcome and final SSR along {axis.name}", csv(frame)
        )
        for axis, frame in along.items()
    ]
    files += [
        download(f"{name}-best.csv", "The best runs", csv(found.best)),
        download(f"{name}.toml", "The experiment", toml, "application/toml"),
    ]
    return "".join(f"<li>{link}</li>" for link in files)


def manifest_text(results: Results) -> str:
    """Return the manifest as JSON; of data points that are many, how many."""
    kept = dict(results.manifest)
    for name, rows in (kept["data"] or {}).items():
        if len(rows) > _MOST_DATA:
            kept["data"] = {**kept["data"], name: f"{len(rows):,} rows"}
    return json.dumps(kept, indent=1, ensure_ascii=False)
