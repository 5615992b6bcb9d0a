"""What every plug-in of every kind promises of its own description."""

from framework.testing.descriptions import *  # noqa: F403
