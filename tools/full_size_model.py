"""Builds an HTDemucs with the released configuration but random weights, for timing without a download.

    python tools/full_size_model.py FOLDER [--tiny]

FOLDER then contains what `sab --models-dir FOLDER --engine htdemucs` and `demucs --repo FOLDER -n htdemucs` load:
a checkpoint of 42 million parameters (with --tiny, a very small one) and its `htdemucs.yaml`.
Its output is noise; only its run time is realistic.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Any

#: Signature of the released htdemucs, which its `.yaml` names.
SIGNATURE = "955717e8"
SOURCES = ["drums", "bass", "other", "vocals"]

#: The released model's arguments that differ from the class's defaults.
FULL_SIZE: dict[str, Any] = {
    "sources": SOURCES,
    "channels": 48,
    "growth": 2,
    "nfft": 4096,
    "depth": 4,
    "dconv_mode": 3,
    "dconv_comp": 8,
    "t_layers": 5,
    "bottom_channels": 512,
    "t_heads": 8,
    "t_hidden_scale": 4.0,
    "t_norm_in_group": False,
    "cac": True,
    "samplerate": 44100,
    "segment": Fraction(39, 5),
}

#: Window length and STFT of the released model, but few weights: the fastest model with the same input.
SMALL: dict[str, Any] = FULL_SIZE | {"channels": 8, "bottom_channels": 8, "t_heads": 2, "t_layers": 1}
TINY: dict[str, Any] = SMALL | {"segment": 1}


def build(folder: Path, arguments: dict[str, Any], seed: int = 0) -> Path:
    """Writes checkpoint and bag to `folder`, which is created if missing; returns the checkpoint's path.

    An older checkpoint with the same signature is deleted: demucs refuses duplicates.
    """
    import torch
    from demucs.htdemucs import HTDemucs
    from demucs.states import get_state, save_with_checksum

    torch.manual_seed(seed)
    model = HTDemucs(**arguments)
    package = {
        "klass": HTDemucs,
        "args": (),
        "kwargs": arguments,
        "state": get_state(model, None),  # type: ignore[no-untyped-call]  # demucs has types only here and there
        "training_args": {},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{SIGNATURE}-*.th"):
        old.unlink()
    save_with_checksum(package, folder / f"{SIGNATURE}.th")  # type: ignore[no-untyped-call]
    (folder / "htdemucs.yaml").write_text(f"models: ['{SIGNATURE}']\n", encoding="utf-8")
    return next(folder.glob(f"{SIGNATURE}-*.th"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiny", action="store_true", help="a very small model, not for timing")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(build(chosen.folder, TINY if chosen.tiny else FULL_SIZE, chosen.seed))


if __name__ == "__main__":
    main()
