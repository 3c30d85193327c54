"""Fits the network that chooses tempo and metre: `python -m benchmarks.training.metre_fit FOLDER [--write]`.

Examples are random pieces in many metres (`benchmarks.corpora.random_metres`, `random_grooves`) and the loops to
which the first estimate (`bridge.music.tempo.tempo_in_four`) was fitted, cut anywhere or whole; FOLDER keeps what was
computed. For each clip the network gives every hypothesis of `bridge.music.tempo.hypotheses` odds, and learns to make
those of the true one the greatest.
"""

from __future__ import annotations

import argparse
import pickle
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.corpora.loops import STYLES, loop
from benchmarks.corpora.more_loops import KINDS, MORE_STYLES, varied
from benchmarks.corpora.quick_synthesis import RATE_HZ, quickly_rendered
from benchmarks.corpora.random_grooves import random_groove
from benchmarks.corpora.random_metres import random_piece
from benchmarks.corpora.synthesis import Part
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.music.metre import Metre
from bridge.music.tempo import metre_choice
from bridge.music.tempo.estimate import CONFIDENT, DOUBT
from bridge.music.tempo.harmony import pitch_autocorrelation
from bridge.music.tempo.hypotheses import KINDS_OF_EVIDENCE, Repetitions, evidence, hypotheses
from bridge.music.tempo.metre_choice import shares
from bridge.music.tempo.onsets import onset_features
from bridge.music.tempo.pulse import linear_pulse
from bridge.music.tempo.tempo_in_four import in_four

if TYPE_CHECKING:
    from bridge.protocols import Samples

LOOP_SEED, EVEN_SEED, GROOVE_SEED = 1_100_000, 2_000_000, 3_000_000
EVEN = "even"
#: A hypothesis is the true one if its tempo is this near, relatively.
NEAR = 0.012
BLOCK, BATCH = 50, 32
NOISE, DROPOUT, WEIGHT_DECAY = 0.12, 0.12, 0.03
HIDDEN = (32, 16)


def of_piece(seed: int) -> dict[str, Any] | None:
    """The example of one piece, in part or whole."""
    rng = random.Random(seed)
    piece = random_groove(seed) if seed >= GROOVE_SEED else random_piece(seed)
    samples = _mixed(piece.parts, piece.seconds + 1.0, rng)
    if rng.random() < 0.35:
        samples = samples[: round(piece.seconds * RATE_HZ)]
    else:
        start = round(rng.uniform(0, 0.25 * piece.seconds) * RATE_HZ)
        samples = samples[start : start + round(rng.uniform(10, 40) * RATE_HZ)]
    return example(samples, piece.tempo_bpm, piece.metre, piece.name)


