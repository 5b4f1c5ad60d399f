"""Symbols of units and parameters, as each of the two lessons writes them."""

from dataclasses import dataclass
from typing import NamedTuple

from harness.experiment.network import Network

NOTATIONS = ("numbered", "matrix")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: the index of its layer, where the input is 0, and its index in the layer."""

    layer: int
    index: int


class Edge(NamedTuple):
    """Where a parameter sits: the unit that it enters, and the index of the unit it comes from.

    The source of a bias is the index after the last unit of the layer below.
    """

    unit: Unit
    source: int


def edges(network: Network) -> dict[str, Edge]:
    """Return the edge of each parameter, by name."""
    names = iter(network.parameters)
    return {
        next(names): Edge(Unit(layer, index), source)
        for layer in range(1, network.layers + 1)
        for index in range(network.sizes[layer])
        for source in range(network.sizes[layer - 1] + network.biases[layer - 1])
    }


class Symbols:
    """Symbols of units and parameters in one of the notations."""

    def __init__(self, network: Network, notation: str) -> None:
        self.network = network
        self.matrix = notation == "matrix"
        self.loss = "SSR" if network.loss == "ssr" else "E"

    def _number(self, unit: Unit) -> int:
        return sum(self.network.sizes[1 : unit.layer]) + unit.index + 1

    def before(self, unit: Unit) -> str:
        """Return the symbol of a unit's pre-activation."""
        if not self.matrix:
            return f"x{self._number(unit)}"
        last = self.network.layers
        if unit.layer == last and self.network.sizes[last] == 1:
            return "h"
        layer = "" if last == 2 and unit.layer == 1 else f"({unit.layer})"
        return f"h{unit.index + 1}{layer}"

    def after(self, unit: Unit) -> str:
        """Return the symbol of a unit's activation."""
        if unit.layer == 0:
            inputs = self.network.sizes[0]
            return "input" if inputs == 1 else f"input{unit.index + 1}"
        return f"y{self._number(unit)}"

    def predicted(self, unit: Unit) -> str:
        """Return the symbol of an output of the network."""
        name = "ŷ" if self.matrix else "predicted"
        return name if self.network.sizes[-1] == 1 else f"{name}{unit.index + 1}"

    def observed(self, unit: Unit) -> str:
        """Return the symbol of the target of an output."""
        name = "y" if self.matrix else "observed"
        return name if self.network.sizes[-1] == 1 else f"{name}{unit.index + 1}"

    def parameter(self, name: str, edge: Edge) -> str:
        """Return the symbol of a parameter."""
        if not self.matrix:
            return name
        unit, source = edge
        comma = "," if max(source, unit.index) >= 9 else ""  # W111(1) could be two parameters
        return f"W{source + 1}{comma}{unit.index + 1}({unit.layer})"

    def through(self, path: list[Unit]) -> str:
        """Return the symbols of the units on a path, without an output that all paths share."""
        last = self.network.layers
        *inner, output = path
        # A path to a softmax output has a pre-activation of the last layer, too.
        symbols = [
            self.before(unit) if self.matrix or unit.layer == last else self.after(unit)
            for unit in inner
        ]
        if self.network.sizes[last] > 1:
            symbols.append(self.predicted(output))
        return ", ".join(symbols)
