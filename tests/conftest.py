"""For every test: its own state folder, the group it runs with, and no skipping where CI provides everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

#: For torch, before it is imported, in these processes and those that they start. Threads spin while they wait for each
#: other: with small models on a busy machine that took ten times the processor time.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def _redirect(environment: pytest.MonkeyPatch, folders: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith("SAB_") and name != "SAB_TESTS_MUST_NOT_SKIP"]:
        environment.delenv(name)
    environment.setenv("SAB_STATE_DIR", str(folders.mktemp("state")))
    for folder in ("CONFIG", "CACHE", "DATA"):
        environment.setenv(f"XDG_{folder}_HOME", str(folders.mktemp(folder.lower())))


@pytest.fixture(scope="session", autouse=True)
def own_folders_for_shared_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Folders for fixtures of module scope, such as a server, which start before the folders of a single test exist."""
    with pytest.MonkeyPatch.context() as environment:
        _redirect(environment, tmp_path_factory)
        yield


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps tests, and the processes they start, from reading the developer's settings or writing to their history."""
    _redirect(monkeypatch, tmp_path_factory)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts and groups the tests.

    Those that start no processes come first, so that their failures show within a minute or two. With `-n`, the tests
    of a file stay together, with its fixtures; of the commands that docs show, those of a world do. What needs JACK or
    Ardour runs alone, unless it is marked `not_alone`.
    """
    items.sort(key=lambda item: item.get_closest_marker("end_to_end") is not None)
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name} {parameters.get('world', '')}"))
        needs_quiet = item.get_closest_marker("jack") or item.get_closest_marker("ardour")
        if needs_quiet and not item.get_closest_marker("not_alone"):
            item.add_marker(pytest.mark.alone)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Fails a skipped test where CI provides everything that tests need."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("SAB_TESTS_MUST_NOT_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, although CI must not skip tests: {report.longrepr[2]}"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of stereo music: a tone left, a lower one right, clicks in the middle; 16 bits, 44.1 kHz."""
    from tests.support.sounds import music, write

    return write(tmp_path / "clip.wav", music(seconds=2.0))
