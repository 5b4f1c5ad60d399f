"""Write `harness/experiment/objects.pyi`, the types of keyword arguments: `make docs` runs it.

The classes of that module are made from the schema when it is imported, so type checkers and
editors cannot read them.
"""

import inspect
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.experiment import objects
from harness.experiment.schema import OneOf, TrainingSection, keys_of
from harness.experiment.sections import SECTIONS, Entry, SectionObject, TableObject

STUB = Path(objects.__file__).with_suffix(".pyi")

_HEAD = '''"""Types of the keyword arguments of `objects`. `make docs` writes this file."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal

from harness.experiment.sections import Entry, GivenData, SectionObject, TableObject

'''

# Signatures of what is written by hand: columns can be any kind of array.
_DATA = {"inputs": "Any", "targets": "Any", "file": "str | PathLike[str]"}


def typed(annotation: Any, metadata: Iterable[Any] = ()) -> list[str]:
    """Return the types of an argument, as they are written, from those of a key.

    >>> typed(tuple[float, ...] | None), typed(Literal["all"] | int)
    (['Sequence[float]', 'None'], ["Literal['all']", 'int'])
    """
    names = [list(one.names) for one in metadata if isinstance(one, OneOf)]
    if names:
        return [f"Literal[{', '.join(map(repr, names[0]))}]"]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return typed(arguments[0], arguments[1:])
    if origin in (Union, UnionType):
        return list(dict.fromkeys(one for part in arguments for one in typed(part)))
    if origin is Literal:
        return [f"Literal[{', '.join(map(repr, arguments))}]"]
    if origin is tuple:
        return [f"Sequence[{' | '.join(typed(arguments[0]))}]"]
    if origin is dict:
        key, value = (" | ".join(typed(part)) for part in arguments)
        return [f"Mapping[{key}, {value}]"]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = [typed(field.annotation, field.metadata) for field in keys_of(annotation).values()]
        return [f"Mapping[str, {' | '.join(dict.fromkeys(one for part in inner for one in part))}]"]
    return ["None" if annotation is NoneType else annotation.__name__]


def argument(name: str, field: FieldInfo, extra: str = "", *, required: bool) -> str:
    """Return a keyword argument with its type."""
    types = " | ".join(typed(field.annotation, field.metadata)) + extra
    return f"{name}: {types}{'' if required else ' = ...'}"


def arguments_of(made: type[TableObject]) -> list[str]:
    """Return the arguments of a class, from the section that has them."""
    if issubclass(made, Entry):
        keys = keys_of(TrainingSection)
        return ["*", *(argument(s, keys[s], required=False) for s in signature(made))]
    if not issubclass(made, SectionObject):
        return ["**axes: Any"]
    listed = ["first: Any = ...", "second: Any = ...", "/"] if made is objects.Data else []
    previous: Any = None
    for name, parameter in signature(made).items():
        field = keys_of(SECTIONS[made.section])[name]
        if parameter.kind is parameter.KEYWORD_ONLY and previous is not parameter.kind:
            listed.append("*")
        previous = parameter.kind
        required = parameter.default is parameter.empty
        if made is objects.Data and name in _DATA:
            listed.append(f"{name}: {_DATA[name]} = ...")
            continue
        extra = ""
        if made is objects.Network and name == "activations":
            extra = " | " + " | ".join(typed(*_element_of(field)))
        elif made is objects.Training and name == "optimiser":
            extra = " | Entry"
        listed.append(argument(name, field, extra, required=required))
    return listed


def _element_of(field: FieldInfo) -> tuple[Any, tuple[Any, ...]]:
    """Return the type of an element of a list."""
    element = get_args(field.annotation)[0]
    return get_args(element)[0], get_args(element)[1:]


def signature(made: type[TableObject]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class."""
    return dict(inspect.signature(made).parameters)


def stub() -> str:
    """Return the text of the stub file, formatted by ruff."""
    parts = [_HEAD]
    for made in (one for one in vars(objects).values() if isinstance(one, type)):
        if made.__module__ == objects.__name__:
            base = made.__bases__[0].__name__
            docstring = indent(f'r"""{made.__doc__}"""', "    ")
            arguments = ", ".join(["self", *arguments_of(made)])
            parts.append(f"class {made.__name__}({base}):\n{docstring}\n")
            parts.append(f"    def __init__({arguments}) -> None: ...\n\n")
    for function in (one for one in vars(objects).values() if inspect.isfunction(one)):
        if function.__module__ == objects.__name__ and not function.__name__.startswith("_"):
            docstring = indent(f'"""{inspect.getdoc(function)}\n"""', "    ")
            arguments = str(inspect.signature(function)).replace("typing.", "")
            parts.append(f"def {function.__name__}{arguments}:\n{docstring}\n\n")
    parts.append("OPTIMISER_CLASSES: dict[str, type[Entry]]\n")
    ruff = [str(Path(sys.executable).with_name("ruff")), "format", "--stdin-filename", str(STUB)]
    formatted = subprocess.run(
        [*ruff, "-"], input="".join(parts), capture_output=True, text=True, check=True
    )
    return formatted.stdout


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8", newline="\n")
