from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from bridge.errors import BadArguments, EngineFailed
from bridge.model import Note
from bridge.protocols import Control, NoteStream, Signal, Transcriber
from bridge.request import NoteSettings
from bridge.stems import STEMS
from bridge.transcription.registry import TranscriberRegistry
from tests.support.fakes import ScriptedStream


class SilentTranscriber:
    name = "silent"
    sample_rate_hz = 8000

    def identity(self) -> str:
        return "silent"

    def analyse(self, audio: Signal, stem: str, control: Control) -> None: ...

    def notes(self, analysis: None, stem: str, settings: NoteSettings) -> list[Note]:  # noqa: ARG002 - of the seam
        return []

    def line_margin(self, analysis: None, stem: str, settings: NoteSettings) -> float | None:  # noqa: ARG002 - of the seam
        return None

    def stream(
        self, audio: Signal, stem: str, settings: NoteSettings, control: Control, mix: Signal | None = None
    ) -> NoteStream[None]:
        del audio, stem, settings, control, mix
        return ScriptedStream((), None, 0.0)

    def pack(self, analysis: None) -> bytes:  # noqa: ARG002 - of the seam
        return b""

    def unpack(self, content: bytes) -> None: ...


@pytest.mark.parametrize("stem", [*STEMS, "mix"])
def test_every_stem_has_its_transcriber(stem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.transcription.piano.package.package_folder", lambda _: None)
    assert TranscriberRegistry().for_stem(stem).name == ("drum-onsets" if stem == "drums" else "basic-pitch")


def test_each_is_opened_once_and_shared() -> None:
    transcribers = TranscriberRegistry()
    vocals = transcribers.for_stem("vocals")
    assert transcribers.for_stem("bass") is vocals
    assert transcribers.for_stem("drums") is not vocals
    assert transcribers.for_stem("drums") is transcribers.for_stem("drums")


def test_a_second_caller_waits_for_a_transcriber_that_is_being_opened() -> None:
    opened: list[int] = []
    opening, opening_again, go = threading.Event(), threading.Event(), threading.Event()

    def open_slowly() -> Transcriber[Any]:
        (opening_again if opening.is_set() else opening).set()
        go.wait(10.0)
        opened.append(1)
        return SilentTranscriber()

    transcribers = TranscriberRegistry({"vocals": open_slowly})
    threads = [threading.Thread(target=transcribers.for_stem, args=("vocals",)) for _ in range(2)]
    threads[0].start()
    assert opening.wait(10.0)
    threads[1].start()
    assert not opening_again.wait(0.2)
    go.set()
    for thread in threads:
        thread.join(10.0)
    assert opened == [1]


def test_the_error_for_an_unknown_stem_lists_the_known_ones() -> None:
    with pytest.raises(BadArguments, match=r"theremin.*vocals.*drums.*mix"):
        TranscriberRegistry().for_stem("theremin")


def test_opening_is_tried_again_after_a_failure() -> None:
    attempts: list[int] = []

    def open_late() -> Transcriber[Any]:
        attempts.append(1)
        if len(attempts) == 1:
            raise EngineFailed("not yet")
        return SilentTranscriber()

    transcribers = TranscriberRegistry({"vocals": open_late})
    with pytest.raises(EngineFailed):
        transcribers.for_stem("vocals")
    assert transcribers.for_stem("vocals").name == "silent"


@pytest.mark.end_to_end
def test_nothing_is_loaded_before_it_is_used() -> None:
    script = (
        "import sys; from bridge.transcription.registry import TranscriberRegistry; TranscriberRegistry();"
        "sys.exit(bool({'onnxruntime', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
