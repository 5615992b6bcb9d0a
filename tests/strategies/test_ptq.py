"""Post-training quantization: what lies in the file, and what it answers."""

import numpy as np
import pytest
from nets_support import CATALOG, SMALL, fixed, job_for, masked, tiny_samples, tiny_stage

from framework.contracts import Export
from framework.errors import SqueezelabError
from framework.nn import tflite
from framework.nn.tflite import converter, interpreter
from framework.planning.resolve import resolve
from framework.runner.trial import run
from framework.study import Study, Use, use

MODES = [
    ("float16", "per_channel"),
    *((form, scales) for form in ("dynamic", "int8") for scales in ("per_channel", "per_tensor")),
]


@pytest.fixture(scope="module", params=SMALL)
def net(request, lab):
    """A trained net and its job."""
    return job_for(fixed(SMALL[request.param]), lab)


def quantized(job, **knobs):
    stage = CATALOG.strategies.build("ptq", knobs).apply(job.baseline.stage, job)
    return stage, converter.to_tflite(stage, job.calibration)


def kernels(stage, file):
    return {w.layer: w for w in tflite.weights.read_weights(file, stage) if w.role == "kernel"}


@pytest.mark.parametrize(("form", "scales"), MODES)
def test_kernels_have_the_type_and_the_scales_asked_for(net, form, scales):
    stage, file = quantized(net, format=form, scales=scales)
    found = kernels(stage, file)
    kind = {"float16": np.float16, "dynamic": np.int8, "int8": np.int8}[form]
    for kernel in found.values():
        small = form == "dynamic" and kernel.values.size < 1024
        assert kernel.values.dtype == (np.float32 if small else kind)
        channels = (
            0
            if kernel.values.dtype != np.int8
            else 1
            if scales == "per_tensor"
            else kernel.values.shape[0]
        )
        assert kernel.scales == channels


@pytest.mark.parametrize(("form", "scales"), MODES)
def test_every_parameter_is_still_counted_and_the_file_is_smaller(net, form, scales):
    stage, file = quantized(net, format=form, scales=scales)
    dense = converter.to_tflite(net.baseline.stage)
    counted = [
        sum(w.values.size for w in tflite.weights.read_weights(one, net.baseline.stage))
        for one in (file, dense)
    ]
    assert counted[0] == counted[1] == sum(value.size for value in stage.weights.values())
    assert len(file) < len(dense)


@pytest.mark.parametrize(("form", "scales"), MODES)
def test_the_file_answers_nearly_as_the_net(net, form, scales):
    stage, file = quantized(net, format=form, scales=scales)
    samples = net.calibration
    difference = np.abs(interpreter.outputs(file, samples) - converter.predict(stage, samples))
    assert difference.max() < (0.01 if form == "float16" else 0.35)
    assert difference.mean() < 0.02


def test_zeros_stay_zeros():
    stage = masked(tiny_stage(), 0.75)
    zeros = {keep.weight[0]: int(keep.zeros.sum()) for keep in stage.keeps}
    samples = tiny_samples(8)
    for form in ("float16", "int8"):
        quantized_stage = CATALOG.strategies.build("ptq", {"format": form}).apply(stage, None)
        file = converter.to_tflite(quantized_stage, samples)
        for layer, kernel in kernels(quantized_stage, file).items():
            assert (kernel.values == 0).sum() >= zeros[layer]


def test_int8_without_calibration_is_an_error_not_another_format():
    stage = CATALOG.strategies.build("ptq", {}).apply(tiny_stage(), None)
    assert stage.export == Export("int8", "per_channel", 200)
    with pytest.raises(SqueezelabError, match="calibration"):
        converter.to_tflite(stage)


def test_the_ranges_come_from_as_many_samples_as_asked(net):
    one, other = (quantized(net, samples=count)[1] for count in (1, 50))
    assert one != other
    assert quantized(net, samples=50)[1] == quantized(net, samples=10_000)[1]  # there are 50


def test_a_trial_reports_bits_coverage_and_disagreement(lab):
    result = run(fixed(SMALL["lenet5"], use("ptq", format="dynamic")), lab)
    assert result.reason == "", result.error
    values = result.metrics
    assert values["bits_asked"] == 8
    assert 8 < values["bits_reached"] < 32  # small kernels stay in float
    assert 0 < values["quantized_share"] < 1
    assert 0 <= values["val_disagreement"] <= 0.05
    assert values["baseline.quantized_share"] == 0
    assert values["size_dense_bytes"] < values["baseline.size_dense_bytes"]


def test_pruned_and_quantized_keeps_its_sparsity(lab):
    prune = Use("magnitude_prune", {"sparsity": 0.7, "epochs": 1})
    result = run(fixed(SMALL["lenet5"], prune, Use("ptq")), lab)
    assert result.reason == "", result.error
    assert (
        result.metrics["sparsity_reached"]
        >= result.metrics["sparsity_asked"]
        == pytest.approx(0.7, abs=0.01)
    )
    assert result.metrics["bits_reached"] == 8
    assert result.metrics["speedup_theoretical"] > 1.5


def test_what_would_undo_the_bits_is_refused():
    from framework.errors import InvalidStudy

    study = Study(
        dataset=use("digits"),
        architecture=use("lenet5"),
        compress=[use("ptq"), use("magnitude_prune")],
    )
    with pytest.raises(InvalidStudy, match="bits") as caught:
        resolve(study, CATALOG)
    assert "nothing is lost: magnitude_prune + ptq" in str(caught.value)
