"""Trains the drum classifier: `python -m benchmarks.training.drums FOLDER [--songs 1500]`.

Reads the kits that are installed (`benchmarks.training.drum_kits`), renders parts of seeds from 100 000 on
(`benchmarks.training.drum_examples`), stores the levels around their hits in FOLDER, trains the network
(`benchmarks.training.drum_network`), and writes `bridge/transcription/drums/drums.npz`. Takes about half an hour of one
core. The kits of `HELD_OUT` have parts of their own; with `--held` these are not learnt from but measured on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.corpora.synthesis import RATE_HZ
from benchmarks.training.drum_examples import Example, band, examples, machine_examples, plain_examples, song_examples
from benchmarks.training.drum_kits import FONTS, HYDROGEN, Kit, KitSource, cached, sources
from benchmarks.training.drum_network import Clip, Table, trained
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.transcription.drums.band_spectrogram import band_spectrogram
from bridge.transcription.drums.classifier import WEIGHTS, DrumClassifier
from bridge.transcription.drums.features import features_of, slot_levels
from bridge.transcription.drums.hit_onsets import hit_frames
from bridge.transcription.drums.kit import KIT

#: Seeds of the parts and of the bands beside them, for most kits and for those held out.
SEEDS = (*range(100_000, 100_660), *range(200_000, 200_048, 4))
HELD_SEEDS = range(800_000, 800_100)
#: Seeds of parts on synthetic kits.
MACHINE_SEEDS = range(400_000, 400_160)
#: Seeds of songs as sound fonts play them, and the fonts; the first is drawn more often.
PLAIN_SEEDS, PLAIN_FONTS = range(300_000, 300_143), ("TimGM6mb.sf2", "TimGM6mb.sf2", "FluidR3_GM.sf2")
#: Seeds of songs as the benchmark measures them (its own have other seeds), and their kits' fonts.
SONG_SEEDS = (*range(500_000, 500_170), *range(500_200, 500_257))
SONG_FONTS = ("TimGM6mb.sf2", "FluidR3_GM.sf2", "FluidR3_GM.sf2")
BAND_SEEDS, HELD_BAND_SEEDS = range(50_000, 50_040), range(60_000, 60_010)
#: Kits of every kind that `--held` measures on: recorded, of a sound font, and of a drum machine.
HELD_OUT = (
    "ColomboAcousticDrumkit",
    "Millo_MultiLayered3",
    "MuseScore_General_Full 0",
    "Red_Zeppelin",
    "TR808EmulationKit",
    "rumpf_kit_z01_h2",
)
#: Recorded kits are drawn this much more often than those of sound fonts, of which there are more.
RECORDED_WEIGHT, LEAST_DRUMS = 3, 9
GENERAL_MIDI = ("TimGM6mb", "FluidR3", "MuseScore")
#: A note labels the nearest detected hit within this.
ONSET_SECONDS = 0.04


def clip_of(example: Example) -> Clip:
    """The hits that are found in the example, with the drums that sound in them."""
    bands = band_spectrogram(ArraySignal(example.sound[:, np.newaxis], RATE_HZ), NullControl())
    frames = hit_frames(bands)
    onsets = (frames - 0.5) / bands.frame_rate_hz
    return Clip(slot_levels(bands, frames), frames / bands.frame_rate_hz, labels(onsets, example.notes))


def labels(onsets: npt.NDArray[np.floating], notes: Sequence[Note]) -> Table:
    """Which drums of `KIT` sound in the hits at `onsets`: (hits, drums), 0 or 1."""
    found = np.zeros((len(onsets), len(KIT)), np.float32)
    for note in notes if len(onsets) else ():
        nearest = int(np.abs(onsets - note.onset_seconds).argmin())
        if abs(onsets[nearest] - note.onset_seconds) < ONSET_SECONDS:
            found[nearest] += [note.pitch in drum.keys for drum in KIT]
    return np.minimum(found, 1.0)


def installed_kits(chosen: Sequence[KitSource], folder: Path) -> list[Kit]:
    """The kits, recorded ones several times; read once and then kept in `folder`."""
    kits: list[Kit] = []
    for source in chosen:
        kit = cached(source, folder)
        recorded = not source.name.startswith(GENERAL_MIDI) and len(kit) >= LEAST_DRUMS
        kits += [kit] * (RECORDED_WEIGHT if recorded else 1)
    return kits


def gathered(folder: Path, seeds: Iterable[int], made: Callable[[int], Iterator[Example]]) -> list[Clip]:
    """The clips of all examples that have hits; those already in the folder are not computed again."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for seed in seeds:
        path = folder / f"{seed}.npz"
        if not path.exists():
            arrays: dict[str, Any] = {}
            for number, example in enumerate(made(seed)):
                clip = clip_of(example)
                arrays |= {f"levels{number}": clip.levels, f"seconds{number}": clip.seconds}
                arrays[f"labels{number}"] = clip.labels
            np.savez(path, **arrays)
        with np.load(path) as kept:
            for number in range(len(kept.files) // 3):
                levels, seconds, named = (kept[f"{kind}{number}"] for kind in ("levels", "seconds", "labels"))
                if len(levels) > 1:
                    clips.append(Clip(levels, seconds, named))
    return clips


def f1_of(clips: Sequence[Clip]) -> list[float]:
    """F1 of each drum's hits over all clips, with the network that was just trained."""
    classifier = DrumClassifier.load()
    right, true, found = np.zeros(len(KIT)), np.zeros(len(KIT)), np.zeros(len(KIT))
    for clip in clips:
        named = classifier.probabilities(features_of(clip.levels, clip.seconds)) > [drum.threshold for drum in KIT]
        right += (named & (clip.labels > 0)).sum(axis=0)
        true, found = true + clip.labels.sum(axis=0), found + named.sum(axis=0)
    return [round(float(value), 3) for value in 2 * right / np.maximum(true + found, 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the drum classifier.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=len(SEEDS), help="at most this many parts of each kind")
    parser.add_argument("--hydrogen", type=Path, default=HYDROGEN, help="folder of Hydrogen's drumkits")
    parser.add_argument("--fonts", type=Path, default=FONTS, help="folder of sound fonts")
    parser.add_argument("--held", action="store_true", help="measure on the kits held out, and learn from the others")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    every = list(sources(arguments.hydrogen, arguments.fonts))
    clips: dict[bool, list[Clip]] = {}
    parts = ((False, SEEDS[: arguments.songs], BAND_SEEDS), (True, HELD_SEEDS[: arguments.songs], HELD_BAND_SEEDS))
    for is_held, seeds, band_seeds in parts:
        kits = installed_kits([source for source in every if (source.name in HELD_OUT) == is_held], folder)
        bands = [band(seed) for seed in band_seeds]
        made = partial(examples, kits=kits, bands=bands)
        clips[is_held] = gathered(folder / ("held" if is_held else "others"), seeds, made)
    bands = [band(seed) for seed in BAND_SEEDS]
    made = partial(plain_examples, bands=bands, fonts=[str(arguments.fonts / font) for font in PLAIN_FONTS])
    plain = gathered(folder / "plain", PLAIN_SEEDS[: arguments.songs], made)
    made = partial(song_examples, fonts=[str(arguments.fonts / font) for font in SONG_FONTS])
    plain += gathered(folder / "songs", SONG_SEEDS[: arguments.songs], made)
    plain += gathered(folder / "machine", MACHINE_SEEDS[: arguments.songs], machine_examples)
    learnt = clips[False] + ([] if arguments.held else clips[True])
    trained(learnt, plain, Path("bridge/transcription/drums") / WEIGHTS)
    if arguments.held:
        for drum, f1 in zip(KIT, f1_of(clips[True]), strict=True):
            print(f"{drum.name:10} {f1:.3f}")


if __name__ == "__main__":
    main()
