"""The readable description of the device: its face, its objects and its patch cords.

Rectangles are (left, top, width, height) in whole pixels of the face, which is 169 high. Live stores parameters in sets
by their long names: these never change, and choices are only ever added at the end of a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bridge.config import DEFAULT_PORT
from bridge.stems import STEM_TABLE, STEMS
from max_for_live.generator.script import NAME as SCRIPT
from max_for_live.generator.tables import OPPOSITE_MENU, engine_labels

NAME = "Source Audio Bridge"
WIDTH, HEIGHT = 460, 169
#: The port of `udpreceive` until the script has chosen one: outside the range that the script uses.
PARKING_PORT = 9791
SCRIPT_OUTLETS = 3

Rect = tuple[int, int, int, int]
Kind = Literal["float", "enum"]
STORED, HIDDEN = 1, 2


@dataclass(frozen=True)
class DeviceParameter:
    """The Live parameter of a control."""

    longname: str
    shortname: str
    kind: Kind
    choices: tuple[str, ...] = ()
    lowest: float = 0
    highest: float = 0
    initial: float = 0
    visibility: int = STORED


@dataclass(frozen=True)
class Box:
    """One object of the patch; with a `rect`, it is on the face."""

    name: str
    maxclass: str
    text: str = ""
    rect: Rect | None = None
    parameter: DeviceParameter | None = None
    info: str = ""
    """Its text in Live's Info View."""
    attributes: dict[str, object] = field(default_factory=dict)
    themed: dict[str, str] = field(default_factory=dict)
    """Colours that follow Live's theme: attribute → name of the theme's colour."""


TEXT_COLOR = {"textcolor": "themecolor.live_control_fg"}
BAR_COLORS = {"slidercolor": "themecolor.live_control_selection", "bgcolor": "themecolor.live_lcd_bg"}


def line(name: str, rect: Rect, text: str = "", size: float = 9.5, bold: bool = False, right: bool = False) -> Box:
    """A text that the script can change, with line breaks."""
    attributes: dict[str, object] = {
        "fontname": "Ableton Sans Bold" if bold else "Ableton Sans Medium",
        "fontsize": size,
    }
    if right:
        attributes["textjustification"] = 2
    return Box(name, "comment", text, rect, attributes=attributes, themed=TEXT_COLOR)


def device_heading(name: str, rect: Rect, text: str) -> Box:
    return Box(name, "live.comment", text, rect, attributes={"textjustification": 0}, themed=TEXT_COLOR)


def toggle(name: str, rect: Rect, text: str, longname: str, info: str, on: bool = True) -> Box:
    parameter = DeviceParameter(longname, text, "enum", ("off", "on"), highest=1, initial=int(on))
    return Box(name, "live.text", text, rect, parameter, info, {"mode": 1, "texton": text})


def button(name: str, rect: Rect, text: str, info: str) -> Box:
    parameter = DeviceParameter(f"{text} Button", text, "enum", ("off", "on"), highest=1, visibility=HIDDEN)
    return Box(name, "live.text", text, rect, parameter, info, {"mode": 0})


def choice(name: str, maxclass: str, rect: Rect, longname: str, choices: tuple[str, ...], info: str) -> Box:
    parameter = DeviceParameter(longname, longname, "enum", choices, highest=len(choices) - 1)
    attributes = {"num_lines_patching": 1, "num_lines_presentation": 1} if maxclass == "live.tab" else {}
    return Box(name, maxclass, "", rect, parameter, info, dict(attributes))


LIGHT = Box(
    "light", "led", rect=(6, 6, 11, 11),
    attributes={"ignoreclick": 1, "oncolor": [0.35, 0.8, 0.35, 1.0], "offcolor": [0.55, 0.25, 0.2, 1.0]},
)  # fmt: skip
BAR = Box(
    "progress", "multislider", rect=(6, 117, 448, 7),
    attributes={"orientation": 0, "setminmax": [0.0, 1.0], "size": 1, "settype": 0, "ignoreclick": 1, "candycane": 0},
    themed=BAR_COLORS,
)  # fmt: skip
SERVER_PORT = Box(
    "port", "live.numbox", rect=(410, 4, 44, 15),
    parameter=DeviceParameter("Bridge Port", "Port", "float", lowest=1024, highest=65535, initial=DEFAULT_PORT),
    info="The port that the bridge listens on. Change it only if you have changed it in the bridge.",
)  # fmt: skip


