"""The readable description of the device: its face, its objects and its patch cords.

Rectangles are (left, top, width, height) in whole pixels of the face, which is 169 high. Live stores parameters in sets
by their long names: these never change, and choices are only ever added at the end of a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bridge.config import DEFAULT_PORT
from bridge.separation.names import AUTO
from bridge.stems import STEM_TABLE, STEMS
from max_for_live.generator.script import NAME as SCRIPT
from max_for_live.generator.tables import OPPOSITE_MENU, OTHER_QUALITY, PRESETS, QUALITIES, READINGS, engine_labels

NAME = "Source Audio Bridge"
WIDTH, HEIGHT = 440, 169
#: The port of `udpreceive` until the script has chosen one: outside the range that the script uses.
PARKING_PORT = 9791
SCRIPT_OUTLETS = 3

Rect = tuple[int, int, int, int]
Kind = Literal["float", "enum"]
STORED, HIDDEN = 1, 2
#: `outputmode` of live.text: like Live's own buttons, ours act when the mouse is released.
MOUSE_UP = 1
#: The text on a lit switch.
INK = "#161616"


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
    has_initial: bool = True
    """False for a button, which holds no value."""
    on_push: bool = True
    """Whether it has a knob on Push."""


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


def line(
    name: str, rect: Rect, text: str = "", size: float = 9.0, bold: bool = False, right: bool = False, info: str = ""
) -> Box:
    """A text that the script can change, with line breaks."""
    attributes: dict[str, object] = {
        "fontname": "Ableton Sans Bold" if bold else "Ableton Sans Medium",
        "fontsize": size,
    }
    if right:
        attributes["textjustification"] = 2
    return Box(name, "comment", text, rect, None, info, attributes, TEXT_COLOR)


def device_heading(name: str, rect: Rect, text: str) -> Box:
    return Box(name, "live.comment", text, rect, attributes={"textjustification": 0}, themed=TEXT_COLOR)


def toggle(name: str, rect: Rect, text: str, longname: str, info: str, on: bool = True, colour: str = "") -> Box:
    """A switch; with a `colour`, hexadecimal, it lights up in it."""
    parameter = DeviceParameter(longname, text, "enum", ("off", "on"), highest=1, initial=int(on))
    attributes: dict[str, object] = {"mode": 1, "texton": text}
    if colour:
        attributes |= {"activebgoncolor": rgba(colour), "activetextoncolor": rgba(INK)}
    return Box(name, "live.text", text, rect, parameter, info, attributes)


def button(name: str, rect: Rect, text: str, info: str, longname: str = "", is_active: bool = True) -> Box:
    """A button; one that is not active is grey until the script changes that."""
    parameter = DeviceParameter(
        longname or f"{text} Button", text, "enum", ("off", "on"), highest=1, visibility=HIDDEN, has_initial=False
    )
    attributes: dict[str, object] = {"mode": 0, "outputmode": MOUSE_UP}
    return Box(name, "live.text", text, rect, parameter, info, attributes | ({} if is_active else {"active": 0}))


def choice(name: str, maxclass: str, rect: Rect, longname: str, choices: tuple[str, ...], info: str) -> Box:
    parameter = DeviceParameter(longname, longname, "enum", choices, highest=len(choices) - 1)
    attributes = {"num_lines_patching": 1, "num_lines_presentation": 1} if maxclass == "live.tab" else {}
    return Box(name, maxclass, "", rect, parameter, info, dict(attributes))


def rgba(colour: str) -> list[float]:
    """`#ff7a9c` → Max's red, green, blue and alpha."""
    return [round(int(colour[at : at + 2], 16) / 255, 4) for at in (1, 3, 5)] + [1.0]


LIGHT = Box(
    "light", "led", rect=(6, 4, 11, 11),
    attributes={"ignoreclick": 1, "oncolor": [0.35, 0.8, 0.35, 1.0], "offcolor": [0.55, 0.25, 0.2, 1.0]},
)  # fmt: skip
#: `settype` 1 holds fractions (0 would cut every share of the work to 0), `setstyle` 1 fills a bar from its left.
BAR = Box(
    "progress", "multislider", rect=(6, 126, 428, 4),
    attributes={
        "orientation": 0, "setminmax": [0.0, 1.0], "size": 1, "settype": 1, "setstyle": 1, "ignoreclick": 1,
        "candycane": 0,
    },
    themed=BAR_COLORS,
)  # fmt: skip
SERVER_PORT = Box(
    "port", "live.numbox", rect=(303, 110, 31, 14),
    parameter=DeviceParameter(
        "Bridge Port", "Port", "float", lowest=1024, highest=65535, initial=DEFAULT_PORT, on_push=False
    ),
    info="The port that the bridge listens on. Change it only if you have changed it in the bridge.",
)  # fmt: skip
#: Shows the menu of engines in words, and moves it: that menu alone is stored.
QUALITY = Box(
    "quality", "live.tab", rect=(6, 80, 196, 14),
    parameter=DeviceParameter(
        "Quality", "Quality", "enum", (*QUALITIES.values(), OTHER_QUALITY), highest=len(QUALITIES),
        initial=[*QUALITIES].index(AUTO), visibility=HIDDEN,
    ),
    info="Fast is ready first, Best sounds best and needs a download once. Auto: the best that is here. "
    "More: any engine of the menu.",
    attributes={"num_lines_patching": 1, "num_lines_presentation": 1},
)  # fmt: skip


