"""Conditions on the rows of a table, such as ``status == 'diverged' and ssr_final > 1``.

pandas evaluates them as in ``DataFrame.query``, so its rules hold, including those for NaN. Only
comparisons, logic and arithmetic on columns reach it: no attributes, no ``@variables``, and no call
except ``abs``.
"""

import ast
import math
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.errors import HarnessError, shown
from harness.hints import suggest

_ALLOWED = (
    "A condition consists of columns, numbers, inf, quoted texts, == != < <= > >= in, and or not,"
    " + - * / // %, abs(x) and parentheses; after in, a list."
)
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr)
_LISTS = (ast.List, ast.Tuple)


class Missed(NamedTuple):
    """A number that a condition asks for and no row has, and the nearest one in that column."""

    column: str
    wanted: float
    nearest: float


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on rows.

    Attributes
    ----------
    text : str
        The condition, on one line.
    columns : frozenset of str
        The columns that it names.
    equals : tuple of (str, float)
        The columns that it compares with a number by ``==``, and these numbers.
    """

    text: str
    columns: frozenset[str]
    equals: tuple[tuple[str, float], ...]

    def __and__(self, other: "Condition") -> "Condition":
        """Return the condition that both are true."""
        text = f"({self.text}) and ({other.text})"
        return Condition(text, self.columns | other.columns, self.equals + other.equals)

    def filter(self, rows: pa.Table) -> pa.Table:
        """Return the rows that satisfy the condition.

        Raises
        ------
        HarnessError
            pandas cannot evaluate it, or does not return a boolean column.
        """
        frame: pd.DataFrame = rows.select(sorted(self.columns)).to_pandas(use_threads=False)
        try:
            with np.errstate(all="ignore"):
                holds = frame.eval(self.text, engine="python")
        except RecursionError:
            raise _too_deep() from None
        except Exception as error:  # of any type, from the operators of the columns
            raise _wrong(self.text, f"cannot be evaluated: {error}", _ALLOWED) from None
        if not (isinstance(holds, pd.Series) and holds.dtype == bool):
            advice = "Quote texts, but not columns: status == 'diverged', epochs > 5"
            raise _wrong(self.text, "does not compare columns", advice)
        return rows.filter(pa.array(holds))

    def missed(self, read: Callable[[str], Iterable[pa.Table]]) -> Iterator[Missed]:
        """Yield the numbers that the condition asks for by ``==`` and no row has.

        `read` reads one column of the table, in pieces.
        """
        for name, value in self.equals:
            closest = math.inf
            for rows in read(name):
                here = rows[name].to_numpy()
                if here.dtype.kind == "O":  # a text equals no number
                    break
                here = here[np.isfinite(here)]
                if here.size:
                    found = here[np.abs(here - value).argmin()].item()
                    closest = min(closest, found, key=lambda number: abs(number - value))
            if closest not in (value, math.inf):
                yield Missed(name, value, closest)


def parse_condition(text: str, columns: Collection[str]) -> Condition:
    """Return the condition that a user wrote.

    Parameters
    ----------
    text : str
        The condition.
    columns : collection of str
        The columns that it may name.

    Raises
    ------
    HarnessError
        It cannot be read, names an unknown column, or contains more than comparisons, logic and
        arithmetic.

    Examples
    --------
    >>> found = parse_condition(
    ...     "0.1 == learning_rate and (epochs > 5)", ["learning_rate", "epochs"]
    ... )
    >>> found.text, found.equals
    ('0.1 == learning_rate and epochs > 5', (('learning_rate', 0.1),))
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarnings about code rejected below
            tree = ast.parse(text.strip(), mode="eval").body
        nodes = list(ast.walk(tree))
        names = {node.id for node in nodes if isinstance(node, ast.Name)} - {"abs", "inf"}
        for node in nodes:
            if not _is_allowed(node):
                raise _wrong(ast.unparse(node), "is not allowed", _ALLOWED)
        equals = tuple(_equals(nodes))
        text = ast.unparse(tree)  # on one line: pandas would evaluate each line by itself
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, a lone surrogate
        at = getattr(error, "offset", None)
        problem = f"cannot be read at character {at}" if at else "cannot be read"
        example = "For example: --where \"status == 'diverged' and learning_rate > 0.1\""
        raise _wrong(text, problem, example) from None
    except (RecursionError, MemoryError):  # thousands of operators or parentheses
        raise _too_deep() from None
    for name in sorted(names - set(columns)):
        known = suggest(name, columns) or f"Columns are {shown(list(columns))}."
        raise HarnessError(
            f"--where names the column {shown(name)}, which does not exist.\n"
            f"{known} A text is quoted: '{name}'."
        )
    return Condition(text, frozenset(names), equals)


def _is_allowed(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=value):
            return type(value) in (int, float, str)
        case ast.BinOp(op=op):
            return isinstance(op, _ARITHMETIC)
        case ast.Compare(ops=ops, comparators=values):
            if any(isinstance(op, ast.Is | ast.IsNot) for op in ops):
                return False
            # A column after `in` would be that of one chunk only.
            pairs = zip(ops, values, strict=True)
            return all(
                isinstance(v, _LISTS) for op, v in pairs if isinstance(op, ast.In | ast.NotIn)
            )
        case ast.List(elts=items) | ast.Tuple(elts=items):
            # pandas accepts expressions in a list but never matches them.
            return all(isinstance(item, ast.Constant | ast.Name | ast.UnaryOp) for item in items)
        case ast.Call(func=ast.Name(id="abs"), args=[argument], keywords=[]):
            return not isinstance(argument, ast.Starred)
    return isinstance(node, ast.BoolOp | ast.UnaryOp | ast.Name) or not isinstance(node, ast.expr)


def _equals(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, float]]:
    """Yield the columns that are compared with a number by ``==``, and these numbers."""
    for node in nodes:
        match node:
            case (
                ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[other])
                | ast.Compare(left=other, ops=[ast.Eq()], comparators=[ast.Name(id=name)])
            ):
                with suppress(ValueError):  # from literal_eval, if it is not a literal
                    value = ast.literal_eval(other)
                    if isinstance(value, int | float) and -(2**63) <= value < 2**63:
                        yield name, value


def _wrong(piece: str, problem: str, advice: str) -> HarnessError:
    return HarnessError(f"--where: {shown(piece)} {problem}.\n{advice}")


def _too_deep() -> HarnessError:
    return HarnessError(
        "--where is too long, or nested too deep.\n"
        "Write several values as a list: run_id in [1, 2, 3]"
    )
