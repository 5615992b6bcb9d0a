"""The learning rate over a training: variables, so that one traced net serves every length."""

from __future__ import annotations

import math
from typing import Any

from framework.nn.backend import keras, tf


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then cosine, constant or step decay.

    A schedule of variables serves all trials.

    Args:
        decay: `cosine` to zero, `constant`, or `step`: a tenth at 1/2 of the steps and again
            at 3/4.
    """

    def __init__(self, decay: str) -> None:
        self.decay = decay
        self.peak = tf.Variable(0.0, dtype=tf.float32)
        self.warmup = tf.Variable(0.0, dtype=tf.float32)
        self.total = tf.Variable(1.0, dtype=tf.float32)

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
