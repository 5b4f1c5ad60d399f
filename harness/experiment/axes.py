"""The axes that a grid may have, and what each of them sets.

An axis sets keys of the experiment file. A point of the grid is therefore an experiment without a
grid, and everything that is checked there holds here too. How axes are written is in `grid_table`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from harness.network import Network

Document = dict[str, Any]
Kind = Literal["number", "whole", "word"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that an axis can set.

    `per_run` settings are numbers that every run of a kernel call has for itself; the others
    decide which call a run belongs to. `covers` names the axes that set a part of the same key.
    """

    kind: Kind
    per_run: bool
    place: Callable[[Document, Any], None]
    covers: tuple[str, ...] = ()


def _number(*path: str, per_run: bool = True, kind: Kind = "number") -> Setting:
    return Setting(kind=kind, per_run=per_run, place=_place_at(*path))


def _place_at(section: str, *path: str) -> Callable[[Document, Any], None]:
    def place(document: Document, value: Any) -> None:
        table = document.setdefault(section, {})
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = value

    return place


def _place_in_list(
    section: str, key: str, positions: range, length: int, default: Any
) -> Callable[[Document, Any], None]:
    """Set some places of a list that the file may also give as one value, or leave out."""

    def place(document: Document, value: Any) -> None:
        table = document.setdefault(section, {})
        given = table.get(key, default)
        listed = list(given) if isinstance(given, list | tuple) else [given] * length
        for position in positions:
            listed[position] = value
        table[key] = listed

    return place


# Axes that there are for each layer after the input: key, value where the file has none, kind.
_BY_LAYER: tuple[tuple[str, str, str, Any, Kind], ...] = (
    ("learning_rate", "training", "learning_rate", 0.0, "number"),
    ("activation", "network", "activations", "identity", "word"),
    ("scale", "network", "scales", 1.0, "number"),
)


def settings(network: Network) -> dict[str, Setting]:
    """Return every axis that a network allows, by name."""
    layers = network.layers
    found = {
        "init_id": _number("initialisation", "init_id", kind="whole"),
        "learning_rate": Setting(
            kind="number",
            per_run=True,
            place=_place_at("training", "learning_rate"),
            covers=tuple(f"learning_rate_{layer}" for layer in range(1, layers + 1)),
        ),
        "momentum": _number("training", "momentum"),
        "tolerance": _number("training", "tolerance"),
        "limit": _number("training", "limit"),
        "max_epochs": _number("training", "epochs", per_run=False, kind="whole"),
        "batch_size": _number("training", "batch_size", per_run=False, kind="whole"),
        "batch_seed": _number("training", "seed", per_run=False, kind="whole"),
        "output_scale": _number("network", "output_scale", per_run=False),
        "loss": Setting(kind="word", per_run=False, place=_place_at("network", "loss")),
        "init_scheme": Setting(
            kind="word", per_run=False, place=_place_at("initialisation", "scheme")
        ),
        "init_scale": _number("initialisation", "scale"),
        "init_offset": _number("initialisation", "offset"),
        "init_seed": _number("initialisation", "seed", kind="whole"),
    }

    def in_list(
        section: str, key: str, at: range, otherwise: Any, kind: Kind, covers: tuple[str, ...] = ()
    ) -> Setting:
        length = layers + 1 if key == "layers" else layers
        return Setting(
            kind=kind,
            per_run=key == "learning_rate",
            place=_place_in_list(section, key, at, length, otherwise),
            covers=covers,
        )

    if layers > 1:
        units, hidden = range(1, layers), range(layers - 1)
        found["width"] = in_list(
            "network", "layers", units, 1, "whole", tuple(f"width_{layer}" for layer in units)
        )
        found["activation"] = in_list(
            "network",
            "activations",
            hidden,
            "identity",
            "word",
            tuple(f"activation_{layer}" for layer in units),
        )
        for layer in units:
            at = range(layer, layer + 1)
            found[f"width_{layer}"] = in_list("network", "layers", at, 1, "whole")
    for layer in range(1, layers + 1):
        at = range(layer - 1, layer)
        for name, section, key, otherwise, kind in _BY_LAYER:
            found[f"{name}_{layer}"] = in_list(section, key, at, otherwise, kind)
    for name in network.parameters:
        found[name] = _number("initialisation", "parameters", name)
    return found
