"""`sab doctor`: checks what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import errno
import os
import platform
import re
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bridge import __version__
from bridge.cli import shared
from bridge.cli.diagnosis.bundle import JOBS, write_bundle
from bridge.cli.diagnosis.farm import farm_finding
from bridge.cli.diagnosis.finding import Finding, Verdict
from bridge.cli.logs import log_path
from bridge.cli.output.terminal import write_json, write_line
from bridge.cli.ports import inspect_ports
from bridge.config import Settings, load_settings
from bridge.errors import BadArguments, BridgeError, EngineFailed
from bridge.hearing.client import HearingClient
from bridge.integrations.daws import DAWS
from bridge.midi.realtime.thread_priority import player_gets_real_time
from bridge.options.request import check_request
from bridge.pipe.client import facts_of
from bridge.separation.catalogue import catalogue, check_engine
from bridge.separation.models.demucs_bags import ADDING
from bridge.separation.names import PREFERRED
from bridge.separation.spleeter.checkpoints import CHECKPOINTS, INSTALL, PACKAGE, SpleeterPackage
from bridge.system import sockets
from bridge.system.files import sha256_of
from bridge.system.memory import is_out_of_memory
from bridge.system.own_program import is_frozen
from bridge.transcription.piano import package as piano_package
from bridge.transcription.pitched.bass.pitch_network_file import pitch_network_file
from bridge.transcription.pitched.network_file import network_file

MARKS: dict[Verdict, str] = {"ok": "✓", "note": "–", "broken": "✗"}

WINDOWS_SETUP = "docs/platforms.md shows both ways step by step."


class DoctorReport(msgspec.Struct, frozen=True):
    """What `sab doctor --json` prints: all that a report of a fault should say of a machine."""

    version: str
    python: str
    system: str
    """As `Linux-6.1-x86_64`."""
    installation: str
    """`frozen`: the folder that needs no Python; `package`: installed, or a checkout."""
    ok: bool
    """False if something is broken; the exit status is then 1."""
    findings: tuple[Finding, ...]
    bundle: str = ""
    """The zip file that was written."""


WithBundle = Annotated[
    bool, typer.Option("--bundle", help="Write what a bug report needs into a zip file. Nothing is sent.")
]
BundleFile = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE.zip]", help="With --bundle: the zip file to write.", show_default=False),
]


@shared.command
async def doctor(
    file: BundleFile = None,
    bundle: WithBundle = False,
    port: shared.Port = None,
    json: shared.Json = False,
    state_dir: shared.StateDir = None,
    models_dir: shared.ModelsDir = None,
) -> int:
    """Check this machine: models, MIDI, audio formats, folders, DAWs. Says what to do about each finding."""
    if file is not None and not bundle:
        raise BadArguments(f"What is {file} for?", advice="Say sab doctor --bundle FILE.zip for a bug report.")
    settings, problems = _settings({"port": port, "state_dir": state_dir, "models_dir": models_dir})
    findings = [*problems, *await _findings(settings)]
    is_broken = any(finding.verdict == "broken" for finding in findings)
    report = DoctorReport(
        version=__version__,
        python=platform.python_version(),
        system=platform.platform(),
        installation="frozen" if is_frozen() else "package",
        ok=not is_broken,
        findings=tuple(findings),
    )
    if not json:
        for finding in findings:
            write_line(f"{MARKS[finding.verdict]} {finding.subject}: {finding.message}")
    if bundle:
        written = write_bundle(file, settings, report)
        report = msgspec.structs.replace(report, bundle=str(written))
        if not json:
            write_line(
                f"Written: {written}. It has these findings, versions, settings, the log and the events of the last "
                f"{JOBS} jobs; no audio, no secrets, and no names but those of clips and results. Nothing was sent: "
                "look into it, then attach it to your report."
            )
    if json:
        write_json(report)
    return shared.FAILED if is_broken else shared.DONE


def _settings(options: dict[str, object]) -> tuple[Settings, list[Finding]]:
    """The settings; where the file or the environment is wrong, the defaults, and what is wrong.

    Raises:
        BadArguments: an option of the command line is wrong.
    """
    try:
        return shared.settings_from(**options), []
    except BadArguments as error:
        try:
            folders = {name: value for name, value in os.environ.items() if re.fullmatch(r"SAB_\w+_DIR", name)}
            settings = load_settings(folders, options, Path(os.devnull))
        except BadArguments:
            raise error from None
        return settings, [Finding("Settings", "broken", f"{error} Meanwhile, the defaults were checked.")]


async def _findings(settings: Settings) -> list[Finding]:
    """All checks. One that fails by itself, as in a broken installation, is a finding too."""
    return [
        *_checked("Defaults", lambda: _defaults(settings)),
        *_checked("Installation", _packages),
        *_checked("Separation", lambda: _weights(settings)),
        *_checked("Audio files", _audio),
        *await _awaited("MIDI", _midi(settings)),
        *_checked("MIDI timing", _midi_timing),
        *await _awaited("Hearing", _hearing(settings)),
        *(await _awaited("Farm", farm_finding(settings)) if settings.cluster else ()),
        *_checked("Folders", lambda: _folders(settings)),
        *await _awaited("OSC port", _port(settings)),
        *_checked("DAWs", _daws),
    ]


def _checked(subject: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        yield _failed(subject, error)


async def _awaited(subject: str, check: Awaitable[Finding]) -> list[Finding]:
    try:
        return [await check]
    except Exception as error:
        return [_failed(subject, error)]


def _failed(subject: str, error: Exception) -> Finding:
    if is_out_of_memory(error):
        return Finding(subject, "broken", "there is not enough memory to check this. Close other programs.")
    return Finding(subject, "broken", f"the check itself fails ({type(error).__name__}: {error}).")


def _defaults(settings: Settings) -> Iterator[Finding]:
    """Says something only where jobs would be refused."""
    try:
        check_request(settings.defaults)
        check_engine(settings.defaults.engine.name, settings.models_dir)
    except BridgeError as error:
        yield Finding("Defaults", "broken", f"with these settings no bridge starts: {error}")


def _packages() -> Iterator[Finding]:
    needed = {"torch": "separation", "onnxruntime": "notes"}
    missing = [f"{name} ({use})" for name, use in needed.items() if find_spec(name) is None]
    files = SpleeterPackage.installed().files
    if not files:
        missing.append(f"{PACKAGE} (separation)")
    damaged = [path for network, path in files.items() if sha256_of(path) != CHECKPOINTS[network][1]]
    if damaged:
        yield Finding("Installation", "broken", f"damaged: {', '.join(map(str, damaged))}. {INSTALL}")
    elif missing:
        yield Finding("Installation", "broken", f"missing: {', '.join(missing)}. Install the bridge again.")
    else:
        yield Finding("Installation", "ok", f"complete, Python {sys.version_info.major}.{sys.version_info.minor}")
    networks = {"basic-pitch": network_file(), "SwiftF0": pitch_network_file()}
    if lost := [name for name, file in networks.items() if file is None]:
        yield Finding("Notes", "broken", f"missing networks: {', '.join(lost)}. Install the bridge again.")
    else:
        yield Finding("Notes", "ok", f"the networks are here: {', '.join(networks)}")
    yield _piano()


def _piano() -> Finding:
    if not piano_package.has_transkun():
        return Finding("Piano", "note", f"basic-pitch reads pianos. For far better notes: {piano_package.INSTALL}")
    try:
        piano_package.PianoPackage.installed()
    except BridgeError as error:
        return Finding("Piano", "broken", f"{error} Until then basic-pitch reads pianos.")
    return Finding("Piano", "ok", f"{piano_package.PACKAGE} {piano_package.VERSION} reads pianos")


def _weights(settings: Settings) -> Iterator[Finding]:
    here = [model.name for model in catalogue(settings.models_dir) if model.present]
    if find_spec("demucs") is None:
        yield Finding(
            "Separation",
            "note",
            f"{PREFERRED} cannot be used here: the package demucs is missing. {ADDING} Here: {', '.join(here)}.",
        )
    elif PREFERRED in here:
        yield Finding("Separation", "ok", f"here: {', '.join(here)}")
    else:
        yield Finding(
            "Separation",
            "note",
            f"here: {', '.join(here)}. For the best stems, fetch {PREFERRED} once: `sab models pull {PREFERRED}`.",
        )


def _audio() -> Iterator[Finding]:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        yield Finding("Audio files", "broken", f"libsndfile does not load ({error}). Install the bridge again.")
        return
    formats = soundfile.available_formats()
    missing = [name for name in ("WAV", "AIFF", "FLAC", "OGG", "MP3") if name not in formats]
    if missing:
        yield Finding("Audio files", "note", f"this libsndfile lacks {', '.join(missing)}; use WAV.")
    else:
        yield Finding("Audio files", "ok", "WAV, AIFF, FLAC, Ogg, MP3")
    try:
        import av
    except (ImportError, OSError) as error:
        yield Finding("M4A, MP4, WMA", "note", f"FFmpeg's libraries do not load ({error}); export such clips as WAV.")
    else:
        yield Finding("M4A, MP4, WMA", "ok", f"through PyAV {av.__version__}")
        yield _encoders()


def _encoders() -> Finding:
    """The formats of stems that FFmpeg's libraries write."""
    from bridge.audio.encoders import ENCODED_FORMATS, missing_encoder

    missing = {name: why for name in ENCODED_FORMATS if (why := missing_encoder(name))}
    if not missing:
        return Finding("Stems as M4A and Opus", "ok", "can be written")
    reasons = "; ".join(f"no {name}: {why}" for name, why in missing.items())
    return Finding("Stems as M4A and Opus", "note", f"{reasons}. Choose another format, such as ogg.")


