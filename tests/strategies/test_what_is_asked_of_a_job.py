"""What each strategy asks its job to train: which net, for how long, at which rate, under which
masks, when they move.

The job of these tests trains nothing: it writes down what it was asked for and answers with made-up
weights.
"""

import numpy as np
import pytest
from nets_support import CATALOG, masked, tiny_samples, tiny_stage

from framework.contracts.job import PLAIN, Tuning
from framework.nn import compression
from framework.nn.compression import variational_dropout
from framework.runner.baseline import purpose_seed

STEPS = 40  # in an epoch


class Recorder:
    """A job that only writes down.

    What it "trains" are weights of another seed, under the masks of the stage.
    """

    fit_seconds = 0.0
    catalog = CATALOG
    train = tiny_samples(48)
    calibration = tiny_samples(24, seed=5)
    initial = tiny_stage(seed=0)
    trained = tiny_stage(seed=1)

    def __init__(self):
        self.asked, self.answers, self.looks = [], [], []

    def seed(self, purpose):
        return purpose_seed(0, purpose)

    def rewind(self, epoch):
        return tiny_stage(seed=100 + epoch) if epoch else self.initial

    def steps_per_epoch(self):
        return STEPS

    def quality(self, stage):
        return 1.0

    def finetune(self, stage, epochs, tuning=PLAIN):
        self.asked.append((stage, epochs, tuning))
        self.answers.append(held(tiny_stage(seed=200 + len(self.asked)), stage.masks))
        return self.answers[-1]

    def gradients(self, stage, **how):
        """Large where a weight is zero and tiny elsewhere, so that what RigL drops does not grow
        again."""
        self.looks.append((stage, how))
        for _ in range(how["batches"]):
            sizes = np.random.default_rng(len(self.looks))
            yield {
                key: ((value == 0) + 1e-6) * sizes.uniform(1, 2, value.shape)
                for key, value in stage.weights.items()
            }


def held(stage, masks):
    """The stage under these masks, which it keeps."""
    from framework.strategies._pruning import masked

    return masked(stage, masks)


def applied(name, **knobs):
    """(the stage that a strategy makes of the net it needs, the job it asked)."""
    strategy, job = CATALOG.strategies.build(name, knobs), Recorder()
    return strategy.apply(job.initial if strategy.needs == "initial" else job.trained, job), job


def kernels(stage):
    return {key: stage.weights[key] for key in compression.pruning.kernels(stage)}


def zeros_of(masks):
    return sum(int(zeros.sum()) for zeros in masks.values())


SIZE = sum(value.size for value in kernels(Recorder.initial).values())


# --- lottery tickets ------------------------------------------------------------------------------


@pytest.mark.parametrize("rewind", [0, 2])
def test_every_round_of_a_lottery_ticket_begins_at_the_early_weights(rewind):
    stage, job = applied(
        "lottery_ticket", sparsity=0.875, rounds=3, rewind_epoch=rewind, epochs=2, floor=0.0
    )
    assert [(epochs, tuning.fresh) for _, epochs, tuning in job.asked] == [(2, True)] * 3
    early = job.rewind(rewind).weights
    for begin, _, _ in job.asked:
        for key, value in begin.weights.items():
            gone = begin.masks.get(key, np.zeros(value.shape, bool))
            assert np.array_equal(value[~gone], early[key][~gone])
            assert not value[gone].any()
    assert all(
        np.array_equal(stage.weights[key], value) for key, value in job.answers[-1].weights.items()
    )


def test_every_round_of_a_lottery_ticket_prunes_what_the_last_one_trained():
    _, job = applied("lottery_ticket", sparsity=0.875, rounds=3, epochs=2, floor=0.0)
    seen = [job.trained, *job.answers[:-1]]
    assert [zeros_of(begin.masks) / SIZE for begin, _, _ in job.asked] == pytest.approx(
        [0.5, 0.75, 0.875], abs=2e-3
    )
    for looked_at, (begin, _, _) in zip(seen, job.asked, strict=True):
        last = looked_at.masks
        newly = [
            np.abs(v[begin.masks[k] & ~last.get(k, np.zeros(v.shape, bool))])
            for k, v in kernels(looked_at).items()
        ]
        left = [np.abs(value[~begin.masks[key]]) for key, value in kernels(looked_at).items()]
        assert np.concatenate(newly).max() <= np.concatenate(left).min()
        assert all(begin.masks[key][gone].all() for key, gone in last.items())


# --- RigL -----------------------------------------------------------------------------------------

END = 300  # 75 % of 10 epochs of 40 steps


@pytest.fixture(scope="module")
def rigl():
    _, job = applied(
        "dynamic_sparse", sparsity=0.8, layers="uniform", drop=0.4, updates=30, epochs=10
    )
    ((begin, epochs, tuning),) = job.asked
    assert (epochs, tuning.fresh) == (10, True)
    return job, begin, tuning.remask


def test_rigl_moves_its_masks_in_the_first_three_quarters_of_the_training(rigl):
    _, _, remask = rigl
    assert sorted(remask.steps) == list(range(10, END, 10))


@pytest.mark.parametrize(
    ("step", "share"), [(1, 0.4), (100, 0.3), (150, 0.2), (200, 0.1), (END, 0.0)]
)
def test_rigl_drops_by_half_a_cosine(step, share, rigl):
    _, begin, remask = rigl
    for key, zeros in remask.update(step, begin).items():
        alive = int((~begin.masks[key]).sum())
        moved = int((zeros & ~begin.masks[key]).sum())
        assert moved == round(share * alive)
        assert zeros.sum() == begin.masks[key].sum()


