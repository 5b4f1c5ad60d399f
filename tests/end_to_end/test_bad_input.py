"""Bad input on the command line: one message, exit status 2, no traceback, nothing created."""

import json
import os
import re
import subprocess
import sys

import pytest

from harness.cli.app import main

START = "from harness.cli import main; main()"

GOOD = """
name = "good"
[network]
layers = [1, 2, 1]
activations = ["softplus", "identity"]
[data]
generator = "dosage"
[training]
epochs = 1
learning_rate = 0.1
"""

# File, further arguments, and words that the message must contain.
BAD = {
    "unknown key": (GOOD + "learning_rte = 1", [], ["training.learning_rte", '"learning_rate"']),
    "wrong type": (GOOD, ["--set", 'training.epochs="x"'], ['training.epochs = "x"', "whole"]),
    "missing section": ("name = 'a'", [], ["network is missing"]),
    "empty axis": (GOOD + "[grid]\nlearning_rate = []", [], ["grid.learning_rate = []"]),
    "learning rate": (GOOD, ["--set", "training.learning_rate=inf"], ["learning_rate = inf"]),
    "layer of size 0": (GOOD, ["--set", "network.layers=[1, 0, 1]"], ["network.layers[1] = 0"]),
    "targets": (
        GOOD.replace('generator = "dosage"', "inputs = [1, 2]\ntargets = [1]"),
        [],
        ["data.targets has 1 data points"],
    ),
    "cross-entropy": (GOOD, ["--set", "network.loss=cross_entropy"], ["sigmoid"]),
    "parameter that trains twice": (
        GOOD + 'train = ["b3", "b3"]',
        [],
        ['names "b3" more than once'],
    ),
    "name on an axis of scales": (
        GOOD + '[grid]\nscale = [1, "1/fanin"]',
        [],
        ["network.scales[0]", 'grid.scale = "1/fanin"', '"1/fan_in"?'],
    ),
    "csv column": (
        GOOD.replace('generator = "dosage"', 'file = "d.csv"\ninputs = ["x"]\ntargets = ["b"]'),
        [],
        ['data.inputs names the column "x"', '["a", "b"]'],
    ),
    "csv cell": (
        GOOD.replace('generator = "dosage"', 'file = "d.csv"\ninputs = ["a"]\ntargets = ["b"]'),
        [],
        ['"d.csv" has "oops" in line 3, column "b"'],
    ),
    "name with a slash": (GOOD, ["--set", "name=../escaped"], ['name = "../escaped"', "letters"]),
    "grid of 10^400 runs": (GOOD + f"[grid]\ninit_id = 1{'0' * 400}", [], ["1.00e+400", "2^53"]),
    "grid of many axes": (
        GOOD
        + "[grid]\n"
        + "\n".join(f"w{i} = {{ linear = [0, 1], count = 1000000000000000 }}" for i in range(1, 5)),
        [],
        ["grid has 1.00e+60 runs"],
    ),
    "no TOML": ("a = = 1", [], ["is not TOML", "line 1"]),
    "no UTF-8": ("name = 'é'".encode("latin-1"), [], ["is not UTF-8"]),
    "--set without =": (GOOD, ["--set", "training.epochs"], ["--set", "KEY=VALUE"]),
    "--set without key": (GOOD, ["--set", "=5"], ["--set", "KEY=VALUE"]),
    "--set of a bad key": (GOOD, ["--set", "training.epoch=5"], ["training.epoch", '"epochs"']),
    "--set of bytes": (GOOD, ["--set", "network.loss=\udcff"], ["--set", '\\udcff"', "UTF-8"]),
    "--set of a key of bytes": (GOOD, ["--set", "\udcff=1"], ["--set", '"\\udcff=1"', "UTF-8"]),
    "--set of a question of bytes": (GOOD, ["--set", "question=\udcff"], ["--set", "UTF-8"]),
    "--set of an axis of bytes": (GOOD, ["--set", "grid.\udcff=[1]"], ["--set", "UTF-8"]),
    "--set of a long key": (GOOD, ["--set", "training." + "a" * 100_000 + "=1"], ["training.aaa"]),
    "--set of a long value": (GOOD, ["--set", "name=" + "a" * 100_000], ['name = "aaa']),
    "--set that is long": (GOOD, ["--set", "a" * 100_000], ["--set", "KEY=VALUE"]),
    "escapes in a value": (GOOD, ["--set", "network.loss=\x1b[31m"], ['"\\u001b[31m"']),
    "escapes in a key": (GOOD, ["--set", "\x1b[31m=5"], ["\\u001b[31m is not a key"]),
    "what others call it": (
        GOOD,
        ["--set", "training.optimizer=adam"],
        ["training.optimizer", 'It is called "optimiser" here.'],
    ),
    "another name of a value": (
        GOOD,
        ["--set", "network.activations=['logistic', 'linear']"],
        ['"logistic"', 'It is called "sigmoid" here.'],
    ),
    "a name of another meaning": (
        GOOD,
        ["--set", "data.generator=weather"],
        ['"weather"', '"dosage", "xor", "gaussian", ', "Meaning: "],
    ),
    "softmax": (
        GOOD,
        ["--set", "network.activations=['softmax', 'identity']"],
        ['"softmax" before the last layer'],
    ),
    "--set in a number": (
        GOOD,
        ["--set", "training.epochs.x=5"],
        ["training.epochs = 1 is not a table"],
    ),
    "--set in a list": (GOOD, ["--set", "network.layers.1=5"], ["network.layers = [1, 2, 1]"]),
}


