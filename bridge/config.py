"""Settings: defaults < TOML file < environment < command line, read once into one frozen value.

A setting has one name everywhere: `models_dir` in the file,
`SAB_MODELS_DIR` in the environment, `--models-dir` on the command line.
"""

from __future__ import annotations

import ipaddress
import math
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from bridge.errors import BadArguments
from bridge.options.request import with_options
from bridge.options.table import OPTIONS
from bridge.request import JobRequest
from bridge.stems import STEMS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

APP_NAME = "source-audio-bridge"
PREFIX = "SAB_"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9720
#: Only one bridge can listen at these with one port number: its folder is named by the port alone.
USUAL_HOSTS = (DEFAULT_HOST, "localhost", "0.0.0.0", "::", "")  # noqa: S104 - named, not bound
#: How many finished jobs are kept.
DEFAULT_HISTORY_LIMIT = 5000
#: `auto`: the first that works, in the order of `BACKENDS` in `midi.ports.rtmidi_ports`.
MIDI_BACKENDS = ("auto", "jack", "jack-exact", "alsa", "coremidi", "winmm")
#: What stems and notes are heard on. `auto`: the first that opens, in the order of `hearing.outputs`; `silent`: none,
#: all else is as if there were one.
OUTPUTS = ("auto", "jack", "pulseaudio", "alsa", "coreaudio", "wasapi", "silent")
MIDI_PORTS = ("stems", "one")
#: `failed`: for what failed; `all`: for what is done, too.
BELLS = ("off", "failed", "all")
LOCAL_ACCESS = ("own", "token", "everyone")
#: The options of jobs that are settings too.
JOB_SETTINGS = tuple(name for name, option in OPTIONS.items() if "serve" in option.commands)
#: No system has a larger latency; a larger offset is a typing error.
MAX_OFFSET_MS = 1000.0
#: WinMM truncates longer port names.
MAX_PORT_NAME = 31
#: What the name of a folder must not have on some system.
_FOR_NAMES = re.compile(r"[^0-9A-Za-z.]")
#: Scheme, host and port of a page, in the spelling of browsers (RFC 6454, 6.2).
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")


def _state_dir() -> Path:
    return platformdirs.user_state_path(APP_NAME, appauthor=False)


def _models_dir() -> Path:
    return platformdirs.user_data_path(APP_NAME, appauthor=False) / "models"


