"""The helper beside these tests, importable whatever pytest's import mode, and a store for all."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from compared_runs import CATALOG, OVER, SPARSITIES, Written, compared, seeds, study_of

from framework import AtMost, Choice, use
from framework.planning.resolve import resolve

# two numbers vary
BUDGETS = [(0.5, 4), (0.8, 4), (0.95, 4), (0.8, 8)]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a dozen studies, to be read; the first report of `prune` is in `out`.

    There random pruning collapses once, and magnitude pruning diverges once.
    """
    root = tmp_path_factory.mktemp("compared")
    collapsed = [("random_prune", 0.95, 2)]
    study = study_of()
    seeds(
        Written(root, collapsed=collapsed, failed=[("magnitude_prune", 0.8, 1)]), "prune", study, 5
    )
    seeds(Written(root, collapsed=collapsed), "finished", study, 5)
    fine = Written(root)
    seeds(fine, "few", study, 2)
    for seed, name in enumerate(("one", "two", "three")):
        fine.study(name, replace(study, seed=seed))
    limit = AtMost("accuracy_drop", 0.02)
    seeds(fine, "limited", replace(study, constraints=(limit,)), 3)
    fine.study("other_net", study_of("lenet_300_100", methods=["magnitude_prune"]))
    fine.study("long", replace(study, train=replace(study.train, epochs=20)))
    steps = [
        use("magnitude_prune", sparsity=sparsity, epochs=epochs, label=f"{sparsity} in {epochs}")
        for sparsity, epochs in BUDGETS
    ]
    fine.study("budgets", resolve(replace(study, compress=(Choice(*steps),)), CATALOG))
    for seed, sparsity in enumerate(SPARSITIES):
        step = use("magnitude_prune", sparsity=sparsity, epochs=4)
        fine.study("apart", resolve(replace(study, compress=(step,), seed=seed), CATALOG))
    fine.begun("empty", study)
    compared(root, root / "out", over=OVER)
    return root
