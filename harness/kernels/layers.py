"""Forward and backward passes through one layer, as loops over units and sources.

Layer l = 1 ... L has the matrix W(l) of shape (fan_in + 1, fan_out); its last row is the bias, as
if a 1 were appended to the sources (Udacity, Deep Learning, "Calculating the Gradient"). Layer 0
is the input; it has index 0 in every array that is indexed by layer.

    z(l) = s(l) (W(l)' a(l-1) + b(l))      pre-activation        a(0) = x
    a(l) = f(z(l))                         output of the units   slope(l) = f'(z(l))
    p    = output_scale a(L)               prediction
    E    = weight sum term(p, y)           loss                  r = y - p

    delta(L)       = s(L) dE/dz(L)
    dE/dW(l)[j,k]  = a(l-1)[j] delta(l)[k]              dE/db(l)[k] = delta(l)[k]
    delta(l-1)[j]  = s(l-1) f'(z(l-1)[j]) sum_k W(l)[j,k] delta(l)[k]

Softmax outputs are a_k = e^(z_k) / sum_j e^(z_j). Their z are replaced by ln a, whose softmax is a
again, so that losses need no other unit of the layer.

The order of every sum is part of the definition: sources, units and data points in order, the
bias first. In single precision, the squared residuals and the terms of the loss are singles, and
their sums over the data points doubles.

`layer_passes` implements these equations once, for any number of lanes (networks side by side) and
of data points in a tile. A pass holds a block of sums in registers: units x data points of z,
sources x data points of delta(l-1), sources x units of dE/dW. With one of everything, it is a loop
over plain floats, which `passes` compiles for networks of any size. `lane_passes` writes versions
for lanes, for networks whose sizes are constants.

In memory, lanes vary fastest, then data points, then units: parameter i of theta begins at
i * lanes, and unit i of z, a, slope and delta at i * samples * lanes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from harness.kernels._jit import compiled
from harness.kernels.elementary import exp_negative, log_from_one
from harness.kernels.simd.arithmetic import fma, select, to_double, to_precision
from harness.kernels.simd.memory import (
    load,
    load_inputs,
    load_parts,
    store,
    store_parts,
    variable,
)
from harness.kernels.simd.parts import add_parts, fill, repeat, tile
from harness.kernels.simd.writing import loop


class Layer(NamedTuple):
    """A layer l > 0 as numbers."""

    fan_in: int
    fan_out: int
    activation: int
    biased: int  # 1 if it has biases
    scaled: int  # 0 if s(l) is 1
    scaled_below: int  # 0 if s(l-1) is 1
    hidden: int  # 1 if the layer below has parameters
    shared: int  # 1 if the sources are data points that are the same in all lanes
    last: int  # 1 if it is the last layer, whose z the loss may need
    normalised: int  # 1 if its outputs are probabilities that sum to 1; only of the last layer
    matrix: int  # offset of W(l) in theta
    sources: int  # offset of layer l-1 in a
    units: int  # offset of layer l in z, a, slope and delta


class Scratch(NamedTuple):
    """Working memory of the passes over some data points."""

    x: Any  # inputs of the data points, if all lanes share them
    z: Any  # per unit, including the inputs
    a: Any
    slope: Any
    delta: Any
    y: Any  # per output
    gradient: Any  # per parameter


class Block(NamedTuple):
    """Numbers of results that a pass holds in registers at once."""

    samples: int = 1  # data points
    units: int = 1  # of the layer
    sources: int = 1  # units of the layer below, in the backward pass
    sources_of_gradient: int = 1


class LayerPasses(NamedTuple):
    """Passes through a layer, from `layer_passes`."""

    forward: Callable[..., None]
    residuals: Callable[..., None]
    backward: Callable[..., None]
    gradient: Callable[..., None]


def layer_passes(
    lanes: int,
    samples: int,
    block: Block,
    activate: Callable[..., Any],
    loss_term: Callable[..., Any],
    loss_slope: Callable[..., Any],
    ready: Callable[..., Any] = compiled,
) -> LayerPasses:
    """Return the passes through a layer for this many networks and data points.

    `activate(code, setting, z)`, `loss_term(code, setting, z, p, y)` and `loss_slope(code, setting,
    z, p, y, slope)` may be specialised and ignore the code. The numbers of the block divide those
    of the layer. `ready` is applied to each pass.
    """
    points, units, sources, of_gradient = block
    column = samples * lanes  # length of the values of one unit
    width = points * lanes

    @ready
    def normalise(layer: Layer, scratch: Scratch) -> None:
        """Turn a of a layer into the softmax of its z, and z into the logarithms of a.

        With M the largest z of a data point and S the sum of e^(z - M), these are e^(z - M) / S and
        (z - M) - ln S. Neither e^(z - M) nor S overflows. If a z is NaN or +inf, all become NaN.
        """
        for s in loop(0, samples, points):
            most, total = variable(), variable()
            store(most, 0, load(scratch.z, layer.units * column + s * lanes, width))
            for k in loop(1, layer.fan_out):
                z = load(scratch.z, (layer.units + k) * column + s * lanes, width)
                before = load(most, 0, width)
                store(most, 0, select(z > before, z, before))
            store(total, 0, fill(0.0, width))
            for k in loop(0, layer.fan_out):
                at = (layer.units + k) * column + s * lanes
                z = load(scratch.z, at, width) - load(most, 0, width)
                e = exp_negative(z)
                store(scratch.z, at, z)
                store(scratch.a, at, e)
                store(total, 0, load(total, 0, width) + e)
            log_total = to_precision(log_from_one(to_double(load(total, 0, width))))
            for k in loop(0, layer.fan_out):
                at = (layer.units + k) * column + s * lanes
                store(scratch.z, at, load(scratch.z, at, width) - log_total)
                store(scratch.a, at, load(scratch.a, at, width) / load(total, 0, width))

    @ready
    def forward(layer: Layer, scale: float, setting: float, theta: Any, scratch: Scratch) -> None:
        """Fill z, a and slope of a layer from its sources."""
        for s in loop(0, samples, points):
            for k in loop(0, layer.fan_out, units):
                total = variable()
                store(total, 0, fill(0.0, units * width))
                if layer.biased:
                    at = (layer.matrix + layer.fan_in * layer.fan_out + k) * lanes
                    bias = load(theta, at, units * lanes)
                    store(total, 0, repeat(bias, points, lanes))
                for j in loop(0, layer.fan_in):
                    at = (layer.matrix + j * layer.fan_out + k) * lanes
                    weight = repeat(load(theta, at, units * lanes), points, lanes)
                    if layer.shared:
                        source = load_inputs(scratch.x, s, points, j, 1, lanes)
                    else:
                        source = load(scratch.a, (layer.sources + j) * column + s * lanes, width)
                    before = load(total, 0, units * width)
                    store(total, 0, fma(weight, tile(source, units), before))
                z = load(total, 0, units * width)
                if layer.scaled:
                    z = scale * z
                a, slope = activate(layer.activation, setting, z)
                at = (layer.units + k) * column + s * lanes
                if layer.last:
                    store_parts(scratch.z, at, z, width, column)
                store_parts(scratch.a, at, a, width, column)
                store_parts(scratch.slope, at, slope, width, column)
        if layer.normalised:
            normalise(layer, scratch)

    @ready
    def residuals(
        layer: Layer,
        scale: float,
        output_scale: float,
        loss: int,
        setting: float,
        weight: float,
        scratch: Scratch,
        ssr: Any,
        terms: Any,
    ) -> None:
        """Add r^2 and the terms of each data point to ssr and terms; fill delta of the last layer.

        `ssr` and `terms` are variables.
        """
        for s in loop(0, samples, points):
            squares, of_point = variable(), variable()
            store(squares, 0, to_double(fill(0.0, width)))
            store(of_point, 0, to_double(fill(0.0, width)))
            for k in loop(0, layer.fan_out):
                at = (layer.units + k) * column + s * lanes
                z = load(scratch.z, at, width)
                y = load(scratch.y, k * column + s * lanes, width)
                p = output_scale * load(scratch.a, at, width)
                slope = output_scale * load(scratch.slope, at, width)
                square = to_double((y - p) * (y - p))
                term = to_double(loss_term(loss, setting, z, p, y))
                store(squares, 0, load(squares, 0, width) + square)
                store(of_point, 0, load(of_point, 0, width) + term)
                dz = to_precision(weight) * loss_slope(loss, setting, z, p, y, slope)
                store(scratch.delta, at, scale * dz if layer.scaled else dz)
            store(ssr, 0, add_parts(load(squares, 0, width), load(ssr, 0, lanes)))
            store(terms, 0, add_parts(load(of_point, 0, width), load(terms, 0, lanes)))

    @ready
    def backward(layer: Layer, scale_below: float, theta: Any, scratch: Scratch) -> None:
        """Fill delta of the layer below from that of a layer."""
        for s in loop(0, samples, points):
            for j in loop(0, layer.fan_in, sources):
                total = variable()
                store(total, 0, fill(0.0, sources * width))
                for k in loop(0, layer.fan_out):
                    at = (layer.matrix + j * layer.fan_out + k) * lanes
                    weight = load_parts(theta, at, sources, lanes, layer.fan_out * lanes)
                    delta = load(scratch.delta, (layer.units + k) * column + s * lanes, width)
                    before = load(total, 0, sources * width)
                    weight = repeat(weight, points, lanes)
                    store(total, 0, fma(weight, tile(delta, sources), before))
                at = (layer.sources + j) * column + s * lanes
                slope = load_parts(scratch.slope, at, sources, width, column)
                if layer.scaled_below:
                    slope = scale_below * slope
                delta = slope * load(total, 0, sources * width)
                store_parts(scratch.delta, at, delta, width, column)

    @ready
    def gradient(layer: Layer, scratch: Scratch) -> None:
        """Add dE/dW and dE/db of a layer, given its delta."""
        for k in loop(0, layer.fan_out, units):
            for j in loop(0, layer.fan_in, of_gradient):
                at = (layer.matrix + j * layer.fan_out + k) * lanes
                row = layer.fan_out * lanes
                total = variable()
                before = load_parts(scratch.gradient, at, of_gradient, units * lanes, row)
                store(total, 0, before)
                for s in loop(0, samples):
                    if layer.shared:
                        source = load_inputs(scratch.x, s, 1, j, of_gradient, lanes)
                    else:
                        below = (layer.sources + j) * column + s * lanes
                        source = load_parts(scratch.a, below, of_gradient, lanes, column)
                    delta = load_parts(
                        scratch.delta, (layer.units + k) * column + s * lanes, units, lanes, column
                    )
                    source = repeat(source, units, lanes)
                    before = load(total, 0, of_gradient * units * lanes)
                    store(total, 0, fma(source, tile(delta, of_gradient), before))
                after = load(total, 0, of_gradient * units * lanes)
                store_parts(scratch.gradient, at, after, units * lanes, row)
            if layer.biased:
                at = (layer.matrix + layer.fan_in * layer.fan_out + k) * lanes
                total = variable()
                store(total, 0, load(scratch.gradient, at, units * lanes))
                for s in loop(0, samples):
                    delta = load_parts(
                        scratch.delta, (layer.units + k) * column + s * lanes, units, lanes, column
                    )
                    store(total, 0, load(total, 0, units * lanes) + delta)
                store(scratch.gradient, at, load(total, 0, units * lanes))

    return LayerPasses(forward, residuals, backward, gradient)
