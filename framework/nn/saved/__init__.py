"""A saved keras model as a net of the lab, read as data: nothing in its file is run.

TensorFlow only builds it.

file         zip and JSON: what is in a `.keras` or `.h5` file, with limits
models       the models in it as versions of keras describe them, and what calls what
flat         models in models and layers used more than once, written out
arrays       HDF5: which layer has which arrays
options      what a layer may be, name and be built with
parts        what passes between these modules
layers       each layer as plain ones: `operators`, `rewritten`, `activations`
net          the layers in their order, with their weights
rebuilt      a keras model of them, for the inputs and the task of a data set
"""

from framework.nn.saved.file import digest
from framework.nn.saved.net import load
from framework.nn.saved.parts import Layer, SavedNet
from framework.nn.saved.rebuilt import Ending, Feed, check, model

__all__ = ["Ending", "Feed", "Layer", "SavedNet", "check", "digest", "load", "model"]
