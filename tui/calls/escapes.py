"""The escapes themselves. Every text is made harmless first, so that none can end its escape and begin another."""

from __future__ import annotations

from typing import Literal, TypeAlias

from bridge.plain import plain

#: Ends an escape; some terminals do not accept BEL.
ST = "\x1b\\"
#: The terminal keeps its title for us, and takes it back (xterm's "title stack").
KEEP_TITLE, GIVE_TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
LONGEST_TITLE, LONGEST_BODY = 120, 200

ProgressState: TypeAlias = Literal["none", "running", "error", "unknown"]
#: ConEmu's numbers.
_STATES: dict[ProgressState, int] = {"none": 0, "running": 1, "error": 2, "unknown": 3}


def title(text: str) -> str:
    """Sets the window's title."""
    return f"\x1b]2;{_harmless(text, LONGEST_TITLE)}{ST}"


def progress(state: ProgressState, percent: int = 0) -> str:
    """Progress in the tab or the task bar; 0–100, which counts only while it runs or has failed."""
    return f"\x1b]9;4;{_STATES[state]};{min(max(percent, 0), 100)}{ST}"


def notification(kind: str, heading: str, body: str) -> str:
    """A desktop notification by OSC `kind`: 777 has a heading of its own."""
    heading, body = _harmless(heading, LONGEST_TITLE).replace(";", ","), _harmless(body, LONGEST_BODY)
    if kind == "777":
        return f"\x1b]777;notify;{heading};{body.replace(';', ',')}{ST}"
    return f"\x1b]9;{heading}: {body}{ST}"


def through_tmux(escape: str) -> str:
    """For the terminal outside tmux."""
    return "\x1bPtmux;" + escape.replace("\x1b", "\x1b\x1b") + ST


def _harmless(text: str, longest: int) -> str:
    text = plain(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
