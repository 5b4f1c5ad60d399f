"""The factors of the chain rule at one theta: symbols and values, from the loss to a parameter."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.analysis.notation import Symbols, Unit, parameter_places
from harness.errors import ExperimentError
from harness.experiment.network import Network
from harness.kernels.losses import derivative_of_loss, weight_of_loss
from harness.kernels.passes import unit_values

# Pre-activation z, output a and slope of every unit.
Held = dict[Unit, tuple[float, ...]]


class Chain:
    """The factors of a network at one theta."""

    def __init__(
        self, network: Network, names: Symbols, theta: NDArray[np.float64], samples: int
    ) -> None:
        self.network = network
        self.names = names
        self.theta = theta
        self.architecture = network.architecture()
        self.weight = weight_of_loss(self.architecture.loss, samples, network.sizes[-1])
        self.values = {
            place: theta[network.positions[name]].item()
            for name, place in parameter_places(network).items()
        }

    def forward(self, x: NDArray[np.float64]) -> Held:
        """Return what every unit holds for one data point."""
        z, a, slope = unit_values(self.architecture, self.theta, x)
        starts = self.architecture.units.tolist()
        units = [
            Unit(layer, index)
            for layer, size in enumerate(self.network.sizes)
            for index in range(size)
        ]
        return {
            unit: tuple(values[starts[unit.layer] + unit.index].item() for values in (z, a, slope))
            for unit in units
        }

    def _loss_factor(self, p: float, z: float, y: float) -> float:
        """Return dE/dpredicted."""
        factor: float = self.weight * derivative_of_loss(self.architecture.loss, z, p, y)
        if not math.isfinite(factor):
            raise ExperimentError(
                "trace",
                "meets an output so saturated that the derivative of the loss by it is no number.",
                "Choose an earlier epoch, or smaller initial weights.",
            )
        return factor

    def factors(
        self, name: str, path: list[Unit], source: int, held: Held, targets: list[float]
    ) -> Iterator[tuple[str, float]]:
        """Yield symbol and value of each factor, from the loss to the parameter."""
        names, network = self.names, self.network
        scales = self.architecture.scales.tolist()
        output = path[-1]
        predicted = names.predicted(output)
        z, a, steep = held[output]
        p = network.output_scale * a
        yield f"d{names.loss}/d{predicted}", self._loss_factor(p, z, targets[output.index])

        inner = names.before(output)
        if network.activations[-1] == "identity" and network.output_scale == 1.0:
            inner = predicted  # what goes into the output is the prediction itself
        else:
            yield f"d{predicted}/d{inner}", network.output_scale * steep

        for above, below in zip(reversed(path), reversed(path[:-1]), strict=False):
            into = scales[above.layer] * self.values[above, below.index]
            _, _, steep = held[below]
            if names.matrix:
                yield f"d{inner}/d{names.before(below)}", into * steep
            else:
                yield f"d{inner}/d{names.after(below)}", into
                yield f"d{names.after(below)}/d{names.before(below)}", steep
            inner = names.before(below)

        unit = path[0]
        is_bias = source == network.sizes[unit.layer - 1]
        before = 1.0 if is_bias else held[Unit(unit.layer - 1, source)][1]
        symbol = names.parameter(name, unit, source)
        yield f"d{inner}/d{symbol}", scales[unit.layer] * before
