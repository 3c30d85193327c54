"""`python -m bridge` is the command `sab`, and so is the program in the frozen folder (docs/decisions/0152).

That program is the Python of the bridge's own processes, too: there `sab -m MODULE ARGUMENT…` runs a module of the
bridge, as `system.own_program` asks for.
"""

from __future__ import annotations

import runpy
import sys

from bridge.system.own_program import OWN_ROOMS, is_frozen

#: As shells report a program that Ctrl-C has ended.
INTERRUPTED = 130


def main() -> None:
    """Runs the command line; Ctrl-C ends it without a stack trace, also while its modules are still being loaded."""
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run(arguments: list[str]) -> None:
    match arguments:
        case ["-m", module, *rest] if is_frozen() and module.split(".")[0] in OWN_ROOMS:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case _:
            from bridge import cli  # not for the processes above, which need nothing of it

            cli.main()


if __name__ == "__main__":
    main()
