"""Baselines: other ways to train the same networks, one module each.

A module has a function `prepare(job)` that returns a function without arguments. That function
trains the runs of the job and returns their SSR: of shape (runs, epochs + 1) if the job is
recorded, and otherwise the final SSR, of shape (runs, 1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.benchmarks.job import Floats, Job

Train = Callable[[], "Floats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A way to train.

    Attributes
    ----------
    name, title : str
        Its name on the command line, and in tables and pictures.
    module : str
        Its module in this package.
    package : str, optional
        The package that it needs.
    one_at_a_time : bool
        Whether it trains one network after the other, slowly: ten take ten times as long.
    plain : bool
        Whether it trains only networks with one hidden layer, and only in double precision.
    many_cores : bool
        Whether it uses several cores, and is compared on them too.
    """

    name: str
    title: str
    module: str
    package: str | None = None
    one_at_a_time: bool = False
    plain: bool = False
    many_cores: bool = False

    @property
    def installed(self) -> bool:
        """Whether the package that it needs is installed."""
        return self.package is None or find_spec(self.package) is not None

    def trains(self, experiment: Mapping[str, Any]) -> bool:
        """Return whether it can train an experiment, given as a mapping."""
        one_hidden_layer = len(experiment["network"]["layers"]) == 3
        single = experiment["training"].get("precision") == "float32"
        return not self.plain or (one_hidden_layer and not single)

    def prepare(self, job: "Job") -> Train:
        """Return a function that trains a job."""
        trainer: Train = import_module(f"{__name__}.{self.module}").prepare(job)
        return trainer


OURS = "harness"

BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Baseline(name=OURS, title="harness", module="harness_lanes", many_cores=True),
        Baseline(
            name="python",
            title="pure Python",
            module="pure_python",
            one_at_a_time=True,
            plain=True,
        ),
        Baseline(
            name="numpy", title="NumPy, one network", module="numpy_single", one_at_a_time=True
        ),
        Baseline(name="numpy-batched", title="NumPy, einsum", module="numpy_batched"),
        Baseline(name="numpy-matmul", title="NumPy, matmul", module="numpy_matmul"),
        Baseline(name="numba", title="Numba, plain loop", module="numba_loop", plain=True),
        Baseline(
            name="jax-vmap",
            title="JAX, vmap + scan",
            module="jax_vmap",
            package="jax",
            many_cores=True,
        ),
        Baseline(
            name="jax-batched",
            title="JAX, einsum + scan",
            module="jax_batched",
            package="jax",
            many_cores=True,
        ),
        Baseline(
            name="torch",
            title="PyTorch, one network",
            module="torch_single",
            package="torch",
            one_at_a_time=True,
        ),
        Baseline(
            name="torch-batched",
            title="PyTorch, bmm",
            module="torch_batched",
            package="torch",
            many_cores=True,
        ),
        Baseline(
            name="torch-vmap",
            title="PyTorch, vmap(grad)",
            module="torch_vmap",
            package="torch",
            many_cores=True,
        ),
    )
}
