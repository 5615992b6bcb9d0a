"""Weights under noise whose size is learned.

Sparse variational dropout (Molchanov et al. 2017, arXiv:1701.05369).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.contracts.job import Wrap
from framework.contracts.net import Array, WeightKey, Weights
from framework.nn.backend import tf
from framework.nn.compression import masks
from framework.nn.compression.tfmot import quantizers
from framework.nn.compression.wrapper import reweighted
from framework.study.spec import digest_of

SPEED = 10.0  # log sigma^2 is so many times its variable: it has to go far in a short training
K1, K2, K3 = 0.63576, 1.87320, 1.48695  # of the paper's approximation of the divergence
LEAST = 1e-8  # added to w^2
LOW, HIGH = (
    -10.0,
    8.0,
)  # log alpha is clipped to this; beyond it neither noise nor divergence changes


def log_alpha(weights: Array, log_variance: Array) -> Array:
    """log(sigma^2 / w^2): how large the noise of each weight is against it."""
    return log_variance - np.log(weights.astype(np.float64) ** 2 + LEAST)


@dataclass(frozen=True)
class NoiseWrap(Wrap):
    """Adds Gaussian noise to kernels in training, and their posterior's divergence to the loss.

    Dynamic variables: `seed`, `strength` (of the divergence), `noise/LAYER/POSITION` (log sigma^2 /
    SPEED).

    Args:
        keys: of the kernels.
        zeros: of all of them together, cut at the end; not static.
        floor: share of each kernel that stays; not static.
    """

    keys: tuple[WeightKey, ...]
    zeros: int = 0
    floor: float = 0.0

    @property
    def key(self) -> str:
        """Its static part."""
        return f"noise({self.keys})"

    def build(self, model: Any) -> tuple[Any, Mapping[str, Any]]:
        """The model with its kernels under noise, and the variables."""
        shared = {
            "seed": tf.Variable(0, dtype=tf.int32, trainable=False),
            "strength": tf.Variable(0.0, trainable=False),
        }
        noises = {key: Noise(shared, number_of(key)) for key in self.keys}
        # first: noise has no variable until its layer is wrapped
        wrapped = reweighted(model, noises)
        return wrapped, shared | {name_of(key): noise.variable for key, noise in noises.items()}

    def finish(self, weights: Weights, dynamic: Mapping[str, Array]) -> Weights:
        """The weights without those of the largest noise."""
        scores = {}
        for key in self.keys:
            noise = log_alpha(weights[key], SPEED * dynamic[name_of(key)])
            # what is zero already is pruned first, whatever its noise: zeros of earlier steps stay
            scores[key] = np.where(weights[key] == 0, -np.inf, -noise)
        pruned = dict(weights)
        for key, zeros in masks.lowest(scores, self.zeros, self.floor).items():
            pruned[key] = np.where(zeros, 0, weights[key])
        return pruned


def name_of(key: WeightKey) -> str:
    """Of a kernel's dynamic variable."""
    return f"noise/{WeightKey(*key)}"


def number_of(key: WeightKey) -> int:
    """Tells a kernel's random numbers from those of others.

    31 bits of its name, whatever its place among them.
    """
    return int(digest_of(list(key))[:8], 16) % 2**31


class Noise(quantizers.Quantizer):
    """One kernel under noise.

    Args:
        shared: `seed` and `strength`.
        number: tells the kernels' random numbers apart.
    """

    variable: Any

    def __init__(self, shared: Mapping[str, Any], number: int) -> None:
        self.shared, self.number = shared, number

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """The size of the noise, and a counter of steps for the random numbers."""
        self.variable = layer.add_weight(f"{name}_noise", shape=tensor_shape, initializer="zeros")
        self.steps = layer.add_weight(
            f"{name}_steps", shape=(), dtype=tf.int32, initializer="zeros", trainable=False
        )
        self.layer = layer
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The kernel, in training with noise; zeros stay zeros."""
        if not training:
            return inputs
        self.steps.assign_add(1)
        size = tf.math.log(tf.square(inputs) + LEAST)
        alpha = tf.clip_by_value(SPEED * self.variable - size, LOW, HIGH)
        active = tf.cast(tf.not_equal(inputs, 0.0), inputs.dtype)
        self.layer.add_loss(self.shared["strength"] * tf.reduce_sum(active * _divergence(alpha)))
        # stateless, by kernel and step: no other layer's draws change these
        seed = tf.stack([tf.bitwise.bitwise_xor(self.shared["seed"], self.number), self.steps])
        sigma = tf.exp(0.5 * (alpha + size))
        return inputs + active * sigma * tf.random.stateless_normal(tf.shape(inputs), seed)

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}


def _divergence(alpha: Any) -> Any:
    """From the log-uniform prior to the posterior, for each weight.

    0 where the noise is boundless.
    """
    return K1 - K1 * tf.sigmoid(K2 + K3 * alpha) + 0.5 * tf.math.softplus(-alpha)