def _cache_dir() -> Path:
    return platformdirs.user_cache_path(APP_NAME, appauthor=False)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, with their defaults."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    http_port: int | None = None
    """TCP port for OSCQuery and polling; None: the same number as `port`; 0: any free one."""
    no_http: bool = False
    """True: open no HTTP port."""
    http_origins: tuple[str, ...] = ()
    """The web pages that may use the bridge if they have its token, as `http://localhost:3000`; empty: none."""
    http_upload_mb: float = 2000.0
    """The largest clip that HTTP takes as a body, in 10⁶ bytes; 0: none."""
    announce: bool = False
    """True: announce the bridge by zeroconf, if `host` admits other computers."""
    state_dir: Path = msgspec.field(default_factory=_state_dir)
    """Folder of the job history and the log."""
    models_dir: Path = msgspec.field(default_factory=_models_dir)
    """Folder of the user's own models; downloads go to the cache of the demucs package."""
    cache_dir: Path = msgspec.field(default_factory=_cache_dir)
    """Folder of cached results and converted models; its content may be deleted at any time."""
    cache_max_gb: float = 5.0
    """Largest size of the results cache in 10⁹ bytes; 0: no cache."""
    defaults: JobRequest = JobRequest(source="")
    """What a job gets if its request leaves an option out; set by the options' own names: see `JOB_SETTINGS`."""
    no_midi: bool = False
    """True: open no MIDI ports."""
    midi_backend: str = "auto"
    """One of `MIDI_BACKENDS`."""
    midi_ports: str = "stems"
    """`stems`: a port for each stem; `one`: one port, with a channel for each."""
    midi_names: str = "SAB {stem}"
    """Template of the port names; `{stem}` becomes the stem's name, or `Stems` if there is one port."""
    midi_offsets_ms: dict[str, float] = {}
    """By stem, the delay of its notes; negative: earlier. Overrides the result of `sab calibrate`."""
    bell: str = "off"
    """For what the screen's bell rings, one of `BELLS`."""
    hear_on: str = "auto"
    """The output that stems and notes are heard on, one of `OUTPUTS`."""
    watch: tuple[Path, ...] = ()
    """Folders whose audio files become jobs, each once, while the bridge runs."""
    watch_settle_seconds: float = 2.0
    """A file in such a folder that has not changed for so long is complete."""
    watch_poll: bool = False
    """True: look such folders through every few seconds; on network drives that is done anyway."""
    roots: tuple[Path, ...] = ()
    """Folders that clips and results must lie in; empty: anywhere, or the music folder if `host` admits other
    computers."""
    local_access: str = "own"
    """Which programs of this machine may ask, one of `LOCAL_ACCESS`: those of this account, as far as the system tells
    whose they are; those that prove its token; or those of any account."""
    secret_file: Path | None = None
    """File with the secret for other computers; None: `default_secret_file`."""
    allow: tuple[str, ...] = ()
    """The other computers that may ask if they have the secret: addresses and networks, as `192.168.1.0/24`."""
    trust_pickles: bool = False
    """True: load models of the user's own that may run code."""
    max_minutes: float = 60.0
    """The longest region that a job may have."""
    queue_limit: int = 100
    """How many jobs may wait."""
    cluster: str = ""
    """The farm that computes jobs while it can be reached, as `tls://studio:8786`; empty: none."""
    history_limit: int = DEFAULT_HISTORY_LIMIT
    """How many finished jobs are kept and listed; the oldest are removed, and their files stay."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port must be between 0 and 65535, not {self.port}")
        if self.http_port is not None and not 0 <= self.http_port <= 65535:
            raise ValueError(f"http_port must be between 0 and 65535, not {self.http_port}")
        for written in self.http_origins:
            _check_origin(written)
        if not 0 <= self.http_upload_mb < math.inf:
            raise ValueError(f"http_upload_mb must be 0 or more, not {self.http_upload_mb:g}")
        if self.max_minutes <= 0:
            raise ValueError(f"max_minutes must be more than 0, not {self.max_minutes:g}")
        if not 0.1 <= self.watch_settle_seconds <= 3600:
            raise ValueError(f"watch_settle_seconds must be 0.1 to 3600, not {self.watch_settle_seconds:g}")
        if self.queue_limit < 1:
            raise ValueError(f"queue_limit must be at least 1, not {self.queue_limit}")
        if self.history_limit < 1:
            raise ValueError(f"history_limit must be at least 1, not {self.history_limit}")
        if not 0 <= self.cache_max_gb < math.inf:
            raise ValueError(f"cache_max_gb must be 0 or more, not {self.cache_max_gb:g}")
        _check_choice("midi_backend", self.midi_backend, MIDI_BACKENDS)
        _check_choice("bell", self.bell, BELLS)
        _check_choice("hear_on", self.hear_on, OUTPUTS)
        _check_choice("midi_ports", self.midi_ports, MIDI_PORTS)
        _check_names(self.midi_names, one=self.midi_ports == "one")
        check_offsets(self.midi_offsets_ms)
        _check_choice("local_access", self.local_access, LOCAL_ACCESS)
        for written in self.allow:
            _check_network(written)

    @property
    def own_folder(self) -> Path:
        """Where the bridge of this address keeps what is its own; only one process uses it at a time."""
        is_usual = self.host in USUAL_HOSTS
        return self.state_dir / (str(self.port) if is_usual else f"{self.port}-{_FOR_NAMES.sub('_', self.host)}")

    @property
    def uploads_folder(self) -> Path:
        """Where clips lie that came over HTTP, until their jobs are over."""
        return self.own_folder / "uploads"

    @property
    def cache_max_bytes(self) -> int:
        return round(self.cache_max_gb * 1e9)


def check_offsets(offsets_ms: Mapping[str, float]) -> None:
    """Raises ValueError unless these are offsets of stems, each within ±`MAX_OFFSET_MS`."""
    for stem, offset_ms in offsets_ms.items():
        _check_choice("midi_offsets_ms: a stem", stem, STEMS)
        if not -MAX_OFFSET_MS <= offset_ms <= MAX_OFFSET_MS:
            raise ValueError(f"midi_offsets_ms: {stem} must be within ±{MAX_OFFSET_MS:g} ms, not {offset_ms:g}")


def setting_names() -> tuple[str, ...]:
    """The names of all settings, as the file has them."""
    own = [field for field in Settings.__struct_fields__ if field != "defaults"]
    return (*own, *JOB_SETTINGS)


def default_file() -> Path:
    """Path of the settings file if no other is given."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def default_secret_file() -> Path:
    """Path of the secret for other computers if the settings name no other."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "secret"


def load_settings(
    environment: Mapping[str, str], options: Mapping[str, object] | None = None, file: Path | None = None
) -> Settings:
    """The settings merged from all sources.

    Args:
        environment: usually `os.environ`.
        options: values from the command line; None counts as not given.
        file: the TOML file; None: `SAB_CONFIG`, else the default path, which need not exist.

    Raises:
        BadArguments: a value has the wrong type or range, or a name in the file is unknown.
    """
    named = file or (Path(environment["SAB_CONFIG"]) if environment.get("SAB_CONFIG") else None)
    merged: dict[str, object] = {**_from_file(named or default_file(), required=named is not None)}
    merged.update(_from_environment(environment))
    merged.update({name: value for name, value in (options or {}).items() if value is not None})
    of_jobs = {name: merged.pop(name) for name in JOB_SETTINGS if name in merged}
    try:
        if "defaults" in merged:  # its fields are set by the options' own names
            raise ValueError("Object contains unknown field `defaults`")
        settings = msgspec.convert(merged, Settings, strict=False, dec_hook=decode_path)
        return msgspec.structs.replace(settings, defaults=with_options(settings.defaults, of_jobs))
    except (msgspec.ValidationError, ValueError, BadArguments) as error:
        words = error.message.rstrip(".") if isinstance(error, BadArguments) else str(error)
        problem = words.replace("- at `$.", "for `").replace("Object contains unknown field", "There is no setting")
        name = next(iter(re.findall(r"(?<=for `)\w+|(?<=setting `)\w+|^\w+(?= (?:must|is) )", problem)), "")
        if (options or {}).get(name) is not None:
            place = f"the option --{name.replace('_', '-')}"
        elif environment.get(PREFIX + name.upper()):
            place = f"{PREFIX}{name.upper()}"
        else:
            place = str(named or default_file())
        raise BadArguments(f"{problem}, in {place}.", advice="See docs/settings.md.") from error


def _from_file(path: Path, *, required: bool) -> dict[str, object]:
    try:
        found: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad writes a BOM
        return found
    except FileNotFoundError:
        if required:
            raise BadArguments(f"There is no settings file {path}.", advice="Check SAB_CONFIG.") from None
        return {}
    except (OSError, ValueError, RecursionError) as error:  # TOML errors are ValueErrors, as are huge numbers
        raise BadArguments(
            f"The settings file {path} cannot be read: {error}.", advice="See docs/settings.md."
        ) from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in setting_names():
        value = environment.get(PREFIX + name.upper())
        if value:
            found[name] = DECODERS[name](value) if name in DECODERS else value
    return found


def _folders(text: str) -> list[str]:
    """Parses a list of folders in the format of PATH, or of the settings file."""
    separator = ";" if sys.platform == "win32" else ":"
    return _array(text) or [part for part in text.split(separator) if part]


def _listed(text: str) -> list[str]:
    return _array(text) or [part.strip() for part in text.split(",") if part.strip()]


def _array(text: str) -> list[str]:
    """The words of a list as the settings file writes it, `["one", "two"]`; none: it is no such list."""
    if not text.lstrip().startswith("["):
        return []
    try:
        found = tomllib.loads(f"words = {text}")["words"]
    except tomllib.TOMLDecodeError:
        return []
    return found if all(isinstance(word, str) for word in found) else []


def _offsets(text: str) -> dict[str, str]:
    """Parses `vocals=2.5,drums=-1` into a table; errors are found when the settings are checked."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {stem.strip(): value.strip() for stem, _, value in pairs}


