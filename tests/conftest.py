"""What holds for every test: its own state folder, and no skipping where CI has brought everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


def _redirect(environment: pytest.MonkeyPatch, folders: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith("SAB_") and name != "SAB_TESTS_MUST_NOT_SKIP"]:
        environment.delenv(name)
    environment.setenv("SAB_STATE_DIR", str(folders.mktemp("state")))
    for place in ("CONFIG", "CACHE", "DATA"):
        environment.setenv(f"XDG_{place}_HOME", str(folders.mktemp(place.lower())))


@pytest.fixture(scope="session", autouse=True)
def own_places_for_what_tests_share(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server that a whole module shares is started before any single test's places are made."""
    with pytest.MonkeyPatch.context() as environment:
        _redirect(environment, tmp_path_factory)
        yield


@pytest.fixture(autouse=True)
def own_places(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test, and no process that it starts, reads the developer's settings or writes into their history."""
    _redirect(monkeypatch, tmp_path_factory)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever starts no processes comes first: what is wrong there is known within a minute or two."""
    items.sort(key=lambda item: item.get_closest_marker("end_to_end") is not None)


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
    from tests.support.sounds import music, write

    return write(tmp_path / "clip.wav", music(seconds=2.0))
