"""The seam of what the bridge works with: its models and its settings."""

from __future__ import annotations

from typing import Protocol

from bridge.value import Value


class SettingView(Value, frozen=True, kw_only=True):
    """One setting, as the user may see and change it."""

    name: str
    help: str
    words: str
    """What it takes, for people; empty where `help` says it."""
    text: str
    """Its value in the settings file, as one would type it; empty: the file does not have it."""
    default: str
    """The value without the file, as one would type it."""
    choices: tuple[str, ...] = ()
    """Values to choose from, where there are few or these are usual."""
    overridden_by: str = ""
    """The variable of the environment that the bridge was started with, and that wins; empty: none."""
    is_waiting: bool = False
    """The file has another value than the bridge found in it first: it counts from the next start."""


class Workshop(Protocol):
    """Downloads models, and changes the settings file. What `Bridge.models` lists belongs to it."""

    def pull(self, name: str) -> None:
        """Begins to download a model; `Pulling` and at last `Pulled` tell how it goes.

        Does nothing while it is being downloaded.
        """
        ...

    def cancel_pull(self, name: str) -> None:
        """Ends a download; what has come is kept for the next one. Does nothing without one."""
        ...

    async def settings(self) -> tuple[SettingView, ...]:
        """Every setting, in the order of the pages.

        Raises:
            BadArguments: the settings file cannot be read.
            NotReadable: its drive does not answer.
        """
        ...

    async def change_setting(self, name: str, text: str) -> SettingView:
        """Writes a setting into the file, whose other lines and comments stay; an empty text takes it out.

        Raises:
            BadArguments: there is no such setting, or the value cannot be used; nothing was changed.
            NotWritable: the file cannot be written.
        """
        ...
