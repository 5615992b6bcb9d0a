"""Commands in sentences: as the Makefile takes them, or as the command line does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framework.system.commands import TARGETS, as_typed

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Start with: make study NAME=tiny.", "Start with: squeezelab study tiny."),
        (
            'make study NAME=x SET="trials=3 dataset=mnist" FRESH=1',
            "squeezelab study x --set trials=3 --set dataset=mnist --fresh",
        ),
        ("make study NAME=x HOURS=2 DRY=1", "squeezelab study x --set hours=2 --dry-run"),
        (
            'make study NAME=x SET="compress.0.sparsity=Float(0.5,0.9)"',
            "squeezelab study x --set 'compress.0.sparsity=Float(0.5,0.9)'",
        ),
        ("make new KIND=report NAME=my_report", "squeezelab new report my_report"),
        ("make report NAME=x KIND=mine.", "squeezelab report x --kind mine."),
        ("make show RUN=1a2b3c, or", "squeezelab show 1a2b3c, or"),
        ("make confirm NAME=x TRIAL=3", "squeezelab confirm x --trial 3"),
        ("make export NAME=x TRIAL=3 OUT=net.tflite", "squeezelab export x:3 net.tflite"),
        ("make export-optuna NAME=x OUT=x.db", "squeezelab export-optuna x x.db"),
        ("make forget NAME=... YES=1", "squeezelab forget NAME --yes"),
        ("make diff A=x:1 B=x:2", "squeezelab diff x:1 x:2"),
        ("make ui PORT=5001", "squeezelab ui --port 5001"),
        ("make clean-cache, make list", "squeezelab clean-cache, squeezelab list"),
        ("then begin anew with FRESH=1.", "then begin anew with --fresh."),
        ("To delete it: YES=1.", "To delete it: --yes."),
        ("make clean setup PYTHON=python3.12", "pip install --force-reinstall squeezelab"),
        (".venv/bin/mlflow db upgrade", "mlflow db upgrade"),
        ("make it smaller, or make room", "make it smaller, or make room"),
        ("`make study NAME=x`", "`squeezelab study x`"),
    ],
)
def test_where_there_is_no_makefile_it_is_the_command_line(
    tmp_path: Path, text: str, typed: str
) -> None:
    assert as_typed(text, tmp_path) == typed == as_typed(text, None)
    assert as_typed(text, ROOT) == text


def test_every_command_of_the_makefile_that_is_the_command_line_is_known() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    rules = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    ours = {target for target, recipe in rules if "$(SQUEEZELAB)" in recipe}
    assert ours == set(TARGETS)


def test_a_makefile_of_the_users_own_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("study:\n\techo mine\n")
    assert as_typed("make list", tmp_path) == "squeezelab list"
