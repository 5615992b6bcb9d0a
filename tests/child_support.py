"""What tests let a child process do: it imports them by name."""

from __future__ import annotations

import os
import time
from typing import Any


def counts(send: Any, last: int) -> None:
    print("this is not for the user")
    for number in range(last):
        send({"number": number})


def hangs(send: Any) -> None:
    send("begun")
    time.sleep(1000)


def crashes(send: Any) -> None:
    send("begun")
    os.abort()


def raises(send: Any) -> None:
    raise ValueError("of its own")


def takes_memory(send: Any, size: int) -> None:
    filled = bytearray(os.urandom(2**10)) * (size // 2**10)
    time.sleep(1000)
    send(len(filled))


def tells_its_number(send: Any) -> None:
    send(os.getpid())
    time.sleep(1000)


def answers(question: dict[str, Any]) -> dict[str, Any]:
    """The side of a `Worker`: does what it is asked."""
    match question["do"]:
        case "loop":
            while True:
                pass
        case "take":
            return {"length": len(bytearray(question["bytes"]))}
        case "crash":
            os.abort()
        case "print":
            print("what a library says")
    return {"pid": os.getpid()}
