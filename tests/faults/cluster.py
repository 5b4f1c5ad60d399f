"""A Dask cluster of real processes, `dask scheduler` and `dask worker`, and its commands."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
DASK = Path(sys.executable).with_name("dask")
HARNESS = Path(sys.executable).with_name("harness")

# Shorter timeouts than Dask's defaults, so that tests are short.
SETTINGS = {
    "DASK_DISTRIBUTED__ADMIN__LOG_FORMAT": "%(message)s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "PYTHONWARNINGS": "default",
}


def wait_until(condition):
    """Wait until a condition is true, and return its value."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


class Cluster:
    """A scheduler and workers of one thread each, in the folder `folder`.

    Parameters
    ----------
    folder : Path
        Folder for the scheduler file and logs.
    settings : mapping
        Further environment variables of all processes.
    protocol : str
        tcp or tls.
    """

    def __init__(self, folder, settings=None, protocol="tcp"):
        self.folder = folder
        self.environment = os.environ | SETTINGS | (settings or {})
        self.file = folder / "scheduler.json"
        self._processes = []
        self._log = (folder / "cluster.log").open("ab")
        options = ["--host", "127.0.0.1", "--port", "0", "--protocol", protocol]
        self.scheduler = self._start(
            "scheduler",
            "--no-dashboard",
            "--dashboard-address",
            "127.0.0.1:0",
            "--scheduler-file",
            self.file,
            *options,
        )
        self.address = wait_until(self._address)

    def _address(self):
        try:
            return json.loads(self.file.read_text())["address"]
        except (OSError, ValueError):
            return None

    def _start(self, *arguments, settings=None):
        process = subprocess.Popen(
            [DASK, *map(str, arguments)],
            cwd=ROOT,
            env=self.environment | (settings or {}),
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def add_worker(self, *, nanny=False, threads=1, fault=None):
        """Start a worker process, with an optional fault of `broken_worker`, and return it."""
        preload = ["--preload", ROOT / "tests/faults/broken_worker.py"] if fault else []
        return self._start(
            "worker", self.address, "--nthreads", threads, "--nanny" if nanny else "--no-nanny",
            "--no-dashboard", "--memory-limit", 0, "--local-directory", self.folder / "scratch",
            "--death-timeout", 20, "--host", "127.0.0.1", *preload,
            settings={"HARNESS_FAULT": fault} if fault else {},
        )  # fmt: skip

    def log(self):
        """Return the output of all processes."""
        return (self.folder / "cluster.log").read_text(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process in reversed(self._processes):
            for each in family(process.pid):
                kill(each)
        for process in self._processes:
            process.wait(timeout=PATIENCE)
        self._log.close()


def family(pid):
    """Return a process and all its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(process):
    """Kill a process like `kill -9`, even if it is stopped."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def start_harness(*arguments, environment=None, **options):
    """Start the command line, with its output in pipes."""
    return subprocess.Popen(
        [HARNESS, *map(str, arguments)],
        cwd=ROOT,
        env=(environment or os.environ) | {"COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def end(process, seconds=120):
    """Wait for a command, and return its exit status and standard error."""
    _, errors = process.communicate(timeout=seconds)
    return process.returncode, errors
