"""Layer sizes, activations and loss of a network, and the names and positions of its parameters.

This module turns names into the numbers that kernels take.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from harness.kernels.activations import ACTIVATIONS
from harness.kernels.losses import CATEGORICAL, KERNEL_LOSSES
from harness.kernels.passes import Architecture
from harness.kernels.tables import code_of

# Named pre-activation scales, by the width of the layer below.
SCALES: dict[str, Callable[[int], float]] = {
    "1/sqrt(fan_in)": lambda fan_in: 1.0 / math.sqrt(fan_in),
    "sqrt(2/fan_in)": lambda fan_in: math.sqrt(2.0 / fan_in),
    "1/fan_in": lambda fan_in: 1.0 / fan_in,
}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A multilayer perceptron.

    Parameters
    ----------
    sizes : tuple of int
        Number of units of each layer, from the inputs to the outputs.
    activations : tuple of str
        One of `harness.kernels.activations.ACTIVATIONS` per layer after the input.
    biases : tuple of bool
        Whether each layer after the input has biases.
    scales : tuple of float or str
        Factor on the pre-activation of each layer: a number or one of `SCALES`.
    output_scale : float
        Factor on the output of the last layer.
    loss : str
        One of `harness.kernels.losses.LOSSES`.
    settings : mapping of str to float
        Settings of the activations and of the loss, by name; the others have their defaults.

    Examples
    --------
    >>> network = Network(
    ...     sizes=(1, 2, 1),
    ...     activations=("softplus", "identity"),
    ...     biases=(True, True),
    ...     scales=(1.0, 1.0),
    ...     output_scale=1.0,
    ...     loss="ssr",
    ... )
    >>> network.parameters
    ('w1', 'b1', 'w2', 'b2', 'w3', 'w4', 'b3')
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    biases: tuple[bool, ...]
    scales: tuple[float | str, ...]
    output_scale: float
    loss: str
    settings: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def kernel_loss(self) -> str:
        """The loss as one of `harness.kernels.losses.KERNEL_LOSSES`."""
        return CATEGORICAL if ACTIVATIONS[self.activations[-1]].normalised else self.loss

    @property
    def layers(self) -> int:
        """Number of layers after the input, L."""
        return len(self.sizes) - 1

    @property
    def parameter_count(self) -> int:
        """Number of parameters, P."""
        return sum(self._counts)

    @property
    def _counts(self) -> list[int]:
        """Number of parameters of each layer."""
        return [
            (fan_in + bias) * fan_out
            for fan_in, fan_out, bias in zip(self.sizes, self.sizes[1:], self.biases, strict=False)
        ]

    @property
    def positions(self) -> dict[str, int]:
        """Position in theta of each parameter, by name, in the order of the tables.

        Weights are numbered layer by layer, unit by unit, source by source, and biases layer by
        layer, unit by unit. In tables, the bias of a unit follows its weights. Theta is the
        concatenation of the matrices W(l) of shape (fan_in + 1, fan_out), in row-major order.
        """
        return _positions(self.sizes, self.biases)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the tables."""
        return tuple(self.positions)

    @property
    def bias_positions(self) -> np.ndarray:
        """Positions in theta of the biases."""
        ends = np.cumsum(self._counts)
        units = zip(ends, self.sizes[1:], self.biases, strict=True)
        found = [np.arange(end - size, end) for end, size, bias in units if bias]
        return np.concatenate([np.array([], dtype=np.int64), *found])

    @property
    def layer_of(self) -> np.ndarray:
        """Layer of each parameter in theta, counted from 0, of shape (P,)."""
        return np.repeat(np.arange(self.layers, dtype=np.int64), self._counts)

    def matrices_of(self, theta: np.ndarray) -> list[np.ndarray]:
        """Return copies of the matrices W(l) in theta (..., P), each (..., fan_in + 1, fan_out).

        The last row is the bias; a layer without biases lacks it.
        """
        ends = np.cumsum(self._counts)[:-1]
        parts = np.split(np.array(theta), ends, axis=-1)
        return [p.reshape(*p.shape[:-1], -1, n) for p, n in zip(parts, self.sizes[1:], strict=True)]

    def architecture(self) -> Architecture:
        """Return the network as arrays of numbers, for kernels."""
        sizes = np.array(self.sizes, dtype=np.int64)
        biases = np.array((False, *self.biases), dtype=np.int64)
        counts = (sizes[:-1] + biases[1:]) * sizes[1:]
        scales = [
            SCALES[scale](fan_in) if isinstance(scale, str) else scale
            for scale, fan_in in zip(self.scales, self.sizes, strict=False)
        ]
        return Architecture(
            sizes=sizes,
            activations=np.array([-1, *(code_of(ACTIVATIONS, name) for name in self.activations)]),
            biases=biases,
            scales=np.array([1.0, *scales], dtype=np.float64),
            matrices=np.concatenate(([0, 0], np.cumsum(counts)[:-1])).astype(np.int64),
            units=np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64),
            output_scale=self.output_scale,
            loss=code_of(KERNEL_LOSSES, self.kernel_loss),
            settings=np.array([np.nan, *self._settings()]),
        )

    def _settings(self) -> Iterator[float]:
        """Yield the setting of each activation, and of the loss; NaN if it has none."""
        activations = (ACTIVATIONS[name].setting for name in self.activations)
        for setting in (*activations, KERNEL_LOSSES[self.kernel_loss].setting):
            yield self.settings.get(setting.name, setting.default) if setting else np.nan


@lru_cache(maxsize=16)
def _positions(sizes: tuple[int, ...], biases: tuple[bool, ...]) -> dict[str, int]:
    """Return `Network.positions`; the cache is small because the dictionaries can be large."""
    positions: dict[str, int] = {}
    weights = units = start = 0
    for fan_in, fan_out, bias in zip(sizes, sizes[1:], biases, strict=False):
        for unit in range(fan_out):
            for source in range(fan_in):
                weights += 1
                positions[f"w{weights}"] = start + source * fan_out + unit
            if bias:
                units += 1
                positions[f"b{units}"] = start + fan_in * fan_out + unit
        start += (fan_in + bias) * fan_out
    return positions
