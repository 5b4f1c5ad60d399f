"""The axes that a grid may have: what each of them sets, and how its values are written.

An axis sets keys of the experiment file. A point of the grid is therefore an experiment without a
grid, and everything that is checked there holds here too.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.errors import ExperimentError, nearest, shown
from harness.grid import Axis, Counted, Grid, Listed, Spaced, Values
from harness.network import Network

Document = dict[str, Any]

# Run ids stay exact in every tool that reads the tables, and a grid larger than this has no end.
MOST_RUNS = 2**53

_AXIS_FORMS = (
    "a list of values, { values = [...] }, { linear = [first, last], count = n }"
    " or { log = [first, last], count = n }"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that an axis can set.

    `per_run` settings are numbers that every run of a kernel call has for itself; the others
    decide which call a run belongs to.
    """

    kind: Literal["number", "whole", "word"]
    per_run: bool
    place: Callable[[Document, Any], None]


def _number(
    *path: str, per_run: bool = True, kind: Literal["number", "whole"] = "number"
) -> Setting:
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


def settings(network: Network) -> dict[str, Setting]:
    """Return every axis that a network allows, by name."""
    layers = network.layers
    found = {
        "init_id": _number("initialisation", "init_id", kind="whole"),
        "learning_rate": _number("training", "learning_rate"),
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
        kind: Any, per_run: bool, section: str, key: str, at: range, default: Any
    ) -> Setting:
        length = layers + 1 if key == "layers" else layers
        return Setting(
            kind=kind, per_run=per_run, place=_place_in_list(section, key, at, length, default)
        )

    if layers > 1:
        hidden = range(layers - 1)
        found["width"] = in_list("whole", False, "network", "layers", range(1, layers), 1)
        found["activation"] = in_list("word", False, "network", "activations", hidden, "identity")
    for layer in range(1, layers + 1):
        at = range(layer - 1, layer)
        found[f"learning_rate_{layer}"] = in_list(
            "number", True, "training", "learning_rate", at, 0.0
        )
        found[f"activation_{layer}"] = in_list(
            "word", False, "network", "activations", at, "identity"
        )
        found[f"scale_{layer}"] = in_list("number", False, "network", "scales", at, 1.0)
        if layer < layers:
            one = range(layer, layer + 1)
            found[f"width_{layer}"] = in_list("whole", False, "network", "layers", one, 1)
    for name in network.parameters:
        found[name] = _number("initialisation", "parameters", name)
    return found


def parse_grid(document: Mapping[str, Any], allowed: Mapping[str, Setting]) -> Grid:
    """Return the grid of the file's `[grid]` table.

    Raises
    ------
    ExperimentError
        An axis has no such name, no values, values of another kind or some of them twice; a zip
        names axes that are not there or of different lengths; the grid is too large.
    """
    axes = {
        name: Axis(name=name, values=_parse_axis(name, spec, allowed))
        for name, spec in document.items()
        if name != "zip"
    }
    groups = _parse_zip(document.get("zip", []), axes)
    first_of = {name: group[0] for group in groups for name in group}
    dimensions = tuple(
        tuple(axes[member] for member in next((g for g in groups if name in g), (name,)))
        for name in axes
        if first_of.get(name, name) == name
    )
    grid = Grid(dimensions=dimensions)
    if grid.size > MOST_RUNS:
        # Digits and not format(): a grid may have more runs than a float can say.
        digits = str(grid.size)
        raise ExperimentError(
            "grid",
            f"has {digits[0]}.{digits[1:3]}e{len(digits) - 1} runs"
            f" ({' x '.join(shown(n) for n in grid.shape)}); at most 2^53 are allowed.",
            "Make an axis shorter, or zip axes that belong together.",
        )
    return grid


def _parse_axis(name: str, spec: Any, allowed: Mapping[str, Setting]) -> Values:
    key = f"grid.{name}"
    if name not in allowed:
        usual = [n for n in allowed if not re.fullmatch(r"[wb]\d+", n)]
        raise ExperimentError(
            key,
            "is no axis of this network.",
            nearest(name, allowed) or f"Axes are {', '.join(usual)}, and parameters by name.",
        )
    setting = allowed[name]
    if name == "init_id" and _whole(spec) and 1 <= spec <= MOST_RUNS:
        return Counted(spec)
    if isinstance(spec, list):
        spec = {"values": spec}
    if not isinstance(spec, dict):
        also = "a number of initialisations, or " if name == "init_id" else ""
        raise ExperimentError(key, f"= {shown(spec)} must be {also}{_AXIS_FORMS}.")
    match sorted(spec):
        case ["values"]:
            return _listed(key, spec["values"], setting)
        case ["count", ("linear" | "log") as kind]:
            return _spaced(key, kind, spec, setting)
    unknown = [k for k in spec if k not in ("values", "linear", "log", "count")]
    advice = nearest(unknown[0], ["values", "linear", "log", "count"]) if unknown else ""
    raise ExperimentError(
        key, f"has the keys {shown(list(spec))}; it must be {_AXIS_FORMS}.", advice
    )


