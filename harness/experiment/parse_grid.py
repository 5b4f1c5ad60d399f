"""Parse and check the `[grid]` table of an experiment file."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from harness.calls import is_number
from harness.errors import ExperimentError, shown
from harness.experiment.axes import AllowedAxes, AxisTarget, Document
from harness.experiment.complaints import Complaints
from harness.experiment.draws import (
    METHODS,
    MOST_DRAWN,
    Choice,
    Distribution,
    Normal,
    Range,
    Scale,
    draw,
    draw_together,
)
from harness.experiment.grid import Axis, Counted, Drawn, Grid, Listed, Spaced, Values
from harness.experiment.schema import Kind
from harness.hints import nearest, suggest

# Run ids up to here are exact in every tool that reads the tables.
MOST_RUNS = 2**53

# Spaced axes of whole numbers are limited, because every value is checked to be whole.
_MOST_WHOLE = 1000

_SPEC_KEYS = ("values", "linear", "log", "random", "normal", "count", "scale", "seed")
_AXIS_FORMS = (
    "a list of values, { values = [...] }, { linear = [first, last], count = n },"
    " { log = [first, last], count = n } or { random = [low, high], count = n }"
)

# The keys of [grid.sample] that are not axes.
_SAMPLE_KEYS = ("count", "seed", "method")
_RANGE_FORMS = "{ linear = [low, high] }, { log = [low, high] } or a list of values"


def parse_grid(
    document: Mapping[str, Any], allowed: AllowedAxes, complaints: Complaints | None = None
) -> Grid:
    """Return the grid of the `[grid]` table, as it is written.

    With `complaints`, the axes that are wrong are added to them and left out. What involves several
    axes is checked then only if all of them are right.

    Raises
    ------
    ExperimentError
        The name of an axis is unknown; its values are missing, of another kind, or repeated; zipped
        axes are missing or differ in length.
    """
    complaints = complaints or Complaints()
    axes: dict[str, Axis] = {}
    sample: tuple[Axis, ...] = ()
    wrong = len(complaints.found)
    for name, spec in document.items():
        try:
            if name == "sample":
                sample = _parse_sample(spec, document, allowed)
            elif name != "zip":
                axes[name] = Axis(name=name, values=_parse_axis(name, spec, allowed))
        except ExperimentError as error:
            complaints.add([error])
    if len(complaints.found) > wrong:
        return Grid(dimensions=())
    _refuse_overlaps({**axes, **{axis.name: axis for axis in sample}}, allowed)
    groups = _parse_zip(document.get("zip", []), axes)
    group_of = {name: group for group in groups for name in group}
    dimensions = {
        name: tuple(axes[member] for member in group_of.get(name, (name,)))
        for name in axes
        if group_of.get(name, (name,))[0] == name
    }
    for dimension in dimensions.values():
        _refuse_repeats(dimension)
    if sample:
        dimensions["sample"] = sample
    return Grid(dimensions=tuple(dimensions[name] for name in document if name in dimensions))


def check_size(grid: Grid) -> None:
    """Refuse a grid with too many runs."""
    if grid.size > MOST_RUNS:
        # Decimal, because the number of runs may be larger than any float.
        raise ExperimentError(
            "grid",
            f"has {Decimal(grid.size):.2e} runs, the product of {shown(grid.shape)}; at most 2^53"
            " are allowed.",
            "Shorten an axis, or zip axes that belong together.",
        )


def _parse_axis(name: str, spec: Any, allowed: AllowedAxes) -> Values:
    key = f"grid.{name}"
    target = _target(key, name, allowed)
    if name == "init_id" and isinstance(spec, int) and not isinstance(spec, bool):
        if not 1 <= spec <= MOST_RUNS:
            raise ExperimentError(
                key,
                f"= {shown(spec)} must be a number of initialisations from 1 to 2^53.",
                "To choose initialisations, give a list of their ids.",
            )
        return Counted(spec)
    if isinstance(spec, list):
        spec = {"values": spec}
    if not isinstance(spec, dict):
        also = "a number of initialisations, " if name == "init_id" else ""
        raise ExperimentError(
            key,
            f"= {shown(spec)} must be {also}{_AXIS_FORMS}.",
            'Write several values in brackets, as [0.1, 0.2] or ["tanh", "relu"].'
            if isinstance(spec, str) and "," in spec
            else f"Write a single value as [{shown(spec)}].",
        )
    match sorted(spec):
        case ["values"]:
            return _listed(key, spec["values"], target)
        case ["count", ("linear" | "log") as kind]:
            return _spaced(key, kind, spec, target)
        case ["count", *_] if {*spec} - {"scale", "seed"} in (
            {"count", "random"},
            {"count", "normal"},
        ):
            return _drawn(key, name, spec, target)
    unknown = [k for k in spec if k not in _SPEC_KEYS]
    raise ExperimentError(
        key,
        f"= {shown(spec)} must be {_AXIS_FORMS}.",
        suggest(unknown[0], _SPEC_KEYS) if unknown else "Add what is missing.",
    )


def _target(key: str, name: str, allowed: AllowedAxes) -> AxisTarget:
    """Return the target of an axis."""
    if name not in allowed:
        raise ExperimentError(
            key,
            "is not an axis of this network.",
            suggest(name, allowed)
            or f"Axes are {', '.join(_usual(allowed))}, settings such as momentum, axes of one"
            " layer, such as activation_1, and parameters by name.",
        )
    return allowed[name]


def _usual(allowed: AllowedAxes) -> list[str]:
    """Return the names of the axes that every experiment may have, without those of one layer."""
    return [
        name
        for name, target in allowed.named.items()
        if target.only_for is None and not name[-1].isdigit()
    ]


def _listed(key: str, values: Any, target: AxisTarget) -> Listed:
    if not isinstance(values, list) or not values:
        raise ExperimentError(
            key,
            f"= {shown(values)} must be a list of at least one value.",
            "Remove the axis, or give it values.",
        )
    _check_kind(key, values, target.kind)
    if target.kind.startswith("number"):
        values = [value if isinstance(value, str) else float(value) for value in values]
    return Listed(tuple(values))


def _drawn(key: str, name: str, spec: Document, target: AxisTarget) -> Drawn:
    scale, seed = _choice(key, spec, "scale", ("linear", "log")), _seed(key, spec)
    count = _count(key, spec)
    distribution = (
        _range(key, "random", spec, scale, target)
        if "random" in spec
        else _normal(key, spec, scale, target)
    )
    values = draw(distribution, name, count, seed)
    if values is None:
        raise _too_few(key, spec, count)
    return Drawn(tuple(values), distribution)


def _parse_sample(spec: Any, grid: Mapping[str, Any], allowed: AllowedAxes) -> tuple[Axis, ...]:
    """Return the axes of [grid.sample], whose values are drawn together."""
    key = "grid.sample"
    if not isinstance(spec, dict):
        raise ExperimentError(
            key,
            f"= {shown(spec)} must be a table: count, seed, method, and a range for each axis.",
            "For example: sample = { count = 1000, learning_rate = { log = [1e-4, 1] } }",
        )
    method, seed = _choice(key, spec, "method", tuple(METHODS)), _seed(key, spec)
    if "count" not in spec:
        raise ExperimentError(f"{key}.count", "is required: it is the number of points.", "Add it.")
    count = _count(key, spec)
    ranges: dict[str, Distribution] = {}
    for name, given in spec.items():
        if name in _SAMPLE_KEYS:
            continue
        target = _target(f"{key}.{name}", name, allowed)
        if name in grid:
            raise ExperimentError(
                f"{key}.{name}", f"is also grid.{name}; only one of them is allowed.", "Remove one."
            )
        ranges[name] = _range_of(f"{key}.{name}", given, target)
    if not ranges:
        raise ExperimentError(
            key,
            f"= {shown(spec)} must have a range for at least one axis.",
            "For example: learning_rate = { log = [1e-4, 1] }",
        )
    columns = draw_together(ranges, count, seed, method)
    if columns is None:
        raise _too_few(key, spec, count)
    return tuple(
        Axis(name=name, values=Drawn(columns[name], ranges[name], method)) for name in ranges
    )


def _range_of(key: str, spec: Any, target: AxisTarget) -> Distribution:
    """Return the distribution of an axis of [grid.sample]."""
    if isinstance(spec, list):
        values = _listed(key, spec, target).values
        repeated, times = Counter(values).most_common(1)[0]
        if times > 1:
            raise ExperimentError(
                key,
                f"= {shown(spec)} has the value {shown(repeated)} more than once; all values are"
                " equally probable.",
                "Give it once.",
            )
        return Choice(of=values)
    match [*spec] if isinstance(spec, dict) else None:
        case [("linear" | "log") as scale]:
            return _range(key, scale, spec, scale, target)
    raise ExperimentError(
        key,
        f"= {shown(spec)} must be {_RANGE_FORMS}.",
        "The number of points is grid.sample.count."
        if isinstance(spec, dict) and "count" in spec
        else "For example: { log = [1e-4, 1] }",
    )


def _range(key: str, kind: str, spec: Document, scale: Scale, target: AxisTarget) -> Range:
    numbers_of = _two(key, kind, spec, target, "[low, high]")
    low, high = ends = spec[kind]
    if low >= high:
        raise ExperimentError(
            f"{key}.{kind}",
            f"= {shown(ends)} must be [low, high], with low below high.",
            "Exchange them." if low > high else f"Write a single value as [{shown(low)}].",
        )
    if scale == "log" and low <= 0:
        raise ExperimentError(
            f"{key}.{kind}",
            f"= {shown(ends)} must have two numbers above 0 for a logarithmic scale.",
            "Use a linear scale, or a smallest value above 0.",
        )
    if numbers_of == "number":
        return Range(low=float(low), high=float(high), scale=scale)
    if max(-low, high) > MOST_RUNS:
        raise ExperimentError(
            f"{key}.{kind}", f"= {shown(ends)} must be whole numbers up to 2^53.", "Move the ends."
        )
    return Range(low=low, high=high, scale=scale, whole=True)


def _normal(key: str, spec: Document, scale: Scale, target: AxisTarget) -> Normal:
    # The parameters of whole numbers need not be whole.
    numbers_of = _two(key, "normal", spec, target, "[mean, deviation]", "number")
    middle, spread = spec["normal"]
    if scale == "log" and (middle <= 0 or spread <= 1):
        raise ExperimentError(
            f"{key}.normal",
            f"= {shown(spec['normal'])} must be a median above 0 and a factor above 1, which is one"
            " standard deviation on a logarithmic scale.",
            'For example: { normal = [0.01, 3], scale = "log", count = 200 }',
        )
    if spread <= 0:
        raise ExperimentError(
            f"{key}.normal",
            f"= {shown(spec['normal'])} must be a mean and a standard deviation above 0.",
            "For example: { normal = [0, 1], count = 200 }",
        )
    whole = numbers_of == "whole"
    return Normal(middle=float(middle), spread=float(spread), scale=scale, whole=whole)


def _two(
    key: str, kind: str, spec: Document, target: AxisTarget, form: str, written: Kind | None = None
) -> Kind:
    """Check that a form of an axis has two numbers, and return the kind of its values."""
    if target.kind == "word":
        raise ExperimentError(
            key,
            f"= {shown(spec)} must be a list of names; {kind} is for numbers.",
            'For example: ["tanh", "relu"]',
        )
    ends = spec[kind]
    if not (isinstance(ends, list) and len(ends) == 2):
        raise ExperimentError(
            f"{key}.{kind}",
            f"= {shown(ends)} must be {form}.",
            "Write a list of values as values = [...].",
        )
    numbers_of: Kind = "whole" if target.kind.startswith("whole") else "number"
    _check_kind(f"{key}.{kind}", ends, written or numbers_of)
    return numbers_of


def _count(key: str, spec: Document) -> int:
    count = spec["count"]
    if not (_whole(count) and 1 <= count <= MOST_DRAWN):
        raise ExperimentError(
            f"{key}.count",
            f"= {shown(count)} must be a whole number from 1 to {MOST_DRAWN}.",
            "To train more runs of each point, add the axis init_id.",
        )
    return int(count)


def _seed(key: str, spec: Document) -> int:
    seed = spec.get("seed", 0)
    if not (_whole(seed) and seed >= 0):
        raise ExperimentError(
            f"{key}.seed",
            f"= {shown(seed)} must be a whole number from 0 to 2^63 - 1.",
            "Leave it out for 0.",
        )
    return int(seed)


def _choice(key: str, spec: Document, name: str, known: tuple[str, ...]) -> Any:
    """Return one of some names, by default the first."""
    value = spec.get(name, known[0])
    if value not in known:
        raise ExperimentError(
            f"{key}.{name}",
            f"= {shown(value)} must be {' or '.join(map(shown, known))}.",
            (nearest(value, known) if isinstance(value, str) else "")
            or f"Leave it out for {shown(known[0])}.",
        )
    return value


def _too_few(key: str, spec: Any, count: int) -> ExperimentError:
    return ExperimentError(
        key,
        f"= {shown(spec)} has less than {count} different values.",
        "Use a smaller count, or a wider range; to repeat runs from other initial parameters, add"
        " the axis init_id.",
    )


def _spaced(key: str, kind: Literal["linear", "log"], spec: Document, target: AxisTarget) -> Spaced:
    ends, count = spec[kind], spec["count"]
    numbers_of = _two(key, kind, spec, target, "[first, last]")
    if kind == "log" and min(ends) <= 0:
        raise ExperimentError(
            f"{key}.log",
            f"= {shown(ends)} must have two numbers above 0.",
            "Use linear, or give a list of values.",
        )
    if not (_whole(count) and 1 <= count <= MOST_RUNS):
        raise ExperimentError(
            f"{key}.count",
            f"= {shown(count)} must be a whole number from 1 to 2^53.",
            "It is the number of values, including both ends.",
        )
    values = Spaced(kind=kind, first=float(ends[0]), last=float(ends[1]), count=count)
    if count > 1 and not _apart(values):
        raise ExperimentError(
            key,
            f"= {shown(spec)} must have values that differ; there are not enough floats between"
            " its ends.",
            "Use a smaller count, or move the ends apart.",
        )
    if numbers_of == "whole":
        numbers = values.take(np.arange(count)) if count <= _MOST_WHOLE else np.array([0.5])
        if np.any(numbers != np.floor(numbers)) or np.any(abs(numbers) > MOST_RUNS):
            raise ExperimentError(
                key,
                f"= {shown(spec)} must have at most {_MOST_WHOLE} values, all of them whole"
                " numbers up to 2^53.",
                "Give a list of values.",
            )
        return replace(values, whole=True)
    return values


def _apart(values: Spaced) -> bool:
    """Tell whether neighbours differ by at least the largest unit in the last place."""
    first, last, steps = values.first, values.last, values.count - 1
    if values.kind == "linear":
        # Halves, because the difference of two large numbers may overflow.
        return abs(last / 2 - first / 2) / steps >= math.ulp(max(abs(first), abs(last))) / 2
    return abs(math.log(last) - math.log(first)) / steps >= 2.0**-51


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


_KINDS: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "number": (is_number, "a finite number", "0.1"),
    "whole": (_whole, "a whole number from -2^63 to 2^63", "10"),
    "word": (lambda value: isinstance(value, str), "a name in quotes", '"tanh"'),
}


def _check_kind(key: str, values: list[Any], kind: Kind) -> None:
    """Refuse values of another kind, naming the first of them."""
    tests, wanted, examples = zip(*(_KINDS[part] for part in kind.split(" or ")), strict=True)
    for index, value in enumerate(values):
        if not any(test(value) for test in tests):
            raise ExperimentError(
                f"{key}[{index}]",
                f"= {shown(value)} must be {' or '.join(wanted)}.",
                f"For example: {examples[0]}",
            )


def _parse_zip(spec: Any, axes: Mapping[str, Axis]) -> tuple[tuple[str, ...], ...]:
    if not (isinstance(spec, list) and all(isinstance(g, list) and len(g) > 1 for g in spec)):
        raise ExperimentError(
            "grid.zip",
            f"= {shown(spec)} must be a list of lists of two or more axis names.",
            'For example: zip = [["learning_rate_1", "learning_rate_2"]]',
        )
    names = [name for group in spec for name in group]
    times = Counter(name for name in names if isinstance(name, str))
    for name in names:
        if not isinstance(name, str) or name not in axes:
            raise ExperimentError(
                "grid.zip",
                f"names {shown(name)}, which is not an axis of the grid; its axes are"
                f" {shown(list(axes))}.",
                (nearest(name, axes) if isinstance(name, str) else "") or "Add the axis to [grid].",
            )
        if times[name] > 1:
            raise ExperimentError(
                "grid.zip",
                f"has the axis {shown(name)} more than once; an axis can be in one group only.",
                "Put axes that move together into one list.",
            )
    for group in spec:
        counts = [axes[name].values.count for name in group]
        if len(set(counts)) > 1:
            lengths = ", ".join(f"{n} has {c}" for n, c in zip(group, counts, strict=True))
            raise ExperimentError(
                "grid.zip",
                f"pairs axes of different lengths: {lengths} values.",
                "Zipped axes move together: give them the same number of values.",
            )
    return tuple(tuple(group) for group in spec)


def _refuse_overlaps(axes: Mapping[str, Axis], allowed: Mapping[str, AxisTarget]) -> None:
    """Refuse an axis of all layers beside one of a single layer, which it would overwrite."""
    for name in axes:
        for part in allowed[name].covers:
            if part in axes:
                raise ExperimentError(
                    f"grid.{part}",
                    f"sets a part of what grid.{name} sets; only one of them is allowed.",
                    "Use an axis for each layer, and zip those that move together.",
                )


def _refuse_repeats(dimension: tuple[Axis, ...]) -> None:
    """Refuse repeated values; zipped axes may repeat values, but not combinations of them."""
    columns = [axis.values.values for axis in dimension if isinstance(axis.values, Listed)]
    if len(columns) < len(dimension):
        return  # counted and spaced values are distinct
    values, times = Counter(zip(*columns, strict=True)).most_common(1)[0]
    if times > 1:
        single = len(dimension) == 1
        raise ExperimentError(
            " and ".join(f"grid.{axis.name}" for axis in dimension),
            f"{'has' if single else 'have'} the value {shown(values[0] if single else values)} more"
            " than once.",
            "Give it once; to repeat runs from other initial parameters, add the axis init_id.",
        )
