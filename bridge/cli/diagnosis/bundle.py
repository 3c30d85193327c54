"""`sab doctor --bundle`: a zip file with all that a bug report should say, and nothing that it need not."""

from __future__ import annotations

import datetime
import io
import locale
import os
import platform
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import msgspec

from bridge.cli.diagnosis.log import records_in
from bridge.cli.diagnosis.redaction import Redaction, redaction_for
from bridge.cli.logs import EARLIER, log_path
from bridge.cli.output.terminal import output_encoding
from bridge.config import Settings, default_file
from bridge.errors import NotWritable
from bridge.options.paths import current_folder
from bridge.options.record import to_record
from bridge.store.recent import EventRecord, recent_histories
from bridge.system.files import read_small
from bridge.system.private_folders import new_private_file

JOBS = 20
#: The end of the log.
LOG_RECORDS = 3000
#: Settings whose value is not told, and files whose content is looked for in all texts.
SECRET_WORDS = ("secret", "token", "password")
#: A result in a record of the log, as `event_text` writes it.
_LOGGED_PATH = re.compile(r" bridge\.events: [a-z]{8}: (.+)$", re.MULTILINE)
#: The folder of a path that stands in a record about a job, up to the last separator of the line.
_FOLDER_IN_EVENT = re.compile(r"(?<![\w.:/\\~-])(?:~|[A-Za-z]:)?[/\\](?:.*[/\\])?")
_EVENT_OF_JOB = re.compile(r"(?<= bridge\.events: )[a-z]{8}: .*$", re.MULTILINE)
_TERMINAL_VARIABLES = ("TERM", "LANG", "LC_ALL", "COLUMNS", "PYTHONIOENCODING", "PYTHONUTF8")
#: Where an event names a folder; elsewhere it names files.
_FOLDER_KEYS = ("output_dir", "project", "out", "folder", "created")

_README = """A report for the makers of Source Audio Bridge, written by `sab doctor --bundle`. Nothing has been sent.

doctor.json    what `sab doctor` found on this computer
versions.json  the bridge, Python, the system, the installed packages, the terminal
settings.json  the settings in effect, without secrets
log.txt        the end of the log (`sab log`)
jobs.jsonl     the events of the last {jobs} jobs

Your home folder is called ~, your user name USER, your computer's name HOST, and the folders of your clips and results
folder-1, folder-2 and so on, or (folder). The names of clips, results and groups are as they are, because errors often
lie in them.
There is no audio, no model and no note in it. All files are text: read them, and delete what you do not want to tell.
"""


def write_bundle(file: Path | None, settings: Settings, report: msgspec.Struct) -> Path:
    """Writes the zip, and returns its path. `report`: what `sab doctor --json` prints.

    Raises:
        NotWritable: it cannot be written, or is there already.
    """
    content = _zipped(_parts(settings, report))
    candidates = _free_names() if file is None else (file,)
    for path in candidates:
        try:
            _write_new(path, content)
        except FileExistsError:
            if file is not None:
                raise NotWritable(f"{file} is there already.", advice="Name another file.") from None
        except OSError as error:
            raise NotWritable(f"{path} cannot be written: {error.strerror}.", advice="Name another file.") from error
        else:
            return path
    raise NotWritable("There are too many reports of today.", advice="Name a file.")


def _free_names() -> Iterator[Path]:
    """Raises NotWritable if there is no current folder."""
    name = f"sab-report-{datetime.date.today().isoformat()}"
    folder = current_folder()
    if folder is None:
        raise NotWritable("The current folder is gone.", advice="Name a file for the report.")
    yield folder / f"{name}.zip"
    yield from (folder / f"{name} {number}.zip" for number in range(2, 100))


def _write_new(path: Path, content: bytes) -> None:
    """Raises OSError; then there is no such file, or it was there before."""
    with new_private_file(path) as opened:
        try:
            opened.write(content)
            opened.flush()
        except OSError:
            path.unlink()
            raise


def _zipped(parts: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text.encode("utf-8", "replace"))
    return written.getvalue()


def _parts(settings: Settings, report: msgspec.Struct) -> dict[str, str]:
    """Every file of the zip. A part that cannot be read is the reason for that."""
    jobs: list[list[EventRecord]] = []

    def read_jobs() -> str:
        jobs.extend(recent_histories(settings.state_dir, JOBS))
        return ""

    failure = _or_reason(read_jobs)
    log = _or_reason(lambda: _log(settings))
    folders = [*_folders_of(event for job in jobs for event in job), *_folders_in(log)]
    hide = redaction_for(_secrets(settings), folders)
    return {
        "README.txt": _README.format(jobs=JOBS),
        "doctor.json": _or_reason(lambda: _json(hide.value(msgspec.to_builtins(report)))),
        "versions.json": _or_reason(lambda: _json(hide.value(_versions()))),
        "settings.json": _or_reason(lambda: _json(hide.value(_settings(settings)))),
        "log.txt": _without_folders(hide.text(log)),
        "jobs.jsonl": hide.text(failure) or _or_reason(lambda: _lines(jobs, hide)),
    }


