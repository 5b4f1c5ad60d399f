"""The axes that a grid may have, and what each of them sets.

An axis sets keys of the experiment file. A point of the grid is therefore an experiment without a
grid, and everything that is checked there holds here too. How axes are written is in `grid_table`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.experiment.network import Network

Document = dict[str, Any]
Kind = Literal["number", "whole", "word", "number or word", "whole or word"]


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
    places: range = range(0)
    length: int = 0
    default: Any = None
    covers: tuple[str, ...] = ()

    def place(self, document: Document, value: Any) -> None:
        """Set the key, or a part of it, in an experiment without a grid."""
        table = document.setdefault(self.section, {})
        if self.name:
            table.setdefault(self.key, {})[self.name] = value
        elif self.places:
            given = table.get(self.key, self.default)
            listed = list(given) if isinstance(given, list | tuple) else [given] * self.length
            for place in self.places:
                listed[place] = value
            table[self.key] = listed
        else:
            table[self.key] = value

    def value_in(self, document: Document) -> Any:
        """Return the value that `place` would have put there; None if there is no single one."""
        given = document.get(self.section, {}).get(self.key, self.default)
        if self.name:
            return (given or {}).get(self.name)
        if not self.places or not isinstance(given, list | tuple):
            return given
        values = [given[place] for place in self.places]
        return values[0] if all(value == values[0] for value in values) else None


# Axes that set a key as a whole: section, key, kind, and whether each run has its own number.
_BY_KEY: dict[str, tuple[str, str, Kind, bool]] = {
    "init_id": ("initialisation", "init_id", "whole", True),
    "init_scheme": ("initialisation", "scheme", "word", False),
    "init_scale": ("initialisation", "scale", "number", True),
    "init_offset": ("initialisation", "offset", "number", True),
    "init_biases": ("initialisation", "biases", "word", False),
    "init_seed": ("initialisation", "seed", "whole", True),
    "learning_rate": ("training", "learning_rate", "number", True),
    "momentum": ("training", "momentum", "number", True),
    "drift": ("training", "drift", "number", True),
    "max_epochs": ("training", "epochs", "whole", False),
    "batch_size": ("training", "batch_size", "whole or word", False),
    "batches": ("training", "batches", "word", False),
    "batch_seed": ("training", "seed", "whole", False),
    "updates_per_epoch": ("training", "updates_per_epoch", "whole", False),
    "tolerance": ("training", "tolerance", "number", True),
    "limit": ("training", "limit", "number", True),
    "output_scale": ("network", "output_scale", "number", False),
    "loss": ("network", "loss", "word", False),
}


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
    """Return every axis that a network allows, by name."""
    layers = network.layers
    each, hidden = range(1, layers + 1), range(1, layers)

    def names(axis: str, of: range) -> tuple[str, ...]:
        return tuple(f"{axis}_{layer}" for layer in of)

    found = {
        name: Setting(
            kind=kind,
            per_run=per_run,
            section=section,
            key=key,
            covers=names(name, each) if name in ("learning_rate", "drift") else (),
        )
        for name, (section, key, kind, per_run) in _BY_KEY.items()
    }
    # Axes that set places of a list, for all of some layers and for each of them: section, key,
    # value where the file has none, kind, place of the first layer, layers that have one, and
    # layers that are set together.
    by_layer: dict[str, tuple[str, str, Any, Kind, int, range, range]] = {
        "width": ("network", "layers", 1, "whole", 1, hidden, hidden),
        "activation": ("network", "activations", "identity", "word", 0, each, hidden),
        "scale": ("network", "scales", 1.0, "number or word", 0, each, each),
        "learning_rate": ("training", "learning_rate", 0.0, "number", 0, each, range(0)),
        "drift": ("training", "drift", 0.0, "number", 0, each, range(0)),
    }
    for name, (section, key, default, kind, first, single, together) in by_layer.items():
        groups = {f"{name}_{layer}": range(layer, layer + 1) for layer in single}
        if together:
            groups = {name: together} | groups
        for axis, of in groups.items():
            found[axis] = Setting(
                kind=kind,
                per_run=section == "training",
                section=section,
                key=key,
                places=range(of.start - 1 + first, of.stop - 1 + first),
                length=layers + first,
                default=default,
                covers=names(name, of) if axis == name else (),
            )
    return Settings(named=found, network=network)
