"""Tempo, metre and key in words."""

from __future__ import annotations

from bridge.model import Music
from bridge.score.words import key_words, music_words


def music_facts(music: Music) -> list[str]:
    """`about 98.5 BPM` or where else the tempo is from, `4/4` where there is a beat, and the key if it is known."""
    metre = [] if music.tempo_source == "default" else ["/".join(map(str, music.time_signature))]
    return [_tempo_words(music), *metre, *([key_words(music.key)] if music.key else [])]


def _tempo_words(music: Music) -> str:
    if music.tempo_source == "default":
        return f"{music.tempo_bpm:g} BPM assumed (t taps it)"
    words = music_words(music)[0]
    return f"{words} given" if music.tempo_source == "given" and not music.tempo_map else words
