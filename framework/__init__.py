"""Squeezelab: a research lab for compressing TensorFlow networks. This page is all that a study file needs."""

from framework.space import Choice, Float, Int
from framework.spec import AtLeast, AtMost, Study, Train, Use, use

__all__ = ["AtLeast", "AtMost", "Choice", "Float", "Int", "Study", "Train", "Use", "use"]
__version__ = "0.1.0"
