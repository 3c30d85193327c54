"""What computes for long gives way."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: The last step that there is.
LAST = 19
PROGRAM = """
import os
from bridge.system.priority import COMPUTING, SHOWING, give_way
steps = [os.nice(0)]
for more in (COMPUTING, SHOWING - COMPUTING):
    give_way(more)
    steps.append(os.nice(0))
print(*steps)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has classes of priority, not steps")
def test_a_process_that_gives_way_is_behind_the_others() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, *lowered = map(int, done.stdout.split())
    assert lowered == [min(LAST, first + 5), min(LAST, first + 10)]
