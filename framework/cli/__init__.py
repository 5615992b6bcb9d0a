"""The command line. Each command imports what it needs inside itself, so that help and lists answer at once."""

from framework.cli import studies, runs, plugins, project  # isort: skip  (help shows the commands in this order)
from framework.cli.base import app, main

__all__ = ["app", "main", "plugins", "project", "runs", "studies"]
