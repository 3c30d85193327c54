"""The device's script: its own tests in Node, its dialect, and that its protocol matches the bridge's."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from bridge.osc.addresses import OUTGOING, REQUESTS
from bridge.separation.catalogue import known_engines
from bridge.stems import AUDIO_STEMS, KIT, doubles
from max_for_live.generator import es5, tables
from max_for_live.generator.build import UNFROZEN, build
from max_for_live.generator.script import CODE, bundled
from tests.support.node import SCRIPTS, node

DOCS = Path(__file__).parents[2] / "docs"
ACORN = "require('internal/deps/acorn/acorn/dist/acorn').parse(require('fs').readFileSync(0, 'utf8'), {ecmaVersion: 5})"


def test_the_menu_has_every_engine_but_the_reproductions() -> None:
    offered = {name for name in known_engines(Path("nowhere")) if not name.startswith("repro_")}
    assert set(tables.ENGINE_MENU) == offered
    assert tables.ENGINE_MENU[:3] == ("auto", "draft", "htdemucs")
    assert len(set(tables.ENGINE_MENU)) == len(tables.ENGINE_MENU)
    assert {"auto", "Fast (draft)", "Good", "Best (htdemucs)", "htdemucs_ft"} <= set(tables.engine_labels())


def modules() -> list[Path]:
    return sorted(path for path in CODE.glob("*.js") if path != tables.FILE)


@pytest.mark.end_to_end
def test_the_scripts_own_tests_pass(tmp_path: Path) -> None:
    build(tmp_path)
    environment = {**os.environ, "SAB_DEVICE": str(tmp_path / UNFROZEN)}
    command = [node(), "--test", "--test-reporter=tap", *map(str, sorted(SCRIPTS.glob("*.test.js")))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    counted = re.search(r"^# pass (\d+)", done.stdout, re.MULTILINE)
    assert counted is not None
    assert int(counted[1]) >= 60


@pytest.mark.end_to_end
def test_a_parser_takes_the_script_for_es5() -> None:
    command = [node(), "--expose-internals", "-e", ACORN]
    done = subprocess.run(command, input=bundled(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.name)
def test_each_module_is_es5(path: Path) -> None:
    assert list(es5.es5_faults(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "let a = 1;", "const a = 1;", "var f = () => 1;", "var s = `x`;", "class A {}", "f(...a);", "a ?? b;", "a?.b;",
        "a ** b;", "var a = 0b11;", "var a = 1_000;", "f(1;", "}", "async function f() {}", "var a = 'open;",
    ],
)  # fmt: skip
def test_syntax_later_than_es5_or_broken_is_found(line: str) -> None:
    assert list(es5.es5_faults(line))


@pytest.mark.parametrize(
    "line",
    ["var a = b / c / d;", "var r = /[/`]=>/g;", "x.class = {let: 1};", "var s = 'let `a` => ...';", "// let a = `\n",
     "return /\\d+/.test(a) ? .5 : 1;", "var a = (b) / 2;"],
)  # fmt: skip
def test_syntax_that_only_looks_later_is_accepted(line: str) -> None:
    assert list(es5.es5_faults(line)) == []


def test_the_tables_are_the_bridges_own() -> None:
    stored = tables.FILE.read_text(encoding="utf-8")
    assert stored == tables.script(), "run `python -m max_for_live.generator --tables`"


@pytest.mark.end_to_end
def test_the_script_mutes_what_the_bridge_mutes() -> None:
    """The rule stands in both: the bridge has it for its mixer and for projects, the device for Live."""
    rng = random.Random(1)
    sets = [[name for name in (*AUDIO_STEMS, *KIT) if rng.random() < share] for share in (0.1, 0.3, 0.6) * 100]
    program = (
        f"console.log(JSON.stringify({json.dumps(sets)}.map(require({json.dumps(str(CODE / 'tracks.js'))}).doubled)))"
    )
    done = subprocess.run([node(), "-e", program], capture_output=True, text=True, timeout=30, check=True)
    assert [set(muted) for muted in json.loads(done.stdout)] == [doubles(names) for names in sets]


def test_the_script_names_no_address_itself() -> None:
    for path in modules():
        assert not re.search(r"/sab/\w", re.sub(r"//.*", "", path.read_text(encoding="utf-8"))), path.name


def test_the_script_writes_nothing_to_maxs_console() -> None:
    for path in modules():
        assert not re.search(r"\b(post|cpost|error)\(", path.read_text(encoding="utf-8")), path.name


def test_every_message_that_the_script_sends_or_receives_is_in_the_tables_and_in_the_docs() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in modules())
    sent = {f"/sab/{name}" for name in re.findall(r'\bsend\("(\w+)"', source)}
    received = {f"/sab/{name}" for name in re.findall(r'(?:topic === |case )"([\w.]+)"', source)}
    handlers = source[source.index("var handlers = {") : source.index("// Cancelled on the bridge's screen")]
    handlers += source[source.index("var answers = {") : source.index("// Errors that a musician")]
    topics = re.findall(r'^    "?([a-z.]+)"?: (?:function|methods)', handlers, re.MULTILINE)
    received |= {f"/sab/{name}" for name in topics}
    assert sent >= {"/sab/hello", "/sab/submit", "/sab/query"}
    assert received >= {"/sab/finished", "/sab/result", "/sab/fail", "/sab/midi.start"}
    assert sent <= REQUESTS.keys()
    assert received <= {row.address for row in OUTGOING}
    page = (DOCS / "osc.md").read_text(encoding="utf-8")
    assert all(f"`{address}" in page for address in sent | received)


def test_fields_that_the_script_reads_exist() -> None:
    names = {parameter.name for row in OUTGOING for parameter in row.parameters} | {"topic"}
    for path in modules():
        if path.name != "protocol.js":
            read = set(re.findall(r"\b(?:message|fail)\.(\w+)", path.read_text(encoding="utf-8")))
            assert read <= names, path.name


def test_keys_that_the_script_sends_are_the_bridges() -> None:
    source = (CODE / "request.js").read_text(encoding="utf-8")
    sent = set(re.findall(r'^\s+"(\w+)", |, "(\w+)", exact|push\("(\w+)", ', source, re.MULTILINE))
    keys = {name for names in sent for name in names if name} | {"req"}
    assert keys >= {"engine", "stems", "midi", "start", "end", "tempo", "name", "beat", "project"}
    assert keys - {"notes"} <= set(
        REQUESTS["/sab/submit"].keys
    )  # the script works without `notes` if the bridge does not know it
