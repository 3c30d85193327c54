"""The built device: always the same bytes and valid; the validator finds every fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.stems import STEM_TABLE
from max_for_live.generator import chunks, description, tables
from max_for_live.generator.build import DEVICE, FROZEN, UNFROZEN, build, files
from max_for_live.generator.chunks import NotADevice
from max_for_live.generator.frozen import File, frozen, thawed
from max_for_live.generator.patcher import as_text, patch
from max_for_live.generator.picture import PICTURES, fits, svg
from max_for_live.generator.script import CODE, NAME, bundled
from max_for_live.generator.validator import device_faults

IMAGES = Path(__file__).parents[2] / "docs" / "images"
Patcher: TypeAlias = dict[str, Any]


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    build(tmp_path / "one")
    build(tmp_path / "two")
    for name in files():
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("kind", [UNFROZEN, FROZEN])
def test_the_built_device_is_valid(tmp_path: Path, kind: str) -> None:
    build(tmp_path)
    assert device_faults(tmp_path / kind / DEVICE) == []


def test_a_frozen_device_needs_nothing_beside_it(tmp_path: Path) -> None:
    build(tmp_path)
    assert [path.name for path in (tmp_path / FROZEN).iterdir()] == [DEVICE]
    *_, (_, payload) = chunks.read_chunks((tmp_path / FROZEN / DEVICE).read_bytes())
    device, script = thawed(payload)
    assert (device.name, script.name, script.content) == (DEVICE, NAME, bundled().encode())


def test_the_bytes_of_a_small_unfrozen_device() -> None:
    assert chunks.chunk_bytes(b"aaaa", 0, b'{"patcher":{}}\n\0') == (
        b"ampf" b"\x04\0\0\0" b"aaaa"
        b"meta" b"\x04\0\0\0" b"\0\0\0\0"
        b"ptch" b"\x10\0\0\0" b'{"patcher":{}}\n\0'
    )  # fmt: skip


def test_the_bytes_of_a_small_frozen_part() -> None:
    assert frozen([File("A.amxd", b"JSON", b"{}\n\0", 5, 17)]) == (
        b"mx@c" b"\0\0\0\x10" b"\0\0\0\0\0\0\0\x14"  # the footer is at 20
        b"{}\n\0"
        b"dlst" b"\0\0\0\x68"
        b"dire" b"\0\0\0\x60"
        b"type" b"\0\0\0\x0c" b"JSON"
        b"fnam" b"\0\0\0\x10" b"A.amxd\0\0"
        b"sz32" b"\0\0\0\x0c" b"\0\0\0\x04"
        b"of32" b"\0\0\0\x0c" b"\0\0\0\x10"
        b"vers" b"\0\0\0\x0c" b"\0\0\0\0"
        b"flag" b"\0\0\0\x0c" b"\0\0\0\x11"
        b"mdat" b"\0\0\0\x0c" b"\0\0\0\x05"
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.text("abcdefgh .", min_size=1, max_size=12), st.binary(max_size=40)), min_size=1, max_size=5)
)
def test_frozen_files_can_be_read_back(contents: list[tuple[str, bytes]]) -> None:
    inside = [File(name.strip() or "x", b"TEXT", content) for name, content in contents]
    assert list(thawed(frozen(inside))) == inside


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_damaged_bytes_raise_no_other_error(at: int, noise: bytes) -> None:
    whole = chunks.chunk_bytes(b"aaaa", 7, frozen([File("A.amxd", b"JSON", b"{}\n\0", flag=17)]))
    damaged = whole[:at] + noise + whole[at + len(noise) + 1 :]
    with suppress(NotADevice):
        for _, payload in chunks.read_chunks(damaged):
            thawed(payload)


def box(patcher: Patcher, name: str) -> dict[str, Any]:
    indices = {box.name: n for n, box in enumerate(description.BOXES)}
    found: dict[str, Any] = patcher["boxes"][indices[name]]["box"]
    return found


def drop_parameter(patcher: Patcher) -> None:
    del patcher["parameters"][box(patcher, "engine")["id"]]


def cord(source: str, outlet: int, target: str, inlet: int) -> Callable[[Patcher], None]:
    def add(patcher: Patcher) -> None:
        ends = {"source": [box(patcher, source)["id"], outlet], "destination": [box(patcher, target)["id"], inlet]}
        patcher["lines"].append({"patchline": ends})

    return add


def without_audio(patcher: Patcher) -> None:
    del patcher["lines"][0]


def push_the_port(patcher: Patcher) -> None:
    patcher["parameters"]["parameterbanks"]["0"]["parameters"][0] = "Bridge Port"


def put(name: str, **values: Any) -> Callable[[Patcher], None]:
    return lambda patcher: box(patcher, name).update(values)


def valueof(name: str, **values: Any) -> Callable[[Patcher], None]:
    return lambda patcher: box(patcher, name)["saved_attribute_attributes"]["valueof"].update(values)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda patcher: patcher["project"].update(amxdtype=1835887981), "amxdtype"),
        (lambda patcher: patcher["project"].update(contents={"patchers": {}, "code": {}}), "contents"),
        (lambda patcher: patcher.pop("latency"), "no latency"),
        (lambda patcher: patcher.update(openinpresentation=0), "openinpresentation"),
        (put("low", id="obj-1"), "obj-1 occurs 2 times"),
        (put("cancel", varname="stream"), "scripting name stream"),
        (put("low", numoutlets=2), "1 inlets and 1 outlets"),
        (put("receive", outlettype=["int"]), "outlet types"),
        (put("low", text="defer_low"), "not a known object"),
        (cord("script", 3, "low", 0), "no outlet 3"),
        (cord("low", 0, "script", 1), "no inlet 1"),
        (cord("low", 0, "script", 0), "two cords"),
        (without_audio, "does not pass through"),
        (drop_parameter, "a parameter in one place only"),
        (valueof("engine", parameter_mmax=3.0), "number of choices"),
        (valueof("port", parameter_type=1), "cannot exceed 255"),
        (valueof("port", parameter_longname="Another"), "under a different name"),
        (put("engine", parameter_enable=0), "needs parameter_enable"),
        (put("progress", settype=0), "holds whole numbers"),
        (put("progress", setstyle=0), "a line that wanders"),
        (valueof("separate", parameter_initial_enable=1), "has no initial one"),
        (put("separate", outputmode=0), "at its release"),
        (push_the_port, "in a bank of Push"),
        (put("clip", presentation_rect=[6.0, 160.0, 200.0, 18.0]), "extends beyond the face"),
        (put("clip", presentation_rect=[6.5, 30.0, 200.0, 18.0]), "between pixels"),
        (lambda patcher: patcher.update(dependency_cache=[]), "dependency_cache"),
        (put("osc_message", text="prepend osk"), "no function osk"),
        (put("press_stream", text="pres stream"), "no function pres"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_max_would_drop_without_an_error_is_found(
    tmp_path: Path, damage: Callable[[Patcher], object], words: str
) -> None:
    content = patch()
    damage(content["patcher"])
    (tmp_path / NAME).write_bytes(bundled().encode())
    (tmp_path / DEVICE).write_bytes(chunks.chunk_bytes(b"aaaa", 0, as_text(content)))
    assert any(words in fault for fault in device_faults(tmp_path / DEVICE)), device_faults(tmp_path / DEVICE)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "missing"),
        ("inlets = 1;\noutlets = 3;\nlet a = 1;\n// Max's side\n", "later than ES5"),
        ("inlets = 1;\noutlets = 3;\noutlet.apply(null, [0, 1]);\n// Max's side\n", "may end Live"),
    ],
)
def test_a_script_that_is_missing_or_modern_is_found(tmp_path: Path, script: str | None, words: str) -> None:
    if script:
        (tmp_path / NAME).write_text(script)
    (tmp_path / DEVICE).write_bytes(chunks.chunk_bytes(b"aaaa", 0, as_text(patch())))
    assert any(words in fault for fault in device_faults(tmp_path / DEVICE))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ampf\x04\0\0\0aaa",
        chunks.chunk_bytes(b"aaaa", 7, as_text(patch())),
        chunks.chunk_bytes(b"aaaa", 0, as_text(patch())[:-1]),
        chunks.chunk_bytes(b"aaaa", 0, as_text(patch())) + b"x",
        chunks.chunk_bytes(b"mmmm", 0, as_text(patch())),
    ],
)
def test_bytes_that_are_not_a_valid_device_are_found(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(bundled().encode())
    (tmp_path / DEVICE).write_bytes(data)
    assert device_faults(tmp_path / DEVICE)


def test_long_names_never_change() -> None:
    """Live stores a device's settings under them: a saved set must open unchanged."""
    names = [box.parameter.longname for box in description.FACE if box.parameter and box.parameter.visibility == 1]
    assert names == [
        "Part", "Opposite", "Stem Vocals", "Stem Drums", "Stem Bass", "Stem Other", "Stem Guitar", "Stem Piano",
        "Drum Kit", "Engine", "Import Audio", "Import Notes", "Mute Source", "Reading", "Bridge Port", "Tempo",
        "Play Live",
    ]  # fmt: skip
    engine = next(box.parameter for box in description.FACE if box.name == "engine")
    assert engine is not None
    assert engine.choices[:7] == (
        "auto",
        "Fast (draft)",
        "Best (htdemucs)",
        "htdemucs_ft",
        "htdemucs_6s",
        "hdemucs_mmi",
        "mdx",
    )


