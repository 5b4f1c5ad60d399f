"""The command line as a user has it: processes, files, exit statuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
HARNESS = Path(sys.executable).with_name("harness")

LONG = """
name = "long"
network = { layers = [1, 2, 1], activations = ["softplus", "identity"] }
data = { generator = "dosage" }
training = { epochs = 20_000, learning_rate = 0.01 }
grid = { init_id = 20_000 }
record = { epochs = "none" }
"""


def harness(*arguments, cwd, **options):
    return subprocess.run(
        [HARNESS, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"COLUMNS": "80"},
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train a part of the first experiment; return the folder and what was printed."""
    cwd = tmp_path_factory.mktemp("work")
    done = harness("run", EXPERIMENTS / "dosage.toml", "--set", "grid.init_id=10", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd, done.stdout


def test_run_leaves_the_files_that_it_promises(trained):
    cwd, _ = trained
    folder = cwd / "results" / "dosage"
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json", "runs", "runs.csv", "trajectories", "trajectories.csv"
    ]  # fmt: skip
    runs = pd.read_csv(folder / "runs.csv")
    assert len(runs) == 31 * 10
    assert set(runs["status"]) == {"converged", "diverged", "finished"}
    parts = pd.read_parquet(folder / "runs")
    pd.testing.assert_frame_equal(runs, parts, check_exact=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["experiment"]["grid"]["init_id"] == 10


def test_run_says_what_came_out_in_80_columns(trained):
    cwd, printed = trained
    runs = pd.read_csv(cwd / "results" / "dosage" / "runs.csv")
    counts = runs["status"].value_counts()
    assert f"310 runs: {counts.iloc[0]} {counts.index[0]}" in printed
    assert str(runs.nsmallest(1, "ssr_final")["run_id"].item()) in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_show_says_the_same_again(trained):
    cwd, printed = trained
    shown = harness("show", "results/dosage", cwd=cwd)
    assert shown.returncode == 0
    assert printed.endswith(shown.stdout)


def test_a_second_run_trains_nothing_and_says_so(trained):
    cwd, _ = trained
    parts = cwd / "results" / "dosage" / "runs"
    before = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    again = harness("run", EXPERIMENTS / "dosage.toml", "--set", "grid.init_id=10", cwd=cwd)
    assert again.returncode == 0
    assert "Nothing to train" in again.stdout
    assert {path.name: path.stat().st_mtime_ns for path in parts.iterdir()} == before


def test_another_experiment_does_not_touch_the_folder(trained):
    cwd, _ = trained
    other = harness("run", EXPERIMENTS / "dosage.toml", "--set", "training.epochs=7", cwd=cwd)
    assert other.returncode == 2
    assert "training.epochs was 2000 and is 7" in other.stderr
    assert "Traceback" not in other.stderr


def test_plan_trains_nothing(tmp_path):
    planned = harness("plan", EXPERIMENTS / "xor.toml", cwd=tmp_path)
    assert planned.returncode == 0
    for word in ("22,000", "updates", "time", "memory", "disk"):
        assert word in planned.stdout
    assert not list(tmp_path.iterdir())


def test_trace_shows_symbols_above_numbers(tmp_path):
    file = EXPERIMENTS / "statquest_all_seven.toml"
    traced = harness("trace", file, "--parameter", "w1", cwd=tmp_path)
    assert traced.returncode == 0
    lines = traced.stdout.splitlines()
    symbols = next(line for line in lines if "dSSR/dpredicted" in line)
    assert " ".join(symbols.split()) == (
        "point dSSR/dpredicted x dpredicted/dy1 x dy1/dx1 x dx1/dw1 = product"
    )
    first = lines[lines.index(symbols) + 1].split()
    assert first[2:4] == ["0.36", "0.5"]  # w3, and sigmoid(0)
    assert "step size = 0.7609 x 0.1 = 0.07609" in traced.stdout
    assert not list(tmp_path.iterdir())


def test_help_needs_no_compiler(tmp_path):
    code = "import sys; from harness.cli import main; sys.argv[1:] = ['--help']\n"
    code += (
        "try: main()\nexcept SystemExit: print({'numba', 'pandas', 'pydantic'} & {*sys.modules})"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Usage" in shown.stdout
    assert shown.stdout.endswith("set()\n")


def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(tmp_path):
    (tmp_path / "long.toml").write_text(LONG)
    process = subprocess.Popen(
        [HARNESS, "run", "long.toml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    parts = tmp_path / "results" / "long" / "runs"
    deadline = time.monotonic() + 120  # so that a failure is a failure and no hanging test
    while not (parts.exists() and list(parts.glob("part-*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.startswith("harness: stopped")
    assert "Traceback" not in stderr
    kept = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    assert kept
    assert all(name.startswith("part-") for name in kept)
    show = harness("show", "results/long", cwd=tmp_path)
    assert "runs" in show.stdout
