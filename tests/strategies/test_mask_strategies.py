"""Strategies that choose zeros, on small nets: which go, when, and at what price."""

import numpy as np
import pytest
from nets_support import CATALOG, SMALL, fixed, job_for

from framework.nn import compression, training
from framework.nn.compression import learned_step
from framework.planning.resolve import budget, control_spec, largest_budget
from framework.runner.trial import compress
from framework.study import Use, use


@pytest.fixture
def made(lab):
    def run(*steps, net="lenet5", seed=0, **train):
        spec = fixed(SMALL[net], *steps, seed=seed, **train)
        job = job_for(spec, lab)
        return compress(spec, lab, job), job

    return run


def kernels(stage):
    return {key: stage.weights[key] for key in compression.pruning.kernels(stage)}


def zeros(stage):
    return {key: value == 0 for key, value in kernels(stage).items()}


def total_share(stage):
    found = zeros(stage)
    return sum(int(gone.sum()) for gone in found.values()) / sum(
        gone.size for gone in found.values()
    )


def test_global_prune_has_one_threshold(made):
    stage, job = made(use("global_prune", sparsity=0.7, floor=0.0, epochs=0))
    before, gone = kernels(job.trained), zeros(stage)
    left = min(float(np.abs(before[key][~gone[key]]).min()) for key in gone)
    assert max(float(np.abs(before[key][gone[key]]).max(initial=0)) for key in gone) <= left
    assert total_share(stage) == pytest.approx(0.7, abs=0.001)
    # layers found their own shares
    assert len({round(float(item.mean()), 2) for item in gone.values()}) > 1


@pytest.mark.parametrize("epochs", [0, 1])
def test_the_floor_of_global_prune_holds(epochs, made):
    stage, _ = made(use("global_prune", sparsity=0.6, floor=0.04, epochs=epochs))
    assert all((~gone).sum() >= np.ceil(0.04 * gone.size) for gone in zeros(stage).values())
    assert total_share(stage) == pytest.approx(0.6, abs=0.001)


@pytest.mark.parametrize("name", ["global_prune", "snip", "variational_prune"])
def test_a_floor_never_stands_in_the_way_of_what_is_asked(name, made):
    step = {"epochs": 0} | ({"tune_epochs": 0} if name == "variational_prune" else {})
    stage, _ = made(use(name, sparsity=0.995, **step))
    assert total_share(stage) == pytest.approx(0.995, abs=0.002)
    assert all((~gone).any() for gone in zeros(stage).values())


def test_random_prune_draws_by_its_seed_in_each_proportion(made):
    step = use("random_prune", sparsity=0.8, layers="uniform", epochs=0)
    one, two = zeros(made(step)[0]), zeros(made(step, seed=1)[0])
    assert not all(np.array_equal(one[key], two[key]) for key in one)
    assert all(
        gone.mean() == pytest.approx(0.8, abs=0.01) for gone in one.values() if gone.size > 200
    )
    overall, _ = made(use("random_prune", sparsity=0.8, layers="global", epochs=0))
    assert total_share(overall) == pytest.approx(0.8, abs=0.001)


def test_random_prune_takes_the_proportions_it_is_given(made):
    text = "conv_1/0:40,conv_2/0:500,head/0:7,hidden/0:900"
    stage, _ = made(use("random_prune", layers="run", run="abcdef", proportions=text, epochs=1))
    found = {f"{layer}/{place}": int(gone.sum()) for (layer, place), gone in zeros(stage).items()}
    assert found == {"conv_1/0": 40, "conv_2/0": 500, "head/0": 7, "hidden/0": 900}
    assert stage.steps[-1].asked == found


def test_snip_looks_at_the_untrained_net_and_its_masks_never_move(made):
    at_once, job = made(use("snip", sparsity=0.8, epochs=0))
    trained, _ = made(use("snip", sparsity=0.8, epochs=1))
    for key, gone in zeros(at_once).items():
        assert np.array_equal(zeros(trained)[key], gone)
        assert np.array_equal(at_once.weights[key][~gone], job.initial.weights[key][~gone])
        assert not np.array_equal(trained.weights[key], at_once.weights[key])


@pytest.mark.parametrize("rewind", [0, 1])
def test_a_lottery_ticket_begins_where_the_dense_net_was(rewind, made):
    stage, job = made(use("lottery_ticket", sparsity=0.8, rewind_epoch=rewind, epochs=0))
    early, last = job.rewind(rewind), job.trained
    for key, gone in zeros(stage).items():
        assert np.array_equal(stage.weights[key][~gone], early.weights[key][~gone])
        if gone.any():
            assert np.abs(last.weights[key][gone]).max() <= np.abs(last.weights[key][~gone]).min()


def test_a_lottery_ticket_costs_all_of_its_rounds():
    spec = fixed(SMALL["lenet5"], use("lottery_ticket", rounds=4, epochs=2))
    assert budget(spec, CATALOG) == 8


def test_the_control_has_the_budget_of_the_dearest_ticket():
    from framework import Choice, Int, Study
    from framework.planning.resolve import resolve

    steps = [
        Choice(
            use("lottery_ticket", rounds=Int(1, 4), epochs=Choice(1, 3)),
            use("global_prune", epochs=5),
        )
    ]
    study = resolve(
        Study(dataset=use("digits"), architecture=use("lenet5"), compress=steps), CATALOG
    )
    assert largest_budget(study, CATALOG) == 12
    assert control_spec(study, CATALOG).compress[0].knobs["epochs"] == 12


