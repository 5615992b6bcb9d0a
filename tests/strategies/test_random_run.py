"""Random pruning with the proportions of a finished run: from the files that the run has left."""

from dataclasses import replace

import pytest
from nets_support import CATALOG, SMALL, fixed, job_for

from framework import Study, use
from framework.errors import InvalidStudy, InvalidValue
from framework.nn import compression, tflite
from framework.nn.tflite import converter
from framework.planning.resolve import resolve
from framework.results.requested import layers_csv
from framework.runner.trial import compress

RUN = "0123456789abcdef0123456789abcdef"
FOLLOWS = use("random_prune", layers="run", run=RUN[:8], epochs=0)


@pytest.fixture
def finished(tmp_path, lab):
    """A project with the files of one run: 70 % of SMALL's LeNet-5 zero, in 8 bits."""
    spec = fixed(SMALL["lenet5"], use("magnitude_prune", sparsity=0.7, epochs=0), use("ptq"))
    stage = compress(spec, lab, job_for(spec, lab))
    weights = tflite.weights.read_weights(
        converter.to_tflite(stage, lab.splits(spec).calibration), stage
    )
    folder = tmp_path / ".artifacts" / "some_study" / RUN / "artifacts"
    folder.mkdir(parents=True)
    (folder / "layers.csv").write_bytes(layers_csv(stage, weights))
    return tmp_path, stage


def study(step=FOLLOWS):
    return Study(dataset=use("digits"), architecture=SMALL["lenet5"], compress=[step])


def test_as_many_zeros_of_each_kernel_as_the_run_has_others_by_lot(finished, lab):
    root, stage = finished
    resolved = resolve(study(), CATALOG, root)
    spec = replace(fixed(SMALL["lenet5"]), compress=resolved.compress)
    drawn = compress(spec, lab, job_for(spec, lab))
    assert set(drawn.masks) == set(compression.pruning.kernels(stage))
    for key, zeros in drawn.masks.items():
        name = f"{key[0]}/{key[1]}"
        assert zeros.sum() >= stage.steps[0].asked[name]  # 8 bits have made a few more
        assert not (zeros == stage.masks[key]).all()


def test_the_digest_knows_the_proportions(finished):
    root, _ = finished
    before = resolve(study(), CATALOG, root).digest
    file = next(root.glob(".artifacts/*/*/artifacts/layers.csv"))
    lines = file.read_text().splitlines()
    column = lines[0].split(",").index("zeros_reached")
    cells = lines[1].split(",")
    file.write_text(
        "\n".join([lines[0], ",".join([*cells[:column], "1", *cells[column + 1 :]]), *lines[2:]])
        + "\n"
    )
    assert resolve(study(), CATALOG, root).digest != before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": None}, "proportions of a finished run"),
        ({"run": "abc"}, "proportions of a finished run"),
        ({"run": "../../x"}, "proportions of a finished run"),
        ({"run": "ffffffff"}, "0 runs with files on this machine begin with ffffffff"),
    ],
)
def test_a_run_that_is_not_there_is_the_users_mistake(changes, said, finished):
    root, _ = finished
    with pytest.raises(InvalidStudy, match=said):
        resolve(study(replace(FOLLOWS, knobs={**FOLLOWS.knobs, **changes})), CATALOG, root)


def test_a_run_of_another_net_is_refused(finished, lab):
    root, _ = finished
    resolved = resolve(study(), CATALOG, root)
    spec = replace(fixed(SMALL["lenet_300_100"]), compress=resolved.compress)
    with pytest.raises(InvalidStudy, match="of another net"):
        compress(spec, lab, job_for(spec, lab))


def test_proportions_that_are_none_are_told(lab):
    step = replace(FOLLOWS, knobs={**FOLLOWS.knobs, "proportions": "conv:many"})
    spec = fixed(SMALL["lenet5"], step)
    with pytest.raises(InvalidValue, match="layer/position:zeros"):
        compress(spec, lab, job_for(spec, lab))
