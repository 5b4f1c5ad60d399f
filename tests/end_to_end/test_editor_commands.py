"""Files to start from, checks, the schema, and completion, from the command line."""

import json
import os
import subprocess
import sys

import pytest

from harness.cli.app import main
from harness.cli.completion import experiment_files, results_folders
from harness.experiment.json_schema import FILE, json_schema
from harness.experiment.templates import TEMPLATES
from harness.plots import KINDS


@pytest.fixture
def harness(tmp_path, monkeypatch, capsys):
    """Run a command in a new folder; return its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err

    return run


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_file_is_right_and_runs(harness, tmp_path, template):
    assert harness("new", "one.toml", "--from", template) == (
        0,
        "one.toml is written. Train it with: harness run one.toml\n",
        "",
    )
    status, out, err = harness("check", "one.toml")
    assert (status, err) == (0, "")
    assert out.startswith("one.toml: ")
    changes = ["--set", "training.epochs=2", "--set", "grid.init_id=2"]
    assert harness("run", "one.toml", "--quiet", *changes)[0] == 0
    assert (tmp_path / "results" / "one" / "runs.csv").exists()


def test_a_file_is_not_overwritten(harness, tmp_path):
    (tmp_path / "one.toml").write_text("mine")
    status, out, err = harness("new", "one.toml")
    assert (status, out) == (2, "")
    assert err.startswith('harness: "one.toml" exists already.\n')
    assert (tmp_path / "one.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["one.toml", "--from", "dosag"], 'Did you mean "dosage"?'),
        (["one.toml", "--from", "nothing"], "Templates are dosage, xor, sine, blobs."),
        (["none/one.toml"], '"none" is not a folder.'),
        (["one.txt"], "ends in .toml"),
        (["a b.toml"], "ends in .toml"),
    ],
)
def test_bad_arguments_of_new(harness, tmp_path, arguments, words):
    status, out, err = harness("new", *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert not [*tmp_path.iterdir()]


def test_check_says_everything(harness, tmp_path):
    harness("new", "good.toml")
    text = (tmp_path / "good.toml").read_text()
    bad = text.replace("epochs = 1000", "epochs = 0.5").replace("#biases = false", "bias = false")
    (tmp_path / "bad.toml").write_text(bad)
    line = {key: bad[: bad.index(f"\n{key} = ") + 1].count("\n") + 1 for key in ("bias", "epochs")}
    assert harness("check", "bad.toml", "good.toml", "none.toml") == (
        2,
        f"bad.toml:{line['bias']}:1: network.bias is not a key of network.\n"
        '  It is called "biases" here.\n'
        f"bad.toml:{line['epochs']}:1: training.epochs = 0.5 is not allowed; training.epochs must"
        " be a whole number from 0 to 2^53.\n"
        "  Meaning: number of passes over the data.\n"
        "good.toml: 650 runs of a 1-2-1 network, 1 kernel\n"
        "none.toml cannot be read: No such file or directory.\n"
        "  Check the path; it is relative to the current folder.\n"
        "3 errors in 3 files.\n",
        "",
    )


def test_kernels_are_counted(harness):
    harness("new", "one.toml", "--from", "blobs")  # three optimisers
    assert harness("check", "one.toml")[1] == "one.toml: 60 runs of a 2-8-3 network, 3 kernels\n"


def test_the_schema(harness):
    assert json.loads(harness("schema")[1]) == json_schema()
    assert harness("schema", "--path")[1] == f"{FILE}\n"


# -- completion ------------------------------------------------------------------------------------


def completed(line, **options):
    """Return the suggestions of a shell for the last word of a line."""
    words = line.split(" ")
    environment = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_HARNESS_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'harness'; from harness.cli import main;"
         " main()"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        **options,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_options_names_and_files_are_completed(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "one.toml").write_text("")
    assert completed("harness pl") == ["plan", "plot"]
    assert completed("harness run a.toml --thr") == ["--threads"]
    assert completed("harness run a.toml --engine ") == ["threads", "dask"]
    assert completed("harness plot results/a ") == [*KINDS]
    assert completed("harness new a.toml --from ") == [*TEMPLATES]
    # An option that is an error does not hide the rest of the line.
    assert completed("harness run --lr 3 ex", cwd=tmp_path) == ["experiments/one.toml"]


def test_files_and_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.toml", "a.csv", "sub/b.toml", "sub/deep/c.toml", ".venv/d.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert experiment_files("") == ["a.toml", "sub/b.toml"]
    assert experiment_files("sub") == ["sub/b.toml"]
    assert experiment_files("./sub/") == ["./sub/b.toml", "./sub/deep/c.toml"]
    assert experiment_files(f"{tmp_path}/a") == [f"{tmp_path}/a.toml"]
    assert experiment_files("none/") == []
    for name in ("here", "results/one", "results/two", "results/empty"):
        (tmp_path / name).mkdir(parents=True)
        if not name.endswith("empty"):
            (tmp_path / name / "manifest.json").write_text("")
    assert results_folders("") == ["here", "results/one", "results/two"]
    assert results_folders("results/t") == ["results/two"]
    assert results_folders("./re") == ["./results/one", "./results/two"]


def test_a_shell_gets_its_script():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'harness'; from harness.cli import main;"
         " main()", "--show-completion", "bash"],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert "_HARNESS_COMPLETE=complete_bash" in done.stdout
