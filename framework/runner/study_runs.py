"""The runs of one study in the store, as the session that holds its lock writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from framework.planning import own_plugins
from framework.planning.parts import dataset_of
from framework.results import record
from framework.results.looks import ROLE as CONFIRM
from framework.results.status import failed_if_unmeasured, violations
from framework.runner.baseline import fingerprint
from framework.system.host import host_tags
from framework.tracking import lease
from framework.tracking.ui import names, view

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Record, Run
    from framework.runner.schedule import Work
    from framework.study.spec import Spec
    from framework.tracking.store import Store


class StudyRuns:
    """Begins and closes the runs of one generation of a study.

    Args:
        plan: the study.
        root: the project.
        store: where the runs are written.
        catalog: the plug-ins.
    """

    def __init__(self, plan: Plan, root: Path, *, store: Store, catalog: Catalog) -> None:
        self.plan, self.root, self.store, self.catalog = plan, root, store, catalog
        self.generation = 0
        self.parent = ""  # run id; empty until there is one
        self.tags = host_tags(root) | {
            "dataset": plan.study.dataset.name,
            "seed": str(plan.study.seed),
        }
        self.tags |= own_plugins.plugin_files(plan.study, catalog, root)

    def resume(self, generation: int, parent: Run | None) -> None:
        """Go on with a generation that earlier sessions began."""
        self.generation = generation
        self.parent = parent.run_id if parent else ""

    def open_parent(self) -> None:
        """Set the study's parent run RUNNING, created now if there is none."""
        if not self.parent:
            tags = self.tags | {
                "strategy": names.chain_text(self.plan.study),
                "overrides": " ".join(self.plan.overrides),
            }
            name = names.study_name(self.plan, self.generation)
            self.parent = self._begin("study", name, tags=tags, params={})
        # before it is RUNNING again: other hosts ask whose it is and when it last spoke
        self.store.tag(self.parent, **lease.sign(self.tags["host"]))
        self.store.resume(self.parent)
        self.store.put(self.parent, {record.STUDY_JSON: self._study_json()})
        view.arrange(self.store, self.plan, self.generation)

    def begin(self, role: str, spec: Spec, *, dense: str, tags: Mapping[str, str]) -> str:
        """Begin a run of a spec; its id.

        Args:
            role: `baseline`, `control`, `trial`, `replicate` or `confirm`.
            dense: run id of the spec's baseline; empty for the baseline itself.
            tags: of a trial, its number and attempt.
        """
        number = int(tags.get("trial", -1))
        common = {
            **self.tags,
            **tags,
            "seed": str(spec.seed),
            "spec_digest": spec.digest,
            "strategy": spec.strategy,
            "baseline": dense,
        }
        name = names.run_name(self.plan.study, spec, role=role, number=number)
        return self._begin(role, name, tags=common, params=spec.parameters())

    def _begin(
        self, role: str, name: str, *, tags: Mapping[str, str], params: Mapping[str, str]
    ) -> str:
        named = {
            "architecture": names.architecture_text(self.plan.study, params),
            **tags,
            **self._identity(),
        }
        return self.store.begin(
            self.plan.name,
            role=role,
            name=name,
            tags=named,
            params=params,
            parent=self.parent or None,
        )

    def _identity(self) -> dict[str, str]:
        """The tags by which a study finds its runs, next to its name."""
        return {"study_digest": self.plan.study.digest, "generation": str(self.generation)}

    def log_data(self, run_id: str, spec: Spec, data: Mapping[str, object]) -> None:
        """State which data a run used.

        Args:
            data: of its record; empty where none could be loaded.
        """
        if data:
            self.store.log_dataset(
                run_id,
                name=spec.dataset.name,
                digest=str(data.get("train_sha256", "")),
                source=dataset_of(spec, self.catalog, self.root).source(),
                profile=data,
            )

    def finish(self, run_id: str, result: Record, work: Work) -> Record:
        """Write the result of a run with what only the study knows; as it was written.

        The sampler's question, and how far constraints are violated.
        """
        study = self.plan.study
        is_judged = work.role != CONFIRM  # by the study, which has done so with its trial
        result = failed_if_unmeasured(study, result) if is_judged else result
        artifacts, metrics = dict(result.artifacts), dict(result.metrics)
        # also of a failure, which has no artifacts of its own: the sampler replays it
        if work.suggestion:
            artifacts[record.OPTUNA_JSON] = work.suggestion.optuna.encode()
        if work.number >= 0 or not is_judged:
            spec_json = json.dumps(work.spec.json(), indent=1, sort_keys=True)
            artifacts[record.SPEC_JSON] = spec_json.encode()
        if study.constraints and metrics and is_judged and not result.reason:
            excess = violations(study, result.values).values()
            metrics["constraint_violation"] = sum(max(0.0, value) for value in excess)
        result = replace(result, artifacts=artifacts, metrics=metrics)
        self.store.finish(run_id, result)
        return result

    def mark(self, runs: Iterable[Run], *, is_front: bool) -> None:
        """Tag the runs of a trial with whether it is on the front."""
        text = str(is_front).lower()
        for run in runs:
            if run.tags.get("pareto") != text:
                self.store.tag(run.run_id, pareto=text)

    def of_files(self) -> list[Run]:
        """The runs of this generation that have a file: all but the parent and those of test."""
        runs = self.store.runs(self.plan.name, **self._identity())
        return [run for run in runs if run.tags.get("role") not in ("study", CONFIRM)]

    def close_open(self, error: BaseException) -> None:
        """Leave nothing RUNNING behind.

        A run whose result was not written never happened: it is KILLED, not FAILED.

        The store is asked which runs are open: an interrupt may come while it is creating one.
        """
        interrupted = isinstance(error, KeyboardInterrupt)
        for run in self.store.runs(self.plan.name, **self._identity()):
            role = run.tags["role"]
            if run.status == "RUNNING" and role != CONFIRM:  # that one is another process's
                failed = role == "study" and not interrupted
                reason = "interrupted" if interrupted else "exception"
                self.store.close(run.run_id, "FAILED" if failed else "KILLED", reason=reason)

    def _study_json(self) -> bytes:
        info = dataset_of(self.plan.study, self.catalog, self.root).info
        described = {
            "name": self.plan.name,
            "question": self.plan.question,
            "overrides": list(self.plan.overrides),
            "digest": self.plan.study.digest,
            "trials": self.plan.study.trials,
            "seeds": self.plan.study.seeds,
            "study": self.plan.study.json(),
            "task": info.task,
            "classes": info.classes,
            "toy": info.toy,
            "environment": fingerprint(),
        }
        return json.dumps(described, indent=1, sort_keys=True).encode()
