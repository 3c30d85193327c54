"""Switches off the telemetry of all libraries before any of them loads, so that nothing leaves the machine.

`import bridge` calls it, and every process of the bridge imports that first: the bridge itself, its worker, its player,
every command and every benchmark (docs/decisions/0115-nothing-leaves-the-machine.md). The one exception is the download
of a model that the user asks for, which sends only what the request needs.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from types import ModuleType

#: Environment variables that libraries read as they load, in this process and its children. They override the user's
#: values, which could only be the same or allow more.
TELEMETRY_OFF: dict[str, str] = {
    # onnxruntime ≥ 1.32 sends usage events to Microsoft, with a machine id that it stores in the user's cache.
    "ORT_DISABLE_TELEMETRY": "1",
    # huggingface_hub sends usage, installed packages and the environment, and checks for updates.
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    # hf_xet, the download library of Hugging Face in Rust.
    "HF_XET_TELEMETRY_ENABLED": "0",
    # Other libraries: https://consoledonottrack.com, and a common variable name.
    "DO_NOT_TRACK": "1",
    "DISABLE_TELEMETRY": "1",
}
#: Packages whose only purpose is telemetry. openvino's converter works without it if the import fails.
TELEMETRY_PACKAGES = ("openvino_telemetry",)


def disable_telemetry(environment: MutableMapping[str, str], modules: MutableMapping[str, ModuleType]) -> None:
    """Switches off all known telemetry, for this process and its children.

    Args:
        environment: `os.environ`; changing it also reaches C libraries.
        modules: `sys.modules`.
    """
    environment.update(TELEMETRY_OFF)
    for name in TELEMETRY_PACKAGES:
        modules[name] = None  # type: ignore[assignment]  # makes its import fail
