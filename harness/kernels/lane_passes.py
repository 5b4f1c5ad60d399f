"""Passes over the data for lanes, written from the passes through each layer.

A tile is a few data points side by side. Its inputs and targets are fetched. Then come all layers
forward, the residuals, and all layers backward.
"""

from typing import Any, NamedTuple

import numpy as np

from harness.kernels.activations import ACTIVATIONS
from harness.kernels.lane_spec import LaneSpec, starts_of
from harness.kernels.layers import Block, Layer, LayerPasses, Scratch, layer_passes
from harness.kernels.losses import KERNEL_LOSSES
from harness.kernels.passes import Architecture, Floats
from harness.kernels.simd.arithmetic import to_double
from harness.kernels.simd.memory import Cells, Pointer, load, store, variable
from harness.kernels.simd.parts import fill
from harness.kernels.simd.rows import Row, joined, lanes_of, number_type, single
from harness.kernels.simd.writing import loop, loop_while, unrolling
from harness.kernels.tables import taking_setting

# Vectors in a block of sums. 8 registers of AVX-512 hide the latency and leave room for the other
# values of a small network; 16 save loads in a large one.
_MOST_AT_ONCE = 8
_MOST_AT_ONCE_IN_LOOPS = 16
# Vectors in an activation at once. It needs four registers for each register of numbers.
_MOST_ACTIVATED = 6


class Given(NamedTuple):
    """Arguments that passes over the data read: pointers into arrays, and a row of one number."""

    x: Pointer  # (m, inputs)
    y: Pointer  # (m, outputs)
    orders: Any  # (lanes, seen) data points in the order of each lane's batches; None if not needed
    seen: Any  # data points in all batches of an epoch
    scales: Pointer  # (2 L + 4,) `scales_of` the network
    stop: Pointer


class _Inputs(NamedTuple):
    """Inputs of the data points of a tile, which are the same in all lanes."""

    first: Pointer  # the first input of the first point
    width: int  # inputs of a point

    def load(self, point: Any, points: int, first: Any, count: int, lanes: int) -> Row:
        """Return `count` inputs of some points, each in all lanes, point by point."""
        rows = [
            fill(load(self.first, (point + n) * self.width + (first + j), 1), lanes)
            for n in range(points)
            for j in range(count)
        ]
        return Row([vector for row in rows for vector in row.vectors])


def scales_of(network: Architecture) -> Floats:
    """Return the numbers that networks with the same kernel may differ in, (2 L + 4,).

    They are s(l), the output scale, and the settings of the activations and of the loss.
    """
    return np.concatenate([network.scales, [network.output_scale], network.settings])


def make_scratch(spec: LaneSpec, memory: Pointer) -> Scratch:
    """Return the working memory of a kernel: variables if it is small, else parts of an array."""
    if spec.is_small:
        return Scratch(None, *(Cells() for name in Scratch._fields if name != "x"))
    starts = starts_of(spec)
    return Scratch(None, *(memory.offset(starts[n]) for n in Scratch._fields if n != "x"))


def evaluate(
    spec: LaneSpec,
    theta: Pointer,
    given: Given,
    first: Any,
    last: Any,
    scratch: Scratch,
    *,
    with_gradient: bool,
    shuffled: bool = False,
    predictions: Pointer | None = None,
) -> tuple[Row, Row]:
    """Write the passes over the data points from first to last; return their SSR and loss.

    They leave the gradient in the scratch memory if asked to, and write the predictions of each
    data point if there is memory for them. With shuffled or drawn batches, lanes are at different
    epochs, and take the points at these positions of their own order.
    """
    lanes = spec.lanes
    weight = KERNEL_LOSSES[spec.loss].weight(last - first, spec.layers[-1].fan_out)
    ssr, terms = variable(), variable()
    store(ssr, 0, to_double(fill(0.0, lanes)))
    store(terms, 0, to_double(fill(0.0, lanes)))

    def tile(i: Any, points: int) -> None:
        _tile(spec, points, theta, given, i, weight, scratch, ssr, terms, with_gradient, shuffled)
        if predictions is not None:
            _write_predictions(spec, points, given, i, scratch, predictions)

    def tiles(i: Any, points: int) -> None:
        def goes_on() -> Any:
            return (load(i, 0, 1) + points <= last) & (given.stop.load_shared(0) == 0)

        with loop_while(goes_on):
            tile(load(i, 0, 1), points)
            store(i, 0, load(i, 0, 1) + points)

    with unrolling(spec.is_small):
        if with_gradient:
            for at in loop(0, spec.parameters * lanes, lanes):
                store(scratch.gradient, at, fill(0.0, lanes))
        if spec.one_tile:
            tile(0, spec.tiles[0])
        else:
            i = variable()
            store(i, 0, single(first))
            for points in spec.tiles:
                tiles(i, points)
    return load(ssr, 0, lanes), weight * load(terms, 0, lanes)


