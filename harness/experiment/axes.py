"""The axes that a grid may have, and the keys that they set.

An axis sets keys of the experiment file, so that every point of the grid is an experiment without a
grid and is checked as such. `schema` declares which keys have axes; `parse_grid` reads the axes of
a file.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.experiment.generators import KEYS
from harness.experiment.network import Network
from harness.experiment.schema import (
    DataSection,
    InitialisationSection,
    KeyAxis,
    Kind,
    NetworkSection,
    OnlyFor,
    Section,
    TrainingSection,
    declared,
    keys_of,
)

Document = dict[str, Any]

# The others have no axes: all runs of a sweep share what is recorded.
SECTIONS: dict[str, type[Section]] = {
    "network": NetworkSection,
    "data": DataSection,
    "training": TrainingSection,
    "initialisation": InitialisationSection,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisTarget:
    """The target of an axis: a key, a name in its table, or some positions in its list.

    If the file has no list but a single value, or leaves the key out, all `length` positions have
    this value, or `default`. `covers` names the axes that set a part of what this one sets.
    `only_for` has the entries of a table that have this key, if it is their setting.
    """

    kind: Kind
    per_run: bool
    section: str
    key: str
    name: str = ""
    positions: range = range(0)
    length: int = 0
    default: Any = None
    covers: tuple[str, ...] = ()
    only_for: OnlyFor | None = None

    @property
    def dotted(self) -> str:
        """The key with its section, such as "training.momentum"."""
        return f"{self.section}.{self.key}"

    @property
    def makes_data(self) -> bool:
        """Whether each value has data points of its own; an axis of a split only divides them."""
        return self.section == "data" and self.key in KEYS

    def set_key(self, document: Document, value: Any) -> None:
        """Set the key, or a part of it, in a document."""
        table = document.setdefault(self.section, {})
        if self.name:
            table.setdefault(self.key, {})[self.name] = value
        elif self.positions:
            given = table.get(self.key, self.default)
            listed = list(given) if isinstance(given, list | tuple) else [given] * self.length
            for position in self.positions:
                listed[position] = value
            table[self.key] = listed
        else:
            table[self.key] = value

    def value_in(self, document: Document) -> Any:
        """Return the value that `set_key` would have set; None if the positions differ."""
        given = document.get(self.section, {}).get(self.key, self.default)
        if self.name:
            return (given or {}).get(self.name)
        if not self.positions or not isinstance(given, list | tuple):
            return given
        values = [given[position] for position in self.positions]
        return values[0] if all(value == values[0] for value in values) else None


@dataclass(frozen=True)
class AllowedAxes(Mapping[str, AxisTarget]):
    """Every axis that a network allows, by name.

    The initial values of parameters come last. They are not in `named` but looked up on demand: a
    network may have a million parameters.
    """

    named: dict[str, AxisTarget]
    network: Network

    def is_parameter(self, name: str) -> bool:
        """Tell whether an axis sets the initial value of a parameter."""
        return bool(re.fullmatch(r"[wb][1-9]\d*", name)) and name in self.network.positions

    def __getitem__(self, name: str) -> AxisTarget:
        """Return the target of an axis."""
        if name not in self.named and self.is_parameter(name):
            return AxisTarget(
                kind="number", per_run=True, section="initialisation", key="parameters", name=name
            )
        return self.named[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all axes."""
        yield from self.named
        yield from self.network.positions

    def __len__(self) -> int:
        """Return the number of axes."""
        return len(self.named) + self.network.parameter_count


def allowed_axes(network: Network) -> AllowedAxes:
    """Return every axis that a network allows, as the schema declares them."""
    named: dict[str, AxisTarget] = {}
    for section, model in SECTIONS.items():
        for key, field in keys_of(model).items():
            if axis := declared(field)["axis"]:
                only_for = declared(field)["only_for"]
                named.update(_axes_of(section, key, axis, only_for, network.layers))
    return AllowedAxes(named=named, network=network)


def _axes_of(
    section: str, key: str, axis: KeyAxis, only_for: OnlyFor | None, layers: int
) -> Iterator[tuple[str, AxisTarget]]:
    """Yield name and target of the axes that set a key."""
    numbers = {None: range(0), "hidden": range(1, layers), "all": range(1, layers + 1)}
    together, single = numbers[axis.together], numbers[axis.single]
    name = axis.name or key

    def target(of: range, covers: Iterable[int] = ()) -> AxisTarget:
        return AxisTarget(
            kind=axis.kind,
            per_run=axis.per_run,
            section=section,
            key=key,
            # Counted from the end: the list of layer sizes also has the inputs, as its first.
            positions=range(of.start - 1 - layers, of.stop - 1 - layers),
            length=layers,
            default=axis.unset,
            covers=tuple(f"{name}_{layer}" for layer in covers),
            only_for=only_for,
        )

    if axis.together is None:
        yield name, target(range(0), covers=single)
    elif together:  # a network without hidden layers has no axis for them
        yield name, target(together, covers=together)
    for layer in single:
        yield f"{name}_{layer}", target(range(layer, layer + 1))
