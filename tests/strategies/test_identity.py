"""The control: without training it changes nothing at all."""

import pytest
from nets_support import SMALL, digest, fixed, job_for

from framework.nn.tflite import converter
from framework.results.record import BASELINE_PREFIX
from framework.runner import trial
from framework.study import use


@pytest.mark.parametrize("net", SMALL)
def test_without_epochs_every_metric_is_the_baselines(net, lab):
    record = trial.run(fixed(SMALL[net], use("identity", epochs=0)), lab)
    own = {
        name: value
        for name, value in record.metrics.items()
        if not name.startswith(BASELINE_PREFIX)
    }
    assert own.pop("accuracy_drop") == 0
    assert own.pop("speedup_theoretical") == 1
    assert own == {name: record.metrics[f"{BASELINE_PREFIX}{name}"] for name in own}
    assert {
        "val_accuracy",
        "params_total",
        "params_nonzero",
        "size_tflite_bytes",
        "macs_dense",
    } <= set(own)


def test_its_file_is_the_baselines_byte_for_byte(lab):
    spec = fixed(SMALL["lenet5"], use("identity", epochs=0))
    kept = trial.compress(spec, lab, job_for(spec, lab))
    assert converter.to_tflite(kept) == converter.to_tflite(lab.baseline(spec).stage)


def test_with_epochs_it_trains_on_and_reports_each(lab):
    spec, seen = fixed(SMALL["lenet_300_100"], use("identity", epochs=3)), []
    lab.baseline(spec)
    record = trial.run(
        spec, lab, report=lambda epoch, values: seen.append((epoch, values["val_accuracy"]))
    )
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    # the file's is that of the last epoch
    assert record.metrics["val_accuracy"] == pytest.approx(seen[-1][1])
    assert record.metrics["accuracy_drop"] < 0
    assert record.times["fit_seconds"] > 0
    for name in ("params_total", "params_nonzero", "size_tflite_bytes"):
        ratio = record.metrics[f"{BASELINE_PREFIX}{name}"] / record.metrics[name]
        assert 0.995 <= ratio <= 1.005


def test_two_controls_in_a_chain_train_with_orders_of_their_own(lab):
    spec = fixed(SMALL["lenet_300_100"], use("identity", epochs=1), use("identity", epochs=1))
    job = job_for(spec, lab)
    stage = trial.compress(spec, lab, job)
    assert [step.epochs for step in stage.steps] == [1, 1]
    once = job_for(spec, lab)
    again = once.finetune(once.baseline.stage, 1)
    assert digest(once.finetune(again, 1)) == digest(stage)
    twice = job_for(spec, lab)
    first = twice.finetune(twice.baseline.stage, 1)
    assert digest(job_for(spec, lab).finetune(first, 1)) != digest(stage)