#: Parsers for settings that are not a single value in the environment.
DECODERS: dict[str, Callable[[str], object]] = {
    "roots": _folders,
    "watch": _folders,
    "midi_offsets_ms": _offsets,
    "allow": _listed,
    "http_origins": _listed,
}


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value}")


def _check_network(written: str) -> None:
    try:
        ipaddress.ip_network(written.strip(), strict=False)
    except ValueError:
        raise ValueError(
            f"allow must be addresses or networks, as 192.168.1.20 or 192.168.1.0/24, not {written!r}"
        ) from None


def _check_origin(written: str) -> None:
    """Raises ValueError unless it is an origin as browsers send it. `null` would be any file and any sandbox."""
    if not _ORIGIN.fullmatch(written):
        raise ValueError(f"http_origins must be origins without a path, as http://localhost:3000, not {written!r}")


def _check_names(template: str, *, one: bool) -> None:
    """Raises ValueError for an invalid template. A colon would end the client's name on JACK and ALSA."""
    rest = template.replace("{stem}", "", 1)
    if any(character in rest for character in "{}:") or not template.isprintable() or template != template.strip():
        raise ValueError(f"midi_names must be plain text with {{stem}} in it once and no colon, not {template!r}")
    if rest == template and not one:
        raise ValueError(f"midi_names must have {{stem}} in it, because each stem has its own port, not {template!r}")
    if not 0 < len(template.replace("{stem}", max(STEMS, key=len))) <= MAX_PORT_NAME:
        raise ValueError(f"midi_names must make names of at most {MAX_PORT_NAME} characters, not {template!r}")


def decode_path(kind: type[Any], value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise ValueError(f"{value} names the home folder of an unknown user") from None
    raise ValueError(f"{value!r} is not a {kind.__name__}")
