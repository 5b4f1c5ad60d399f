"""docs/experiment-files.md lists every key and axis as the code does, and its examples work."""

import math
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

import harness
from harness.cli.options import parse_change
from harness.errors import ExperimentError, shown
from harness.experiment import (
    Experiment,
    axes,
    checks,
    conditional,
    load_experiment,
    schedules,
    source,
)
from harness.experiment.draws import MOST_DRAWN
from harness.experiment.experiment import MOST_VARIANTS
from harness.experiment.generators import GENERATORS
from harness.experiment.initialisation import SCHEMES
from harness.experiment.network import Network
from harness.experiment.parse_grid import _MOST_WHOLE, MOST_RUNS
from harness.experiment.recording import recorded_epochs
from harness.experiment.schedules import SCHEDULES
from harness.experiment.schema import ExperimentFile, RecordSection, keys_of
from harness.kernels import regularisation
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.descent import BATCHES
from harness.kernels.losses import LOSSES
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.philox import CONSTANT, NORMAL, TRUNCATED_NORMAL, UNIFORM
from harness.kernels.stopping import RUNNING, STATUSES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "experiment-files.md").read_text(encoding="utf-8")
SECTIONS = {
    name: field.annotation
    for name, field in keys_of(ExperimentFile).items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}


def part(heading):
    """Return the text below a heading, up to the next one."""
    _, found, rest = PAGE.partition(f"\n{heading}\n")
    assert found, heading
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text, first_heading):
    """Return the rows of the table whose first column has a heading."""
    table = re.search(rf"^\| {re.escape(first_heading)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.M)
    assert table, first_heading
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.group(1).splitlines()
    ]


def default(field):
    if field.is_required():
        return "required"
    value = field.default
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        value = value.model_dump()
    return f"`{shown(value)}`"


def expected_rows(fields):
    return [
        [f"`{name}`", default(field), field.json_schema_extra["allowed"], field.description]
        for name, field in fields
    ]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_listed_as_in_the_code(section):
    found = rows(part(f"### {section}"), "key")
    assert found == expected_rows(keys_of(SECTIONS[section]).items())


def test_keys_at_the_top_are_listed():
    top = [(n, f) for n, f in keys_of(ExperimentFile).items() if n not in (*SECTIONS, "grid")]
    expected = expected_rows(top)
    assert expected[0][:2] == ["`name`", "required"]
    expected[0][1] = "the file's name"
    assert rows(part("## The sections"), "key") == expected
    assert {"network", "data", "training", "initialisation", "grid", "record"} == {
        *SECTIONS,
        "grid",
    }


def test_every_axis_is_listed():
    network = Network(
        sizes=(1, 2, 2, 1),
        activations=("tanh", "tanh", "tanh"),
        biases=(True, True, True),
        scales=(1.0, 1.0, 1.0),
        output_scale=1.0,
        loss="ssr",
    )
    kinds = {"number": "numbers", "whole": "whole numbers", "word": "names"}
    kinds |= {"number or word": "numbers or names", "whole or word": "whole numbers or names"}
    expected = {}
    for name, target in axes.allowed_axes(network).items():
        if name in network.positions:
            name = "w1`, `b1`, ..."
        else:
            name = re.sub(r"_\d+$", "_<l>", name) + "`"
        expected[f"`{name}"] = kinds[target.kind]
    assert {name: kind for name, _, kind in rows(part("### grid"), "axis")} == expected
    shared = re.search(r"those axes that change more than .*?\((.*?)\)\.", PAGE, re.DOTALL)
    assert shared
    assert set(re.findall(r"`(\w+)`", shared.group(1))) == {
        re.sub(r"_\d+$", "", name)
        for name, target in axes.allowed_axes(network).items()
        if not target.per_run
    }


def test_generators_and_schemes_are_described_as_in_their_tables():
    numbers = {
        CONSTANT: "1",
        NORMAL: "standard normal",
        UNIFORM: "uniform from -1 to 1",
        TRUNCATED_NORMAL: "standard normal from -2 to 2",
    }
    assert rows(part("### data"), "generator") == [
        [f"`{name}`", generator.says] for name, generator in GENERATORS.items()
    ]
    assert rows(part("### Initial parameters"), "`scheme`") == [
        [
            f"`{name}`",
            numbers[scheme.distribution] + ", made orthogonal" * scheme.orthogonal,
            scheme.formula,
        ]
        for name, scheme in SCHEMES.items()
    ]


