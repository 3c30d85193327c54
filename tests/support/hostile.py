"""Hostile file names, as an attacker, a sample pack or an old drive may contain."""

from __future__ import annotations

from hypothesis import strategies as st

#: Each with its effect if it is not shown as plain text.
NAMES = (
    "song [key=F#m]",  # an error of Textual's markup
    "gain [v=+3dB]",
    "[@click=app.quit]CLICK ME",  # an action
    "[/b] and [link=file:///etc/passwd]x[/link]",  # an error of Rich's markup; a link
    ":warning: :smile:",  # Rich's emoji codes
    "$name {task.description} %s",
    "red\x1b[31m\x1b]0;title\x07\x1b[2J",  # colour, window title, an empty screen
    "c1\x9b31m\x9d0;title\x9c\x90",  # the same in one byte each
    "line\r\n12:00:00 forged: line\x0b\x0c\x1c\x85\u2028\u2029",
    "\u202egpj.wav\u202c \u2066x\u2069 \u061c\u200e\u200f",  # reversed text
    "pay\u200bpal\u2060\ufeff\u00ad\U000e0041",  # invisible characters
    "bell\x07 back\x08\x08 nul\x00 del\x7f tab\t",
    "half \ud83d and byte \udcff",  # not valid text
    "שיר Über 夜 👩🏽‍🎤 naïve\u0301",  # harmless, and not ASCII
)

_CHARACTERS = st.one_of(
    st.sampled_from("[]/=@#'\"\\{}:$%\x1b\x9b\x9d\x07\r\n\t\x85\u2028\u202e\u2066\u200b\u200d\ufeff\udcff\ud800"),
    st.characters(exclude_categories=()),
)
#: Names made of dangerous characters.
names = st.one_of(st.sampled_from(NAMES), st.text(_CHARACTERS, min_size=1, max_size=40))


def is_harmless(shown: str) -> bool:
    """Whether a terminal would show each line as text, without control sequences."""
    return all(line.isprintable() for line in shown.split("\n"))


def is_text(name: str) -> bool:
    """Whether `name` can be encoded as UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
