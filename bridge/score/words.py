"""Tempo and key in words for musicians."""

from __future__ import annotations

from bridge.model import Music

#: From this margin on, a key is named without "perhaps".
CLEAR_MARGIN = 0.05


def music_words(music: Music) -> list[str]:
    """`about 98.5 BPM`, `4/4`, `B-flat major`; an unknown tempo is left out."""
    tempo = {"given": f"{music.tempo_bpm:g} BPM", "estimated": f"about {music.tempo_bpm:.1f} BPM", "default": ""}
    words = [tempo[music.tempo_source]]
    if music.tempo_source != "default":
        words.append("/".join(map(str, music.time_signature)))
    if music.key:
        words.append(key_words(music.key) if music.key_margin >= CLEAR_MARGIN else f"perhaps {key_words(music.key)}")
    return [word for word in words if word]


def key_words(key: str) -> str:
    """`Bb major` → `B-flat major`"""
    tonic, _, mode = key.partition(" ")
    spelled = tonic[0] + {"b": "-flat", "#": "-sharp"}.get(tonic[1:], "")
    return f"{spelled} {mode}"
