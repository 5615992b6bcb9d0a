"""A net is trained. A traced net is reused between trials.

Before each use all of its state is set, so that a reused and a fresh net give the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import filterfalse
from typing import Any

import numpy as np

from framework.contracts.data import DataInfo, Samples
from framework.contracts.job import PLAIN, Tuning
from framework.contracts.net import Array, Keep, Mask, Remask, Stage, WeightKey, Weights
from framework.errors import SqueezelabError, TrialDiverged, TrialTimeout
from framework.nn import graph, reuse
from framework.nn.backend import keras, start, tf
from framework.nn.training import constraints
from framework.nn.training.objective import loss_of, metrics_of, rows, targets
from framework.nn.training.schedule import Schedule
from framework.study.spec import Train, digest_of
from framework.system import interrupt

VALIDATION_BATCH = 500
DEADLINE_EVERY = 10  # steps between two checks of the deadline
# the one input that is augmented: a spectrogram shifted or mirrored is another sound
PICTURE = "image"
EpochReport = Callable[[int, Mapping[str, float]], None]

nets: reuse.Kept[TracedNet] = reuse.Kept(reuse.STRUCTURES)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One training, wholly described.

    Args:
        info: of the data set.
        samples: what is trained on.
        validation: for the curve only.
        epochs: length of the schedule.
        stop: epochs actually run; all of them by default.
        warmup_epochs: linear rise at the beginning.
        seed: order, augmentation and dropout.
        deadline: `time.monotonic()` after which TrialTimeout is raised.
        tuning: how a strategy changes net and masks for it; its `fresh` and `rate` are in `train`.
        report: called after each epoch with its number (from 1) and its values.
    """

    info: DataInfo
    samples: Samples
    validation: Samples
    train: Train
    epochs: int
    warmup_epochs: int
    seed: int
    stop: int | None = None
    tuning: Tuning = PLAIN
    deadline: float = math.inf
    report: EpochReport = lambda epoch, values: None


