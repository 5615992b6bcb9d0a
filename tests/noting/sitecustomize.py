"""Python reads this when it starts, in processes that tests start with this folder on their path.

Errors of ours that are made there are noted for `tests/messages_support.py`.
"""

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "framework"
HERE = Path("framework")
# a checkout that a test has made runs its own package, which must not be loaded from here before
if os.environ.get("SQUEEZELAB_NOTES") and (not HERE.is_dir() or HERE.samefile(PACKAGE)):
    sys.path.append(str(Path(__file__).parents[1]))
    import noted_errors

    noted_errors.note_places()
    sys.path.pop()
