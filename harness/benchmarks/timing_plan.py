"""What a worker is told: which workloads and baselines, how long, on how many cores."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from harness.benchmarks.workloads import WORKLOADS, Workload

VARIABLE = "HARNESS_BENCH_PLAN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One process's part of a comparison.

    Attributes
    ----------
    workloads, baselines : list of str
        Their names.
    threads : int
        Processor cores that the process may use.
    seconds : float
        About how long one timing takes.
    rounds : int
        How often each is timed; the least time counts.
    quick : bool
        Whether runs have fewer epochs.
    """

    workloads: list[str]
    baselines: list[str]
    threads: int
    seconds: float
    rounds: int
    quick: bool

    def chosen(self) -> list[Workload]:
        """Return the workloads, curves as their points."""
        return [
            replace(one, epochs=one.quick_epochs) if self.quick else one
            for name in self.workloads
            for one in WORKLOADS[name]
        ]

    def write(self, path: Path) -> None:
        """Write it where `of_environment` reads it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def of_environment(cls) -> Self:
        """Read the file that the environment names."""
        return cls(**json.loads(Path(os.environ[VARIABLE]).read_text(encoding="utf-8")))
