"""What every metric promises."""

from framework.testing.metrics import *  # noqa: F403
