"""Texts and tables of the page: the experiment, outcomes, commands, downloads."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from harness.analysis.measures import ENDINGS
from harness.analysis.ranking import trained_loss
from harness.experiment import Experiment
from harness.experiment.card import update_rule
from harness.experiment.grid import Axis
from harness.formatting import plural
from harness.report.ordered_axes import OrderedAxis
from harness.report.summary import Summary
from harness.results.sentences import data_points, exact, order_of, percent
from harness.results.tables import Results

_BEST_ROWS = 10
_OUTCOME_ROWS = 40


class Table(NamedTuple):
    """A table of the page; numbers that are still floats are rounded by the template."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[object]]


class Download(NamedTuple):
    """A file that the page holds: its name, what it is, its contents and media type."""

    name: str
    caption: str
    text: str
    type: str = "text/csv"


def facts(results: Results, found: Summary) -> dict[str, str]:
    """Return the experiment and how its runs ended, as terms and their descriptions."""
    experiment = results.experiment
    network, data = experiment.network, experiment.data_section
    ended = ", ".join(f"{n:,} {name}" for name, n in found.counts.items() if n)
    pairs = {
        "network": f"{'-'.join(map(str, network.sizes))}, {', '.join(network.activations)},"
        f" {network.loss.replace('_', ' ')}",
        "data": f"{data.generator or data.file or 'inline'}, {data_points(experiment)}",
        "training": _training(experiment),
        "axes": "; ".join(map(_axis, experiment.grid.axes)) or "none: one run",
        "runs": f"{found.trained:,}: {ended}",
    }
    if found.best_says:
        pairs["answer"] = found.best_says
    if found.missing:
        verb = "is" if found.missing == 1 else "are"
        pairs["missing"] = f"{plural(found.missing, 'run')} {verb} not trained yet"
    if len(found.runs) < found.trained:
        pairs["sample"] = (
            f"medians, quartiles and histograms are of {len(found.runs):,} runs spread evenly over"
            " the grid; shares are of all runs"
        )
    return pairs


def _training(experiment: Experiment) -> str:
    """Say how parameters are updated, when runs end, and the precision if it is not float64."""
    training, axes = experiment.training, [axis.name for axis in experiment.grid.axes]
    most = "max_epochs epochs" if "max_epochs" in axes else plural(training.epochs, "epoch")
    said = [update_rule(training, axes), f"at most {most}"]
    if "tolerance" in axes:
        said.append("until the loss is at most the tolerance")
    elif training.tolerance is not None:
        said.append(f"until the loss is at most {exact(training.tolerance)}")
    if training.patience is not None:
        epochs = plural(training.patience, "epoch")
        said.append(f"or until the loss of held-out data has not improved for {epochs}")
    if training.precision != "float64" and "precision" not in axes:
        said.append(f"in {training.precision}")
    return ", ".join(said)


def _axis(axis: Axis) -> str:
    values = axis.values
    if values.count == 1:
        return f"{axis.name} {exact(values.value(0))}"
    first, last = exact(values.value(0)), exact(values.value(values.count - 1))
    return f"{axis.name} {first} to {last} ({values.count:,})"


def outcome(found: Summary, along: Mapping[OrderedAxis, pd.DataFrame]) -> Table | None:
    """Return how the runs ended along the first axis; None if runs differ in their start only."""
    axis, frame = next(iter(along.items()), (None, pd.DataFrame()))
    if axis is None or axis.name == "init_id":
        return None
    step = -(-len(frame) // _OUTCOME_ROWS)
    known = list(map(str, frame))
    names = known[: known.index("runs")]
    shares = [name for name in ENDINGS if name in known]
    values = ["best", "lower_quartile", "median", "upper_quartile"]
    rows = [
        [
            *(exact(row[column]) for column in names),
            f"{row['runs']:,}",
            *(percent(row[column]) for column in shares),
            *(float(row[column]) for column in values),
        ]
        for row in frame.iloc[::step].to_dict("records")
    ]
    headings = [*names, "runs", *shares, *(column.replace("_", " ") for column in values)]
    headings[headings.index("best")] = f"best {trained_loss(found.runs.columns)}"
    caption = f"Along {axis.name}" + (f", 1 of every {step} values" if step > 1 else "")
    return Table(caption, headings, rows)


def best(found: Summary) -> Table:
    """Return the best runs."""
    rows = found.best.head(_BEST_ROWS)
    known = list(map(str, rows))
    settings = known[: known.index("epochs") + 1]
    values = [name for name in ("ssr_final", "loss_final") if name in known]
    return Table(
        order_of(rows, trained_loss(known)).capitalize(),
        [*settings, *values],
        [
            [*(exact(row[name]) for name in settings), *(row[name] for name in values)]
            for row in rows.to_dict("records")
        ],
    )


def commands(results: Results, found: Summary) -> str:
    """Return the commands that reproduce the tables, and look further into them."""
    file = shlex.quote(f"{results.experiment.name}.toml")
    folder = shlex.quote(str(results.folder))
    commit = results.manifest.get("git_commit")
    lines = [f"git checkout {commit}  # in a clone of harness"] if commit else []
    lines += [
        "pip install .",
        f"harness run {file} --out {folder}",
        f"harness verify {folder}",
        f"harness trace {file} --run {found.best_run}",
        f"harness export {folder} --table trajectories --runs {found.best_run}",
        f"harness report {folder}",
    ]
    return "\n".join(lines)


def provenance(results: Results) -> dict[str, str]:
    """Return the provenance of the results, as terms and their descriptions."""
    manifest = results.manifest
    return {
        "made": manifest["created"],
        "identity": manifest["identity"],
        "code": manifest["code"],
        "commit": manifest.get("git_commit") or "unknown",
        "versions": ", ".join(f"{name} {text}" for name, text in manifest["versions"].items()),
        "machine": ", ".join(map(str, manifest["machine"].values())),
    }


def manifest(results: Results) -> str:
    """Return the manifest as JSON."""
    return json.dumps(results.manifest, indent=1, ensure_ascii=False)


def downloads(
    results: Results, found: Summary, along: Mapping[OrderedAxis, pd.DataFrame], toml: str
) -> list[Download]:
    """Return the tables and the experiment as files."""
    name = results.experiment.name
    return [
        *(
            Download(
                f"{name}-{'-'.join(axis.factor.names)}.csv",
                f"Outcome and final values along {axis.name}",
                _csv(frame),
            )
            for axis, frame in along.items()
        ),
        Download(f"{name}-best.csv", "The best runs", _csv(found.best)),
        Download(f"{name}.toml", "The experiment", toml, "application/toml"),
    ]


def _csv(frame: pd.DataFrame) -> str:
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text
