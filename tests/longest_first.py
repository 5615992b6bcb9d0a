"""The files that take longest come first: a worker takes whole files, and one that begins a long
one last works on alone.

This module is a pytest plug-in (see conftest.py); `--no-loadscope-reorder` keeps pytest-xdist from
sorting files by how many tests they have.
"""

from __future__ import annotations

import pytest

# more than about 40 seconds each, by `make test-slowest`
LONG = (
    "contract/test_every_net_compressed.py", "contract/test_every_strategy.py",
    "runner/test_coordinator.py", "cli/test_project_commands.py", "runner/test_tasks.py",
    "contract/test_identity.py", "runner/test_study_process.py", "tracking/test_keep.py",
    "contract/test_chains.py", "documentation/test_tutorial.py", "test_dropin.py",
    "contract/test_every_architecture.py", "cli/test_every_command.py", "cli/test_run_commands.py",
    "architectures/test_from_file.py", "nn/test_reuse.py", "test_notebook.py",
    "nn/compression/test_qat.py", "runner/test_baseline.py", "runner/test_settle.py",
    "strategies/test_magnitude_prune.py", "system/test_interrupt.py", "contract/test_pins.py",
    "tracking/test_database.py", "strategies/test_low_bit.py", "runner/test_estimate.py",
    "strategies/test_block_prune.py", "strategies/test_mask_strategies.py",
    "strategies/test_qat.py", "test_floors.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by their files, those of one file as they are."""
    items.sort(key=place)


def place(item: pytest.Item) -> int:
    """Of its file among the long ones; behind them all for any other."""
    file = item.path.as_posix().rpartition("/tests/")[2]
    return LONG.index(file) if file in LONG else len(LONG)
