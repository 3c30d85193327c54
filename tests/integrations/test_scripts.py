"""Scripts, tables and docs match each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from bridge.config import DEFAULT_HOST, DEFAULT_PORT
from bridge.integrations.daws import ARDOUR_URL, DAWS, REAPER_SETTINGS, BridgeAddress, lua_text
from bridge.model import TOGETHER, Result
from bridge.options.record import result_record
from bridge.options.request import build_request
from bridge.options.table import OPTIONS, TEMPO
from bridge.osc.addresses import REQUESTS
from bridge.pipeline.manifest import MANIFEST_VERSION
from bridge.project_paths import FORBIDDEN, result_name
from bridge.request import JobRequest
from bridge.stems import AUDIO_STEMS, MIX

LUA = shutil.which("lua5.3") or shutil.which("lua5.4") or shutil.which("lua")
DOCS = Path(__file__).parents[2] / "docs"
HERE = BridgeAddress(DEFAULT_HOST, DEFAULT_PORT, ("sab",))
SCRIPTS = {
    daw: {name: text.decode() for name, text in DAWS[daw].contents(HERE).items()} for daw in ("ardour", "reaper")
}
SENDER = "source_audio_bridge_take_apart.lua"

daws = pytest.mark.parametrize("daw", ["ardour", "reaper"])


def keys_sent(daw: str) -> list[str]:
    return re.findall(r'\badd \("(\w+)"', SCRIPTS[daw][SENDER])


@daws
def test_scripts_use_only_addresses_of_the_bridge(daw: str) -> None:
    addresses = re.findall(r'"(/sab/[\w./]*)"', "".join(SCRIPTS[daw].values()))
    assert set(addresses) <= set(REQUESTS)
    assert daw == "reaper" or addresses == ["/sab/submit", "/sab/hello"]


@daws
def test_scripts_send_only_valid_keys_each_once(daw: str) -> None:
    keys = keys_sent(daw)
    assert len(keys) == len(set(keys)) > 0
    assert set(keys) <= set(OPTIONS)
    assert set(keys) <= set(REQUESTS["/sab/submit"].keys)


@daws
def test_the_docs_name_the_keys_that_are_sent(daw: str) -> None:
    page = (DOCS / f"{daw}.md").read_text(encoding="utf-8")
    part = re.search(rf"<!-- keys: {daw} -->(.*?)<!-- end -->", page, re.DOTALL)
    assert part is not None
    assert re.findall(r"`(\w+)`", part[1]) == keys_sent(daw)


@daws
def test_the_docs_name_the_scripts(daw: str) -> None:
    page = (DOCS / f"{daw}.md").read_text(encoding="utf-8")
    if daw == "ardour":
        names = [re.search(r'name\s*= "(.*)"', text) for text in SCRIPTS[daw].values() if "EditorAction" in text]
        assert all(name is not None and name[1] in page for name in names)
        assert "source_audio_bridge_session.lua" in page
    else:
        actions = [name for name, text in SCRIPTS[daw].items() if text.startswith("-- @description")]
        assert len(actions) == 3
        assert all(name in page for name in (*actions, REAPER_SETTINGS))


@daws
def test_scripts_have_the_bridges_tempo_range(daw: str) -> None:
    slowest, fastest = (f"{bpm:g}" for bpm in (TEMPO.lowest, TEMPO.highest))
    assert f"SLOWEST_BPM, FASTEST_BPM = {slowest}, {fastest}" in SCRIPTS[daw][SENDER]


@daws
def test_scripts_replace_the_characters_that_the_bridge_replaces(daw: str) -> None:
    match = re.search(r"gsub \('\[(.*?)\\0-\\31\\127\]', \"_\"\)", SCRIPTS[daw][SENDER])
    assert match is not None
    forbidden = match[1].replace("\\\\", "\\")
    assert all(FORBIDDEN.fullmatch(character) for character in forbidden)
    plain = "".join(character for character in map(chr, range(32, 127)) if character not in forbidden)
    assert not FORBIDDEN.search(plain)
    assert result_name(Path("x.wav"), "a" * 100) == "a" * 100


@pytest.mark.skipif(LUA is None, reason="no Lua interpreter is installed (Debian: lua5.3)")
@pytest.mark.parametrize(
    "name",
    [
        "Verse",
        "Aux",
        "Aux.1",
        " com1 .x",
        "lpt9",
        "COM10",
        "console",
        "a/b:c",
        "x" * 300,
        "ü" * 99,
        " . .",
        "",
        "a. .",
        "con prn",
        "Fu\u0308r E\u0301lise",  # decomposed, as on macOS
        "\u1112\u1161\u11ab\u3042\u3099",
        "\u212b \ufa19",  # normalised to other characters
        "\u00a0verse\u3000",
        "a\u2028b\u0085\u202fc\u2003",
    ],
)
@daws
def test_the_bridge_does_not_change_the_names_that_the_scripts_make(daw: str, name: str) -> None:
    """Otherwise the scripts would wait for a manifest at the wrong path."""
    text = SCRIPTS[daw][SENDER]
    longest = re.search(r"LONGEST_NAME = \d+", text)
    blanks = re.search(r"^\t?local BLANKS = .*$", text, re.MULTILINE)
    function = re.search(r"^(\t?)local function file_name.*?^\1end$", text, re.MULTILINE | re.DOTALL)
    assert LUA is not None and longest is not None and blanks is not None and function is not None
    code = f"{longest[0]}\n{blanks[0]}\n{function[0]}\nio.write ((file_name ({lua_text(name)})))"
    made = subprocess.run([LUA, "-e", code], capture_output=True, check=True).stdout.decode()
    assert made
    assert build_request("/x.wav", {"name": made}, JobRequest(source="")).place.name == made
    assert result_name(Path("x.wav"), made) == made


def test_the_address_in_ardours_script_is_the_default_until_it_is_installed() -> None:
    assert f"osc.udp://{DEFAULT_HOST}:{DEFAULT_PORT}" == ARDOUR_URL
    original = (files("bridge.integrations") / "ardour" / SENDER).read_text(encoding="utf-8")
    assert original.count(ARDOUR_URL) == 1


@pytest.mark.parametrize(
    ("host", "address"),
    [("::1", "[::1]"), ("::", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("studio.local", "studio.local")],
)
def test_scripts_get_the_bridges_address(host: str, address: str) -> None:
    here = BridgeAddress(host, 9800, ("sab",))
    assert f'"osc.udp://{address}:9800"' in DAWS["ardour"].contents(here)[SENDER].decode()
    settings = DAWS["reaper"].contents(here)[REAPER_SETTINGS].decode()
    assert f'options = {{ "--host", "{address.strip("[]")}", "--port", "9800" }}' in settings


@daws
def test_scripts_can_read_the_bridges_manifest(daw: str) -> None:
    text = SCRIPTS[daw]["source_audio_bridge_import.lua"]
    assert """'"kind":%s*"(%a+)",%s*"name":%s*"([%a_]+)",%s*"path":%s*"(.-[^\\\\])"'""" in text
    assert all(re.fullmatch("[A-Za-z_]+", name) for name in (*AUDIO_STEMS, MIX.name, TOGETHER))
    assert f'part ~= "{TOGETHER}"' in text
    assert list(result_record(Result(kind="stem", name="bass", file="a.wav", seconds=1.0)))[:3] == [
        "kind",
        "name",
        "path",
    ]
    assert MANIFEST_VERSION == 1


def test_text_for_lua_is_escaped() -> None:
    assert lua_text('a "b"\\\n') == r'"a \034b\034\092\010"'