def _or_reason(part: Callable[[], str]) -> str:
    try:
        return part()
    except Exception as error:  # a broken installation can raise anything, and that is what the report is about
        return f"This cannot be read: {type(error).__name__}: {error}\n"


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _lines(jobs: Iterable[Iterable[EventRecord]], hide: Redaction) -> str:
    return "".join(f"{msgspec.json.encode(hide.value(event)).decode()}\n" for job in jobs for event in job)


def _versions() -> dict[str, object]:
    packages = {str(found.metadata["Name"]): found.version for found in distributions()}
    return {
        "python": sys.version,
        "system": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "encodings": {
            "output": output_encoding(),
            "names": sys.getfilesystemencoding(),
            "locale": locale.getpreferredencoding(False),
        },
        "terminal": {name: os.environ[name] for name in _TERMINAL_VARIABLES if name in os.environ},
        "packages": dict(sorted(packages.items(), key=lambda package: package[0].casefold())),
    }


def _settings(settings: Settings) -> dict[str, object]:
    values = {name: getattr(settings, name) for name in settings.__struct_fields__ if name != "defaults"}
    told = {name: "(not told)" if _is_secret(name) and value else value for name, value in values.items()}
    builtin: dict[str, object] = msgspec.to_builtins(told, enc_hook=str)
    return {
        "file": str(os.environ.get("SAB_CONFIG") or default_file()),
        "from_environment": sorted(name for name in os.environ if name.startswith("SAB_")),
        **builtin,
        "defaults": to_record(settings.defaults),
    }


def _log(settings: Settings) -> str:
    path = log_path(settings.state_dir)
    records = [*records_in(path.with_name(path.name + EARLIER)), *records_in(path)][-LOG_RECORDS:]
    return "".join(f"{line}\n" for record in records for line in record.lines) or "Nothing was logged.\n"


def _is_secret(name: str) -> bool:
    return any(word in name.casefold() for word in SECRET_WORDS)


def _secrets(settings: Settings) -> Iterator[str]:
    """Every secret of this installation: values of settings and variables, and what stands in the files of secrets."""
    values = [getattr(settings, name) for name in settings.__struct_fields__ if _is_secret(name)]
    values += [value for name, value in os.environ.items() if name.startswith("SAB_") and _is_secret(name)]
    files = [value for value in values if isinstance(value, Path)]
    for folder in (settings.state_dir, *settings.state_dir.glob("*/"), default_file().parent):
        with suppress(OSError):
            files += [path for path in folder.iterdir() if _is_secret(path.name) and path.is_file()]
    yield from (str(value).strip() for value in values if value and not isinstance(value, Path))
    for path in files:
        with suppress(OSError, ValueError):
            yield from read_small(path).decode("utf-8", "replace").split()


def _folders_of(events: Iterable[EventRecord]) -> Iterator[str]:
    """The folders of clips; and of other files, where they do not lie in one of those."""
    sources, others = list[PurePath](), list[PurePath]()
    for key, path in _paths_in("", list(events)):
        (sources if key == "source" else others).append(path if key in _FOLDER_KEYS else path.parent)
    yield from map(str, sources)
    yield from (str(folder) for folder in others if not any(folder.is_relative_to(source) for source in sources))


def _folders_in(log: str) -> Iterator[str]:
    """The folders of results that the log names; `sab process` has no other history."""
    for found in _LOGGED_PATH.finditer(log):
        yield from (str(path.parent) for _, path in _paths_in("", found[1]))


def _without_folders(log: str) -> str:
    """Without the folders that only a message names, such as one of a job of `sab process` that failed."""
    return _EVENT_OF_JOB.sub(lambda event: _FOLDER_IN_EVENT.sub("(folder)/", event[0]), log)


def _paths_in(key: str, value: object) -> Iterator[tuple[str, PurePath]]:
    """Every absolute path in a value of this key, with its own key."""
    match value:
        case str():
            path = PureWindowsPath(value) if "\\" in value else PurePosixPath(value)
            if path.is_absolute():
                yield key, path
        case list():
            for item in value:
                yield from _paths_in(key, item)
        case dict():
            for of, item in value.items():
                yield from _paths_in(str(of), item)
