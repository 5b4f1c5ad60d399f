"""Fast `harness run` processes, forked from a server that has imported everything.

`python -m tests.faults.fork_server` reads orders from its standard input, one JSON line each. The
server has one thread and trains nothing itself, so its forks behave like new processes.
"""

import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from harness.store import Store
from harness.sweeps import chunks
from tests.faults.sweeps import TEXT, experiment
from tests.patience import PATIENCE


def _become_harness(order):
    """Run the command line in the forked process; return its exit status."""
    from harness.cli import main

    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(errors, 2)
    if order["limit"] is not None:
        import resource  # exists only on POSIX

        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"],) * 2)
    if order["pause"]:
        _stop_after_a_commit()
    sys.argv = ["harness", *order["arguments"]]
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


def _stop_after_a_commit():
    """Stop this process, as by Ctrl-Z, after its first commit."""
    commit, stops = Store.commit, iter([signal.SIGSTOP])

    def commit_and_stop(store, packed):
        commit(store, packed)
        for stop in stops:  # once
            os.kill(os.getpid(), stop)

    Store.commit = commit_and_stop


def _serve():
    from harness.sweeps import provenance
    from harness.training.trainer import Trainer

    import_module("harness.sweeps.run")  # once, for all forks
    chunks.MAX_RUNS = 2
    provenance.provenance()
    Trainer(experiment(2)).compile()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        if "stopped" in order:
            _, status = os.waitpid(order["stopped"], os.WUNTRACED)
            print(os.WSTOPSIG(status), flush=True)
            continue
        process = os.fork()
        if process == 0:
            status = 70
            try:
                status = _become_harness(order)
            finally:
                os._exit(status)
        print(process, flush=True)


class ForkServer:
    """The server, as used by tests.

    An ended process keeps its id until `wait`, so that signals cannot reach another process.
    """

    def __init__(self, folder):
        self._folder = folder
        self._file = folder / "faults.toml"
        self._file.write_text(TEXT)

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fork_server"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE)
        self._process.stdout.close()

    def _order(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def run(self, folder, seeds, limit=None, pause=False):
        """Start `harness run` on two threads, and return its process id.

        With `pause` it stops itself after its first commit, until it receives SIGCONT.
        """
        seeds = ["--set", f"grid.init_id={seeds}"]
        return self._order(
            arguments=["run", str(self._file), "--out", str(folder), "--threads=2", "-q", *seeds],
            errors=str(self._folder / "errors"),
            limit=limit,
            pause=pause,
        )

    def wait(self, process):
        """Wait for a process; return its exit status, or the negative number of its signal."""
        return self._order(wait=process)

    def wait_until_stopped(self, process):
        """Wait until all threads of a process started with `pause` have stopped."""
        assert self._order(stopped=process) == signal.SIGSTOP

    def kill(self, process):
        """Kill a process like `kill -9`; return its exit status, as it may have ended before."""
        os.kill(process, signal.SIGKILL)
        return self.wait(process)

    def errors(self):
        """Return the standard error of the last process."""
        return (self._folder / "errors").read_text()


if __name__ == "__main__":
    _serve()