def files_below(folder):
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize("command", ["run", "plan", "trace"])
@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, command, tmp_path, monkeypatch, capsys):
    text, arguments, words = BAD[case]
    (tmp_path / "d.csv").write_text("a,b\n1,2\n3,oops\n")
    (tmp_path / "one.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.chdir(tmp_path)
    before = files_below(tmp_path.parent)
    monkeypatch.setattr(sys, "argv", ["harness", command, "one.toml", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith("harness: ")
    assert "Traceback" not in printed.err
    assert all(word in printed.err for word in words), printed.err
    # One message of two lines: what is wrong, and what to do.
    assert printed.err.count("\n") == 2
    assert all(line.isprintable() and len(line) < 1100 for line in printed.err.splitlines())
    assert files_below(tmp_path.parent) == before


@pytest.mark.parametrize("name", ["none.toml", ".", "none/none.toml"])
def test_a_missing_file(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["harness", "run", name])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith(f"harness: {name} cannot be read")
    assert list(tmp_path.iterdir()) == []


def test_in_a_separate_process(tmp_path):
    (tmp_path / "one.toml").write_text(GOOD + "momentum = 1.5\n")
    before = files_below(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", START, "run", "one.toml", "--out", "somewhere/else"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "harness: one.toml:11:1: training.momentum = 1.5 is not allowed; training.momentum must be"
        " a number from 0 up to, but not including, 1.\n"
        "Meaning: share of the last step that is added to the next one (heavy ball); only for"
        ' "sgd", "rmsprop" (default 0) and "nesterov" (default 0.9).\n'
    )
    assert files_below(tmp_path) == before


# Runs many commands in one process, which loads the packages once.
MANY = """
import json, sys
from harness.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["harness", *arguments]
    status = 0
    try:
        main()
    except SystemExit as ended:
        status = ended.code
    print("status", status, flush=True)
"""


@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-8:strict"])
def test_unprintable_text_is_escaped(encoding, tmp_path):
    """Bytes, escape sequences and letters in everything that a user may name."""
    name = os.fsdecode(b"caf\xc3\xa9 \xff\x1b[31m")
    (tmp_path / f"{name}.toml").write_text(GOOD.replace('"good"', '"good"\nquestion = "¿\\u009b?"'))
    good = [
        ["run", f"{name}.toml", "--out", name],
        ["status", name],
        ["verify", name],
        ["show", name],
        ["export", name, "-o", f"{name}.csv"],
    ]
    bad = [
        ["plan", f"{name}{name}"],
        ["show", f"{name}{name}"],
        ["export", name, "--where", f"{name} == 1"],
        ["export", name, "--where", f"status == '{name}' and"],
        ["export", name, "--columns", name],
        ["export", name, "--runs", name],
        ["export", name, "--table", name],
        ["plot", name, name],
        ["plot", name, "map", "--x", name],
        ["plot", name, "map", "-o", name],
        ["trace", f"{name}.toml", "--parameter", name],
        ["trace", f"{name}.toml", "--notation", name],
        ["map", f"{name}.toml", "--zoom", name],
        ["map", f"{name}.toml", "--colours", name],
        ["run", f"{name}.toml", "--engine", name],
        ["run", f"{name}.toml", "--scheduler", name],
        ["bench", name],
        [name],
        ["run", f"--{name}"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", MANY, json.dumps([*good, *bad])],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
    )
    # typer writes its own messages as UTF-8, even to a terminal that only knows ASCII
    printed = done.stdout.decode()
    assert "Traceback" not in printed
    assert all(line.isprintable() for line in printed.splitlines()), printed
    assert "\\udcff\\u001b[31m" in printed
    said = [int(status) for status in re.findall(r"^status (\d+)$", printed, re.MULTILINE)]
    assert said == [0] * len(good) + [2] * len(bad), printed
