"""Recorded drum kits to learn from: Hydrogen's kits and the kits of sound fonts, hit by hit.

A kit maps a General MIDI key to the recordings of its hits, softest first. Each recording starts at its onset and has
one channel at 44.1 kHz. Nothing here is stored in the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import resample_poly

from benchmarks.corpora.synthesis import RATE_HZ, Part, played
from bridge.model import Note

Sound = npt.NDArray[np.float32]
Kit = Mapping[int, Sequence[Sound]]

#: Where Debian's packages put them (`hydrogen-drumkits`, `hydrogen-data`, and the fonts' own packages).
HYDROGEN = Path("/usr/share/hydrogen/data/drumkits")
FONTS = Path("/usr/share/sounds/sf2")

#: The first expression that a Hydrogen instrument's name matches gives its key; None leaves the instrument out.
NAMES: tuple[tuple[str, int | None], ...] = (
    (r"clap|roll|fx|zap|whistle|drum [12]$|choke|flink|stick \(|sample:|click$", None),
    (r"cowbell|agogo|clave|conga|bongo|wood|tambourine|maraca|shaker|djembe|sangban|dunun|kenkeni|snaps|glass", 56),
    (r"cajon", None),
    (r"kick|bass ?drum", 36),
    (r"side stick|stick|rim click", 37),
    (r"snare.*(rock|rimshot|2|edge)", 40),
    (r"snare", 38),
    (r"floor tom|tom.*(low|floor)|low tom", 41),
    (r"tom.*(hi|1)|high tom", 48),
    (r"tom", 45),
    (r"pedal hh|hat pedal|hi-?hat pedal|hat.*(pd|pedal)|pedal hat", 44),
    (r"open|ohh|hat free|hat.*op|swish", 46),
    (r"hat|hh", 42),
    (r"bell|cup", 53),
    (r"china|splash|crash/ride$|crash", 49),
    (r"ride", 51),
    (r"cymbal", 49),
)
#: Keys and programs that are rendered from a sound font.
KIT_KEYS = (35, 36, 37, 38, 40, 41, 43, 45, 47, 48, 50, 42, 44, 46, 49, 57, 55, 51, 53, 59)
PERCUSSION_KEYS = (54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 82)
GM_PROGRAMS = (0, 8, 16, 24, 25, 32, 40)
VELOCITIES = (35, 65, 95, 125)
LONG_SECONDS, SHORT_SECONDS = 2.4, 1.1
LONG_KEYS = (46, 49, 51, 52, 53, 55, 57, 59)
#: A hit begins where it reaches this share of its peak, and ends where it stays below the other.
ONSET_SHARE, END_SHARE = 0.03, 0.001


@dataclass(frozen=True)
class KitSource:
    """Where one kit comes from; `load` reads it."""

    name: str
    path: Path
    program: int | None = None
    """The kit's program in a sound font's drum bank; None: a Hydrogen kit, -1: the font's first melodic program."""

    def load(self) -> dict[int, list[Sound]]:
        if self.program is None:
            return _hydrogen_kit(self.path)
        return _font_kit(self.path, self.program)


def sources(hydrogen: Path = HYDROGEN, fonts: Path = FONTS) -> Iterator[KitSource]:
    """Every kit that is installed."""
    for folder in sorted(hydrogen.glob("*")):
        if (folder / "drumkit.xml").exists():
            yield KitSource(folder.name, folder)
    for font in ("Black_Pearl_4_LV2.sf2", "Red_Zeppelin_4_LV2.sf2"):
        if (fonts / font).exists():
            yield KitSource(font.split("_4")[0], fonts / font, -1)
    for font in ("TimGM6mb.sf2", "FluidR3_GM.sf2", "MuseScore_General_Full.sf2"):
        if (fonts / font).exists():
            for program in GM_PROGRAMS:
                yield KitSource(f"{font.split('.')[0]} {program}", fonts / font, program)


