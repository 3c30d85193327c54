"""The check of names finds what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import check_names


def product(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_names, "EXCEPTIONS", {})


def test_a_name_that_stands_twice_is_found(tmp_path: Path) -> None:
    (line,) = check_names.faults(product(tmp_path, {"bridge/a.py": "class Hit: ...", "tui/b.py": "def Hit(): ..."}))
    assert "Hit" in line and "a.py" in line and "b.py" in line


def test_private_names_and_those_inside_of_others_may_stand_twice(tmp_path: Path) -> None:
    text = "def _read(): ...\nclass {}:\n    def read(self): ..."
    assert (
        check_names.faults(product(tmp_path, {"bridge/a.py": text.format("A"), "bridge/b.py": text.format("B")})) == []
    )


def test_an_exception_that_nothing_needs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_names, "EXCEPTIONS", {"main": "entry points"})
    (line,) = check_names.faults(product(tmp_path, {"bridge/a.py": "def main(): ..."}))
    assert "main" in line


def test_a_folder_with_too_many_modules_is_found(tmp_path: Path) -> None:
    files = {f"bridge/room/m{number}.py": "" for number in range(check_names.MOST_MODULES + 1)}
    (line,) = check_names.faults(product(tmp_path, files | {"bridge/room/__init__.py": ""}))
    assert "room has 19 modules" in line