def test_what_is_not_a_musicians_choice_is_neither_stored_nor_on_push() -> None:
    content = patch()["patcher"]
    banks = content["parameters"]["parameterbanks"].values()
    on_push = [name for bank in banks for name in bank["parameters"] if name != "-"]
    assert on_push[:8] == [
        "Part", "Opposite", "Stem Vocals", "Stem Drums", "Stem Bass", "Stem Other", "Stem Guitar", "Stem Piano",
    ]  # fmt: skip
    assert "Bridge Port" not in on_push
    held = {entry["box"]["varname"] for entry in content["boxes"] if "varname" in entry["box"]} & {
        *description.PRESSES, *description.MOVERS,
    }  # fmt: skip
    for name in held:
        assert "parameter_initial" not in box(content, name)["saved_attribute_attributes"]["valueof"], name


def test_the_tab_has_a_word_for_each_of_its_engines() -> None:
    tab = next(box.parameter for box in description.FACE if box.name == "quality")
    assert tab is not None
    assert tab.choices == ("Fast", "Good", "Best", "Auto", "More")
    assert [*tables.QUALITIES] == ["draft", "good", "htdemucs", "auto"]
    assert set(tables.QUALITIES) <= set(tables.ENGINE_MENU)


def test_a_switch_has_the_colour_of_its_stem() -> None:
    content = patch()["patcher"]
    colours = {name: box(content, f"stem_{name}")["activebgoncolor"] for name in STEM_TABLE}
    assert colours["vocals"] == [1.0, 0.4784, 0.6118, 1.0]
    assert len({tuple(colour) for colour in colours.values()}) == len(STEM_TABLE)


