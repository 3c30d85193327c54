"""The lock: what is wrong with one is found without asking an index."""

from __future__ import annotations

import copy

import pytest

from tools.lock import LOCK, MORE_HASHES, ROOT, lock_faults, read_project, requirements_digest, with_more_hashes

PROJECT = read_project(ROOT)
PIN = "idna==3.20 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"


def lock_of(*pins: str) -> str:
    return f"# requirements: {requirements_digest(PROJECT)}\n" + "".join(pins)


def test_the_committed_lock_is_that_of_the_project() -> None:
    assert lock_faults((ROOT / LOCK).read_text(encoding="utf-8"), PROJECT) == []
    assert lock_faults(lock_of(PIN), PROJECT) == []


@pytest.mark.parametrize(
    ("pins", "words"),
    [
        ("idna==3.20\n", "idna==3.20 has no hash"),
        ("idna>=3 \\\n    --hash=sha256:aa\n", "idna>=3 is not pinned"),
        ("--index-url https://example.org/simple\n", "names where packages lie"),
        ("idna @ file:///wheels/idna.whl \\\n    --hash=sha256:aa\n", "names where packages lie"),
    ],
)
def test_a_lock_without_hashes_or_with_a_host_is_wrong(pins: str, words: str) -> None:
    assert any(words in fault for fault in lock_faults(lock_of(pins), PROJECT))


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        (("project", "dependencies"), ["numpy"]),
        (("project", "requires-python"), ">=3.12"),
        (("project", "optional-dependencies"), {}),
        (("dependency-groups", "dev"), []),
        (("tool", "uv", "constraint-dependencies"), []),
    ],
)
def test_a_change_of_the_requirements_makes_the_lock_wrong(place: tuple[str, ...], changed: object) -> None:
    project = copy.deepcopy(PROJECT)
    *path, last = place
    table = project
    for name in path:
        table = table[name]
    assert table[last] != changed
    table[last] = changed
    assert lock_faults(lock_of(PIN), project) == [f"{LOCK} is not that of pyproject.toml: python -m tools.lock"]


def test_a_change_of_anything_else_does_not() -> None:
    project = copy.deepcopy(PROJECT)
    project["project"]["version"] = "9"
    project["tool"]["ruff"] = {}
    assert lock_faults(lock_of(PIN), project) == []


def test_the_cpu_build_of_torch_may_take_the_place_of_the_index_s() -> None:
    ((pinned, hashes),) = MORE_HASHES.items()
    text = with_more_hashes(f"{pinned} ; python_version > '3' \\\n    --hash=sha256:aa\n")
    assert text.splitlines()[1:] == [*(f"    --hash={value} \\" for value in hashes), "    --hash=sha256:aa"]
    with pytest.raises(ValueError, match="which the lock has not"):
        with_more_hashes(f"{pinned}1 \\\n    --hash=sha256:aa\n")
    assert all(value in (ROOT / LOCK).read_text(encoding="utf-8") for value in hashes)
