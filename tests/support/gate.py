"""Holds the worker's separation where a test wants it: `draft` yields its next block when the test lets it.

with gate(folder, monkeypatch) as separation, serving(…, "--engine", "draft") as server:
    separation.let(1)  # the first block, of 4 s, in a clip of 12 s or more
    …                  # and no more, however fast the machine is
    separation.let_all()
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.protocols import Control, Signal, StemBlock

#: Names the pipe to processes that are started.
VARIABLE = "SAB_TESTS_GATE"
#: More than any test's clip has blocks.
ALL = 1000
#: How often a held job looks whether it is cancelled.
LOOK_SECONDS = 0.01
#: Every Python process imports this as it starts.
SITE = f"""import os, sys
if "bridge.worker" in sys.orig_argv and os.environ.get({VARIABLE!r}):
    from tests.support.gate import hold
    hold(os.environ[{VARIABLE!r}])
"""


class Gate:
    """The test's end: a pipe with a byte for each block that may pass. It keeps them if the worker dies."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def let(self, blocks: int) -> None:
        os.write(self._pipe, bytes(blocks))

    def let_all(self) -> None:
        self.let(ALL)

    def close(self) -> None:
        """Takes back what was let and has not passed."""
        while select.select([self._pipe], [], [], 0)[0]:
            os.read(self._pipe, ALL)


@contextmanager
def gate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Servers that are started from here on have workers that wait."""
    (folder / "gate").mkdir()
    (folder / "gate" / "sitecustomize.py").write_text(SITE)
    pipe = folder / "gate" / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (folder / "gate", Path(__file__).parents[2]))))
    monkeypatch.setenv(VARIABLE, str(pipe))
    opened = os.open(pipe, os.O_RDWR)
    try:
        yield Gate(opened)
    finally:
        os.close(opened)


def hold(pipe: str) -> None:
    """In the worker: from here on, `draft` waits before it yields a block."""
    from bridge.separation.draft.engine import DraftSeparator

    opened, unheld = os.open(pipe, os.O_RDWR), DraftSeparator.separate

    def held(
        self: DraftSeparator, mix: Signal, stems: Sequence[str], control: Control, *, early: bool = False
    ) -> Iterator[StemBlock]:
        fraction = 0.0
        for block in unheld(self, mix, stems, control, early=early):
            while not select.select([opened], [], [], LOOK_SECONDS)[0]:
                control.checkpoint(fraction)
            os.read(opened, 1)
            yield block
            fraction += len(next(iter(block.values()))) / mix.frames

    DraftSeparator.separate = held  # type: ignore[method-assign]
