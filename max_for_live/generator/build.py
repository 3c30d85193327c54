"""The device's files: unfrozen with its script beside it, and frozen into one file."""

from __future__ import annotations

from pathlib import Path

from max_for_live.generator import chunks, description
from max_for_live.generator.frozen import DEVICE_FLAG, File, frozen
from max_for_live.generator.patcher import as_text, patch
from max_for_live.generator.script import NAME as SCRIPT
from max_for_live.generator.script import bundled

DEVICE = f"{description.NAME}.amxd"
#: The folders of the two kinds, within the target folder.
UNFROZEN, FROZEN = "unfrozen", "frozen"


def files() -> dict[str, bytes]:
    """The content of every file, by its path in the target folder."""
    script = bundled().encode("ascii")
    patcher = as_text(patch())
    inside = (File(DEVICE, b"JSON", patcher, flag=DEVICE_FLAG), File(SCRIPT, b"TEXT", script))
    return {
        f"{UNFROZEN}/{DEVICE}": chunks.chunk_bytes(chunks.AUDIO_EFFECT, chunks.UNFROZEN, patcher),
        f"{UNFROZEN}/{SCRIPT}": script,
        f"{FROZEN}/{DEVICE}": chunks.chunk_bytes(chunks.AUDIO_EFFECT, chunks.FROZEN, frozen(inside)),
    }


def build(folder: Path) -> list[Path]:
    """Writes every file below `folder`."""
    written = []
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written
