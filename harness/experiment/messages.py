"""What pydantic found wrong, as one sentence of ours about one key."""

import re
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import ExperimentError, shown
from harness.experiment.schema import allowed_values, keys_of
from harness.hints import key_elsewhere, suggest


def first_complaint(error: ValidationError, model: type[BaseModel]) -> ExperimentError:
    """Return the first thing that is wrong: key, value, what is allowed, the nearest right name."""
    found = [(_resolve(detail["loc"], model), detail) for detail in error.errors(include_url=False)]
    # Unknown keys first: a misspelt key is often why another one is missing.
    first = min(found, key=lambda one: one[0][2] is not None)
    # A key with several forms has an error in each; meant is the form that was right the longest.
    same = (one for one in found if one[0][0] == first[0][0])
    (key, inner, field, siblings), detail = max(same, key=lambda one: _place(one[1]["loc"]))
    table, _, last = key.rpartition(".")
    if field is None:
        elsewhere = _sections_with(last, model)
        advice = (
            f"It is a key of {elsewhere}."
            if elsewhere
            else suggest(last, siblings)
            or key_elsewhere(last)
            or f"Keys here are {', '.join(siblings)}."
        )
        return ExperimentError(key, f"is no key of {table or 'an experiment'}.", advice)
    allowed = allowed_values(field)
    if detail["type"] == "missing":
        return ExperimentError(key, f"is missing; it must be {allowed}.", _missing(key, field))
    value = detail["input"]
    return ExperimentError(
        f"{key}{inner}",
        f"= {shown(value)} is not allowed; {key} must be {allowed}.",
        _advice(value, allowed) or f"It means: {field.description}.",
    )


def _place(location: tuple[int | str, ...]) -> tuple[int, ...]:
    """Return the indices of an element in its lists, the outermost first."""
    return tuple(part for part in location if isinstance(part, int))


def _resolve(
    location: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[str, str, FieldInfo | None, list[str]]:
    """Follow a location as far as it names keys of the file.

    Return the dotted key, the place inside its value, its field (none: the key is unknown) and
    the keys beside it. A union adds the name of each type that it could have been to the
    location: that is no place in the file.
    """
    path = []
    for part in location:
        path.append(str(part))
        keys = keys_of(model)
        siblings = list(keys)
        field = keys.get(str(part))
        section = field.annotation if field else None
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            break
        model = section
    rest = location[len(path) :]
    inner = "".join(f"[{part}]" for part in rest if isinstance(part, int))
    if field is not None and get_origin(field.annotation) is dict:
        inner = "".join(f".{part}" for part in rest[:1])
    return ".".join(path), inner, field, siblings


def _sections_with(key: str, model: type[BaseModel]) -> str:
    """Name the sections that have a key which was written in another place."""
    sections = [
        f"[{name}]"
        for name, field in keys_of(model).items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, BaseModel)
        and key in keys_of(field.annotation)
    ]
    return " and of ".join(sections)


def _missing(key: str, field: FieldInfo) -> str:
    """Say where a key has to be added, or which keys a section needs."""
    table, _, last = key.rpartition(".")
    if table:
        return f"Add {last} = ... to [{table}]; it says: {field.description}."
    section = field.annotation
    if not (isinstance(section, type) and issubclass(section, BaseModel)):
        return f"Add {last} = ... at the top; it says: {field.description}."
    needed = [name for name, inner in keys_of(section).items() if inner.is_required()]
    return f"Add [{key}]" + (f" with {' and '.join(needed)}." if needed else ".")


def _advice(value: Any, allowed: str) -> str:
    """Guess what was meant by a value of the wrong type or spelling."""
    if isinstance(value, str):
        if "number" in allowed and re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", value):
            return "Numbers are written without quotes."
        if value.lower() in ("true", "false") and "true" in allowed:
            return "true and false are written in small letters and without quotes."
        words = re.findall(r'"([^"]+)"', allowed)
        return (
            f"Write it in brackets: [{shown(value)}]" if value in words else suggest(value, words)
        )
    if isinstance(value, dict) and value:
        names = re.findall(r"\{ (\w+) =", allowed)
        return "" if next(iter(value)) in names else suggest(str(next(iter(value))), names)
    if isinstance(value, float) and value.is_integer() and "whole number" in allowed:
        return f"A whole number is written without a point: {shown(int(value))}"
    return ""
