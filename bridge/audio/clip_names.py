"""The names of audio files: which endings they have, and their natural order."""

from __future__ import annotations

import re
import unicodedata

#: Of audio files, in lower case. In a folder, files with other endings are no clips.
AUDIO_ENDINGS = frozenset(
    [
        ".aac",
        ".aif",
        ".aifc",
        ".aiff",
        ".alac",
        ".au",
        ".caf",
        ".flac",
        ".m4a",
        ".mka",
        ".mp2",
        ".mp3",
        ".oga",
        ".ogg",
        ".opus",
        ".snd",
        ".w64",
        ".wav",
        ".wave",
        ".wma",
    ]
)


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts `take 2` before `take 10`, whatever the case and the Unicode form of the letters."""
    words = re.findall(r"[0-9]+|[^0-9]+", unicodedata.normalize("NFC", name).casefold())
    return [(0, int(word), "") if word[0] in "0123456789" else (1, 0, word) for word in words], name
