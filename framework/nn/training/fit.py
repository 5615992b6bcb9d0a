"""Training. A traced net is reused.

Before each use all it holds is set, so that reused and fresh are the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.contracts import Array, DataInfo, Mask, Remask, Samples, Stage, Tuning, Weights
from framework.contracts.job import PLAIN
from framework.errors import SqueezelabError, TrialDiverged, TrialTimeout
from framework.nn import graph, reuse
from framework.nn.backend import keras, start, tf
from framework.nn.training import constraints
from framework.study import Train, digest_of
from framework.system import interrupt

VALIDATION_BATCH = 500
DEADLINE_EVERY = 10  # steps between two looks at the clock
# the one input that is augmented: a spectrogram shifted or mirrored is another sound
PICTURE = "image"
EpochReport = Callable[[int, Mapping[str, float]], None]

nets: reuse.Kept[TracedNet] = reuse.Kept(4)


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
    """`stage` after training; what it keeps is held.

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
            weights = request.tuning.wrap.finish(
                weights, {name: item.numpy() for name, item in net.dynamic.items()}
            )
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise TrialDiverged("A weight is not finite after training.")
    trained = stage.keeping(masks)
    return trained.with_weights(constraints.settled(weights, trained.keeps))


class TracedNet:
    """A net built, wrapped and compiled once, with all initial values besides weights."""

    def __init__(self, stage: Stage, request: Fit) -> None:
        self.plain = graph.build(stage.graph)
        # before wrapping: some wrappers take them from their layers
        self.variables = graph.variables(self.plain)
        wrap = request.tuning.wrap
        wrapped, self.dynamic = wrap.build(self.plain) if wrap else (self.plain, {})
        self.model = Trained(inputs=wrapped.inputs, outputs=wrapped.outputs)
        self.held = {
            constraints.kind(keep): constraints.held(keep, self.variables[keep.weight])
            for keep in stage.keeps
        }
        self.masked = {
            keep.weight: item
            for keep, item in zip(stage.keeps, self.held.values(), strict=True)
            if isinstance(item, constraints.HeldMask)
        }
        self.model.hold = lambda: [item.hold() for item in self.held.values()]
        self.schedule = Schedule(request.train.decay)
        self.model.compile(
            optimizer=_optimizer(request.train, self.schedule, self.model),
            loss=loss_of(request.info),
            metrics=_metrics(request.info),
        )
        self.model.l2 = 0.0 if request.train.optimizer == "adamw" else request.train.weight_decay
        self.model.optimizer.build(self.model.trainable_variables)
        self.state = [
            (item, item.numpy()) for item in (*self.model.weights, *self.model.optimizer.variables)
        ]

    def set(self, stage: Stage, request: Fit) -> None:
        """Set everything: state, weights, promises, schedule, dynamic variables, generators."""
        keras.utils.set_random_seed(request.seed)
        for variable, value in self.state:
            variable.assign(value)
        graph.assign(self.variables, stage.weights)
        for keep in stage.keeps:
            self.held[constraints.kind(keep)].set(keep, stage.weights[keep.weight])
        steps = steps_per_epoch(request.samples, request.train)
        self.schedule.set(
            peak=request.train.learning_rate,
            warmup=request.warmup_epochs * steps,
            total=request.epochs * steps,
        )
        # one left out would keep the value of another trial
        if set(request.tuning.dynamic) != set(self.dynamic):
            raise SqueezelabError(
                "A strategy sets each dynamic variable of its wrap, and no other.",
                given=f"Set: {sorted(request.tuning.dynamic)}; there are: {sorted(self.dynamic)}.",
            )
        for name, value in request.tuning.dynamic.items():
            self.dynamic[name].assign(value)
        for position, layer in enumerate(self.plain.layers):
            for depth, part in enumerate(_random_parts(layer)):
                part._random_generator._maybe_init()
                seed = request.seed + position + depth * len(self.plain.layers)
                part._random_generator._generator.reset_from_seed(seed % 2**31)

    def run(self, stage: Stage, request: Fit) -> None:
        """Call `fit` with a data set whose order depends on the seed alone."""
        steps = steps_per_epoch(request.samples, request.train)
        epochs = request.epochs if request.stop is None else request.stop
        goals = targets(request.validation.labels, request.info, request.train.label_smoothing)
        self.model.fit(
            _batches(request, steps * epochs),
            epochs=epochs,
            steps_per_epoch=steps,
            validation_data=(dict(request.validation.inputs), goals),
            validation_batch_size=VALIDATION_BATCH,
            verbose=0,
            callbacks=[Watch(request, lambda step, change: self._remask(step, change, stage))],
        )

    def masks(self) -> tuple[Mask, ...]:
        """The masks as they are now."""
        return tuple(Mask(key, item.zeros) for key, item in self.masked.items())

    def _remask(self, step: int, change: Remask, stage: Stage) -> None:
        """Ask for other masks, and zero what they say."""
        now = stage.with_weights(graph.values(self.variables)).keeping(self.masks())
        for key, zeros in change.update(step, now).items():
            self.masked[key].change(zeros)
            self.masked[key].hold()


