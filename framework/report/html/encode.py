"""The rows of a page as one compact block of JSON, which no text from outside can end."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from operator import attrgetter
from typing import Any

from framework.report.html.model import WORDS, Entry, Field, Page
from framework.results.quantities import RATIO
from framework.system.text import visible

DIGITS = 5  # of a number that is drawn; more where its text would be another one
LARGEST = 1e300  # the store hands infinity back as the largest float
EXACT = 2**53  # whole numbers from here on are no longer all there
RUN_ID = re.compile("[0-9a-f]{32}")
# columns of so many different numbers or fewer are written by letters from `0` on
MOST_CODES, FIRST_CODE = 60, 48
LONGEST = 80  # letters of a word in a cell; trials.csv has all of it
# `<` could end the block; `&` begins an entity in XML, and the last two end a line of script
ESCAPES = str.maketrans({
    "<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029",
})  # fmt: skip


def block(page: Page) -> str:
    """The text of a `<script type="application/json">`."""
    text = json.dumps(content(page), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(ESCAPES)


def content(page: Page) -> dict[str, Any]:
    """What the scripts are given; fields are named by their positions."""
    places = {one.name: position for position, one in enumerate(page.fields)}
    entries = page.entries
    # lists of positions are short: most rows are on no front, feasible and finished
    return {
        "x": places[page.x],
        "y": places[page.y],
        "series": places.get(page.series, -1),
        "panel": places.get(page.panel, -1),
        "floor": page.floor,
        "limits": _limits(page, places),
        "axes": list(map(places.__getitem__, page.axes)),
        "fields": list(map(_field, page.fields)),
        "columns": _columns(page),
        "labels": list(map(_label, entries)),
        "kinds": "".join(one.kind[0] for one in entries),
        "front": _positions(map(attrgetter("front"), entries)),
        "infeasible": _positions(map(_is_infeasible, entries)),
        "failed": _failures(entries),
        "runs": list(map(_runs, entries)),
    }


def shown(text: str) -> str:
    """Text from outside as a reader sees it: on one line, with no sign that shows nothing."""
    text = visible(" ".join(text.split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def shown_whole(text: str) -> str:
    """As `shown`, of any length."""
    return visible(" ".join(text.split()))


def is_number(value: Any) -> bool:
    """Whether it can be drawn: true is no number, and what overflowed is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and abs(value) < LARGEST


def word(value: Any) -> str:
    """A value that is no number."""
    return shown(value if isinstance(value, str) else json.dumps(value, default=str))


def _field(one: Field) -> dict[str, Any]:
    stated = {"name": shown(one.name), "head": shown(one.head), "doc": shown_whole(one.doc)}
    options = {"axis": shown(one.axis), "better": one.better, "log": one.log}
    options["searched"] = one.searched
    # what is usual is left out
    used = {name: value for name, value in options.items() if value}
    return {**stated, "format": one.format, "level": one.level, **used}


def _label(entry: Entry) -> str | int:
    """`trial 12` as 12."""
    head, _, number = entry.label.partition(" ")
    return int(number) if head == "trial" and number.isdecimal() else shown(entry.label)


def _runs(entry: Entry) -> Any:
    """One id as it is; several as pairs."""
    if list(entry.runs) == [""]:
        return _short_id(entry.runs[""])
    return [[shown(name), _short_id(run_id)] for name, run_id in entry.runs.items()]


def _short_id(run_id: str) -> str:
    """The 32 hexadecimal digits of MLflow's ids in 22 letters; other ids as they are."""
    if not RUN_ID.fullmatch(run_id):
        return run_id
    return base64.urlsafe_b64encode(bytes.fromhex(run_id)).decode().rstrip("=")


def _limits(page: Page, places: Mapping[str, int]) -> list[tuple[int, float]]:
    return [(places[name], value) for name, value in page.limits if name in places]


def _is_infeasible(entry: Entry) -> bool:
    return not entry.feasible


def _failures(entries: Sequence[Entry]) -> dict[str, str]:
    return {str(at): shown(one.failed) for at, one in enumerate(entries) if one.failed}


def _positions(flags: Iterable[bool]) -> list[int]:
    return [position for position, flag in enumerate(flags) if flag]


# --- columns --------------------------------------------------------------------------------------


def _columns(page: Page) -> list[Any]:
    """The values of each field, in the shortest of the forms that the scripts know."""
    columns: list[list[Any]] = []
    written: list[Any] = []
    for one in page.fields:
        values = [_value(one, entry.values.get(one.name)) for entry in page.entries]
        ratio = _quotient(one, values, page.fields, columns)
        if values in columns:
            # zeros reached are those asked for, as a rule
            written.append({"like": columns.index(values)})
        else:
            written.append(ratio or _listed(values))
        columns.append(values)
    return written


def _value(one: Field, value: Any) -> Any:
    if value is None:
        return None
    return word(value) if one.format == WORDS else short(one, value)


def short(one: Field, value: Any) -> float | None:
    """The number in few digits, if a reader is shown the same for it; None for what is none."""
    if type(value) is int and abs(value) < EXACT:  # most of them
        return value
    if not is_number(value):
        return None
    if float(value).is_integer() and abs(value) < EXACT:
        return int(value)
    rounded = float(f"{value:.{DIGITS}g}")
    same = rounded == value or one.text(rounded) == one.text(value)
    return rounded if same else float(value)


def _listed(values: Sequence[Any]) -> Any:
    """All of them; a letter for each where few are different."""
    different = sorted({value for value in values if value is not None})
    if len(different) == 1 and None not in values:
        return {"same": different[0]}
    are_words = bool(different) and isinstance(different[0], str)
    if len(different) > MOST_CODES and not are_words:
        return list(values)
    codes = dict(zip(different, count()))
    # a code beyond the last one is a gap
    numbers = [codes.get(value, len(different)) for value in values]
    if len(different) > MOST_CODES:
        return {"few": different, "codes": numbers}
    return {"few": different, "codes": "".join(chr(FIRST_CODE + code) for code in numbers)}


def _quotient(
    one: Field, values: Sequence[Any], fields: Sequence[Field], columns: Sequence[Sequence[Any]]
) -> Any:
    """A ratio as the baseline's line over the row's, if that is the same to a reader; else None."""
    line = one.name.removesuffix(RATIO)
    places = [at for at, other in enumerate(fields[: len(columns)]) if other.name == line]
    if line == one.name or not places or len(set(values)) == 1:
        return None
    sizes = columns[places[0]]
    base = next((size for size, value in zip(sizes, values, strict=True) if value == 1), None)
    if base is None:
        return None
    same = all(map(partial(_is_quotient, one, base), sizes, values))
    return {"over": places[0], "base": base} if same else None


def _is_quotient(one: Field, base: float, size: float | None, value: float | None) -> bool:
    """As the scripts compute it: nothing for what has no size."""
    if not size or value is None:
        return value is None and not size
    return one.text(base / size) == one.text(value)
