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
    packages : tuple of str
        The packages that it needs.
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
    packages: tuple[str, ...] = ()
    one_at_a_time: bool = False
    plain: bool = False
    many_cores: bool = False

    @property
    def missing(self) -> str | None:
        """The first package that it needs and that is not installed."""
        return next((name for name in self.packages if find_spec(name) is None), None)

    def trains(self, experiment: Mapping[str, Any]) -> bool:
        """Return whether it can train an experiment, given as a mapping."""
        training = experiment["training"]
        one_hidden_layer = len(experiment["network"]["layers"]) == 3
        single = training.get("precision") == "float32"
        known = self.name == OURS or training.get("optimiser", "sgd") in OPTIMISERS
        return known and (not self.plain or (one_hidden_layer and not single))

    def prepare(self, job: "Job") -> Train:
        """Return a function that trains a job."""
        trainer: Train = import_module(f"{__name__}.{self.module}").prepare(job)
        return trainer


OURS = "harness"

# Those that the baselines have.
OPTIMISERS = ("sgd", "adam")

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
            packages=("jax", "optax"),
            many_cores=True,
        ),
        Baseline(
            name="jax-batched",
            title="JAX, einsum + scan",
            module="jax_batched",
            packages=("jax", "optax"),
            many_cores=True,
        ),
        Baseline(
            name="torch",
            title="PyTorch, one network",
            module="torch_single",
            packages=("torch",),
            one_at_a_time=True,
        ),
        Baseline(
            name="torch-batched",
            title="PyTorch, bmm",
            module="torch_batched",
            packages=("torch",),
            many_cores=True,
        ),
        Baseline(
            name="torch-vmap",
            title="PyTorch, vmap(grad)",
            module="torch_vmap",
            packages=("torch",),
            many_cores=True,
        ),
    )
}
