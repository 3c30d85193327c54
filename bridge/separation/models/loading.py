"""Loads Demucs models through the demucs package's own code and turns its errors into readable messages.

Only checkpoints from the user's folder, or from the authors' server with the checksum that the package lists, are
loaded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import OutOfMemory, WeightsUnavailable
from bridge.separation.models.checkpoints import load_checkpoint
from bridge.separation.models.demucs_bags import check_demucs, check_diffq
from bridge.separation.models.weights import Weights

if TYPE_CHECKING:
    from demucs.apply import BagOfModels

    from bridge.protocols import Control


def load_bag(weights: Weights, control: Control) -> BagOfModels:
    """Loads every model of a bag into memory, in evaluation mode.

    Raises:
        WeightsUnavailable: a file is damaged, is not a Demucs checkpoint, or needs a package that is missing.
        OutOfMemory: the models do not fit into memory.
        Cancelled: by `control`.
    """
    check_demucs(weights.name)
    check_diffq(weights.name)
    from demucs.apply import BagOfModels

    models = []
    for index, path in enumerate(weights.files):
        control.checkpoint(index / len(weights.files))
        with readable(path, weights.name):
            models.append(load_checkpoint(path, control, trust_pickles=weights.trusts_pickles))
    rows = weights.bag.weights
    with readable(weights.files[0], weights.name):
        bag = BagOfModels(models, None if rows is None else [list(row) for row in rows], weights.bag.segment_seconds)
        bag.eval()
    control.checkpoint(1.0)
    return bag


@contextmanager
def readable(path: Path, name: str, kind: str = "Demucs") -> Iterator[None]:
    """Turns any loading error into a one-line message about the file. A damaged pickle can raise anything."""
    from demucs.repo import ModelLoadingError

    try:
        yield
    except WeightsUnavailable:
        raise
    except MemoryError as exc:
        raise OutOfMemory(f"There is not enough memory to load the model {name}.") from exc
    except ModelLoadingError as exc:
        raise WeightsUnavailable(
            f"The file {path} is damaged: its checksum is not the one in its name.", advice=_again(name)
        ) from exc
    except (AttributeError, KeyError, TypeError, ImportError, AssertionError) as exc:
        raise WeightsUnavailable(
            f"The file {path} is not a {kind} model that this version can load ({type(exc).__name__}: {exc}).",
            advice="Remove it, or use a checkpoint that the model's own package can load.",
        ) from exc
    except SystemExit as exc:  # demucs exits if diffq is missing
        message = f"The model {name} is quantised, and the package diffq that unpacks it is not installed."
        raise WeightsUnavailable(message, advice="Install diffq, or use another model.") from exc
    except Exception as exc:
        raise WeightsUnavailable(
            f"The file {path} is damaged or incomplete ({type(exc).__name__}).", advice=_again(name)
        ) from exc


def _again(name: str) -> str:
    return f"Delete it and run `sab models pull {name}`, or copy it again."
