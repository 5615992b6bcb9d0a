"""Tables of a store in memory, as `tracking.tables.writing` writes: whole beginnings and ends."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mlflow.entities import LoggedModelOutput

from benchmarks.chaos.moments import DATABASE, Clock, Moments
from benchmarks.chaos.server import (
    Data,
    Database,
    Info,
    Outputs,
    StoredModel,
    StoredRun,
    add_points,
    answer,
)

if TYPE_CHECKING:
    from framework.tracking.client import Client
    from framework.tracking.writing import Beginning, End


class SimulatedTables:
    """Stands for `Tables`: each transaction is done or it is not.

    Args:
        database: where it writes.
        moments: at which a transaction may fail.
        clock: of the machine.
        client: with the real one's patience and errors.
    """

    def __init__(
        self, database: Database, moments: Moments, clock: Clock, *, client: Client
    ) -> None:
        self._database, self._moments, self._clock = database, moments, clock
        self._client = client

    def begin(self, beginning: Beginning) -> StoredRun:
        """See `Writer`."""
        return self._client.patiently(lambda: self._begin(beginning))

    def end(self, run_id: str, end: End) -> str:
        """See `Writer`."""
        return self._client.patiently(lambda: self._end(run_id, end))

    def _begin(self, beginning: Beginning) -> StoredRun:
        run_id = f"{len(self._database.runs) + 1:032x}"
        info = Info(run_id, beginning.name, "RUNNING", self._now_ms())
        run = StoredRun(info, Data(dict(beginning.tags), dict(beginning.params)))
        step = partial(self._database.runs.__setitem__, run_id, run)
        answer(self._moments, DATABASE, "begin run", step)
        return run

    def _end(self, run_id: str, end: End) -> str:
        model = f"m-{run_id}" if end.model else ""

        def step() -> None:
            run = self._database.runs[run_id]
            add_points(run.data, end.metrics)
            run.data.tags.update(end.tags)
            run.inputs = end.data
            if model:
                self._database.models[model] = StoredModel(model, run_id, "READY")
                run.outputs = Outputs([LoggedModelOutput(model, step=0)])
            run.info.status, run.info.end_time = end.status, self._now_ms()

        answer(self._moments, DATABASE, f"end {end.status}", step)
        return model

    def _now_ms(self) -> int:
        return self._clock.time_ns() // 1_000_000
