"""Forward and backward passes of one network, as loops over layers, units and sources.

Layer l = 1 ... L has the matrix W(l) of shape (fan_in + 1, fan_out); its last row is the bias, as
if a 1 were appended to the sources (Udacity, Deep Learning, "Calculating the Gradient"). Layer 0
is the input. In every array that is indexed by layer, index 0 belongs to the input.

    z(l) = s(l) (W(l)' a(l-1) + b(l))      pre-activation        a(0) = x
    a(l) = f(z(l))                         output of the units   slope(l) = f'(z(l))
    p    = output_scale a(L)               prediction
    E    = weight sum term(p, y)           loss                  r = y - p

    delta(L)       = s(L) dE/dz(L)
    dE/dW(l)[j,k]  = a(l-1)[j] delta(l)[k]              dE/db(l)[k] = delta(l)[k]
    delta(l-1)[j]  = s(l-1) f'(z(l-1)[j]) sum_k W(l)[j,k] delta(l)[k]

The order of every sum is part of the definition: sources, units and data points in order, the
bias first.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled, entry
from harness.kernels.activations import activate
from harness.kernels.arithmetic import fma
from harness.kernels.losses import loss_slope, loss_term, loss_weight

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Architecture(NamedTuple):
    """What the passes need to know of a network, as numbers."""

    sizes: Integers  # (L + 1,) units of each layer
    activations: Integers  # (L + 1,) codes of `activations.ACTIVATIONS`
    biases: Integers  # (L + 1,) 1 where the layer has a bias
    scales: Floats  # (L + 1,) s(l)
    matrices: Integers  # (L + 1,) where W(l) begins in theta
    units: Integers  # (L + 1,) where layer l begins in z, a, slope and delta
    output_scale: float
    loss: int  # code of `losses.LOSSES`


class Data(NamedTuple):
    """Data points: x of shape (m, inputs) and y of shape (m, outputs)."""

    x: Floats
    y: Floats


class Scratch(NamedTuple):
    """Working memory of one network, made once for a block of runs."""

    z: Floats  # one number a unit, the input's included
    a: Floats
    slope: Floats
    delta: Floats
    gradient: Floats  # one number a parameter


@compiled
def make_scratch(network: Architecture, parameters: int) -> Scratch:
    """Return working memory for a network with so many parameters."""
    units = network.sizes.sum()
    return Scratch(
        np.empty(units),
        np.empty(units),
        np.empty(units),
        np.empty(units),
        np.empty(parameters),
    )


@compiled
def forward(network: Architecture, theta: Floats, x: Floats, scratch: Scratch) -> None:
    """Fill z, a and slope of every unit for one data point x of shape (inputs,)."""
    for j in range(network.sizes[0]):
        scratch.a[j] = x[j]
    for layer in range(1, network.sizes.size):
        fan_in, fan_out = network.sizes[layer - 1], network.sizes[layer]
        sources, units = network.units[layer - 1], network.units[layer]
        matrix = network.matrices[layer]
        for k in range(fan_out):
            total = 0.0
            if network.biases[layer]:
                total = theta[matrix + fan_in * fan_out + k]
            for j in range(fan_in):
                total = fma(theta[matrix + j * fan_out + k], scratch.a[sources + j], total)
            z = network.scales[layer] * total
            value, slope = activate(network.activations[layer], z)
            scratch.z[units + k] = z
            scratch.a[units + k] = value
            scratch.slope[units + k] = slope


@compiled
def residuals(network: Architecture, y: Floats, scratch: Scratch) -> tuple[float, float]:
    """Return sum(r^2) and sum(term) over the outputs of one data point, after `forward`."""
    last = network.sizes.size - 1
    squares = 0.0
    terms = 0.0
    for k in range(network.sizes[last]):
        unit = network.units[last] + k
        p = network.output_scale * scratch.a[unit]
        squares = fma(y[k] - p, y[k] - p, squares)
        terms += loss_term(network.loss, scratch.z[unit], p, y[k])
    return squares, terms


@compiled
def backward(
    network: Architecture, theta: Floats, y: Floats, weight: float, scratch: Scratch
) -> None:
    """Add dE/dtheta of one data point to `scratch.gradient`, after `forward`."""
    last = network.sizes.size - 1
    for k in range(network.sizes[last]):
        unit = network.units[last] + k
        p = network.output_scale * scratch.a[unit]
        slope = network.output_scale * scratch.slope[unit]
        dz = weight * loss_slope(network.loss, scratch.z[unit], p, y[k], slope)
        scratch.delta[unit] = network.scales[last] * dz
    for layer in range(last, 0, -1):
        fan_in, fan_out = network.sizes[layer - 1], network.sizes[layer]
        sources, units = network.units[layer - 1], network.units[layer]
        matrix = network.matrices[layer]
        for j in range(fan_in):
            back = 0.0
            for k in range(fan_out):
                at = matrix + j * fan_out + k
                delta = scratch.delta[units + k]
                scratch.gradient[at] = fma(scratch.a[sources + j], delta, scratch.gradient[at])
                back = fma(theta[at], delta, back)
            if layer > 1:
                slope = network.scales[layer - 1] * scratch.slope[sources + j]
                scratch.delta[sources + j] = slope * back
        if network.biases[layer]:
            for k in range(fan_out):
                scratch.gradient[matrix + fan_in * fan_out + k] += scratch.delta[units + k]


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

    Another thread may set `stop[0]`: what is returned is then worth nothing.

    One function with a switch and not two: all of it is compiled into each place that calls it.
    """
    weight = loss_weight(network.loss, last - first, data.y.shape[1])
    if with_gradient:
        scratch.gradient[:] = 0.0
    ssr = 0.0
    terms = 0.0
    for i in range(first, last):
        if stop[0]:
            break
        sample = order[i]
        forward(network, theta, data.x[sample], scratch)
        squares, term = residuals(network, data.y[sample], scratch)
        ssr += squares
        terms += term
        if with_gradient:
            backward(network, theta, data.y[sample], weight, scratch)
    return ssr, weight * terms


@entry
def loss_gradient(
    network: Architecture, theta: Floats, data: Data, order: Integers
) -> tuple[float, float, Any]:
    """Return SSR, loss and dE/dtheta (P,) over the data points `order`, as training sees them."""
    scratch = make_scratch(network, theta.size)
    stop = np.zeros(1, dtype=np.uint8)
    ssr, loss = evaluate(network, theta, data, order, 0, order.size, True, scratch, stop)
    return ssr, loss, scratch.gradient


@entry
def unit_values(network: Architecture, theta: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return z, a and slope of every unit for one data point x (inputs,), layer by layer."""
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
