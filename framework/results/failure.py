"""Why a run failed, from the traceback that it keeps as `error.txt`."""

from __future__ import annotations

HEAD = "Traceback (most recent call last)"
OURS = "framework.errors."
LONGEST = 400  # characters of another library's message, some of which print a whole graph
PLACES = ("Detected at node", "[[", "(defined at")  # lines of TensorFlow's that say where


def cause(error: str) -> list[str]:
    """What was raised, without the way that it came.

    Args:
        error: a traceback, or a sentence where nothing was raised.

    Returns:
        Of an error of our own its lines: what, given, what to do. Of any other one line with its
        class. Empty for an empty text.
    """
    raised = _raised(error.strip().splitlines())
    if not raised:
        return []
    if raised[0].startswith(OURS):
        first = raised[0].removeprefix(OURS).partition(": ")[2]
        return [line for line in (first, *raised[1:]) if line]
    # TensorFlow begins with "Graph execution error:" and ends with what it is
    said = raised[0]
    if said.endswith(":") and len(raised) > 1:
        said = f"{said} {raised[-1]}"
    return [said if len(said) <= LONGEST else f"{said[:LONGEST]}..."]


def _raised(lines: list[str]) -> list[str]:
    """The lines behind the last traceback's frames."""
    heads = [number for number, line in enumerate(lines) if line.startswith(HEAD)]
    if not heads:
        return lines
    # frames are indented; a message may be too, but not in its first line
    after = [line for line in lines[heads[-1] + 1 :] if line.strip()]
    first = next((number for number, line in enumerate(after) if not line[0].isspace()), len(after))
    raised = after[first : first + 1]
    for line in after[first + 1 :]:
        if not line.startswith((" ", "\t", *PLACES)):
            raised.append(line)
    return raised
