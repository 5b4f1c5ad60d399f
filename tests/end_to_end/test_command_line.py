"""The command line in processes of its own: files, output, exit statuses."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from harness.store.lock import writer

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
HARNESS = Path(sys.executable).with_name("harness")


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
    """Train a part of the first experiment; return the folder and the output."""
    cwd = tmp_path_factory.mktemp("work")
    done = harness("run", EXPERIMENTS / "dosage.toml", "--set", "grid.init_id=10", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd, done.stdout


def test_run_writes_the_documented_files(trained):
    cwd, _ = trained
    folder = cwd / "results" / "dosage"
    assert sorted(path.name for path in folder.iterdir()) == [
        ".lock", "commits", "data.parquet", "manifest.json", "runs", "runs.csv", "trajectories",
        "trajectories.csv",
    ]  # fmt: skip
    runs = pd.read_csv(folder / "runs.csv")
    assert len(runs) == 31 * 10
    assert set(runs["status"]) == {"converged", "diverged", "finished"}
    parts = pd.read_parquet(folder / "runs")
    pd.testing.assert_frame_equal(runs, parts, check_exact=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["experiment"]["grid"]["init_id"] == 10


def test_run_prints_a_summary_in_80_columns(trained):
    cwd, printed = trained
    runs = pd.read_csv(cwd / "results" / "dosage" / "runs.csv")
    counts = runs["status"].value_counts()
    assert f"310 runs: {counts.iloc[0]} {counts.index[0]}" in printed
    first = runs[runs["status"] == "converged"].nsmallest(1, ["epochs", "ssr_final"])
    lines = printed.splitlines()
    best = lines[lines.index("first to converge") + 2].split()
    assert best[0] == str(first["run_id"].item())
    assert best[-2] == str(first["epochs"].item())
    assert max(map(len, lines)) <= 80
    assert lines == [line.rstrip() for line in lines]


def test_show_prints_the_same_summary(trained):
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


def test_another_experiment_leaves_the_folder_unchanged(trained):
    cwd, _ = trained
    other = harness("run", EXPERIMENTS / "dosage.toml", "--set", "training.epochs=7", cwd=cwd)
    assert len(other.stderr.splitlines()) == 3
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


MARKED = """
name = "marked"
question = "a [/b] c [red] d :smile: e"
network = { layers = [2, 3, 3, 1], activations = ["tanh", "tanh", "identity"] }
data = { inputs = [[0.1, 0.2], [0.4, 0.5], [0.6, -0.2]], targets = [0.1, 0.2, 0.3] }
training = { epochs = 4, learning_rate = 0.01, batch_size = 2, batches = "shuffled" }

