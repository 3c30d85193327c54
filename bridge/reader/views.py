"""What is known of a job's music: from its record and files, or of a running job from what it has told so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from bridge.audio.peaks import BLOCK_FRAMES, Peaks
from bridge.audio.riff import chunks_of
from bridge.audio.wav_head import BYTES_PER_SAMPLE
from bridge.errors import BridgeError
from bridge.events import Preview
from bridge.model import Chord, Music, Note
from bridge.music.bars import countable
from bridge.pipeline.manifest import Manifest, decode_manifest
from bridge.protocols.reading import JobView, StemView
from bridge.reader.messages import KnownJob
from bridge.smf.note_collector import NoteCollector
from bridge.smf.notes import notes_of_file
from bridge.system.files import read_small

NO_RECORD = "The record of this job is gone, so its notes cannot be read anew. R makes it again."
OLD_RECORD = (
    "This job was made without a cache, or by an earlier version: its notes cannot be read anew. R makes it again."
)
NOT_FINISHED = "This job was not finished, so its notes cannot be read anew. R makes it again."
STILL_RUNS = "Notes can be read anew when the job is done."


class Views:
    """Makes views, and remembers the waveforms of files that it has read."""

    def __init__(self) -> None:
        self._peaks: dict[tuple[str, int], bytes] = {}
        """By path and size of a file."""
        self._growing: dict[str, _GrowingPeaks] = {}

    def finished(self, known: KnownJob, manifest: Manifest | None) -> JobView:
        """The view of a job that is over."""
        chords: tuple[Chord, ...] = () if manifest is None else manifest.chords
        unreadable = NO_RECORD if manifest is None else "" if manifest.analyses else OLD_RECORD
        if known.is_unfinished:
            unreadable = NOT_FINISHED
        return self._view(known, None if manifest is None else manifest.music, chords, unreadable, manifest)

    def running(self, known: KnownJob) -> JobView:
        """The view of a job that is not over."""
        music = Music(tempo_bpm=known.tempo_bpm, tempo_source="estimated") if known.tempo_bpm > 0 else None
        return self._view(known, music, (), STILL_RUNS, None)

    def _view(
        self,
        known: KnownJob,
        music: Music | None,
        chords: tuple[Chord, ...],
        unreadable: str,
        manifest: Manifest | None,
    ) -> JobView:
        audio = {result.name: result.path for result in known.results if result.kind == "stem"}
        midi = {result.name: result.path for result in known.results if result.is_part}
        live = _live_notes(known)
        growing = {preview.stem: preview for preview in known.previews}
        peaks = {} if manifest is None else manifest.peaks
        stems = []
        for stem in dict.fromkeys((*audio, *midi, *live, *growing)):
            waveform = peaks.get(stem) or self._waveform(audio.get(stem), growing.get(stem), known.known_seconds)
            notes, found = _file_notes(midi[stem]) if stem in midi else (live.get(stem, ()), None)
            music = music or found
            stems.append(StemView(stem=stem, peaks=waveform, notes=tuple(notes), audio=audio.get(stem, "")))
        seconds = max((result.seconds for result in known.results), default=known.clip_seconds)
        is_whole = bool(midi or known.manifest)
        return JobView(
            job=known.job,
            seconds=seconds,
            music=None if music is None else countable(music),
            chords=chords,
            stems=tuple(stems),
            known_seconds=math.inf if is_whole else known.known_seconds,
            unreadable=unreadable,
        )

    def _waveform(self, audio: str | None, preview: Preview | None, known_seconds: float) -> bytes:
        """The peaks of a file; of a growing one those that are known. Empty where it cannot be read."""
        with suppress(OSError, ValueError, soundfile.SoundFileError):
            if audio is not None:
                key = audio, Path(audio).stat().st_size
                if key not in self._peaks:
                    self._peaks[key] = _peaks_of_file(audio)
                return self._peaks[key]
            if preview is not None:
                growing = self._growing.setdefault(preview.path, _GrowingPeaks(preview))
                return growing.read(known_seconds)
        return b""


class _GrowingPeaks:
    """The waveform of a preview, of which only what has come since is read."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview
        self._read_frames = 0
        self._peaks: Peaks | None = None

    def read(self, known_seconds: float) -> bytes:
        """The spans that are complete; raises OSError where the file is gone."""
        frame_bytes = self._preview.channels * BYTES_PER_SAMPLE
        path = Path(self._preview.path)
        data = next((chunk for chunk in chunks_of(path) if chunk.name == b"data"), None)
        if data is None:
            return b""
        if self._peaks is None:
            self._peaks = Peaks(data.stated // frame_bytes)
        until = min(round(known_seconds * self._preview.sample_rate_hz), data.size // frame_bytes)
        with path.open("rb") as file:
            file.seek(data.start + self._read_frames * frame_bytes)
            while self._read_frames < until:
                frames = min(BLOCK_FRAMES, until - self._read_frames)
                content = file.read(frames * frame_bytes)
                if len(content) < frames * frame_bytes:
                    break
                self._peaks.append(np.frombuffer(content, "<f4").reshape(frames, self._preview.channels))
                self._read_frames += frames
        return self._peaks.known()


def _peaks_of_file(path: str) -> bytes:
    with soundfile.SoundFile(path) as file:
        peaks = Peaks(file.frames)
        for block in file.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
            peaks.append(block)
        return peaks.known()


def manifest_of_job(known: KnownJob) -> Manifest | None:
    """The record of a finished job; None if it is gone or is of another job."""
    with suppress(OSError, ValueError):
        manifest = decode_manifest(read_small(Path(known.manifest)))
        return manifest if manifest.name == known.name else None
    return None


def _live_notes(known: KnownJob) -> Mapping[str, tuple[Note, ...]]:
    found = {}
    for stem, messages in known.messages.items():
        collector = NoteCollector()
        for seconds, message in messages:
            collector.add(seconds, message)
        found[stem] = tuple(note for _, note in collector.notes(known.known_seconds))
    return found


def _file_notes(path: str) -> tuple[tuple[Note, ...], Music | None]:
    """The notes of a stem's MIDI file, and its tempo; none where it cannot be read."""
    with suppress(BridgeError):
        file = notes_of_file(Path(path))
        return tuple(note for notes in file.parts.values() for note in notes), file.music
    return (), None
