"""Predictions of one run as tables: at some of its epochs, or with its final parameters.

`curves` and `final_curve` have the numbers that the network sees and computes. `in_data_units` has
those of the experiment's data: names and words, and numbers before scaling.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.parameters import parameters_of
from harness.analysis.replay import state_after
from harness.analysis.trained_network import TrainedNetwork
from harness.experiment import Experiment
from harness.experiment.data import Dataset
from harness.experiment.held_out import in_original_units, scaled_as_training
from harness.experiment.new_inputs import input_columns
from harness.kernels.metrics import are_classes, classes_of, threshold_of
from harness.kernels.passes import predict
from harness.training.variants import Variant, make_variant

Floats = NDArray[np.float64]


def curves(
    experiment: Experiment, run_id: int, epochs: Sequence[int], inputs: Floats | None = None
) -> pd.DataFrame:
    """Return the predictions of a run after some epochs; the run is trained again.

    Parameters
    ----------
    experiment : Experiment
        The experiment, with its grid.
    run_id : int
        The run of the grid.
    epochs : sequence of int
        Numbers of epochs. A run that ended earlier stays as it was.
    inputs : array of shape (m, inputs), optional
        The inputs; by default, those of the data points.

    Returns
    -------
    DataFrame
        epoch; input_1, ...; prediction_1, ...: m rows per epoch, in the order of `inputs`.
    """
    variant = make_variant(experiment.single(run_id))
    parts = []
    for epoch in epochs:
        state = state_after(variant, min(epoch, variant.experiment.training.epochs))
        part = _table(variant, state.theta, inputs)
        part.insert(0, "epoch", epoch)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def final_curve(
    experiment: Experiment,
    run: "pd.Series[Any] | Mapping[str, Any]",
    inputs: Floats | None = None,
) -> pd.DataFrame:
    """Return the predictions of a run at its end.

    Parameters
    ----------
    experiment, inputs
        As for `curves`.
    run : Series or mapping
        A row of `runs`: run_id and all final parameters, such as w1_final. Without the parameters
        the run is trained again, for its number of `epochs`.

    Returns
    -------
    DataFrame
        input_1, ...; prediction_1, ...: m rows in the order of `inputs`.
    """
    variant = make_variant(experiment.single(int(run["run_id"])))
    return _table(variant, final_network(experiment, run).theta, inputs)


def final_network(
    experiment: Experiment, run: "pd.Series[Any] | Mapping[str, Any]"
) -> TrainedNetwork:
    """Return the network of a run at its end; for `run`, see `final_curve`."""
    return _network(experiment, run, "final", int(run.get("epochs", 0)))


def best_network(
    experiment: Experiment, run: "pd.Series[Any] | Mapping[str, Any]", best_epoch: int
) -> TrainedNetwork:
    """Return the network of a run at its best epoch, from w1_best, ... or by training again."""
    return _network(experiment, run, "best", best_epoch)


def network_after(experiment: Experiment, run_id: int, epoch: int) -> TrainedNetwork:
    """Return the network of a run after some epochs; the run is trained again."""
    return _network(experiment, {"run_id": run_id}, "", epoch)


def _network(
    experiment: Experiment, run: "pd.Series[Any] | Mapping[str, Any]", when: str, epoch: int
) -> TrainedNetwork:
    """Return a network from columns such as w1_final, or from training for some epochs."""
    variant = make_variant(experiment.single(int(run["run_id"])))
    if all(f"{name}_{when}" in run for name in variant.network.parameters):
        theta = parameters_of(run, variant.network, when)
    else:
        theta = state_after(variant, epoch).theta
    return TrainedNetwork(network=variant.network, theta=theta)


def in_data_units(
    single: Experiment, network: TrainedNetwork, inputs: Floats | None = None
) -> pd.DataFrame:
    """Return the predictions of a network in the units, and with the names, of the data.

    Parameters
    ----------
    single : Experiment
        One run of the grid, without a grid.
    network : TrainedNetwork
        Its network.
    inputs : array of shape (m, inputs), optional
        Inputs before scaling, as `read_inputs` returns them; by default those of all data points.

    Returns
    -------
    DataFrame
        The inputs; a column for each output, under the name of the target or class; and
        `predicted`, the class, if the targets are classes. Without names, the columns are input_1,
        ... and prediction_1, .... Without `inputs`, and if some data points are held out, the first
        column is `data`: "training" or "held out".
    """
    source, section = single.source, single.data_section
    x = source.inputs if inputs is None else inputs
    on_their_scale = network.predict(scaled_as_training(x, source, section))
    found = in_original_units(on_their_scale, source, section)

    table: dict[str, NDArray[Any]] = {}

    def add(name: str, values: NDArray[Any], prefix: str) -> None:
        while name in table or name == "run_id":
            name = prefix + name
        table[name] = values

    if inputs is None and single.validation is not None:
        add("data", np.where(single.is_held_out, "held out", "training"), "")
    for column in input_columns(source):
        add(column.name, column.values(x), "input_")
    for name, values in zip(_output_names(source), found.T, strict=True):
        add(name, values, "prediction_")
    if source.names.classes or are_classes(source.targets):
        parts = [part.targets for part in (single.data, single.validation) if part]
        codes = classes_of(on_their_scale, threshold_of(*parts))
        add("predicted", np.array(class_names(source), dtype=object)[codes], "prediction_")
    return pd.DataFrame(table)


def class_names(source: Dataset, before: str = "") -> list[str]:
    """Return the names of the classes; without names, the two targets or numbers from 1.

    A number has the text `before` in front of it.
    """
    if source.names.classes:
        return list(source.names.classes)
    outputs = source.targets.shape[1]
    if outputs == 1:
        return [f"{before}{value:g}" for value in np.unique(source.targets)]
    return [f"{before}{k + 1}" for k in range(outputs)]


def _output_names(source: Dataset) -> list[str]:
    """Return a name for each output; that of a single one is the second class."""
    outputs = source.targets.shape[1]
    names = source.names.classes[-outputs:] or source.names.targets
    return list(names) or [f"prediction_{k + 1}" for k in range(outputs)]


def predicted_classes(table: pd.DataFrame, threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the classes of predictions, prediction_1 and so on; -1 where one is not finite.

    The threshold is that of a single output.
    """
    predicted = table.filter(like="prediction_").to_numpy()
    return np.where(np.isfinite(predicted).all(axis=1), classes_of(predicted, threshold), -1)


