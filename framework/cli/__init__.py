"""The command line.

Each command imports what it needs inside itself, so that help and lists appear at once.
"""

# in the order in which help shows the commands
from framework.cli import studies, confirming, runs, plugins, project  # isort: skip
from framework.cli.base import app, main

__all__ = ["app", "confirming", "main", "plugins", "project", "runs", "studies"]
