"""The tables of an experiment file as objects of Python; `objects` has one class for each.

The keys are the keyword arguments, and are checked as those of a file are, with the same messages.
Signatures and docstrings are made from the schema.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from inspect import Parameter, Signature, cleandoc
from math import inf
from pathlib import Path
from textwrap import fill, indent
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import ExperimentError, shown
from harness.experiment.messages import complaints_of, section_of
from harness.experiment.schema import ExperimentFile, declared, keys_of
from harness.experiment.tables import as_frame, has_names
from harness.hints import suggest
from harness.kernels.optimisers import OPTIMISERS

SECTIONS: dict[str, type[BaseModel]] = {
    name: model for name, field in keys_of(ExperimentFile).items() if (model := section_of(field))
}


class TableObject:
    """A table of an experiment file, or a part of one: keys by keyword, and immutable."""

    __slots__ = ("_keys",)

    _keys: dict[str, Any]

    def _keep(self, keys: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_keys", dict(keys))

    def keys_of_file(self) -> dict[str, Any]:
        """Return the keys as in a file, without those that are left out."""
        return dict(self._keys)

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(self).__name__
        raise AttributeError(f"{kind} is immutable; make another one, as in {kind}({name}=...)")

    def __repr__(self) -> str:
        arguments = (f"{name}={value!r}" for name, value in self._keys.items())
        return f"{type(self).__name__}({', '.join(arguments)})"


class SectionObject(TableObject):
    """A section of an experiment file."""

    __slots__ = ()

    section: ClassVar[str]

    def __init__(self, **keys: Any) -> None:
        self._keep(self._checked(keys))

    def _checked(self, keys: Mapping[str, Any], *, has_table: bool = False) -> dict[str, Any]:
        """Return the keys as in a file; raise an ExperimentError unless they are valid."""
        given = self._with_settings(keys)
        try:
            SECTIONS[self.section].model_validate(given, context={"has_table": has_table})
        except ValidationError as error:
            raise complaints_of(error, ExperimentFile, within=self.section)[0] from None
        return given

    def _with_settings(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return plain keys: an object such as ``Adam(beta1=0.8)`` is a name and settings."""
        given = {name: plain(value) for name, value in keys.items()}
        for name, value in keys.items():
            if isinstance(value, Entry) and value.owner == f"{self.section}.{name}":
                settings = value.keys_of_file()
                for twice in settings.keys() & keys.keys():
                    raise ExperimentError(
                        f"{self.section}.{twice}",
                        f"is given twice: by itself, and in {name} = {value!r}.",
                        "Remove one of them.",
                    )
                given |= {name: value.name, **settings}
        return given


class Entry(TableObject):
    """An entry of a table, such as an optimiser, with its settings.

    Its settings are keys of a section. They are checked as such.
    """

    __slots__ = ()

    name: ClassVar[str]
    owner: ClassVar[str] = "training.optimiser"

    def __init__(self, **settings: Any) -> None:
        section, _, key = self.owner.partition(".")
        allowed = [setting.name for setting in OPTIMISERS[self.name].all_settings]
        for unknown in settings.keys() - set(allowed):
            raise ExperimentError(
                f"{section}.{unknown}",
                f"is not a setting of {self.name}.",
                suggest(unknown, allowed) or f"Its settings are {', '.join(allowed)}.",
            )
        given = {name: plain(value) for name, value in settings.items()}
        needed = {"epochs": 0, "learning_rate": 0.0}
        try:
            SECTIONS[section].model_validate(given | needed | {key: self.name})
        except ValidationError as error:
            raise complaints_of(error, ExperimentFile, within=section)[0] from None
        self._keep(given)


class GivenData(SectionObject):
    """The section [data], which can also have a table of Python."""

    __slots__ = ("_table",)

    section = "data"

    _table: pd.DataFrame | None

    def __init__(self, *given: Any, **keys: Any) -> None:
        if len(given) > 2:
            raise TypeError(
                f"Data takes a table, or inputs and targets; {len(given)} positional arguments were"
                " given"
            )
        table = None
        is_pair = {"inputs", "targets"} <= keys.keys() and not {"file", "generator"} & keys.keys()
        if len(given) == 2 or (not given and is_pair):
            if given and (twice := keys.keys() & {"inputs", "targets"}):
                raise TypeError(f"Data has got two values for {min(twice)}")
            inputs, targets = given or (keys.pop("inputs"), keys.pop("targets"))
            table, columns = side_by_side(inputs, targets)
            keys = columns | keys
        elif given:
            # Without data: copies are made when one of the two is changed.
            table = as_frame(given[0], "data").copy(deep=False)
        self._keep(self._checked(keys, has_table=table is not None))
        object.__setattr__(self, "_table", table)

    @property
    def table(self) -> pd.DataFrame | None:
        """The table of Python; None if there is none."""
        return self._table

    def __repr__(self) -> str:
        if self._table is None:
            return super().__repr__()
        rows, columns = self._table.shape
        return super().__repr__().replace("(", f"(<table of {rows} x {columns}>, ", 1)


