"""Forward and backward passes of a single network, one data point at a time.

The symbols and the order of the sums are those of `layers`. In every array that is indexed by
layer, index 0 belongs to the input.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled, entry
from harness.kernels.activations import NORMALISED, activate
from harness.kernels.layers import Block, Layer, Scratch, layer_passes
from harness.kernels.losses import loss_slope, loss_term, loss_weight
from harness.kernels.simd.memory import load, store, variable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Architecture(NamedTuple):
    """Description of a network as numbers, for the passes."""

    sizes: Integers  # (L + 1,) units of each layer
    activations: Integers  # (L + 1,) codes of `activations.ACTIVATIONS`
    biases: Integers  # (L + 1,) 1 if the layer has biases
    scales: Floats  # (L + 1,) s(l)
    matrices: Integers  # (L + 1,) offset of W(l) in theta
    units: Integers  # (L + 1,) offset of layer l in z, a, slope and delta
    output_scale: float
    loss: int  # code of `losses.KERNEL_LOSSES`
    settings: (
        Floats  # (L + 2,) of the activation of each layer, then of the loss; NaN if it has none
    )


class Data(NamedTuple):
    """Data points: x of shape (m, inputs) and y of shape (m, outputs)."""

    x: Floats
    y: Floats


_forward, _residuals, _backward, _gradient = layer_passes(
    1, 1, Block(), activate, loss_term, loss_slope
)


@compiled
def layer_at(network: Architecture, l: int) -> Layer:
    """Return layer l of a network."""
    return Layer(
        network.sizes[l - 1],
        network.sizes[l],
        network.activations[l],
        network.biases[l],
        1,  # scaled
        1,  # scaled_below
        1 if l > 1 else 0,
        0,  # shared
        1,  # last
        NORMALISED[network.activations[l]],
        network.matrices[l],
        network.units[l - 1],
        network.units[l],
    )


@compiled
def make_scratch(network: Architecture, parameters: int) -> Scratch:
    """Allocate working memory for one data point of a network with this many parameters."""
    last = network.sizes.size - 1
    # Not `sizes.sum()`: loading its machine code from disk would import SciPy, in 0.3 s.
    units = network.units[last] + network.sizes[last]
    return Scratch(
        np.empty(0),
        np.empty(units),
        np.empty(units),
        np.empty(units),
        np.empty(units),
        np.empty(network.sizes[last]),
        np.empty(parameters),
    )


@compiled
def forward(network: Architecture, theta: Floats, x: Floats, scratch: Scratch) -> None:
    """Fill z, a and slope of every unit for one data point x of shape (inputs,)."""
    for j in range(network.sizes[0]):
        scratch.a[j] = x[j]
    for l in range(1, network.sizes.size):
        _forward(layer_at(network, l), network.scales[l], network.settings[l], theta, scratch)


@compiled
def evaluate(
    network: Architecture,
    theta: Floats,
    data: Data,
    order: Integers,
    first: int,
    last: int,
    with_gradient: bool,
    scratch: Scratch,
    stop: NDArray[np.uint8],
) -> tuple[float, float]:
    """Return SSR and loss over the data points order[first:last]; fill scratch.gradient if asked.

    Another thread may set `stop[0]`. The returned values are then meaningless.

    This is one function with a switch rather than two, because it is inlined into every caller.
    """
    weight = loss_weight(network.loss, last - first, data.y.shape[1])
    layers = network.sizes.size - 1
    if with_gradient:
        scratch.gradient[:] = 0.0
    ssr, terms = variable(), variable()
    store(ssr, 0, 0.0)
    store(terms, 0, 0.0)
    for i in range(first, last):
        if stop[0]:
            break
        sample = order[i]
        forward(network, theta, data.x[sample], scratch)
        for k in range(data.y.shape[1]):
            scratch.y[k] = data.y[sample, k]
        _residuals(
            layer_at(network, layers),
            network.scales[layers],
            network.output_scale,
            network.loss,
            network.settings[layers + 1],
            weight,
            scratch,
            ssr,
            terms,
        )
        if with_gradient:
            for l in range(layers, 0, -1):
                layer = layer_at(network, l)
                _gradient(layer, scratch)
                if l > 1:
                    _backward(layer, network.scales[l - 1], theta, scratch)
    return load(ssr, 0, 1), weight * load(terms, 0, 1)


@entry
def loss_gradient(
    network: Architecture, theta: Floats, data: Data, order: Integers
) -> tuple[float, float, Any]:
    """Return SSR, loss and dE/dtheta (P,) over the data points `order`, as used in training."""
    scratch = make_scratch(network, theta.size)
    stop = np.zeros(1, dtype=np.uint8)
    ssr, loss = evaluate(network, theta, data, order, 0, order.size, True, scratch, stop)
    return ssr, loss, scratch.gradient


class Evaluation(NamedTuple):
    """SSR and loss (n,) of n networks, and their predictions (n, m, outputs) if asked for."""

    ssr: Floats
    loss: Floats
    predictions: Floats


@entry
def evaluate_all(
    network: Architecture,
    thetas: Floats,
    data: Data,
    predicts: bool,
    stop: NDArray[np.uint8],
) -> Evaluation:
    """Evaluate a network at each row of thetas (n, P).

    Another thread may set `stop[0]`. The returned values are then meaningless.
    """
    count, (points, outputs) = thetas.shape[0], data.y.shape
    scratch, order = make_scratch(network, thetas.shape[1]), np.arange(points)
    ssr, loss = np.empty(count), np.empty(count)
    predictions = np.empty((count, points, outputs) if predicts else (count, 0, 0))
    for row in range(count):
        ssr[row], loss[row] = evaluate(
            network, thetas[row], data, order, 0, points, False, scratch, stop
        )
        for i in range(predictions.shape[1]):
            forward(network, thetas[row], data.x[i], scratch)
            for k in range(outputs):
                at = network.units[network.sizes.size - 1] + k
                predictions[row, i, k] = network.output_scale * scratch.a[at]
    return Evaluation(ssr, loss, predictions)


@entry
def unit_values(network: Architecture, theta: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return z, a and slope of every unit for one data point x (inputs,), layer by layer.

    z of softmax outputs are the logarithms of a, and their slope is 1.
    """
    scratch = make_scratch(network, theta.size)
    forward(network, theta, x, scratch)
    return scratch.z, scratch.a, scratch.slope


@entry
def predict(network: Architecture, theta: Floats, x: Floats) -> Floats:
    """Return the predictions (m, outputs) of one network for the inputs x (m, inputs)."""
    scratch = make_scratch(network, theta.size)
    last = network.sizes.size - 1
    out = np.empty((x.shape[0], network.sizes[last]))
    for i in range(x.shape[0]):
        forward(network, theta, x[i], scratch)
        for k in range(network.sizes[last]):
            out[i, k] = network.output_scale * scratch.a[network.units[last] + k]
    return out
