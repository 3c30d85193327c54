"""`project.xml` and `metadata.xml` of a DAWproject: facts of the format from its published schemas, version 1.0."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from bridge import __version__
from bridge.dawproject.content import ProjectContent, StemAudio
from bridge.dawproject.elements import Elements
from bridge.dawproject.song_grid import SongGrid
from bridge.smf.ticks import NoteTicks
from bridge.stems import DRUM_CHANNEL, doubles, label_of, row_of, stem_of
from bridge.units import FASTEST_TEMPO_BPM, RELEASE_VELOCITY, SLOWEST_TEMPO_BPM, TICKS_PER_QUARTER

VERSION = "1.0"
PROGRAM = "Source Audio Bridge"
STEM_GROUP, NOTE_GROUP = "Stems", "Notes"
#: Velocities are shares of this.
LOUDEST = 127


@dataclass(frozen=True)
class SongTrack:
    """A track of the project."""

    id: str
    channel: str
    """The id of its channel."""
    name: str
    colour: str
    holds: str
    """`audio` or `notes`."""
    is_muted: bool = False


def project_xml(song: ProjectContent) -> bytes:
    """The tracks of a song and what lies on them.

    An audio track for each stem, a track for the notes of each part, both kinds in groups, and the master. Audio is
    timed in seconds, so that no DAW stretches it; all else in quarter notes.

    Raises:
        BadArguments: a MIDI file, and thus the grid of its notes, cannot have that tempo.
    """
    return _Project(song).xml()


def metadata_xml(title: str, artist: str = "", album: str = "") -> bytes:
    """Title, artist and album; empty ones are left out."""
    elements = Elements()
    with elements.element("MetaData"):
        for name, text in (("Title", title), ("Artist", artist), ("Album", album)):
            if text:
                elements.text(name, text)
    return elements.content()


class _Project:
    def __init__(self, song: ProjectContent) -> None:
        self._song = song
        self._grid = SongGrid(song.music, song.beat)
        self._ids = (f"id{number}" for number in count())
        self._xml = Elements()
        self._tempo, self._master = self._id(), self._id()
        muted = doubles(audio.stem for audio in song.stems)
        self._audio = [self._track(audio.stem, "audio", audio.stem in muted) for audio in song.stems]
        self._notes = [self._track(stem, "notes") for stem in song.parts]

    def _id(self) -> str:
        return next(self._ids)

    def _track(self, stem: str, holds: str, is_muted: bool = False) -> SongTrack:
        name = label_of(stem) if holds == "audio" else f"{label_of(stem)} MIDI"
        return SongTrack(self._id(), self._id(), name, row_of(stem).colour, holds, is_muted)

    def xml(self) -> bytes:
        element, leaf = self._xml.element, self._xml.leaf
        numerator, denominator = self._song.music.time_signature
        with element("Project", version=VERSION):
            leaf("Application", name=PROGRAM, version=__version__)
            with element("Transport"):
                tempi = (self._grid.tempo_bpm, *self._grid.tempi().values(), SLOWEST_TEMPO_BPM, FASTEST_TEMPO_BPM)
                leaf(
                    "Tempo", id=self._tempo, name="Tempo", unit="bpm", value=tempi[0], min=min(tempi), max=max(tempi)
                )  # fmt: skip
                leaf("TimeSignature", id=self._id(), numerator=numerator, denominator=denominator)
            with element("Structure"):
                self._group(STEM_GROUP, self._audio)
                self._group(NOTE_GROUP, self._notes)
                with element("Track", contentType="audio notes", loaded=True, id=self._id(), name="Master"):
                    self._channel(self._master, "master", destination="")
            with element("Arrangement", id=self._id()):
                with element("Lanes", timeUnit="beats", id=self._id()):
                    for track, audio in zip(self._audio, self._song.stems, strict=True):
                        self._audio_clip(track, audio)
                    for track, stem in zip(self._notes, self._song.parts, strict=True):
                        self._note_clip(track, stem)
                self._markers()
                self._tempi()
            leaf("Scenes")
        return self._xml.content()

    def _group(self, name: str, tracks: list[SongTrack]) -> None:
        if not tracks:
            return
        channel = self._id()
        with self._xml.element("Track", contentType="tracks", loaded=True, id=self._id(), name=name):
            self._channel(channel, "submix", self._master)
            for track in tracks:
                with self._xml.element(
                    "Track", contentType=track.holds, loaded=True, id=track.id, name=track.name, color=track.colour
                ):
                    self._channel(track.channel, "regular", channel, is_muted=track.is_muted)

    def _channel(self, name: str, role: str, destination: str, *, is_muted: bool = False) -> None:
        leads = {"destination": destination} if destination else {}
        with self._xml.element("Channel", audioChannels=2, role=role, solo=False, id=name, **leads):
            self._xml.leaf("Mute", id=self._id(), name="Mute", value=is_muted)
            self._xml.leaf("Pan", id=self._id(), name="Pan", unit="normalized", min=0, max=1, value=0.5)
            self._xml.leaf("Volume", id=self._id(), name="Volume", unit="linear", min=0, max=2, value=1)

    def _audio_clip(self, track: SongTrack, audio: StemAudio) -> None:
        element = self._xml.element
        with (
            element("Lanes", track=track.id, id=self._id()),
            element("Clips", id=self._id()),
            element(
                "Clip", time=self._grid.start, duration=self._grid.quarters(audio.seconds), contentTimeUnit="seconds",
                playStart=0, playStop=audio.seconds, name=f"{self._song.name} ({track.name})", color=track.colour,
            ),
            element(
                "Audio", timeUnit="seconds", algorithm="raw", channels=audio.channels, duration=audio.seconds,
                sampleRate=audio.sample_rate_hz, id=self._id(),
            ),
        ):  # fmt: skip
            self._xml.leaf("File", path=audio.path)

    def _note_clip(self, track: SongTrack, stem: str) -> None:
        element = self._xml.element
        notes = self._grid.notes(self._song.parts[stem])
        end = max([self._grid.quarters(self._song.seconds), *(note.off / TICKS_PER_QUARTER for note in notes)])
        is_pitched = stem_of(stem).is_pitched
        with (
            element("Lanes", track=track.id, id=self._id()),
            element("Clips", id=self._id()),
            element(
                "Clip", time=self._grid.start, duration=end, playStart=0, name=f"{self._song.name} ({label_of(stem)})",
                color=track.colour,
            ),
            element("Notes", id=self._id()),
        ):  # fmt: skip
            for note in notes:
                self._note(note, 0 if is_pitched else DRUM_CHANNEL, bends=is_pitched and self._song.bends)

    def _note(self, note: NoteTicks, channel: int, *, bends: bool) -> None:
        with self._xml.element(
            "Note", time=note.on / TICKS_PER_QUARTER, duration=(note.off - note.on) / TICKS_PER_QUARTER,
            channel=channel, key=note.note.pitch, vel=note.note.velocity / LOUDEST, rel=RELEASE_VELOCITY / LOUDEST,
        ):  # fmt: skip
            points = self._grid.bends(note) if bends else {}
            if points:
                with self._xml.element("Points", unit="semitones"):
                    self._xml.leaf("Target", expression="transpose")
                    for time, semitones in points.items():
                        self._xml.leaf("RealPoint", time=time, value=semitones, interpolation="hold")

    def _markers(self) -> None:
        markers = self._grid.markers(self._song.chords)
        if markers:
            with self._xml.element("Markers", id=self._id()):
                for place, name in markers:
                    self._xml.leaf("Marker", time=place, name=name)

    def _tempi(self) -> None:
        tempi = self._grid.tempi()
        if tempi:
            with self._xml.element("TempoAutomation", timeUnit="beats", unit="bpm", id=self._id()):
                self._xml.leaf("Target", parameter=self._tempo)
                for place, tempo_bpm in tempi.items():
                    self._xml.leaf("RealPoint", time=place, value=tempo_bpm, interpolation="hold")
