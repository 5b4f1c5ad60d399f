"""The port limit: how fast one thread could train if floating-point operations took all its time.

A core starts a few vector operations per cycle, one per port that can compute with floats. The time
of an epoch is at least that of its operations at this rate:

    share of the port limit = operations of an epoch * epochs per second / rate

An addition, subtraction, multiplication, fused multiply-add or division of a vector of 8 numbers is
one operation. The rate is measured with independent multiply-adds in registers. Divisions take
longer, and comparisons, choices and integers need ports, too. They are not counted, so a kernel
stays below the limit.
"""

import ctypes
import re
import time
from collections.abc import Callable
from functools import cache

import numpy as np

from harness.benchmarks.job import Job
from harness.experiment import Experiment
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.losses import LOSSES
from harness.kernels.machine_code import compile_kernel, instructions
from harness.kernels.simd.arithmetic import fma
from harness.kernels.simd.memory import Pointer, load, store, variable
from harness.kernels.simd.parts import fill
from harness.kernels.simd.rows import BLOCK, Row, single
from harness.kernels.simd.writing import loop
from harness.training.variants import make_lane_spec, make_variant

# Chains that fit in the registers of AVX2, and those that hide the latency with AVX-512.
_CHAINS = (6, 16)
_STEPS = 1 << 20
_PER_STEP = 8  # multiply-adds of a chain
_TRIALS = 5

_OPERATION = re.compile(
    rf"(fadd|fsub|fmul|fdiv) <{BLOCK} x double>|call <{BLOCK} x double> @llvm\.fma\."
)


@cache
def multiply_adds_per_second() -> float:
    """Measure the most vector multiply-adds per second of one thread."""
    return max(_measured(chains) for chains in _CHAINS)


def _measured(chains: int) -> float:
    def write(numbers: Pointer) -> Row:
        factor, term = (fill(load(numbers, n, 1), BLOCK) for n in range(2))
        values = [variable() for _ in range(chains)]
        for chain, value in enumerate(values):
            store(value, 0, load(numbers, BLOCK * (chain + 1), BLOCK))
        for _ in loop(0, _STEPS):
            for _ in range(_PER_STEP):
                for value in values:
                    store(value, 0, fma(load(value, 0, BLOCK), factor, term))
        for chain, value in enumerate(values):
            store(numbers, BLOCK * (chain + 1), load(value, 0, BLOCK))
        return single(0)

    address = compile_kernel(f"multiply_adds_{chains}", ["floats"], write, keep=False)
    kernel = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(address)
    numbers, seconds = np.full(BLOCK * (chains + 1), 0.5), []
    for _ in range(_TRIALS):
        began = time.perf_counter()
        kernel(numbers.ctypes.data)
        seconds.append(time.perf_counter() - began)
    return chains * _PER_STEP * _STEPS / min(seconds)


def port_limit(job: Job) -> float:
    """Return the run-epochs per second that no kernel can exceed on the threads of a job."""
    operations = operations_per_epoch(job.experiment) / BLOCK
    return job.threads * multiply_adds_per_second() / operations


def operations_per_epoch(experiment: Experiment) -> int:
    """Count the vector operations of an epoch of full-batch training of 8 runs in lanes.

    Every weight takes a multiply-add per data point forward, one for its gradient and, unless it is
    in the first layer, one backward. The operations of activations and of the loss are counted in
    their machine code. A parameter takes three operations per epoch.
    """
    variant = make_variant(experiment)
    *hidden, last = make_lane_spec(variant, experiment.varied, None).layers
    activations, loss = list(ACTIVATIONS.values()), LOSSES[experiment.network.loss]

    def output(z: Row, y: Row) -> tuple[Row, ...]:
        p, slope = activations[last.activation].value_and_slope(z)
        return loss.term(z, p, y), loss.slope(z, p, y, slope), (y - p) * (y - p)

    per_point = last.fan_out * (3 + _operations(output, 2))
    for layer in (*hidden, last):
        per_point += layer.fan_in * layer.fan_out * (2 + layer.hidden)
        per_point += layer.fan_out * (2 * layer.scaled + layer.biased)
    for layer in hidden:
        per_point += layer.fan_out * _operations(activations[layer.activation].value_and_slope, 1)
        per_point += layer.fan_out  # the product with the slope
    return per_point * len(variant.data.x) + 3 * variant.network.parameter_count


def _operations(function: Callable[..., tuple[Row, ...]], arguments: int) -> int:
    """Count the floating-point operations in the machine code of a function of vectors."""

    def write(numbers: Pointer) -> Row:
        given = [load(numbers, BLOCK * n, BLOCK) for n in range(arguments)]
        for n, value in enumerate(function(*given)):
            store(numbers, BLOCK * n, value)
        return single(0)

    return len(_OPERATION.findall(instructions("counted", ["floats"], write)))