class Trained(keras.Model):
    """A functional model whose step adds the L2 penalty and enforces weight constraints."""

    traces = 0  # of all nets of this process; tests count on it
    l2 = 0.0
    hold: Callable[[], Any]

    def train_step(self, data: Any) -> Any:
        """One optimizer step; the body runs once per trace."""
        Trained.traces += 1
        inputs, targets = data
        with tf.GradientTape() as tape:
            outputs = self(inputs, training=True)
            loss = self.compute_loss(inputs, targets, outputs)
            if self.l2:
                kernels = [weight for weight in self.trainable_variables if _is_kernel(weight)]
                loss += self.l2 * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        self.hold()
        return self.compute_metrics(inputs, targets, outputs, None)


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then cosine, constant or step decay.

    A schedule of variables serves all trials.

    Args:
        decay: `cosine` to zero, `constant`, or `step`: a tenth at 1/2 and again at 3/4 of the way.
    """

    def __init__(self, decay: str) -> None:
        self.decay = decay
        self.peak, self.warmup, self.total = (
            tf.Variable(value, dtype=tf.float32) for value in (0.0, 0.0, 1.0)
        )

    def set(self, *, peak: float, warmup: int, total: int) -> None:
        """Peak rate, and lengths in steps."""
        self.peak.assign(peak)
        self.warmup.assign(min(warmup, total))
        self.total.assign(total)

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`, counted from 0."""
        step = tf.cast(step, tf.float32)
        rise = (step + 1.0) / tf.maximum(self.warmup, 1.0)
        done = tf.clip_by_value(
            (step - self.warmup) / tf.maximum(self.total - self.warmup, 1.0), 0.0, 1.0
        )
        fall = {
            "cosine": 0.5 * (1.0 + tf.cos(math.pi * done)),
            "constant": tf.ones_like(done),
            "step": tf.where(done < 0.5, 1.0, tf.where(done < 0.75, 0.1, 0.01)),
        }[self.decay]
        return self.peak * tf.where(step < self.warmup, rise, fall)

    def get_config(self) -> dict[str, Any]:
        """For keras."""
        return {"decay": self.decay}


class Watch(keras.callbacks.Callback):
    """Stops a training that diverged or ran out of time, changes masks, reports epochs."""

    def __init__(self, request: Fit, remask: Callable[[int, Remask], None]) -> None:
        super().__init__()
        self.request, self.remask = request, remask
        self.step = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop where that was asked for; change masks where it is time to.

        Look at the clock now and then.
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
    train = request.train
    return digest_of(
        {
            "graph": graph.structure(stage.graph),
            "wrap": request.tuning.wrap.key if request.tuning.wrap else "",
            "held": sorted(constraints.kind(keep) for keep in stage.keeps),
            "train": [
                train.optimizer,
                train.batch_size,
                train.decay,
                train.weight_decay,
                train.threads,
            ],
            "task": request.info.task,
        }
    )


