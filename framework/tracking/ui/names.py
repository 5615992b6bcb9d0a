"""What runs are called in the MLflow UI's lists, and trials while they run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.study.space import Choice
from framework.tracking.conversion import NAME_LIMIT

if TYPE_CHECKING:
    from framework.planning.plan import Plan
    from framework.study.spec import Spec, Use
    from framework.study.study import Study

ALTERNATIVE = re.compile(r"architecture|compress\.\d+")  # parameters that name a plug-in
BETWEEN = " · "
EPOCHS = "epochs"  # a knob whose value is said with its unit


def run_name(study: Study, spec: Spec, *, role: str, number: int = -1) -> str:
    """A run's name in lists, as `trial 017 · magnitude_prune · sparsity 0.88 · 8 epochs · seed 0`.

    Args:
        spec: what it runs.
        number: of a trial.
    """
    seed = f"seed {spec.seed}"
    confirms = "confirm " if role == "confirm" else ""
    if confirms and number < 0:
        role = f"{confirms}{'control' if spec.compress else 'dense'}"
    if number < 0:
        budget = _values(spec, ["compress.0.epochs"]) if role == "control" else []
        return _short(role, net_name(spec), *budget, seed)
    net = net_name(spec) if isinstance(study.architecture, Choice) else ""
    return _short(f"{confirms}trial {number:03d}", net, tried(study, spec), seed)


def tried(study: Study, spec: Spec) -> str:
    """What a trial tries: its method, and its values of what the study searches.

    Its architecture is left out. As `magnitude_prune · sparsity 0.88 · 8 epochs`.
    """
    return BETWEEN.join([_chain(spec), *_values(spec, study.searched)])


def _chain(spec: Spec) -> str:
    """The labels of the steps, which tell alternatives of one plug-in apart; `none` without any."""
    return "+".join(map(_label, spec.compress)) or "none"


def net_name(spec: Spec) -> str:
    """What a spec's architecture is called.

    Its label where it has one, its plug-in's name otherwise.
    """
    return _label(spec.architecture)


def architecture_text(study: Study, params: Mapping[str, str]) -> str:
    """The architecture's name; all names where the parent's study searches it."""
    return params.get("architecture") or " or ".join(map(_label, _options(study.architecture)))


def chain_text(study: Study) -> str:
    """The steps of a study, as `magnitude_prune|none+ptq`."""
    return "+".join(map(_step_text, study.compress)) or "none"


def _step_text(step: Any) -> str:
    return "|".join(map(_strategy_name, _options(step)))


def _strategy_name(option: Use | None) -> str:
    return "none" if option is None else option.name


def _label(part: Use) -> str:
    return part.label or part.name


def _options(part: Any) -> tuple[Any, ...]:
    """The alternatives of a part; itself where there is no choice."""
    return part.options if isinstance(part, Choice) else (part,)


def study_name(plan: Plan, generation: int) -> str:
    """How a study's own run is called in the UI's list."""
    again = f"generation {generation}" if generation else ""
    return _short("study", plan.name, " ".join(plan.overrides), again)


def _values(spec: Spec, names: Sequence[str]) -> list[str]:
    """The values of these parameters, each under the last word of its name where that is clear."""
    flat = spec.parameters()
    shown = [name for name in names if name in flat and not ALTERNATIVE.fullmatch(name)]
    short = [name.rpartition(".")[2] for name in shown]
    counts = Counter(short)
    words = []
    for name, head in zip(shown, short, strict=True):
        value = _value(flat[name])
        # steps of one chain may have knobs of one name
        if counts[head] > 1:
            words.append(f"{name.partition('.')[2]} {value}")
        else:
            words.append(_epochs(value) if head == EPOCHS else f"{head} {value}")
    return words


def _epochs(count: str) -> str:
    return f"{count} epoch" if count == "1" else f"{count} epochs"


def _value(text: str) -> str:
    """A parameter's value, in three digits where it is a fraction."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return f"{value:.3g}" if isinstance(value, float) else text


def _short(*parts: str) -> str:
    name = BETWEEN.join(filter(None, parts))
    return name if len(name) <= NAME_LIMIT else name[: NAME_LIMIT - 1] + "…"
