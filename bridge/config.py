"""Settings: defaults < TOML file < environment < command line, read once into one frozen value.

This is the only module that reads the environment. A setting has one name everywhere: `models_dir` in the file,
`SAB_MODELS_DIR` in the environment, `--models-dir` on the command line.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from bridge.errors import BadArguments

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

APP_NAME = "source-audio-bridge"
PREFIX = "SAB_"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9720


def _state_dir() -> Path:
    return platformdirs.user_state_path(APP_NAME, appauthor=False)


def _models_dir() -> Path:
    return platformdirs.user_data_path(APP_NAME, appauthor=False) / "models"


def _cache_dir() -> Path:
    return platformdirs.user_cache_path(APP_NAME, appauthor=False)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set, with its default."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    http_port: int | None = None
    """The TCP port for OSCQuery and polling; None: the same number as `port`, 0: any free one."""
    no_http: bool = False
    """True: open no HTTP port."""
    announce: bool = False
    """True: the bridge can be found in the network by zeroconf, where `host` lets other computers in."""
    state_dir: Path = msgspec.field(default_factory=_state_dir)
    """Where the history of jobs is kept."""
    models_dir: Path = msgspec.field(default_factory=_models_dir)
    """Where the user puts models; downloads go to the cache that the demucs package uses."""
    cache_dir: Path = msgspec.field(default_factory=_cache_dir)
    """Where finished results and converted models are kept; all of it may be deleted at any time."""
    cache_max_gb: float = 5.0
    """How large the cache of results may grow, in 10⁹ bytes; 0: none is kept."""
    engine: str = "auto"
    stems: str = "all"
    midi: str = "stems"
    format: str = "wav"
    depth: str = "source"
    device: str = "auto"
    no_midi: bool = False
    """True: open no MIDI ports."""
    roots: tuple[Path, ...] = ()
    """Folders that clips and results must lie in; empty: anywhere."""
    max_minutes: float = 60.0
    """The longest region that a job may have."""
    queue_limit: int = 100
    """How many jobs may wait."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port must be between 0 and 65535, not {self.port}")
        if self.http_port is not None and not 0 <= self.http_port <= 65535:
            raise ValueError(f"http_port must be between 0 and 65535, not {self.http_port}")
        if self.max_minutes <= 0:
            raise ValueError(f"max_minutes must be more than 0, not {self.max_minutes:g}")
        if self.queue_limit < 1:
            raise ValueError(f"queue_limit must be at least 1, not {self.queue_limit}")
        if not 0 <= self.cache_max_gb < math.inf:
            raise ValueError(f"cache_max_gb must be 0 or more, not {self.cache_max_gb:g}")

    @property
    def cache_max_bytes(self) -> int:
        return round(self.cache_max_gb * 1e9)


def default_file() -> Path:
    """Where the settings file is looked for when none is named."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def load_settings(
    environment: Mapping[str, str], options: Mapping[str, object] | None = None, file: Path | None = None
) -> Settings:
    """The settings in force.

    Args:
        environment: usually `os.environ`.
        options: what the command line gives; None values count as not given.
        file: the TOML file; None: `SAB_CONFIG`, else the default place, which need not exist.

    Raises:
        BadArguments: a value has the wrong type or range, or a name in the file is unknown.
    """
    named = file or (Path(environment["SAB_CONFIG"]) if environment.get("SAB_CONFIG") else None)
    merged: dict[str, object] = {**_from_file(named or default_file(), required=named is not None)}
    merged.update(_from_environment(environment))
    merged.update({name: value for name, value in (options or {}).items() if value is not None})
    try:
        return msgspec.convert(merged, Settings, strict=False, dec_hook=_decode)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadArguments(f"The settings cannot be used: {error}.", advice="See docs/settings.md.") from error


def _from_file(path: Path, *, required: bool) -> dict[str, object]:
    try:
        found: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
        return found
    except FileNotFoundError:
        if required:
            raise BadArguments(f"There is no settings file {path}.", advice="Check SAB_CONFIG.") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadArguments(
            f"The settings file {path} cannot be read: {error}.", advice="See docs/settings.md."
        ) from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        value = environment.get(PREFIX + field.name.upper())
        if value:
            found[field.name] = _folders(value) if field.name == "roots" else value
    return found


def _folders(text: str) -> list[str]:
    """A list of folders the way PATH writes it."""
    separator = ";" if sys.platform == "win32" else ":"
    return [part for part in text.split(separator) if part]


def _decode(kind: type[Any], value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    raise ValueError(f"{value!r} is not a {kind.__name__}")
