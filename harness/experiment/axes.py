"""The axes that a grid may have, and what each of them sets.

An axis sets keys of the experiment file. A point of the grid is therefore an experiment without a
grid, and everything that is checked there holds here too. Which keys have axes is declared in
`schema`; how axes are written is in `parse_grid`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.experiment.network import Network
from harness.experiment.schema import (
    InitialisationSection,
    KeyAxis,
    Kind,
    NetworkSection,
    Section,
    TrainingSection,
    axis_of,
    keys_of,
)

Document = dict[str, Any]

# All runs of a sweep have the data and the recorded quantities in common: these have no axes.
_SECTIONS: dict[str, type[Section]] = {
    "network": NetworkSection,
    "training": TrainingSection,
    "initialisation": InitialisationSection,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that an axis can set: a key, a name in its table, or places in its list.

    `per_run` settings are numbers that every run of a kernel call has for itself; the others
    decide which call a run belongs to. `covers` names the axes that set a part of the same key.
    The file may give a list also as one value, or leave it out: then all `length` places of it
    are that value, or `default`.
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

    def set_key(self, document: Document, value: Any) -> None:
        """Set the key, or a part of it, in an experiment without a grid."""
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
        """Return the value that `set_key` would have put there; None if there is no single one."""
        given = document.get(self.section, {}).get(self.key, self.default)
        if self.name:
            return (given or {}).get(self.name)
        if not self.positions or not isinstance(given, list | tuple):
            return given
        values = [given[position] for position in self.positions]
        return values[0] if all(value == values[0] for value in values) else None


@dataclass(frozen=True)
class Settings(Mapping[str, Setting]):
    """Every axis that a network allows, by name.

    Parameters come last. They are one rule: a network may have a million of them, and each is
    looked up when it is asked for.
    """

    named: dict[str, Setting]
    network: Network

    def is_parameter(self, name: str) -> bool:
        """Tell whether an axis is the initial value of a parameter."""
        return bool(re.fullmatch(r"[wb][1-9]\d*", name)) and name in self.network.positions

    def __getitem__(self, name: str) -> Setting:
        """Return what an axis sets."""
        if name not in self.named and self.is_parameter(name):
            return Setting(
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


def settings(network: Network) -> Settings:
    """Return every axis that a network allows, by name, as the schema declares them."""
    named: dict[str, Setting] = {}
    for section, model in _SECTIONS.items():
        for key, field in keys_of(model).items():
            if declared := axis_of(field):
                named.update(_axes_of(section, key, declared, network.layers))
    return Settings(named=named, network=network)


def _axes_of(
    section: str, key: str, declared: KeyAxis, layers: int
) -> Iterator[tuple[str, Setting]]:
    """Yield name and setting of each axis that sets a key."""
    numbers = {None: range(0), "hidden": range(1, layers), "all": range(1, layers + 1)}
    together, single = numbers[declared.together], numbers[declared.single]
    name = declared.name or key

    def setting(of: range, covers: Iterable[int] = ()) -> Setting:
        return Setting(
            kind=declared.kind,
            per_run=declared.per_run,
            section=section,
            key=key,
            # From the end, because the list of layer sizes begins with the inputs.
            positions=range(of.start - 1 - layers, of.stop - 1 - layers),
            length=layers,
            default=declared.unset,
            covers=tuple(f"{name}_{layer}" for layer in covers),
        )

    if declared.together is None:
        yield name, setting(range(0), covers=single)
    elif together:  # a network without hidden layers has no axis for them
        yield name, setting(together, covers=together)
    for layer in single:
        yield f"{name}_{layer}", setting(range(layer, layer + 1))
