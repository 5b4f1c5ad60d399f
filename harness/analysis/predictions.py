"""What a run predicts, at some of its epochs, as a table."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.replay import state_after
from harness.experiment import Experiment
from harness.kernels.passes import predict
from harness.training.variants import Variant, make_variant

Floats = NDArray[np.float64]


def curves(
    experiment: Experiment,
    run_id: int,
    epochs: Sequence[int],
    inputs: Floats | None = None,
) -> pd.DataFrame:
    """Train a run again, and return what it predicts after some epochs.

    Parameters
    ----------
    experiment : Experiment
        With its grid.
    run_id : int
        Which run of it.
    epochs : sequence of int
        After how many epochs; a run that has ended before stays as it was.
    inputs : array of shape (m, inputs), optional
        Where; the data points if left out.

    Returns
    -------
    DataFrame
        epoch; input_1, ...; prediction_1, ...: m rows an epoch, in the order given.
    """
    variant = make_variant(experiment.single(run_id))
    at = variant.data.x if inputs is None else np.ascontiguousarray(inputs, dtype=np.float64)
    parts = []
    for epoch in epochs:
        state = state_after(variant, min(epoch, variant.experiment.training.epochs))
        part = _table(variant, state.theta, at)
        part.insert(0, "epoch", epoch)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def final_curve(
    experiment: Experiment,
    run_id: int,
    parameters: Mapping[str, float],
    inputs: Floats | None = None,
) -> pd.DataFrame:
    """Return what a run predicts with its final parameters; nothing is trained.

    Parameters
    ----------
    experiment, run_id, inputs
        As for `curves`.
    parameters : mapping
        The final value of each parameter by its name, such as w1.

    Returns
    -------
    DataFrame
        input_1, ...; prediction_1, ...: m rows in the order given.
    """
    variant = make_variant(experiment.single(run_id))
    theta = np.empty(variant.network.parameter_count)
    for name, position in variant.network.positions.items():
        theta[position] = parameters[name]
    at = variant.data.x if inputs is None else np.ascontiguousarray(inputs, dtype=np.float64)
    return _table(variant, theta, at)


def data_points(experiment: Experiment) -> pd.DataFrame:
    """Return the data points: input_1, ...; target_1, ..."""
    data = experiment.data
    return pd.DataFrame(_named("input", data.inputs) | _named("target", data.targets))


def lattice(experiment: Experiment, count: int) -> Floats:
    """Return inputs at equal distances that cover the data points and a little more.

    Parameters
    ----------
    experiment : Experiment
        With one input or two.
    count : int
        How many along each input.
    """
    inputs = experiment.data.inputs
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 0.5)
    lines = np.linspace(low - margin, high + margin, count)
    return np.stack([line.ravel() for line in np.meshgrid(*lines.T)], axis=1)


def _table(variant: Variant, theta: Floats, inputs: Floats) -> pd.DataFrame:
    found = predict(variant.architecture, theta, inputs)
    return pd.DataFrame(_named("input", inputs) | _named("prediction", found))


def _named(name: str, columns: Floats) -> dict[str, Floats]:
    return {f"{name}_{k + 1}": columns[:, k] for k in range(columns.shape[1])}
