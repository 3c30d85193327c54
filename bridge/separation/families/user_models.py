"""The family of the user's own models: checkpoints, bags and subfolders in the models folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import WeightsUnavailable
from bridge.separation.families.family import Description
from bridge.separation.families.loaders import demucs_weights, load_openunmix
from bridge.separation.models.demucs_bags import Bag, Released, read_bag
from bridge.separation.models.model_folders import checkpoints_in, model_folders, read_folder
from bridge.separation.models.openunmix_files import SEPARATOR, read_unmix_folder
from bridge.separation.models.weights import Weights

if TYPE_CHECKING:
    from bridge.separation.downloads.source import DownloadSource

_MODEL = Description((), "Your own model; its stems are known once it is loaded.", licence="yours")
_PICKLED = " Its file may run code; if it does more than hold weights, it needs `trust_pickles`."
_CHECKPOINT = Description((), "Your own checkpoint; its stems are known once it is loaded.", licence="yours")


@dataclass(frozen=True)
class UserModels:
    """The models in the user's folder, whatever computes them."""

    models_dir: Path
    released: Released
    """The released Demucs models; checkpoints of theirs are not listed on their own."""

    def names(self) -> Sequence[str]:
        return (*self._bags(), *checkpoints_in(self.models_dir))

    def descriptions(self) -> Mapping[str, Description]:
        bags = self._bags()
        parts = {signature for bag in self._known_bags(bags) for signature in bag.signatures}
        alone = [signature for signature in checkpoints_in(self.models_dir) if signature not in parts]
        found = {**dict.fromkeys(bags, _MODEL), **{name: _CHECKPOINT for name in alone if name not in bags}}
        return {name: self._with_trust(name, description) for name, description in found.items()}

    def find(self, name: str) -> Weights | None:
        return find_in(self.models_dir, name)

    def sources(self, name: str) -> Sequence[DownloadSource]:  # noqa: ARG002 - nobody else has the user's models
        return ()

    def _with_trust(self, name: str, description: Description) -> Description:
        """The description, with a note where loading the model may need the setting `trust_pickles`."""
        try:
            weights = find_in(self.models_dir, name)
        except WeightsUnavailable:  # the list shows why
            return description
        is_pickled = weights is not None and any(path.suffix == ".th" for path in weights.files)
        return replace(description, note=description.note + _PICKLED) if is_pickled else description

    def _bags(self) -> tuple[str, ...]:
        """Names of the models with a `.yaml` definition or a subfolder."""
        defined = (path.stem for path in sorted(self.models_dir.glob("*.yaml")))
        return tuple(dict.fromkeys((*defined, *model_folders(self.models_dir))))

    def _known_bags(self, names: Sequence[str]) -> list[Bag]:
        """The released bags, and those of the user's models `names` that are complete."""
        bags = [bag for name in self.released.names if (bag := self.released.bag(name)) is not None]
        for name in names:
            try:
                weights = find_in(self.models_dir, name)
            except WeightsUnavailable:
                continue
            bags += [weights.bag] if weights else []
        return bags


def find_in(models_dir: Path, name: str, released: Bag | None = None) -> Weights | None:
    """The weights of `name` in the user's folder, if it has them all.

    Args:
        released: the bag of the released model of that name, whose checkpoints may lie in the folder without a
            definition, and which can be downloaded if some are missing.

    Raises:
        WeightsUnavailable: a definition is damaged, or names checkpoints that do not exist anywhere.
    """
    checkpoints = checkpoints_in(models_dir)
    if name in checkpoints:
        return demucs_weights(name, Bag((name,)), (checkpoints[name],))
    definition = models_dir / f"{name}.yaml"
    is_defined = definition.is_file()
    if not is_defined and name in model_folders(models_dir):
        return _find_in_folder(models_dir / name)
    bag = read_bag(definition) if is_defined else released
    if bag is None:
        return None
    missing = [signature for signature in bag.signatures if signature not in checkpoints]
    if not missing:
        return demucs_weights(name, bag, tuple(checkpoints[signature] for signature in bag.signatures))
    if released is None:
        raise WeightsUnavailable(
            f"The model {name} in {models_dir} lacks {', '.join(f'{signature}.th' for signature in missing)}.",
            advice="Put the missing files beside its .yaml.",
        )
    return None


def _find_in_folder(folder: Path) -> Weights:
    if (folder / SEPARATOR).is_file():
        return Weights(folder.name, *read_unmix_folder(folder), load_openunmix)
    return demucs_weights(folder.name, *read_folder(folder))
