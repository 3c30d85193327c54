"""Everything that an opened job's screen shows, as a value; events and keys make the next one of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import msgspec

from bridge.events import Event, JobEvent, MidiEnded, MidiMoved, MidiReady, MidiStarted, MidiWaiting
from bridge.lifecycle import apply
from bridge.model import Chord, Job, MidiStatus, Music, Note
from bridge.music.bars import Beats
from bridge.protocols.hearing import HearingStatus
from bridge.protocols.reading import JobView, NotesView, StemView
from bridge.request import JobRequest
from bridge.stems import doubles, is_audio_only, label_of, notes_of

#: The span that the roll shows at first, and the least and the most that it may.
FIRST_SPAN_SECONDS, LEAST_SPAN_SECONDS, MOST_SPAN_SECONDS = 16.0, 1.0, 3600.0
#: Where in the window the play head stands after a page is turned, and where the next one is, as shares of its span.
AFTER_TURN, BEFORE_TURN = 0.08, 0.92
_NO_NOTES: Mapping[str, tuple[Note, ...]] = MappingProxyType({})


@dataclass(frozen=True)
class Remark:
    """A line for the user."""

    words: str = ""
    level: str = "info"
    """As in the log."""


@dataclass(frozen=True)
class JobState:
    """What the widgets show. Places and spans are in seconds from the clip's start."""

    job: Job
    request: JobRequest
    """With the settings that the notes are shown with."""
    before: tuple[JobRequest, ...] = ()
    """What `request` was before each change that is not taken back; the job's own first."""
    view: JobView | None = None
    """None until it is read."""
    edited: NotesView | None = None
    """The notes with the changed settings; None: those of the view."""
    is_reading: bool = False
    """Whether the notes with the present settings are still being read."""
    midi: MidiStatus = field(default_factory=MidiStatus)
    midi_seconds: Mapping[str, float] = field(default_factory=dict)
    """Where the MIDI ports are, by stem that plays."""
    armed: frozenset[str] = frozenset()
    """Stems that wait for the DAW's transport."""
    hearing: HearingStatus = field(default_factory=HearingStatus)
    is_heard: bool = False
    """Whether the output has this job's stems, playing or paused."""
    chosen: str = ""
    """The stem that the keys act on."""
    is_highlighted: bool = False
    """Whether the chosen stem stands out in the roll."""
    solo: frozenset[str] = frozenset()
    muted: frozenset[str] = frozenset()
    as_notes: frozenset[str] = frozenset()
    """Stems of which the notes are heard, not the audio."""
    slider: int | None = None
    """The place of the slider that ←→ move."""
    place_seconds: float = 0.0
    """Where hearing begins, and the play head while nothing plays."""
    start_seconds: float = 0.0
    """The left edge of the roll."""
    span_seconds: float = FIRST_SPAN_SECONDS
    follows: bool = True
    """Whether the roll turns its pages with the play head."""
    told: Remark = Remark()

    @property
    def stems(self) -> tuple[StemView, ...]:
        """By the view; before it is read, by the files of the job."""
        if self.view is not None:
            return self.view.stems
        return tuple(StemView(stem=name) for name in dict.fromkeys(r.name for r in self.job.results if r.is_part))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(stem.stem for stem in self.stems)

    @property
    def highlighted(self) -> str:
        """The stem whose notes stand out in the roll; empty: all are alike."""
        stem = notes_of(self.chosen) if self.is_highlighted and self.chosen else ""
        return stem if stem in self.names else ""

    @property
    def seconds(self) -> float:
        """Length of the clip; 0 if unknown."""
        if self.view is not None and self.view.seconds > 0:
            return self.view.seconds
        return max((result.seconds for result in self.job.results), default=0.0)

    @property
    def music(self) -> Music | None:
        if self.edited is not None:
            return self.edited.music
        return self.job.music if self.view is None or self.view.music is None else self.view.music

    @property
    def chords(self) -> tuple[Chord, ...]:
        if self.edited is not None:
            return self.edited.chords
        return () if self.view is None else self.view.chords

    @property
    def parts(self) -> Mapping[str, tuple[Note, ...]]:
        """The notes of each stem, as they are shown and heard."""
        if self.edited is not None:
            return self.edited.parts
        return _NO_NOTES if self.view is None else {stem.stem: stem.notes for stem in self.view.stems}

    @property
    def audible(self) -> tuple[str, ...]:
        """Stems that solo and mute let through, in order."""
        return tuple(name for name in self.names if (name in self.solo if self.solo else name not in self.muted))

    @property
    def is_edited(self) -> bool:
        return bool(self.before)

    @property
    def play_seconds(self) -> float:
        """Where the play head stands: at what is heard, else at what the ports play, else at the place."""
        if self.is_heard and self.hearing.is_playing:
            return self.hearing.seconds
        return max(self.midi_seconds.values(), default=self.place_seconds)

    @property
    def is_moving(self) -> bool:
        """Whether the play head moves."""
        return bool(self.midi_seconds) or (self.is_heard and self.hearing.is_playing)

    @property
    def end_seconds(self) -> float:
        """The right edge of the roll."""
        return self.start_seconds + self.span_seconds


