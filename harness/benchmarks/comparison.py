"""The comparison: the benchmark suite on one core and on several, and its times as one table."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from harness.benchmarks.baselines import BASELINES, OURS
from harness.benchmarks.workloads import QUICK, QUICK_VARIABLE, WORKLOADS
from harness.errors import HarnessError, shown
from harness.hints import nearest
from harness.sweep.engines.threads import available_threads
from harness.sweep.provenance import machine_in_words

COLUMNS = [
    "workload", "point", "baseline", "threads", "runs", "epochs", "run_epochs", "seconds",
    "run_epochs_per_second", "harness_is_times_as_fast", "largest_difference", "runs_compared",
    "agrees", "start_up_seconds", "warm_up_seconds", "share_of_port_limit", "machine",
]  # fmt: skip

_SUITE = Path(__file__).with_name("test_speed.py")

# Takes what pytest prints, as it appears.
Show = Callable[[bytes], None]


def check_names(workloads: Sequence[str], baselines: Sequence[str]) -> None:
    """Raise an error for the first unknown name, or for the first package that is missing."""
    for kind, names, known in (
        ("workload", workloads, WORKLOADS),
        ("baseline", baselines, BASELINES),
    ):
        for name in names:
            if name not in known:
                advice = nearest(name, known) or f"Choose from {', '.join(known)}."
                raise HarnessError(f"{shown(name)} is not a {kind}.\n{advice}")
    for name in baselines:
        if missing := BASELINES[name].missing:
            raise HarnessError(
                f"the baseline {shown(name)} needs {missing}.\n"
                "Install the extra `peers`: pip install '.[peers]' in a clone of harness."
            )
    for package in ("pytest", "pytest_benchmark"):
        if not has_package(package):
            raise HarnessError(
                f"harness bench needs {package.replace('_', '-')}.\n"
                "Install the extra `bench`: pip install '.[bench]' in a clone of harness."
            )


def has_package(name: str) -> bool:
    """Return whether a package is installed."""
    return find_spec(name) is not None


def compare(
    workloads: Sequence[str],
    baselines: Sequence[str],
    folder: Path,
    *,
    quick: bool,
    threads: int | None,
    show: Show,
) -> tuple[pd.DataFrame, list[str]]:
    """Time baselines on workloads, on one core and on several, and write speed.csv.

    Parameters
    ----------
    workloads, baselines : sequences of str
        Names. If empty: all workloads, or the main ones if `quick`; all installed baselines.
        harness itself is always among the baselines.
    folder : Path
        Folder of speed.csv, and of the output of pytest.
    quick : bool
        Whether to train fewer epochs, and take seconds instead of minutes.
    threads : int, optional
        Number of cores to compare besides one; by default, and at most, all of them.
    show : callable
        Receives the output of pytest.

    Returns
    -------
    table : DataFrame
        One row per workload (or point of a curve), baseline and number of threads.
    failed : list of str
        The tests that failed, by workload and baseline.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    failed: list[str] = []
    for cores in sorted({1, min(threads or available_threads(), available_threads())}):
        tests = [
            f"{workload.label}-{baseline.name}"
            for name in dict.fromkeys(workloads or (QUICK if quick else WORKLOADS))
            for workload in WORKLOADS[name]
            for baseline in BASELINES.values()
            if baseline.name in (OURS, *(baselines or BASELINES))
            if baseline.trains(workload.experiment(1))
            # Curves are drawn for one core only.
            if cores == 1 or (workload.point is None and baseline.many_cores)
        ]
        if tests:
            timings, broken = _time(tests, cores, folder, quick, show)
            found += timings
            failed += broken
    table = _table(found)
    table.to_csv(folder / "speed.csv", index=False)
    return table, failed


def _time(
    tests: Sequence[str], cores: int, folder: Path, quick: bool, show: Show
) -> tuple[list[dict[str, Any]], list[str]]:
    """Run some tests of the suite in a process of its own; return timings, and what failed."""
    log = folder / f"pytest-{cores}.txt"
    with tempfile.TemporaryDirectory() as temporary, log.open("wb") as kept:
        times, outcomes = Path(temporary, "times.json"), Path(temporary, "outcomes.xml")
        command = [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short", "--benchmark-quiet"),
            "--benchmark-min-rounds=4",
            # No settings, conftest.py or cache of the current folder.
            *(f"--config-file={os.devnull}", f"--rootdir={temporary}", "--noconftest"),
            *(f"--benchmark-json={times}", f"--junit-xml={outcomes}"),
            *(f"{_SUITE}::test_speed[{test}]" for test in tests),
        ]
        with _bound_to(cores):
            process = subprocess.Popen(
                command,
                env=_environment(cores, quick) | {"NUMBA_CACHE_DIR": temporary},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
            )
        with process:
            try:
                assert process.stdout is not None  # it is a pipe
                while piece := process.stdout.read(1024):
                    kept.write(piece)
                    show(piece)
            except BaseException:  # Ctrl-C, or a full disk
                process.kill()
                raise
        # pytest writes no timings if there are none.
        found = json.loads(times.read_bytes())["benchmarks"] if times.exists() else []
        if not found:
            raise HarnessError(f"nothing could be timed.\nThe output of pytest is in {log}.")
        failed = [
            case.attrib["name"].removeprefix("test_speed[").removesuffix("]")
            for case in ElementTree.parse(outcomes).iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        ]
    return [{**one["extra_info"], "seconds": one["stats"]["min"]} for one in found], failed


@contextmanager
def _bound_to(cores: int) -> Iterator[None]:
    """Bind this thread, and with it the processes that it starts, to some processor cores."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-cores:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _environment(cores: int, quick: bool) -> dict[str, str]:
    """Return environment variables that keep libraries to some cores and pytest to our options."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    kept |= dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(cores)
    )
    kept |= {"JAX_PLATFORMS": "cpu", "PYTHONUNBUFFERED": "1"}
    if cores == 1:
        kept["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if quick:
        kept[QUICK_VARIABLE] = "1"
    return kept


def _table(found: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row per timing, with its speed and how many times as fast harness is."""
    table = pd.DataFrame(found).astype({"point": "Int64", "port_limit": float})
    # pytest-benchmark has an order of its own.
    order = {name: position for position, name in enumerate([*WORKLOADS, *BASELINES])}
    table = table.sort_values(
        ["workload", "point", "threads", "baseline"],
        key=lambda column: column.map(lambda value: order.get(value, value)),
        ignore_index=True,
    )
    table["run_epochs_per_second"] = table["run_epochs"] / table["seconds"]
    where = ["workload", "point", "threads"]
    ours = table[table["baseline"] == OURS].set_index(where)["run_epochs_per_second"]
    rates = ours.reindex(pd.MultiIndex.from_frame(table[where])).to_numpy()
    ratio = rates / table["run_epochs_per_second"]
    # A baseline that trains something else has no ratio.
    table["harness_is_times_as_fast"] = ratio.where(table["agrees"])
    table["share_of_port_limit"] = table["run_epochs_per_second"] / table["port_limit"]
    table["machine"] = machine_in_words()
    return table[COLUMNS]
