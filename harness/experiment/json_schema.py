"""The JSON Schema of an experiment file, by which editors complete, explain and check its keys.

Every file that harness accepts is valid by it. Checks that involve several keys are not in it, so
harness refuses some files that are valid. `make docs` writes it to `FILE`, which is in the wheel.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from harness.errors import shown
from harness.experiment.axes import SECTIONS, AxisTarget, allowed_axes
from harness.experiment.checks import build_network
from harness.experiment.draws import METHODS, MOST_DRAWN
from harness.experiment.messages import section_of
from harness.experiment.parse_grid import MOST_RUNS
from harness.experiment.schema import ExperimentFile, NetworkSection, OnlyFor, declared, keys_of

FILE = Path(__file__).with_name("experiment.schema.json")

Schema = dict[str, Any]

_COUNT = {"type": "integer", "minimum": 1, "maximum": MOST_RUNS}
_DRAWN = {"type": "integer", "minimum": 1, "maximum": MOST_DRAWN}
_SEED = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_LAYER = r"_[1-9][0-9]*"


def as_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def json_schema() -> Schema:
    """Return the schema of an experiment file, in draft 2020-12."""
    properties = {}
    for name, field in keys_of(ExperimentFile).items():
        model = section_of(field)
        if name == "grid":
            properties[name] = _grid()
        elif model is None:
            properties[name] = _key(field)
        else:
            properties[name] = {"description": _sentence(model.__doc__ or ""), **_table(model)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Experiment file of harness",
        "description": "A sweep: a network, its data, the training, the initial parameters, the"
        " grid of settings to try, and what to record.",
        "type": "object",
        "properties": properties,
        # The name of the file can replace the name.
        "required": [name for name in _required(ExperimentFile) if name != "name"],
        "additionalProperties": False,
    }


def _table(model: type[BaseModel]) -> Schema:
    """Return the schema of a section."""
    table: Schema = {
        "type": "object",
        "properties": {name: _key(field) for name, field in keys_of(model).items()},
        "additionalProperties": False,
    }
    if required := _required(model):
        table["required"] = required
    return table


def _required(model: type[BaseModel]) -> list[str]:
    return [name for name, field in keys_of(model).items() if field.is_required()]


def _key(field: FieldInfo) -> Schema:
    """Return the schema of a key: meaning, allowed values and default as text, then its type."""
    lines = [_sentence(field.description or ""), f"Allowed: {declared(field)['allowed']}."]
    default = _default(field)
    found = {} if default is None else {"default": default}
    # The meaning of a setting says its defaults.
    if found and declared(field)["only_for"] is None:
        lines.append(f"Default: {shown(default)}.")
    return {"description": "\n\n".join(lines), **found, **_type_of(field)}


def _default(field: FieldInfo) -> Any:
    """Return the default of a key, or of a setting that has only one; None if there is none."""
    if field.is_required():
        return None
    only_for: OnlyFor | None = declared(field)["only_for"]
    if only_for is None:
        return TypeAdapter(Any).dump_python(field.default, mode="json")
    value, *others = set(only_for.defaults.values())
    return None if others or math.isinf(value) else value


def _sentence(phrase: str) -> str:
    return f"{phrase[:1].upper()}{phrase[1:].rstrip('.')}."


def _type_of(field: FieldInfo) -> Schema:
    """Return the schema of the values of a key."""
    annotation: Any = field.annotation
    for mark in field.metadata:
        annotation = Annotated[annotation, mark]
    found = TypeAdapter(annotation).json_schema()
    return _plain(found, found.pop("$defs", {}))


def _plain(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Simplify a schema of pydantic: no references, no titles of its own, and no null.

    TOML has no null. Tables with a few allowed names list them as their keys.
    """
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    plain = {name: part for name, part in schema.items() if name != "title"}
    if "items" in plain:
        plain["items"] = _plain(plain["items"], definitions)
    if "properties" in plain:
        plain["properties"] = {k: _plain(p, definitions) for k, p in plain["properties"].items()}
    if "propertyNames" in plain:
        values = _plain(plain["additionalProperties"], definitions)
        plain["properties"] = dict.fromkeys(plain.pop("propertyNames")["enum"], values)
        plain["additionalProperties"] = False
        plain.pop("maxProperties", None)
    if "anyOf" in plain:
        return _any_of(_plain(form, definitions) for form in plain["anyOf"])
    return plain


def _any_of(forms: Iterable[Schema]) -> Schema:
    """Return a schema that allows one of several forms, except for null."""
    several = [form for form in forms if form.get("type") != "null"]
    return several[0] if len(several) == 1 else {"anyOf": several}


# -- axes ------------------------------------------------------------------------------------------