def fresh(job: Job, midi: MidiStatus, playing: Iterable[str] = (), armed: Iterable[str] = ()) -> JobState:
    """A job's screen before anything of its music is read."""
    moving = dict.fromkeys(playing, 0.0)
    return JobState(job=job, request=job.request, midi=midi, midi_seconds=moving, armed=frozenset(armed))


# What the bridge and the output tell


def after_event(state: JobState, event: Event) -> JobState:
    """The state after an event; those of other jobs change nothing."""
    if isinstance(event, MidiReady):
        return replace(state, midi=event.status, midi_seconds={}, armed=frozenset())
    if getattr(event, "job", None) != state.job.id:
        return state
    match event:
        case MidiWaiting(stem=stem):
            return replace(state, armed=state.armed | {stem})
        case MidiStarted(stem=stem):
            return replace(state, midi_seconds={**state.midi_seconds, stem: 0.0}, armed=state.armed - {stem})
        case MidiMoved(stem=stem, seconds=seconds):
            moved = replace(state, midi_seconds={**state.midi_seconds, stem: seconds}, armed=state.armed - {stem})
            return _turned(moved)
        case MidiEnded(stem=stem):
            left = {name: seconds for name, seconds in state.midi_seconds.items() if name != stem}
            return replace(state, midi_seconds=left, armed=state.armed - {stem})
    return replace(state, job=apply(state.job, event)) if isinstance(event, JobEvent) else state


def after_hearing(state: JobState, status: HearingStatus) -> JobState:
    """The state once the output has told of itself; where it stops, the place stays.

    What the output had told before is taken back when it is well again.
    """
    place = status.seconds if state.is_heard and status.device else state.place_seconds
    told = Remark() if state.told.words == state.hearing.message else state.told
    told = Remark(status.message, "warning") if status.message else told
    return _turned(replace(state, hearing=status, place_seconds=place, told=told))


def with_view(state: JobState, view: JobView) -> JobState:
    """The music is read, or has grown. What would double other stems comes in muted."""
    names = [stem.stem for stem in view.stems]
    chosen = state.chosen if state.chosen in names else next(iter(names), "")
    known = () if state.view is None else (stem.stem for stem in state.view.stems)
    return replace(state, view=view, chosen=chosen, muted=state.muted | (doubles(names) - doubles(known)))


def with_audio_beside(view: JobView, beside: Mapping[str, StemView]) -> JobView:
    """The view of a job that wrote only notes, with the audio of the job that it follows."""

    def with_audio(stem: StemView) -> StemView:
        other = beside.get(stem.stem)
        if other is None or stem.audio:
            return stem
        return msgspec.structs.replace(stem, audio=other.audio, peaks=stem.peaks or other.peaks)

    return msgspec.structs.replace(view, stems=tuple(map(with_audio, view.stems)))


def with_notes(
    state: JobState, notes: NotesView, start_seconds: float = 0.0, end_seconds: float = math.inf
) -> JobState:
    """The notes of a span are read anew; outside of it they stay."""
    is_whole = (start_seconds <= 0 and end_seconds >= state.seconds > 0) or end_seconds == math.inf
    if not is_whole:
        parts = {
            name: _spliced(state.parts.get(name, ()), new, start_seconds, end_seconds)
            for name, new in notes.parts.items()
        }
        notes = NotesView(parts={**state.parts, **parts}, music=notes.music, chords=notes.chords or state.chords)
    return replace(state, edited=notes, is_reading=not is_whole)


