"""The family of the engine `draft`, which needs no weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bridge.separation.families.family import Description
from bridge.separation.models.demucs_bags import Bag
from bridge.separation.models.weights import LoadedModel, Weights
from bridge.separation.names import DRAFT
from bridge.stems import FOUR_STEMS

if TYPE_CHECKING:
    from bridge.protocols import Control
    from bridge.separation.downloads.source import DownloadSource

_NOTE = "Built in, no download, many times faster than real time. A sketch: expect bleed between the stems."


class DraftFamily:
    """One engine, always there."""

    def names(self) -> Sequence[str]:
        return (DRAFT,)

    def descriptions(self) -> Mapping[str, Description]:
        return {DRAFT: Description(FOUR_STEMS, _NOTE)}

    def find(self, name: str) -> Weights:
        return Weights(name, Bag(()), (), load_draft)

    def sources(self, name: str) -> Sequence[DownloadSource]:  # noqa: ARG002 - nothing to download
        return ()


def load_draft(weights: Weights, device: str, control: Control) -> LoadedModel:
    """Computes on the CPU, whatever the `device`."""
    from bridge.separation.draft.engine import DraftSeparator

    control.checkpoint(1.0)
    return LoadedModel(weights, "numpy", device, (), DraftSeparator())
