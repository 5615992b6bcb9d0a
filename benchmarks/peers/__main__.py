"""Whole processes in turn: a study of ours, and a plain script that does the same.

    .venv/bin/python -m benchmarks.peers lenet_300_100_prune squeezenet_prune

Both train the dense net once and prune it 20 times, on the same samples, the same number of epochs,
from the start of Python to its end. Ours runs a control and times every file besides. Prints the
seconds of each round and the ratio, ours over the script's; the two begin in turn.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.shared import study_parser
from framework.contracts import Catalog
from framework.nn import graph
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.runner.baseline import Lab
from framework.study import Spec
from framework.system.paths import find_root

SET = ("train.epochs={epochs}", "compress.0.epochs={tune_epochs}", "trials={trials}")


def handed(spec: Spec, lab: Lab, folder: Path) -> None:
    """Write the untrained net and the samples of a spec."""
    splits = lab.splits(spec)
    (name,) = splits.train.inputs
    arrays: dict[str, Any] = {
        "x_train": splits.train.inputs[name],
        "y_train": splits.train.labels,
        "x_val": splits.validation.inputs[name],
        "y_val": splits.validation.labels,
    }
    np.savez(folder / "data.npz", **arrays)
    graph.build(lab.initial(spec).graph).save(folder / "net.h5")


def seconds(command: list[str], folder: Path) -> float:
    """How long a process takes from its start to its end."""
    # from its own folder, with the code of this checkout
    environment = os.environ | {"PYTHONPATH": str(find_root(Path.cwd()))}
    began = time.monotonic()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.monotonic() - began


def round_of(name: str, settings: list[str], data: Path, *, ours_first: bool) -> tuple[float, ...]:
    """Seconds of ours and of the script, each in a folder that is empty but for what it is given.

    Args:
        data: folder with net and samples; ours finds the same samples prepared.
    """
    root, times = find_root(Path.cwd()), {}
    for is_ours in (ours_first, not ours_first):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            if is_ours:
                # samples are ready for the script, too; the dense net is trained by both
                shutil.copytree(root / "studies", folder / "studies")
                shutil.copytree(root / ".cache" / "data", folder / ".cache" / "data")
                command = [sys.executable, "-m", "framework", "study", name]
                for setting in settings:
                    command += ["--set", setting]
            else:
                shutil.copytree(data, folder, dirs_exist_ok=True)
                script = ["-m", "benchmarks.peers.plain_script", str(folder)]
                numbers = dict(setting.split("=") for setting in settings)
                command = [sys.executable, *script]
                command += ["--trials", numbers["trials"], "--epochs", numbers["train.epochs"]]
                command += ["--tune-epochs", numbers["compress.0.epochs"]]
            times[is_ours] = seconds(command, folder)
    return times[True], times[False]


def main() -> None:
    """Print a line a round and one of means for each study."""
    parser = study_parser(__doc__, several=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--tune-epochs", type=int, default=4)
    given = parser.parse_args()
    root = find_root(Path.cwd())
    numbers = {name: getattr(given, name) for name in ("epochs", "tune_epochs", "trials")}
    settings = [text.format(**numbers) for text in SET] + given.set
    for name in given.studies:
        # also prepares the samples, which no round is to wait for
        lab = Lab(root, Catalog())
        study = plan(root, name, settings=settings, catalog=lab.catalog).study
        with tempfile.TemporaryDirectory() as place:
            handed(study.fix(first_value), lab, Path(place))
            rounds = []
            for number in range(given.rounds):
                ours, script = round_of(name, settings, Path(place), ours_first=number % 2 == 0)
                rounds.append((ours, script))
                print(f"{name}: ours {ours:.1f} s, script {script:.1f} s, {ours / script:.2f}")
        ratio = mean(ours for ours, _ in rounds) / mean(script for _, script in rounds)
        print(f"{name}: {ratio:.2f} of the script's time over {len(rounds)} rounds", flush=True)


if __name__ == "__main__":
    main()
