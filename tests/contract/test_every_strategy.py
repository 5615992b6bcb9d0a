"""What every strategy promises."""

from framework.testing.strategies import *  # noqa: F403
