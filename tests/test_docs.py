"""The pages: links, files, modules and decisions that they name exist; README stays short."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DECISIONS = ROOT / "docs" / "decisions"
METHODS = ROOT / "docs" / "methods"
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("bridge", "tui", "max_for_live", "benchmarks", "tools", "tests", "docs")
#: Files that may refer to a decision; snapshots of the screen do not.
TEXTS = (".py", ".js", ".lua", ".toml", ".md", ".tcss")
LONGEST_README_LINES = 100

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_DECISION_FILE = re.compile(r"docs/(?:decisions|methods)/[\w.-]+")
_DECISION = re.compile(r"\bdecisions? (\d{2,4})(?:(?:, | and )(\d{2,4}))*", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"`((?:bridge|tui|tests|tools|benchmarks|max_for_live|docs)/[\w./-]+\.\w+)`")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_MODULE = re.compile(r"python -m ([a-z_.]+)")


def pages(*folders: Path) -> list[object]:
    found = PAGES if not folders else [page for page in PAGES if page.parent in folders]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in found]


def texts() -> list[Path]:
    """The repository's text files."""
    below = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix in TEXTS)
    return sorted({*below, *ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / ".ci" / "run"})


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_test_that_a_page_names_exists() -> None:
    named = {match for page in PAGES for match in _TEST.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 20  # docs/security.md has one for each threat
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_threat_has_a_test() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [line for line in page.split("\n") if line.startswith("| ") and not line.startswith("| who")]
    assert len(rows) > 20
    assert [row for row in rows if not _TEST.search(row)] == []


@pytest.mark.parametrize("page", pages())
def test_every_file_and_module_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not [name for name in _LOCAL_FILE.findall(text) if "NNNN" not in name and not (ROOT / name).exists()]
    assert not [name for name in _MODULE.findall(text) if find_spec(name) is None]


def test_every_decision_and_method_that_a_file_names_exists() -> None:
    numbers = {page.name[:4] for page in DECISIONS.glob("[0-9]*.md")}
    missing = []
    for file in texts():
        text = file.read_text(encoding="utf-8")
        for match in _DECISION_FILE.finditer(text):
            name = match[0].rstrip(".")
            number = name.removeprefix("docs/decisions/")
            if number not in (*numbers, "NNNN-title.md") and not (ROOT / name).exists():
                missing.append(f"{file.relative_to(ROOT)}: {name}")
        for match in _DECISION.finditer(text):
            named = [number.zfill(4) for number in re.findall(r"\d+", match[0])]
            missing += [f"{file.relative_to(ROOT)}: {number}" for number in named if number not in numbers]
    assert not missing


@pytest.mark.parametrize("page", pages(DECISIONS))
def test_a_decision_says_what_was_decided_why_and_what_it_costs(page: Path) -> None:
    if page.name == "README.md":
        return
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]} ")
    assert [part for part in ("**Decision.**", "**Why.**", "**Cost.**") if part not in text] == []
    assert page.name in (DECISIONS / "README.md").read_text(encoding="utf-8"), "a line in docs/decisions/README.md"


def test_every_method_is_in_the_index() -> None:
    index = (METHODS / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in METHODS.glob("*.md") if page.name != "README.md" and page.name not in index] == []


def test_the_readme_is_short_and_begins_with_a_picture() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_README_LINES
    assert any(line.startswith("![") for line in lines[:10])
