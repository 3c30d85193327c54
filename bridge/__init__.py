"""Source Audio Bridge: separates an audio clip into stems and transcribes them to notes.

Start reading at `bridge.app`, which assembles all parts, and at `bridge.model` and `bridge.events`, the values that the
parts exchange.
"""

import os
import sys
from importlib.metadata import PackageNotFoundError, version

from bridge.system.privacy import disable_telemetry

disable_telemetry(os.environ, sys.modules)  # before any library loads, whichever module is imported

PROTOCOL_VERSION = 1

try:
    __version__ = version("source-audio-bridge")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0.0.0"