def _random_parts(layer: Any) -> list[Any]:
    """A layer such as Dropout, or the layers within one that draw random numbers."""
    parts = [part for part in layer._flatten_layers() if hasattr(part, "_random_generator")]
    return [
        part
        for part in parts
        if part._random_generator._rng_type == part._random_generator.RNG_STATEFUL
    ]


def _is_kernel(variable: Any) -> bool:
    """Weight decay is for what multiplies: not for biases, normalisation and embeddings."""
    return str(variable.name).split("/")[-1].split(":")[0].endswith("kernel")


def _optimizer(train: Train, schedule: Schedule, model: Any) -> Any:
    # XLA is slower on these nets and compiles for seconds
    common = {"learning_rate": schedule, "jit_compile": False}
    if train.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(weight_decay=train.weight_decay, **common)
        optimizer.exclude_from_weight_decay(
            [item for item in model.trainable_variables if not _is_kernel(item)]
        )
        return optimizer
    if train.optimizer == "adam":
        return keras.optimizers.Adam(**common)
    momentum = 0.9 if train.optimizer == "momentum" else 0.0
    return keras.optimizers.SGD(momentum=momentum, nesterov=momentum > 0, **common)


def loss_of(info: DataInfo) -> Any:
    """What is minimised, for the data set's task."""
    losses = {
        "classes": "CategoricalCrossentropy",
        "binary": "BinaryCrossentropy",
        "regression": "MeanSquaredError",
    }
    return getattr(keras.losses, losses[info.task])()


def _metrics(info: DataInfo) -> list[Any]:
    if info.task == "regression":
        return [keras.metrics.RootMeanSquaredError(name="rmse")]
    kind = (
        keras.metrics.CategoricalAccuracy
        if info.task == "classes"
        else keras.metrics.BinaryAccuracy
    )
    return [kind(name="accuracy")]


def targets(labels: Array, info: DataInfo, smooth: float) -> Array:
    """Labels as the loss wants them, smoothed: (n, classes), or (n, 1)."""
    if info.task == "regression":
        return labels.astype(np.float32)[:, None]
    if info.task == "binary":
        return (labels.astype(np.float32) * (1 - smooth) + smooth / 2)[:, None]
    classes = info.classes
    return (np.eye(classes, dtype=np.float32)[labels] * (1 - smooth) + smooth / classes).astype(
        np.float32
    )


def _batches(request: Fit, total_steps: int) -> Any:
    """Batches of all epochs, each sample once an epoch in an order of the seed.

    The last, partial batch is left out.
    """
    steps, batch = steps_per_epoch(request.samples, request.train), request.train.batch_size
    random = np.random.default_rng(request.seed)
    epochs = range(total_steps // steps)
    order = np.concatenate(
        [np.resize(random.permutation(len(request.samples)), steps * batch) for _ in epochs]
    )
    inputs = {name: tf.constant(value) for name, value in request.samples.inputs.items()}
    goals = tf.constant(
        targets(request.samples.labels, request.info, request.train.label_smoothing)
    )

    def gather(step: Any, index: Any) -> Any:
        chosen = {name: tf.gather(value, index) for name, value in inputs.items()}
        if request.train.augment:
            chosen |= {
                name: _augmented(chosen[name], request, step) for name in chosen if name == PICTURE
            }
        return chosen, tf.gather(goals, index)

    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = 1
    batches = tf.data.Dataset.from_tensor_slices(
        order.reshape(-1, batch).astype(np.int32)
    ).enumerate()
    return batches.map(gather).prefetch(4).with_options(options)


def _augmented(images: Any, request: Fit, step: Any) -> Any:
    """Each image shifted by up to a tenth of its side, and mirrored half the time if allowed."""
    count, height, width = images.shape[0], images.shape[1], images.shape[2]
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
