"""The tools that people use today: the demucs and basic-pitch commands, and demucs with its model loaded."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

#: The separation step of the demucs command, with the command's default settings, on a loaded model.
_LOADED = """
import sys, time
from pathlib import Path
import soundfile, torch
from demucs.apply import apply_model
from demucs.pretrained import get_model
model = get_model("htdemucs", repo=Path(sys.argv[1]))
model.eval()
samples, _ = soundfile.read(sys.argv[2], dtype="float32", always_2d=True)
mix = torch.from_numpy(samples.T.copy())
apply_model(model, mix[None, :, :44100])
began = time.perf_counter()
apply_model(model, mix[None])
print(time.perf_counter() - began)
"""


def demucs(models: Path, clip: Path, out: Path) -> Path:
    """Separates `clip` with the demucs command; returns the folder of the four stems."""
    _run([sys.executable, "-m", "demucs", "--repo", str(models), "-n", "htdemucs", "-o", str(out), str(clip)])
    return out / "htdemucs" / clip.stem


def demucs_loaded_seconds(models: Path, clip: Path) -> float:
    """Seconds for separation alone, without startup, loading, reading and writing."""
    return float(_run([sys.executable, "-c", _LOADED, str(models), str(clip)]).split()[-1])


def basic_pitch(stems: Path, out: Path) -> None:
    """Transcribes all stems to MIDI in one call of the command, which uses its ONNX model if TensorFlow is missing."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.mid"):
        old.unlink()  # it refuses to overwrite
    command = Path(sysconfig.get_path("scripts")) / "basic-pitch"
    _run([str(command), str(out), *map(str, sorted(stems.glob("*.wav")))])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
