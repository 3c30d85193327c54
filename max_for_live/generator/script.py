"""The device's one script, put together from the modules in `code`.

A device is moved, frozen and unpacked; one file always arrives whole (docs/decisions/0090). Each module stays a
function of `exports` and `require`, as Node loads it in the tests; the entry comes last, unwrapped, because Max calls
its functions by name.
"""

from __future__ import annotations

import re
from pathlib import Path

from bridge import __version__

CODE = Path(__file__).parents[1] / "code"
ENTRY = "entry"
NAME = "source-audio-bridge.js"

#: Under a name of its own, since `require` outside all functions is Max's.
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
    """The script, as text in ASCII: Max reads scripts in the system's encoding on some machines.

    Raises:
        ValueError: a module asks for one that is not there.
    """
    modules = {path.stem: path.read_text(encoding="utf-8") for path in sorted(code.glob("*.js"))}
    for name, source in modules.items():
        for wanted in re.findall(r'require\("\./(\w+)"\)', source):
            if wanted not in modules:
                raise ValueError(f"{name}.js asks for {wanted}.js, which is not there.")
    entry = modules.pop(ENTRY).replace("require(", "loadModule(")
    parts = [f"// Source Audio Bridge {__version__} for Max for Live. Made from max_for_live/code.\n\n", _LOADER]
    for name, source in modules.items():
        parts.append(f'\nloadModule.bodies["./{name}"] = function (exports, require) {{\n{source}}};\n')
    return _ascii("".join([*parts, "\n", entry]))


def functions(script: str) -> set[str]:
    """The names of the functions that Max can call: those outside all brackets."""
    return set(re.findall(r"^function (\w+)\(", script[script.rindex("\n// Max's side") :], re.MULTILINE))


def _ascii(text: str) -> str:
    return "".join(sign if sign.isascii() else f"\\u{ord(sign):04x}" for sign in text)