@pytest.mark.parametrize(
    ("heading", "column", "names"),
    [
        ("### Network and losses", "activation", ACTIVATIONS),
        ("### Network and losses", "loss", LOSSES),
        ("### Updates, batches and epochs", "`batches`", BATCHES),
        ("### Optimisers", "`optimiser`", OPTIMISERS),
        ("### Schedules", "`schedule`", SCHEDULES),
        ("### How a run ends", "status", set(STATUSES) - {STATUSES[RUNNING]}),
    ],
)
def test_every_name_is_explained(heading, column, names):
    assert sorted(row[0] for row in rows(part(heading), column)) == sorted(f"`{n}`" for n in names)


def test_limits_are_those_of_the_code():
    for number, words in (
        (checks.MOST_PARAMETERS, "a network may have up to {} parameters"),
        (checks.MOST_NUMBERS, "an epoch may draw up to {} data points"),
        (checks.MOST_RECORDED, "A trajectory may have up to {} rows"),
        (MOST_VARIANTS, "and up to {} combinations"),
        (source.MOST_GENERATED, "all combinations together may generate up to {} numbers"),
        (_MOST_WHOLE, "at most {} of them"),
        (MOST_DRAWN, "draw up to {} values"),
        (conditional.MOST_FOLDED, "There may be up to {} of these combinations"),
        (schedules.MOST_EPOCHS, "a warm-up may have up to {} epochs"),
    ):
        assert words.format(number) in " ".join(PAGE.split())
    assert MOST_RUNS == 2**53
    assert "may have up to 2^53 runs" in PAGE


# ---------------------------------------------------------------------------------- formulas


def evaluated(text, values):
    """Carry out the assignments of a formula of the page, or return the value of an expression."""
    for written, code in (
        ("·", "*"), ("²", "**2"), ("^", "**"), ("√", "sqrt"), ("π", "pi"), ("≤", "<="), ("←", "="),
        ("⌊", "floor("), ("⌋", ")"),
    ):  # fmt: skip
        text = text.replace(written, code)
    text = text.replace(", else ", " else ")
    functions = {"sqrt": math.sqrt, "cos": math.cos, "pi": math.pi, "floor": math.floor}
    functions |= {"sign": np.sign, "min": min, "max": max}
    for statement in text.split("; ")[:-1]:
        exec(statement, functions, values)
    *_, last = text.split("; ")
    if "=" in last.replace("<=", ""):
        exec(last, functions, values)
        return None
    return eval(last, functions, values)


def settings_in(text):
    return {name: float(value) for name, value in re.findall(r"`(\w+)` ([\d.e-]+)", text)}


def test_optimisers_have_the_formulas_settings_and_defaults_of_the_page():
    """Three updates by the formulas of the page agree with those of the kernels' step."""
    table = {row[0].strip("`"): row[1:] for row in rows(part("### Optimisers"), "`optimiser`")}
    gradients = (0.5, 0.25, -0.75, -0.125)
    for name, (formula, settings) in table.items():
        optimiser = OPTIMISERS[name]
        decay = {s.name: s.default for s in optimiser.regularisation} | {"l2": 0, "clip_norm": 0}
        decay = {name: default for name, default in decay.items() if default}
        own = {setting.name: setting.default for setting in optimiser.settings}
        assert settings_in(settings) == own | decay
        if formula.startswith("as `adam`"):
            assert optimiser.step is OPTIMISERS["adam"].step
            continue
        for chosen in (own, {s: 0.3 if v < 1 else v for s, v in own.items()}):
            values = {"θ": 1.5, "η": 0.1, **chosen, **dict.fromkeys("vmsh", 0.0), "size": 0.1}
            theta = 1.5
            slots = [0.1 if slot.start else 0.0 for slot in optimiser.slots]
            counts = tuple(0.0 for _ in optimiser.counts)
            for t, gradient in enumerate(gradients, start=1):
                evaluated(formula, values := values | {"g": gradient, "t": t})
                made, counts = optimiser.begin(*chosen.values(), *counts)
                found = optimiser.step(theta, gradient, 0.1, *chosen.values(), *made, *slots)
                theta, *slots = found
                assert math.isclose(theta, values["θ"], rel_tol=1e-12), (name, t)


