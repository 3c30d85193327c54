"""Where the weights of models lie on this machine, and the server that has most of the released ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HUB_URL = "https://huggingface.co"


@dataclass(frozen=True)
class ModelLocations:
    """The folders that are searched for weights, in this order; downloads go to the caches."""

    models_dir: Path
    """The user's folder: checkpoints and `*.yaml` bags, as for `demucs --repo`, and subfolders with one model each."""
    hub_cache: Path
    """Hugging Face's cache."""
    server_cache: Path
    """torch.hub's cache of files from the authors' servers."""
    hub_url: str = HUB_URL
    """The Hugging Face hub, or a mirror of it."""
    conversions: Path | None = None
    """The bridge's folder for weights in a form that loads faster; None: none are kept."""

    @classmethod
    def of(
        cls, models_dir: Path, environ: Mapping[str, str] = os.environ, conversions: Path | None = None
    ) -> ModelLocations:
        """The locations that huggingface_hub and torch.hub use in the same environment."""

        def folder(text: str) -> Path:
            return Path(os.path.expandvars(text)).expanduser()

        cache = folder(environ.get("XDG_CACHE_HOME", "~/.cache"))
        hub_home = folder(environ.get("HF_HOME", str(cache / "huggingface")))
        hub_cache = environ.get("HF_HUB_CACHE", environ.get("HUGGINGFACE_HUB_CACHE", str(hub_home / "hub")))
        torch_home = folder(environ.get("TORCH_HOME", str(cache / "torch")))
        hub_url = environ.get("HF_ENDPOINT", HUB_URL).rstrip("/")
        return cls(models_dir, folder(hub_cache), torch_home / "hub" / "checkpoints", hub_url, conversions)
