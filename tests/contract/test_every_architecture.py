"""What every architecture promises."""

from framework.testing.architectures import *  # noqa: F403