async def _midi(settings: Settings) -> Finding:
    try:
        report = await inspect_ports(settings)
    except BridgeError as error:
        return Finding("MIDI", "broken", str(error))
    status = report.status
    if status.backend == "none":
        return Finding("MIDI", "note", f"{status.message} {WINDOWS_SETUP if sys.platform == 'win32' else ''}".strip())
    names = ", ".join(dict.fromkeys(report.full_names.get(port.name, port.name) for port in status.ports))
    if status.message:
        return Finding("MIDI", "note", f"{status.backend}: {names}. {status.message}")
    return Finding("MIDI", "ok", f"{status.backend}: {names}")


def _midi_timing() -> Iterator[Finding]:
    if sys.platform != "linux":
        return
    if player_gets_real_time():
        yield Finding("MIDI timing", "ok", "notes go out at real-time priority")
    else:
        late = "notes can be some milliseconds late while the machine is busy: it gives you no real-time priority."
        advice = "A desktop with the package rtkit does; else let your user run real-time threads (docs/settings.md)."
        yield Finding("MIDI timing", "note", f"{late} {advice}")


async def _hearing(settings: Settings) -> Finding:
    """Opens the output, and plays nothing on it."""
    hearing = HearingClient(settings.hear_on)
    try:
        await hearing.play(())
        return Finding("Hearing", "ok", f"stems and notes can be heard ({hearing.status.device})")
    except EngineFailed as error:
        return Finding("Hearing", "note", str(error))
    finally:
        await hearing.close()


