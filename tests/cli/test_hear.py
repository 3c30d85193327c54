"""`sab hear`: what it finds to play, its keys, and the command in a terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.cli.diagnosis import doctor
from bridge.cli.listening.hear import Listening
from bridge.cli.listening.keys import keys_in
from bridge.cli.listening.tracks import silent_but, tracks_at
from bridge.config import Settings
from bridge.errors import BadArguments, EngineFailed, NotFound
from bridge.model import Note, Result
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode_manifest
from bridge.protocols.hearing import HearingStatus, Track
from bridge.smf.writing import midi_file
from bridge.stems import label_of
from tests.hearing.by_hand import sine
from tests.support.fakes import FakeHearing

NOTES = (Note(onset_seconds=0.0, offset_seconds=1.0, pitch=60, velocity=90),)


def results(folder: Path, stems: Sequence[str], notes: Sequence[str] = ()) -> Path:
    """A folder as a job leaves it."""
    folder.mkdir(exist_ok=True)
    files = []
    for name in stems:
        sine(folder / f"song ({label_of(name)}).wav", 110.0, seconds=0.5)
        files.append(Result(kind="stem", name=name, file=f"song ({label_of(name)}).wav", seconds=0.5))
    for name in notes:
        (folder / f"song ({label_of(name)}).mid").write_bytes(midi_file({name: NOTES}, seconds=1.0))
        files.append(Result(kind="midi", name=name, file=f"song ({label_of(name)}).mid", seconds=1.0))
    source = SourceRecord(
        path="/song.wav", sha256="", start_seconds=0.0, start_frame=0, frames=24000, sample_rate_hz=48000, channels=2
    )
    manifest = Manifest(
        job="a", name="song", source=source, request={}, engine=EngineRecord(name="draft", device="cpu", weights=""),
        transcribers={}, music=None, warnings=(), results=tuple(files), versions={}, started="", seconds=1.0,
    )  # fmt: skip
    (folder / "song.sab.json").write_bytes(encode_manifest(manifest))
    return folder


def names(tracks: Sequence[Track]) -> list[str]:
    return [track.name for track in tracks]


def test_a_folder_is_its_stems_together_or_its_notes(tmp_path: Path) -> None:
    folder = results(tmp_path / "song", ("vocals", "drums", "bass"), ("drums", "bass"))
    stems = tracks_at([folder], as_notes=False)
    assert names(stems) == ["vocals", "drums", "bass"]
    assert all(Path(track.path).is_file() for track in stems)
    drums, bass = tracks_at([folder / "song.sab.json"], as_notes=True)
    assert (drums.name, drums.is_drums, drums.path, bass.name, bass.is_drums) == ("drums", True, "", "bass", False)
    assert len(bass.notes) == 1


@pytest.mark.parametrize(
    ("stems", "heard"),
    [
        (("vocals", "instrumental"), ["vocals", "instrumental"]),
        (("vocals", "drums", "instrumental"), ["vocals", "drums"]),
        (("no_drums",), ["no_drums"]),
    ],
)
def test_what_is_heard_together_is_the_song_once(tmp_path: Path, stems: tuple[str, ...], heard: list[str]) -> None:
    assert names(tracks_at([results(tmp_path / "song", stems)], as_notes=False)) == heard


def test_files_are_called_after_their_stems_and_no_two_have_one_name(tmp_path: Path) -> None:
    folder = results(tmp_path / "song", ("bass",), ("bass",))
    other = results(tmp_path / "other", ("bass",))
    audio, again = folder / "song (Bass).wav", other / "song (Bass).wav"
    loose = tmp_path / "take.wav"
    sine(loose, 110.0, seconds=0.1)
    found = tracks_at([audio, again, loose, folder / "song (Bass).mid"], as_notes=False)
    assert names(found) == ["bass", "bass 2", "take", "bass 3"]
    assert [bool(track.path) for track in found] == [True, True, True, False]
    assert names(tracks_at([audio], as_notes=True)) == ["bass"]


def test_what_cannot_be_heard_is_told(tmp_path: Path) -> None:
    for path, words in (("none.wav", "no file"), ("", "no results")):
        with pytest.raises(NotFound, match=words):
            tracks_at([tmp_path / path], as_notes=False)
    with pytest.raises(NotFound, match="no notes"):
        tracks_at([results(tmp_path / "song", ("bass",))], as_notes=True)
    with pytest.raises(NotFound, match="no notes beside"):
        tracks_at([tmp_path / "song" / "song (Bass).wav"], as_notes=True)


def test_solo_silences_the_others() -> None:
    tracks = [Track(name=name) for name in ("vocals", "drums", "bass")]
    assert silent_but(tracks, None) == ()
    assert silent_but(tracks, "Bass, drums") == ("vocals",)
    with pytest.raises(BadArguments, match=r"no piano.*vocals, drums, bass"):
        silent_but(tracks, "piano")


def test_keys_come_one_by_one_and_others_sequences_are_none() -> None:
    assert keys_in("q 1\x1b[C\x1bOD") == ["q", " ", "1", "right", "left"]
    assert keys_in("\x1b") == ["escape"]
    assert keys_in("\x1b[15~") == []


async def test_keys_pause_jump_and_silence() -> None:
    hearing = FakeHearing()
    listening = Listening(hearing, (Track(name="bass"), Track(name="drums")), ("drums",))
    playing = asyncio.ensure_future(listening.play(3.0))
    await asyncio.sleep(0)  # nothing waits in it until it plays
    for key in (" ", " ", "right", "left", "left", "2", "1", "9", "x"):
        listening.press(key)
    listening.press("q")
    await playing
    assert hearing.asked == [
        ("silent", ("drums",)), ("play", ("bass", "drums"), 3.0), ("pause",), ("resume",),
        ("seek", 8.0), ("seek", 3.0), ("seek", 0.0), ("silent", ()), ("silent", ("bass",)),
    ]  # fmt: skip


async def test_it_ends_with_the_sound_and_says_when_the_output_has_gone() -> None:
    for message in ("", "The output has gone."):
        hearing = FakeHearing()
        playing = asyncio.ensure_future(Listening(hearing, (Track(name="bass"),), ()).play(0.0))
        await asyncio.sleep(0)
        hearing.tell(HearingStatus(seconds=4.0, message=message))
        if message:
            with pytest.raises(EngineFailed, match="has gone"):
                await playing
        else:
            await playing


@pytest.mark.end_to_end
@pytest.mark.parametrize(("hear_on", "verdict"), [("silent", "ok"), ("wasapi", "note")])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has WASAPI")
async def test_doctor_says_what_is_heard_on(hear_on: str, verdict: str) -> None:
    finding = await doctor._hearing(Settings(hear_on=hear_on))
    assert finding.verdict == verdict
    assert ("no output that opens" in finding.message) is (verdict == "note")


@pytest.mark.end_to_end
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
def test_in_a_terminal_it_draws_a_line_and_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    from tests.support.pseudo_terminal import in_terminal

    path = sine(tmp_path / "song (Bass).wav", 110.0, seconds=30.0)
    environment = {**os.environ, "SAB_HEAR_ON": "silent", "SAB_STATE_DIR": str(tmp_path / "state")}
    with in_terminal("hear", path, "--from", "10", environment=environment) as terminal:
        terminal.shows("0:10")
        terminal.type(b"1 ")
        terminal.shows("○ 1 bass")
        terminal.shows("‖")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ends() == 130
    with in_terminal("hear", path, "--from", "29.8", environment=environment) as terminal:
        assert terminal.ends() == 0
