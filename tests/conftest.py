"""What holds for every test: its own state folder, and no skipping where CI has brought everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_places(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test, and no process that it starts, reads the developer's settings or writes into their history."""
    for name in [name for name in os.environ if name.startswith("SAB_") and name != "SAB_TESTS_MUST_NOT_SKIP"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SAB_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    for place in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{place}_HOME", str(tmp_path_factory.mktemp(place.lower())))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where CI says that everything is here, a skipped test is a failed one."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("SAB_TESTS_MUST_NOT_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where nothing may be missing: {report.longrepr[2]}"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of stereo music: a tone left, a deeper one right, clicks in the middle; 16 bits, 44.1 kHz."""
    from tests.sounds import music, write

    return write(tmp_path / "clip.wav", music(seconds=2.0))
