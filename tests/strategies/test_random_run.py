"""Random pruning with the proportions of a finished run: from the files that the run has left."""

from dataclasses import replace

import pytest
from nets_support import CATALOG, SMALL, fixed, job_for
from studies_support import new_project

from framework import Study, use
from framework.errors import InvalidStudy, InvalidValue, UserError
from framework.nn import compression, tflite
from framework.nn.tflite import converter
from framework.planning.resolve import resolve
from framework.results.requested import layers_csv
from framework.runner.trial import compress
from framework.strategies.random_prune import as_text, zeros_of
from framework.tracking.lookup import run_file_of

RUN = "0123456789abcdef0123456789abcdef"
FOLLOWS = use("random_prune", layers="run", run=RUN[:8], epochs=0)


@pytest.fixture
def project(tmp_path_factory, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


@pytest.fixture(scope="module")
def finished(lab):
    """(`layers.csv` of a run, its net): 70 % of SMALL's LeNet-5 zero, in 8 bits."""
    spec = fixed(SMALL["lenet5"], use("magnitude_prune", sparsity=0.7, epochs=0), use("ptq"))
    stage = compress(spec, lab, job_for(spec, lab))
    file = converter.to_tflite(stage, lab.splits(spec).calibration)
    return layers_csv(stage, tflite.weights.read_weights(file, stage)), stage


def resolved(layers, step=FOLLOWS):
    """The study in a project whose one run has left this table."""

    def run_file(run, name):
        assert (run, name) == (RUN[:8], "layers.csv")
        return layers

    return resolve(study(step), CATALOG, run_file=run_file)


def study(step=FOLLOWS):
    return Study(dataset=use("digits"), architecture=SMALL["lenet5"], compress=[step])


def test_as_many_zeros_of_each_kernel_as_the_run_has_others_at_random(finished, lab):
    layers, stage = finished
    spec = replace(fixed(SMALL["lenet5"]), compress=resolved(layers).compress)
    drawn = compress(spec, lab, job_for(spec, lab))
    assert set(drawn.masks) == set(compression.pruning.kernels(stage))
    for key, zeros in drawn.masks.items():
        name = f"{key[0]}/{key[1]}"
        assert zeros.sum() >= stage.steps[0].asked[name]  # 8 bits have made a few more
        assert not (zeros == stage.masks[key]).all()


def test_the_digest_knows_the_proportions(finished):
    layers, _ = finished
    lines = layers.decode().splitlines()
    cells = lines[1].split(",")
    cells[lines[0].split(",").index("zeros_reached")] = "1"
    others = "\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n"
    assert resolved(others.encode()).digest != resolved(layers).digest


def test_a_run_has_to_be_named(finished):
    step = replace(FOLLOWS, knobs={**FOLLOWS.knobs, "run": None})
    with pytest.raises(InvalidStudy, match="proportions of a finished run"):
        resolved(finished[0], step)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("abc", "'abc' is no run"),
        ("../../x", "is no run"),
        ("ffffffff", "no run 'ffffffff'|There is no run"),
    ],
)
def test_a_run_that_is_not_there_is_the_users_mistake(run, said, project):
    step = replace(FOLLOWS, knobs={**FOLLOWS.knobs, "run": run})
    with pytest.raises(UserError, match=said):
        resolve(study(step), CATALOG, project.root, run_file=run_file_of(project.root))


def test_where_there_is_no_store_it_says_so():
    with pytest.raises(InvalidStudy, match="no store to look for it in"):
        resolve(study(), CATALOG)


def test_a_finished_run_of_the_store_is_read(project):
    project.study()
    run = project.runs("trial")[0]
    step = replace(FOLLOWS, knobs={**FOLLOWS.knobs, "run": run.run_id[:8]})
    read = resolve(study(step), CATALOG, project.root, run_file=run_file_of(project.root))
    stored = project.store().artifact(run.run_id, "layers.csv")
    assert read.compress[0].knobs["proportions"] == as_text(zeros_of(stored))


def test_a_run_of_another_net_is_refused(finished, lab):
    follows = resolved(finished[0]).compress
    spec = replace(fixed(SMALL["lenet_300_100"]), compress=follows)
    with pytest.raises(InvalidStudy, match="of another net"):
        compress(spec, lab, job_for(spec, lab))


def test_proportions_that_are_none_are_told(lab):
    step = replace(FOLLOWS, knobs={**FOLLOWS.knobs, "proportions": "conv:many"})
    spec = fixed(SMALL["lenet5"], step)
    with pytest.raises(InvalidValue, match="layer/position:zeros"):
        compress(spec, lab, job_for(spec, lab))
