"""Results of pairs of strategy and net as digests, made by a fresh process: what a result is a
function of.

    python tests/identity_support.py FOLDER cold|used < pairs.json

`cold` trains each dense net and keeps what is traced; `used` finds the dense nets in FOLDER's cache
and forgets every traced net before each pair. Both print the digests as JSON. This module loads
TensorFlow when it is used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

Pair = tuple[str, str]
TESTS = Path(__file__).parent
OWN = {
    "lenet_300_100": {"units_1": 24, "units_2": 12},
    "lenet5": {"filters_1": 4, "filters_2": 6, "units": 16},
}


def digests(
    folder: Path, pairs: Sequence[Pair], *, used: bool, hash_seed: int, cores: int
) -> dict[Pair, dict[str, str]]:
    """What a process of its own makes of the pairs (strategy, net), in their order.

    Args:
        folder: the project; its cache is what `used` finds.
        pairs: (strategy, architecture).
        used: whether dense nets must come from the cache, and every pair meets an empty store of
            traced nets.
        hash_seed: PYTHONHASHSEED of the process.
        cores: how many operations of a net may run at once, as a worker is told.

    Returns:
        For each pair the sha256 of `weights.npz` and of the exported file, or of the reason why it
        is refused.
    """
    done = subprocess.run(
        [sys.executable, __file__, str(folder), "used" if used else "cold"],
        input=json.dumps(pairs),
        env=os.environ
        | {
            "PYTHONHASHSEED": str(hash_seed),
            "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}",
            "TF_NUM_INTEROP_THREADS": str(cores),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {(name, net): found for name, net, found in json.loads(done.stdout.splitlines()[-1])}


def _forget_traced_nets() -> None:
    from framework.nn import compression, tflite, training

    for module in (training.fit, tflite.converter, compression.qat, training.gradients):
        module.nets.clear()


def _digests_of(pair: Pair, lab: object) -> dict[str, str]:
    from nets_support import CATALOG, default_net, fixed, job_for

    from framework.errors import TrialError
    from framework.nn.tflite import converter
    from framework.runner.baseline import pack_weights
    from framework.runner.trial import compress
    from framework.study import Use

    name, net = pair
    items = CATALOG.strategies.get(name).knobs().items()
    knobs = {knob: max(1, int(item.low)) for knob, item in items if item.unit == "epochs"}
    architecture = Use(net, OWN[net]) if net in OWN else default_net(net, lab.root)
    spec = fixed(architecture, Use(name, knobs), epochs=1, batch_size=12)
    try:
        stage = compress(spec, lab, job_for(spec, lab))
        file = converter.to_tflite(stage, lab.splits(spec).calibration)
    except TrialError as error:  # a net that a strategy finds nothing in
        return {"refused": sha256(str(error).encode()).hexdigest()}
    return {
        "weights": sha256(pack_weights(stage.weights)).hexdigest(),
        "file": sha256(file).hexdigest(),
    }


def _main(folder: str, mode: str) -> None:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from nets_support import CATALOG, FewSamples

    lab = FewSamples(Path(folder), CATALOG)
    if mode == "used":
        lab.train_dense = None  # a dense net that is not in the cache is an error
    found = []
    for pair in map(tuple, json.load(sys.stdin)):
        if mode == "used":
            _forget_traced_nets()
            lab._baselines.clear()
        found.append((*pair, _digests_of(pair, lab)))
    print(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