[grid]
init_id = 10
init_scale = { linear = [1, 2], count = 20 }
learning_rate_1 = [0.1, 0.2]
learning_rate_2 = [0.3, 0.4]
zip = [["learning_rate_1", "learning_rate_2"]]
"""


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    cwd = tmp_path_factory.mktemp("marked")
    (cwd / "marked.toml").write_text(MARKED)
    return cwd


def test_users_text_is_not_markup_and_zipped_axes_share_a_line(marked):
    done = harness("run", "marked.toml", "--out", "[red]", cwd=marked)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "marked  a [/b] c [red] d :smile: e"
    assert lines[2:6] == [
        "sgd, at most 4 epochs",
        "  init_id: 10 from 0 to 9",
        "  init_scale: 20 from 1 to 2",
        "  learning_rate_1, learning_rate_2, zipped: 2 values, (0.1, 0.3), (0.2, 0.4)",
    ]
    for line in ("along init_scale", "along learning_rate_1, learning_rate_2", "lowest ssr_final"):
        assert line in lines
    assert "Tables in [red]: runs.csv, trajectories.csv" in lines


def test_resuming_reports_finished_runs(tmp_path):
    (tmp_path / "marked.toml").write_text(MARKED)
    command = ("run", "marked.toml", "--set", "training.epochs=100", "--set", "grid.init_id=1000")
    assert harness(*command, cwd=tmp_path).returncode == 0
    parts = sorted((tmp_path / "results" / "marked" / "runs").iterdir())
    missing = len(pd.read_parquet(parts[-1]))
    parts[-1].unlink()
    again = harness(*command, cwd=tmp_path)
    assert f"{40_000 - missing:,} of 40,000 runs were finished already" in again.stdout
    assert again.returncode == 0


def test_trace_shows_every_path_and_batch_with_whole_symbols(marked):
    traced = harness("trace", "marked.toml", "--parameter", "w1", cwd=marked)
    assert "…" not in traced.stdout
    lines = traced.stdout.splitlines()
    assert lines[0].startswith("run 0 after 0 epochs, update 1 of 2 of the next epoch, data points")
    assert "dSSR/dw1 through y1, y4 (path 1 of 3)" in lines
    assert "dSSR/dw1 through y1, y6 (path 3 of 3)" in lines
    subtotals = [float(line.split()[-1]) for line in lines if "subtotal of" in line]
    (total,) = (line for line in lines if line.endswith("the sum of the subtotals"))
    assert sum(subtotals) == pytest.approx(float(total.split()[2].rstrip(",")), rel=1e-2)
    assert any("x dpredicted/dy4 x dy4/dx4 x dx4/dy1 x dy1/dx1 x dx1/dw1" in x for x in lines)
    ended = harness("trace", "marked.toml", "--parameter", "w1", "--epoch", "4", cwd=marked)
    assert "the run has ended here (finished); this update is not made" in ended.stdout


def test_trace_names_fixed_parameters_and_explains_symbols(tmp_path):
    file = EXPERIMENTS / "statquest_b3.toml"
    traced = harness("trace", file, "--parameter", "w1", cwd=tmp_path)
    assert "w1 does not train: it stays at 3.34" in traced.stdout
    assert "step size" not in traced.stdout
    file = EXPERIMENTS / "xor.toml"
    traced = harness("trace", file, "--parameter", "W21(1)", cwd=tmp_path)
    assert "dE/dW21(1), W21(1) is w2\n" in traced.stdout


def test_version_and_bare_command(tmp_path):
    shown = harness("--version", cwd=tmp_path)
    assert (shown.returncode, shown.stdout.split()[0]) == (0, "harness")
    bare = harness(cwd=tmp_path)
    assert bare.returncode == 0
    assert "Usage" in bare.stdout
    assert "..." not in bare.stdout.partition("Commands:")[2]  # every summary fits its line


def test_show_suggests_the_folder_in_results(trained):
    cwd, _ = trained
    shown = harness("show", "dosage", cwd=cwd)
    assert shown.returncode == 2
    assert "Did you mean results/dosage?" in shown.stderr


def test_set_accepts_a_single_key(tmp_path):
    change = "training.epochs=5\nx=1"
    done = harness("plan", EXPERIMENTS / "dosage.toml", "--set", change, cwd=tmp_path)
    assert done.returncode == 2
    assert "training.epochs" in done.stderr


def test_a_file_instead_of_a_folder_is_named(tmp_path):
    command = ("run", EXPERIMENTS / "dosage.toml", "--set", "grid.init_id=1", "--out", "here")
    assert harness(*command, cwd=tmp_path).returncode == 0
    for table in ("runs", "trajectories"):
        shutil.rmtree(tmp_path / "here" / table)
        (tmp_path / "here" / table).write_text("in the way")
    done = harness(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert "here cannot be made: runs is a file and not a folder." in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_status_reports_progress(trained):
    cwd, _ = trained
    shown = harness("status", "results/dosage", cwd=cwd)
    assert shown.returncode == 0
    rows = dict(line.split("  ", 1) for line in shown.stdout.splitlines())
    rows = {label.strip(): text.strip() for label, text in rows.items()}
    assert rows.pop("last chunk").endswith(" ago")
    folder = cwd / "results" / "dosage"
    chunks = len(list((folder / "runs").iterdir()))
    size = sum(path.stat().st_size for path in folder.rglob("part-*.parquet"))
    assert rows == {
        "experiment": "dosage",
        "runs": "310 of 310 done (100%)",
        "chunks": f"{chunks} of {chunks} done",
        "on disk": f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB",
        "written by": "no process at the moment",
    }


def test_verify_reports_broken_files_or_none(trained, tmp_path):
    folder = tmp_path / "dosage"
    shutil.copytree(trained[0] / "results" / "dosage", folder)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    done = harness("verify", "dosage", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{len(files)} files intact.\n"

    part = folder / "runs" / "part-000001.parquet"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    (folder / "trajectories.csv").unlink()
    done = harness("verify", "dosage", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "dosage/runs/part-000001.parquet is not as it was written: its SHA-256 differs",
        "dosage/trajectories.csv is missing",
        f"2 of {len(files)} files damaged.",
    ]
    assert done.stderr == "harness: `harness run FILE` retrains the runs of the damaged files.\n"

    command = ("run", EXPERIMENTS / "dosage.toml", "--set", "grid.init_id=10", "--out", "dosage")
    status = harness("status", "dosage", cwd=tmp_path)
    missing = len(pd.read_parquet(trained[0] / "results" / "dosage" / "runs" / part.name))
    assert f"{310 - missing} of 310 done" in status.stdout
    assert "Resume it with: harness run FILE --out dosage" in status.stdout
    again = harness(*command, cwd=tmp_path)
    assert f"{310 - missing} of 310 runs were finished already" in again.stdout
    for name in (part.relative_to(folder), "runs.csv", "trajectories.csv"):
        whole = trained[0] / "results" / "dosage" / name
        assert (folder / name).read_bytes() == whole.read_bytes()
    assert harness("verify", "dosage", cwd=tmp_path).returncode == 0


def test_a_larger_grid_reuses_runs_and_says_so(trained, tmp_path):
    folder = tmp_path / "dosage"
    shutil.copytree(trained[0] / "results" / "dosage", folder)
    command = ("run", EXPERIMENTS / "dosage.toml", "--set", "grid.init_id=12", "--out", "dosage")
    with writer(folder):
        refused = harness(*command, cwd=tmp_path)
        status = harness("status", "dosage", cwd=tmp_path)
        assert harness("verify", "dosage", cwd=tmp_path).returncode == 0
    assert refused.returncode == 4
    who = f"process {os.getpid()} on {socket.gethostname()} since "
    assert refused.stderr.startswith(f"harness: dosage is being written by {who}")
    assert len(refused.stderr.splitlines()) == 2
    assert f"written by  {who}" in status.stdout
    grown = harness(*command, cwd=tmp_path)
    assert (grown.returncode, grown.stderr) == (0, "")
    assert "310 runs reused from the smaller grid" in grown.stdout
    assert "were finished already" not in grown.stdout
    assert len(pd.read_csv(folder / "runs.csv")) == 31 * 12
    shown = harness("status", "dosage", cwd=tmp_path)
    assert "reused      310 runs of a smaller grid" in shown.stdout


@pytest.mark.parametrize("command", ["status", "verify", "show"])
def test_a_missing_results_folder_is_bad_input(command, tmp_path):
    done = harness(command, "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("harness: nowhere is not a results folder")
    assert "Traceback" not in done.stderr
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


def test_a_run_with_machine_code_on_disk_prepares_no_compiler(trained, tmp_path):
    del trained  # has compiled the kernels
    file = EXPERIMENTS / "dosage.toml"
    code = f"import sys; from harness.cli import main\nsys.argv[1:] = ['run', {str(file)!r}]\n"
    code += "sys.argv += ['--set', 'grid.init_id=10']\n"
    code += "try: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "310 runs" in done.stdout
    loaded = set(done.stderr.split())
    assert "numba.core.dispatcher" in loaded
    # Numba imports the first before it compiles anything, and the second with it.
    assert not loaded & {"numba.np.arraymath", "scipy.linalg"}
    assert not loaded & {"dask", "jinja2", "matplotlib", "pyarrow.dataset"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "marked.toml", "--scheduler", "tcp://10.0.0.5:8786"), "not encrypted"),
        (("run", "marked.toml", "--scheduler", "none.json"), "neither an address nor a file"),
        (("run", "marked.toml", "--out", "sftp://host/a"), "not a place where results can be kept"),
        (("map", "marked.toml", "--out", "s3://bucket/a"), "Maps are kept in local folders only"),
        (("show", "ftp://host/a"), "not a place where results can be kept"),
    ],
)
def test_invalid_folders_and_clusters_are_refused(arguments, said, marked):
    before = set(marked.rglob("*"))
    done = harness(*arguments, cwd=marked)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert set(marked.rglob("*")) == before
