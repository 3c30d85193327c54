"""Which terminal understands which escapes: by what its environment says of it; inside tmux, by what tmux says.

A terminal that is not listed gets a title and nothing else: OSC 9 means a notification to some and progress to others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Notification: TypeAlias = Literal["", "9", "777"]
Version: TypeAlias = tuple[int, ...]

#: They show escapes as text, or have no title.
_WITHOUT_TITLE = ("", "dumb", "unknown", "linux", "cons25", "vt100", "ansi")
#: A terminal that never had progress.
_NEVER: Version = (10**9,)


@dataclass(frozen=True)
class Abilities:
    """What may be sent to a terminal."""

    title: bool = False
    progress: bool = False
    """OSC 9;4."""
    notification: Notification = ""
    """By which OSC; empty: by none."""
    through_tmux: bool = False
    """Progress and notifications have to be passed through tmux."""


@dataclass(frozen=True)
class _Terminal:
    notification: Notification
    progress_since: Version


#: By what a terminal is called, in lower case: its notifications, and the version from which on OSC 9;4 is progress.
_TERMINALS: Mapping[str, _Terminal] = {
    "ghostty": _Terminal("777", (1, 2)),
    "wezterm": _Terminal("777", (20250301,)),
    "iterm": _Terminal("9", (3, 6, 6)),
    "kitty": _Terminal("9", _NEVER),
    "foot": _Terminal("777", _NEVER),
    "contour": _Terminal("777", _NEVER),
    "rxvt-unicode": _Terminal("777", _NEVER),
    "warpterminal": _Terminal("9", _NEVER),
    "vscode": _Terminal("", (1, 97)),
    "mintty": _Terminal("", (3, 6)),
}
#: VTE reads OSC 777 without showing it since the first, and OSC 9;4 since the second; Konsole likewise.
_VTE_QUIET, _VTE_PROGRESS = 4600, 7900
_KONSOLE_NOTIFIES, _KONSOLE_PROGRESS = 210400, 250400


def abilities_of(environment: Mapping[str, str]) -> Abilities:
    """What the terminal of this environment understands; inside tmux or screen only the title: see `TMUX_QUESTION`."""
    term = environment.get("TERM", "")
    if term in _WITHOUT_TITLE and "WT_SESSION" not in environment and "ConEmuANSI" not in environment:
        return Abilities()
    if environment.get("TMUX") or environment.get("STY"):
        return Abilities(title=True)
    if "WT_SESSION" in environment or environment.get("ConEmuANSI") == "ON":
        return Abilities(title=True, progress=True)
    named = (
        (environment.get("TERM_PROGRAM", ""), environment.get("TERM_PROGRAM_VERSION", "")),
        (environment.get("LC_TERMINAL", ""), environment.get("LC_TERMINAL_VERSION", "")),
        (term, ""),
    )
    for name, version in named:
        if (terminal := _terminal(name)) is not None:
            return _abilities(terminal, version)
    if (vte := _number(environment.get("VTE_VERSION", ""))) >= _VTE_QUIET:
        return Abilities(title=True, progress=vte >= _VTE_PROGRESS, notification="777")
    if (konsole := _number(environment.get("KONSOLE_VERSION", ""))) >= _KONSOLE_NOTIFIES:
        return Abilities(title=True, progress=konsole >= _KONSOLE_PROGRESS, notification="777")
    return Abilities(title=True)


#: What `tmux display-message -p` is asked: whether escapes may pass, and the terminal outside.
TMUX_QUESTION = "#{allow-passthrough} #{client_termname} #{client_termtype}"


def abilities_in_tmux(answer: str) -> Abilities:
    """What the terminal outside tmux understands, by the answer to `TMUX_QUESTION`; only the title, unless all passes.

    The environment says nothing of it: tmux's server keeps that of the terminal in which it was started.
    """
    passes, _, words = answer.strip().partition(" ")
    if passes not in ("on", "all", "1", "2"):
        return Abilities(title=True)
    term, _, kind = words.partition(" ")
    for name in (kind, term):
        if (terminal := _terminal(name)) is not None:
            found = _abilities(terminal, name)
            return Abilities(True, found.progress, found.notification, through_tmux=True)
    return Abilities(title=True)


def _terminal(name: str) -> _Terminal | None:
    """`ghostty`, `xterm-ghostty`, `iTerm.app`, `iTerm2 3.6.6`, `kitty(0.35.2)`, `foot-extra`."""
    words = name.lower().removeprefix("xterm-")
    return next((terminal for known, terminal in _TERMINALS.items() if words.startswith(known)), None)


def _abilities(terminal: _Terminal, version: str) -> Abilities:
    found = re.search(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", re.sub(r"^iTerm2", "", version))
    numbers = tuple(int(digits) for digits in found.groups() if digits) if found else ()
    return Abilities(title=True, progress=numbers >= terminal.progress_since, notification=terminal.notification)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
