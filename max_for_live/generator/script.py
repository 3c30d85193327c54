"""Bundles the modules in `code` into the device's one script.

Devices are moved, frozen and unpacked; with only one file, no part can be lost (docs/decisions/0090). Each module stays
a function of `exports` and `require`, as Node loads it in the tests; the entry comes last and is not wrapped, because
Max calls its functions by name.
"""

from __future__ import annotations

import re
from pathlib import Path

from bridge import __version__

CODE = Path(__file__).parents[1] / "code"
ENTRY = "entry"
NAME = "source-audio-bridge.js"

#: Not called `require`: at the top level that is Max's own function.
_LOADER = """\
var loadModule = (function () {
    var bodies = {}, loaded = {};
    function load(name) {
        if (!loaded[name]) {
            loaded[name] = {};
            bodies[name](loaded[name], load);
        }
        return loaded[name];
    }
    load.bodies = bodies;
    load.local = 1;
    return load;
}());
"""


def bundled(code: Path = CODE) -> str:
    """The script, in ASCII: on some machines Max reads scripts in the system's encoding.

    Raises:
        ValueError: a module requires one that does not exist.
    """
    modules = {path.stem: path.read_text(encoding="utf-8") for path in sorted(code.glob("*.js"))}
    for name, source in modules.items():
        for required in re.findall(r'require\("\./(\w+)"\)', source):
            if required not in modules:
                raise ValueError(f"{name}.js requires {required}.js, which does not exist.")
    entry = modules.pop(ENTRY).replace("require(", "loadModule(")
    parts = [f"// Source Audio Bridge {__version__} for Max for Live. Made from max_for_live/code.\n\n", _LOADER]
    for name, source in modules.items():
        parts.append(f'\nloadModule.bodies["./{name}"] = function (exports, require) {{\n{source}}};\n')
    return _ascii("".join([*parts, "\n", entry]))


def functions(script: str) -> set[str]:
    """The names of the functions that Max can call: those at the top level."""
    return set(re.findall(r"^function (\w+)\(", script[script.rindex("\n// Max's side") :], re.MULTILINE))


def _ascii(text: str) -> str:
    return "".join(character if character.isascii() else f"\\u{ord(character):04x}" for character in text)