def test_penalties_are_computed_in_the_order_of_the_page():
    lines = re.findall(
        r"^    (.+?)(?:   .*)?$", part("### Penalties, weight decay and clipping"), re.M
    )
    values = {"θ": 2.0, "g": 3.0, "l2": 0.5, "clip_norm": 0.25, "weight_decay": 0.1, "η": 0.5}
    values["norm"] = 4.0  # of the gradient with the penalty, 3 + 0.5 · 2
    for line in lines[:3]:
        evaluated(line, values)
    g = regularisation.of_penalty(3.0, 2.0, 0.5)
    assert values["g"] == g * regularisation.clipping(g * g, 0.25) == 0.25
    assert values["θ"] == regularisation.decayed(2.0, 0.5, 0.1) == 1.9
    assert lines[3] == "the step of the optimiser, from g"


def test_schedules_have_the_formulas_settings_and_defaults_of_the_page():
    epochs = 23
    for name, formula, settings in rows(part("### Schedules"), "`schedule`"):
        schedule = SCHEDULES[name.strip("`")]
        defaults = {setting.name: setting.default for setting in schedule.settings}
        assert settings_in(settings) == defaults
        formula, _, where = formula.partition("; ")
        for given in (defaults, {s: 3 if v >= 1 else 0.6 for s, v in defaults.items()}):
            values = {"T": epochs, **given}
            if where:
                evaluated(where, values)
            expected = [evaluated(formula, values | {"t": t}) for t in range(epochs)]
            found = schedule.factors(epochs, given)
            assert found.tolist() == pytest.approx(expected, rel=1e-13, abs=1e-15)
    found = schedules.schedule_factors("exponential", {"schedule_factor": 0.5}, 5, 2)
    assert found.tolist() == [1 / 2, 1, 1, 0.5, 0.25]


# ---------------------------------------------------------------------------------- examples

EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
RUNS = [20, 1, 1, 1, 1, 1, 30, 1, 1, 1, 10000, 30, 50]


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the first example and the CSV files of others."""
    (tmp_path / "two_rates.toml").write_text(EXAMPLES[0], encoding="utf-8")
    (tmp_path / "measurements.csv").write_text("dose_mg,effect\n0,0\n5,1\n10,0\n")
    animals = "1,5;dog;0,25;yes\n;cat;0,5;no\n2;cat;1,5;no\n3,5;dog;2;?\n4;cat;0;yes\n"
    (tmp_path / "dogs_and_cats.csv").write_text(animals)
    return tmp_path


def test_the_first_example_is_complete(folder):
    experiment = load_experiment(folder / "two_rates.toml")
    assert experiment.name == "two_rates"
    assert experiment.grid.size == 20
    assert len(experiment.data.inputs) == 3
    assert 40 <= len(experiment.recorded_epochs) <= 50


@pytest.mark.parametrize(("example", "runs"), list(zip(EXAMPLES, RUNS, strict=True)))
def test_examples_are_valid(example, runs, folder):
    sections = tomllib.loads(EXAMPLES[0])
    sections["grid"] = {}
    found = tomllib.loads(example)
    if found.get("network", {}).get("layers", [1])[0] == 2 or "grid" in found:
        sections |= {"training": {"epochs": 1, "learning_rate": 0.1}}
    experiment = Experiment.from_mapping(sections | found, folder=folder)
    assert experiment.grid.size == runs


def test_the_table_of_python_is_read():
    code = re.search(r"```python\n(.*?)```", part("### data"), re.DOTALL)
    assert code
    found = eval(code[1], {"harness": harness, "pd": pd})
    assert found.data.inputs.tolist() == [[0.6, 0.8], [0.9, 0.7]]
    assert found.data.targets.ravel().tolist() == [0.0, 1.0]


def test_run_ids_are_those_of_the_example(folder):
    experiment = load_experiment(folder / "two_rates.toml")
    table = rows(part("### grid"), "run_id")
    assert len(table) == 5
    for run_id, rate, init_id in table:
        point = experiment.grid.point(int(run_id))
        assert point == {"learning_rate": float(rate), "init_id": int(init_id)}


def test_settings_that_only_some_runs_have_are_as_in_the_example(folder):
    grid = next(tomllib.loads(text)["grid"] for text in EXAMPLES if "# only for sgd" in text)
    experiment = load_experiment(folder / "two_rates.toml", {"grid": grid})
    table = rows(part("### grid"), "optimiser")
    assert len(table) == experiment.grid.shape[0]
    for run_id, row in enumerate(table):
        point = experiment.grid.point(run_id)
        assert [str(point[name]) for name in ("optimiser", "momentum", "beta2")] == row
    for axis, names in (("momentum", ["sgd"]), ("beta2", ["adam"])):
        assert experiment.entries_with(axis) == names


def test_forms_of_axes_have_the_values_shown(folder):
    for form, says in rows(part("### grid"), "form"):
        spec = tomllib.loads(f"x = {form.strip('`')}")["x"]
        if spec == 100:
            continue
        experiment = load_experiment(folder / "two_rates.toml", {"grid": {"w1": spec}})
        found = [experiment.grid.point(i)["w1"] for i in range(experiment.grid.size)]
        if "ends" in says:
            assert says.startswith(", ".join(str(value) for value in found) + ":")
        elif isinstance(spec, dict) and "count" in spec:
            assert len(found) == spec["count"] == 200
        else:
            assert found == [0.1, 0.3, 1.0]


def test_forms_of_recording_have_the_epochs_shown():
    table = rows(part("### record"), "`epochs`")
    assert len(table) == 5
    for form, says in table:
        wanted = tomllib.loads(f"x = {form.strip('`')}")["x"]
        epochs = recorded_epochs(RecordSection(epochs=wanted).epochs, 1000).tolist()
        if "of 1000:" in says:
            assert says.endswith(", ".join(str(epoch) for epoch in epochs))
        elif "0, 10, 20" in says:
            assert epochs == [*range(0, 1000, 10), 1000]
        else:
            assert len(epochs) == {"every epoch": 1001, "none: no trajectory": 0}[says]


def test_set_options_are_accepted(folder):
    lines = [
        shlex.split(line)
        for line in part("## Changing a key for one sweep: `--set`").splitlines()
        if line.startswith("    harness")
    ]
    assert len(lines) == 4
    before = load_experiment(folder / "two_rates.toml")
    for line in lines:
        assert line[:3] == ["harness", "run", "two_rates.toml"]
        changes = dict(parse_change(change) for change in line[4::2])
        assert set(line[3::2]) == {"--set"}
        after = load_experiment(folder / "two_rates.toml", changes)
        assert after.document() != before.document()


def test_parameters_have_the_names_shown():
    def parameters(*sizes):
        depth = len(sizes) - 1
        return Network(
            sizes=sizes,
            activations=("tanh",) * depth,
            biases=(True,) * depth,
            scales=(1.0,) * depth,
            output_scale=1.0,
            loss="ssr",
        ).parameters

    text = part("## Parameters and their names")
    first = [name for row in rows(text, "parameter") for name in re.findall(r"`(\w+)`", row[0])]
    assert tuple(first) == parameters(1, 2, 1)
    second = re.search(r"2-2-1 network the order is (.*?):", text, re.DOTALL)
    assert second
    assert tuple(re.findall(r"`(\w+)`", second.group(1))) == parameters(2, 2, 1)
    assert parameters(1, 3, 1).index("w3") < parameters(1, 3, 1).index("b3")


def test_the_message_is_the_one_shown(folder, monkeypatch):
    shown_lines = [line for line in part("## Errors").splitlines() if line[:4] == " " * 4]
    command, *message = (line[4:] for line in shown_lines)
    change = shlex.split(command)[-1]
    monkeypatch.chdir(folder)
    with pytest.raises(ExperimentError) as caught:
        load_experiment("two_rates.toml", dict([parse_change(change)]))
    assert "\n".join(message) == f"harness: {caught.value}"


def test_links_inside_the_page_have_a_target():
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#(.*?)\)", PAGE)) <= anchors


def test_shipped_experiments_are_valid():
    files = sorted((ROOT / "experiments").glob("*.toml"))
    assert files
    for file in files:
        experiment = load_experiment(file)
        assert experiment.name == file.stem
        assert experiment.question


def test_every_experiment_is_listed_with_its_question_and_runs():
    listed = (ROOT / "experiments" / "README.md").read_text(encoding="utf-8").splitlines()
    for path in sorted((ROOT / "experiments").glob("*.toml")):
        experiment = load_experiment(path)
        row = f"| [{path.name}]({path.name}) | {experiment.question} | {experiment.grid.size:,} |"
        assert row in listed
