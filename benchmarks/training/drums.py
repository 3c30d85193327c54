"""Trains the drum classifier: `python -m benchmarks.training.drums FOLDER [--songs 1500] [--font A.sf2 …]`.

Renders songs of seeds from 50 000 on (`benchmarks.training.drum_examples`), stores the features of their hits in
FOLDER, trains the two networks one after the other, and writes `bridge/transcription/drums/drums.npz`. Takes about
twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

import benchmarks.corpora.synthesis
from benchmarks.training.drum_examples import Example, examples
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.transcription.drums.band_spectrogram import band_spectrogram
from bridge.transcription.drums.classifier import (
    LAYERS,
    NETS,
    WEIGHTS,
    DrumClassifier,
    Layers,
    inputs_in_context,
)
from bridge.transcription.drums.features import hit_features
from bridge.transcription.drums.hit_onsets import hit_frames
from bridge.transcription.drums.kit import KIT

Table: TypeAlias = npt.NDArray[np.float32]
#: The features of a clip's hits, (hits, features), and their labels, (hits, `KIT`).
Clip: TypeAlias = tuple[Table, Table]

FIRST_SEED = 50_000
#: A note labels the nearest detected hit within this.
ONSET_SECONDS = 0.04
HIDDEN = (64, 32)
DROPOUT, RATE, DECAY, BATCH, EPOCHS = 0.15, 2e-3, 1e-3, 512, 14
#: Added to the deviation of the inputs, so that inputs that hardly vary are not amplified.
LEAST_DEVIATION = 0.1


def labelled_features(example: Example) -> Clip:
    bands = band_spectrogram(
        ArraySignal(example.sound[:, np.newaxis], benchmarks.corpora.synthesis.RATE_HZ), NullControl()
    )
    frames = hit_frames(bands)
    onsets = (frames - 0.5) / bands.frame_rate_hz
    return hit_features(bands, frames), _labels(onsets, example.notes)


def _labels(onsets: npt.NDArray[np.floating], notes: Sequence[Note]) -> Table:
    labels = np.zeros((len(onsets), len(KIT)), np.float32)
    for note in notes if len(onsets) else ():
        nearest = int(np.abs(onsets - note.onset_seconds).argmin())
        if abs(onsets[nearest] - note.onset_seconds) < ONSET_SECONDS:
            labels[nearest] += [note.pitch in drum.keys for drum in KIT]
    return np.minimum(labels, 1.0)


def gathered(folder: Path, songs: int, fonts: Sequence[str]) -> list[Clip]:
    """The clips of all songs; those already in the folder are not computed again."""
    clips = []
    for seed in range(FIRST_SEED, FIRST_SEED + songs):
        path = folder / f"{seed}.npz"
        if not path.exists():
            made = [labelled_features(example) for example in examples(seed, fonts)]
            arrays: dict[str, Any] = {
                f"{kind}{n}": clip[i] for n, clip in enumerate(made) for i, kind in enumerate("xy")
            }
            np.savez(path, **arrays)
        with np.load(path) as kept:
            clips += [(kept[f"x{n}"], kept[f"y{n}"]) for n in range(len(kept) // 2) if len(kept[f"x{n}"])]
    return clips


def trained(clips: Sequence[Clip]) -> DrumClassifier:
    """Trains both networks; the second uses the first's results for the same clips."""
    inputs = np.concatenate([clip[0] for clip in clips])
    labels = np.concatenate([clip[1] for clip in clips])
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0) + LEAST_DEVIATION
    normalised = [(clip[0] - mean) / deviation for clip in clips]
    alone = _fitted(np.concatenate(normalised), labels)
    half = DrumClassifier(mean, deviation, alone, alone)
    context = [inputs_in_context(own, half.first_pass(own)) for own in normalised]
    return replace(half, context_net=_fitted(np.concatenate(context), labels))


def _fitted(inputs: npt.NDArray[np.floating], labels: Table) -> Layers:
    """The layers that minimise cross-entropy; `inputs` are already normalised."""
    torch.manual_seed(0)
    widths = (inputs.shape[1], *HIDDEN, labels.shape[1])
    linear = [nn.Linear(first, second) for first, second in pairwise(widths)]
    net = nn.Sequential(linear[0], nn.ReLU(), nn.Dropout(DROPOUT), linear[1], nn.ReLU(), nn.Dropout(DROPOUT), linear[2])
    x, y = torch.tensor(inputs, dtype=torch.float32), torch.tensor(labels)
    steps = -(-len(x) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=EPOCHS * steps)
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(x)), BATCH):
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return tuple((layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in linear)


def save(classifier: DrumClassifier, path: Path) -> None:
    """Saves the network in half precision: the error is far below the difference between two training runs."""
    arrays: dict[str, Any] = {"mean": classifier.mean, "deviation": classifier.deviation}
    for net, layers in zip(NETS, (classifier.first_net, classifier.context_net), strict=True):
        for number, (weights, offsets) in enumerate(layers[:LAYERS]):
            arrays |= {f"{net}_{number}_weights": weights, f"{net}_{number}_offsets": offsets}
    np.savez_compressed(path, **{name: array.astype(np.float16) for name, array in arrays.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the drum classifier.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=1500)
    parser.add_argument("--font", action="append", default=[], help="a sound font; several may be given")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    clips = gathered(arguments.folder, arguments.songs, arguments.font)
    save(trained(clips), Path("bridge/transcription/drums") / WEIGHTS)


if __name__ == "__main__":
    main()
