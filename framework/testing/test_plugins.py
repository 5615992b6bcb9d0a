"""The contract suite by name: `python -m pytest --pyargs framework.testing.test_plugins -k NAME`.

In the folder of a project, with no test file of its own.
"""

from framework.testing import *  # noqa: F403