def side_by_side(inputs: Any, targets: Any) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Return inputs and targets as one table, and which of its columns are which.

    Columns without names get names, such as x1, if others have some.
    """
    x, y = as_frame(inputs, "data.inputs"), as_frame(targets, "data.targets")
    if len(x) != len(y):
        raise ExperimentError(
            "data.targets",
            f"has {len(y)} data points and data.inputs has {len(x)}; there must be one target for"
            " each input.",
            "Add the missing ones, or remove the others.",
        )
    if has_names(x) != has_names(y):
        x, y = (
            part if has_names(part) else part.set_axis(numbered(letter, part.shape[1]), axis=1)
            for letter, part in (("x", x), ("y", y))
        )
    # By position: a split leaves rows with any labels.
    table = pd.concat([x.reset_index(drop=True), y.reset_index(drop=True)], axis=1)
    if not has_names(x):
        table.columns = pd.RangeIndex(table.shape[1])
    last, of_inputs = table.shape[1], x.shape[1]
    columns = {"inputs": _range(1, of_inputs), "targets": _range(of_inputs + 1, last)}
    return table, columns


def numbered(letter: str, count: int) -> list[str]:
    """Name columns.

    >>> numbered("y", 1), numbered("y", 2)
    (['y'], ['y1', 'y2'])
    """
    return [letter] if count == 1 else [f"{letter}{number}" for number in range(1, count + 1)]


def _range(first: int, last: int) -> list[str]:
    return [f"{first}-{last}"] if first < last else [f"{first}"]


def plain(value: Any) -> Any:
    """Return a value as TOML has it: arrays, tuples and ranges are lists, paths are texts.

    >>> plain({"log": (np.float64(0.1), 1), "count": np.int64(3)})
    {'log': [0.1, 1], 'count': 3}
    """
    if isinstance(value, np.ndarray | np.generic | pd.Series | pd.Index):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return str(value) if isinstance(value, Path) else value


def keys_as_given(value: Any) -> Any:
    """Return the keys of an object; anything else as it is."""
    return value.keys_of_file() if isinstance(value, TableObject) else value


def spread(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes of keys as plain values: an optimiser is changed with its settings.

    >>> spread({"training.epochs": np.int64(5)})
    {'training.epochs': 5}
    """
    found: dict[str, Any] = {}
    for name, value in changes.items():
        keys = plain(keys_as_given(value))
        if isinstance(value, Entry) and value.owner == name:
            section = name.partition(".")[0]
            found |= {name: value.name, **{f"{section}.{key}": keys[key] for key in keys}}
        else:
            found[name] = keys
    return found


# -- signatures and docstrings ---------------------------------------------------------------------

_Class = TypeVar("_Class", bound=type[SectionObject])


class Keyword(NamedTuple):
    """A keyword argument of a class: a key of a section, or a setting of an optimiser."""

    name: str
    allowed: str
    says: str
    default: Any  # Parameter.empty if it is required


def of_section(name: str, positional: Container[str] = ()) -> Callable[[_Class], _Class]:
    """Give a class the keys of a section: its signature, and the parameters in its docstring.

    Those that are `positional` may be given without a keyword, too.
    """

    def complete(made: _Class) -> _Class:
        made.section = name
        describe(made, [_keyword(*one) for one in keys_of(SECTIONS[name]).items()], positional)
        return made

    return complete


def _keyword(name: str, field: FieldInfo) -> Keyword:
    default = field.default.model_dump() if isinstance(field.default, BaseModel) else field.default
    return Keyword(
        name=name,
        allowed=declared(field)["allowed"],
        says=field.description or "",
        default=Parameter.empty if field.is_required() else default,
    )


def describe(
    made: type[TableObject], keywords: Sequence[Keyword], positional: Container[str] = ()
) -> None:
    """Set the signature of a class, and insert the parameters into its docstring."""
    made.__signature__ = Signature(  # type: ignore[attr-defined]  # `inspect` looks for it
        [
            Parameter(
                keyword.name,
                Parameter.POSITIONAL_OR_KEYWORD
                if keyword.name in positional
                else Parameter.KEYWORD_ONLY,
                default=keyword.default,
            )
            for keyword in keywords
        ]
    )
    summary, examples, rest = cleandoc(made.__doc__ or "").partition("Examples\n")
    parameters = "\n".join(["Parameters", "----------", *map(_documented, keywords)])
    made.__doc__ = f"{summary.rstrip()}\n\n{parameters}\n\n{examples}{rest}".rstrip() + "\n"


def _documented(keyword: Keyword) -> str:
    """Return the lines on a keyword argument in a docstring."""
    allowed = fill(f"{keyword.name} : {keyword.allowed}", 88, subsequent_indent="  ")
    says = f"{keyword.says[:1].upper()}{keyword.says[1:]}"
    if keyword.default not in (Parameter.empty, None, (), {}, "", inf):
        says += f"; by default {shown(keyword.default)}"
    return f"{allowed}\n{indent(fill(f'{says}.', 84), '    ')}"
