"""Where the work of a command runs: its options, and what they mean to the engine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from framework.errors import InvalidValue

GIB = 2**30
MOST_WORKERS = 256
Workers = Annotated[
    str, typer.Option(help="processes that work side by side; 0: none, auto: as is worth it")
]
Memory = Annotated[
    float | None, typer.Option(min=0.5, metavar="GIB", help="GiB that each worker may hold")
]
Cluster = Annotated[str, typer.Option(help="address of a Ray cluster that does the work, or auto")]


def place_of(workers: str, memory: float | None, cluster: str) -> dict[str, Any]:
    """The options as the arguments `workers`, `memory_bytes`, `cluster` of what runs a study.

    Args:
        memory: in GiB.

    Raises:
        InvalidValue: as `workers_of`.
    """
    return {
        "workers": workers_of(workers, cluster),
        "memory_bytes": int(memory * GIB) if memory else None,
        "cluster": cluster,
    }


def workers_of(text: str, cluster: str) -> Any:
    """`auto`, or a number of processes.

    Raises:
        InvalidValue: it is neither, or stands next to a cluster.
    """
    if text == "auto":
        return 0 if cluster else text
    if cluster:
        raise InvalidValue(
            "Trials run in workers of this machine or on a cluster.",
            given=f"WORKERS={text}, CLUSTER={cluster}.",
            todo="Leave WORKERS out: a cluster has as many as its nodes have CPUs.",
        )
    if not (text.isdecimal() and int(text) <= MOST_WORKERS):
        raise InvalidValue(
            "The number of workers is no number of processes.",
            given=f"WORKERS={text}.",
            todo=f"Give 0 to {MOST_WORKERS}, or leave it out for as many as are worth starting.",
        )
    return int(text)
