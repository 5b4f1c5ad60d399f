"""What pydantic found wrong, as one sentence of ours about one key."""

import re

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import ExperimentError, nearest, shown


def first_complaint(error: ValidationError, model: type[BaseModel]) -> ExperimentError:
    """Return the first thing that is wrong: key, value, what is allowed, the nearest right name."""
    # Unknown keys first: a misspelt key is often why another one is missing.
    detail = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    key, inner, field, siblings = _resolve(detail["loc"], model)
    if detail["type"] == "extra_forbidden":
        table, _, last = key.rpartition(".")
        return ExperimentError(
            key,
            f"is no key of {table or 'an experiment'}.",
            nearest(last, siblings) or f"Keys here are {', '.join(siblings)}.",
        )
    extra = field.json_schema_extra if field else None
    allowed = str(extra["allowed"]) if isinstance(extra, dict) else "a value of this type"
    if detail["type"] == "missing":
        return ExperimentError(key, f"is missing; it must be {allowed}.")
    value = detail["input"]
    words = re.findall(r'"([^"]+)"', allowed)
    return ExperimentError(
        f"{key}{inner}",
        f"= {shown(value)} is not allowed; {key} must be {allowed}.",
        nearest(value, words) if isinstance(value, str) else "",
    )


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
        siblings = list(model.model_fields)
        field = model.model_fields.get(str(part))
        section = field.annotation if field else None
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            break
        model = section
    rest = location[len(path) : len(path) + 1]
    inner = "".join(f"[{part}]" for part in rest if isinstance(part, int))
    if path[-1] == "parameters" and rest:
        path.append(str(rest[0]))
    return ".".join(path), inner, field, siblings