def test_the_menu_of_opposites_has_the_order_of_the_script() -> None:
    """Live stores the index of a menu's entry."""
    menu = next(box.parameter for box in description.FACE if box.name == "opposite")
    assert menu is not None
    assert menu.choices == (
        "stems alone", "+ Instrumental", "+ No Drums", "+ No Bass", "+ No Other", "+ No Guitar", "+ No Piano",
    )  # fmt: skip
    assert 'exports.OPPOSITES = ["", "instrumental", "no_drums", "no_bass", "no_other", "no_guitar", "no_piano"];' in (
        tables.script()
    )


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_show_the_face_that_is_built(name: str) -> None:
    drawn = svg(PICTURES[name])
    ElementTree.fromstring(drawn)
    stored = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    assert stored == drawn, "run `python -m max_for_live.generator --pictures`"


def test_boxes_of_the_face_do_not_cover_each_other() -> None:
    rects = [(box.name, box.rect) for box in description.FACE if box.rect]
    for n, (name, (left, top, width, height)) in enumerate(rects):
        for other, (x, y, wide, high) in rects[n + 1 :]:
            if {name, other} == description.SHARED:
                continue
            apart = x >= left + width or left >= x + wide or y >= top + height - 1 or top >= y + high - 1
            assert apart, f"{name} and {other}"


def sentences(path: Path) -> list[str]:
    """The problem texts in a module of the script, without the names in them."""
    calls = re.findall(r"(?:problem|fail|remark)\((?:report, )?((?:[^()]|\([^)]*\))*?)\)", path.read_text("utf-8"))
    texts = ["".join(json.loads(f'"{part}"') for part in re.findall(r'"((?:[^"\\]|\\.)*)"', words)) for words in calls]
    return [text for text in texts if " " in text]


def test_every_text_of_the_device_fits_on_the_face() -> None:
    boxes = {box.name: box for box in description.FACE}
    texts_by_module = {path.stem: sentences(path) for path in CODE.glob("*.js")}
    assert sum(map(len, texts_by_module.values())) >= 25
    for module, texts in texts_by_module.items():
        for text in texts:
            assert fits(f"{text} Some Clip 1", boxes["problem"]), text
            assert module not in ("clip", "region") or fits(text, boxes["part"]), text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("result", "Imported 6 audio and 6 MIDI tracks, 1870 notes."),
        ("stage", "Finding notes · 100 % · 1:30 left"),
        ("server", "Source Audio Bridge 0.10.12"),
        ("queue", "GPU · 199 waiting"),
        ("part", "kept · 1234.5 s · not warped · brace (selected time: Ctrl/Cmd+L)"),
        (
            "problem",
            "11 tracks are switched off: they play what other stems play too. Put a drum kit on the MIDI track of the "
            "drums: it is silent.",
        ),
        ("problem", f"The files are in …{'x' * 110}"),
        ("part", "Switch the loop on: select the time, then press Ctrl+L or Cmd+L."),
        ("clip", "A Clip With a Name of Length"),
        ("stage", "Finding notes · 100 % · 1:30 left · slower than expected · notes to 10:35"),
        ("result", "Read again at Live's 120.5 BPM: 6 MIDI clips, 11870 notes."),
        ("tempo", "No clear beat: 120 BPM"),
        ("tempo", "123.4 BPM · half or double?"),
        (
            "problem",
            "Changed since, so left as they are: Vocals, Drums, Bass, Other, Guitar. Import brings the new notes.",
        ),
    ],
)
def test_a_long_text_fits(name: str, words: str) -> None:
    assert fits(words, next(box for box in description.FACE if box.name == name))
