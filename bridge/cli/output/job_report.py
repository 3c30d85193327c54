"""Reports a job while it runs and when it ends: on a terminal, in a log, or as JSON for a program."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from bridge.cli.output.console import BarReport, PlainConsole
from bridge.cli.output.terminal import write_json
from bridge.errors import BridgeError
from bridge.events import Analysed, Event, Produced, Progressed, Started, Warned
from bridge.model import Job, Music, Result, TempoCandidate
from bridge.music.metre import COMMON_TIME
from bridge.music.tempo.other_tempi import beat_of_start, other_tempi
from bridge.options.record import event_record
from bridge.score.words import music_words
from bridge.stems import AUDIO_STEMS
from bridge.units import clock_text
from bridge.wording import KIND_WORDS, STAGE_WORDS, sentence

#: The runners-up of a tempo that are named.
MOST_OTHERS = 3
_NAME_CELLS = max(map(len, AUDIO_STEMS))


class JobReport(Protocol):
    """Reports one job."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None: ...

    def conclude(self, job: Job) -> None:
        """The job has ended."""
        ...

    def refuse(self, error: BridgeError) -> None:
        """The job was rejected with this error, which the command prints on standard error as well."""
        ...


def report_for(*, json: bool) -> JobReport:
    """The report as text for people, or as JSON only."""
    return JsonReport() if json else TextReport.for_people()


def outcome_of(job: Job) -> dict[str, object]:
    """The job as the last JSON object."""
    outcome: dict[str, object] = {
        "job": job.id,
        "state": job.state,
        "engine": job.engine,
        "output_dir": job.output_dir,
        "seconds": round(job.took_seconds, 3),
        "warnings": [warning.message for warning in job.warnings],
        "stems": [_stem(result) for result in job.results if result.kind == "stem"],
        "midi": [_midi(result) for result in job.results if result.kind == "midi"],
        "notes": [_midi(result) for result in job.results if result.kind == "notes"],
        "pictures": [_midi(result) for result in job.results if result.kind == "picture"],
        "chords": [_midi(result) for result in job.results if result.kind == "chords"],
        "scores": [_midi(result) for result in job.results if result.kind == "score"],
        "dawprojects": [_midi(result) for result in job.results if result.kind == "dawproject"],
        "music": job.music,
    }
    if job.failure is not None:
        outcome["code"], outcome["message"] = job.failure.code, job.failure.message
    return outcome


def _stem(result: Result) -> dict[str, object]:
    return {
        "name": result.name,
        "path": result.path,
        "frames": result.frames,
        "sample_rate": result.sample_rate_hz,
        "channels": result.channels,
        "subtype": result.subtype,
    }


def _midi(result: Result) -> dict[str, object]:
    return {"name": result.name, "path": result.path, "notes": result.notes}


class JsonReport:
    """Writes one JSON object a line to standard output, flushed at once; the outcome last."""

    def __enter__(self) -> JsonReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None:
        write_json(event_record(event))

    def conclude(self, job: Job) -> None:
        write_json(outcome_of(job))

    def refuse(self, error: BridgeError) -> None:
        write_json({"job": "", "state": "failed", "stems": [], "midi": [], "code": error.code, "message": str(error)})


class TextReport(BarReport):
    """Writes text: a progress bar on a terminal, a line for each new stage in a log; the files at the end."""

    def __init__(self, console: PlainConsole) -> None:
        super().__init__(console)
        self._stage = ""
        self._engine = ""

    @classmethod
    def for_people(cls) -> TextReport:
        return cls(PlainConsole(soft_wrap=True))

    def say(self, words: str) -> None:
        """Prints one line."""
        self._console.print(words)

    def show(self, event: Event) -> None:
        match event:
            case Progressed(stage=stage, fraction=fraction, eta_seconds=eta):
                why = ", slower than expected" if event.is_slower else ""
                left = "" if eta is None else f"about {clock_text(eta)} left{why}"
                self._bar.update(self._task, completed=fraction, description=sentence(STAGE_WORDS[stage]), left=left)
                if stage != self._stage and not self._console.is_terminal:
                    self._console.print(f"{sentence(STAGE_WORDS[stage])} …")
                self._stage = stage
            case Started(engine=engine, device=device) if device and engine != self._engine:
                self._engine = engine
                self._console.print(f"Engine: {engine} on {device}")
            case Warned(warning=warning):
                self._console.print(f"Note: {warning.message}", style="yellow")
            case Analysed(music=music):
                if words := music_words(music):
                    self._console.print(f"Music: {', '.join(words)}")
                if music.tempo_source != "given" and (others := other_tempi(music)):
                    options = " or ".join(_tempo_option(one, music) for one in others[:MOST_OTHERS])
                    another = "one of these tempi" if music.tempo_source == "default" else "another tempo"
                    self._console.print(f"If you tap {another}, say {options}.")
                if music.chords:
                    self._console.print(f"Chords: {music.chords}")
            case Produced(result=result):
                self._console.print(_result_line(result))

    def conclude(self, job: Job) -> None:
        if job.state == "done":
            self._console.print(f"Done in {job.took_seconds:.1f} s: {job.output_dir}")
        elif job.state == "cancelled" and not job.results:
            self._console.print("Cancelled.")
        elif job.results:
            count = len(job.results)
            left = (
                "1 of its files is complete and stays" if count == 1 else f"{count} of its files are complete and stay"
            )
            self._console.print(f"{left} in {job.output_dir}.")

    def refuse(self, error: BridgeError) -> None:
        """Does nothing: the command prints the error on standard error."""


def _tempo_option(one: TempoCandidate, music: Music) -> str:
    """What to say for that tempo: alone, it keeps a metre that was given, or is in 4/4 from the clip's start on."""
    option = f"--tempo {one.bpm:g}"
    if not one.time_signature == music.time_signature == COMMON_TIME:
        option += f" --time-signature {'/'.join(map(str, one.time_signature))}"
    beat = beat_of_start(music, one.bpm)
    return option if beat is None else f"{option} --beat {round(beat, 3):g}"


def _result_line(result: Result) -> str:
    match result.kind:
        case "stem":
            what = f"{clock_text(result.seconds):>5} audio  "
        case "midi":
            what = f"{result.notes:>5} notes  "
        case "notes":
            what = "      table  "
        case "picture" | "chords" | "score" | "dawproject":
            what = f"      {KIND_WORDS[result.kind]:<7}"
    return f"  {result.name:<{_NAME_CELLS}} {what} {result.path}"
