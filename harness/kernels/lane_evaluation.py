"""SSR, loss and predictions of many networks on the same data points, side by side in lanes.

The networks differ in their parameters only: they are those of many runs, or of one run at many
epochs. `passes.evaluate_all` does the same without lanes, with the same bits.
"""

import ctypes
import dataclasses
import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba.core.compiler_lock import global_compiler_lock
from numpy.typing import NDArray

from harness.kernels.lane_passes import Given, evaluate, make_scratch, scales_of
from harness.kernels.lane_spec import LaneSpec, aligned, bytes_of, starts_of
from harness.kernels.machine_code import compile_kernel
from harness.kernels.passes import Architecture, Data, Evaluation, Floats
from harness.kernels.simd.arithmetic import to_precision
from harness.kernels.simd.memory import Pointer, load, store
from harness.kernels.simd.rows import Row, single
from harness.kernels.simd.writing import loop

ARGUMENTS = {
    "thetas": "doubles",
    "x": "numbers",
    "y": "numbers",
    "scales": "numbers",
    "scratch": "numbers",
    "asked": "integers",
    "sums": "doubles",
    "predictions": "doubles",
    "stop": "shared",
}


class _Asked(NamedTuple):
    """Integers that the machine code is called with."""

    points: Any
    groups: Any


def evaluation_spec(spec: LaneSpec, tiles: tuple[int, ...], at_once: int) -> LaneSpec:
    """Return the constants of a kernel that evaluates the networks of a training kernel.

    For `tiles` and `at_once`, see `LaneSpec`. What only training needs is left out, so that more
    kernels have equal constants.
    """
    first, *others = spec.layers
    return dataclasses.replace(
        spec,
        layers=(first._replace(shared=1), *others),
        optimiser="sgd",
        settings=(),
        measures=(),
        groups=1,
        tiles=tiles,
        at_once=at_once,
        one_tile=False,
        full_batch=True,
        shuffled=False,
        all_train=True,
        penalises_biases=True,
        scheduled=False,
        recorded=False,
        patience=False,
    )


def make_kernel(spec: LaneSpec, *, predicts: bool) -> Callable[..., Row]:
    """Return the function that writes a kernel, which keeps predictions if asked to."""
    lanes, outputs = spec.lanes, spec.layers[-1].fan_out

    def write(
        thetas: Pointer,
        x: Pointer,
        y: Pointer,
        scales: Pointer,
        scratch: Pointer,
        asked: Pointer,
        sums: Pointer,
        predictions: Pointer,
        stop: Pointer,
    ) -> Row:
        ask = _Asked(*(load(asked, i, 1) for i in range(len(_Asked._fields))))
        given = Given(x, y, None, None, scales, stop)
        memory = make_scratch(spec, scratch)
        theta = scratch.offset(starts_of(spec)["end"])
        for g in loop(single(0), ask.groups):
            of_group = thetas.offset(g * (spec.parameters * lanes))
            for p in loop(0, spec.parameters * lanes, lanes):
                store(theta, p, to_precision(load(of_group, p, lanes)))
            into = predictions.offset(g * ask.points * (outputs * lanes)) if predicts else None
            ssr, loss = evaluate(
                spec, theta, given, 0, ask.points, memory, with_gradient=False, predictions=into
            )
            store(sums, g * (2 * lanes), ssr)
            store(sums, g * (2 * lanes) + lanes, loss)
        return single(0)

    return write


@cache
def _address_of(spec: LaneSpec, predicts: bool) -> int:
    digest = hashlib.sha256(repr((spec, predicts)).encode()).hexdigest()[:16]
    with global_compiler_lock:
        return compile_kernel(
            f"evaluate_{digest}",
            list(ARGUMENTS.values()),
            make_kernel(spec, predicts=predicts),
            spec.precision,
        )


def evaluate_all(
    spec: LaneSpec,
    network: Architecture,
    thetas: Floats,
    data: Data,
    stop: NDArray[np.uint8],
    *,
    predicts: bool,
) -> Evaluation:
    """Evaluate a network at each row of thetas (n, P); see `passes.evaluate_all`."""
    lanes, count = spec.lanes, len(thetas)
    points, outputs = data.y.shape
    groups = -(-count // lanes)
    padded = np.zeros((groups * lanes, spec.parameters))
    padded[:count] = thetas
    in_lanes = np.ascontiguousarray(padded.reshape(groups, lanes, -1).transpose(0, 2, 1))
    sums = np.empty((groups, 2, lanes))
    predictions = np.empty((groups, points, outputs, lanes) if predicts else (1, 1, 1, 1))
    arrays = (
        in_lanes,
        bytes_of(spec, data.x),
        bytes_of(spec, data.y),
        bytes_of(spec, scales_of(network)),
        aligned(starts_of(spec)["end"] + spec.parameters * lanes),
        np.array(_Asked(points, groups), dtype=np.int64),
        sums,
        predictions,
        stop,
    )
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * len(arrays))
    function(_address_of(spec, predicts))(*(array.ctypes.data for array in arrays))
    of_networks = sums.transpose(0, 2, 1).reshape(-1, 2)[:count]
    return Evaluation(
        of_networks[:, 0],
        of_networks[:, 1],
        predictions.transpose(0, 3, 1, 2).reshape(-1, points, outputs)[:count]
        if predicts
        else np.empty((count, 0, 0)),
    )
