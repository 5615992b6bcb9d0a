"""The contract suite by name: `python -m pytest --pyargs framework.testing.test_plugins -k NAME`.

In the folder of a project, with no test file of its own.
"""

from framework.testing.architectures import *  # noqa: F403
from framework.testing.datasets import *  # noqa: F403
from framework.testing.descriptions import *  # noqa: F403
from framework.testing.metrics import *  # noqa: F403
from framework.testing.strategies import *  # noqa: F403
