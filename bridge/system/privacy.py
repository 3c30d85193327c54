"""Nothing is sent anywhere: what the libraries would tell their makers is switched off before any of them loads.

`import bridge` does it, which each process of ours begins with: the bridge itself, its worker, its player, every
command and every measurement (docs/decisions/0115-nothing-leaves-the-machine.md). Fetching a model that the user asks
for is the one exception, and even that says no more than it must.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from types import ModuleType

#: Read by the libraries as they load, in this process and in those that it starts. Whatever the user has set there can
#: only ask for as little or for more, so it does not count.
SILENCE: dict[str, str] = {
    # onnxruntime ≥ 1.32 sends usage events to Microsoft, with an id of the machine that it keeps in the user's cache.
    "ORT_DISABLE_TELEMETRY": "1",
    # huggingface_hub: usage, what else is installed, what runs it; a look whether there is a newer one.
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    # hf_xet, the same maker's downloads in Rust.
    "HF_XET_TELEMETRY_ENABLED": "0",
    # Whatever else keeps to https://consoledonottrack.com, or to what many ask for.
    "DO_NOT_TRACK": "1",
    "DISABLE_TELEMETRY": "1",
}
#: Packages that do nothing else. openvino's converter does without where it cannot be imported.
REPORTERS = ("openvino_telemetry",)


def keep_silence(environment: MutableMapping[str, str], modules: MutableMapping[str, ModuleType]) -> None:
    """Switches off all that is known to report home, for this process and its children.

    Args:
        environment: `os.environ`, whose setting reaches libraries in C as well.
        modules: `sys.modules`.
    """
    environment.update(SILENCE)
    for name in REPORTERS:
        modules[name] = None  # type: ignore[assignment]  # makes its import fail
