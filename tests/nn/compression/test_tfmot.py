"""What tfmot brings with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

WRAPS = "from framework.nn.compression import learned_step, pruning, qat, variational_dropout"


@pytest.mark.parametrize(("before", "has_keras_3"), [("", False), ("import keras", True)])
def test_keras_3_is_left_as_it_was(before: str, has_keras_3: bool) -> None:
    asked = "import sys; print('keras' in sys.modules, bool(sys.modules.get('keras')))"
    said = subprocess.run(
        [sys.executable, "-c", "\n".join([before, WRAPS, asked])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [str(has_keras_3)] * 2
