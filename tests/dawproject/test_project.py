"""A project is valid, and a second reader finds in it what the MIDI files of the same notes have."""

from __future__ import annotations

import io
from collections import defaultdict
from itertools import accumulate
from xml.etree import ElementTree

import mido  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.dawproject.archive import Member, archive_blocks, audio_paths
from bridge.dawproject.content import ProjectContent, StemAudio
from bridge.dawproject.project import metadata_xml, project_xml
from bridge.model import Bend, Chord, Music, Note, TempoPoint
from bridge.smf.writing import midi_file
from bridge.stems import AUDIO_STEMS, DRUM_CHANNEL, KIT, KIT_TABLE, OPPOSITE_TABLE, STEM_TABLE, STEMS, doubles, label_of
from bridge.units import RELEASE_VELOCITY, TICKS_PER_QUARTER
from tests.support.dawproject_reader import DawProject, ReadNote
from tests.support.dawproject_schema import problems
from tests.support.notes import note, note_lists

LENGTH = 40.0
RATE = 44_100


def opened(song: ProjectContent) -> DawProject:
    """The song as the second reader finds it, in an archive with empty audio files."""
    members = [Member("metadata.xml", lambda: iter([metadata_xml(song.name)]))]
    members.append(Member("project.xml", lambda: iter([project_xml(song)])))
    members += [Member(audio.path, lambda: iter([b""])) for audio in song.stems]
    project = DawProject(io.BytesIO(b"".join(archive_blocks(members))))
    assert problems(project.project) == problems(project.metadata) == []
    return project


def audio_of(*stems: str) -> list[StemAudio]:
    paths = audio_paths([f"clip ({stem}).wav" for stem in stems])
    return [StemAudio(stem, path, LENGTH, RATE, 2) for stem, path in zip(stems, paths, strict=True)]


@st.composite
def tempo_maps(draw: st.DrawFn) -> tuple[TempoPoint, ...]:
    """A tempo for each beat of a clip, from its start on; clips may be longer."""
    beats = [60 / bpm for bpm in draw(st.lists(st.floats(15, 600), min_size=2, max_size=40))]
    return tuple(
        TempoPoint(seconds=time, quarters=place, bpm=60 / length)
        for place, (time, length) in enumerate(zip(accumulate(beats, initial=0.0), [*beats, beats[-1]], strict=True))
    )


@st.composite
def songs(draw: st.DrawFn) -> ProjectContent:
    metre = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8)]))
    tempo_map = draw(st.just(()) | tempo_maps())
    first = draw(st.sampled_from(tempo_map[:3])).seconds if tempo_map else draw(st.floats(0, 2))
    music = Music(
        tempo_bpm=draw(st.floats(20, 400)), tempo_source="given", time_signature=metre, first_beat_seconds=first,
        tempo_map=tempo_map,
    )  # fmt: skip
    stems = draw(st.lists(st.sampled_from((*AUDIO_STEMS, *KIT)), unique=True, max_size=5))
    parts = {stem: draw(note_lists()) for stem in draw(st.lists(st.sampled_from(STEMS), unique=True, max_size=3))}
    names = st.text(st.characters(), max_size=12) | st.sampled_from(
        ["]]>", "<x>", "\u202egnp", "🥁", "\ufffe\0\x1b", "CON"]
    )
    starts = sorted(draw(st.lists(st.floats(0, LENGTH), max_size=4, unique=True)))
    chords = [Chord(start_seconds=start, end_seconds=start + 0.005, name=draw(names)) for start in starts]
    beat = draw(st.none() | st.floats(-1000, 1000))
    return ProjectContent(draw(names), LENGTH, music, audio_of(*stems), parts, chords, beat)


def notes_in_midi(song: ProjectContent, stem: str) -> list[tuple[int, int, int, int, tuple[tuple[int, int], ...]]]:
    """Tick, length, pitch, velocity and wheel of each note, by tick and pitch, in the stem's MIDI file as MPE."""
    music = song.music
    content = midi_file(
        {stem: song.parts[stem]}, seconds=song.seconds, tempo_bpm=music.tempo_bpm, metre=music.time_signature,
        bends="mpe", tempo_map=music.tempo_map, first_bar_seconds=music.first_beat_seconds,
    )  # fmt: skip
    (track,) = mido.MidiFile(file=io.BytesIO(content)).tracks[1:]
    found, tick = [], 0
    sounding: dict[tuple[int, int], tuple[int, int]] = {}
    wheels: dict[int, dict[int, int]] = defaultdict(dict)
    for message in track:
        tick += message.time
        if message.type == "pitchwheel":
            wheels[message.channel][tick] = message.pitch
        elif message.type == "note_on":
            sounding[message.channel, message.note] = tick, message.velocity
        elif message.type == "note_off":
            start, velocity = sounding.pop((message.channel, message.note))
            wheel = {at - start: value for at, value in wheels[message.channel].items() if start <= at < tick}
            found.append((start, tick - start, message.note, velocity, tuple(wheel.items())))
    return sorted(found, key=lambda one: (one[0], one[2]))


