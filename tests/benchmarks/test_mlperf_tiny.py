"""What benchmarks/mlperf_tiny.py writes: studies that can be read, with every strategy in them."""

from dataclasses import replace

import numpy as np

from benchmarks.mlperf_tiny import NETS, SAMPLES, frames, made_up, pictures, write_studies
from benchmarks.mlperf_tiny_tables import heading, table
from framework.contracts import Catalog
from framework.planning.project import load_study
from framework.report.frame import StudyRuns
from framework.results.record import Run


def test_every_net_meets_every_strategy_that_changes_it(tmp_path):
    write_studies(tmp_path)
    for name in NETS:
        (step,) = load_study(tmp_path, name).study.compress
        met = {option.name for option in step.options}
        assert met == set(Catalog().strategies.names()) - {"identity"}
    assert len(load_study(tmp_path, "resnet8_tiny").study.compress) == 2


def test_made_up_samples_are_those_of_the_net_and_the_same_each_time(tmp_path):
    random = np.random.default_rng(0)
    assert pictures(random, NETS["vww_tiny"].shape).shape == (SAMPLES, 96, 96, 3)
    assert frames(random, NETS["str_ww_tiny"].shape).shape == (SAMPLES, 30, 1, 40)
    first, second = (made_up(NETS["ad_tiny"], tmp_path) for _ in range(2))
    assert list(first) == ["sequence"]
    assert first["sequence"].tobytes() == second["sequence"].tobytes()


def one_seed(root, accuracy, *, failed):
    """The runs of the study of ResNet-8: as it comes, trained on, and under both steps."""

    def run(strategy, params, accuracy, status="FINISHED"):
        sizes = {"params_nonzero": 77_706.0, "size_tflite_bytes": 95_160.0}
        metrics = {"val_accuracy": accuracy, "val_disagreement": 0.02, **sizes}
        tags = {"strategy": strategy, "reason": "TrialTimeout", "trial": "0"}
        metrics["size_tflite_compressed_bytes"] = 54_000.0 + 1000 * accuracy
        return Run("id", strategy, status, tags, params, metrics)

    study = load_study(root, "resnet8_tiny").study
    both = {"compress.0": "magnitude_prune", "compress.1": "ptq"}
    status = "FAILED" if failed else "FINISHED"
    return StudyRuns(
        name="resnet8_tiny",
        study={"task": "classes", "study": study.json()},
        parent=run("", {}, 0.0),
        baselines=[run("none", {}, 0.929)],
        controls=[run("identity", {"compress.0": "identity"}, accuracy)],
        trials=[run("none", {}, 0.929), run("magnitude_prune+ptq", both, accuracy, status)],
    )


def test_the_tables_show_every_seed_and_what_failed(tmp_path):
    write_studies(tmp_path)
    seeds = [one_seed(tmp_path, accuracy, failed=False) for accuracy in (0.9, 0.92)]
    lines = list(table(seeds))
    assert len(lines) == 5  # without the trial that leaves both steps out
    assert lines[2].startswith("| as it comes | 92.90 | 98.00 | 77 706 | 95 160 |")
    assert lines[4] == (
        "| `magnitude_prune+ptq` | 90.00 92.00; mean 91.00 | 98.00 | 77 706 | 95 160 | 54 910 |"
    )
    looked = replace(
        seeds[0].trials[0], metrics={**seeds[0].trials[0].metrics, "test_accuracy": 0.87}
    )
    with_test = list(table([replace(seeds[0], trials=[looked, seeds[0].trials[1]]), seeds[1]]))
    assert with_test[2].startswith("| as it comes | 92.90 | 87.00 | 98.00 |")
    assert with_test[4].startswith("| `magnitude_prune+ptq` | 90.00 92.00; mean 91.00 |  | 98.00 |")
    assert heading("resnet8_tiny", seeds) == "\nresnet8_tiny, seed 0, 0 (n = 2)\n"
    begun = replace(seeds[0], parent=replace(seeds[0].parent, status="KILLED"))
    assert heading("vww_tiny", [begun]) == "\nvww_tiny, seed 0 (n = 1; 2 trials so far)\n"
    failed = one_seed(tmp_path, 0.9, failed=True)
    assert list(table([*seeds, failed]))[4].count("TrialTimeout") == 5