def spread_epochs(last: int, count: int) -> list[int]:
    """Return at most `count` epochs from 0 to the last, more densely in the beginning.

    >>> spread_epochs(1000, 5), spread_epochs(0, 5)
    ([0, 1, 10, 100, 1000], [0])
    """
    if last == 0:
        return [0]
    return [0, *np.unique(np.geomspace(1, last, count - 1).round().astype(int)).tolist()]


def data_points(experiment: Experiment) -> pd.DataFrame:
    """Return all data points in the order of the source: input_1, ...; target_1, ...; held_out."""
    held_out = experiment.is_held_out
    columns: dict[str, Floats] = {}
    for name, key in (("input", "inputs"), ("target", "targets")):
        values = np.empty_like(getattr(experiment.source, key))
        values[~held_out] = getattr(experiment.data, key)
        if experiment.validation is not None:
            values[held_out] = getattr(experiment.validation, key)
        columns |= _numbered(name, values)
    return pd.DataFrame({**columns, "held_out": held_out})


def lattice(experiment: Experiment, count: int) -> Floats:
    """Return evenly spaced inputs that cover the data points and a margin around them.

    Parameters
    ----------
    experiment : Experiment
        With one input or two.
    count : int
        The number of points along each input.
    """
    inputs = data_points(experiment).filter(like="input_").to_numpy()
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 0.5)
    lines = np.linspace(low - margin, high + margin, count)
    return np.stack([line.ravel() for line in np.meshgrid(*lines.T)], axis=1)


def _table(variant: Variant, theta: Floats, inputs: Floats | None) -> pd.DataFrame:
    x = variant.data.x if inputs is None else np.ascontiguousarray(inputs, dtype=np.float64)
    found = predict(variant.architecture, theta, x)
    return pd.DataFrame(_numbered("input", x) | _numbered("prediction", found))


def _numbered(name: str, columns: Floats) -> dict[str, Floats]:
    return {f"{name}_{k + 1}": columns[:, k] for k in range(columns.shape[1])}
