"""Settings that only some entries of a table have, such as the momentum of some optimisers.

`schema` declares them by `OnlyFor`, and nothing here knows a table. The owner of a setting is the
key that chooses among the entries. If an axis varies the owner, a run whose entry lacks a setting
has NaN on the axis of that setting, and is in the grid once.
"""

import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from itertools import product
from operator import itemgetter, mul
from typing import Any

import numpy as np

from harness.errors import ExperimentError, shown
from harness.experiment.axes import SECTIONS, AllowedAxes, Document
from harness.experiment.grid import Axis, Drawn, Grid, Listed, numbered, project
from harness.experiment.schema import OnlyFor, declared, keys_of, listed

SETTINGS: dict[str, OnlyFor] = {
    f"{section}.{key}": only_for
    for section, model in SECTIONS.items()
    for key, field in keys_of(model).items()
    if (only_for := declared(field)["only_for"])
}

# The combinations of axes that are folded are written out.
MOST_FOLDED = 1_000_000


def _value(document: Mapping[str, Any], dotted: str) -> Any:
    """Return the value of a key in a document; None if it is not there."""
    section, _, key = dotted.partition(".")
    return document.get(section, {}).get(key)


def _entries(document: Mapping[str, Any], owner: str) -> list[str]:
    """Return the entries that the owner of a setting has in a document."""
    chosen = _value(document, owner)
    each = chosen if isinstance(chosen, list | tuple) else [chosen]
    return [entry for entry in each if isinstance(entry, str)]


def _applies(only_for: OnlyFor, document: Mapping[str, Any]) -> bool:
    """Return whether an entry that has a setting is chosen in a document."""
    return any(entry in only_for.defaults for entry in _entries(document, only_for.owner))


def drop_others(document: Document, kept: Container[str]) -> None:
    """Remove the settings that no chosen entry has from a document, except those that are kept."""
    for dotted, only_for in SETTINGS.items():
        if dotted not in kept and not _applies(only_for, document):
            section, _, key = dotted.partition(".")
            document.get(section, {}).pop(key, None)


def entries_in_use(
    owner: str, document: Mapping[str, Any], grid: Grid, allowed: AllowedAxes
) -> list[str]:
    """Return the entries that runs of a grid have: those of its axes, and of the document."""
    section = owner.partition(".")[0]
    replaced = {section: dict(document.get(section, {}))}
    entries: list[str] = []
    for axis in grid.axes:
        if allowed[axis.name].dotted == owner:
            allowed[axis.name].set_key(replaced, None)
            entries += axis.values.every()
    return list(dict.fromkeys([*_entries(replaced, owner), *entries]))


def default_in_use(
    only_for: OnlyFor, document: Mapping[str, Any], grid: Grid, allowed: AllowedAxes
) -> float | None:
    """Return the default of a setting for all entries in use that have it; None if they differ.

    If there are none, any default is as good.
    """
    entries = entries_in_use(only_for.owner, document, grid, allowed)
    defaults = [only_for.defaults[name] for name in entries if name in only_for.defaults]
    distinct = set(defaults or [*only_for.defaults.values()][:1])
    return distinct.pop() if len(distinct) == 1 else None


def check_settings(document: Mapping[str, Any], grid: Grid, allowed: AllowedAxes) -> None:
    """Refuse a setting, or an axis of it, that no entry in use has.

    Raises
    ------
    ExperimentError
        It names the entries that have the setting, and the settings of the one that is chosen.
    """
    for dotted, only_for in SETTINGS.items():
        axes = [axis.name for axis in grid.axes if allowed[axis.name].dotted == dotted]
        given = _value(document, dotted)
        if given is None and not axes:
            continue
        entries = entries_in_use(only_for.owner, document, grid, allowed)
        if any(entry in only_for.defaults for entry in entries):
            continue
        owner, names = only_for.owner, listed(only_for.defaults)
        if isinstance(_value(document, owner), list) and entries:
            target, advice = f"{names} in {owner}", f"use {names} in a layer"
        else:
            target, advice = f"{owner} = {names}", f"write {owner} = {shown(_first(only_for))}"
        if any(allowed[axis.name].dotted == owner for axis in grid.axes):
            advice = f"add {shown(_first(only_for))} to the grid"
        raise ExperimentError(
            f"grid.{axes[0]}" if axes else dotted,
            f"{'' if axes else f'= {shown(given)} '}is only for {target};"
            f" {_instead(owner, entries, _value(document, owner))}.",
            f"Remove it, or {advice}.",
        )


