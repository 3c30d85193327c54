"""A region selected in Ardour's editor becomes tracks with its stems and notes, at its position.

Ardour is the real one, on a virtual screen; our two actions run in it as they do for a musician.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from bridge.model import Note
from bridge.pipeline.manifest import Manifest, decode_manifest
from bridge.smf.writing import midi_file
from tests.support.ardour_window import Clip, Imported, Region, Window, showing, why_no_window
from tests.support.jack_server import SAMPLE_RATE_HZ, running_jack
from tests.support.programs import Server, serving

pytestmark = [pytest.mark.ardour, pytest.mark.jack, pytest.mark.end_to_end]

STEMS = ("Vocals", "Drums", "Bass", "Other")
TEMPO_BPM = 100.0
#: Neither on a beat nor on a whole second.
STEREO_PLACE, STEREO_CUT = 100_001, 24_000
MONO_PLACE = 500_003
#: Over the stereo clip.
OVER_PLACE = 200_005
NAMES = ("wide", "narrow", "over")
#: The file that is imported by hand.
NOTES_BPM = 130.0
NOTES = {
    stem: [Note(onset_seconds=at, offset_seconds=at + 0.2, pitch=pitch, velocity=90) for at, pitch in notes]
    for stem, notes in {"bass": [(0.1, 40), (1.3, 43), (2.0, 38)], "drums": [(0.5, 36), (1.0, 38), (2.7, 42)]}.items()
}
PERIOD_FRAMES = 1024
FINISHED_SECONDS = 90
#: Four stems in 24 bits, each rounded once.
ROUNDING = 4 / 2**23


class Session(NamedTuple):
    """The contents of the tracks at the end, and the session's folder."""

    regions: list[Region]
    messages: list[str]
    folder: Path
    by_hand: list[Imported]
    tempo_bpm: float
    """The tempo at the session's start, after the imports."""

    def of(self, name: str, kind: str) -> list[Region]:
        """The regions imported for one source region, in the order of the tracks."""
        return [region for region in self.regions if region.name.startswith(f"{name} (") and region.kind == kind]

    def source(self, name: str) -> Region:
        return next(region for region in self.regions if region.track == name)

    def manifest(self, name: str) -> Manifest:
        return decode_manifest((self.folder / "stems" / name / f"{name}.sab.json").read_bytes())


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    if reason := why_no_window():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("window")
    (folder / "server").mkdir()
    clips = [
        Clip(stereo(folder, "wide.wav"), STEREO_PLACE, STEREO_CUT),
        Clip(mono(folder), MONO_PLACE),
        Clip(stereo(folder, "over.wav"), OVER_PLACE),
    ]
    with (
        running_jack(PERIOD_FRAMES, synchronous=False) as jack,
        serving(folder / "server", "--engine", "draft", "--no-midi") as server,
        showing(
            folder, clips, TEMPO_BPM, notes(folder), f"osc.udp://{server.host}:{server.port}", jack.environment
        ) as window,
    ):
        window.wait("finished", FINISHED_SECONDS)
        yield session_of(window)


def osc_url(server: Server) -> str:
    return f"osc.udp://{server.host}:{server.port}"


def session_of(window: Window) -> Session:
    return Session(window.regions, window.messages, window.session, window.by_hand, window.tempo_bpm)


def stereo(folder: Path, name: str) -> Path:
    samples = music()
    soundfile.write(folder / name, np.stack([samples, 0.5 * samples[::-1]], axis=1), SAMPLE_RATE_HZ, "PCM_24")
    return folder / name


def mono(folder: Path) -> Path:
    soundfile.write(folder / "narrow.wav", music(), SAMPLE_RATE_HZ, "PCM_24")
    return folder / "narrow.wav"


def notes(folder: Path) -> Path:
    """Two stems in one file, with a tempo of its own."""
    (folder / "song.mid").write_bytes(midi_file(NOTES, seconds=4.0, tempo_bpm=NOTES_BPM))
    return folder / "song.mid"


def music() -> NDArray[Any]:
    """Five seconds of the demo's clip, one channel."""
    samples, rate = soundfile.read(str(files("bridge.demo") / "clip.ogg"), always_2d=True)
    seconds: NDArray[Any] = soxr.resample(samples[: 5 * rate, 0], rate, SAMPLE_RATE_HZ)
    return 0.5 * seconds


