"""Passes over the data for lanes, composed of the passes through each layer.

A tile is a few data points side by side. Its inputs and targets are fetched into the scratch
memory. Then come all layers forward, the residuals, and all layers backward.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import glue, inner
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.lane_spec import LaneSpec
from harness.kernels.layers import Layer, Scratch, layer_passes
from harness.kernels.losses import LOSSES
from harness.kernels.passes import Architecture, Data, Floats, Integers
from harness.kernels.simd.lanes import fill
from harness.kernels.simd.memory import store
from harness.kernels.simd.parts import add_parts

# Numbers in flight at once: 8 registers of AVX-512, enough to hide one another's latency.
_MOST_AT_ONCE = 64


@glue
def _nothing(theta: Any, scales: Floats, scratch: Scratch) -> None:
    """Pass through no layer."""


def _then(first: Callable[..., None], second: Callable[..., None]) -> Callable[..., None]:
    """Return a pass through the layers of `first`, then those of `second`."""

    @glue
    def both(theta: Any, scales: Floats, scratch: Scratch) -> None:
        first(theta, scales, scratch)
        second(theta, scales, scratch)

    return both


def _through(pass_: Callable[..., None], layer: Layer, l: int) -> Callable[..., None]:
    """Return a pass through a constant layer, with the scale of layer l."""

    @glue
    def through(theta: Any, scales: Floats, scratch: Scratch) -> None:
        pass_(layer, scales[l], theta, scratch)

    return through


def _units_at_once(layer: Layer, lanes: int, samples: int) -> int:
    """Return the largest divisor of the number of units whose values fit in the registers."""
    most = max(1, _MOST_AT_ONCE // (lanes * samples))
    return max(units for units in range(1, most + 1) if layer.fan_out % units == 0)


@cache
def _known_activation(activation: int) -> Callable[..., Any]:
    """Return `activate(code, z)` for one activation; the compiler never sees the others."""
    function = list(ACTIVATIONS.values())[activation].value_and_slope

    @glue
    def activate(code: int, z: Any) -> Any:
        return function(z)

    return activate


@cache
def _known_loss(loss: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return `loss_term` and `loss_slope` for one loss; both ignore the code."""
    term_of, slope_of = LOSSES[loss].term, LOSSES[loss].slope

    @glue
    def loss_term(code: int, z: Any, p: Any, y: Any) -> Any:
        return term_of(z, p, y)

    @glue
    def loss_slope(code: int, z: Any, p: Any, y: Any, slope: Any) -> Any:
        return slope_of(z, p, y, slope)

    return loss_term, loss_slope


@cache
def _make_tile(
    spec: LaneSpec, samples: int, with_gradient: bool, shuffled: bool
) -> Callable[..., Any]:
    """Return `tile(...)`, the passes over the data points in the scratch memory.

    It returns ssr and terms with those of the data points added.
    """
    forward = backward = _nothing
    for l, layer in enumerate(spec.layers, start=1):
        if shuffled:
            layer = layer._replace(shared=0)
        units = _units_at_once(layer, spec.lanes, samples)
        passes = layer_passes(
            spec.lanes,
            samples,
            units,
            _known_activation(layer.activation),
            *_known_loss(spec.loss),
        )
        forward = _then(forward, _through(passes.forward, layer, l))
        if with_gradient:
            backward = _then(_through(passes.backward, layer, l - 1), backward)
    residuals, last, at = passes.residuals, layer, l
    scaled = spec.output_scaled

    @glue
    def tile(
        network: Architecture, theta: Any, weight: float, scratch: Scratch, ssr: Any, terms: Any
    ) -> tuple[Any, Any]:
        forward(theta, network.scales, scratch)
        scale = network.output_scale if scaled else 1.0
        squares, term = residuals(last, network.scales[at], scale, network.loss, weight, scratch)
        backward(theta, network.scales, scratch)
        return add_parts(squares, ssr), add_parts(term, terms)

    return tile


@cache
def _make_fetch(spec: LaneSpec, samples: int, shuffled: bool) -> Callable[..., None]:
    """Return `fetch(data, orders, i, scratch)`, which copies data points into the scratch memory.

    These are the points from i on, the same in all lanes. With shuffled or drawn batches, lanes are
    at different epochs, and each lane takes those at `orders[lane, i]` and after.
    """
    lanes, column = spec.lanes, samples * spec.lanes
    inputs, outputs = spec.layers[0].fan_in, spec.layers[-1].fan_out
    shared = spec.layers[0].shared

    @inner
    def fetch(data: Data, orders: Integers, i: int, scratch: Scratch) -> None:
        for s in range(samples):
            for j in range(inputs):
                at = j * column + s * lanes
                if shuffled:
                    for lane in range(lanes):
                        scratch.a[at + lane] = data.x[orders[lane, i + s], j]
                elif shared:
                    scratch.x[j * samples + s] = data.x[i + s, j]
                else:
                    store(scratch.a, at, fill(data.x[i + s, j], lanes))
            for k in range(outputs):
                at = k * column + s * lanes
                if shuffled:
                    for lane in range(lanes):
                        scratch.y[at + lane] = data.y[orders[lane, i + s], k]
                else:
                    store(scratch.y, at, fill(data.y[i + s, k], lanes))

    return fetch


def make_evaluate(spec: LaneSpec, with_gradient: bool, shuffled: bool) -> Callable[..., Any]:
    """Return `evaluate(...)`, which returns SSR and loss over the data points from first to last.

    It leaves the gradient in the scratch memory if asked to.
    """
    lanes, samples, one_tile = spec.lanes, spec.samples, spec.one_tile
    loss_weight, outputs = LOSSES[spec.loss].weight, spec.layers[-1].fan_out
    numbers = spec.parameters * lanes
    fetch, tile = (
        _make_fetch(spec, samples, shuffled),
        _make_tile(spec, samples, with_gradient, shuffled),
    )
    fetch_one, tile_one = (
        _make_fetch(spec, 1, shuffled),
        _make_tile(spec, 1, with_gradient, shuffled),
    )

    @glue
    def evaluate(
        network: Architecture,
        theta: Any,
        data: Data,
        orders: Integers,
        first: int,
        last: int,
        scratch: Scratch,
        stop: NDArray[np.uint8],
    ) -> tuple[Any, Any]:
        weight = loss_weight(last - first, outputs)
        if with_gradient:
            for at in range(0, numbers, lanes):
                store(scratch.gradient, at, fill(0.0, lanes))
        ssr = fill(0.0, lanes)
        terms = fill(0.0, lanes)
        if one_tile:
            fetch(data, orders, 0, scratch)
            ssr, terms = tile(network, theta, weight, scratch, ssr, terms)
        else:
            i = first
            while i + samples <= last and stop[0] == 0:
                fetch(data, orders, i, scratch)
                ssr, terms = tile(network, theta, weight, scratch, ssr, terms)
                i += samples
            while i < last and stop[0] == 0:
                fetch_one(data, orders, i, scratch)
                ssr, terms = tile_one(network, theta, weight, scratch, ssr, terms)
                i += 1
        return ssr, weight * terms

    return evaluate
