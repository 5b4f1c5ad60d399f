"""Input of a baseline: the runs of an experiment as plain arrays, initial values included."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.experiment import Experiment
from harness.kernels.losses import KERNEL_LOSSES, entropy_term, squared_term, weight_of_loss
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.tables import code_of
from harness.training.buffers import make_counts, start
from harness.training.trainer import TrainedRuns, Trainer
from harness.training.variants import make_variant

Floats = NDArray[np.floating[Any]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Runs of a network with hidden layers and one output, trained on all data at once.

    All arrays have the precision of the experiment, so that baselines train in it.

    For inputs a_0 = x and hidden layers l = 1 ... L

        a_l = f(s_l (a_(l-1) W_l + b_l))    o = s_(L+1) (a_L w + b)

    The prediction is o or, with cross-entropy, sigmoid(o). For all losses d(loss)/do = weight
    (predicted - observed).

    Attributes
    ----------
    x, y : arrays of shapes (m, inputs) and (m,)
        The data points.
    hidden : str
        Name of f.
    scales : tuple of float
        s_1 ... s_(L+1).
    weight : float
        As above.
    cross_entropy : bool
        Whether the loss is cross-entropy after a sigmoid; otherwise it is SSR or its mean.
    biases : float
        1, or 0 if all biases are 0 and stay 0.
    optimiser : str
        Name of the optimiser.
    settings : tuple of float
        Its own settings, in the order of its entry.
    start : tuple of arrays
        Initial parameters W_1, b_1 ... w, b. The run is their first axis.
    rates : tuple of arrays of shape (runs,)
        The learning rate of each of them; 0 for biases that stay 0.
    ends_early : bool
        Whether a run ends when its SSR is at most `tolerance`, or is not at most `limit`.
    recorded : bool
        Whether the SSR of every epoch is kept, or only the final one.
    threads : int
        Number of processor cores to use.
    """

    experiment: Experiment
    runs: int
    epochs: int
    threads: int
    x: Floats
    y: Floats
    hidden: str
    scales: tuple[float, ...]
    weight: float
    cross_entropy: bool
    biases: float
    optimiser: str
    settings: tuple[float, ...]
    start: tuple[Floats, ...]
    rates: tuple[Floats, ...]
    ends_early: bool
    tolerance: float
    limit: float
    recorded: bool

    def trained(self, each: Sequence[T]) -> list[T]:
        """Return the items of weights, then of biases that train; `each` has one of W_1 ... b."""
        return [*each[::2], *(each[1::2] if self.biases else ())]

    def matrices(self) -> list[Floats]:
        """Return the initial values of `trained` parameters as matrices (runs, fan_in, fan_out).

        Those of biases have one row, and those of the last layer one column.
        """
        weights = [w.reshape(*w.shape[:2], -1) for w in self.start[::2]]
        biases = [b.reshape(self.runs, 1, -1) for b in self.start[1::2]]
        return [*weights, *(biases if self.biases else ())]

    def by_layer(self, trained: list[T]) -> tuple[list[T], list[Any]]:
        """Return the weights of each layer, and its biases or 0, from `trained` parameters."""
        layers = len(self.scales)
        return trained[:layers], trained[layers:] or [0.0] * layers


def make_job(document: dict[str, Any], threads: int = 1) -> Job:
    """Return the job of an experiment, with the initial parameters of harness.

    Raises
    ------
    ValueError
        A job cannot express the experiment.
    """

    def in_precision(array: Floats) -> Floats:
        return np.ascontiguousarray(array, training.precision)

    experiment = Experiment.from_mapping(document)
    network, training = experiment.network, experiment.training
    _check(experiment)
    x, y = experiment.data.inputs, experiment.data.targets[:, 0]
    runs = experiment.grid.size
    block = start(make_variant(experiment), experiment.grid.columns(np.arange(runs)), runs)
    optimiser = OPTIMISERS[training.optimiser]
    settings = optimiser.by_name(block.settings)
    layer_rates = settings.pop("learning_rate")
    if any((values != values.flat[0]).any() for values in settings.values()):
        raise ValueError("runs of a job differ in learning rates and initial parameters only")
    begin, rates = [], []
    for layer, matrix in enumerate(network.matrices_of(block.theta)):
        w, b = np.split(matrix, network.sizes[layer : layer + 1], axis=1)
        begin += [w, b.sum(axis=1)]  # 0 for layers without a bias
        rates += [layer_rates[:, layer], layer_rates[:, layer] * float(network.biases[0])]
    begin[-2:] = [begin[-2][:, :, 0], begin[-1][:, 0]]
    architecture = network.architecture()
    weight = weight_of_loss(code_of(KERNEL_LOSSES, network.kernel_loss), len(y), 1)
    cross_entropy = network.loss == "cross_entropy"
    return Job(
        experiment=experiment,
        runs=runs,
        epochs=training.epochs,
        threads=threads,
        x=in_precision(x),
        y=in_precision(y),
        hidden=network.activations[0],
        scales=tuple(architecture.scales[1:].tolist()),
        weight=weight if cross_entropy else 2.0 * weight,
        cross_entropy=cross_entropy,
        biases=float(network.biases[0]),
        optimiser=training.optimiser,
        settings=tuple(float(settings[own.name].flat[0]) for own in optimiser.settings),
        start=tuple(map(in_precision, begin)),
        rates=tuple(map(in_precision, rates)),
        ends_early=training.tolerance is not None or training.limit is not None,
        # Tolerance and limit are those of the loss, the weighted SSR.
        tolerance=-1.0 if training.tolerance is None else training.tolerance / weight,
        limit=np.inf if training.limit is None else training.limit / weight,
        recorded=experiment.record.epochs == "all",
    )


def _check(experiment: Experiment) -> None:
    """Raise ValueError if a job cannot express an experiment."""
    network, training = experiment.network, experiment.training
    *hidden, last = network.activations
    term = KERNEL_LOSSES[network.kernel_loss].term
    squares = (term, last) == (squared_term, "identity")
    ends_early = training.tolerance is not None or training.limit is not None
    for expressible, says in (
        (network.sizes[-1] == 1 and network.output_scale == 1.0, "one output, without a scale"),
        (len(set(hidden)) == 1, "one activation for all hidden layers"),
        (len(set(network.biases)) == 1, "biases in all layers or in none"),
        (
            squares or (term, last) == (entropy_term, "sigmoid"),
            "a loss of squared residuals of a linear output, or cross-entropy after a sigmoid",
        ),
        (squares or not ends_early, "a tolerance or a limit for squared residuals only"),
    ):
        if not expressible:
            raise ValueError(f"{experiment.name} cannot be a job: a job has {says}")


def train(experiment: Experiment) -> TrainedRuns:
    """Train every run of an experiment with harness, on this thread."""
    stop, counts = np.zeros(1, dtype=np.uint8), make_counts(1)[0]
    block = Trainer(experiment).train(0, experiment.grid.size, stop, counts)
    assert block is not None  # it was not stopped
    return block


def ssr_of(block: TrainedRuns, recorded: bool) -> Floats:
    """Return the SSR of each run, shape (runs, 1), or that of each epoch, (runs, epochs + 1)."""
    kept = block.trajectories.columns()["ssr"] if recorded else block.runs["ssr_final"]
    return np.reshape(np.array(kept), (len(block.runs["run_id"]), -1))
