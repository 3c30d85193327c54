from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.model import WARNINGS
from bridge.osc.addresses import OUTGOING, REQUESTS
from bridge.osc.reference import TABLES, updated

PAGE = Path(__file__).parents[2] / "docs" / "osc.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date(page: str) -> None:
    assert updated(page) == page, "run `python -m bridge.osc.reference docs/osc.md`"


def test_the_page_has_every_table_and_every_address(page: str) -> None:
    assert re.findall(r"<!-- table: (\w+) -->", page) == ["requests", "answers", "keys", "pushes", "warnings", "codes"]
    assert len(TABLES) == 6
    for address in (*REQUESTS, *(outgoing.address for outgoing in OUTGOING)):
        assert f"`{address}" in page


def test_every_warning_of_the_code_is_in_its_table() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (PAGE.parents[1] / "bridge").rglob("*.py"))
    given = set(re.findall(r"""Warning\(\s*code=["'](\w+)["']""", sources))
    assert {"would_clip", "tempo_assumed"} <= given
    assert given <= set(WARNINGS)


def test_an_outdated_table_is_regenerated(page: str) -> None:
    outdated = re.sub(r"\| `/sab/ping.*\n", "", page)
    assert outdated != page
    assert updated(outdated) == page


def test_the_examples_give_one_type_for_each_argument(page: str) -> None:
    lines = [shlex.split(line) for line in page.splitlines() if line.startswith("    oscsend ")]
    assert len(lines) >= 3
    for _, _, _, address, types, *arguments in lines:
        assert address in REQUESTS
        assert len(types) == len(arguments)


def test_the_page_mentions_no_unknown_address(page: str) -> None:
    known = {*REQUESTS, *(outgoing.address for outgoing in OUTGOING)}
    mentioned = set(re.findall(r"/sab/[a-z]+(?:\.[a-z]+)?", page))
    assert mentioned == known


def test_the_patch_for_pure_data_sends_only_known_addresses_and_keys() -> None:
    patch = (PAGE.parent / "examples" / "bridge.pd").read_text(encoding="utf-8")
    sent = {"/" + path.replace(" ", "/") for path in re.findall(r"oscformat (sab \w+)", patch)}
    assert sent == {"/sab/hello", "/sab/submit"}
    (keys,) = re.findall(r"list append (.*);", patch)
    assert set(keys.split()[::2]) <= set(REQUESTS["/sab/submit"].keys)


@pytest.mark.end_to_end
def test_the_server_starts_quickly_and_needs_no_arrays() -> None:
    heavy = "sorted({'numpy', 'scipy', 'torch', 'onnxruntime', 'librosa', 'textual', 'typer'} & set(sys.modules))"
    code = f"import sys; import bridge.osc.server, bridge.osc.client; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.end_to_end
def test_the_page_is_regenerated_from_the_shell(tmp_path: Path, page: str) -> None:
    copy = Path(shutil.copy(PAGE, tmp_path))
    copy.write_text(re.sub(r"\| `/sab/ping.*\n", "", page), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "bridge.osc.reference", str(copy)], check=True)
    assert copy.read_text(encoding="utf-8") == page