def cached(source: KitSource, folder: Path) -> dict[int, list[Sound]]:
    """The kit; from `folder` where it was read before."""
    path = folder / f"{source.name.replace(' ', '_')}.npz"
    if not path.exists():
        kit = source.load()
        np.savez(path, **{f"{key}_{n}": hit for key, hits in kit.items() for n, hit in enumerate(hits)})  # type: ignore[arg-type]
    kit = {}
    with np.load(path) as file:
        for name in sorted(file.files, key=lambda name: [int(part) for part in name.split("_")]):
            kit.setdefault(int(name.split("_")[0]), []).append(file[name])
    return kit


def key_of(name: str) -> int | None:
    """The General MIDI key for a Hydrogen instrument's name; None where it is no drum that we know."""
    for expression, key in NAMES:
        if re.search(expression, name.lower()):
            return key
    return None


def _hydrogen_kit(folder: Path) -> dict[int, list[Sound]]:
    text = (folder / "drumkit.xml").read_text(encoding="utf-8", errors="replace")
    root = ElementTree.fromstring(re.sub(r'xmlns(:\w+)?="[^"]*"|xsi:\w+="[^"]*"', "", text))
    kit: dict[int, list[Sound]] = {}
    for instrument in root.iter("instrument"):
        key = key_of(instrument.findtext("name") or "")
        layers = [(float(layer.findtext("min") or 0), layer.findtext("filename")) for layer in instrument.iter("layer")]
        names = [name for _, name in sorted(layers, key=lambda layer: layer[0])] or [instrument.findtext("filename")]
        hits = [_read(folder / name) for name in names if name and (folder / name).exists()]
        if key is not None and hits:
            while key in kit and key + 1000 in kit:
                key += 1000
            kit[key if key not in kit else key + 1000] = [hit for hit in hits if hit is not None]
    return {key: hits for key, hits in kit.items() if hits}


def _read(path: Path) -> Sound | None:
    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != RATE_HZ:
        mono = resample_poly(mono, RATE_HZ, rate).astype(np.float32)
    return trimmed(mono, LONG_SECONDS)


def _font_kit(font: Path, program: int) -> dict[int, list[Sound]]:
    keys: tuple[int, ...] = KIT_KEYS if program < 0 else (*KIT_KEYS, *PERCUSSION_KEYS)
    keys = tuple(key for key in keys if program >= 0 or key not in (35, 48, 50, 55, 59))
    moments, moment = [], 0.1
    for key in keys:
        for velocity in VELOCITIES:
            length = LONG_SECONDS if key in LONG_KEYS else SHORT_SECONDS
            moments.append((key, velocity, moment, length))
            moment += length + 0.6
    notes = tuple(
        Note(onset_seconds=start, offset_seconds=start + length, pitch=key, velocity=velocity)
        for key, velocity, start, length in moments
    )
    part = Part("other" if program < 0 else "drums", notes, max(program, 0))
    sound = played(part, round((moment + 1) * RATE_HZ), str(font)).mean(axis=1).astype(np.float32)
    kit: dict[int, list[Sound]] = {}
    for key, _, start, length in moments:
        hit = trimmed(sound[round(start * RATE_HZ) : round((start + length) * RATE_HZ)], length)
        if hit is not None:
            kit.setdefault(key, []).append(hit)
    return kit


def trimmed(sound: Sound, seconds: float) -> Sound | None:
    """The sound from its onset to where it is no more than `END_SHARE` of its peak; None where it is silent."""
    size = np.abs(sound)
    peak = float(size.max(initial=0.0))
    if peak < 1e-4:
        return None
    first = max(0, int(np.argmax(size > ONSET_SHARE * peak)) - 8)
    last = len(size) - int(np.argmax(size[::-1] > END_SHARE * peak))
    hit: Sound = sound[first : min(last, first + round(seconds * RATE_HZ))].copy()
    fade = min(len(hit), 441)
    hit[len(hit) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return hit
