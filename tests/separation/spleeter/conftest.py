"""The installed checkpoints and engines, opened once for all tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge.control import NullControl
from bridge.separation.families.table import EngineFamilies
from bridge.separation.registry import EngineRegistry
from bridge.separation.spleeter.checkpoints import CHECKPOINTS, SpleeterPackage, read_checkpoint
from bridge.system.clock import SystemClock
from tests.support.small_models import locations_in

if TYPE_CHECKING:
    from bridge.protocols import Separator
    from bridge.separation.spleeter.checkpoints import Arrays


@pytest.fixture(scope="session")
def checkpoint_arrays() -> dict[str, Arrays]:
    files = SpleeterPackage.installed().files
    return {network: read_checkpoint(files[network], network) for network in CHECKPOINTS}


@pytest.fixture(scope="session")
def spleeter(tmp_path_factory: pytest.TempPathFactory) -> Separator:
    return opened("spleeter", tmp_path_factory.mktemp("spleeter"))


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Separator:
    return opened("good", tmp_path_factory.mktemp("good"))


def opened(name: str, folder: Path) -> Separator:
    families = EngineFamilies.at(locations_in(folder))
    return EngineRegistry(families, clock=SystemClock()).open(name, "cpu", NullControl())
