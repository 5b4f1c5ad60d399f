"""The port limit: how fast a kernel would be if it only waited for ports that compute with floats.

An addition, subtraction, multiplication, fused multiply-add, division or square root of a vector is
one operation. The limit is their number per second, measured with independent multiply-adds in
registers, divided by their number per epoch. Kernels stay below it: divisions and roots take longer
than that, and comparisons, choices and integer operations are not counted, although they use ports.
"""

import ctypes
import itertools
import re
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from harness.benchmarks.job import Job
from harness.experiment import Experiment
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.lane_spec import LaneSpec
from harness.kernels.losses import LOSSES
from harness.kernels.machine_code import compile_kernel, instructions
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.regularisation import decayed, of_penalty
from harness.kernels.simd.arithmetic import fma
from harness.kernels.simd.memory import Pointer, load, store, variable
from harness.kernels.simd.parts import fill
from harness.kernels.simd.rows import DOUBLE, FLOATS, Row, lanes_of, single
from harness.kernels.simd.writing import loop
from harness.training.variants import make_lane_spec, make_variant

# Chains that fit in the registers of AVX2, and those that hide the latency with AVX-512.
_CHAINS = (6, 16)
_STEPS = 1 << 22

_OPERATION = re.compile(r"= f(add|sub|mul|div) <|call <\d+ x \w+> @llvm\.(?:fma|sqrt)\.")


@cache
def multiply_adds_per_second() -> float:
    """Measure the most vector multiply-adds per second of one thread."""
    return max(_measured(chains) for chains in _CHAINS for _ in range(5))


def _measured(chains: int) -> float:
    lanes = lanes_of(DOUBLE)

    def write(numbers: Pointer) -> Row:
        factor, term = (fill(load(numbers, n, 1), lanes) for n in range(2))
        values = {lanes * (n + 1): variable() for n in range(chains)}
        for position, value in values.items():
            store(value, 0, load(numbers, position, lanes))
        for _ in loop(0, _STEPS):
            for value in values.values():
                store(value, 0, fma(load(value, 0, lanes), factor, term))
        for position, value in values.items():
            store(numbers, position, load(value, 0, lanes))
        return single(0)

    address = compile_kernel(f"multiply_adds_{chains}", ["numbers"], write, keep=False)
    kernel = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(address)
    numbers = np.full(lanes * (chains + 1), 0.5)
    began = time.perf_counter()
    kernel(numbers.ctypes.data)
    return chains * _STEPS / (time.perf_counter() - began)


def port_limit(job: Job) -> float:
    """Return the run-epochs per second at the limit, on the threads of a job."""
    rate = job.threads * multiply_adds_per_second()
    lanes = lanes_of(FLOATS[job.experiment.training.precision])
    return rate * lanes / operations_per_epoch(job.experiment)


def operations_per_epoch(experiment: Experiment) -> int:
    """Count the vector operations of an epoch of full-batch training of a vector of runs.

    Every weight takes a multiply-add per data point forward, one for its gradient and, unless it is
    in the first layer, one backward. The operations of activations, of the loss and of the
    optimiser are counted in their machine code. Clipping and schedules are not counted.
    """
    variant = make_variant(experiment)
    spec = make_lane_spec(variant, experiment.varied, None)
    *hidden, last = spec.layers
    activations, loss = list(ACTIVATIONS.values()), LOSSES[experiment.network.loss]
    precision = experiment.training.precision

    def output(z: Row, y: Row) -> tuple[Row, ...]:
        p, slope = activations[last.activation].value_and_slope(z)
        return loss.term(z, p, y), loss.slope(z, p, y, slope), (y - p) * (y - p)

    per_point = last.fan_out * (3 + _operations(output, 2, precision))
    for layer in (*hidden, last):
        of_unit = layer.fan_in * (2 + layer.hidden) + 2 * layer.scaled + layer.biased
        per_point += layer.fan_out * of_unit
    for layer in hidden:  # one more operation for the product with the slope
        activate = activations[layer.activation].value_and_slope
        per_point += layer.fan_out * (1 + _operations(activate, 1, precision))
    one, two = (_of_steps(spec, parameters) for parameters in (1, 2))
    of_update = one + (two - one) * (variant.network.parameter_count - 1)
    return per_point * len(variant.data.x) + of_update


def _of_steps(spec: LaneSpec, parameters: int) -> int:
    """Count the operations of an update of some parameters, and of tests that they are finite."""
    optimiser = OPTIMISERS[spec.optimiser]
    slots_in_use = [slot.name in spec.slots for slot in optimiser.slots]

    def update(*rows: Any) -> tuple[Row, ...]:
        given = iter(rows)
        settings = {name: next(given) for name in ("learning_rate", *spec.settings)}
        learning_rate = settings["learning_rate"]
        own = [settings.get(setting.name) for setting in optimiser.settings]
        made, found = optimiser.begin(*own, *itertools.islice(given, len(spec.counts)))
        for _ in range(parameters):
            theta, gradient = next(given), next(given)
            slots = [next(given) if used else None for used in slots_in_use]
            if "l2" in settings:
                gradient = of_penalty(gradient, theta, settings["l2"])
            if "weight_decay" in settings:
                theta = decayed(theta, learning_rate, settings["weight_decay"])
            new, *kept = optimiser.step(theta, gradient, learning_rate, *own, *made, *slots)
            found += (new, fma(new, 0.0, theta), *itertools.compress(kept, slots_in_use))
        return found

    shared = 1 + len(spec.settings) + len(spec.counts)
    arguments = shared + parameters * (2 + sum(slots_in_use))
    return _operations(update, arguments, spec.precision)


def _operations(function: Callable[..., tuple[Row, ...]], arguments: int, precision: str) -> int:
    """Count the floating-point operations in the machine code of a function of vectors."""
    lanes = lanes_of(FLOATS[precision])

    def write(numbers: Pointer) -> Row:
        given = [load(numbers, lanes * n, lanes) for n in range(arguments)]
        for n, value in enumerate(function(*given)):
            store(numbers, lanes * n, value)
        return single(0)

    return len(_OPERATION.findall(instructions("counted", ["numbers"], write, precision)))