def _stem(index: int, stem: str) -> Box:
    info = "What the other stems leave over." if stem == "other" else f"Take the {stem} out of the clip."
    if stem in ("guitar", "piano"):
        info += " Only the engine htdemucs_6s knows it; with others it is grey, and not taken out."
    on = stem not in ("guitar", "piano")
    row = STEM_TABLE[stem]
    rect = (6 + 55 * index, 65, 53, 14)
    return toggle(f"stem_{stem}", rect, row.label, f"Stem {row.label}", info, on, row.night_colour)


def _presets() -> tuple[Box, ...]:
    """A button for each preset, side by side."""
    boxes, left = [], 6
    for (name, preset), width in zip(PRESETS.items(), (42, 48, 74, 28), strict=True):
        boxes.append(button(f"preset_{name}", (left, 50, width, 14), preset.label, f"Preset: {preset.info}"))
        left += width + 2
    return tuple(boxes)


#: The script's name of a tempo to read the notes at → its place, text and explanation.
READ_AGAIN: dict[str, tuple[Rect, str, str]] = {
    "live": ((346, 80, 43, 14), "Live's", "at Live's tempo"),
    "own": ((391, 80, 43, 14), "Own", "at the clip's own tempo, which the bridge finds"),
    "half": ((346, 95, 43, 14), "÷ 2", "at half the tempo"),
    "double": ((391, 95, 43, 14), "× 2", "at twice the tempo"),
    "other": ((346, 110, 88, 14), "Other", "at the tempo that was likeliest beside these"),
}


def _readings() -> tuple[Box, ...]:
    """A button for each of these tempi, grey while there is no job that can be read at it."""
    then = "and put them in place of those that were imported. What you have changed since stays."
    return tuple(
        button(
            f"read_{name}", rect, text, f"Read the notes of the last clip again {words}, {then}",
            f"Read {name.capitalize()} Button", is_active=False,
        )
        for name, (rect, text, words) in READ_AGAIN.items()
    )  # fmt: skip