def test_rigl_looks_at_the_net_as_it_is_by_one_batch_of_the_size_asked(rigl):
    job, begin, remask = rigl
    now = held(tiny_stage(seed=7), begin.masks)
    remask.update(50, now)
    looked_at, how = job.looks[-1]
    assert looked_at is now
    assert how == {"batches": 1, "batch_size": 128, "batch_statistics": True}


# --- masks that grow ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["global_prune", "gradient_prune", "random_prune"])
def test_masks_grow_by_the_cube_and_are_whole_at_60_percent_of_the_training(name):
    own = {"floor": 0.0} if name != "random_prune" else {"layers": "global"}
    _, job = applied(name, sparsity=0.8, epochs=10, **own)
    ((begin, epochs, tuning),) = job.asked
    end, remask = 240, tuning.remask
    assert epochs == 10
    assert not tuning.fresh
    assert sorted(remask.steps) == list(range(12, end + 1, 12))
    goal = compression.masks.zeros_asked(SIZE, 0.8)
    for step in (12, 60, 120, 180, end):
        done = 1 - (1 - step / end) ** 3
        assert zeros_of(remask.update(step, begin)) == pytest.approx(goal * done, abs=1)


def test_masks_grow_from_the_zeros_that_are_there():
    job, stage = Recorder(), masked(tiny_stage(seed=1), 0.4)
    CATALOG.strategies.build("global_prune", {"sparsity": 0.8, "floor": 0.0, "epochs": 10}).apply(
        stage, job
    )
    remask = job.asked[0][2].remask
    first, goal = zeros_of(stage.masks), compression.masks.zeros_asked(SIZE, 0.8)
    assert zeros_of(remask.update(120, stage)) == pytest.approx(
        first + (goal - first) * 0.875, abs=1
    )


def test_tfmots_schedule_is_given_its_ends_in_steps_and_shares():
    job, stage = Recorder(), masked(tiny_stage(seed=1), 0.25)
    knobs = {"sparsity": 0.8, "layers": "uniform", "epochs": 10}
    CATALOG.strategies.build("magnitude_prune", knobs).apply(stage, job)
    dynamic = dict(job.asked[0][2].dynamic)
    assert (dynamic.pop("end_step"), dynamic.pop("frequency")) == (240, 12)
    assert {name: value for name, value in dynamic.items() if name.startswith("final")} == {
        f"final/{layer}": 0.8 for layer in ("conv", "hidden", "head")
    }
    assert {name: value for name, value in dynamic.items() if name.startswith("initial")} == {
        f"initial/{layer}": pytest.approx(0.25) for layer in ("conv", "hidden", "head")
    }


# --- the others -----------------------------------------------------------------------------------


def test_snip_trains_the_untrained_net_as_the_dense_net_was():
    _, job = applied("snip", sparsity=0.5, samples=20, floor=0.0, epochs=3)
    ((begin, epochs, tuning),) = job.asked
    assert (epochs, tuning) == (3, Tuning(fresh=True))
    ((looked_at, look),) = job.looks
    assert looked_at is job.initial
    assert (look["batches"], look["batch_size"]) == (1, 20)
    for key, value in kernels(begin).items():
        assert np.array_equal(value[~begin.masks[key]], job.initial.weights[key][~begin.masks[key]])


def test_the_divergence_of_variational_dropout_is_a_share_of_the_training_samples():
    _, job = applied(
        "variational_prune", sparsity=0.5, strength=3.0, start=-7.0, epochs=2, tune_epochs=0
    )
    dynamic = job.asked[0][2].dynamic
    assert dynamic["strength"] == pytest.approx(3.0 / 48)
    for key, value in kernels(job.trained).items():
        begin = dynamic[variational_dropout.name_of(key)]
        assert begin.shape == value.shape
        assert begin * variational_dropout.SPEED == pytest.approx(-7.0)


def test_gradient_prune_averages_as_many_batches_as_asked():
    _, job = applied("gradient_prune", sparsity=0.5, batches=3, batch_size=8, epochs=0)
    assert [(how["batches"], how["batch_size"]) for _, how in job.looks] == [(3, 8)]


def test_training_in_8_bits_begins_with_ranges_of_the_calibration_split_at_its_own_rate():
    stage, job = applied("qat", epochs=2, samples=16, rate=0.5)
    ((begin, _, tuning),) = job.asked
    found = compression.qat.ranges(begin, job.calibration.first(16))
    assert tuning.dynamic == compression.qat.dynamic_of(found)
    assert tuning.dynamic != compression.qat.dynamic_of(
        compression.qat.ranges(begin, job.train.first(16))
    )
    assert tuning.rate == 0.5
    assert (stage.export.format, stage.export.samples) == ("int8", 16)


def test_no_other_fine_tuning_is_faster_or_slower_than_the_study_says():
    for name in (
        "global_prune",
        "magnitude_prune",
        "gradient_prune",
        "variational_prune",
        "low_bit",
        "identity",
    ):
        _, job = applied(name, epochs=1)
        assert job.asked
        for _, _, tuning in job.asked:
            assert tuning.rate == 1.0
            assert not tuning.fresh
