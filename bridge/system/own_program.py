"""How the bridge starts programs of its own: a module of ours in another process.

In an installation that is our Python; in the frozen folder (docs/decisions/0152) it is the program `sab`, which takes
`-m MODULE` as Python does.
"""

from __future__ import annotations

import sys

#: The packages whose modules the frozen `sab` runs.
OWN_ROOMS = ("bridge", "max_for_live")


def own_program(module: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs a module of ours, as `python -m` would."""
    return (sys.executable, "-m", module, *arguments)


def own_sab() -> tuple[str, ...]:
    """The command line that is `sab`, with absolute paths: another program may have another PATH."""
    return (sys.executable,) if is_frozen() else own_program("bridge")


def is_frozen() -> bool:
    """True in the folder that `make bundle` builds, which has no Python of its own to start."""
    return bool(getattr(sys, "frozen", False))
