"""The parts of the page that are text: the experiment, tables, commands, downloads."""

import json
import shlex
from html import escape

import pandas as pd

from harness.analysis.ranking import trained_loss
from harness.experiment import Experiment
from harness.experiment.grid import Axis
from harness.formatting import plural
from harness.report.markup import csv, download, table, terms
from harness.report.ordered_axes import OrderedAxis
from harness.report.summary import Gathered
from harness.results.sentences import exact, order_of, percent
from harness.results.tables import Results

_BEST_ROWS = 10
_OUTCOME_ROWS = 40


def summary(results: Results, found: Gathered) -> str:
    """Return the experiment and how its runs ended."""
    experiment = results.experiment
    network, points = experiment.network, len(experiment.data.inputs)
    ended = ", ".join(f"{n:,} {name}" for name, n in found.counts.items() if n)
    axes = "; ".join(map(_axis, experiment.grid.axes)) or "none: one run"
    pairs = {
        "network": f"{'-'.join(map(str, network.sizes))}, {', '.join(network.activations)},"
        f" {network.loss.replace('_', ' ')}",
        "data": f"{experiment.data_section.generator or experiment.data_section.file or 'inline'},"
        f" {plural(points, 'data point')}",
        "training": _training(experiment),
        "axes": axes,
        "runs": f"{found.there:,}: {ended}",
    }
    if found.best_says:
        pairs["answer"] = found.best_says
    if found.missing:
        pairs["missing"] = f"{found.missing:,} runs are not trained yet"
    if len(found.runs) < found.there:
        pairs["sample"] = (
            f"medians, quartiles and histograms are of {len(found.runs):,} runs spread evenly over"
            " the grid; shares are of all runs"
        )
    return terms(pairs)


def _training(experiment: Experiment) -> str:
    """Say when runs end; what an axis sets is different for each."""
    training, names = experiment.training, [axis.name for axis in experiment.grid.axes]
    epochs = f"{plural(training.epochs, 'epoch')} at most"
    if "max_epochs" in names:
        epochs = "as many epochs as max_epochs at most"
    if "tolerance" in names:
        return f"{epochs}, until the loss is at most the tolerance"
    if training.tolerance is not None:
        return f"{epochs}, until the loss is at most {exact(training.tolerance)}"
    return epochs


def _axis(axis: Axis) -> str:
    values = axis.values
    if values.count == 1:
        return f"{axis.name} {exact(values.value(0))}"
    first, last = exact(values.value(0)), exact(values.value(values.count - 1))
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
            *(exact(row[name]) for name in names),
            f"{row['runs']:,}",
            *(percent(row[name]) for name in ("converged", "finished", "diverged")),
            *(float(row[name]) for name in ("best", "lower_quartile", "median", "upper_quartile")),
        ]
        for row in frame.iloc[::step].to_dict("records")
    ]
    loss = trained_loss(found.runs.columns)
    headings = ["runs", "converged", "finished", "diverged", f"best {loss}", "lower quartile"]
    caption = f"Along {axis.name}" + (f", 1 of every {step} values" if step > 1 else "")
    return table(caption, [*names, *headings, "median", "upper quartile"], rows)


def best(found: Gathered) -> str:
    """Return the table of the best runs."""
    rows = found.best.head(_BEST_ROWS)
    known = list(map(str, rows))
    settings = known[: known.index("epochs") + 1]
    values = [name for name in ("ssr_final", "loss_final") if name in known]
    return table(
        order_of(rows, trained_loss(known)).capitalize(),
        [*settings, *values],
        [
            [*(exact(row[name]) for name in settings), *(row[name] for name in values)]
            for row in rows.to_dict("records")
        ],
    )


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
    file = results.experiment.data_section.file
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
            f"{name}-{axis.axis.name}.csv",
            f"Outcome and final values along {axis.name}",
            csv(frame),
        )
        for axis, frame in along.items()
    ]
    files += [
        download(f"{name}-best.csv", "The best runs", csv(found.best)),
        download(f"{name}.toml", "The experiment", toml, "application/toml"),
    ]
    return "".join(f"<li>{link}</li>" for link in files)


def manifest_text(results: Results) -> str:
    """Return the manifest as JSON."""
    return json.dumps(results.manifest, indent=1, ensure_ascii=False)
