"""The notes that the MLflow UI shows on a study's page and on a run's."""

from __future__ import annotations

from framework.tracking.conversion import EXPERIMENT_TAG_LIMIT, TAG_LIMIT
from framework.tracking.store import Store

NOTE_TAG = "note.content"
# below our first line: of a note that is folded up, and in its list of experiments, MLflow shows
# the beginning
BEGIN = (
    "<!-- squeezelab: the line above and what follows are written anew at the end of each study; "
    "what you write above that line or below the end stays. -->"
)
# before our first line, in notes of earlier versions
EARLIER_BEGIN = (
    "<!-- squeezelab: begin. Written anew at the end of each study; what you write above or below "
    "stays. -->"
)
END = "<!-- squeezelab: end -->"
CUT = "\n\n(shortened)"


def write_note(
    store: Store, study: str, markdown: str, *, title: str, run_id: str | None = None
) -> None:
    """Renew our part of the note on a study's page, or on one run's.

    What a person wrote around it stays.

    Args:
        title: what it begins with, one line.
    """
    limit = EXPERIMENT_TAG_LIMIT if run_id is None else TAG_LIMIT
    old = store.ui_tags(study, run_id=run_id).get(NOTE_TAG, "")
    note = merged(old, markdown, title=title, limit=limit)
    store.set_ui_tags(study, {NOTE_TAG: note}, run_id=run_id)


def merged(old: str, markdown: str, *, title: str, limit: int) -> str:
    """A note with our part between what a person wrote, cut at a line's end where it is too long.

    Args:
        old: the note so far; without marks it is a person's, and comes after our part.
        title: its first line, above the mark.
        limit: characters that MLflow keeps.
    """
    head, tail = _around(old)
    begin = f"{head}{title}\n\n{BEGIN}\n\n"
    room = limit - len(f"{begin}\n\n{END}{tail}")
    return f"{begin}{_cut(markdown, room)}\n\n{END}{tail}"


def _around(note: str) -> tuple[str, str]:
    """What a person wrote above and below our part."""
    for mark in (BEGIN, EARLIER_BEGIN):
        above, begin, after = note.partition(mark)
        _, end, below = after.partition(END)
        if begin and end:
            # our first line stands above the mark
            kept = above.rstrip("\n").rpartition("\n") if mark == BEGIN else (above, "", "")
            return kept[0] + kept[1], below
    return "", f"\n\n{note}" if note else ""


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[: max(0, limit - len(CUT))]
    return (head.rpartition("\n")[0] or head) + CUT if head else ""
