"""What `sab doctor` says of a farm that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.app import open_bridge
from bridge.cli.diagnosis.farm import farm_finding
from bridge.config import load_settings
from bridge.errors import BadArguments


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tls://studio.local:8786", "sab farm certificates"),
        ("tcp://studio.local:8786", "not encrypted"),
        ("studio", "no address"),
    ],
)
async def test_a_farm_that_cannot_be_used_is_found_and_no_bridge_starts(
    tmp_path: Path, address: str, words: str
) -> None:
    settings = load_settings({"SAB_STATE_DIR": str(tmp_path)}, {"cluster": address, "port": 0})
    finding = await farm_finding(settings)
    assert finding.verdict == "broken"
    assert words in finding.message
    with pytest.raises(BadArguments, match=words):
        async with open_bridge(settings):
            pass
