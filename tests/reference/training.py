"""Epochs of gradient descent on one twin, update by update, with everything recorded.

The order of events defines the behaviour of the fast code: when the loss is evaluated, which
conditions end a run and in which order, and which samples an update uses. `harness` may not be
imported here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .network import gradient as gradient_without_calculus
from .optimisers import OPTIMISERS
from .random_numbers import drawn_indices, shuffled_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record of one training: entry e of `ssr` and of each loss is that of epoch e."""

    status: str
    epochs: int
    ssr: list[float]
    loss: list[float]
    loss_held_out: list[float]
    theta: np.ndarray
    state: dict[str, np.ndarray]


def batches_of_epoch(batches, epoch, samples, batch_size, updates_per_epoch=None, seed=0):
    """Return the sample indices of each update of an epoch, `epoch` from 0."""
    updates = math.ceil(samples / batch_size)
    if batches == "drawn":
        updates = updates_per_epoch or updates
        order = drawn_indices(seed, epoch, samples, updates * batch_size)
    else:
        assert updates_per_epoch is None, "only drawn batches have a free number of updates"
        if batches == "shuffled":
            order = shuffled_order(seed, epoch, samples)
        else:
            assert batches == "in_order"
            order = list(range(samples))
    return [order[u * batch_size : (u + 1) * batch_size] for u in range(updates)]


def train(
    twin,
    inputs,
    targets,
    theta0,
    epochs,
    rates,
    optimiser="sgd",
    factors=None,
    l2=0.0,
    weight_decay=0.0,
    penalise_biases=True,
    clip_norm=math.inf,
    batch_size=None,
    batches="in_order",
    updates_per_epoch=None,
    seed=0,
    trained=None,
    tolerance=None,
    limit=None,
    patience=None,
    held_out=None,
    gradient=gradient_without_calculus,
    **settings,
):
    """Train and return a `Record`.

    Parameters
    ----------
    twin : Twin
        The network and its loss.
    inputs, targets : array, shapes (m, n0) and (m, nL)
        The data.
    theta0 : array, shape (P,)
        Parameters at epoch 0.
    epochs : int
        Maximum number of epochs.
    rates : float or sequence of float
        Learning rate, or one per layer.
    optimiser : str
        Name in `optimisers.OPTIMISERS`.
    factors : sequence of float or None
        Factor on the learning rate of each epoch; `None` for 1.
    l2, weight_decay : float
        The gradient is that of loss + l2/2 sum of theta^2. Before a step, parameters are multiplied
        by 1 - rate weight_decay.
    penalise_biases : bool
        Whether both apply to biases.
    clip_norm : float
        A longer gradient, over the trained parameters, is shortened to this norm.
    batch_size : int or None
        Samples per update; `None` for all.
    batches : str
        "in_order", "shuffled" or "drawn".
    updates_per_epoch : int or None
        Updates per epoch of drawn batches; `None` for the number of one pass.
    seed : int
        Seed of the batches.
    trained : sequence of int or None
        Positions of the trained parameters in theta; `None` for all.
    tolerance, limit : float or None
        Loss at or below which the run has converged, and above which it has diverged.
    patience : int or None
        Epochs after which the run is stopped if the loss of the held-out data has not improved.
    held_out : pair of array, shapes (h, n0) and (h, nL), or None
        Inputs and targets of the held-out data.
    gradient : callable
        gradient(twin, theta, inputs, targets) -> (P,).
    **settings
        Settings of the optimiser. One of them, `drift`, may have a value per layer.
    """
    inputs, targets = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    samples = len(inputs)
    assert inputs.shape == (samples, twin.sizes[0])
    assert targets.shape == (samples, twin.sizes[-1])
    batch_size = samples if batch_size is None else batch_size
    assert 1 <= batch_size <= samples
    rate = np.broadcast_to(np.asarray(rates, dtype=float), twin.layers)
    rate = rate[twin.layer_of_parameters()]
    if "drift" in settings:
        drift = np.broadcast_to(np.asarray(settings["drift"], dtype=float), twin.layers)
        settings["drift"] = drift[twin.layer_of_parameters()]
    moves = np.zeros(twin.parameters, dtype=bool)
    moves[slice(None) if trained is None else list(trained)] = True

    is_bias = np.array([name.startswith("b") for name in twin.names()])
    penalised = np.full(twin.parameters, True) if penalise_biases else ~is_bias
    factors = np.ones(epochs) if factors is None else np.asarray(factors, dtype=float)
    step = OPTIMISERS[optimiser]

    theta, state = np.array(theta0, dtype=float), {}
    ssr, loss, loss_held_out = [], [], []
    with np.errstate(all="ignore"):  # a run that diverges overflows, which is its result
        for epoch in range(epochs + 1):
            if epoch > 0:
                for chosen in batches_of_epoch(
                    batches, epoch - 1, samples, batch_size, updates_per_epoch, seed
                ):
                    slope = gradient(twin, theta, inputs[chosen], targets[chosen])
                    slope = slope + l2 * np.where(penalised, theta, 0.0)
                    slope = np.where(moves, slope, 0.0)
                    length = math.sqrt(np.sum(slope**2))
                    if length > clip_norm:
                        slope = slope * (clip_norm / length)
                    now = rate * factors[epoch - 1]
                    decayed = theta * (1.0 - now * np.where(penalised, weight_decay, 0.0))
                    theta = np.where(moves, step(decayed, slope, now, state, **settings), theta)
            ssr.append(float(twin.ssr(theta, inputs, targets)))
            loss.append(float(twin.value(theta, inputs, targets)))
            status = status_of(loss[-1], theta, tolerance, limit)
            if held_out is not None:
                loss_held_out.append(float(twin.value(theta, *held_out)))
            if status is None and epoch < epochs and patience is not None:
                waited = epoch - epoch_of_least(loss_held_out)
                status = "stopped" if waited >= patience else None
            if status is not None:
                break
    return Record(
        status=status or "finished",
        epochs=epoch,
        ssr=ssr,
        loss=loss,
        loss_held_out=loss_held_out,
        theta=theta,
        state=state,
    )


def status_of(loss, theta, tolerance=None, limit=None):
    """Return the status that ends a run here, or None; diverged is tested before converged."""
    if not (math.isfinite(loss) and np.isfinite(theta).all()):
        return "diverged"
    if limit is not None and loss > limit:
        return "diverged"
    if tolerance is not None and loss <= tolerance:
        return "converged"
    return None


def epoch_of_least(losses):
    """Return the first epoch with the least loss, 0 if there is none; NaN is not compared."""
    numbers = [loss for loss in losses if loss < math.inf]
    return losses.index(min(numbers)) if numbers else 0
