"""Turn the errors of pydantic into sentences, each about one key."""

import re
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import ExperimentError, shown
from harness.experiment.schema import declared, keys_of
from harness.hints import key_elsewhere, suggest

_Resolved = tuple[str, str, FieldInfo | None, list[str]]


def complaints_of(error: ValidationError, model: type[BaseModel]) -> list[ExperimentError]:
    """Return the errors, one for each key: value, what is allowed, and the closest allowed name.

    Unknown keys come first. A key that is missing because it is misspelt is not reported again.
    """
    found: dict[str, list[tuple[_Resolved, Any]]] = {}
    for detail in error.errors(include_url=False):
        resolved = _resolve(detail["loc"], model)
        found.setdefault(resolved[0] + resolved[1].partition("[")[0], []).append((resolved, detail))
    # A key with several forms has an error for each; the one deepest in the value is of the form
    # that was meant.
    deepest = [max(same, key=lambda one: _indices(one[1]["loc"])) for same in found.values()]
    unknown = [one for one in deepest if one[0][2] is None]
    complaints = [_complaint(resolved, detail, model) for resolved, detail in unknown]
    for resolved, detail in deepest:
        if resolved[2] is not None:
            table, _, last = resolved[0].rpartition(".")
            is_misspelt = detail["type"] == "missing" and any(
                one.key.rpartition(".")[0] == table and shown(last) in one.advice
                for one in complaints
            )
            if not is_misspelt:
                complaints.append(_complaint(resolved, detail, model))
    return complaints


def _complaint(resolved: _Resolved, detail: Any, model: type[BaseModel]) -> ExperimentError:
    """Return the error about a key, as `_resolve` has found it."""
    key, inner, field, siblings = resolved
    table, _, last = key.rpartition(".")
    if field is None:
        elsewhere = " and of ".join(f"[{name}]" for name in sections_with(last, model))
        advice = (
            f"It is a key of {elsewhere}."
            if elsewhere
            else suggest(last, siblings)
            or key_elsewhere(last)
            or f"Keys here are {', '.join(siblings)}."
        )
        return ExperimentError(key, f"is not a key of {table or 'an experiment'}.", advice)
    allowed = declared(field)["allowed"]
    if detail["type"] == "missing":
        return ExperimentError(key, f"is missing; it must be {allowed}.", _missing(key, field))
    value = detail["input"]
    return ExperimentError(
        f"{key}{inner}",
        f"= {shown(value)} is not allowed; {key} must be {allowed}.",
        _advice(value, allowed) or f"Meaning: {field.description}.",
    )


def _indices(location: tuple[int | str, ...]) -> tuple[int, ...]:
    """Return the indices of an element in its lists, the outermost first."""
    return tuple(part for part in location if isinstance(part, int))


def _resolve(location: tuple[int | str, ...], model: type[BaseModel]) -> _Resolved:
    """Follow a location as far as it names keys of the file.

    Return the dotted key, the element inside its value, its field (None: the key is unknown) and
    the keys beside it. For a union, pydantic adds the name of a member to the location, which is
    not part of the file.
    """
    path = []
    section: type[BaseModel] | None = model
    for part in location:
        if section is None:
            break
        path.append(str(part))
        keys = keys_of(section)
        field = keys.get(str(part))
        section = section_of(field) if field else None
    rest = location[len(path) :]
    inner = "".join(f"[{part}]" for part in rest if isinstance(part, int))
    if field is not None and get_origin(field.annotation) is dict:
        inner = "".join(f".{part}" for part in rest[:1])
    return ".".join(path), inner, field, list(keys)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a section; None if the field is another key."""
    model = field.annotation
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def sections_with(key: str, model: type[BaseModel]) -> list[str]:
    """Return the sections that have a key, for one that is in the wrong place."""
    return [
        name
        for name, field in keys_of(model).items()
        if (section := section_of(field)) and key in keys_of(section)
    ]


def _missing(key: str, field: FieldInfo) -> str:
    """Say where to add a missing key, or which keys a missing section needs."""
    table, _, last = key.rpartition(".")
    section = section_of(field)
    if section is None:
        where = f"to [{table}]" if table else "at the top"
        return f"Add {last} = ... {where}: {field.description}."
    needed = [name for name, inner in keys_of(section).items() if inner.is_required()]
    return f"Add [{key}]" + (f" with {' and '.join(needed)}." if needed else ".")


def _advice(value: Any, allowed: str) -> str:
    """Suggest a correction of a value with the wrong type or spelling; may be empty."""
    if isinstance(value, str):
        if "number" in allowed and re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", value):
            return "Write numbers without quotes."
        if value.lower() in ("true", "false") and "true" in allowed:
            return "Write true and false in lower case and without quotes."
        words = re.findall(r'"([^"]+)"', allowed)
        return (
            f"Write it in brackets: [{shown(value)}]" if value in words else suggest(value, words)
        )
    if isinstance(value, dict) and value:
        names = re.findall(r"\{ (\w+) =", allowed)
        return "" if next(iter(value)) in names else suggest(str(next(iter(value))), names)
    if isinstance(value, float) and value.is_integer() and "whole number" in allowed:
        return f"Write a whole number without a point: {shown(int(value))}"
    return ""
