"""Which transcriber serves which stem; each is imported and opened on first use, then stays loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bridge.errors import BadArguments
from bridge.stems import STEMS

if TYPE_CHECKING:
    from bridge.protocols import Transcriber

Factory = Callable[[], "Transcriber[Any]"]


def _basic_pitch() -> Transcriber[Any]:
    from bridge.transcription.transcribers import PitchedTranscriber

    return PitchedTranscriber()


def _drum_detector() -> Transcriber[Any]:
    from bridge.transcription.transcribers import DrumTranscriber

    return DrumTranscriber()


#: The transcriber of each stem, and of a `mix` that has not been separated.
FACTORIES: Mapping[str, Factory] = {
    **dict.fromkeys(STEMS, _basic_pitch),
    "drums": _drum_detector,
    "mix": _basic_pitch,
}


class TranscriberRegistry:
    """The transcribers of one process. Stems that share a factory share the transcriber.

    A job whose transcriber is already being opened, in idle time, waits for it instead of opening it again.
    """

    def __init__(self, factories: Mapping[str, Factory] = FACTORIES) -> None:
        self._factories = factories
        self._open: dict[Factory, Transcriber[Any]] = {}
        self._opening = threading.Lock()

    def for_stem(self, stem: str) -> Transcriber[Any]:
        """The transcriber for a stem of `stems.STEMS` or for `mix`.

        Raises:
            BadArguments: there is no such stem.
            EngineFailed: its model is missing or broken; the next call tries again.
        """
        if stem not in self._factories:
            raise BadArguments(f"No stem is called {stem}; there are {', '.join(self._factories)}.")
        factory = self._factories[stem]
        with self._opening:
            if factory not in self._open:
                self._open[factory] = factory()
            return self._open[factory]