def _listed(key: str, values: Any, setting: Setting) -> Listed:
    if not isinstance(values, list) or not values:
        raise ExperimentError(
            key, f"= {shown(values)} must be a list of at least one value.", "Leave the axis out?"
        )
    for value in values:
        _check_kind(key, value, setting)
    if setting.kind == "number":
        values = [float(value) for value in values]
    value, times = Counter(values).most_common(1)[0]
    if times > 1:
        raise ExperimentError(
            key, f"has the value {shown(value)} {times} times.", "Repeats are an axis `init_id`."
        )
    return Listed(tuple(values))


def _spaced(key: str, kind: Literal["linear", "log"], spec: Document, setting: Setting) -> Spaced:
    ends, count = spec[kind], spec["count"]
    if setting.kind == "word":
        raise ExperimentError(key, f"has names for values; {kind} needs numbers.")
    if not (isinstance(ends, list) and len(ends) == 2):
        raise ExperimentError(f"{key}.{kind}", f"= {shown(ends)} must be [first, last].")
    for end in ends:
        _check_kind(f"{key}.{kind}", end, setting)
        if kind == "log" and end <= 0:
            raise ExperimentError(
                f"{key}.log", f"= {shown(ends)} must have two numbers above 0.", "Use linear?"
            )
    if not (_whole(count) and 1 <= count <= MOST_RUNS):
        raise ExperimentError(f"{key}.count", f"= {shown(count)} must be a whole number from 1 on.")
    if count > 1 and ends[0] == ends[1]:
        raise ExperimentError(f"{key}.{kind}", f"= {shown(ends)} has {count} times the same value.")
    first, last = float(ends[0]), float(ends[1])
    if setting.kind == "number":
        return Spaced(kind=kind, first=first, last=last, count=count)
    between = Spaced(kind=kind, first=first, last=last, count=min(count, 1000))
    numbers = between.take(np.arange(between.count))
    if between.count < count or not np.array_equal(numbers, np.floor(numbers)):
        raise ExperimentError(
            key,
            f"= {shown(spec)} must have at most 1000 values, all of them whole numbers.",
            "Write them out in values = [...].",
        )
    return Spaced(kind=kind, first=first, last=last, count=count, whole=True)


def _check_kind(key: str, value: Any, setting: Setting) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    right, wanted = {
        "number": (number and _finite(value), "a finite number"),
        "whole": (_whole(value), "a whole number"),
        "word": (isinstance(value, str), "a name in quotes"),
    }[setting.kind]
    if not right:
        raise ExperimentError(key, f"has the value {shown(value)}; each must be {wanted}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _finite(value: float) -> bool:
    return abs(value) <= float(np.finfo(np.float64).max)


def _parse_zip(spec: Any, axes: Mapping[str, Axis]) -> tuple[tuple[str, ...], ...]:
    if not (isinstance(spec, list) and all(isinstance(g, list) and len(g) > 1 for g in spec)):
        raise ExperimentError(
            "grid.zip", f"= {shown(spec)} must be a list of lists of two or more axis names."
        )
    names = [name for group in spec for name in group]
    for name in names:
        if name not in axes:
            raise ExperimentError(
                "grid.zip",
                f"names {shown(name)}, which is no axis of the grid.",
                nearest(str(name), axes),
            )
        if names.count(name) > 1:
            raise ExperimentError("grid.zip", f"has the axis {shown(name)} more than once.")
    for group in spec:
        counts = [axes[name].values.count for name in group]
        if len(set(counts)) > 1:
            lengths = ", ".join(f"{n} has {c}" for n, c in zip(group, counts, strict=True))
            raise ExperimentError("grid.zip", f"pairs axes of different lengths: {lengths} values.")
    return tuple(tuple(group) for group in spec)
