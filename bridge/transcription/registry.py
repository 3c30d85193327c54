"""Which transcriber serves which stem; each is imported and opened on first use, then stays loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bridge.errors import BadArguments, EngineFailed
from bridge.stems import STEMS
from bridge.transcription.instead import InsteadOf
from bridge.transcription.piano.package import has_transkun

if TYPE_CHECKING:
    from bridge.protocols import Transcriber

Factory = Callable[[], "Transcriber[Any]"]


def _basic_pitch() -> Transcriber[Any]:
    from bridge.transcription.transcribers import PitchedTranscriber

    return PitchedTranscriber()


def _drum_detector() -> Transcriber[Any]:
    from bridge.transcription.transcribers import DrumTranscriber

    return DrumTranscriber()


def _transkun() -> Transcriber[Any]:
    from bridge.transcription.piano.transcriber import PianoTranscriber

    return PianoTranscriber()


#: The transcriber of each stem, and of a `mix` that has not been separated.
FACTORIES: Mapping[str, Factory] = {
    **dict.fromkeys(STEMS, _basic_pitch),
    "drums": _drum_detector,
    "mix": _basic_pitch,
    "piano": _transkun,
}
#: Transcribers of extras: whether the extra is installed, and what is used where it is not, or is broken.
EXTRAS: Mapping[Factory, tuple[Callable[[], bool], Factory]] = {_transkun: (has_transkun, _basic_pitch)}


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
        with self._opening:
            return self._opened(self._factories[stem])

    def _opened(self, factory: Factory) -> Transcriber[Any]:
        if factory in EXTRAS:
            has_extra, other = EXTRAS[factory]
            if not has_extra():
                return self._opened(other)
        if factory not in self._open:
            try:
                self._open[factory] = factory()
            except EngineFailed as error:
                if factory not in EXTRAS:
                    raise
                self._open[factory] = InsteadOf(self._opened(EXTRAS[factory][1]), error)
        return self._open[factory]