def of_loop(seed: int) -> dict[str, Any] | None:
    """The example of one 4/4 loop, whole, after silence, with its tail, or cut anywhere."""
    rng = random.Random(seed)
    plain = rng.random() < 0.3
    styles = STYLES if plain else (*STYLES, *MORE_STYLES)
    style = styles[seed % len(styles)]
    slowest, fastest = style.tempi
    if rng.random() < 0.3:
        slowest, fastest = max(60, round(0.75 * slowest)), min(215, round(1.25 * fastest))
    drawn = rng.uniform(slowest, fastest)
    tempo = float(round(drawn)) if rng.random() < 0.55 else round(drawn, 1)
    bars = rng.choice((1, 2, 2, 4, 4, 8, 8, 3, 5, 6, 7))
    kind = rng.choice(("drums", "drums", "bass", "chords", "melody", "mix", "mix") if plain else KINDS)
    made = (loop if plain else varied)(style, kind, tempo, bars, seed)
    long = _mixed(made.repeated(2).parts, 2 * made.seconds + 2.0, rng)
    frames = round(made.seconds * RATE_HZ)
    once = long[frames : 2 * frames] if rng.random() < 0.5 else long[:frames]
    cut = rng.random()
    if cut < 0.5:
        samples = once
    elif cut < 0.6:
        samples = np.concatenate((np.zeros((rng.randrange(50, 650), 1), np.float32), once))
    elif cut < 0.75:
        samples = np.concatenate((once, once))[: len(once) + round(rng.uniform(0.3, 1.5) * RATE_HZ)]
    else:
        length, start = round(rng.uniform(10, 40) * RATE_HZ), rng.randrange(len(once))
        samples = np.tile(once, (length // len(once) + 2, 1))[start : start + length]
    return example(samples, tempo, Metre(4, 4), made.name, is_loop=True)


def of_even_notes(seed: int) -> dict[str, Any] | None:
    """One chord or cymbal, repeated evenly: its tempo may be any of several, more often a usual one."""
    rng = random.Random(f"even {seed}")
    period = 60 / rng.uniform(70, 400)
    tempi = [tempo for tempo in (60 / period, 30 / period, 20 / period, 15 / period) if 55 <= tempo <= 190]
    true = rng.choices(tempi, [2 ** (-2 * abs(np.log2(tempo / 110))) for tempo in tempi])[0]
    count = int(rng.uniform(6, 30) / period)
    is_cymbal = rng.random() > 0.6
    pitches = (42,) if is_cymbal else rng.choice(((60, 64, 67), (48,), (57, 60, 64, 69), (36,)))
    notes = tuple(
        Note(onset_seconds=at * period, offset_seconds=(at + 0.8) * period, pitch=pitch, velocity=90)
        for at in range(count)
        for pitch in pitches
    )
    part = Part("drums" if is_cymbal else "other", notes)
    return example(_mixed((part,), count * period, rng), true, rng.choice((*(Metre(4, 4),) * 3, Metre(3, 4))), EVEN)


def _mixed(parts: Sequence[Part], seconds: float, rng: random.Random) -> Samples:
    mixed: Samples = np.sum([quickly_rendered(part, seconds, rng) for part in parts], axis=0)[:, np.newaxis]
    return mixed


def example(
    samples: Samples, tempo_bpm: float, metre: Metre, name: str, *, is_loop: bool = False
) -> dict[str, Any] | None:
    """Evidence, the indices of the true hypothesis and of all with its tempo; None if nothing can be told."""
    features = onset_features(ArraySignal(samples, RATE_HZ), NullControl())
    pulse, pitches = linear_pulse(features), pitch_autocorrelation(features)
    found = hypotheses(pulse)
    earlier = in_four(features, pulse, pitches, ArraySignal(samples, RATE_HZ))
    if not found or earlier is None:
        return None
    is_near = [abs(one.tempo_bpm / tempo_bpm - 1) < NEAR for one in found]
    right = [near and one.metre == metre for one, near in zip(found, is_near, strict=True)]
    rows = evidence(features, Repetitions.of(features, pulse, pitches), found, earlier)
    tempi = np.array([one.tempo_bpm for one in found])
    return {
        "evidence": rows.astype(np.float32), "right": np.array(right), "near": np.array(is_near), "name": name,
        "tempi": tempi, "is_loop": is_loop,
    }  # fmt: skip


def _examples(seeds: range) -> list[dict[str, Any]]:
    made = (_maker(seed)(seed) for seed in seeds)
    return [one for one in made if one is not None]


def _maker(seed: int) -> Callable[[int], dict[str, Any] | None]:
    """What makes the example of a seed."""
    if seed >= GROOVE_SEED:
        return of_piece
    if seed >= EVEN_SEED:
        return of_even_notes
    return of_loop if seed >= LOOP_SEED else of_piece


def gathered(folder: Path, pieces: int, loops: int, grooves: int) -> list[dict[str, Any]]:
    """All examples, from the folder or made now."""
    blocks = [range(at, at + BLOCK) for at in range(0, pieces, BLOCK)]
    blocks += [range(LOOP_SEED + at, LOOP_SEED + at + BLOCK) for at in range(0, loops, BLOCK)]
    blocks += [range(EVEN_SEED + at, EVEN_SEED + at + BLOCK) for at in range(0, pieces // 16, BLOCK)]
    blocks += [range(GROOVE_SEED + at, GROOVE_SEED + at + BLOCK) for at in range(0, grooves, BLOCK)]
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        missing_blocks = [block for block in blocks if not (folder / f"{block.start}.pickle").exists()]
        for block, found in zip(missing_blocks, pool.map(_examples, missing_blocks), strict=True):
            (folder / f"{block.start}.pickle").write_bytes(pickle.dumps(found))
    return [one for block in blocks for one in pickle.loads((folder / f"{block.start}.pickle").read_bytes())]


def fitted(examples: Sequence[dict[str, Any]], epochs: int, seed: int = 0) -> dict[str, npt.NDArray[np.float32]]:
    """The network's arrays, by Adam on the cross entropy of the true hypothesis, and of its tempo."""
    import torch

    torch.manual_seed(seed)
    rows = np.concatenate([one["evidence"] for one in examples]).astype(np.float64)
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    inputs = torch.tensor(np.clip((rows - mean) / spread, -6, 6), dtype=torch.float32)
    right = torch.tensor(np.concatenate([one["right"] for one in examples]))
    near = torch.tensor(np.concatenate([one["near"] for one in examples]))
    counts = [len(one["right"]) for one in examples]
    edges = np.concatenate(([0], np.cumsum(counts)))
    usable = [at for at, one in enumerate(examples) if one["right"].any()]
    sizes = (KINDS_OF_EVIDENCE, *HIDDEN, 1)
    layers: list[torch.nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [torch.nn.Linear(before, after), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT)]
    network = torch.nn.Sequential(*layers[:-2])
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=WEIGHT_DECAY)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    rng = random.Random(seed)
    for _ in range(epochs):
        network.train()
        rng.shuffle(usable)
        for first in range(0, len(usable), BATCH):
            batch = usable[first : first + BATCH]
            at = torch.tensor(np.concatenate([np.arange(edges[one], edges[one + 1]) for one in batch]))
            clip = torch.tensor(np.repeat(np.arange(len(batch)), [counts[one] for one in batch]))
            noisy = inputs[at] + NOISE * torch.randn(len(at), inputs.shape[1])
            odds = network(noisy)[:, 0]
            total = _log_sums(odds, clip, len(batch))
            of_right = _log_sums(odds.masked_fill(~right[at], -60.0), clip, len(batch))
            of_near = _log_sums(odds.masked_fill(~near[at], -60.0), clip, len(batch))
            loss = (total - 0.5 * of_right - 0.5 * of_near).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        rate.step()
    linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    arrays = {f"weight{at}": layer.weight.detach().numpy().T.astype(np.float32) for at, layer in enumerate(linear)}
    arrays |= {f"bias{at}": layer.bias.detach().numpy().astype(np.float32) for at, layer in enumerate(linear)}
    return arrays | {"mean": mean.astype(np.float32), "spread": spread.astype(np.float32)}


def _log_sums(odds: Any, clip: Any, clips: int) -> Any:
    """The logarithm of the sum of each clip's odds: (clips,)."""
    import torch

    top = torch.full((clips,), -1e9).scatter_reduce(0, clip, odds, "amax").detach()
    return top + torch.zeros(clips).scatter_add(0, clip, torch.exp(odds - top[clip])).clamp_min(1e-30).log()


def report(examples: Sequence[dict[str, Any]], weights: dict[str, npt.NDArray[np.float32]]) -> Iterator[str]:
    """How many tempi and metres are right, how many are sure, and how many of these are wrong."""
    found = []
    for one in examples:
        chances = shares(one["evidence"].astype(np.float64), weights)
        groups = [float(chances[np.abs(one["tempi"] / tempo - 1) < NEAR].sum()) for tempo in one["tempi"]]
        best = int(np.argmax(groups))
        same = np.abs(one["tempi"] / one["tempi"][best] - 1) < NEAR
        metre = int(np.argmax(np.where(same, chances, -1)))
        found.append(
            (one["name"].split()[0], bool(one["near"][best]), bool(one["right"][metre]), groups[best] ** DOUBT)
        )
    for kind in ("", "4/4", "3/4", "6/8", "5/4", "7/8", "7/4"):
        of_kind = [row for row in found if not kind or row[0] == kind or (kind == "4/4" and "/" not in row[0])]
        if of_kind:
            tempi, metres, odds = (np.array([row[place] for row in of_kind]) for place in (1, 2, 3))
            sure = odds >= CONFIDENT
            yield (
                f"{kind or 'all'}: {len(of_kind)} clips; tempo {tempi.mean():.3f}, both {metres.mean():.3f}; "
                f"sure {sure.mean():.3f}, sure and wrong {(sure & ~tempi).mean():.3f}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pieces", type=int, default=3200)
    parser.add_argument("--loops", type=int, default=1200)
    parser.add_argument("--grooves", type=int, default=1200)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--write", action="store_true", help="store the weights beside bridge.music.tempo.metre_choice")
    options = parser.parse_args()
    examples = gathered(options.folder, options.pieces, options.loops, options.grooves)
    # Loops count twice: they are fewer, and most clips that are sent are loops. Even notes teach doubt, and are few.
    even = [one for one in examples if one["name"] == EVEN]
    examples += [one for one in examples if one["is_loop"]] + 2 * even
    names = sorted({one["name"] for one in examples})[::5]
    kept_back = [one for one in examples if one["name"] in names]
    others = [one for one in examples if one["name"] not in names]
    print("\n".join(report(kept_back, fitted(others, options.epochs))))
    if options.write:
        with (Path(metre_choice.__file__).parent / metre_choice.NETWORK_FILE).open("wb") as file:
            np.savez_compressed(file, **fitted(examples, options.epochs))  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    sys.exit(main())
