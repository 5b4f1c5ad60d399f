"""Conditions on the rows of a table, such as ``status == "diverged" and ssr_final > 1``.

They are written as in Python and read by its parser, but nothing of them is ever run: the few forms
that a condition may have become an expression of pyarrow, and everything else is refused.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import HarnessError, shown
from harness.hints import suggest

# What a person writes is far below; what is beyond could exhaust the stack of the parser.
_MOST_CHARACTERS = 10_000
_DEEPEST = 50

_ALLOWED = (
    "A condition has columns, numbers, inf, nan, texts in quotes, == != < <= > >= in, and or not,"
    " + - * /, abs(x), isfinite(x), isnan(x), and parentheses."
)

# Whole numbers are compared as such, because a float does not tell all seeds apart.
_WHOLE, _NUMBER, _TEXT, _TRUTH = "a whole number", "a number", "a text", "a condition"

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    # The operators of an expression raise where a float is divided by zero.
    ast.Add: pc.add,
    ast.Sub: pc.subtract,
    ast.Mult: pc.multiply,
    ast.Div: pc.divide,
}
_FUNCTIONS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "abs": (pc.abs, _NUMBER),
    "isfinite": (pc.is_finite, _TRUTH),
    "isnan": (pc.is_nan, _TRUTH),
}


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What rows have to satisfy: an expression of pyarrow, and the columns that are in it."""

    expression: Any
    columns: frozenset[str]


def parse_condition(text: str, types: Mapping[str, Any]) -> list[Condition]:
    """Return the parts of a condition, all of which have to hold.

    A comparison with nan is false, and true for ``!=``. Arithmetic is that of floats, so that a
    division by zero is inf or nan.

    Parameters
    ----------
    text : str
        What a user wrote.
    types : mapping
        The pyarrow type of each column, by name.

    Raises
    ------
    HarnessError
        It is no condition, or one on columns that are not there.
    """
    tree = _parsed(text)
    is_and = isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)
    parts = []
    for node in getattr(tree, "values", []) if is_and else [tree]:
        translator = _Translator(text.strip(), types)
        expression = translator.truth(node, 0)
        parts.append(Condition(expression, frozenset(translator.columns)))
    return parts


def wanted_values(text: str) -> list[tuple[str, int | float]]:
    """Return the columns that a condition compares with a number by ``==``, and these numbers.

    >>> wanted_values("learning_rate == 0.1 and (5 == epochs or ssr_final < 1)")
    [('learning_rate', 0.1), ('epochs', 5)]
    """
    found = []
    for node in ast.walk(_parsed(text)):
        match node:
            case (
                ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[other])
                | ast.Compare(left=other, ops=[ast.Eq()], comparators=[ast.Name(id=name)])
            ):
                value = _literal(other)
                if isinstance(value, int | float) and math.isfinite(value):
                    found.append((name, value))
    return found


def all_of(conditions: Iterable[Condition]) -> Any:
    """Return the expression that all conditions hold, or None where there are none."""
    expressions = [condition.expression for condition in conditions]
    return _folded(operator.and_, expressions) if expressions else None


