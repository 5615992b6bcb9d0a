"""What benchmarks/mlperf_tiny.py writes: studies that can be read, with every strategy in them."""

import numpy as np

from benchmarks.mlperf_tiny import NETS, SAMPLES, frames, made_up, pictures, write_studies
from framework.contracts import Catalog
from framework.planning.project import load_study


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
