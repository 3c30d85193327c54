"""Finds an installed package without importing it, since some load torch; imports one without what it does not need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def package_folder(name: str) -> Path | None:
    """The folder of the package `name`, found without importing it; None if it is not installed."""
    spec = find_spec(name)
    locations = [] if spec is None else list(spec.submodule_search_locations or ())
    return Path(locations[0]) if locations else None


@contextmanager
def stubbed_module(name: str) -> Iterator[ModuleType | None]:
    """Replaces the module `name` with an empty stub inside the block; None if it is already imported, and stays."""
    if name in sys.modules:
        yield None
        return
    stub = sys.modules[name] = ModuleType(name)
    try:
        yield stub
    finally:
        del sys.modules[name]
