"""Where the keys of a TOML file are, as lines and columns: tomllib does not say.

The text is known to be valid TOML, so a scan can be simple: it looks for keys, and skips over
values.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.errors import printable

_TOKENS = re.compile(
    r"""
      (?P<space>[ \t\r]+ | \#[^\n]*)
    | (?P<line>\n)
    | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\])*" | '[^']*')
    | (?P<mark>[\[\]{},=])
    | (?P<word>[^\s\[\]{},=\#"']+)
    """,
    re.VERBOSE | re.DOTALL,
)


# A scan of more characters would take seconds.
_MOST_SCANNED = 1_000_000

Position = tuple[int, ...]


def positions(text: str, keys: Sequence[str]) -> list[Position]:
    r"""Return line and column of keys, or of the nearest part around each; empty if there is none.

    There are none for a text of more than a million characters.

    Parameters
    ----------
    text : str
        A valid TOML file.
    keys : sequence of str
        Keys as messages name them, such as "network.layers[1]".

    Examples
    --------
    >>> positions("[network]\nlayers = [1, 0, 1]\n", ["network.layers[1]", "network.loss", "data"])
    [(2, 14), (1, 2), ()]
    """
    if len(text) > _MOST_SCANNED:
        return [()] * len(keys)
    around = [_and_around(key) for key in keys]
    missing = {name for names in around for name in names}
    starts: dict[str, int] = {}
    for name, start in _Scanner(text).names():
        if name in missing:
            missing.remove(name)
            starts[name] = start
    found = (next((starts[name] for name in names if name in starts), None) for names in around)
    return [
        () if at is None else (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        for at in found
    ]


def _and_around(key: str) -> list[str]:
    """Return a key and the parts around it, the innermost first.

    >>> _and_around("network.layers[1]")
    ['network.layers[1]', 'network.layers', 'network']
    """
    ends = [part.start() for part in re.finditer(r"\.|\[\d+\]", key)]
    return [key, *(key[:end] for end in reversed(ends))]


class _Scanner:
    """The keys of a TOML file and the elements of its lists, in their order."""

    def __init__(self, text: str) -> None:
        self._tokens = (token for token in _TOKENS.finditer(text) if token.lastgroup != "space")
        self._next: re.Match[str] | None = None
        self._advance()

    def _advance(self) -> None:
        """Move past the next token."""
        self._next = next(self._tokens, None)

    def _is(self, *marks: str) -> bool:
        """Tell whether the next token is one of some marks."""
        return self._next is not None and self._next.group() in marks

    def _skip(self, *marks: str) -> bool:
        """Move past the next token if it is one of some marks."""
        found = self._is(*marks)
        if found:
            self._advance()
        return found

    def names(self) -> Iterator[tuple[str, int]]:
        """Yield the names of all keys, as messages write them, and where they start."""
        table, times = "", Counter[str]()
        while self._next is not None:
            if self._skip("\n"):
                continue
            if self._skip("["):
                is_list = self._skip("[")
                table, start = self._key("")
                yield table, start
                if is_list:
                    times[table] += 1
                    table = f"{table}[{times[table] - 1}]"
                    yield table, start
                while self._skip("]"):
                    pass
            else:
                yield from self._pair(table)

    def _pair(self, table: str) -> Iterator[tuple[str, int]]:
        """Move past a key and its value, and yield the names in them."""
        name, start = self._key(table)
        yield name, start
        self._skip("=")
        yield from self._value(name)

    def _key(self, table: str) -> tuple[str, int]:
        """Move past a key; return its name with that of its table, and where it starts."""
        start = self._next.start() if self._next else 0
        parts = [table] if table else []
        while self._next is not None and not self._is("=", "]", "\n"):
            token = self._next
            self._advance()
            if token.lastgroup == "text":
                parts.append(printable(tomllib.loads(f"key = {token.group()}")["key"]))
            else:
                parts += [part for part in token.group().split(".") if part]
        return ".".join(parts), start

    def _value(self, name: str) -> Iterator[tuple[str, int]]:
        """Move past a value, and yield the names of its elements."""
        if self._skip("["):
            index = 0
            while self._next is not None and not self._skip("]"):
                if self._skip(","):
                    index += 1
                elif not self._skip("\n"):
                    yield f"{name}[{index}]", self._next.start()
                    yield from self._value(f"{name}[{index}]")
        elif self._skip("{"):
            while self._next is not None and not self._skip("}"):
                if not self._skip(",", "\n"):
                    yield from self._pair(name)
        else:
            self._advance()
            # A date and its time may be two words.
            while self._next is not None and not self._is(",", "]", "}", "\n"):
                self._advance()