def _first(only_for: OnlyFor) -> str:
    return next(iter(only_for.defaults))


def _instead(owner: str, entries: list[str], chosen: Any) -> str:
    """Say which entries are in use instead of one that has the setting."""
    if not entries:
        return f"it is {shown(chosen)}"
    if len(entries) > 1:
        return f"only {_joined(map(shown, entries))} are in use"
    settings = {name: each for name, each in SETTINGS.items() if each.owner == owner}
    having = {entry for each in settings.values() for entry in each.defaults}
    own = [
        name.rpartition(".")[2]
        for name, each in settings.items()
        if entries[0] in each.defaults and each.defaults.keys() != having
    ]
    return f"it is {shown(entries[0])}, which has {_joined(own) or 'no settings'}"


def _joined(words: Iterable[str]) -> str:
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def point_with(grid: Grid, allowed: AllowedAxes, name: str, value: Any) -> dict[str, Any]:
    """Return a value of an axis as a point, with entries that have the setting if it is one."""
    point: dict[str, Any] = {}
    if only_for := allowed[name].only_for:
        for dimension in grid.dimensions:
            here = [axis.values for axis in dimension if axis.name == name]
            index = list(here[0].every()).index(value) if here else 0
            for axis in dimension:
                if allowed[axis.name].dotted == only_for.owner:
                    point[axis.name] = axis.values.value(index)
    return {**point, name: value}


def fold(grid: Grid, allowed: AllowedAxes, document: Mapping[str, Any]) -> Grid:
    """Return a grid in which a run whose entry lacks a setting is not repeated.

    An axis of a setting that some entries in the grid have and others lack becomes one dimension
    with the axes of its owner, and with all that are zipped with them: the combinations of their
    values with NaN for settings that an entry lacks, each once, in the order in which they appear
    in the grid. The dimension is where the first of these axes was.

    Raises
    ------
    ExperimentError
        There are too many combinations.
    """
    partial: dict[str, OnlyFor] = {}  # by the names of axes
    groups: list[set[int]] = []  # numbers of the dimensions that become one
    for number, dimension in enumerate(grid.dimensions):
        for axis in dimension:
            only_for = allowed[axis.name].only_for
            if only_for is None or (owners := _lacking(only_for, grid, allowed, document)) is None:
                continue
            partial[axis.name] = only_for
            group = {number, *owners}
            together = [other for other in groups if other & group]
            groups = [other for other in groups if not other & group]
            groups.append(group.union(*together))
    if not groups:
        return grid
    group_of = {number: sorted(group) for group in groups for number in group}
    dimensions = []
    for number, dimension in enumerate(grid.dimensions):
        group_here = group_of.get(number)
        if group_here is None:
            dimensions.append(dimension)
        elif number == group_here[0]:
            part = Grid(dimensions=tuple(grid.dimensions[n] for n in group_here))
            dimensions.append(_folded(part, partial, allowed, document))
    return Grid(dimensions=tuple(dimensions))


def _lacking(
    only_for: OnlyFor, grid: Grid, allowed: AllowedAxes, document: Mapping[str, Any]
) -> list[int] | None:
    """Return the numbers of the dimensions that vary an owner; None if no entry lacks a setting."""
    choices = project(grid, lambda name: allowed[name].dotted == only_for.owner)
    _check_size(choices.grid.size, choices.grid)
    points = map(choices.grid.point, range(choices.grid.size if choices.kept else 0))
    if all(_applies(only_for, _at(document, point, allowed)) for point in points):
        return None
    return [number for number, _ in choices.kept]


