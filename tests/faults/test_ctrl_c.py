"""Ctrl-C at any moment: exit status 130, one sentence, and finished chunks are kept."""

import os
import signal
import subprocess
import sys
import time
from random import Random

import psutil
import pytest

import harness
from tests.faults.cluster import ROOT, wait_until
from tests.faults.effort import LONG
from tests.faults.sweeps import TEXT, commits, experiment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")

KEPT = "harness: stopped; finished chunks are kept, and the same command resumes.\n"
WHOLE = "harness: stopped; an output file appears only when it is complete.\n"
NOTHING = "harness: stopped.\n"

# Code that the tests run before the command. Tests may run in the background of a shell, which
# ignores Ctrl-C.
BEFORE = """
import os, signal, sys
from importlib import import_module
signal.signal(signal.SIGINT, signal.default_int_handler)
ctrl_c = lambda: os.kill(os.getpid(), signal.SIGINT)
def wrap(module, name, wrapper):
    module = import_module(module)
    owner = module
    *owners, name = name.split(".")
    for each in owners:
        owner = getattr(owner, each)
    before = getattr(owner, name)
    setattr(owner, name, lambda *a, **k: wrapper(before, *a, **k))
"""
MAIN = "\nfrom harness.cli import main\nmain()\n"

# The first chunks train in a moment, the others never end.
ENDLESS = """
name = "endless"
network = { layers = [1, 2, 1], activations = ["softplus", "identity"] }
data = { generator = "dosage" }
training = { epochs = 10, learning_rate = 0.0001 }
grid = { max_epochs = [10, 1_000_000_000], init_id = 4096 }
record = { epochs = "none" }
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return a folder with a finished sweep in results/faults, and experiment files."""
    folder = tmp_path_factory.mktemp("ctrl-c")
    (folder / "faults.toml").write_text(TEXT)
    (folder / "endless.toml").write_text(ENDLESS)
    axes = "{ learning_rate_1 = AXIS, learning_rate_2 = AXIS }"
    axes = axes.replace("AXIS", "{ log = [1e-6, 1e-5], count = 64 }")
    endless_map = ENDLESS.replace("epochs = 10,", "epochs = 1_000_000_000,")
    endless_map = endless_map.replace("{ max_epochs = [10, 1_000_000_000], init_id = 4096 }", axes)
    (folder / "endless_map.toml").write_text(endless_map)
    harness.run(experiment(2), folder / "results" / "faults", lanes=1)
    return folder


def start(folder, arguments, code="", **options):
    """Start a command after some code."""
    given = f"sys.argv[1:] = {list(map(str, arguments))}\n"
    return subprocess.Popen(
        [sys.executable, "-c", BEFORE + given + code + MAIN], cwd=folder, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def ended(process):
    """Wait for a command; return its exit status and standard error."""
    try:
        _, error = process.communicate(timeout=60)  # so that a failing test does not hang
    finally:
        process.kill()
    return process.returncode, error


# -- in the middle of what a command does ----------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "module", "name", "said"),
    [
        ("show results/faults", "harness.results.tables", "open_results", NOTHING),
        ("plan faults.toml", "harness.sweeps.plan", "plan", NOTHING),
        ("run faults.toml --out a", "harness.sweeps.run", "_train", KEPT),
        ("export results/faults -o a.csv", "harness.results.export", "csv_header", WHOLE),
        ("report results/faults -o a.html", "harness.report.page", "page", WHOLE),
    ],
)
def test_every_command_says_what_is_kept(arguments, module, name, said, results):
    code = f"wrap({module!r}, {name!r}, lambda before, *a, **k: (ctrl_c(), before(*a, **k)))"
    assert ended(start(results, arguments.split(), code)) == (130, said)
    assert not list(results.glob("a.*"))


def test_before_anything_is_imported(results):
    code = """
def install(before, number, handler):
    before(number, handler)
    if handler != signal.SIG_IGN:  # as at the end
        os.kill(os.getpid(), signal.SIGSTOP)
wrap("signal", "signal", install)
"""
    process = start(results, ["show", "results/faults"], code)
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    assert ended(process) == (130, NOTHING)


LOST = """
class Deaf:
    def __del__(self):
        ctrl_c()
def lose(before, *a):
    Deaf()
    return before(*a)
wrap("harness.sweeps.run", "ChunkCounters.progress", lose)
"""
BUSY = """
import ctypes
def busy(*_, **__):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    ctrl_c()
    ctypes.CDLL(None).sleep(1000)
wrap("harness.sweeps.run", "_train", busy)
"""
TWICE = """
def again(before, *a):
    ctrl_c()
    before(*a)
    ctrl_c()
wrap("harness.sweeps.run", "_train", lambda *_: ctrl_c())
wrap("harness.sweeps.engines.threads", "ThreadEngine.close", again)
"""
FOLLOWED = """
def fail(before, *a):
    before(*a)
    raise harness.StorageError("this cannot be written")
import harness
wrap("harness.sweeps.run", "_train", lambda *_: ctrl_c())
wrap("harness.sweeps.engines.threads", "ThreadEngine.close", fail)
"""
MOMENTS = {
    "where exceptions are ignored": LOST,
    "while C code runs": BUSY,
    "again while it is at work": TWICE,
    "and then something fails": FOLLOWED,
}