def in_ticks(read: ReadNote, start: float) -> tuple[int, int, int, int]:
    tick, length = (read.time - start) * TICKS_PER_QUARTER, read.duration * TICKS_PER_QUARTER
    assert tick == pytest.approx(round(tick), abs=1e-3)
    return round(tick), round(length), read.key, round(read.velocity * 127)


@settings(deadline=None)  # other programs may take the processor
@given(songs())
def test_a_second_reader_finds_the_notes_of_the_midi_files(song: ProjectContent) -> None:
    project = opened(song)
    for stem in song.parts:
        track = project.track(f"{STEM_TABLE[stem].label} MIDI")
        expected = notes_in_midi(song, stem)
        start = start_of(project, song)
        read = sorted(track.notes, key=lambda one: (round(one.time, 6), one.key))
        assert [in_ticks(one, start) for one in read] == [one[:4] for one in expected]
        assert {one.channel for one in read} <= {0 if STEM_TABLE[stem].is_pitched else DRUM_CHANNEL}
        assert {round(one.release * 127) for one in read} <= {RELEASE_VELOCITY}
        for one, (_, _, _, _, wheel) in zip(read, expected, strict=True):
            assert not one.bends or STEM_TABLE[stem].is_pitched
            at = dict(wheel)
            for time, semitones in one.bends:
                # MPE's wheel reaches 48 semitones in 8 192 steps, and sends only what differs.
                tick = round(time * TICKS_PER_QUARTER)
                last = max((place for place in at if place <= tick), default=None)
                assert semitones * 8192 / 48 == pytest.approx(0 if last is None else at[last], abs=0.51)


def start_of(project: DawProject, song: ProjectContent) -> float:
    """Where the clip starts, in quarter notes, as the tests' own arithmetic has it."""
    if song.beat is not None and song.beat >= 0:
        return song.beat
    bar = song.music.time_signature[0] * 4 / song.music.time_signature[1]
    clips = [*project.project.iterfind("Arrangement/Lanes/Lanes/Clips/Clip")]
    places = {float(clip.attrib["time"]) for clip in clips} or {0.0}
    (place,) = places
    if song.beat is not None and clips:
        bars = (place - song.beat) / bar
        assert bars == pytest.approx(round(bars), abs=1e-3), "it is moved by whole bars"
    assert 0 <= place < bar
    return place


@settings(deadline=None)
@given(songs())
def test_a_clip_without_a_place_has_its_bars_on_those_of_the_song(song: ProjectContent) -> None:
    if song.beat is not None or not (song.stems or song.parts):
        return
    project, music = opened(song), song.music
    first = music.first_beat_seconds * project.tempo_bpm / 60
    if music.tempo_map:
        first = next(point.quarters for point in music.tempo_map if point.seconds == music.first_beat_seconds)
    bars = (start_of(project, song) + first) / (music.time_signature[0] * 4 / music.time_signature[1])
    assert bars == pytest.approx(round(bars), abs=1e-3)


@settings(deadline=None)
@given(songs())
def test_times_in_seconds_are_those_of_the_clip(song: ProjectContent) -> None:
    """With all tempi applied, notes and stems sound where they do in the clip, and no stem is stretched."""
    project = opened(song)
    begin = project.seconds(start_of(project, song))
    for track in project.tracks:
        for audio in track.audio:
            assert (audio.offset_seconds, audio.file_seconds, audio.is_stretched) == (0.0, LENGTH, False)
            assert audio.start_seconds == pytest.approx(begin, abs=1e-5)
            assert round(audio.file_seconds * audio.sample_rate_hz) == round(LENGTH * RATE)
    for stem, notes in song.parts.items():
        onsets = sorted(round(one.onset_seconds, 3) for one in notes)
        for read in project.track(f"{STEM_TABLE[stem].label} MIDI").notes:
            assert min(abs(project.seconds(read.time) - begin - onset) for onset in onsets) < 0.005


@settings(deadline=None)
@given(songs())
def test_tracks_have_the_names_colours_and_groups_of_their_stems(song: ProjectContent) -> None:
    project = opened(song)
    named = [(track.name, track.colour, track.content, track.group) for track in project.tracks if track.colour]
    colours = {one.name: one.colour for one in STEM_TABLE.values()}
    colours |= {one.name: one.colour for one in OPPOSITE_TABLE.values()}
    colours |= {one.name: one.colour for one in KIT_TABLE.values()}
    assert named == [
        *((label_of(one.stem), colours[one.stem], "audio", "Stems") for one in song.stems),
        *((f"{STEM_TABLE[stem].label} MIDI", STEM_TABLE[stem].colour, "notes", "Notes") for stem in song.parts),
    ]
    assert {track.sounds_through[-1] for track in project.tracks if track.name != "Master"} <= {"Master"}
    assert {track.sounds_through for track in project.tracks if track.group} <= {
        ("Stems", "Master"), ("Notes", "Master"),
    }  # fmt: skip
    assert project.metre == song.music.time_signature
    assert project.tempo_bpm == pytest.approx(song.music.tempo_bpm, rel=1e-5)