def _folders(settings: Settings) -> Iterator[Finding]:
    """Creates nothing: a folder that the bridge has not needed yet is only a note."""
    for subject, folder, name, yet in (
        ("History", settings.state_dir, "SAB_STATE_DIR", "nothing is stored yet; it will be in"),
        ("Your models", settings.models_dir, "SAB_MODELS_DIR", "none yet; they go into"),
    ):
        reason = _why_not_writable(folder)
        if reason:
            yield Finding(subject, "broken", f"{folder} cannot be written ({reason}). Set {name} to another.")
        elif os.path.isdir(folder):  # noqa: PTH112 - unlike Path.is_dir, it raises nothing
            yield Finding(subject, "ok", str(folder))
        else:
            yield Finding(subject, "note", f"{yet} {folder}")
    log = log_path(settings.state_dir)
    if os.path.isfile(log):  # noqa: PTH113
        yield Finding("Log", "ok", f"{log}; `sab log` shows it")
    elif os.path.lexists(log):
        yield Finding("Log", "broken", f"{log} is no file, so nothing is logged. Move it away.")
    else:
        yield Finding("Log", "note", f"nothing is logged yet; it will be {log}")


def _why_not_writable(folder: Path) -> str:
    """Why the folder cannot be written to, or cannot be created; empty if it can."""
    try:
        existing = next((path for path in (folder, *folder.parents) if path.exists()), folder)
        with tempfile.TemporaryFile(dir=existing):
            return ""
    except OSError as error:
        return error.strerror or str(error)


async def _port(settings: Settings) -> Finding:
    try:
        (await sockets.server_socket(settings.host, settings.port, socket.SOCK_DGRAM)).close()
    except (OSError, OverflowError, UnicodeError) as error:  # UnicodeError: not a valid host name
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            if (ours := await _our_bridge(settings)) is not None:
                return ours
            message = f"UDP port {settings.port} is taken. If no bridge is running already, choose another with --port."
            return Finding("OSC port", "note", message)
        reason = getattr(error, "strerror", None) or error
        return Finding("OSC port", "broken", f"UDP port {settings.port} of {settings.host} cannot be opened: {reason}.")
    return Finding("OSC port", "ok", f"UDP port {settings.port} is free")


async def _our_bridge(settings: Settings) -> Finding | None:
    """The bridge that has the port, if it is one of this account; None: it is a foreign program."""
    try:
        facts = await facts_of(settings.own_folder)
    except BridgeError as error:
        return Finding("OSC port", "note", f"a bridge has UDP port {settings.port}. {error}")
    if facts is None:
        return None
    screens = {0: "no attached screen", 1: "one attached screen"}.get(
        facts.screens, f"{facts.screens} attached screens"
    )
    message = f"your bridge has UDP port {settings.port}: process {facts.process}, with {screens}"
    return Finding("OSC port", "ok", f"{message}. `sab` shows it, `sab quit` ends it")


def _daws() -> Iterator[Finding]:
    """The DAWs that `sab install` supports, and whether its files are installed."""
    for word, daw in DAWS.items():
        folders = daw.folders(Path.home(), os.environ)
        installed = [folder for folder in folders if all(os.path.isfile(folder / name) for name in daw.files())]  # noqa: PTH113
        if installed:
            yield Finding(daw.name, "ok", ", ".join(map(str, installed)))
        elif folders:
            yield Finding(daw.name, "note", f"is here, without the bridge's files for it: `sab install {word}`")
        else:
            yield Finding(daw.name, "note", "not found here")
