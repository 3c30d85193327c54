"""Tempo and key in words for musicians."""

from __future__ import annotations

from bridge.model import Music

#: From this margin on, a key is named without "perhaps".
CLEAR_MARGIN = 0.05


def music_words(music: Music) -> list[str]:
    """`about 98.5 BPM`, `4/4`, `B-flat major`; an unknown tempo is left out."""
    words = [tempo_words(music)]
    if music.tempo_source != "default":
        words.append("/".join(map(str, music.time_signature)))
    if music.key:
        words.append(key_words(music.key) if music.key_margin >= CLEAR_MARGIN else f"perhaps {key_words(music.key)}")
    return [word for word in words if word]


def tempo_words(music: Music) -> str:
    """`about 98.5 BPM`, with the slowest and fastest bar where beats were followed; empty where no tempo is known."""
    if music.tempo_map:
        # The first beats make up for what precedes them; the last is a guess.
        tempi = sorted(point.bpm for point in music.tempo_map[2:-1]) or [music.tempo_bpm]
        slowest, fastest = tempi[len(tempi) // 20], tempi[-1 - len(tempi) // 20]
        return f"about {music.tempo_bpm:.1f} BPM, followed from {slowest:.0f} to {fastest:.0f}"
    return {"given": f"{music.tempo_bpm:g} BPM", "estimated": f"about {music.tempo_bpm:.1f} BPM", "default": ""}[
        music.tempo_source
    ]


def key_words(key: str) -> str:
    """`Bb major` → `B-flat major`"""
    tonic, _, mode = key.partition(" ")
    spelled = tonic[0] + {"b": "-flat", "#": "-sharp"}.get(tonic[1:], "")
    return f"{spelled} {mode}"
