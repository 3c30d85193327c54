"""Trains the drum classifier's network (`bridge.transcription.drums.classifier`) with torch, on one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bridge.transcription.drums.band_spectrogram import BANDS
from bridge.transcription.drums.classifier import HEADS, HIDDEN, NEIGHBOURS, ROUNDS, VALUES
from bridge.transcription.drums.features import features_of
from bridge.transcription.drums.layout import ATTACK_SLOT, HIT, OUTPUTS

Table = npt.NDArray[np.float32]

AROUND_HIDDEN = 64
DROPOUT, RATE, DECAY, BATCH_CLIPS, EPOCHS = 0.1, 2e-3, 1e-2, 8, 26
#: The second stage, in which plain examples come this much more often.
LATER_RATE, LATER_EPOCHS, PLAIN_TIMES = 1.2e-3, 8, 3
#: Clips are cut to this many hits while training.
MOST_HITS = 220
#: How much it counts that a hit by itself is named rightly.
ALONE_WEIGHT = 0.3
#: Added to the deviation of the inputs, so that inputs that hardly vary are not amplified.
LEAST_DEVIATION = 0.1
#: Neighbouring bands are equalised alike: gains are drawn at this many places.
EQ_PLACES = 6


@dataclass(frozen=True)
class Clip:
    """The hits of one example."""

    levels: Table
    """From `features.slot_levels`: (hits, slots, BANDS)."""
    seconds: npt.NDArray[np.float64]
    labels: Table
    """(hits, outputs), 0 or 1."""


class HitNetwork(nn.Module):
    """What `DrumClassifier` computes, with another output for each hit by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.embedded = nn.Linear(HIT.width, HIDDEN), nn.Linear(HIDDEN, VALUES)
        self.compared = nn.ModuleList(nn.Linear(VALUES, 3 * VALUES) for _ in range(ROUNDS))
        self.attended = nn.ModuleList(nn.Linear(VALUES, VALUES) for _ in range(ROUNDS))
        self.around = nn.ModuleList(nn.Linear((2 * NEIGHBOURS + 1) * VALUES, AROUND_HIDDEN) for _ in range(ROUNDS))
        self.taken = nn.ModuleList(nn.Linear(AROUND_HIDDEN, VALUES) for _ in range(ROUNDS))
        self.named, self.alone = nn.Linear(VALUES, len(OUTPUTS)), nn.Linear(VALUES, len(OUTPUTS))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, inputs: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log odds in context and alone: (clips, hits, outputs) each; `real` (clips, hits) is False in padding."""
        clips, hits, _ = inputs.shape
        values = self.embedded(self.dropout(torch.relu(self.seen(self.dropout(inputs)))))
        alone = self.alone(_levelled(values))
        for compared, attended, around, taken in zip(
            self.compared, self.attended, self.around, self.taken, strict=True
        ):
            split = compared(_levelled(values)).view(clips, hits, 3, HEADS, VALUES // HEADS)
            queries, keys, contents = split.permute(2, 0, 3, 1, 4)
            likeness = queries @ keys.transpose(-1, -2) / (VALUES // HEADS) ** 0.5
            shares = likeness.masked_fill(~real[:, None, None, :], -1e4).softmax(-1)
            learnt = (shares @ contents).permute(0, 2, 1, 3).reshape(clips, hits, VALUES)
            values = values + self.dropout(attended(learnt))
            padded = nn.functional.pad(_levelled(values) * real[..., None], (0, 0, NEIGHBOURS, NEIGHBOURS))
            beside = torch.cat([padded[:, shift : shift + hits] for shift in range(2 * NEIGHBOURS + 1)], -1)
            values = values + self.dropout(taken(self.dropout(torch.relu(around(beside)))))
        return self.named(_levelled(values)), alone


def _levelled(values: torch.Tensor) -> torch.Tensor:
    return nn.functional.layer_norm(values, values.shape[-1:])


def trained(clips: list[Clip], plain: list[Clip], path: Path) -> None:
    """Trains on all clips, then with the plain ones more often, and writes the weights to `path`."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    every = [*clips, *plain]
    some = [features_of(clip.levels, clip.seconds) for clip in every[:: max(1, len(every) // 400)]]
    mean, deviation = np.concatenate(some).mean(axis=0), np.concatenate(some).std(axis=0) + LEAST_DEVIATION
    network = HitNetwork()
    _fit(network, rng, every, (mean, deviation), EPOCHS, RATE)
    _fit(network, rng, [*clips, *plain * PLAIN_TIMES], (mean, deviation), LATER_EPOCHS, LATER_RATE)
    save(network, mean, deviation, path)


def _fit(
    network: HitNetwork,
    rng: np.random.Generator,
    clips: Sequence[Clip],
    statistics: tuple[Table, Table],
    epochs: int,
    rate: float,
) -> None:
    steps = -(-len(clips) // BATCH_CLIPS)
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    for epoch in range(epochs):
        network.train()
        losses = []
        for batch in _batches(rng, clips):
            inputs, labels, real = _padded(rng, batch, *statistics)
            odds, alone = network(inputs, real)
            error = nn.functional.binary_cross_entropy_with_logits(odds[real], labels[real])
            error = error + ALONE_WEIGHT * nn.functional.binary_cross_entropy_with_logits(alone[real], labels[real])
            optimiser.zero_grad()
            error.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(error.item())
        print(f"epoch {epoch + 1} of {epochs}: {np.mean(losses):.4f}", flush=True)


def _batches(rng: np.random.Generator, clips: Sequence[Clip]) -> Iterator[list[Clip]]:
    """Clips of about the same number of hits together."""
    order = np.argsort([len(clip.levels) + rng.normal(0, 15) for clip in clips])
    firsts = np.arange(0, len(clips), BATCH_CLIPS)
    for first in rng.permutation(firsts):
        yield [clips[index] for index in order[first : first + BATCH_CLIPS]]


def _padded(
    rng: np.random.Generator, batch: Sequence[Clip], mean: Table, deviation: Table
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest = min(MOST_HITS, max(len(clip.levels) for clip in batch))
    inputs = torch.zeros(len(batch), longest, HIT.width)
    labels, real = torch.zeros(len(batch), longest, len(OUTPUTS)), torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, clip in enumerate(batch):
        first = int(rng.integers(0, max(len(clip.levels) - longest, 0) + 1))
        part = slice(first, first + longest)
        features = features_of(varied(rng, clip.levels[part]), clip.seconds[part])
        inputs[row, : len(features)] = torch.from_numpy(((features - mean) / deviation).astype(np.float32))
        labels[row, : len(features)] = torch.from_numpy(clip.labels[part])
        real[row, : len(features)] = True
    return inputs, labels, real


def varied(rng: np.random.Generator, levels: Table) -> Table:
    """The levels after another equaliser, sometimes a low-pass, sometimes with a noise floor."""
    if rng.random() < 0.15:
        return levels
    bands = np.arange(BANDS)
    gains_db = np.interp(bands, np.linspace(0, BANDS - 1, EQ_PLACES), rng.normal(0, rng.uniform(0, 5), EQ_PLACES))
    levels = levels * (10 ** ((gains_db + rng.normal(0, 1.5, BANDS)) / 20)).astype(np.float32)
    if rng.random() < 0.2:
        levels[..., int(rng.integers(15, BANDS)) :] *= np.float32(10 ** -rng.uniform(1.5, 3))
    if rng.random() < 0.5:
        loud = np.percentile(levels[:, ATTACK_SLOT], 90, axis=0).max()
        slope_db = np.interp(bands, (0, BANDS - 1), rng.normal(0, 8, 2))
        noise = loud * 10 ** ((rng.uniform(-70, -30) + slope_db) / 20) * rng.lognormal(0, 0.25, levels.shape)
        levels = np.sqrt(np.square(levels) + np.square(noise)).astype(np.float32)
    return levels


def save(network: HitNetwork, mean: Table, deviation: Table, path: Path) -> None:
    """Saves the network in half precision: the error is far below the difference between two training runs."""
    arrays: dict[str, Any] = {"mean": mean, "deviation": deviation}
    named: dict[str, Any] = {name: getattr(network, name) for name in ("seen", "embedded", "named")}
    for name in ("compared", "attended", "around", "taken"):
        named |= {f"{name}_{number}": layer for number, layer in enumerate(getattr(network, name))}
    for name, layer in named.items():
        arrays |= {f"{name}_weights": layer.weight.detach().numpy().T, f"{name}_biases": layer.bias.detach().numpy()}
    np.savez_compressed(path, **{name: array.astype(np.float16) for name, array in arrays.items()})
