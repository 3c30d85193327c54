"""The settings file, changed line by line: what the user has written around a value stays."""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bridge import config
from bridge.config import JOB_SETTINGS, Settings, load_settings, setting_names
from bridge.errors import BadArguments, NotWritable
from bridge.options.table import OPTIONS
from bridge.protocols.workshop import SettingView
from bridge.system.files import write_whole

#: What each setting of the bridge itself does, in a sentence; those of jobs have theirs in the table of options.
HELP: Mapping[str, str] = {
    "host": "The address to listen on; another one lets other computers send jobs, and needs a secret.",
    "port": "The UDP port for OSC; 0 takes any free one and keeps no history.",
    "http_port": "The TCP port for jobs over HTTP and for OSCQuery; empty: as port.",
    "no_http": "Open no HTTP port.",
    "http_origins": "The web pages that may use the bridge with its token, as http://localhost:3000, with commas.",
    "http_upload_mb": "The largest clip that HTTP takes as a body, in megabytes; 0 takes none.",
    "announce": "Let other computers find the bridge by zeroconf.",
    "state_dir": "Folder of the jobs and the log.",
    "models_dir": "Folder of your own models.",
    "cache_dir": "Folder of cached results and converted models.",
    "cache_max_gb": "Size of the results cache in gigabytes; 0 caches none.",
    "no_midi": "Open no MIDI ports; MIDI files are written all the same.",
    "bell": "When the screen rings the terminal's bell: for what failed, for all that ends, or never.",
    "hear_on": "The output that you hear stems and notes on.",
    "midi_backend": "What MIDI ports open on; auto: the first that answers.",
    "midi_ports": "A port for each stem, or one for all with a channel for each.",
    "midi_names": "The names of the ports; {stem} becomes the stem's name.",
    "midi_offsets_ms": "By stem, how many milliseconds later its notes play, as vocals=-3.5,drums=-2.",
    "watch": "Folders whose songs become jobs, each once; several with : between them (Windows: ;). Empty: none.",
    "watch_settle_seconds": "A file in a watched folder that has not changed for so long is complete.",
    "watch_poll": "Look watched folders through every few seconds; network drives are anyway.",
    "roots": "Folders that clips and results must lie in; several with : between them (Windows: ;). Empty: anywhere.",
    "local_access": "Which programs of this computer may send jobs.",
    "secret_file": "The file with the secret for other computers.",
    "allow": "The other computers that may send jobs: addresses and networks, with commas.",
    "trust_pickles": "Load your own models that may run code.",
    "max_minutes": "The longest region that a job may have, in minutes.",
    "queue_limit": "How many jobs may wait.",
    "cluster": "The farm that computes jobs, as tls://studio:8786; empty: this computer does.",
    "history_limit": "How many finished jobs are kept and listed.",
}
_SWITCH = ("true", "false")


class SettingsFile:
    """The file that a bridge was started with, and its variables of the environment.

    Args:
        running: the settings that the bridge runs with.
        environment: usually `os.environ`.
    """

    def __init__(self, running: Settings, environment: Mapping[str, str] = os.environ) -> None:
        self._running = running
        self._environment = environment
        self.path = Path(environment.get("SAB_CONFIG") or config.default_file())

    def views(self) -> tuple[SettingView, ...]:
        """Every setting. Raises BadArguments if the file cannot be read."""
        written = self._document()
        return tuple(self._view(name, written) for name in setting_names())

    def change(self, name: str, text: str) -> SettingView:
        """Writes one setting; an empty text takes it out.

        Raises:
            BadArguments: the value cannot be used, or the file cannot be read.
            NotWritable: the file cannot be written.
        """
        import tomlkit

        if not text.strip().isprintable():
            raise BadArguments(f"{name} must be plain text, not {text!r}.", advice="")
        document = self._document()
        if text.strip():
            value = self._checked(name, text.strip())
            if isinstance(value, dict):
                table = tomlkit.inline_table()
                table.update(value)
                document[name] = table
            else:
                document[name] = tomlkit.item(value)
        else:
            document.pop(name, None)
        is_private = not self.path.exists() or not self.path.stat().st_mode & 0o077
        try:
            write_whole(self.path.resolve(), tomlkit.dumps(document).encode(), private=is_private)
        except OSError as error:
            reason = error.strerror or error
            raise NotWritable(f"The settings file {self.path} cannot be written: {reason}.") from error
        return self._view(name, document)

    def _document(self) -> Any:
        """The file as tomlkit has it."""
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        try:
            return tomlkit.parse(self.path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return tomlkit.document()
        except (OSError, ValueError, RecursionError, TOMLKitError) as error:
            raise BadArguments(f"The settings file {self.path} cannot be read: {error}.", advice="Mend it.") from error

    def _checked(self, name: str, text: str) -> object:
        """The value for the file. Raises BadArguments."""
        if name not in setting_names():
            raise BadArguments(f"There is no setting {name}.", advice="See docs/settings.md.")
        if name in JOB_SETTINGS:
            OPTIONS[name].read(text)
            return text
        decoded = config.DECODERS[name](text) if name in config.DECODERS else text
        try:
            kind = typing.get_type_hints(Settings)[name]
            value = msgspec.convert(decoded, kind, strict=False, dec_hook=config.decode_path)
            load_settings({**self._environment, config.PREFIX + name.upper(): ""}, {name: value}, self._existing)
        except (msgspec.ValidationError, ValueError) as error:
            raise BadArguments(f"{name}: {error}.", advice="") from error
        except BadArguments as error:
            words = error.message.removesuffix(f", in the option --{name.replace('_', '-')}.")
            raise BadArguments(f"{words.rstrip('.')}.", advice="") from error
        return text if isinstance(value, Path) else msgspec.to_builtins(value, enc_hook=str)

    @property
    def _existing(self) -> Path | None:
        return self.path if self.path.exists() else None

    def _view(self, name: str, written: Mapping[str, object]) -> SettingView:
        variable = config.PREFIX + name.upper()
        text = _text(written[name], name) if name in written else ""
        default, running = _value(name, Settings()), _value(name, self._running)
        option = OPTIONS[name] if name in JOB_SETTINGS else None
        return SettingView(
            name=name,
            help=option.help if option else HELP[name],
            words=option.words if option else "",
            text=text,
            default=default,
            choices=option.kind.suggestions if option else _CHOICES.get(name, ()),
            overridden_by=variable if self._environment.get(variable) else "",
            is_waiting=os.path.expanduser(text or default) != running,  # noqa: PTH111 – pathlib may raise
        )


def _value(name: str, settings: Settings) -> str:
    if name in JOB_SETTINGS:
        return _text(OPTIONS[name].value(settings.defaults))
    return _text(msgspec.to_builtins(getattr(settings, name), enc_hook=str), name)


def _text(value: object, name: str = "") -> str:
    """A value as one would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={_text(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return (os.pathsep if name in ("roots", "watch") else ",").join(map(_text, value))
    return str(value)


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "midi_backend": config.MIDI_BACKENDS,
    "midi_ports": config.MIDI_PORTS,
    "local_access": config.LOCAL_ACCESS,
    "bell": config.BELLS,
    "hear_on": config.OUTPUTS,
    **{name: _SWITCH for name in Settings.__struct_fields__ if _value(name, Settings()) in _SWITCH},
}