def _grid() -> Schema:
    """Return the schema of [grid], with an axis for each key that may have one."""
    # A network with a hidden layer has all kinds of axes.
    network = build_network(NetworkSection(layers=(1, 1, 1), activations=("tanh", "tanh")))
    named = allowed_axes(network).named
    properties, patterns = _axes(named, _axis_forms)
    properties["sample"] = _sample(*_axes(named, _range_forms))
    properties["zip"] = {
        "description": "Axes that move together.\n\nAllowed: a list of lists of two or more axis"
        ' names, such as [["learning_rate_1", "learning_rate_2"]].',
        "type": "array",
        "items": {"type": "array", "items": {"type": "string"}, "minItems": 2},
    }
    return {
        "description": "Axes of the sweep.\n\nThe runs are all combinations of their values; those"
        " of the first axis change fastest.",
        "type": "object",
        "properties": properties,
        "patternProperties": patterns,
        "additionalProperties": False,
    }


Forms = Callable[[list[Schema]], list[Schema]]


def _axes(named: Mapping[str, AxisTarget], forms: Forms) -> tuple[Schema, Schema]:
    """Return the schemas of axes by name, and by pattern for those of a layer or parameter."""
    properties, patterns = {}, {}
    for name, target in named.items():
        axis = _axis(name, target, forms)
        if len(target.positions) == 1 and (stem := re.sub(r"_\d+$", "", name)) != name:
            patterns[f"^{stem}{_LAYER}$"] = axis
        else:
            properties[name] = axis
    patterns["^[wb][1-9][0-9]*$"] = {
        "description": "Axis of the initial value of a parameter.",
        **_any_of(forms([{"type": "number"}])),
    }
    return properties, patterns


def _sample(ranges: Schema, patterns: Schema) -> Schema:
    """Return the schema of [grid.sample], with the ranges of its axes."""
    method = {"description": "How points are drawn; random by default.", "enum": [*METHODS]}
    return {
        "description": "Points of several axes, drawn together.",
        "type": "object",
        "properties": {"count": _DRAWN, "seed": _SEED, "method": method, **ranges},
        "patternProperties": patterns,
        "required": ["count"],
        "minProperties": 2,
        "additionalProperties": False,
    }


def _axis(name: str, target: AxisTarget, axis_forms: Forms) -> Schema:
    """Return the schema of an axis; its values are of the type of the key that it sets."""
    field = keys_of(SECTIONS[target.section])[target.key]
    whole = _type_of(field)
    forms = whole.get("anyOf", [whole])
    if target.positions:
        items = [form["items"] for form in forms if form["type"] == "array"]
        forms = [form for item in items for form in item.get("anyOf", [item])]
    types = {"number": "number", "whole": "integer", "word": "string"}
    kinds = {types[kind] for kind in target.kind.split(" or ")}
    values = [form for form in forms if form["type"] in kinds]
    where = ""
    if target.positions:
        in_one = len(target.positions) == 1 and re.search(r"_\d+$", name)
        where = " in one layer" if in_one else " in all layers that may differ"
    says = f"Axis of `{target.dotted}`{where}: {field.description}."
    # A number of initialisations stands for the ids from 0 on.
    starts = [_COUNT] if name == "init_id" and axis_forms is _axis_forms else []
    return {"description": says, **_any_of([*starts, *axis_forms(values)])}


def _axis_forms(values: list[Schema]) -> list[Schema]:
    """Return the forms of an axis whose values have one of several types."""
    listed = {"type": "array", "items": _any_of(values), "minItems": 1}
    keys: Schema = {"values": listed}
    forms: list[Schema] = [{"required": ["values"], "maxProperties": 1}]
    if numbers := [value for value in values if value["type"] != "string"]:
        above_0 = [
            number if number.get("minimum", 0) > 0 else {**number, "exclusiveMinimum": 0}
            for number in numbers
        ]
        keys |= {"linear": _ends(numbers), "log": _ends(above_0), "count": _COUNT}
        keys |= {"random": _ends(numbers), "normal": _ends([{"type": "number"}])}
        keys |= {"scale": {"enum": ["linear", "log"]}, "seed": _SEED}
        forms += [{"required": [kind, "count"], "maxProperties": 2} for kind in ("linear", "log")]
        forms += [
            {
                "required": [kind, "count"],
                "properties": {"count": _DRAWN},
                "propertyNames": {"enum": [kind, "count", "scale", "seed"]},
            }
            for kind in ("random", "normal")
        ]
    table = {"type": "object", "properties": keys, "additionalProperties": False, "oneOf": forms}
    return [listed, table]


def _range_forms(values: list[Schema]) -> list[Schema]:
    """Return the forms of an axis of a sample whose values have one of several types."""
    listed = {"type": "array", "items": _any_of(values), "minItems": 1}
    numbers = [value for value in values if value["type"] != "string"]
    if not numbers:
        return [listed]
    ends = {"linear": _ends(numbers), "log": _ends(numbers)}
    one = {"minProperties": 1, "maxProperties": 1}
    return [listed, {"type": "object", "properties": ends, "additionalProperties": False, **one}]


def _ends(numbers: list[Schema]) -> Schema:
    """Return the schema of the first and the last value of an axis."""
    return {"type": "array", "items": _any_of(numbers), "minItems": 2, "maxItems": 2}