def _at(document: Mapping[str, Any], point: Mapping[str, Any], allowed: AllowedAxes) -> Document:
    """Return the sections of a document that a point changes, with the keys that it sets."""
    changed: Document = {}
    for name, value in point.items():
        section = allowed[name].section
        changed.setdefault(section, dict(document.get(section, {})))
        allowed[name].set_key(changed, value)
    return changed


def _folded(
    part: Grid, partial: Mapping[str, OnlyFor], allowed: AllowedAxes, document: Mapping[str, Any]
) -> tuple[Axis, ...]:
    """Return the axes of a grid as one dimension, with NaN for settings that an entry lacks."""
    owners = {partial[axis.name].owner for axis in part.axes if axis.name in partial}
    choosing = {axis.name for axis in part.axes if allowed[axis.name].dotted in owners}
    # For each choice of entries: the settings that it lacks, and the indices along all dimensions
    # that make a difference.
    choices = []
    for choice in _choices(part, choosing):
        point = {
            axis.name: axis.values.value(index)
            for dimension, index in zip(part.dimensions, choice, strict=True)
            for axis in dimension
            if index is not None and axis.name in choosing
        }
        here = _at(document, point, allowed)
        lacks = {
            axis.name
            for axis in part.axes
            if axis.name in partial and not _applies(partial[axis.name], here)
        }
        indices = [
            _firsts(dimension, lacks) if index is None else [index]
            for dimension, index in zip(part.dimensions, choice, strict=True)
        ]
        choices.append((lacks, indices))
    _check_size(sum(math.prod(map(len, indices)) for _, indices in choices), part)

    strides = [math.prod(part.shape[:number]) for number in range(len(part.shape))]
    columns = [
        (axis.name, number, axis.values.every())
        for number, dimension in enumerate(part.dimensions)
        for axis in dimension
    ]
    rows = [
        (
            sum(map(mul, position, strides)),
            tuple(math.nan if name in lacks else every[position[n]] for name, n, every in columns),
        )
        for lacks, indices in choices
        for position in product(*indices)
    ]
    rows.sort(key=itemgetter(0))
    # An axis that is zipped with that of its owner may repeat combinations, too.
    distinct = zip(*dict.fromkeys(row for _, row in rows), strict=True)
    return tuple(
        Axis(
            name=axis.name,
            values=replace(axis.values, values=tuple(values))
            if isinstance(axis.values, Drawn)
            else Listed(tuple(values)),
        )
        for axis, values in zip(part.axes, distinct, strict=True)
    )


def _choices(part: Grid, choosing: Container[str]) -> Iterable[tuple[int | None, ...]]:
    """Yield indices along the dimensions with owners, with None for the other dimensions."""
    chooses = [any(axis.name in choosing for axis in dimension) for dimension in part.dimensions]
    pairs = list(zip(part.shape, chooses, strict=True))
    _check_size(math.prod(length for length, has_owner in pairs if has_owner), part)
    return product(*(range(length) if has_owner else [None] for length, has_owner in pairs))


def _firsts(dimension: tuple[Axis, ...], lacks: Container[str]) -> list[int]:
    """Return the first index of each combination of the axes that are not lacking."""
    axes = tuple(axis for axis in dimension if axis.name not in lacks)
    if not axes:
        return [0]
    _check_size(dimension[0].values.count, Grid(dimensions=(dimension,)))
    at = numbered(axes)
    if at is None:
        return list(range(dimension[0].values.count))
    firsts: list[int] = np.unique(at, return_index=True)[1].tolist()
    return firsts


def _check_size(size: int, part: Grid) -> None:
    if size > MOST_FOLDED:
        names = ", ".join(axis.name for axis in part.axes)
        raise ExperimentError(
            "grid",
            f"has {shown(size)} combinations of {names}, which are written out because not all runs"
            f" have all of these settings; at most {MOST_FOLDED} are allowed.",
            "Shorten one of these axes, or use several experiments.",
        )