@settings(deadline=None)
@given(songs())
def test_the_same_song_gives_the_same_bytes(song: ProjectContent) -> None:
    assert project_xml(song) == project_xml(song)


def simple(**fields: object) -> ProjectContent:
    music = Music(tempo_bpm=120.0, tempo_source="given")
    return ProjectContent(**{"name": "song", "seconds": 4.0, "music": music, **fields})  # type: ignore[arg-type]  # of a test


def test_bends_are_semitones_from_the_note_s_start_without_a_limit() -> None:
    bends = tuple(Bend(time_seconds=time, semitones=by) for time, by in ((1.25, 0.5), (1.5, -7.25), (1.75, 0.0)))
    song = simple(parts={"vocals": [note(1.0, 2.0, 60, 127, bends)]}, beat=8.0)
    (read,) = opened(song).track("Vocals MIDI").notes
    assert read == ReadNote(10.0, 2.0, 60, 0, 1.0, round(64 / 127, 9), ((0, 0), (0.5, 0.5), (1.0, -7.25), (1.5, 0.0)))


def test_without_bends_there_are_none() -> None:
    bent = [note(1.0, 2.0, bends=(Bend(time_seconds=1.5, semitones=1.0),))]
    (read,) = opened(simple(parts={"vocals": bent}, bends=False)).track("Vocals MIDI").notes
    assert read.bends == ()


def test_chords_and_their_pauses_are_markers() -> None:
    chords = [
        Chord(start_seconds=0.0, end_seconds=1.0, name="C"),
        Chord(start_seconds=2.0, end_seconds=4.0, name="F#m7"),
    ]
    assert opened(simple(chords=chords, beat=4.0)).markers == [(4.0, "C"), (6.0, "N.C."), (8.0, "F#m7")]


def test_a_tempo_that_changes_holds_from_beat_to_beat() -> None:
    points = [(0.0, 0.0, 120.0), (0.5, 1.0, 60.0), (1.5, 2.0, 60.0)]
    tempo_map = tuple(TempoPoint(seconds=at, quarters=place, bpm=bpm) for at, place, bpm in points)
    music = Music(tempo_bpm=80.0, tempo_source="estimated", tempo_map=tempo_map)
    project = opened(simple(music=music, beat=4.0, parts={"bass": [note(0.5, 1.5)]}))
    assert project.tempi == [(0.0, 120.0), (4.0, 120.0), (5.0, 60.0), (6.0, 60.0)]
    (read,) = project.track("Bass MIDI").notes
    assert (read.time, read.duration) == (5.0, 1.0)
    assert project.seconds(read.time) - project.seconds(4.0) == 0.5


@pytest.mark.parametrize(
    ("stems", "muted"),
    [
        (["vocals", "drums"], []),
        (["vocals", "instrumental"], []),
        (["instrumental"], []),
        (["vocals", "drums", "bass", "other", "instrumental"], ["instrumental"]),
        (["drums", "instrumental"], ["instrumental"]),
        (["instrumental", "no_drums"], ["no_drums"]),
        (["vocals", "no_drums", "instrumental"], ["no_drums"]),
        (["vocals", "drums", "kick", "snare"], ["kick", "snare"]),
        (["vocals", "kick", "snare"], []),
        (["no_drums", "kick", "snare"], []),
        (["instrumental", "kick", "snare"], ["kick", "snare"]),
        (["vocals", "instrumental", "kick", "snare"], ["kick", "snare"]),
    ],
)
def test_what_would_double_other_tracks_starts_muted(stems: list[str], muted: list[str]) -> None:
    assert doubles(stems) == {*muted}
    project = opened(simple(stems=audio_of(*stems)))
    assert {track.name for track in project.tracks if track.is_muted} == {label_of(one) for one in muted}


@given(st.text(st.characters()), st.text(st.characters()))
def test_metadata_may_be_any_text(title: str, artist: str) -> None:
    root = ElementTree.fromstring(metadata_xml(title, artist))
    assert problems(root) == []
    if title.isalnum():
        assert root.findtext("Title") == title


def test_a_note_that_outlasts_the_clip_is_in_its_clip() -> None:
    (read,) = opened(simple(parts={"bass": [note(3.9, 4.5)]}, beat=0.0)).track("Bass MIDI").notes
    assert read.time + read.duration == 9.0


def test_a_part_without_notes_has_a_track() -> None:
    assert opened(simple(parts={"bass": list[Note]()})).track("Bass MIDI").notes == ()
