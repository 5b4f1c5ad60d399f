"""Machine code on disk: found by the next process, never stale, and never required."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import harness
from harness.kernels import _jit
from harness.kernels._cache import folder_of

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

_SHARED = folder_of(_jit.STAMP).path  # the machine code that all tests compile
PACKAGE = Path(harness.__file__).parent
TRAIN = """
import numpy as np
from harness.kernels.descent import COUNTS
from harness.training.trainer import Trainer
from harness.experiment import Experiment
from harness.kernels import lane_runs, machine_code
sweep = Experiment.from_mapping({
    "name": "cache",
    "network": {"layers": [1, 2, 1], "activations": ["relu", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 5, "learning_rate": 0.1},
    "grid": {"init_id": 9},
    "record": {"epochs": "none"},
})
written = []
write, machine_code._write = machine_code._write, lambda *given: written.append(1) or write(*given)
trainer = Trainer(sweep, lanes=8)
block = trainer.train(0, 9, np.zeros(1, np.uint8), np.zeros(COUNTS, np.int64))
stats = lane_runs.train.stats
print(len(written), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
print(block.runs["ssr_final"].tobytes().hex())
"""
# This compiles a kernel of one line.
CALL = "from harness.kernels.losses import weight_of_loss; print(weight_of_loss(1, 3, 1))"


def start(code, path=PACKAGE.parent, **environment):
    """Start a Python process that imports the package from `path`."""
    variables = {**os.environ, "PYTHONPATH": str(path), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=variables, cwd=path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def printed(process):
    """Return the output of a process when it has ended successfully."""
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return out.split()


def test_two_processes_compile_at_once_and_the_next_does_not(tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    both = [start(TRAIN, **cache) for _ in range(2)]
    first, second = (printed(process) for process in both)
    third = printed(start(TRAIN, **cache))
    assert first[3] == second[3] == third[3]
    # Each may find what the other was the first to finish.
    assert "1" in (first[0], second[0])
    assert "1" in (first[2], second[2])
    assert third[:3] == ["0", "1", "0"]


def test_editing_any_kernel_source_changes_the_folder(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    show = "from harness.kernels._jit import STAMP; print(STAMP)"
    before = printed(start(show, tmp_path))
    assert before == printed(start(show))
    (tmp_path / "harness" / "kernels" / "deeper").mkdir()
    for name in ("layers.py", "losses.py", "deeper/new.py", "deeper/new.py"):
        with (tmp_path / "harness" / "kernels" / name).open("a") as source:
            source.write("# edited\n")
        after = printed(start(show, tmp_path))
        assert after != before
        before = after


RUN = "from harness.cli import main; main()"
SWEEP = """
name = "cache"
network = { layers = [1, 2, 1], activations = ["softplus", "identity"] }
data = { generator = "dosage" }
training = { epochs = 3, learning_rate = 0.1 }
grid = { init_id = 3 }
"""


@pytest.mark.skipif(_SHARED is None, reason="no machine code is kept on this machine")
def test_a_damaged_cache_only_costs_compilation(tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)

    def run(out, **environment):
        arguments = f"run {tmp_path}/sweep.toml --out {tmp_path / out} -q".split()
        start_run = f"import sys; sys.argv[1:] = {arguments}; {RUN}"
        assert printed(start(start_run, **environment)) == []
        return (tmp_path / out / "runs.csv").read_bytes()

    expected = run("before")
    # Large files stay, because compiling them takes long.
    copy = tmp_path / "harness" / _jit.STAMP
    shutil.copytree(_SHARED, copy)
    copy.parent.chmod(0o700)
    tmp_path.chmod(0o700)
    emptied = [path for path in copy.glob("*") if path.stat().st_size < 1 << 17]
    assert emptied
    for path in emptied:
        path.write_bytes(b"")
    assert run("after", NUMBA_CACHE_DIR=str(tmp_path)) == expected


def test_training_works_without_a_writable_cache(tmp_path):
    # The home is a file, so not even an administrator can create anything in it.
    home = tmp_path / "home"
    home.touch()
    nowhere = {"HOME": str(home), "NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": str(home / "cache")}
    assert printed(start(CALL, **nowhere)) == ["0.5"]
