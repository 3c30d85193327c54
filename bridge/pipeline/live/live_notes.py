"""What can be played of a job that still works: its stems' notes as they become final, as MIDI messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from bridge.audio.resample import mono, reach_frames, resampled
from bridge.audio.scratch import Scratch
from bridge.control import StoppableControl
from bridge.errors import Cancelled
from bridge.events import LiveNotes, Preview
from bridge.model import Music, Note
from bridge.music.key import estimate_key
from bridge.music.metre import Metre
from bridge.music.quantise import quantised
from bridge.music.scale import in_scale, parse_scale
from bridge.pipeline.live.growing import GrowingSignal
from bridge.pipeline.notes import known_music, settings_for
from bridge.pipeline.steps.opening import OpenJob
from bridge.protocols import NoteStream, Signal
from bridge.request import GRIDS, NOW, Scale
from bridge.smf.live_messages import LiveMessages
from bridge.stems import stem_of
from bridge.units import DEFAULT_TEMPO_BPM

log = logging.getLogger(__name__)

#: A clip that needs no separation is read in pieces of this length.
PIECE_SECONDS = 8.0
BROKEN = "The notes cannot be played live; they will be in the files."


@dataclass
class _Part:
    """One stem of the take."""

    stream: NoteStream[object]
    reach_seconds: float
    """How much audio beyond what it reads its conversion needs."""
    messages: LiveMessages


class LiveReading:
    """Reads the notes of a job while its stems grow, and sends them. Its failure is the take's, never the job's."""

    def __init__(self, job: OpenJob) -> None:
        self._job = job
        self._control = StoppableControl(job.control.stopped)
        self._parts: dict[str, _Part] = {}
        self._heard_seconds = 0.0
        self._is_broken = False
        self._previews: tuple[Preview, ...] = ()
        """Those that were not told of yet."""
        self._music = Music(tempo_bpm=DEFAULT_TEMPO_BPM, tempo_source="default")
        self._scale: Scale | None = None
        fit = job.request.scale
        if fit is not None and isinstance(fit.scale, Scale):
            self._scale = fit.scale

    def begin(self) -> None:
        """Tells which stems will be heard, before the work on them begins, so that its speed can be judged."""

        def tell() -> None:
            self._music = self._known_music()
            self._send(dict.fromkeys(self._job.midi, ()), 0.0)

        self._attempt(tell)

    def grow(self, stems: Mapping[str, Scratch]) -> None:
        """Reads what has been appended to the stems' scratch files."""

        def read() -> None:
            region = self._job.region
            if not self._parts:
                self._previews = tuple(_previews_of(stems, region.audio))
                self._open({
                    stem: GrowingSignal(stems[stem], region.frames, region.audio.channels, region.audio.sample_rate_hz)
                    for stem in self._job.midi
                })  # fmt: skip
            self._read_up_to(min(scratch.frames for scratch in stems.values()))

        self._attempt(read)

    def read(self, clip: Mapping[str, Signal]) -> None:
        """Reads stems that are there already, piece by piece."""

        def read() -> None:
            frames, rate = self._job.region.frames, self._job.region.audio.sample_rate_hz
            self._open(clip)
            for known in (*range(round(PIECE_SECONDS * rate), frames, round(PIECE_SECONDS * rate)), frames):
                self._read_up_to(known)
                self._job.control.checkpoint(known / frames)

        self.begin()
        self._attempt(read)

    def _attempt(self, work: Callable[[], None]) -> None:
        """The files do not depend on a take. What fails here fails again where its file is made, and is told then."""
        if self._is_broken:
            return
        try:
            work()
        except Cancelled:
            raise
        except Exception:
            log.warning("the live notes of job %s failed", self._job.id, exc_info=True)
            self._is_broken = True
            self._send({}, 0.0, failure=BROKEN)

    def _open(self, audio: Mapping[str, Signal]) -> None:
        job = self._job
        for stem, signal in audio.items():
            transcriber = job.context.transcribers.for_stem(stem)
            heard = resampled(mono(signal), transcriber.sample_rate_hz)
            rate = signal.sample_rate_hz
            self._parts[stem] = _Part(
                transcriber.stream(heard, stem, settings_for(job.request, stem), self._control, job.region.signal),
                reach_frames(rate, transcriber.sample_rate_hz, rate) / rate,
                LiveMessages(stem, self._music.tempo_bpm, job.request.note_files.bends),
            )

    def _known_music(self) -> Music:
        """Tempo and metre: given, or of the whole clip where the notes depend on them."""
        job, request = self._job, self._job.request
        depends = request.quantise is not None or request.play.sync != NOW
        if request.song.tempo_bpm is None and not depends:
            request = msgspec.structs.replace(
                request, song=msgspec.structs.replace(request.song, tempo=DEFAULT_TEMPO_BPM, beat=None)
            )
        elif request.song.follows_beats:
            request = msgspec.structs.replace(request, song=msgspec.structs.replace(request.song, tempo=None))
        return known_music(
            request,
            lambda: job.analyses.tempo(job.region.signal, self._control),
            lambda: job.analyses.followed(job.region.signal, None, self._control),
        )

    def _read_up_to(self, frames: int) -> None:
        job, region = self._job, self._job.region
        seconds, is_last = frames / region.audio.sample_rate_hz, frames >= region.frames
        self._heard_seconds = seconds
        found: dict[str, list[Note]] = {}
        until = region.seconds
        for stem, part in self._parts.items():
            notes, known = part.stream.advance(seconds if is_last else max(0.0, seconds - part.reach_seconds))
            found[stem], until = list(notes), min(until, known)
        if not is_last and job.request.quantise is not None:  # a note may move earlier, up to a step
            until -= GRIDS[job.request.quantise.grid] * 60 / self._music.tempo_bpm
        self._find_scale(found)
        messages = {
            stem: tuple(part.messages.up_to(self._fitted(stem, found[stem]), max(until, 0.0), is_last=is_last))
            for stem, part in self._parts.items()
        }
        if until > 0 or is_last:
            self._send(messages, until, is_last=is_last)
        if is_last:
            while self._parts:  # one after another, so that an hour's analyses do not all lie there twice
                stem, part = self._parts.popitem()
                analysis = part.stream.analysis()
                if analysis is not None:
                    job.analyses.keep(stem, analysis)

    def _find_scale(self, found: Mapping[str, list[Note]]) -> None:
        """The scale of the key of the first notes, kept for the take, where the request asks for the clip's own."""
        if self._scale is not None or self._job.request.scale is None:
            return
        key = estimate_key(note for stem, notes in found.items() if stem_of(stem).is_pitched for note in notes)
        if key is not None:
            self._scale = parse_scale(key.name)

    def _fitted(self, stem: str, notes: list[Note]) -> list[Note]:
        """The notes as the request wants them, each by itself, so that it never changes."""
        request = self._job.request
        if request.scale is not None and self._scale is not None and stem_of(stem).is_pitched:
            notes = in_scale(notes, self._scale, request.scale.outside)
        if request.quantise is None:
            return notes
        metre = Metre.of(self._music.time_signature)
        return [
            moved
            for note in notes
            for moved in quantised(
                [note], request.quantise, self._music.tempo_bpm, self._music.first_beat_seconds,
                clip_seconds=self._job.region.seconds, metre=metre,
            )
        ]  # fmt: skip

    def _send(
        self,
        parts: Mapping[str, tuple[tuple[float, bytes], ...]],
        until_seconds: float,
        *,
        is_last: bool = False,
        failure: str = "",
    ) -> None:
        self._job.log.pass_on(
            LiveNotes(
                job=self._job.id,
                parts=dict(parts),
                until_seconds=max(until_seconds, 0.0),
                heard_seconds=self._heard_seconds,
                clip_seconds=self._job.region.seconds,
                tempo_bpm=self._music.tempo_bpm,
                previews=self._previews,
                is_last=is_last,
                failure=failure,
            )
        )
        self._previews = ()


def _previews_of(stems: Mapping[str, Scratch], audio: Signal) -> Iterator[Preview]:
    """Those of the stems that others can read."""
    for stem, scratch in stems.items():
        if scratch.path is not None:
            path, rate, channels = str(scratch.path), audio.sample_rate_hz, audio.channels
            yield Preview(stem=stem, path=path, sample_rate_hz=rate, channels=channels)
