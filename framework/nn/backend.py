"""TensorFlow, started once per process: Keras 2, a fixed number of threads, no chatter."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator

from framework.errors import SqueezelabError

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # tfmot knows Keras 2 only
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# a GPU sums in another order from run to run: what it finds could not be rebuilt to the bit
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
# No folder: keras would make ~/.keras, and its settings there change what a net computes.
os.environ["KERAS_HOME"] = os.path.join(os.devnull, "keras")  # noqa: PTH118


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what C++ code writes to stderr off the terminal; show it if an exception comes out."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


with quiet(), _uncollected(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tensorflow as tf
    import tf_keras as keras

    tf.get_logger().setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    # Generators that can be reset: a traced net otherwise repeats the random numbers of its first
    # seed.
    keras.backend.experimental.enable_tf_random_generator()
    with contextlib.suppress(RuntimeError):  # somebody else has started it
        # `start` comes too late once anything has run
        tf.config.threading.set_intra_op_parallelism_threads(1)

# What the imports made is never garbage, and half a million objects: each collection after a trial
# would walk through them all.
gc.freeze()

__all__ = ["keras", "quiet", "start", "tf"]


def start(threads: int) -> None:
    """Fix the number of intra-op threads; results depend on it.

    Raises:
        SqueezelabError: TensorFlow already runs in this process with another number.
    """
    current = tf.config.threading.get_intra_op_parallelism_threads()
    if current == threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError as error:
        raise SqueezelabError(
            "TensorFlow already runs in this process with another number of threads.",
            given=f"Running: {current}; asked for: {threads}.",
            todo="Start a new process.",
        ) from error