def test_dynamic_sparse_moves_its_zeros_and_keeps_their_number(made):
    at_once, _ = made(use("dynamic_sparse", sparsity=0.8, epochs=0))
    trained, _ = made(use("dynamic_sparse", sparsity=0.8, epochs=2, updates=5))
    moved = 0
    for key, gone in zeros(trained).items():
        assert gone.sum() == zeros(at_once)[key].sum()
        moved += int((gone != zeros(at_once)[key]).sum())
    assert moved > 0


def test_variational_prune_without_training_is_global_prune(made):
    one, _ = made(use("variational_prune", sparsity=0.8, epochs=0, tune_epochs=0))
    other, _ = made(use("global_prune", sparsity=0.8, epochs=0))
    assert all(np.array_equal(zeros(one)[key], gone) for key, gone in zeros(other).items())
    trained, _ = made(use("variational_prune", sparsity=0.8, epochs=2, tune_epochs=1))
    assert not all(np.array_equal(zeros(trained)[key], gone) for key, gone in zeros(other).items())
    assert trained.steps[-1].epochs == 3


@pytest.mark.parametrize("name", ["magnitude_prune", "global_prune", "gradient_prune"])
def test_max_drop_stops_where_the_net_would_lose_too_much(name, made):
    step = {"sparsity": 0.99, "epochs": 0}
    far, job = made(use(name, **step))
    near, _ = made(use(name, **step, max_drop=0.02))
    assert job.quality(far) < job.quality(job.trained) - 0.02  # else this test says nothing
    assert job.quality(near) >= job.quality(job.trained) - 0.02
    assert 0 < total_share(near) < total_share(far)
    assert total_share(made(use(name, **step, max_drop=1.0))[0]) == total_share(far)


def test_what_max_drop_cost_is_on_record(made):
    stage, _ = made(use("global_prune", sparsity=0.99, epochs=1, max_drop=0.0))
    # the one asked for, four between, and perhaps none pruned at all
    assert stage.steps[-1].epochs in (5, 6)
    asked = sum(stage.steps[-1].asked.values())
    assert asked == sum(int(gone.sum()) for gone in zeros(stage).values())


@pytest.mark.parametrize(
    "steps",
    [
        (
            use("magnitude_prune", sparsity=0.6, epochs=1),
            use("magnitude_prune", sparsity=0.3, epochs=1),
        ),
        (use("global_prune", sparsity=0.6, epochs=0), use("random_prune", sparsity=0.8, epochs=1)),
        (use("snip", sparsity=0.5, epochs=1), use("gradient_prune", sparsity=0.7, epochs=1)),
        (
            use("variational_prune", sparsity=0.5, epochs=1),
            use("global_prune", sparsity=0.7, epochs=1),
        ),
    ],
    ids=lambda steps: "+".join(step.name for step in steps),
)
def test_zeros_that_are_there_stay_and_count(steps, made):
    first, _ = made(steps[0])
    both, _ = made(*steps)
    for key, gone in zeros(first).items():
        assert zeros(both)[key][gone].all()
    step = both.steps[-1]
    for (layer, place), gone in zeros(both).items():
        assert abs(int(gone.sum()) - step.asked[f"{layer}/{place}"]) <= 1


def test_shared_values_train_and_stay_shared(made):
    alone, _ = made(use("weight_cluster", clusters=8, epochs=0))
    trained, _ = made(use("weight_cluster", clusters=8, epochs=1), Use("identity", {"epochs": 1}))
    for key in kernels(trained):
        assert len(np.unique(trained.weights[key])) <= 8
        assert not np.array_equal(alone.weights[key], trained.weights[key])
    assert set(trained.steps[0].asked.values()) == {8}
    assert max(trained.steps[0].reached.values()) == 8


def on_one_grid(values, largest):
    """Whether all values are whole multiples of one step, up to the largest multiple."""
    top = np.abs(values).max()
    multiples = [values / (top / count) if top else values for count in range(1, largest + 1)]
    return any(np.allclose(found, np.rint(found), atol=1e-3) for found in multiples)


def test_what_is_on_no_grid_is_told():
    assert on_one_grid(np.array([0.0, 0.2, -0.6]), 3)
    assert not on_one_grid(np.array([0.0, 0.2, -0.6]), 1)
    assert not on_one_grid(np.array([0.2, 0.33, 0.6]), 3)


@pytest.mark.parametrize("bits", [2, 3, 7])
@pytest.mark.parametrize("scales", ["per_channel", "per_tensor"])
def test_low_bit_ends_on_a_symmetric_grid_and_stays_there(bits, scales, made):
    stage, _ = made(use("low_bit", bits=bits, scales=scales, epochs=1))
    tuned, _ = made(
        use("low_bit", bits=bits, scales=scales, epochs=1), Use("identity", {"epochs": 1})
    )
    for key, values in kernels(stage).items():
        assert np.array_equal(tuned.weights[key], values)
        groups = (
            values.reshape(-1, values.shape[-1]).T if scales == "per_channel" else [values.ravel()]
        )
        assert all(on_one_grid(group, learned_step.levels_of(bits)) for group in groups)
    assert not np.array_equal(tuned.weights["head", 1], stage.weights["head", 1])


def test_one_trace_serves_any_number_of_bits(made):
    made(use("low_bit", bits=2, epochs=1))
    before = training.fit.Trained.traces
    made(use("low_bit", bits=5, epochs=1))
    made(use("low_bit", bits=7, epochs=1))
    assert training.fit.Trained.traces == before
