"""The story of one job: read the region, take it apart, listen to the stems, write what was found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bridge.audio.sink import check_holds, subtype_for
from bridge.audio.source import FoundRegion, Region
from bridge.control import PartControl
from bridge.errors import Cancelled
from bridge.events import Analysed, JobEvent, Started
from bridge.model import STEMS, TOGETHER, JobRequest, Outcome, Result, Warning
from bridge.options.table import NOTE_LISTS
from bridge.pipeline import unfinished
from bridge.pipeline.cache.analyses import AnalysisCache
from bridge.pipeline.cache.keys import Keys, cache_keys
from bridge.pipeline.cache.restore import folder_of, is_unchanged, size_and_time, stem_pieces, write_if_changed
from bridge.pipeline.cache.store import LARGEST_MADE_BYTES, Entry, OpenEntry
from bridge.pipeline.channels import separated, stems_of
from bridge.pipeline.context import JobControl, WorkerContext
from bridge.pipeline.job_log import JobRecord, source_record
from bridge.pipeline.manifest import EngineRecord
from bridge.pipeline.note_warnings import note_warnings
from bridge.pipeline.notes import NotesOfJob, known_music, read_notes
from bridge.pipeline.output_files import OutputFile, note_pieces, picture_of, result_file
from bridge.pipeline.output_folder import OutputFolder
from bridge.pipeline.progress import JobProgress
from bridge.pipeline.source_lookup import find_source, wanted_folder
from bridge.pipeline.stems import blocks_of, bytes_needed, chosen_stems, made_stems, write_stems
from bridge.project_paths import numbered, result_name
from bridge.protocols import Separator, Signal

if TYPE_CHECKING:
    from bridge.protocols import StemBlock

#: The part of finding the notes in which what was heard is read, and the tempo found.
READING = "reading"


def run_job(
    job: str, request: JobRequest, workshop: WorkerContext, emit: Callable[[JobEvent], None], cancelled: threading.Event
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
    ear: AnalysisCache

    @property
    def needed(self) -> list[str]:
        """The stems that the engine has to make."""
        available = () if self.separator is None else stems_of(self.separator)
        return [stem for stem in available if stem in self.stems or stem in self.midi]


class _JobRun:
    def __init__(
        self,
        job: str,
        request: JobRequest,
        workshop: WorkerContext,
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
        self.has_left_word = False
        self.parts: dict[str, float] = {}
        """What finding the notes consists of, and about how many seconds each part takes."""
        self.stem_warnings: tuple[Warning, ...] | None = None
        """What there was to say of the stems, once they all have been written and not come from the cache."""

    def run(self) -> None:
        self.progress.enter("loading")
        self.control.checkpoint(0.0)
        found = self._find()
        self.target = folder = self._claim_folder()
        try:
            folder.check_space(found.scratch_bytes())
            with found.open(folder.scratch("source"), self.control) as region:
                self._tell_mended(region)
                state, source = size_and_time(self.source), source_record(self.source, region)
                plan = self._plan(region, folder)

                def remember() -> None:
                    if state == size_and_time(self.source):  # else nobody knows what was heard
                        self._remember(plan)

                with self._leaving_word(plan, remember):
                    is_described, reading = self._make(region, folder, plan)
                    for warning in () if reading is None else note_warnings(reading, self.request):
                        self.control.warn(warning)
                    if not is_described:
                        self.record.write(self.target, source, plan.engine, plan.keys.job)
            unfinished.settle_unfinished(self.target.path, self.name)
            remember()
            if self.workshop.cache is not None:
                self.workshop.cache.forget(map(plan.keys.made, plan.needed))
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
        keys = cache_keys(region, request, stems, midi, separator, engine, self.control)
        return _Plan(separator, engine, stems, midi, keys, AnalysisCache(transcribers, cache, keys))

    def _make(self, region: Region, folder: OutputFolder, plan: _Plan) -> tuple[bool, NotesOfJob | None]:
        """Makes all files but the manifest; returns whether there is one of before, and the notes."""
        wanted, possible = wanted_folder(self.request), self._possible_files()
        if (left := unfinished.find_unfinished(self.job, wanted, self.name, plan.keys.job, possible)) is not None:
            self._go_to(left, plan)
        with self._kept(plan) as cached:
            if plan.separator is not None and cached is None:
                heard = self._separate(plan.separator, region, folder, plan)
            elif plan.separator is not None:
                self._expect(plan, region)
                self.progress.enter("separating")
                for warning in cached.entry.warnings if cached else ():
                    self.control.warn(warning)
                heard = self._listen({}, region, plan)
            else:
                self._expect(plan, region)
                heard = self._listen(dict.fromkeys(plan.midi, region.signal), region, plan)
            reading = self._read(heard, region, plan)
            notes = [] if reading is None else [*note_pieces(reading, self.request, self.name)]
            stems = [] if cached is None else [*stem_pieces(cached, region, self.request, self.name)]
            before = None
            if self.workshop.cache is not None and self.stem_warnings is None:
                before = folder_of(self.job, wanted, self.name, plan.keys.job, [*stems, *notes])
            if before is not None:
                self._go_to(before, plan)
            elif cached is not None:
                self.target.check_space(cached.entry.total_bytes)
            self.progress.enter("writing")
            began = self.workshop.clock.monotonic_seconds()
            self._put(stems, self.target)
            if reading is not None:
                self.record.tell(Analysed(job=self.job, music=reading.music))
            self._put(notes, self.target)
            self.workshop.paces.note("writing", began, region.seconds)
        if reading is not None and self.request.picture:
            self._hang(picture_of(reading, self.name), Path(self.request.picture), reading)
        return before is not None, reading

    @contextmanager
    def _leaving_word(self, plan: _Plan, remember: Callable[[], None]) -> Iterator[None]:
        """Where the job ends before its end, says so beside its complete files, and keeps what it has for another."""
        try:
            yield
        except Exception as error:
            self._leave_word(plan, error)
            remember()
            raise

    def _leave_word(self, plan: _Plan, error: Exception) -> None:
        """Before anything else, since whoever ends the bridge does not wait for long."""
        if not self.has_left_word:
            self.has_left_word = True
            state: Outcome = "cancelled" if isinstance(error, Cancelled) else "failed"
            with suppress(OSError):
                results, key = self.record.results, plan.keys.job
                unfinished.leave_unfinished(self.target.path, self.job, state, self.name, self.request, results, key)

    def _remember(self, plan: _Plan) -> None:
        """Puts into the cache what was made and heard."""
        if self.workshop.cache is not None:
            is_soon_done = not self.has_left_word or self.record.stem_bytes() <= LARGEST_MADE_BYTES
            if self.stem_warnings is not None and plan.stems and is_soon_done:
                with suppress(OSError):  # one was taken away in the meantime
                    self.record.keep_stems(self.workshop.cache, plan.keys.stems, plan.engine, self.stem_warnings)
            plan.ear.keep(self.name, plan.engine)

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
        folder.check_space(bytes_needed(region, made=len(plan.needed), written=len(plan.stems)))
        work = f"separating {separator.name} {separator.device}"
        warned_before = len(self.record.warnings)
        with self._made_before(region, plan) as before:
            self._expect(plan, region, separating=work if before is None else None)
            self.progress.enter("separating")
            began = self.workshop.clock.monotonic_seconds()
            start, stop = region.start_frame, region.stop_frame
            blocks = before or separated(separator, region.audio, plan.needed, self.control, start=start, stop=stop)
            with made_stems(blocks, region, plan.needed, folder) as made:
                try:
                    chosen = {stem: made[stem] for stem in plan.stems}
                    for result in write_stems(chosen, region, self.name, self.request, self.target, self.control):
                        self.record.produced(result)
                    self.stem_warnings = tuple(self.record.warnings[warned_before:])
                    if before is None:
                        self.workshop.paces.note(work, began, region.seconds)
                    return self._listen({stem: made[stem].signal() for stem in plan.midi}, region, plan)
                except Exception as error:
                    self._leave_word(plan, error)
                    if self.workshop.cache is not None:
                        kept = {plan.keys.made(stem): scratch.path for stem, scratch in made.items()}
                        self.workshop.cache.keep_made(self.name, plan.engine, kept)
                    raise

    @contextmanager
    def _made_before(self, region: Region, plan: _Plan) -> Iterator[Iterator[StemBlock] | None]:
        """The stems as they were made for a job that was not done with them; None where there are none."""
        cache = self.workshop.cache
        with nullcontext(None) if cache is None else cache.made([*map(plan.keys.made, plan.needed)]) as made:
            files = None if made is None else dict(zip(plan.needed, made, strict=True))
            yield None if files is None else blocks_of(files, region, self.control)

    def _expect(self, plan: _Plan, region: Region, *, separating: str | None = None) -> None:
        """Says what is to come and what that takes on this machine; `separating` names the work that makes stems."""
        paces, seconds = self.workshop.paces, region.seconds
        unheard = [stem for stem in plan.midi if plan.ear.remembers(stem) is None]
        self.parts = {stem: paces.seconds(plan.ear.work(stem), seconds) for stem in unheard}
        if plan.midi:
            self.parts[READING] = paces.seconds(self._reading_work, seconds)
        self.progress.expect(
            {
                "separating": 0.0 if separating is None else paces.seconds(separating, seconds),
                "transcribing": sum(self.parts.values()),
                "writing": paces.seconds("writing", seconds),
            }
        )

    def _part(self, name: str) -> PartControl:
        """The control for one part of finding the notes, which has a share of that stage as large as it takes."""
        names, total = list(self.parts), sum(self.parts.values()) or 1.0
        start = sum(self.parts[earlier] for earlier in names[: names.index(name)]) / total
        return PartControl(self.control, start, start + self.parts[name] / total)

    @property
    def _reading_work(self) -> str:
        return "reading notes" if self.request.tempo_bpm is not None else "reading tempo and notes"

    def _listen(self, sounds: Mapping[str, Signal], region: Region, plan: _Plan) -> dict[str, bytes]:
        """What is heard in the stems; of those without a sound, what was heard before."""
        self.progress.enter("transcribing")
        heard: dict[str, bytes] = {}
        for stem in plan.midi:
            if (known := plan.ear.remembers(stem)) is None:
                began = self.workshop.clock.monotonic_seconds()
                known = plan.ear.listen(sounds[stem], stem, self._part(stem))
                self.workshop.paces.note(plan.ear.work(stem), began, region.seconds)
            heard[stem] = known
            self.record.transcribers[stem] = self.workshop.transcribers.for_stem(stem).name
        return heard

    def _read(self, heard: Mapping[str, bytes], region: Region, plan: _Plan) -> NotesOfJob | None:
        """The notes, at the tempo that was given or is heard; None where none are wanted."""
        if not plan.midi:
            return None
        began = self.workshop.clock.monotonic_seconds()
        music = known_music(self.request, lambda: plan.ear.tempo(region.signal, self._part(READING)))
        reading = read_notes(heard, self.workshop.transcribers, self.request, music, region.seconds)
        self.record.music = reading.music
        self.workshop.paces.note(self._reading_work, began, region.seconds)
        return reading

    def _put(self, pieces: Sequence[OutputFile], folder: OutputFolder) -> None:
        for piece in pieces:
            self.control.checkpoint(1.0)
            write_if_changed(piece, folder)
            self.record.produced(_placed(piece, folder.path))

    def _hang(self, picture: bytes, wanted: Path, reading: NotesOfJob) -> None:
        """Writes the picture where somebody wants it, or beside: `notes.svg`, `notes 2.svg` …"""
        for candidate in numbered(wanted.with_suffix("")):
            path = candidate.with_name(f"{candidate.name}.svg")
            result = Result(kind="picture", name=TOGETHER, path=path.name, seconds=reading.seconds)
            piece = OutputFile(result, lambda: iter((picture,)))
            if not path.exists() or is_unchanged(path, piece):
                write_if_changed(piece, OutputFolder(self.job, path.parent, complete=(path.name,)))
                self.record.produced(_placed(piece, path.parent))
                return

    def _go_to(self, folder: OutputFolder, plan: _Plan) -> None:
        """From here on the job's files land in a folder of before."""
        self.target = folder
        self._started(folder, plan.engine.name, plan.engine.device)

    def _started(self, folder: OutputFolder, engine: str, device: str) -> None:
        self.record.tell(Started(job=self.job, engine=engine, device=device, output_dir=str(folder.path)))


def _placed(piece: OutputFile, folder: Path) -> Result:
    return msgspec.structs.replace(piece.result, path=str(folder / piece.result.path))
