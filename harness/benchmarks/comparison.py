"""The comparison: processes that time, their results as one table and a CSV file."""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from harness.benchmarks.baselines import BASELINES, OURS
from harness.benchmarks.timing_plan import VARIABLE, Plan
from harness.benchmarks.worker import environment
from harness.benchmarks.workloads import QUICK, WORKLOADS
from harness.errors import HarnessError, shown
from harness.hints import nearest
from harness.sweep.engines.threads import available_threads

# Seconds of a timing, and how many: the full comparison and the quick one.
_FULL = 0.3, 4
_SHORT = 0.04, 3

COLUMNS = [
    "workload", "point", "baseline", "threads", "runs", "epochs", "run_epochs", "seconds",
    "run_epochs_per_second", "harness_is_times_as_fast", "largest_difference", "runs_compared",
    "agrees", "warm_up_seconds", "machine",
]  # fmt: skip

# Which case has come to its end, how it ended in pytest's words, how many have, of how many.
Report = Callable[[str, str, int, int], None]


def check_names(workloads: Sequence[str], baselines: Sequence[str]) -> None:
    """Raise an error for the first name that is none, or whose package is not there."""
    for kind, names, known in (
        ("workload", workloads, WORKLOADS),
        ("baseline", baselines, BASELINES),
    ):
        for name in names:
            if name not in known:
                advice = nearest(name, known) or f"There are {', '.join(known)}."
                raise HarnessError(f"{shown(name)} is no {kind}.\n{advice}")
    for name in baselines:
        if not BASELINES[name].installed:
            raise HarnessError(
                f"the baseline {shown(name)} needs {BASELINES[name].package}.\n"
                "Install the extra `peers`: pip install '.[peers]' in a clone of harness."
            )
    for package in ("pytest", "pytest_benchmark"):
        if not has_package(package):
            raise HarnessError(
                f"harness bench needs {package.replace('_', '-')}.\n"
                "Install the extra `bench`: pip install '.[bench]' in a clone of harness."
            )


def has_package(name: str) -> bool:
    """Return whether a package can be imported."""
    return find_spec(name) is not None


def compare(
    workloads: Sequence[str],
    baselines: Sequence[str],
    folder: Path,
    *,
    quick: bool,
    threads: int | None,
    report: Report,
) -> pd.DataFrame:
    """Time baselines on workloads, on one core and on several, and write speed.csv.

    Parameters
    ----------
    workloads, baselines : sequences of str
        Their names; where there are none, all of them (the main ones, if it is to be quick), and
        those that are installed. harness itself is always compared.
    folder : Path
        Where speed.csv goes, and what pytest said.
    quick : bool
        Whether to take some seconds instead of minutes.
    threads : int, optional
        How many cores are compared beside one; all of them if left out, and never more.
    report : callable
        Told of every timing.

    Returns
    -------
    DataFrame
        A row a workload (or point of a curve), baseline and number of threads.
    """
    chosen = list(dict.fromkeys(workloads or (QUICK if quick else WORKLOADS)))
    wanted = [OURS, *(baselines or (name for name, b in BASELINES.items() if b.installed))]
    seconds, rounds = _SHORT if quick else _FULL
    plans = [
        Plan(
            # Curves are drawn for one core only.
            workloads=[n for n in chosen if cores == 1 or WORKLOADS[n][0].point is None],
            baselines=[
                name for name in dict.fromkeys(wanted) if cores == 1 or BASELINES[name].many_cores
            ],
            threads=cores,
            seconds=seconds,
            rounds=rounds,
            quick=quick,
        )
        for cores in sorted({1, min(threads or available_threads(), available_threads())})
    ]
    sizes = [len(p.chosen()) * len(p.baselines) * p.rounds for p in plans]
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for index, plan in enumerate(plans):
        if not plan.workloads:
            continue
        before = sum(sizes[:index])

        def progress(case: str, ended: str, done: int, before: int = before) -> None:
            report(case, ended, before + done, sum(sizes))

        found += _time(plan, folder, progress)
    table = _table(found)
    table.to_csv(folder / "speed.csv", index=False)
    return table


def _time(
    plan: Plan, folder: Path, report: Callable[[str, str, int], None]
) -> list[dict[str, Any]]:
    """Have a process of its own time a plan; return what pytest-benchmark wrote of each timing."""
    log = folder / f"pytest-{plan.threads}.txt"
    with (
        tempfile.TemporaryDirectory() as temporary,
        log.open("w", buffering=1, encoding="utf-8") as said,
    ):
        here = Path(temporary)
        plan.write(here / "plan.json")
        (here / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        command = [sys.executable, "-m", "harness.benchmarks.worker", str(plan.threads)]
        # Options that are meant for another pytest are not for this one.
        around = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        variables = environment(plan.threads) | {VARIABLE: str(here / "plan.json")}
        process = subprocess.Popen(
            [*command, str(here / "pytest.ini"), str(here / "results.json")],
            env=around | variables | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        done = 0
        try:
            for line in process.stdout or ():
                said.write(line)
                ended = re.search(r"\[([^\]]*)\] (PASSED|FAILED|ERROR|SKIPPED)", line)
                if ended:
                    done += 1
                    report(ended.group(1), ended.group(2), done)
            process.wait()
        finally:
            process.kill()  # where it has not ended by itself: Ctrl-C
            process.wait()
        results = here / "results.json"
        document = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    found = document.get("benchmarks")
    if not found:
        raise HarnessError(f"nothing could be timed.\nWhat went wrong is in {log}.")
    return [{**one["extra_info"], "seconds": one["stats"]["min"]} for one in found]


def _table(found: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the least time of each case, and how many times as fast harness is."""
    case = ["workload", "point", "threads", "baseline"]
    timings = pd.DataFrame(found).astype({"point": "Int64"})
    least = timings.sort_values("seconds", kind="stable").drop_duplicates(case)
    # In the order of the plan; pytest-benchmark has its own.
    order = {name: place for place, name in enumerate([*WORKLOADS, *BASELINES])}
    table = least.sort_values(
        case,
        key=lambda column: column.map(lambda value: order.get(value, value)),
        ignore_index=True,
    )
    table["run_epochs_per_second"] = table["run_epochs"] / table["seconds"]
    alone = table["baseline"] == OURS
    where = ["workload", "point", "threads"]
    ours = table[alone].set_index(where)["run_epochs_per_second"]
    rates = ours.reindex(pd.MultiIndex.from_frame(table[where])).to_numpy()
    ratio = rates / table["run_epochs_per_second"]
    # What trains something else has no ratio.
    table["harness_is_times_as_fast"] = ratio.where(table["agrees"])
    table["machine"] = machine()
    return table[COLUMNS]


def machine() -> str:
    """Return what the processor calls itself, how many there are, and the version of Python."""
    described = Path("/proc/cpuinfo")
    names = []
    if described.exists():
        names = re.findall(r"^model name\s*: (.*)$", described.read_text(), re.MULTILINE)
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"