def _parsed(text: str) -> ast.expr:
    if len(text) > _MOST_CHARACTERS:
        raise HarnessError(
            f"--where has {len(text):,} characters; it may have {_MOST_CHARACTERS:,}.\n"
            "Name single runs with --runs, or select in pandas."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd Python, which is refused below
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:  # ValueError: bytes that are no text
        offset = getattr(error, "offset", None)
        where = f" at character {offset}" if offset else ""
        raise HarnessError(
            f"--where = {shown(text)} is no condition: it cannot be read{where}.\n"
            "For example: --where \"status == 'diverged' and learning_rate > 0.1\""
        ) from None
    except (RecursionError, MemoryError):  # 5,000 signs
        raise _too_deep() from None


def _too_deep() -> HarnessError:
    return HarnessError(
        f"--where is nested too deep: more than {_DEEPEST} levels.\n"
        "Write several values as a list: run_id in [1, 2, 3]"
    )


def _folded(operation: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    """Combine expressions as a tree without long branches, along which pyarrow would recurse."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return operation(_folded(operation, parts[:middle]), _folded(operation, parts[middle:]))


@dataclass(frozen=True, slots=True)
class _Value:
    kind: str
    expression: Any
    has_column: bool

    @property
    def is_number(self) -> bool:
        return self.kind in (_WHOLE, _NUMBER)

    @property
    def as_float(self) -> Any:
        return self.expression.cast(pa.float64(), safe=False)


class _Translator:
    """Makes an expression of a part of a condition, and collects the columns in it."""

    def __init__(self, text: str, types: Mapping[str, Any]) -> None:
        self._text = text
        self._types = types
        self.columns: set[str] = set()

    def truth(self, node: ast.expr, depth: int) -> Any:
        """Return the expression of what is true or false."""
        value = self._value(node, depth)
        if value.kind != _TRUTH:
            problem = f"{value.kind}, where a condition should be."
            raise self._wrong(node, f"{problem}\nCompare it with something: == != < <= > >= in")
        return value.expression

    def _value(self, node: ast.expr, depth: int) -> _Value:
        if depth > _DEEPEST:
            raise _too_deep()
        below = depth + 1
        literal = _literal(node)
        if literal is not None:
            kind = {str: _TEXT, int: _WHOLE}.get(type(literal), _NUMBER)
            return _Value(kind, pc.scalar(literal), has_column=False)
        match node:
            case ast.Name(id=name):
                return self._column(name)
            case ast.BoolOp(op=op, values=nodes):
                operation = operator.and_ if isinstance(op, ast.And) else operator.or_
                parts = [self.truth(part, below) for part in nodes]
                return _Value(_TRUTH, _folded(operation, parts), has_column=True)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _Value(_TRUTH, ~self.truth(operand, below), has_column=True)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._number(operand, below)
                return _Value(_NUMBER, pc.negate(value.as_float), value.has_column)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                one, other = self._number(left, below), self._number(right, below)
                result = _ARITHMETIC[type(op)](one.as_float, other.as_float)
                return _Value(_NUMBER, result, one.has_column or other.has_column)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if (
                name in _FUNCTIONS
            ):
                value = self._number(argument, below)
                function, kind = _FUNCTIONS[name]
                if kind == _TRUTH and not value.has_column:
                    raise self._without_column(node)
                return _Value(kind, function(value.as_float), value.has_column)
            case ast.Compare(left=left, ops=ops, comparators=others):
                pairs = zip((left, *others), ops, others, strict=False)
                links = [self._compared(node, one, op, other, below) for one, op, other in pairs]
                return _Value(_TRUTH, _folded(operator.and_, links), has_column=True)
        raise self._refused(node)

    def _column(self, name: str) -> _Value:
        if name not in self._types:
            known = suggest(name, self._types) or f"Columns are {shown(list(self._types))}."
            raise HarnessError(
                f"--where names the column {shown(name)}, which is not there.\n"
                f"{known} A text stands in quotes: '{name}'."
            )
        self.columns.add(name)
        column = self._types[name]
        kind = _NUMBER if pa.types.is_floating(column) else _TEXT
        return _Value(_WHOLE if pa.types.is_integer(column) else kind, pc.field(name), True)

    def _number(self, node: ast.expr, depth: int) -> _Value:
        value = self._value(node, depth)
        if not value.is_number:
            raise HarnessError(
                f"--where calculates with {self._piece(node)}, which is {value.kind}.\n"
                "Only numbers can be added, subtracted, multiplied, divided, and asked for nan."
            )
        return value

    def _compared(
        self, whole: ast.expr, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int
    ) -> Any:
        """Return the expression of one comparison; `whole` is the chain it may be part of."""
        if isinstance(op, ast.In | ast.NotIn):
            found = self._is_in(left, right, depth)
            return ~found if isinstance(op, ast.NotIn) else found
        if type(op) not in _COMPARISONS:  # is
            raise self._refused(whole)
        one, other = self._value(left, depth), self._value(right, depth)
        self._check_kinds(one, left, other.kind, right)
        if not (one.has_column or other.has_column):
            raise self._without_column(whole)
        compare = _COMPARISONS[type(op)]
        if one.is_number and (one.kind, other.kind) != (_WHOLE, _WHOLE):
            return compare(one.as_float, other.as_float)
        return compare(one.expression, other.expression)

    def _is_in(self, left: ast.expr, right: ast.expr, depth: int) -> Any:
        value = self._value(left, depth)
        if not isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise HarnessError(
                f"--where has {self._piece(right)} behind in, which is no list.\n"
                "Write the values in brackets: run_id in [1, 2, 3]"
            )
        if not value.has_column:
            raise self._without_column(left)
        values: list[Any] = []
        kinds = {str: _TEXT, int: _WHOLE, float: _NUMBER}
        for node in right.elts:
            literal = _literal(node)
            if literal is None:
                raise self._refused(node)
            self._check_kinds(value, left, kinds[type(literal)], node)
            values.append(literal)
        if value.kind == _TEXT:
            return value.expression.isin(pa.array(values, pa.string()))
        if value.kind == _WHOLE and all(isinstance(number, int) for number in values):
            return value.expression.isin(pa.array(values, pa.int64()))
        # pyarrow looks for the bits of a float, and zero has two.
        zeros = [0.0, -0.0] if 0.0 in values else []
        return value.as_float.isin(pa.array([*map(float, values), *zeros], pa.float64()))

    def _check_kinds(self, one: _Value, node: ast.expr, kind: str, other: ast.expr) -> None:
        if _TRUTH in (one.kind, kind) or (one.kind == _TEXT) != (kind == _TEXT):
            raise HarnessError(
                f"--where compares {self._piece(node)}, {one.kind},"
                f" with {self._piece(other)}, {kind}.\n"
                "Texts are compared with texts and numbers with numbers: status == 'diverged',"
                " epochs > 5"
            )

    def _refused(self, node: ast.expr) -> HarnessError:
        is_bits = isinstance(getattr(node, "op", None), ast.BitAnd | ast.BitOr | ast.Invert)
        advice = "Write and, or, not instead of &, |, ~." if is_bits else _ALLOWED
        return self._wrong(node, f"which no condition may have.\n{advice}")

    def _without_column(self, node: ast.expr) -> HarnessError:
        return self._wrong(
            node,
            "in which there is no column.\n"
            "Columns stand without quotes and texts with them: status == 'diverged'",
        )

    def _wrong(self, node: ast.expr, problem: str) -> HarnessError:
        return HarnessError(f"--where has {self._piece(node)}, {problem}")

    def _piece(self, node: ast.expr) -> str:
        """Return what a user wrote for a node, on one line."""
        piece = ast.get_source_segment(self._text, node) or self._text
        piece = "".join(c if c.isprintable() else " " for c in piece)
        return piece if len(piece) <= 60 else f"{piece[:40]} ... {piece[-12:]}"


def _literal(node: ast.expr) -> int | float | str | None:
    """Return the number or text that is written there, or None for everything else."""
    match node:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=str() | float() as value):
            return value
        case ast.Constant(value=int(value)):
            if value < 2**63:
                return value
            return float(value) if value < 2**1023 else math.inf
        case ast.Name(id="inf" | "nan" as name):
            return float(name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            # One sign: the nodes below many of them are looked at from each level.
            if isinstance(operand, ast.Constant | ast.Name):
                number = _literal(operand)
                if isinstance(number, int | float):
                    return -number if isinstance(sign, ast.USub) else number
    return None
