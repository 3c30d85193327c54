"""A model that is put into the folder while the server runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.osc.client import open_client
from tests.support.programs import serving
from tests.support.small_models import save_model, small_model

pytestmark = pytest.mark.end_to_end


async def test_a_new_model_is_accepted_over_osc_without_a_restart(tmp_path: Path, clip: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    options = ("--no-midi", "--no-http", "--engine", "draft", "--models-dir", str(models))
    with serving(tmp_path, *options) as server:
        async with open_client(server.host, server.port) as client:
            client.send("/sab/submit", str(clip), "engine", "mine", "req", "early")
            refused = await client.next_push()
            assert (refused.address, refused.arguments[1], refused.arguments[3]) == (
                "/sab/fail",
                "bad_arguments",
                "early",
            )
            assert "one of auto, draft" in str(refused.arguments[2])
            save_model(models, "mine", small_model("waveform"))
            (accepted,) = await client.ask("/sab/submit", str(clip), "engine", "Mine")
            assert accepted.address == "/sab/accepted"
            await client.ask("/sab/cancel", str(accepted.arguments[1]))
