"""Messages about options that a command does not have, and about those given twice."""

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.errors import HarnessError

PLOT = ["plot", "results/none", "trajectories"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([*PLOT, "--metric", "ssr"], 'no option --metric. It is called "--measure" here.'),
        ([*PLOT, "--groupby=momentum"], 'no option --groupby. It is called "--by" here.'),
        ([*PLOT, "--hue", "momentum"], 'It is called "--by" here.'),
        ([*PLOT, "--filter", "x > 1"], 'It is called "--where" here.'),
        ([*PLOT, "--bands", "0,1"], 'It is called "--quantiles" here.'),
        (["run", "no.toml", "--momentum", "0.9"], "Set it by --set training.momentum=VALUE."),
        (["run", "no.toml", "--lr=0.1"], "It is called training.learning_rate here."),
        ([*PLOT, "--by", "a", "--by=b"], "--by can be given only once."),
        ([*PLOT, "-o", "a.png", "--output", "b.png"], "--output can be given only once."),
        ([*PLOT, "--where", "a > 1", "--where", "b > 1"], 'Join conditions with "and".'),
    ],
)
def test_message(args, message):
    error = CliRunner().invoke(app, args).exception
    assert isinstance(error, HarnessError)
    assert message in str(error)


def test_values_without_brackets():
    args = ["plan", "experiments/dosage.toml", "--set", "grid.momentum=0,0.9"]
    error = CliRunner().invoke(app, args).exception
    assert "Write several values in brackets" in str(error)


def test_repeatable_options_may_be_repeated():
    change = ["--set", "training.epochs=1"]
    error = CliRunner().invoke(app, ["run", "no.toml", *change, *change]).exception
    assert "no.toml" in str(error)


@pytest.mark.parametrize("args", [["run", "no.toml", "--", "--lr"], ["run", "no.toml", "--wibble"]])
def test_others_are_left_to_typer(args):
    assert isinstance(CliRunner().invoke(app, args).exception, SystemExit)