@pytest.mark.parametrize("name", NAMES)
def test_the_stems_and_notes_of_each_region_are_at_its_position(session: Session, name: str) -> None:
    source = session.source(name)
    stems, notes = session.of(name, "stem"), session.of(name, "midi")
    assert [region.name.split(".")[0] for region in stems] == [f"{name} ({stem})" for stem in STEMS]
    assert [region.name.split(".")[0] for region in notes] == [f"{name} ({stem})" for stem in STEMS]
    assert {region.place for region in stems + notes} == {source.place}
    assert {(region.start, region.frames) for region in stems} == {(0, source.frames)}
    assert {len(region.sources) for region in stems} == {len(source.sources)}


def test_regions_that_were_sent_together_share_a_track_for_each_stem_also_if_one_comes_later(session: Session) -> None:
    shared = [region.track for region in session.of("wide", "stem") + session.of("wide", "midi")]
    assert len(set(shared)) == 2 * len(STEMS)
    assert shared[: len(STEMS)] == [f"wide ({stem})" for stem in STEMS]
    for track in shared:
        names = [region.name.split(" (")[0] for region in session.regions if region.track == track]
        assert sorted(names, key=NAMES.index) == ["wide", "narrow"]


def test_a_region_that_overlaps_another_one_has_its_own_tracks(session: Session) -> None:
    assert [region.track for region in session.of("over", "stem")] == [f"over ({stem})" for stem in STEMS]
    assert len({region.track for region in session.of("over", "midi")}) == len(STEMS)


def test_a_trimmed_region_keeps_its_position_and_offset(session: Session) -> None:
    source = session.source("wide")
    assert (source.place, source.start) == (STEREO_PLACE + STEREO_CUT, STEREO_CUT)


@pytest.mark.parametrize("name", NAMES)
def test_the_imported_stems_sum_to_the_region_sample_by_sample(session: Session, name: str) -> None:
    wanted = samples_of(session.source(name))
    stems = [samples_of(region) for region in session.of(name, "stem")]
    assert np.abs(wanted).max() > 0.1
    assert all(np.abs(stem).max() > 0 for stem in stems)
    assert np.abs(sum(stems) - wanted).max() <= ROUNDING


@pytest.mark.parametrize("name", NAMES)
def test_the_imported_notes_match_the_files_at_the_songs_tempo(session: Session, name: str) -> None:
    assert session.manifest(name).request["tempo_bpm"] == TEMPO_BPM
    for stem, region in zip(STEMS, session.of(name, "midi"), strict=True):
        written = onsets_in_beats(session.folder / "stems" / name / f"{name} ({stem}).mid")
        imported = onsets_in_beats(region.sources[0])
        assert [pitch for _, pitch in imported] == [pitch for _, pitch in written]
        assert [beat for beat, _ in imported] == pytest.approx([beat for beat, _ in written], abs=1 / 480)
    assert any(onsets_in_beats(region.sources[0]) for region in session.of(name, "midi"))


def test_a_midi_file_imports_with_its_notes_tempo_and_names(session: Session) -> None:
    assert session.tempo_bpm == pytest.approx(NOTES_BPM, abs=0.001)
    assert [track.track.split(".")[1].split("-")[0] for track in session.by_hand] == ["Bass", "Drums"]
    for track, written in zip(session.by_hand, NOTES.values(), strict=True):
        imported = onsets_in_beats(track.source)
        assert [pitch for _, pitch in imported] == [note.pitch for note in written]
        wanted = [note.onset_seconds * NOTES_BPM / 60 for note in written]
        assert [beat for beat, _ in imported] == pytest.approx(wanted, abs=1 / 480)


def test_nothing_is_left_over_and_two_messages_were_shown(session: Session) -> None:
    assert [message.split(".")[0] for message in session.messages] == [
        "Sent: wide, narrow, over",
        "Not done yet: narrow",
    ]
    assert not (session.folder / "source-audio-bridge.pending").exists()
    assert list((session.folder / "export").iterdir()) == []
    assert len(list((session.folder / "interchange").iterdir())) == 1


def samples_of(region: Region) -> NDArray[Any]:
    """The region's samples, `(frames, channels)`."""
    channels = [soundfile.read(str(path), start=region.start, frames=region.frames)[0] for path in region.sources]
    return np.stack(channels, axis=1)


def onsets_in_beats(path: Path) -> list[tuple[float, int]]:
    """Quarter notes from the file's start, and pitches, in order."""
    file = mido.MidiFile(path)
    ticks, onsets = 0, []
    for message in mido.merge_tracks(file.tracks):
        ticks += message.time
        if message.type == "note_on" and message.velocity > 0:
            onsets.append((ticks / file.ticks_per_beat, message.note))
    return sorted(onsets, key=lambda onset: (round(onset[0], 2), onset[1]))
