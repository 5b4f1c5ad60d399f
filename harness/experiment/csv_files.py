"""Rows of a CSV file: texts with the numbers of their lines, read within limits.

docs/decisions/0016 says why the module `csv` of Python reads them, and not pandas.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from harness.errors import ExperimentError, shown
from harness.experiment.columns import Origin, is_missing, is_number
from harness.plain_files import open_text

# The number of a line, and its cells.
Row = tuple[int, list[str]]

# Limits of a file: its bytes (about 10^8 numbers, the most that an experiment may have) and the
# characters of a line (about 10^5 columns).
MOST_BYTES = 500_000_000
_LONGEST_LINE = 1_000_000

# Rows that separator, header and decimal sign are taken from.
SAMPLE = 20

_SEPARATORS = (",", ";", "\t", "|")

CONTINUES = "a cell continues on the next line"
_SAVE = "Save it as CSV in UTF-8."

# Other kinds of files, by their first characters where each byte that is not UTF-8 is a surrogate.
_OTHER_FILES = (
    ("\udcff\udcfe", "is text in UTF-16", _SAVE),
    ("\udcfe\udcff", "is text in UTF-16", _SAVE),
    ("PK\x03\x04", "is a spreadsheet or a zip archive", _SAVE),
    ("\x1f\udc8b", "is compressed", "Decompress it."),
    ("PAR1", "is a Parquet file", "Give it a name that ends in .parquet."),
)


def csv_origin(path: Path, key: str = "data.file") -> Origin:
    """Return the file that a key names as the origin of data."""
    return Origin(key=key, file=str(path), rows="line")


def csv_rows(origin: Origin, separator: str | None) -> Iterator[Row]:
    """Yield the number of the first line and the cells of each row, without blank lines.

    A quote that is never closed makes one cell of all lines that follow, and would swallow their
    data points. Only a cell of the first row, which may be a header, may contain a line break.

    Parameters
    ----------
    origin : Origin
        The file.
    separator : str or None
        The character between the cells; None if it is to be found.

    Raises
    ------
    ExperimentError
        The file cannot be read, is not text in UTF-8, or is not CSV; the separator is unclear.
    """
    try:
        with open_text(Path(origin.file), MOST_BYTES, errors="surrogateescape") as file:
            yield from _rows(origin, file, separator)
    except OSError as error:
        raise origin.refusal(
            f"cannot be read: {error.strerror}.",
            origin.path_advice,
        ) from None


def _rows(origin: Origin, file: TextIO, separator: str | None) -> Iterator[Row]:
    lines = _lines(origin, file)
    sample = list(islice(lines, SAMPLE))
    separator = separator or _separator(origin, sample)
    lines = chain(sample, lines)
    # Several spaces separate two cells as one does.
    by_spaces = separator == " "
    if by_spaces:
        lines = (line.strip() for line in lines)
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=by_spaces)
    line, is_first = 1, True
    try:
        for row in reader:
            if row:
                if reader.line_num > line and not is_first:
                    raise csv.Error(CONTINUES)
                yield line, row
                is_first = False
            line = reader.line_num + 1
    except csv.Error as error:
        raise unreadable(origin, line, str(error)) from None


def unreadable(origin: Origin, line: int, reason: str) -> ExperimentError:
    """Return the error about a line that is not CSV."""
    return origin.refusal(
        f"cannot be read at line {line}: {reason}.",
        "Close each quote in the line where it is opened, or remove the quotes.",
    )


def _lines(origin: Origin, file: TextIO) -> Iterator[str]:
    read = partial(file.readline, _LONGEST_LINE + 1)
    for number, line in enumerate(iter(read, ""), start=1):
        if number == 1:
            for start, says, advice in _OTHER_FILES:
                if line.startswith(start):
                    raise origin.refusal(f"{says}.", advice)
        if len(line) > _LONGEST_LINE:
            raise origin.refusal(
                f"has more than {_LONGEST_LINE} characters in line {number}.",
                "Check that it is a CSV file with one line per data point.",
            )
        if "\0" in line:
            raise origin.refusal(
                f"has a null byte in line {number}, as in UTF-16 and in files that are not text.",
                _SAVE,
            )
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError as error:
                byte = ord(line[error.start]) - 0xDC00
                raise origin.refusal(
                    f"has the byte 0x{byte:02x} in line {number}, which is not UTF-8.",
                    _SAVE,
                ) from None
        yield line


def _separator(origin: Origin, sample: list[str]) -> str:
    """Return the character between the cells; a file of a single column has none."""
    tables = {separator: _split(sample, separator) for separator in (*_SEPARATORS, " ")}
    found = [c for c in _SEPARATORS if tables[c] and len(tables[c][0]) > 1]
    if len(found) > 1:
        # In "1,5;2,5" both split, but only one of them into numbers.
        regular = [c for c in found if _is_regular(tables[c])]
        words = {c: _count_words(tables[c]) for c in regular}
        found = [c for c in regular if words[c] == min(words.values())] or found
    if len(found) > 1:
        names = " or ".join("a tab" if c == "\t" else shown(c) for c in found)
        raise origin.refusal(
            f"has cells in its first line that may be separated by {names}.",
            origin.advise(
                f"Write which, such as separator = {shown(found[0])},",
                "Put texts that contain one of them in quotes.",
            ),
        )
    if found:
        return found[0]
    spaced = tables[" "]
    return " " if spaced and len(spaced[0]) > 1 and _is_regular(spaced) else ","


def _split(sample: list[str], separator: str) -> list[list[str]]:
    """Return the rows of the sample, up to one that is not CSV."""
    lines = (line.strip() for line in sample) if separator == " " else sample
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator == " ")
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(row for row in reader if row)
    return rows


def _is_regular(rows: Sequence[list[str]]) -> bool:
    return len({len(row) for row in rows}) == 1


def _count_words(rows: Sequence[list[str]]) -> int:
    return sum(not is_number(cell) and not is_missing(cell) for row in rows for cell in row)
