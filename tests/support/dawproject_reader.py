"""A second reader of DAWproject files: it knows the format's description, and nothing of what writes them here.

Times without a unit of their own have that of what holds them, at the top quarter notes ("beats"); what a clip holds is
in its `contentTimeUnit`, and starts at the clip's place, from `playStart` on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from zipfile import ZipFile


@dataclass(frozen=True)
class ReadNote:
    """A note on the song's timeline, in quarter notes from its start."""

    time: float
    duration: float
    key: int
    channel: int
    velocity: float
    release: float
    bends: tuple[tuple[float, float], ...]
    """Semitones from a time on, in quarter notes from the note's start."""


@dataclass(frozen=True)
class ReadAudio:
    """An audio file on the song's timeline."""

    path: str
    start_seconds: float
    seconds: float
    """How long the clip sounds."""
    offset_seconds: float
    """Where in the file it starts."""
    file_seconds: float
    sample_rate_hz: int
    channels: int
    is_stretched: bool


@dataclass(frozen=True)
class ReadTrack:
    """A track with what lies on it."""

    name: str
    colour: str
    content: str
    group: str
    """The name of the group that it is in; empty: none."""
    sounds_through: tuple[str, ...]
    """The names of the tracks that its sound passes, up to the master."""
    is_muted: bool
    notes: tuple[ReadNote, ...]
    audio: tuple[ReadAudio, ...]


class DawProject:
    """A project, read whole; the audio stays in the file."""

    def __init__(self, file: Path | BinaryIO) -> None:
        with ZipFile(file) as archive:
            self.names = archive.namelist()
            self.project = ElementTree.fromstring(archive.read("project.xml"))
            self.metadata = ElementTree.fromstring(archive.read("metadata.xml"))
        self.title = self.metadata.findtext("Title") or ""
        tempo, metre = _one(self.project, "Transport/Tempo"), _one(self.project, "Transport/TimeSignature")
        self.tempo_bpm = float(tempo.attrib["value"])
        self.metre = (int(metre.attrib["numerator"]), int(metre.attrib["denominator"]))
        self.tempi = self._tempi(tempo.attrib["id"]) or [(0.0, self.tempo_bpm)]
        lowest, highest = float(tempo.attrib["min"]), float(tempo.attrib["max"])
        assert all(lowest <= bpm <= highest for _, bpm in self.tempi), "a DAW keeps a tempo within its limits"
        self.markers = [
            (float(marker.attrib["time"]), marker.attrib["name"])
            for marker in self.project.iterfind("Arrangement/Markers/Marker")
        ]
        self.tracks = [*self._tracks(_one(self.project, "Structure"), "")]

    def track(self, name: str) -> ReadTrack:
        (found,) = (track for track in self.tracks if track.name == name)
        return found

    def seconds(self, quarters: float) -> float:
        """When a place on the timeline comes, from the song's start."""
        seconds = 0.0
        for (start, bpm), (end, _) in pairwise([*self.tempi, (float("inf"), 0.0)]):
            seconds += max(0.0, min(quarters, end) - start) * 60 / bpm
        return seconds

    def _tempi(self, tempo: str) -> list[tuple[float, float]]:
        automation = self.project.find("Arrangement/TempoAutomation")
        if automation is None:
            return []
        assert _one(automation, "Target").get("parameter") == tempo
        assert (automation.get("unit"), automation.get("timeUnit", "beats")) == ("bpm", "beats")
        points = automation.findall("RealPoint")
        assert {point.get("interpolation", "hold") for point in points} == {"hold"}
        found = [(float(point.attrib["time"]), float(point.attrib["value"])) for point in points]
        assert found[0][0] == 0.0 and found == sorted(found), "a song has a tempo from its start on"
        return found

    def _tracks(self, parent: Element, group: str) -> Iterator[ReadTrack]:
        for track in parent.iterfind("Track"):
            channel = _one(track, "Channel")
            lanes = [
                one for one in self.project.iterfind("Arrangement/Lanes/Lanes") if one.get("track") == track.get("id")
            ]
            units = [one.get("timeUnit", "") for one in self.project.iterfind("Arrangement/Lanes")]
            clips = [clip for lane in lanes for clip in lane.iterfind("Clips/Clip")]
            assert units == ["beats"]
            yield ReadTrack(
                name=track.attrib["name"],
                colour=track.get("color", ""),
                content=track.attrib["contentType"],
                group=group,
                sounds_through=tuple(self._route(channel)),
                is_muted=_one(channel, "Mute").get("value") == "true",
                notes=tuple(note for clip in clips for note in _notes_of(clip)),
                audio=tuple(audio for clip in clips for audio in self._audio_of(clip)),
            )
            yield from self._tracks(track, track.attrib["name"])

    def _route(self, channel: Element) -> Iterator[str]:
        while "destination" in channel.attrib:
            (track,) = (
                one
                for one in self.project.iter("Track")
                if (its := one.find("Channel")) is not None and its.get("id") == channel.attrib["destination"]
            )
            channel = _one(track, "Channel")
            yield track.attrib["name"]
        assert channel.get("role") == "master"

    def _audio_of(self, clip: Element) -> Iterator[ReadAudio]:
        for audio in clip.iterfind("Audio"):
            assert clip.get("contentTimeUnit") == audio.get("timeUnit") == "seconds"
            start, length = float(clip.attrib["time"]), float(clip.attrib["duration"])
            seconds = self.seconds(start + length) - self.seconds(start)
            begin, end = float(clip.attrib["playStart"]), float(clip.attrib["playStop"])
            file = _one(audio, "File")
            assert file.get("external", "false") == "false" and file.attrib["path"] in self.names
            yield ReadAudio(
                path=file.attrib["path"],
                start_seconds=self.seconds(start),
                seconds=seconds,
                offset_seconds=begin,
                file_seconds=float(audio.attrib["duration"]),
                sample_rate_hz=int(audio.attrib["sampleRate"]),
                channels=int(audio.attrib["channels"]),
                is_stretched=abs(seconds - (end - begin)) > 1e-5,
            )


def _notes_of(clip: Element) -> Iterator[ReadNote]:
    start, length = float(clip.attrib["time"]), float(clip.attrib["duration"])
    for notes in clip.iterfind("Notes"):
        assert clip.get("contentTimeUnit", "beats") == notes.get("timeUnit", "beats") == "beats"
        for note in notes.iterfind("Note"):
            time, duration = float(note.attrib["time"]), float(note.attrib["duration"])
            assert time >= 0 and time + duration <= length + 1e-6, "a clip cuts what lies outside it"
            yield ReadNote(
                time=start + time - float(clip.get("playStart", "0")),
                duration=duration,
                key=int(note.attrib["key"]),
                channel=int(note.attrib["channel"]),
                velocity=float(note.attrib["vel"]),
                release=float(note.attrib["rel"]),
                bends=tuple(_bends_of(note)),
            )


def _bends_of(note: Element) -> Iterator[tuple[float, float]]:
    for points in note.iterfind("Points"):
        assert (points.get("unit"), _one(points, "Target").attrib) == ("semitones", {"expression": "transpose"})
        for point in points.iterfind("RealPoint"):
            assert point.get("interpolation", "hold") == "hold"
            yield float(point.attrib["time"]), float(point.attrib["value"])


def _one(parent: Element, path: str) -> Element:
    (found,) = parent.findall(path)
    return found