def _stem(index: int, stem: str) -> Box:
    left, top = 218 + 59 * (index % 2), 37 + 19 * (index // 2)
    info = "What the other stems leave over." if stem == "other" else f"Take the {stem} out of the clip."
    if stem in ("guitar", "piano"):
        info += " Only engines with six stems know it: htdemucs_6s."
    on = stem not in ("guitar", "piano")
    return toggle(
        f"stem_{stem}", (left, top, 57, 17), STEM_TABLE[stem].label, f"Stem {STEM_TABLE[stem].label}", info, on
    )


FACE: tuple[Box, ...] = (
    LIGHT,
    line("server", (20, 3, 250, 17), "Looking for the bridge …", 10.0, bold=True),
    device_heading("port_label", (382, 3, 28, 17), "Port"),
    SERVER_PORT,
    Box("rule", "live.line", rect=(6, 20, 448, 3), attributes={"justification": 0}),
    device_heading("clip_label", (6, 22, 60, 14), "Clip"),
    line("clip", (6, 35, 204, 17), "No audio clip selected", 11.0, bold=True),
    line("part", (6, 51, 204, 26), "Select an audio clip."),
    choice(
        "part_choice", "live.tab", (8, 77, 200, 15), "Part", ("Clip", "Loop brace"),
        "All that the clip plays, or only what is under the Arrangement's loop brace.",
    ),
    device_heading("stems_label", (216, 22, 38, 15), "Stems"),
    choice(
        "opposite", "live.menu", (254, 22, 80, 15), "Opposite", OPPOSITE_MENU,
        "One more audio track: the whole clip without that stem, for instance to sing or to play to.",
    ),
    *(_stem(index, stem) for index, stem in enumerate(STEMS)),
    device_heading("import_label", (342, 22, 60, 15), "Into Live"),
    toggle("audio", (344, 37, 110, 17), "Audio tracks", "Import Audio", "A new audio track for each stem."),
    toggle("notes", (344, 56, 110, 17), "MIDI clips", "Import Notes", "A MIDI track with the notes of each stem."),
    toggle("mute", (344, 75, 110, 17), "Mute source", "Mute Source", "Switch the source off once its stems are here."),
    choice(
        "engine", "live.menu", (8, 97, 92, 15), "Engine", engine_labels(),
        "What separates the clip: fast, good or best; auto: the bridge's setting, by default the best that is here.",
    ),
    button("separate", (104, 96, 56, 17), "Separate", "Send the clip to the bridge, then import what comes back."),
    button("cancel", (162, 96, 46, 17), "Cancel", "Stop the work, or the recording."),
    button("folder", (218, 96, 116, 17), "Folder", "Open the folder with the files of the last clip."),
    button("bring_in", (344, 96, 54, 17), "Import", "Bring the results of the last clip in once more."),
    button("stream", (400, 96, 54, 17), "Stream", "Record the notes as the bridge plays them into its MIDI ports."),
    BAR,
    line("stage", (6, 124, 196, 16)),
    line("result", (202, 124, 254, 16), right=True),
    line("problem", (6, 139, 450, 29)),
)  # fmt: skip

#: Buttons → the script's name for their action.
PRESSES = {"separate": "separate", "cancel": "cancel", "folder": "folder", "bring_in": "bringIn", "stream": "stream"}
#: Controls whose values the script stores → the selector of the message with the value.
STORED_CONTROLS: dict[str, str] = {
    **{f"stem_{stem}": f"stem {stem}" for stem in STEMS},
    "audio": "wish audio",
    "notes": "wish notes",
    "mute": "wish mute",
    "part_choice": "wish brace",
    "engine": "engine",
    "opposite": "opposite",
    "port": "server",
}
#: The objects that the script writes to, in the order of `route`'s outlets.
WRITTEN = ("light", "server", "clip", "part", "progress", "stage", "result", "problem")

HIDDEN_BOXES: tuple[Box, ...] = (
    Box("audio_in", "newobj", "plugin~"),
    Box("audio_out", "newobj", "plugout~"),
    Box("loaded", "newobj", "live.thisdevice"),
    Box("order", "newobj", "t b b"),
    Box("values", "message", "outputvalue"),
    Box("low", "newobj", "deferlow"),
    Box("script", "newobj", f"js {SCRIPT}"),
    Box("send", "newobj", f"udpsend 127.0.0.1 {DEFAULT_PORT}"),
    Box("receive", "newobj", f"udpreceive {PARKING_PORT} @quiet 1"),
    Box("osc_message", "newobj", "prepend osc"),
    Box("write", "newobj", "route " + " ".join(WRITTEN)),
    *(Box(f"store_{name}", "newobj", f"prepend {words}") for name, words in STORED_CONTROLS.items()),
    *(Box(f"press_{name}", "message", f"press {word}") for name, word in PRESSES.items()),
)

BOXES = (*FACE, *HIDDEN_BOXES)

#: Each cord: from an outlet to an inlet. Audio passes through unchanged: the device may be on the clip's own track.
CORDS: tuple[str, ...] = (
    "audio_in 0 > audio_out 0",
    "audio_in 1 > audio_out 1",
    # Max fires outlets from right to left: the controls send their values before the script starts.
    "loaded 0 > order 0",
    "order 1 > values 0",
    "order 0 > low 0",
    *(f"values 0 > {name} 0" for name in STORED_CONTROLS),
    *(f"{name} 0 > store_{name} 0" for name in STORED_CONTROLS),
    *(f"store_{name} 0 > low 0" for name in STORED_CONTROLS),
    *(f"{name} 0 > press_{name} 0" for name in PRESSES),
    *(f"press_{name} 0 > low 0" for name in PRESSES),
    # Live's API may only be used in the low-priority thread: everything reaches the script through one `deferlow`.
    "receive 0 > osc_message 0",
    "osc_message 0 > low 0",
    "low 0 > script 0",
    "script 0 > send 0",
    "script 1 > receive 0",
    "script 2 > write 0",
    *(f"write {outlet} > {name} 0" for outlet, name in enumerate(WRITTEN)),
)
