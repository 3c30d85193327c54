"""The command `sab`: one module for each group of commands, all of them thin layers over `bridge.app`."""

from bridge.cli.main import main

__all__ = ["main"]