FACE: tuple[Box, ...] = (
    LIGHT,
    line("server", (19, 1, 187, 17), "Looking for the bridge …", 10.0, bold=True),
    line(
        "queue", (206, 2, 228, 15), right=True,
        info="What the bridge computes with, and how many jobs wait for it, of all programs.",
    ),
    Box("rule", "live.line", rect=(6, 17, 428, 3), attributes={"justification": 0}),
    line("clip", (6, 19, 204, 17), "No audio clip selected", 11.0, bold=True),
    choice(
        "part_choice", "live.tab", (212, 20, 122, 14), "Part", ("Clip", "Loop brace"),
        "All that the clip plays, or what is under the Arrangement's loop brace. Live shows a time selection to no "
        "device: press Ctrl+L or Cmd+L, and the brace lies on it.",
    ),
    line(
        "part", (6, 35, 328, 15), "Select an audio clip.",
        info="What will be sent. kept: the audio clip that you selected last. this track's: the clip that plays on the "
        "device's own track, or lies under the cursor.",
    ),
    *_presets(),
    choice(
        "opposite", "live.menu", (206, 50, 92, 14), "Opposite", OPPOSITE_MENU,
        "One more audio track: the whole clip without that stem, for instance to sing or to play to. Beside stems that "
        "it holds it comes switched off.",
    ),
    *(_stem(index, stem) for index, stem in enumerate(STEMS)),
    toggle(
        "kit", (300, 50, 34, 14), "Kit", "Drum Kit",
        "The drums' parts too: kick, snare, toms, hats and cymbals, each on a track of its own. They come switched "
        "off, because together they are the drums.", on=False,
    ),
    QUALITY,
    choice(
        "engine", "live.menu", (206, 80, 128, 14), "Engine", engine_labels(),
        "What separates the clip, by its name. auto: the bridge's setting, by default the best that is here.",
    ),
    button("separate", (6, 95, 66, 14), "Separate", "Send the clip to the bridge, then import what comes back."),
    button("cancel", (74, 95, 48, 14), "Cancel", "Stop the work, or the recording."),
    button("bring_in", (124, 95, 48, 14), "Import", "Bring the results of the last clip in once more."),
    button("stream", (174, 95, 50, 14), "Stream", "Record the notes as the bridge plays them into its MIDI ports."),
    button("folder", (226, 95, 48, 14), "Folder", "Open the folder with the last clip's files, and say where it is."),
    toggle("audio", (6, 110, 66, 14), "Audio tracks", "Import Audio", "A new audio track for each stem."),
    toggle("notes", (74, 110, 60, 14), "MIDI clips", "Import Notes", "A MIDI track with the notes of each stem."),
    toggle("mute", (136, 110, 66, 14), "Mute source", "Mute Source", "Switch the source off once its stems are here."),
    choice(
        "reading", "live.menu", (204, 110, 72, 14), "Reading", tuple(READINGS),
        "The notes as they were played; clean, as one would write them down; or on a grid, that of their tempo. It "
        "holds for the next reading: press Separate, or a tempo on the right.",
    ),
    device_heading("port_label", (277, 109, 26, 15), "Port"),
    SERVER_PORT,
    device_heading("tempo_label", (346, 19, 88, 14), "Unwarped clips"),
    choice(
        "own_tempo", "live.tab", (346, 33, 88, 14), "Tempo", ("Live's", "Own"),
        "The tempo that a clip without warping is read at: Live's, or its own, which the bridge finds. The notes lie "
        "in time with the audio with either; their grid follows it, and so do clean notes, chords and score.",
    ),
    line("tempo", (346, 46, 88, 22), info="The tempo that the last clip was read at, and how sure the bridge is."),
    device_heading("again_label", (346, 67, 88, 14), "Notes again at"),
    *_readings(),
    toggle(
        "play", (276, 95, 58, 14), "Play live", "Play Live",
        "Play the notes into the bridge's MIDI ports while the clip is still being separated, once they are known. "
        "Arm the tracks that listen to the ports first.", on=False,
    ),
    BAR,
    line("stage", (6, 130, 428, 15)),
    line("result", (6, 130, 428, 15)),
    line("problem", (6, 144, 428, 25)),
)  # fmt: skip
#: Boxes in one place: the script fills only one of them at a time.
SHARED = frozenset({"stage", "result"})

#: Buttons → the script's name for their action.
PRESSES = {
    **{"separate": "separate", "cancel": "cancel", "folder": "folder", "bring_in": "bringIn", "stream": "stream"},
    **{f"read_{name}": f"readAgain {name}" for name in READ_AGAIN},
}
#: Controls whose values the script stores → the selector of the message with the value.
STORED_CONTROLS: dict[str, str] = {
    **{f"stem_{stem}": f"stem {stem}" for stem in STEMS},
    "audio": "wish audio",
    "notes": "wish notes",
    "mute": "wish mute",
    "play": "wish play",
    "kit": "wish kit",
    "part_choice": "wish brace",
    "own_tempo": "wish own",
    "reading": "reading",
    "engine": "engine",
    "opposite": "opposite",
    "port": "server",
}
#: Controls that move other ones → the message to the script; nothing of them is stored.
MOVERS: dict[str, str] = {f"preset_{name}": f"preset {name}" for name in PRESETS}
#: The objects that the script writes to, in the order of `route`'s outlets.
WRITTEN = (
    *("light", "server", "queue", "clip", "part", "progress", "stage", "result", "problem"),
    *("quality", "engine", "opposite", *(f"stem_{stem}" for stem in STEMS)),
    *("tempo", *(f"read_{name}" for name in READ_AGAIN)),
)

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
    *(Box(f"move_{name}", "message", words) for name, words in MOVERS.items()),
    Box("move_quality", "newobj", "prepend quality"),
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
    *(f"{name} 0 > move_{name} 0" for name in (*MOVERS, "quality")),
    *(f"move_{name} 0 > low 0" for name in (*MOVERS, "quality")),
    # Live's API may only be used in the low-priority thread: everything reaches the script through one `deferlow`.
    "receive 0 > osc_message 0",
    "osc_message 0 > low 0",
    "low 0 > script 0",
    "script 0 > send 0",
    "script 1 > receive 0",
    "script 2 > write 0",
    *(f"write {outlet} > {name} 0" for outlet, name in enumerate(WRITTEN)),
)
