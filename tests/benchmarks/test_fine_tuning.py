"""What benchmarks/fine_tuning says of a net and its control, and that a default does no harm."""

import math
import warnings

import pytest
from studies_support import REPOSITORY, new_project

from benchmarks.fine_tuning.__main__ import HEAD, Measurements, Row, from_files, row_of, shipped
from framework.contracts import Catalog
from framework.runner.baseline import Lab


def row(*differences, baseline=90.0):
    controls = [baseline + difference for difference in differences]
    return Row("net", 4, [baseline] * len(differences), controls)


def test_the_error_is_that_of_the_paired_difference():
    # deviations of 1, 0 and -1 from their mean: variance 1 with n - 1 in the denominator
    one = Row("net", 4, [90.0, 80.0, 70.0], [91.0, 80.0, 69.0])
    assert one.differences == pytest.approx([1.0, 0.0, -1.0])
    assert one.error == pytest.approx(1 / math.sqrt(3))
    assert one.limit == pytest.approx(2 / math.sqrt(3))
    assert one.within


def test_half_a_point_is_allowed_where_seeds_agree_and_no_more():
    assert row(-0.5, -0.5, -0.5).limit == 0.5
    assert row(-0.5, -0.5, -0.5).within
    assert not row(-0.6, -0.6, -0.6).within
    assert row(-0.6, -0.6, -0.6).text().endswith("| **not** |")
    assert row(3.0, 3.0).within


def test_a_wide_spread_allows_twice_its_standard_error():
    # deviations of 1.5 about -1.4: s.e. 1.5 / sqrt(2 / 2) = 1.5
    assert row(0.1, -2.9).limit == pytest.approx(3.0)
    assert row(0.1, -2.9).within
    assert not row(-3.0, -3.4, -3.2).within


def test_one_seed_has_no_error_and_every_row_has_the_columns_of_the_head():
    one = row(-1.0)
    assert (one.error, one.limit, one.within) == (0.0, 0.5, False)
    assert one.text() == "| net | 4 | 1 | 90.00 | 89.00 | -1.00 | 0.00 | 0.50 | one seed |"
    assert {line.count("|") for line in (*HEAD.splitlines(), one.text())} == {10}


def test_every_shipped_study_is_measured_with_the_control_that_it_runs():
    controls = {}
    for name, control in shipped(Lab(REPOSITORY, Catalog())):
        controls[name] = control(seed=3)
    names = {file.stem for file in (REPOSITORY / "studies").glob("*.py")}
    assert {name.split("`")[1] for name in controls} == names
    assert {spec.seed for spec in controls.values()} == {3}
    assert {spec.strategy for spec in controls.values()} == {"identity"}
    assert controls["`zoo`, resnet8"].architecture.name == "resnet8"
    # pruning, sharing and training in 8 bits each fine-tune: 8, 2 and 1 epochs
    assert controls["`squeezenet_deep_compression`"].compress[0].knobs["epochs"] == 11


def test_another_rate_of_fine_tuning_is_another_control_of_the_same_net():
    lab = Lab(REPOSITORY, Catalog())
    usual = dict(shipped(lab))["`cnn_prune`"](seed=0)
    gentle = dict(shipped(lab, ["train.finetune_factor=0.5"]))["`cnn_prune`"](seed=0)
    assert gentle.digest != usual.digest
    assert gentle.dense().digest == usual.dense().digest


@pytest.mark.slow
def test_a_net_from_a_file_is_not_harmed_by_the_default(tmp_path, tmp_path_factory):
    project = new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")
    lab = Lab(project.root, Catalog())
    measurements = Measurements(tmp_path / "pairs", lab)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keras, which calls .h5 a format of old
        for name, control in from_files(lab, tmp_path / "nets"):
            if name == "`cnn_batch_norm.h5`":
                rows.append(row_of(name, control, measurements, (0, 1, 2)))
    assert [one.epochs for one in rows] == [1, 8]
    for one in rows:
        assert min(one.baselines) > 95
        assert one.within, one.text()
