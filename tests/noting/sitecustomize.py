"""Python reads this when it starts, in processes that tests start with this folder on their path.

Errors of ours that are made there are noted for `tests/messages_support.py`.
"""

import os
import sys
from pathlib import Path

if os.environ.get("SQUEEZELAB_NOTES"):
    sys.path.append(str(Path(__file__).parents[1]))
    import noted_errors

    noted_errors.note_places()
    sys.path.pop()
