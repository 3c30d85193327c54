"""The command `sab`: thin faces over `bridge.app`, one module for each group of commands."""

from bridge.cli.main import main

__all__ = ["main"]
