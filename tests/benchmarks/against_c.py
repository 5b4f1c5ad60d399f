"""Compare harness with C on the dosage workload, on one core: `make bench-c`.

The two alternate, because a busy machine is slow for a while; the best time of each counts.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.benchmarks.agreement import largest_difference, truth
from harness.benchmarks.baselines import BASELINES, OURS
from harness.benchmarks.job import make_job
from harness.benchmarks.workloads import WORKLOADS

SOURCE = Path(__file__).with_name("dosage.c")
FLAGS = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512")
LANES = (8, 16, 32, 64)


def compile_with(lanes, folder):
    """Return the program for a number of lanes, or None if gcc lacks the options."""
    program = folder / f"dosage-{lanes}"
    command = ["gcc", *FLAGS, f"-DL={lanes}", "-o", program, SOURCE, "-lmvec", "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"gcc does not compile {SOURCE.name}:\n{done.stderr}")
        return None
    return program


def run_c(program, job):
    """Return the training time that a program reports, and the final SSR of each run."""
    w1, b1, w2, b2 = job.start
    values = [w1[:, 0, 0], b1[:, 0], w1[:, 0, 1], b1[:, 1], w2[:, 0], w2[:, 1], b2, job.rates[0]]
    done = subprocess.run(
        [program, str(job.runs), str(job.epochs)],
        input=np.stack(values, axis=1).tobytes(),
        capture_output=True,
        check=True,
    )
    return float(done.stderr), np.frombuffer(done.stdout)[:, np.newaxis]


def main():
    """Compile, check that both train the same, time them in turn, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=12_800, help="a multiple of 1,280")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if shutil.which("gcc") is None:
        print("no gcc here, so nothing to compare with")
        return 0
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    job = make_job(WORKLOADS["dosage"][0].experiment(arguments.runs))
    ours, right = BASELINES[OURS].prepare(job), truth(job)
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        programs = {lanes: compile_with(lanes, Path(folder)) for lanes in LANES}
        if None in programs.values():
            return 0
        for _ in range(arguments.rounds):
            for lanes, program in programs.items():
                seconds, ssr = run_c(program, job)
                difference = largest_difference(ssr, right)
                if difference > right.agrees:
                    print(f"C with {lanes} lanes trains something else: off by {difference:.1e}")
                    return 1
                best[f"C, {lanes} lanes"] = min(seconds, best.get(f"C, {lanes} lanes", np.inf))
            began = time.perf_counter()
            ours()
            best[OURS] = min(time.perf_counter() - began, best.get(OURS, np.inf))

    print(f"{job.runs:,} runs of {job.epochs:,} epochs on one core, best of {arguments.rounds}")
    for name, seconds in best.items():
        print(f"  {name:12} {right.run_epochs / seconds / 1e6:8.1f} M run-epochs/s")
    fastest = min(seconds for name, seconds in best.items() if name != OURS)
    print(f"harness is {fastest / best[OURS]:.2f} times as fast as the best C")
    return 0


if __name__ == "__main__":
    sys.exit(main())
