"""A table in a file, as it is written: names of columns, and cells as text.

What stands between cells and how letters are stored is seen from the file; nothing is guessed of
what cells mean.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import IO, cast

from framework.errors import InvalidValue
from framework.system.host import most_bytes

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
AUTO = "auto"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)
# what pandas calls a column without a name when it writes it again
INDEX = re.compile(r"Unnamed: \d+")
QUOTED = re.compile(r'"[^"]*"')
HEAD_BYTES = 1 << 16  # in which the first row ends
TEXT_TIMES = 16  # what cells take in memory, against the bytes of a file
CHUNK = 1 << 20
MOST_UNPACKED = 200  # times the size of a file; what was measured or taken packs less
SMALL = 64 * 1024**2  # bytes that may be unpacked from anything


@dataclass(frozen=True)
class Table:
    """Columns of text.

    Args:
        columns: name -> what is written in it, row by row, blanks around it left out.
        rows: the number of each row in the file, from 1, as a spreadsheet counts.
        unnamed: how many columns without a name were left out: an index in front, and empty ones.
    """

    columns: dict[str, list[str]]
    rows: list[int]
    unnamed: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def names(self) -> str:
        """Those of the columns, for a message."""
        return ", ".join(self.columns)


def read(path: Path, separator: str = AUTO) -> Table:
    """The table in a file.

    Args:
        separator: one of `SEPARATORS`, or `auto`: the one that the first row has most of.

    Raises:
        InvalidValue: it is no table with a row of names, two columns have one name, or one with
            something in it has none.
    """
    rows = _rows(path, separator)
    if not rows:
        raise wrong(path, "it is empty.", todo="The first row has the names of the columns.")
    _, first = rows.pop(0)
    head = list(map(str.strip, first))
    # written twice by pandas, an index has a name that says nothing
    if INDEX.fullmatch(head[0]):
        head[0] = ""
    _check_names(path, head)
    columns: dict[str, list[str]] = {}
    unnamed = 0
    for place, name in enumerate(head):
        cells = [row[place].strip() for _, row in rows]
        if name:
            columns[name] = cells
            continue
        if place and any(cells):
            raise wrong(path, f"column {place + 1} has no name.", todo="Give it one.")
        unnamed += 1
    table = Table(columns, [number for number, _ in rows], unnamed)
    _check_rows(path, head, rows, table)
    return table


def is_number(text: str) -> bool:
    """Whether a cell is a number, written with a point if it has decimals."""
    return NUMBER.fullmatch(text) is not None


def wrong(path: Path, what: str, given: str = "", todo: str = "") -> InvalidValue:
    """An error that names the file."""
    return InvalidValue(f"{path.name}: {what}", given=given, todo=todo)


def _rows(path: Path, separator: str) -> list[tuple[int, list[str]]]:
    """Number and cells of each row that is not blank; cells that a short row lacks are empty."""
    import pandas as pd

    _check_size(path)
    try:
        encoding = _encoding(path)
        blank, first = _first_row(path, encoding)
        frame = pd.read_csv(
            path,
            sep=SEPARATORS.get(separator) or _separator(first),
            header=None,
            compression="gzip" if _is_packed(path) else None,
            skiprows=blank,  # a blank first row would count as one of no columns
            # as text: pandas would make numbers of labels, and take NA or nan for empty cells
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,  # they count among the rows
            encoding=encoding,
        )
    except pd.errors.EmptyDataError:
        return []
    except (ValueError, OSError, EOFError) as error:  # pandas' own errors are ValueErrors
        ways_out = ["Save it as CSV in UTF-8 (in Excel: CSV UTF-8)"]
        if not isinstance(error, UnicodeError):
            ways_out.append("mend that line, or set separator=")
        raise wrong(
            path, "it cannot be read as a table.", str(error).strip(), f"{', '.join(ways_out)}."
        ) from error
    numbered = enumerate(frame.to_numpy().tolist(), blank + 1)
    return [(number, cells) for number, cells in numbered if any(map(str.strip, cells))]


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if _is_packed(path) else path.open("rb")


def _check_size(path: Path) -> None:
    """Refuse a file whose cells would not fit into memory, before any of them is read."""
    most = most_bytes() // TEXT_TIMES
    size = path.stat().st_size
    if _is_packed(path) and size <= most:
        most = min(most, max(SMALL, MOST_UNPACKED * size))
        try:
            with _opened(path) as file:
                # counted piece by piece, and no further than to the limit
                size = 0
                while size <= most and (piece := file.read(CHUNK)):
                    size += len(piece)
        except (OSError, EOFError, zlib.error) as error:
            raise wrong(path, "it cannot be unpacked.", str(error), "Pack it again.") from error
    if size > most:
        # of a packed file the ratio is bounded too, and a bound on what is seen is none on that
        unpack = f"Unpack it (gunzip {path.name}) and name that file. " if _is_packed(path) else ""
        raise wrong(
            path,
            "it is too large, for this machine's memory or beside its packed size.",
            f"Allowed: {most:,} bytes.",
            f"{unpack}Take fewer rows, or write the numbers as .npz: arrays need less memory.",
        )


def _encoding(path: Path) -> str:
    """UTF-8, or UTF-16 where the file begins with its mark."""
    with _opened(path) as file:
        mark = file.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _first_row(path: Path, encoding: str) -> tuple[int, str]:
    """How many blank rows there are in front, and the first that is not."""
    with _opened(path) as file:
        start = codecs.getincrementaldecoder(encoding)("ignore").decode(file.read(HEAD_BYTES))
    lines = start.splitlines()
    blank = len(list(takewhile(lambda line: not line.strip(), lines)))
    return blank, "".join(lines[blank : blank + 1])


def _separator(first: str) -> str:
    """The one that the first row has most of; of equal ones the comma."""
    counts = Counter(QUOTED.sub("", first))
    return max(SEPARATORS.values(), key=counts.__getitem__)


def _check_names(path: Path, head: Sequence[str]) -> None:
    """Refuse names that are none: one twice, or numbers in place of them."""
    for name, count in sorted(Counter(head).items()):
        if name and count > 1:
            raise wrong(
                path, f"two columns are called {name!r}.", todo="Give each a name of its own."
            )
    numbers = list(filter(is_number, head))
    # whole numbers may be names, as years are, but not those of all columns
    if "." in "".join(numbers) or len(numbers) == len(list(filter(None, head))):
        raise wrong(
            path,
            "its first row holds numbers, not the names of the columns.",
            f"Found: {', '.join(head)}.",
            "Put a row of names before it.",
        )


def _check_rows(
    path: Path, head: list[str], rows: list[tuple[int, list[str]]], table: Table
) -> None:
    """Refuse a table without rows, and remarks and names among them."""
    if not rows:
        raise wrong(path, "it has names of columns and no row.", f"Columns: {table.names}.")
    for number, cells in rows:
        first, *others = map(str.strip, cells)
        if first.startswith("#") and others and not any(others):
            raise wrong(
                path,
                f"row {number} is a remark, not a row of cells.",
                f"Found: {first!r}.",
                "Leave it out of the file.",
            )
        if [first, *others] == head:
            raise wrong(
                path,
                f"row {number} holds the names of the columns again.",
                todo="Leave it out.",
            )