def _spliced(old: tuple[Note, ...], new: tuple[Note, ...], start: float, end: float) -> tuple[Note, ...]:
    before = (note for note in old if note.offset_seconds <= start)
    after = (note for note in old if note.onset_seconds >= end)
    return (*before, *new, *after)


# What the keys do


def choose(state: JobState, steps: int) -> JobState:
    """Another stem is chosen, and stands out."""
    if not state.names:
        return state
    place = state.names.index(state.chosen) + steps if state.chosen in state.names else 0
    return replace(state, chosen=state.names[max(0, min(place, len(state.names) - 1))], is_highlighted=True)


def heard_as_notes(state: JobState) -> JobState:
    """The chosen stem is heard as notes, or as audio again; one without notes says so."""
    if is_audio_only(state.chosen):
        words = f"No notes are read from {label_of(state.chosen)}: it is always heard as audio."
        return replace(state, told=Remark(words, "warning"))
    return replace(state, as_notes=toggled(state.as_notes, state.chosen))


def with_request(state: JobState, request: JobRequest) -> JobState:
    """A setting is changed; nothing is read yet."""
    if request == state.request:
        return state
    return replace(state, before=(*state.before, state.request), request=request, is_reading=True, told=Remark())


def taken_back(state: JobState, *, all_of_it: bool = False) -> JobState:
    """The last change is undone, or every one: then the notes of the job's own files are shown."""
    if not state.before:
        return state
    before = () if all_of_it else state.before[:-1]
    request = state.before[len(before)]
    if not before:
        return replace(state, before=(), request=request, edited=None, is_reading=False, told=Remark())
    return replace(state, before=before, request=request, is_reading=True)


def toggled(names: frozenset[str], name: str) -> frozenset[str]:
    return names ^ {name}


def zoomed(state: JobState, factor: float) -> JobState:
    """The span is `factor` times as long; what stands at the play head, or in the middle, stays there."""
    most = max(LEAST_SPAN_SECONDS, min(MOST_SPAN_SECONDS, state.seconds or FIRST_SPAN_SECONDS))
    span = max(LEAST_SPAN_SECONDS, min(state.span_seconds * factor, max(most, LEAST_SPAN_SECONDS)))
    head = state.play_seconds
    fixed = head if state.start_seconds <= head < state.end_seconds else state.start_seconds + state.span_seconds / 2
    share = (fixed - state.start_seconds) / state.span_seconds
    return _within(replace(state, span_seconds=span, start_seconds=fixed - share * span))


def scrolled(state: JobState, share: float) -> JobState:
    """The roll shows what lies so many spans further; it follows the play head no longer."""
    start = state.start_seconds + share * state.span_seconds
    return replace(_within(replace(state, start_seconds=start)), follows=False)


def placed(state: JobState, seconds: float) -> JobState:
    """The play head is put there, and the roll shows it."""
    seconds = max(0.0, min(seconds, state.seconds))
    moved = replace(state, place_seconds=seconds, follows=True)
    if not state.start_seconds <= seconds < state.end_seconds:
        moved = replace(moved, start_seconds=seconds - AFTER_TURN * state.span_seconds)
    return _within(moved)


def beat_beside(state: JobState, steps: int) -> float:
    """The time of the beat before (−1) or after (1) the play head; without beats a second further."""
    if state.music is None:
        return state.play_seconds + steps
    here, beats = state.play_seconds, Beats(state.music)
    reach = 4 * 60 / state.music.tempo_bpm * abs(steps) * 2
    near = [beat.seconds for beat in beats.between(here - reach, here + reach)]
    if steps > 0:
        return next((seconds for seconds in near if seconds > here + 0.01), here + 1)
    return next((seconds for seconds in reversed(near) if seconds < here - 0.01), here - 1)


def _turned(state: JobState) -> JobState:
    """The page is turned when the play head is about to leave the roll."""
    if not state.follows or not state.is_moving:
        return state
    share = (state.play_seconds - state.start_seconds) / state.span_seconds
    is_last_page = state.end_seconds >= state.seconds
    if 0 <= share < BEFORE_TURN or (is_last_page and 0 <= share <= 1):
        return state
    return _within(replace(state, start_seconds=state.play_seconds - AFTER_TURN * state.span_seconds))


def _within(state: JobState) -> JobState:
    """The window does not leave the clip."""
    last = max(0.0, state.seconds - state.span_seconds)
    return replace(state, start_seconds=max(0.0, min(state.start_seconds, last)))