@pytest.mark.parametrize("code", MOMENTS.values(), ids=MOMENTS)
def test_ctrl_c_is_never_lost_late_or_followed_by_a_traceback(code, results, tmp_path):
    arguments = ["run", results / "endless.toml", "--out", tmp_path / "out"]
    assert ended(start(results, arguments, code)) == (130, KEPT)


def test_background_commands_of_a_shell_ignore_it(results, tmp_path):
    code = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
wrap("harness.sweeps.run", "_train", lambda before, *a: (ctrl_c(), before(*a)))
"""
    arguments = ["run", "faults.toml", "--out", tmp_path / "out", "-q"]
    assert ended(start(results, arguments, code)) == (0, "")


# -- from outside ----------------------------------------------------------------------------------


def test_finished_chunks_are_kept_and_the_same_command_resumes(results, tmp_path):
    arguments = ["run", results / "endless.toml", "--out", tmp_path / "out"]
    first = start(results, [*arguments, "-q"])
    wait_until(lambda: commits(tmp_path / "out"))
    first.send_signal(signal.SIGINT)
    assert ended(first) == (130, KEPT)
    before, kept = commits(tmp_path / "out"), len(harness.open_results(tmp_path / "out").runs)
    again = start(results, arguments)
    found = next(line for line in again.stdout if "were finished already" in line)
    again.send_signal(signal.SIGINT)
    assert ended(again) == (130, KEPT)
    assert before.items() <= commits(tmp_path / "out").items()
    assert found.startswith(f"{kept:,} of 8,192 runs")


def test_ctrl_c_while_worker_processes_start_leaves_none(results, tmp_path):
    code = """
import harness.sweeps.engines.dask_cluster
def make(before, *a, **k):
    made = before(*a, **k)
    print(*(worker.process.process.pid for worker in made.workers.values()), flush=True)
    os.killpg(0, signal.SIGINT)
    return made
wrap("harness.sweeps.engines.dask_cluster", "LocalCluster", make)
"""
    arguments = ["run", results / "endless.toml", "--out", tmp_path / "out", "--engine", "dask"]
    driver = start(results, [*arguments, "--threads=2"], code, start_new_session=True)
    numbers = next(line for line in driver.stdout if line.replace(" ", "").strip().isdigit())
    assert ended(driver) == (130, KEPT)
    assert len(numbers.split()) == 2
    wait_until(lambda: not any(map(psutil.pid_exists, map(int, numbers.split()))))


def test_too_late(results):
    # Modules are cleared after Python has given up its signal handlers.
    code = """
class Late:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)
sys.late = Late()
"""
    assert ended(start(results, ["--version"], code)) == (0, "")


COMMANDS = [
    *("--help", "--version", "bench --help", "show results/faults", "status results/faults"),
    *("verify results/faults", "plan faults.toml", "trace faults.toml", "export results/faults"),
    *("report results/faults -o OUT/a.html", "run faults.toml --out OUT/out"),
    *("plot results/faults endings -o OUT/a.png", "map endless_map.toml --out OUT/map"),
    *("run endless.toml --out OUT/out", "run endless.toml --out OUT/out --engine dask"),
]


@pytest.mark.parametrize("number", range(200 if LONG else 12))
def test_random_moments(number, results, tmp_path):
    """From the first line of harness on; before, Python itself prints a traceback for 20 ms."""
    random = Random(number)
    arguments = COMMANDS[number % len(COMMANDS)].replace("OUT", str(tmp_path)).split()
    is_endless = "endless" in " ".join(arguments)
    reads, writes = os.pipe()
    code = f"""
def install(before, number, handler):
    before(number, handler)
    if handler != signal.SIG_IGN:  # as at the end
        os.write({writes}, b".")
wrap("signal", "signal", install)
"""
    process = start(results, arguments, code, pass_fds=[writes], start_new_session=True)
    os.close(writes)
    assert os.read(reads, 1) == b"."
    os.close(reads)
    time.sleep(random.uniform(0, 3 if is_endless else 1.5))
    os.killpg(process.pid, signal.SIGINT)
    status, error = ended(process)
    if status == 0 and not is_endless:  # the signal came too late
        assert error == ""
    else:
        assert (status, error) in [(130, said) for said in (KEPT, WHOLE, NOTHING)]
