"""One new file in a folder is listed, and held to the contract with no other edit."""

import os
import re
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
ONE_NET = "not lstm"
WORDS = (
    f"dropped_net or (dropped_prune and {ONE_NET}) or (dropped_liar and (docstring or declares) "
    f"and {ONE_NET})"
)


@pytest.fixture
def project(tmp_path):
    """A project somewhere, with plug-ins and one line of tests of its own."""
    for folder in ("studies", "plugins", "tests"):
        (tmp_path / folder).mkdir()
    for name, text in {"dropped_net": NET, "dropped_prune": STRATEGY, "dropped_liar": LIAR}.items():
        (tmp_path / "plugins" / f"{name}.py").write_text(text)
    (tmp_path / "tests" / "test_ours.py").write_text("from framework.testing import *\n")
    return tmp_path


def test_one_line_holds_files_dropped_in_to_the_contract(project):
    """Two that keep it pass, and no plug-in of the package is tried.

    One that names no source, and asks for zeros it does not make, is caught at just that.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", WORDS],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(
        r"^FAILED tests/test_ours.py::\w+::(\w+\[[^]]*])", done.stdout, re.MULTILINE
    )
    assert set(failed) == {
        "test_its_docstring_says_what_it_does_and_where_it_comes_from[strategy dropped_liar]",
        "test_what_it_declares_is_reached_in_the_exported_file[dropped_liar lenet5 0 epochs]",
        "test_what_it_declares_is_reached_in_the_exported_file[dropped_liar lenet5 1 epochs]",
    }, done.stdout
    passed, left_out = (
        int(re.search(rf"(\d+) {word}", done.stdout).group(1)) for word in ("passed", "deselected")
    )
    assert passed >= 8 + 2 * 4 + 8  # of the net, of the two descriptions, of the strategy
    assert passed + left_out < 150