def steps_per_epoch(samples: Samples, train: Train) -> int:
    """Whole batches in the training split, at least 1."""
    return max(1, len(samples) // train.batch_size)


def fit(stage: Stage, request: Fit) -> Stage:
    """`stage` after training; its constraints are enforced.

    Raises:
        TrialDiverged: the loss or a weight is not finite.
        TrialTimeout: the deadline has passed.
    """
    start(request.train.threads)
    with nets.use(_key(stage, request), lambda: TracedNet(stage, request)) as net:
        net.set(stage, request)
        net.run(stage, request)
        masks = net.masks()
        weights: Weights = graph.values(net.variables)
        if request.tuning.wrap:
            weights = request.tuning.wrap.finish(weights, net.dynamic_values())
    _check_finite(weights)
    trained = stage.keeping(masks)
    return trained.with_weights(constraints.enforced(weights, trained.keeps))


def _check_finite(weights: Weights) -> None:
    for value in weights.values():
        if not np.isfinite(value).all():
            raise TrialDiverged("A weight is not finite after training.")


class TracedNet:
    """A net built, wrapped and compiled once, with all initial values besides weights."""

    def __init__(self, stage: Stage, request: Fit) -> None:
        self.plain = graph.build(stage.graph)
        # before wrapping: some wrappers take them from their layers
        self.variables = graph.variables(self.plain)
        wrap = request.tuning.wrap
        wrapped, self.dynamic = wrap.build(self.plain) if wrap else (self.plain, {})
        self.model = Trained(inputs=wrapped.inputs, outputs=wrapped.outputs)
        self.enforcers: dict[str, constraints.Enforcer] = {}
        self.masked: dict[WeightKey, constraints.MaskEnforcer] = {}
        for constraint in stage.keeps:
            self._add_enforcer(constraint)
        self.model.enforce = self._enforce
        self.schedule = Schedule(request.train.decay)
        self._compile(request)
        # what a fresh net begins with: a reused one is put back to it
        variables = (*self.model.weights, *self.model.optimizer.variables)
        self.state = [(variable, variable.numpy()) for variable in variables]

    def _add_enforcer(self, constraint: Keep) -> None:
        enforcer = constraints.enforcer(constraint, self.variables[constraint.weight])
        self.enforcers[constraints.kind(constraint)] = enforcer
        if isinstance(enforcer, constraints.MaskEnforcer):
            self.masked[constraint.weight] = enforcer

    def _enforce(self) -> None:
        for enforcer in self.enforcers.values():
            enforcer.enforce()

    def _compile(self, request: Fit) -> None:
        self.model.compile(
            optimizer=_optimizer(request.train, self.schedule, self.model),
            loss=loss_of(request.info),
            metrics=metrics_of(request.info),
        )
        # AdamW decays weights itself, apart from the gradient
        self.model.l2 = 0.0 if request.train.optimizer == "adamw" else request.train.weight_decay
        # keras makes the slots in the first step otherwise, too late for `state`
        self.model.optimizer.build(self.model.trainable_variables)

    def set(self, stage: Stage, request: Fit) -> None:
        """Set everything: state, weights, constraints, schedule, dynamic variables, generators."""
        keras.utils.set_random_seed(request.seed)
        for variable, value in self.state:
            variable.assign(value)
        graph.assign(self.variables, stage.weights)
        for constraint in stage.keeps:
            enforcer = self.enforcers[constraints.kind(constraint)]
            enforcer.set(constraint, stage.weights[constraint.weight])
        steps = steps_per_epoch(request.samples, request.train)
        self.schedule.set(
            peak=request.train.learning_rate,
            warmup=request.warmup_epochs * steps,
            # of all epochs, though `stop` may end it earlier: the rates stay those of the whole
            total=request.epochs * steps,
        )
        self._set_dynamic(request.tuning.dynamic)
        self._reset_generators(request.seed)

    def _set_dynamic(self, values: Mapping[str, Any]) -> None:
        # one left out would keep the value of another trial
        if set(values) != set(self.dynamic):
            raise SqueezelabError(
                "A strategy sets each dynamic variable of its wrap, and no other.",
                given=f"Set: {sorted(values)}; there are: {sorted(self.dynamic)}.",
            )
        for name, value in values.items():
            self.dynamic[name].assign(value)

    def _reset_generators(self, seed: int) -> None:
        """A seed of its own for each layer, and for each layer within one, that draws."""
        layers = self.plain.layers
        for position, layer in enumerate(layers):
            for depth, part in enumerate(_random_parts(layer)):
                # keras makes the generator at the first draw; there is none to reset before
                part._random_generator._maybe_init()
                part_seed = seed + position + depth * len(layers)
                part._random_generator._generator.reset_from_seed(part_seed % 2**31)

    def run(self, stage: Stage, request: Fit) -> None:
        """Call `fit` with a data set whose order depends on the seed alone."""
        steps = steps_per_epoch(request.samples, request.train)
        epochs = request.epochs if request.stop is None else request.stop
        rebuilds = request.info.task == "reconstruction"
        # the curve is of what a net learns to rebuild, and anomalies are not among that
        validation = request.validation.normal() if rebuilds else request.validation
        goals = targets(validation, request.info, request.train.label_smoothing)
        self.model.fit(
            _batches(request, steps * epochs),
            epochs=epochs,
            # the data set holds all epochs, and keras would take it for a single one
            steps_per_epoch=steps,
            validation_data=_in_order(validation, goals),
            verbose=0,
            callbacks=[Watch(request, lambda step, change: self._remask(step, change, stage))],
        )

    def masks(self) -> tuple[Mask, ...]:
        """The masks as they are now."""
        return tuple(Mask(key, enforcer.zeros) for key, enforcer in self.masked.items())

    def dynamic_values(self) -> dict[str, Array]:
        """The values of the wrap's dynamic variables as they are now."""
        return {name: variable.numpy() for name, variable in self.dynamic.items()}

    def _remask(self, step: int, change: Remask, stage: Stage) -> None:
        """Ask for other masks, and zero what they say."""
        now = stage.with_weights(graph.values(self.variables)).keeping(self.masks())
        for key, zeros in change.update(step, now).items():
            self.masked[key].change(zeros)
            # at once: the next forward pass must not see the old weights
            self.masked[key].enforce()


class Trained(keras.Model):
    """A functional model whose step adds the L2 penalty and enforces weight constraints."""

    traces = 0  # of all nets of this process; tests count on it
    l2 = 0.0
    enforce: Callable[[], None]

    def train_step(self, data: Any) -> Any:
        """One optimizer step; the body runs once per trace."""
        Trained.traces += 1
        inputs, targets = data
        with tf.GradientTape() as tape:
            outputs = self(inputs, training=True)
            loss = self.compute_loss(inputs, targets, outputs)
            if self.l2:
                kernels = filter(_is_kernel, self.trainable_variables)
                loss += self.l2 * tf.add_n(list(map(tf.nn.l2_loss, kernels)))
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        self.enforce()
        return self.compute_metrics(inputs, targets, outputs, None)


class Watch(keras.callbacks.Callback):
    """Stops a training that diverged or ran out of time, changes masks, reports epochs."""

    def __init__(self, request: Fit, remask: Callable[[int, Remask], None]) -> None:
        super().__init__()
        self.request, self.remask = request, remask
        self.step = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop where that was asked for; change masks where it is time to.

        Check the deadline now and then.
        """
        interrupt.check()
        self.step += 1
        if self.request.tuning.remask and self.step in self.request.tuning.remask.steps:
            self.remask(self.step, self.request.tuning.remask)
        if batch % DEADLINE_EVERY == 0 and time.monotonic() > self.request.deadline:
            raise TrialTimeout("The trial took longer than trial_seconds.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the epoch, counted from 1."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(values["loss"]):
            raise TrialDiverged(
                f"The loss is not finite in epoch {epoch + 1}.",
                given=f"loss = {values['loss']}.",
                todo="Lower the learning rate.",
            )
        self.request.report(epoch + 1, values)


def _key(stage: Stage, request: Fit) -> str:
    """Which traced net serves a training: all that is static in the trace, and nothing else."""
    train = request.train
    return digest_of(
        {
            "graph": graph.structure(stage.graph),
            "wrap": request.tuning.wrap.key if request.tuning.wrap else "",
            "held": sorted(map(constraints.kind, stage.keeps)),
            "train": _static(train),
            "task": request.info.task,
        }
    )


def _static(train: Train) -> list[Any]:
    """The settings of a training that a trace depends on; variables or the data have the others."""
    return [train.optimizer, train.batch_size, train.decay, train.weight_decay, train.threads]


def _random_parts(layer: Any) -> Iterator[Any]:
    """A layer such as Dropout, or the layers within one that draw random numbers."""
    for part in layer._flatten_layers():
        if not hasattr(part, "_random_generator"):
            continue
        # only this kind has a generator that could be reset
        if part._random_generator._rng_type == part._random_generator.RNG_STATEFUL:
            yield part


def _is_kernel(variable: Any) -> bool:
    """Weight decay is for what multiplies: not for biases, normalisation and embeddings."""
    return str(variable.name).split("/")[-1].split(":")[0].endswith("kernel")


def _optimizer(train: Train, schedule: Schedule, model: Any) -> Any:
    # XLA is slower on these nets and compiles for seconds
    common = {"learning_rate": schedule, "jit_compile": False}
    if train.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(weight_decay=train.weight_decay, **common)
        optimizer.exclude_from_weight_decay(
            list(filterfalse(_is_kernel, model.trainable_variables))
        )
        return optimizer
    if train.optimizer == "adam":
        return keras.optimizers.Adam(**common)
    momentum = 0.9 if train.optimizer == "momentum" else 0.0
    return keras.optimizers.SGD(momentum=momentum, nesterov=momentum > 0, **common)


def _batches(request: Fit, total_steps: int) -> Any:
    """Batches of all epochs, as tensors: (inputs by name, goals)."""
    order = _order(request, total_steps // steps_per_epoch(request.samples, request.train))
    inputs = {name: tf.constant(value) for name, value in request.samples.inputs.items()}
    smoothing = request.train.label_smoothing
    info = request.info
    goals = tf.constant(targets(request.samples, info, smoothing))

    def gather(step: Any, index: Any) -> Any:
        chosen = {name: tf.gather(value, index) for name, value in inputs.items()}
        if request.train.augment and PICTURE in chosen:
            chosen |= {PICTURE: _augmented(chosen[PICTURE], request, step)}
        if info.task == "reconstruction":  # of the picture as it was shifted and mirrored
            return chosen, rows(chosen[info.target])
        return chosen, tf.gather(goals, index)

    batches = tf.data.Dataset.from_tensor_slices(order).enumerate()
    return batches.map(gather).prefetch(4).with_options(_pipeline())


def _in_order(samples: Samples, goals: Array) -> Any:
    """Batches of all samples, for a look after each epoch."""
    whole = tf.data.Dataset.from_tensor_slices((dict(samples.inputs), goals))
    return whole.batch(VALIDATION_BATCH).with_options(_pipeline())


def _pipeline() -> Any:
    """How a data set is read: in its order, by one thread, tuned by nobody."""
    options = tf.data.Options()
    options.deterministic = True
    # one thread of its own: the default is a pool as large as the machine
    options.threading.private_threadpool_size = 1
    # there is nothing to tune, and an iterator waits at its end until the tuner wakes up: it sleeps
    # twice as long each time, and cost a training of 24 s up to 20 s more
    options.autotune.enabled = False
    return options


def _order(request: Fit, epochs: int) -> Array:
    """(steps, batch) numbers of samples: each once an epoch, in an order of the seed.

    The last, partial batch of an epoch is left out.
    """
    batch, count = request.train.batch_size, len(request.samples)
    used = steps_per_epoch(request.samples, request.train) * batch
    random = np.random.default_rng(request.seed)
    # resized: with fewer samples than a batch, one epoch repeats them until the batch is full
    order = [np.resize(random.permutation(count), used) for _ in range(epochs)]
    return np.concatenate(order).reshape(-1, batch).astype(np.int32)


def _augmented(images: Any, request: Fit, step: Any) -> Any:
    """Each image shifted by up to a tenth of its side, and mirrored half the time if allowed."""
    count, height, width = images.shape[0], images.shape[1], images.shape[2]
    # stateless, by seed and step: batches come out the same whoever else draws
    seed = tf.stack([tf.cast(request.seed, tf.int64), step])
    share = tf.random.stateless_uniform((count, 3), seed, -1.0, 1.0)
    shift = tf.round(share[:, :2] * tf.constant([width / 10, height / 10]))
    zero, one = tf.zeros(count), tf.ones(count)
    moves = tf.stack([one, zero, shift[:, 0], zero, one, shift[:, 1], zero, zero], axis=1)
    images = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=moves,
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )
    if not request.info.mirror:
        return images
    return tf.where((share[:, 2] > 0)[:, None, None, None], tf.reverse(images, [2]), images)
