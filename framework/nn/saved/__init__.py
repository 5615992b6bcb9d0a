"""A saved keras model as a net of the lab, read as data: nothing in its file is run.

TensorFlow only builds it.

file        zip, JSON and HDF5: what is in a `.keras` or `.h5` file, with limits
options     what a layer may be, name and be built with
raw_layers  the layers as versions of keras describe them, and what feeds each
net         the layers in their order, with their weights
rebuilt     a keras model of them, for the inputs and the task of a data set
"""

from framework.nn.saved.file import digest
from framework.nn.saved.net import Layer, SavedNet, load
from framework.nn.saved.rebuilt import Ending, Feed, check, model

__all__ = ["Ending", "Feed", "Layer", "SavedNet", "check", "digest", "load", "model"]
