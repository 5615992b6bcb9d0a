"""How many workers a study gets where nobody says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework import nn
from framework.cli import places
from framework.contracts import Catalog
from framework.errors import InvalidValue
from framework.planning.plan import plan
from framework.results.record import Run
from framework.runner.engine import sizing
from framework.runner.telling import GPU_TEXT, Teller
from framework.system import child, host
from framework.tracking.history import History

STUDY = """'''What is tried?'''

from framework import Float, Study, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet5"),
    compress=[use("magnitude_prune", sparsity=Float(0.5, 0.9))],
    {}
)
"""


def ended(number: int, *, seconds: float, held: float) -> Run:
    """A trial that ran so long."""
    tags = {"role": "trial", "trial": f"{number:06d}"}
    times = {"memory_bytes": held}
    return Run(str(number), "t", "FINISHED", tags, {}, times, end_ms=int(seconds * 1000))


@pytest.mark.parametrize(
    ("case", "count"),
    [
        (('sampler="random", trials=30', 64, []), 10),
        (('sampler="random", trials=30', 2, []), 2),
        (('sampler="random", trials=30', 1, []), 0),
        # starting more would cost longer than it saves
        (('sampler="random", trials=5', 64, []), 0),
        (('sampler="random", trials=8', 64, [60.0, 60.0]), 6),
        (('sampler="random", trials=100', 64, [0.05] * 10), 0),
        # a search that learns waits for results
        (("trials=30", 64, []), 0),
        (("trials=30, ahead=4", 64, []), 4),
        (('trials=30, ahead="auto"', 64, []), 8),
        (('sampler="random", trials=2', 64, [60.0, 60.0]), 0),
        (('sampler="random", trials=30, train=Train(threads=4)', 8, []), 2),
    ],
)
def test_cores_search_and_what_starting_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, int, list[float]], count: int
) -> None:
    fields, cores, done = case
    runs = {n: ended(n, seconds=seconds, held=1e9) for n, seconds in enumerate(done)}
    assert sized(tmp_path, monkeypatch, fields, cores=cores, done=runs) == count


def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields, large = 'sampler="random", trials=99', {0: ended(0, seconds=9, held=4e9)}
    assert sized(tmp_path, monkeypatch, fields, cores=64, done={}, free=6 * 2**30) == 4
    assert sized(tmp_path, monkeypatch, fields, cores=64, done=large, free=11 * 10**9) == 2
    assert sized(tmp_path, monkeypatch, fields, cores=64, done=large, memory_bytes=2 * 10**9) == 10


def sized(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    fields: str,
    *,
    cores: int,
    done: dict[int, Run],
    free: int = 20 * 10**9,
    memory_bytes: int | None = None,
) -> int:
    """How many workers a study gets on such a machine."""
    (root / "studies").mkdir(exist_ok=True)
    text = STUDY.format(fields).replace("use\n", "Train, use\n") if "Train" in fields else ""
    (root / "studies" / "mine.py").write_text(text or STUDY.format(fields))
    monkeypatch.setattr(host, "cores", lambda: cores)
    monkeypatch.setattr(child, "free_memory_share", lambda: free)
    study = plan(root, "mine", settings=[], catalog=Catalog()).study
    past = History(0, None, changed=False, done=done)
    return sizing.worth(study, past, memory_bytes=memory_bytes)


@pytest.mark.parametrize("text", ["-1", "two", "257", "1.5", ""])
def test_no_number_of_workers(text: str) -> None:
    with pytest.raises(InvalidValue, match="no number of processes") as told:
        places.workers_of(text, "")
    assert told.value.given == f"WORKERS={text}."
    assert told.value.todo.startswith("Give 0 to 256, or leave it out")
    assert [places.workers_of(right, "") for right in ("0", "256", "auto")] == [0, 256, "auto"]


def test_a_gpu_is_told_of_and_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0000:01:00.0").mkdir()
    monkeypatch.setattr(host, "GPUS", tmp_path)
    assert host.gpus() == ["0000:01:00.0"]
    said: list[str] = []
    observer: Any = type("Told", (), {"say": lambda _, text: said.append(text)})()
    planned: Any = type("Plan", (), {"study": None, "overrides": ("trials=3",)})()
    past = History(0, None, changed=False)
    Teller(planned, Catalog(), observer).history(past, {}, unranked=0, deleted=0)
    assert said == [GPU_TEXT]
    assert not nn.backend.tf.config.get_visible_devices("GPU")


@pytest.mark.parametrize(("text", "cores"), [("150000 100000", 1), ("max 100000", 8), ("", 8)])
def test_a_container_s_share_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, cores: int
) -> None:
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(host, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(host.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert host.cores() == cores
