"""The contract suite: what every plug-in promises, as tests that a package of plug-ins inherits.

In a project or distribution with plug-ins of its own, one test file of one line:

    from framework.testing import *

pytest then holds every plug-in of its own to what those of Squeezelab are held to: in `plugins/`
beside `studies/`, and in what is installed from there with entry points. It trains small nets on
data made by rule, a few minutes for a strategy.
"""

from framework.testing.architectures import TestArchitecture, built
from framework.testing.cases import pytest_generate_tests
from framework.testing.datasets import TestDataset, loaded
from framework.testing.descriptions import TestDescription
from framework.testing.labs import lab
from framework.testing.metrics import TestMetric, measured
from framework.testing.strategies import TestStrategy, applied

__all__ = [
    "TestArchitecture", "TestDataset", "TestDescription", "TestMetric", "TestStrategy", "applied",
    "built", "lab", "loaded", "measured", "pytest_generate_tests",
]  # fmt: skip
