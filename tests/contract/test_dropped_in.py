"""One new file in a folder is listed, and held to the contract with no other edit."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NET = '''
"""A net that was not here before."""
from dataclasses import dataclass
from framework import nn
from framework.contracts import Architecture, Head, architecture, knob

@architecture("dropped_net", version=1)
@dataclass(frozen=True, kw_only=True)
class DroppedNet(Architecture):
    """One dense layer and nothing else.

    Source: written for this test.
    """

    def build(self, info):
        """An image -> the head."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = layers.Flatten(name="flatten")(inputs)
        x = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, x)
'''

STRATEGY = '''
"""A strategy that was not here before."""
from dataclasses import dataclass
import numpy as np
from framework.contracts import Mask, Strategy, knob, strategy
from framework.nn import compression

@strategy("dropped_prune", version=1)
@dataclass(frozen=True, kw_only=True)
class DroppedPrune(Strategy):
    """Zero the first half of each kernel, whatever its values.

    Source: written for this test.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})
    epochs: int = knob(0, low=0, high=10, unit="epochs", doc="fine-tuning afterwards")

    def apply(self, stage, job):
        """Half of each kernel."""
        weights, masks, asked = dict(stage.weights), [], {}
        for key, shape in compression.pruning.kernels(stage).items():
            zeros = (np.arange(weights[key].size) < weights[key].size // 2).reshape(shape)
            weights[key] = np.where(zeros, 0, weights[key]).astype(np.float32)
            masks.append(Mask(key, zeros))
            asked[key] = int(zeros.sum())
        half = stage.with_weights(weights).keeping(tuple(masks))
        return (job.finetune(half, self.epochs) if self.epochs else half).asking(asked)
'''


LIAR = (
    STRATEGY.replace("dropped_prune", "dropped_liar")
    .replace("Source: written", "Written")
    .replace("= int(zeros.sum())", "= int(zeros.sum()) + 9")
)
ONE_NET = "not lenet5 and not lstm"
WORDS = (
    f"dropped_net or (dropped_prune and {ONE_NET}) or (dropped_liar and (docstring or declares) "
    f"and {ONE_NET})"
)


@pytest.fixture
def project(tmp_path):
    for name in ("framework", "tests/contract"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for shared in (ROOT / "tests").glob("*.py"):
        if not shared.name.startswith("test_"):
            shutil.copy(shared, tmp_path / "tests")
    (tmp_path / "plugins").mkdir()
    for name, text in {"dropped_net": NET, "dropped_prune": STRATEGY, "dropped_liar": LIAR}.items():
        (tmp_path / "plugins" / f"{name}.py").write_text(text)
    return tmp_path


def test_files_dropped_in_are_held_to_the_contract(project):
    """Two that keep it pass.

    One that names no source, and asks for zeros it does not make, is caught at just that.
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/contract",
        "-k",
        WORDS,
    ]
    command += ["-m", "not slow"]
    env = os.environ | {"PYTHONPATH": str(project)}
    done = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )
    failed = set(
        re.findall(r"^FAILED tests/contract/\w+\.py::(\w+\[[^]]*])", done.stdout, re.MULTILINE)
    )
    assert failed == {
        "test_its_docstring_says_what_it_does_and_where_it_comes_from[strategy dropped_liar]",
        "test_what_it_declares_is_reached_in_the_exported_file[dropped_liar lenet_300_100 1 "
        "epochs]",
    }, done.stdout
    passed = int(re.search(r"(\d+) passed", done.stdout).group(1))
    assert passed >= 8 + 2 * 4 + 8  # of the net, of the two descriptions, of the strategy
