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

The order of every sum is part of the definition: sources, units and data points in order, the
bias first.

`layer_passes` implements these equations once, for any number of lanes (networks side by side),
samples (data points side by side) and units (of a layer, side by side). With one of each, it is a
loop over plain floats, which `passes` compiles for networks of any size. `lane_passes` compiles
versions with more of them, for networks whose sizes are constants.

In memory, lanes vary fastest, then samples, then units: parameter i of theta begins at i * lanes,
and unit i of z, a, slope and delta at i * samples * lanes.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from harness.kernels._jit import compiled
from harness.kernels.simd.arithmetic import fma
from harness.kernels.simd.memory import load, load_into_all, store, variable
from harness.kernels.simd.parts import add_parts, fill, fma_parts, repeat, tile, transpose
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


class LayerPasses(NamedTuple):
    """Forward pass, residuals and backward pass of a layer, from `layer_passes`."""

    forward: Callable[..., None]
    residuals: Callable[..., tuple[Any, Any]]
    backward: Callable[..., None]


@cache
def layer_passes(
    lanes: int,
    samples: int,
    units: int,
    activate: Callable[..., Any],
    loss_term: Callable[..., Any],
    loss_slope: Callable[..., Any],
) -> LayerPasses:
    """Return the passes through a layer for this many networks, data points and units at once.

    `activate(code, z)`, `loss_term(code, z, p, y)` and `loss_slope(code, z, p, y, slope)` may be
    specialised and ignore the code.
    """
    row = units * lanes  # length of the weights from one source to the units
    column = samples * lanes  # length of the values of one unit
    panel = units * column

    @compiled
    def load_source(layer: Layer, j: int, scratch: Scratch) -> Any:
        """Return output j of the layer below, for each data point."""
        if layer.shared:
            return load_into_all(scratch.x, j, samples, lanes)
        return load(scratch.a, (layer.sources + j) * column, column)

    @compiled
    def forward(layer: Layer, scale: float, theta: Any, scratch: Scratch) -> None:
        """Fill z, a and slope of a layer from its sources."""
        for k in loop(0, layer.fan_out, units):
            total = variable()
            store(total, 0, fill(0.0, panel))
            if layer.biased:
                bias = load(theta, (layer.matrix + layer.fan_in * layer.fan_out + k) * lanes, row)
                store(total, 0, repeat(bias, samples, lanes))
            for j in loop(0, layer.fan_in):
                weight = load(theta, (layer.matrix + j * layer.fan_out + k) * lanes, row)
                source = load_source(layer, j, scratch)
                before = load(total, 0, panel)
                store(total, 0, fma(repeat(weight, samples, lanes), tile(source, units), before))
            z = load(total, 0, panel)
            if layer.scaled:
                z = scale * z
            a, slope = activate(layer.activation, z)
            at = (layer.units + k) * column
            if layer.last:
                store(scratch.z, at, z)
            store(scratch.a, at, a)
            store(scratch.slope, at, slope)

    @compiled
    def residuals(
        layer: Layer,
        scale: float,
        output_scale: float,
        loss: int,
        weight: float,
        scratch: Scratch,
    ) -> tuple[Any, Any]:
        """Return sum(r^2) and sum(term) per data point, and fill delta of the last layer."""
        squares, terms = variable(), variable()
        store(squares, 0, fill(0.0, column))
        store(terms, 0, fill(0.0, column))
        for k in loop(0, layer.fan_out, units):
            at = (layer.units + k) * column
            z = load(scratch.z, at, panel)
            y = load(scratch.y, k * column, panel)
            p = output_scale * load(scratch.a, at, panel)
            slope = output_scale * load(scratch.slope, at, panel)
            store(squares, 0, add_parts((y - p) * (y - p), load(squares, 0, column)))
            store(terms, 0, add_parts(loss_term(loss, z, p, y), load(terms, 0, column)))
            dz = weight * loss_slope(loss, z, p, y, slope)
            store(scratch.delta, at, scale * dz if layer.scaled else dz)
        return load(squares, 0, column), load(terms, 0, column)

    @compiled
    def backward(layer: Layer, scale_below: float, theta: Any, scratch: Scratch) -> None:
        """Add dE/dW and dE/db of a layer, given its delta, and fill delta of the layer below."""
        if layer.hidden:
            for j in loop(0, layer.fan_in):
                store(scratch.delta, (layer.sources + j) * column, fill(0.0, column))
        for k in loop(0, layer.fan_out, units):
            delta = load(scratch.delta, (layer.units + k) * column, panel)
            by_sample = transpose(delta, units, samples)
            for j in loop(0, layer.fan_in):
                at = (layer.matrix + j * layer.fan_out + k) * lanes
                below = (layer.sources + j) * column
                source = load_source(layer, j, scratch)
                gradient = load(scratch.gradient, at, row)
                store(
                    scratch.gradient,
                    at,
                    fma_parts(repeat(source, units, lanes), by_sample, gradient),
                )
                if layer.hidden:
                    weight = repeat(load(theta, at, row), samples, lanes)
                    back = load(scratch.delta, below, column)
                    store(scratch.delta, below, fma_parts(weight, delta, back))
            if layer.biased:
                at = (layer.matrix + layer.fan_in * layer.fan_out + k) * lanes
                gradient = load(scratch.gradient, at, row)
                store(scratch.gradient, at, add_parts(by_sample, gradient))
        if layer.hidden:
            for j in loop(0, layer.fan_in):
                at = (layer.sources + j) * column
                slope = load(scratch.slope, at, column)
                if layer.scaled_below:
                    slope = scale_below * slope
                store(scratch.delta, at, slope * load(scratch.delta, at, column))

    return LayerPasses(forward, residuals, backward)
