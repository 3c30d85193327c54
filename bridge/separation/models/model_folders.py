"""Reads folders with models: their checkpoints, definitions and subfolders. Nothing is loaded here."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import WeightsUnavailable
from bridge.separation.models.demucs_bags import Bag, read_bag
from bridge.separation.models.openunmix_files import SEPARATOR


def checkpoints_in(folder: Path) -> dict[str, Path]:
    """Signature → file of every checkpoint: `SIG.safetensors`, otherwise `SIG.th` or `SIG-checksum.th`."""
    found = {path.stem.rsplit("-", 1)[0]: path for path in sorted(folder.glob("*.th"))}
    found.update({path.stem: path for path in sorted(folder.glob("*.safetensors"))})
    return found


def model_folders(models_dir: Path) -> tuple[str, ...]:
    """Names of the subfolders of `models_dir` that contain a model, laid out like a Hugging Face repository."""
    if not models_dir.is_dir():
        return ()
    folders = (path for path in sorted(models_dir.iterdir()) if path.is_dir())
    return tuple(path.name for path in folders if _holds_model(path))


def _holds_model(folder: Path) -> bool:
    return bool(checkpoints_in(folder)) or any(folder.glob("*.yaml")) or (folder / SEPARATOR).is_file()


def read_folder(folder: Path) -> tuple[Bag, tuple[Path, ...]]:
    """The model in a folder: defined by its `.yaml` (if several, the one named like the folder), or its one checkpoint.

    Raises:
        WeightsUnavailable: the folder does not determine the model's files, or some are missing.
    """
    checkpoints = checkpoints_in(folder)
    definitions = sorted(folder.glob("*.yaml"))
    named = [path for path in definitions if path.stem == folder.name] or definitions
    if len(named) > 1 or (not named and len(checkpoints) != 1):
        raise WeightsUnavailable(
            f"The folder {folder} does not say which of its files make up the model.",
            advice=f"Leave one checkpoint in it, or describe the model in {folder.name}.yaml.",
        )
    bag = read_bag(named[0]) if named else Bag(tuple(checkpoints))
    missing = [signature for signature in bag.signatures if signature not in checkpoints]
    if missing:
        raise WeightsUnavailable(
            f"The model {folder.name} in {folder} lacks {', '.join(missing)} (.safetensors or .th).",
            advice="Put the missing files beside its .yaml.",
        )
    return bag, tuple(checkpoints[signature] for signature in bag.signatures)
