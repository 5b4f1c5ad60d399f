"""A process that times: bound to its processor cores before anything starts threads.

python -m harness.benchmarks.worker THREADS CONFIGURATION RESULTS
"""

import os
import sys
from pathlib import Path

# What starts threads of its own reads these when it is loaded.
_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ONE_CORE_OF_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def environment(threads: int) -> dict[str, str]:
    """Return the environment variables that keep libraries to some threads."""
    found = dict.fromkeys(_COUNTS, str(threads))
    found["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        found["XLA_FLAGS"] = _ONE_CORE_OF_XLA
    return found


def main(threads: int, configuration: str, results: str) -> int:
    """Bind this process to some cores and have pytest time what the plan says."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])

    import pytest  # after that, as it may load what counts the cores

    return pytest.main(
        [
            str(Path(__file__).with_name("timings.py")),
            # Nothing of the folder that the command is run in: no settings, no conftest, no cache.
            f"--config-file={configuration}",
            f"--rootdir={Path(configuration).parent}",
            "--noconftest",
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            "-vv",
            "--tb=short",
            "--benchmark-quiet",
            f"--benchmark-json={results}",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