def _tile(
    spec: LaneSpec,
    samples: int,
    theta: Pointer,
    given: Given,
    i: Any,
    weight: Any,
    scratch: Scratch,
    ssr: Any,
    terms: Any,
    with_gradient: bool,
    shuffled: bool,
) -> None:
    """Write the passes over `samples` data points from i on; add to their SSR and terms."""
    layers = spec.layers
    if shuffled:
        layers = (layers[0]._replace(shared=0), *layers[1:])
    scratch = _fetch(spec, samples, layers[0], given, i, scratch, shuffled)
    passes = [_passes(spec, layer, samples) for layer in layers]
    scales = [load(given.scales, l, 1) for l in range(len(layers) + 1)]
    output_scale = load(given.scales, len(layers) + 1, 1) if spec.output_scaled else 1.0
    settings = [load(given.scales, len(layers) + 2 + l, 1) for l in range(len(layers) + 2)]
    for l, layer in enumerate(layers):
        passes[l].forward(layer, scales[l + 1], settings[l + 1], theta, scratch)
    passes[-1].residuals(
        layers[-1], scales[-1], output_scale, 0, settings[-1], weight, scratch, ssr, terms
    )
    if with_gradient:
        for l, layer in reversed(list(enumerate(layers))):
            passes[l].gradient(layer, scratch)
            if layer.hidden:
                passes[l].backward(layer, scales[l], theta, scratch)


def _write_predictions(
    spec: LaneSpec, samples: int, given: Given, i: Any, scratch: Scratch, predictions: Pointer
) -> None:
    """Write the outputs of a tile to memory, from data point i on."""
    lanes, last = spec.lanes, spec.layers[-1]
    output_scale = load(given.scales, len(spec.layers) + 1, 1) if spec.output_scaled else 1.0
    for s in loop(0, samples):
        for k in loop(0, last.fan_out):
            a = load(scratch.a, (last.units + k) * (samples * lanes) + s * lanes, lanes)
            at = ((i + s) * last.fan_out + k) * lanes
            store(predictions, at, to_double(output_scale * a))


def _fetch(
    spec: LaneSpec,
    samples: int,
    first_layer: Layer,
    given: Given,
    i: Any,
    scratch: Scratch,
    shuffled: bool,
) -> Scratch:
    """Write the loads of a tile's inputs and targets, from data point i on."""
    lanes, column = spec.lanes, samples * spec.lanes
    inputs, outputs = first_layer.fan_in, spec.layers[-1].fan_out

    def copy(source: Pointer, width: int, memory: Any) -> None:
        for s in loop(0, samples):
            if shuffled:
                points = [load(given.orders, given.seen * n + (i + s), 1) for n in range(lanes)]
            for j in loop(0, width):
                if shuffled:
                    row = joined([load(source, point * width + j, 1) for point in points])
                else:
                    row = fill(load(source, (i + s) * width + j, 1), lanes)
                store(memory, j * column + s * lanes, row)

    copy(given.y, outputs, scratch.y)
    if first_layer.shared:
        return scratch._replace(x=_Inputs(given.x.offset(i * inputs), inputs))
    copy(given.x, inputs, scratch.a)
    return scratch


def _passes(spec: LaneSpec, layer: Layer, samples: int) -> LayerPasses:
    """Return the passes through a layer whose activation and loss are known."""
    activation = list(ACTIVATIONS.values())[layer.activation]
    value_and_slope = taking_setting(activation.value_and_slope, activation.setting)
    loss = KERNEL_LOSSES[spec.loss]
    term, slope_of_loss = (taking_setting(f, loss.setting) for f in (loss.term, loss.slope))

    def activate(code: int, setting: Row, z: Row) -> tuple[Row, Row]:
        found = [value_and_slope(setting, part) for part in z.parts(_MOST_ACTIVATED * z.lanes)]
        a, slope = (
            [vector for row in rows for vector in row.vectors] for rows in zip(*found, strict=True)
        )
        return Row(a), Row(slope)

    return layer_passes(
        spec.lanes,
        samples,
        _block_of(spec, layer, samples),
        activate,
        lambda code, setting, z, p, y: term(setting, z, p, y),
        lambda code, setting, z, p, y, slope: slope_of_loss(setting, z, p, y, slope),
        ready=lambda function: function,
    )


def _block_of(spec: LaneSpec, layer: Layer, samples: int) -> Block:
    """Return the largest block whose sums fit in the registers."""
    points = min(samples, spec.at_once)
    vectors = _MOST_AT_ONCE if spec.is_small else _MOST_AT_ONCE_IN_LOOPS
    sums = vectors * lanes_of(number_type()) // spec.lanes
    units = _divisor(layer.fan_out, sums // points)
    return Block(
        samples=points,
        units=units,
        sources=_divisor(layer.fan_in, sums // points),
        sources_of_gradient=_divisor(layer.fan_in, sums // units),
    )


def _divisor(number: int, most: int) -> int:
    """Return the largest divisor of a number up to a bound."""
    return max(n for n in range(1, max(1, most) + 1) if number % n == 0)
