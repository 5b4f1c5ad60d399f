"""The ways to train that are compared, one a module.

Each module has `prepare(job)`, which returns a function without arguments. That function trains the
runs of the job and returns their SSR: the final one, shape (runs, 1), or, where the job is
recorded, that of every epoch, shape (runs, epochs + 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.benchmarks.job import Floats, Job

Train = Callable[[], "Floats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A way to train.

    Attributes
    ----------
    name, title : str
        What users call it, and what tables and pictures do.
    module : str
        Its module here.
    speed : float
        Run-epochs a second of the 1-2-1 network on three points, roughly: the first guess at how
        many runs a timing takes.
    package : str, optional
        What has to be installed for it.
    many_cores : bool
        Whether it is compared on all cores too, beside one.
    """

    name: str
    title: str
    module: str
    speed: float
    package: str | None = None
    many_cores: bool = False

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        return self.package is None or find_spec(self.package) is not None

    @property
    def one_at_a_time(self) -> bool:
        """Whether it trains one network after the other, slowly: ten take ten times as long."""
        return self.speed < 1e5

    def prepare(self, job: "Job") -> Train:
        """Return what trains a job."""
        trainer: Train = import_module(f"{__name__}.{self.module}").prepare(job)
        return trainer


OURS = "harness"

BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Baseline(name=OURS, title="harness", module="harness_lanes", speed=2e7, many_cores=True),
        Baseline(name="python", title="pure Python", module="pure_python", speed=8e4),
        Baseline(name="numpy", title="NumPy, one network", module="numpy_single", speed=2e4),
        Baseline(name="numpy-batched", title="NumPy, einsum", module="numpy_batched", speed=8e6),
        Baseline(name="numpy-matmul", title="NumPy, matmul", module="numpy_matmul", speed=3e6),
        Baseline(name="numba", title="Numba, plain loop", module="numba_loop", speed=5e6),
        Baseline(
            name="jax-vmap",
            title="JAX, vmap + scan",
            module="jax_vmap",
            speed=5e6,
            package="jax",
            many_cores=True,
        ),
        Baseline(
            name="jax-batched",
            title="JAX, einsum + scan",
            module="jax_batched",
            speed=5e6,
            package="jax",
            many_cores=True,
        ),
        Baseline(
            name="torch",
            title="PyTorch, one network",
            module="torch_single",
            speed=2e3,
            package="torch",
        ),
        Baseline(
            name="torch-batched",
            title="PyTorch, bmm",
            module="torch_batched",
            speed=2e6,
            package="torch",
            many_cores=True,
        ),
        Baseline(
            name="torch-vmap",
            title="PyTorch, vmap(grad)",
            module="torch_vmap",
            speed=2e6,
            package="torch",
            many_cores=True,
        ),
    )
}
