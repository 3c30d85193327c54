"""The story of one job: read the region, take it apart, listen to the stems, write what was found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bridge.audio.sink import check_holds, subtype_for
from bridge.audio.source import FoundRegion, Region
from bridge.events import Analysed, JobEvent, Started
from bridge.model import STEMS, TOGETHER, JobRequest, Result, Warning
from bridge.options import NOTE_LISTS
from bridge.pipeline.cache import Entry, OpenEntry
from bridge.pipeline.cache_key import Keys, cache_keys
from bridge.pipeline.channels import stems_of
from bridge.pipeline.finding import find_source, wanted_folder
from bridge.pipeline.folder import OutputFolder
from bridge.pipeline.listening import Ear
from bridge.pipeline.manifest import EngineRecord
from bridge.pipeline.pieces import Piece, note_pieces, picture_of, result_file
from bridge.pipeline.progress import JobProgress
from bridge.pipeline.reading import Reading, known_music, read_notes
from bridge.pipeline.recall import folder_of, is_unchanged, put, state_of, stem_pieces
from bridge.pipeline.record import JobRecord, source_record
from bridge.pipeline.remarks import remarks
from bridge.pipeline.stems import bytes_needed, chosen_stems, made_stems, write_stems
from bridge.pipeline.workshop import JobControl, PartControl, Workshop
from bridge.project_paths import numbered, result_name
from bridge.protocols import Separator, Signal

#: What turning one second of one stem into notes takes on a small machine; only for guesses of the time left.
TRANSCRIBING_SECONDS_PER_SECOND = 0.03


def run_job(
    job: str, request: JobRequest, workshop: Workshop, emit: Callable[[JobEvent], None], cancelled: threading.Event
) -> None:
    """Does one job and emits all its events but the first and the last.

    Raises:
        BridgeError: it failed; the files that were announced stay, nothing else does.
        Cancelled: `cancelled` was set.
    """
    _JobRun(job, request, workshop, emit, cancelled).run()


@dataclass(frozen=True)
class _Plan:
    """What a job comes down to once its engine is open."""

    separator: Separator | None
    """None: the file itself is the one stem."""
    engine: EngineRecord
    stems: tuple[str, ...]
    """Those that are written."""
    midi: tuple[str, ...]
    """Those that are turned into notes."""
    keys: Keys
    ear: Ear


class _JobRun:
    def __init__(
        self,
        job: str,
        request: JobRequest,
        workshop: Workshop,
        emit: Callable[[JobEvent], None],
        cancelled: threading.Event,
    ) -> None:
        self.job = job
        self.request = request
        self.workshop = workshop
        self.source = Path(request.source)
        self.name = result_name(self.source, request.name)
        self.record = JobRecord(job, self.name, request, workshop.clock, emit)
        self.progress = JobProgress(job, workshop.clock, self.record.tell)
        self.control = JobControl(job, self.progress, self.record.tell, cancelled)

    def run(self) -> None:
        self.progress.enter("loading")
        self.control.checkpoint(0.0)
        found = self._find()
        folder = self._claim_folder()
        try:
            folder.check_space(found.scratch_bytes())
            with found.open(folder.scratch("source"), self.control) as region:
                self._tell_mended(region)
                state, source = state_of(self.source), source_record(self.source, region)
                plan = self._plan(region, folder)
                warned_before = len(self.record.warnings)
                is_described, is_fresh, reading = self._make(region, folder, plan)
            of_stems = tuple(self.record.warnings[warned_before:])
            for warning in () if reading is None else remarks(reading, self.request):
                self.control.warn(warning)
            if not is_described:
                self.record.write(folder, source, plan.engine, plan.keys.job)
            if self.workshop.cache is not None and state == state_of(self.source):
                if is_fresh and plan.stems:
                    self.record.keep_stems(self.workshop.cache, plan.keys.stems, plan.engine, of_stems)
                plan.ear.keep(self.name, plan.engine)
        finally:
            folder.tidy()

    def _find(self) -> FoundRegion:
        return find_source(self.request, max_seconds=self.workshop.max_seconds, roots=self.workshop.roots)

    def _tell_mended(self, region: Region) -> None:
        if region.mended_samples:
            message = f"{region.mended_samples} samples were no numbers (NaN); they are silent now."
            self.control.warn(Warning(code="bad_samples", message=message))

    def _claim_folder(self) -> OutputFolder:
        wanted = wanted_folder(self.request)
        given = self.request.out is not None
        folder = OutputFolder.claim(self.job, wanted, given=given, files=self._possible_files())
        engine = self.request.engine if self.request.transcribe_as is None else ""
        self._started(folder, engine, "")
        return folder

    def _possible_files(self) -> list[str]:
        endings = (self.request.format, "wav", "mid", *(f"notes.{kind}" for kind in NOTE_LISTS))
        stems = (*STEMS, TOGETHER)
        files = [result_file(self.name, stem, ending) for stem in stems for ending in endings]
        return [*files, f"{self.name}.svg", f"{self.name}.sab.json"]

    def _plan(self, region: Region, folder: OutputFolder) -> _Plan:
        request, transcribers = self.request, self.workshop.transcribers
        separator: Separator | None = None
        if request.transcribe_as is not None:
            engine = EngineRecord(name="", device="", weights="")
            stems: tuple[str, ...] = ()
            midi: tuple[str, ...] = (request.transcribe_as,)
        else:
            if request.stems != ():
                subtype = subtype_for(request.format, request.depth, region.subtype)
                check_holds(request.format, subtype, region.audio.channels, region.audio.sample_rate_hz)
            separator = self.workshop.engines.open(
                request.engine, device=request.device, control=self.control, seconds=region.seconds
            )
            self._started(folder, separator.name, separator.device)
            stems, midi = chosen_stems(request, separator)
            engine = EngineRecord(name=separator.name, device=separator.device, weights=separator.identity())
        cache = self.workshop.cache
        keys = Keys(job="", stems="", sound="")
        if cache is not None:
            keys = cache_keys(region, request, stems, midi, separator, engine, self.control)
        return _Plan(separator, engine, stems, midi, keys, Ear(transcribers, cache, keys))

    def _make(self, region: Region, folder: OutputFolder, plan: _Plan) -> tuple[bool, bool, Reading | None]:
        """Makes all files but the manifest.

        Returns:
            Whether there is a manifest of before, whether the stems are new, and the notes.
        """
        with self._kept(plan) as cached:
            if plan.separator is not None and cached is None:
                heard = self._separate(plan.separator, region, folder, plan)
            elif plan.separator is not None:
                self.progress.enter("separating")
                for warning in cached.entry.warnings if cached else ():
                    self.control.warn(warning)
                heard = self._listen({}, plan)
            else:
                heard = self._listen(dict.fromkeys(plan.midi, region.signal), plan)
            reading = self._read(heard, region, plan)
            notes = [] if reading is None else [*note_pieces(reading, self.request, self.name)]
            stems = [] if cached is None else [*stem_pieces(cached, region, self.request, self.name)]
            is_fresh = plan.separator is not None and cached is None
            before = None
            if plan.keys.job and not is_fresh:
                before = folder_of(self.job, wanted_folder(self.request), self.name, plan.keys.job, [*stems, *notes])
            if before is not None:
                folder = before
                self._started(folder, plan.engine.name, plan.engine.device)
            elif cached is not None:
                folder.check_space(cached.entry.total_bytes)
            self.progress.enter("writing")
            self._put(stems, folder)
            if reading is not None:
                self.record.tell(Analysed(job=self.job, music=reading.music))
            self._put(notes, folder)
        if reading is not None and self.request.picture:
            self._hang(picture_of(reading, self.name), Path(self.request.picture), reading)
        return before is not None, is_fresh, reading

    @contextmanager
    def _kept(self, plan: _Plan) -> Iterator[OpenEntry | None]:
        """The job's stems from the cache, where what is heard in them is known too; none, where none are written."""
        cache = self.workshop.cache
        if cache is None or plan.separator is None or any(plan.ear.remembers(stem) is None for stem in plan.midi):
            yield None
            return
        if not plan.stems:
            yield OpenEntry(Entry(key=plan.keys.stems, name=self.name, engine=plan.engine), {})
            return
        with cache.opened(plan.keys.stems) as cached:
            yield cached

    def _separate(self, separator: Separator, region: Region, folder: OutputFolder, plan: _Plan) -> dict[str, bytes]:
        """Writes the stems; returns what is heard in those that become notes."""
        needed = [stem for stem in stems_of(separator) if stem in plan.stems or stem in plan.midi]
        folder.check_space(bytes_needed(region, made=len(needed), written=len(plan.stems)))
        later = region.seconds * len(plan.midi) * TRANSCRIBING_SECONDS_PER_SECOND
        self.progress.enter("separating", later)
        with made_stems(separator, region, needed, folder, self.control) as made:
            chosen = {stem: made[stem] for stem in plan.stems}
            for result in write_stems(chosen, region, self.name, self.request, folder, self.control):
                self.record.produced(result)
            return self._listen({stem: made[stem].signal() for stem in plan.midi}, plan)

    def _listen(self, sounds: Mapping[str, Signal], plan: _Plan) -> dict[str, bytes]:
        """What is heard in the stems; of those without a sound, what was heard before."""
        self.progress.enter("transcribing")
        heard: dict[str, bytes] = {}
        for index, stem in enumerate(plan.midi):
            control = PartControl(self.control, index, len(plan.midi) + 1)
            known = plan.ear.listen(sounds[stem], stem, control) if stem in sounds else plan.ear.remembers(stem)
            assert known is not None, "the cache is only used where it holds everything"
            heard[stem] = known
            self.record.transcribers[stem] = self.workshop.transcribers.for_stem(stem).name
        return heard

    def _read(self, heard: Mapping[str, bytes], region: Region, plan: _Plan) -> Reading | None:
        """The notes, at the tempo that was given or is heard; None where none are wanted."""
        if not plan.midi:
            return None
        control = PartControl(self.control, len(plan.midi), len(plan.midi) + 1)
        music = known_music(self.request, lambda: plan.ear.tempo(region.signal, control))
        reading = read_notes(heard, self.workshop.transcribers, self.request, music, region.seconds)
        self.record.music = reading.music
        return reading

    def _put(self, pieces: Sequence[Piece], folder: OutputFolder) -> None:
        for piece in pieces:
            self.control.checkpoint(1.0)
            put(piece, folder)
            self.record.produced(_placed(piece, folder.path))

    def _hang(self, picture: bytes, wanted: Path, reading: Reading) -> None:
        """Writes the picture where somebody wants it, or beside: `notes.svg`, `notes 2.svg` …"""
        for candidate in numbered(wanted.with_suffix("")):
            path = candidate.with_name(f"{candidate.name}.svg")
            result = Result(kind="picture", name=TOGETHER, path=path.name, seconds=reading.seconds)
            piece = Piece(result, lambda: iter((picture,)))
            if not path.exists() or is_unchanged(path, piece):
                put(piece, OutputFolder(self.job, path.parent, ()))
                self.record.produced(_placed(piece, path.parent))
                return

    def _started(self, folder: OutputFolder, engine: str, device: str) -> None:
        self.record.tell(Started(job=self.job, engine=engine, device=device, output_dir=str(folder.path)))


def _placed(piece: Piece, folder: Path) -> Result:
    return msgspec.structs.replace(piece.result, path=str(folder / piece.result.path))
