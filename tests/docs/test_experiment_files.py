"""docs/experiment-files.md lists every key and axis as the code does, and its examples work."""

import re
import shlex
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

import harness
from harness.cli.options import parse_change
from harness.errors import ExperimentError, shown
from harness.experiment import Experiment, axes, checks, load_experiment, source
from harness.experiment.draws import MOST_DRAWN
from harness.experiment.experiment import MOST_VARIANTS
from harness.experiment.generators import GENERATORS
from harness.experiment.initialisation import SCHEMES
from harness.experiment.network import Network
from harness.experiment.parse_grid import _MOST_WHOLE, MOST_RUNS
from harness.experiment.recording import recorded_epochs
from harness.experiment.schema import RecordSection, keys_of
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.descent import BATCHES
from harness.kernels.losses import LOSSES
from harness.kernels.philox import CONSTANT, NORMAL, TRUNCATED_NORMAL, UNIFORM
from harness.kernels.stopping import RUNNING, STATUSES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "experiment-files.md").read_text(encoding="utf-8")
SECTIONS = {
    name: field.annotation
    for name, field in keys_of(Experiment).items()
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
    top = [(n, f) for n, f in keys_of(Experiment).items() if n not in (*SECTIONS, "grid")]
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
    ):
        assert words.format(number) in " ".join(PAGE.split())
    assert MOST_RUNS == 2**53
    assert "may have up to 2^53 runs" in PAGE


# ---------------------------------------------------------------------------------- examples

EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
RUNS = [20, 1, 1, 1, 1, 1, 30, 1, 1, 10000, 30]


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
