"""Source Audio Bridge: a clip in, its stems and notes out.

Start reading at `bridge.app`, the one place where the parts are put together, and at `bridge.model` and
`bridge.events`, the words they speak with each other.
"""

import os
import sys
from importlib.metadata import PackageNotFoundError, version

from bridge.system.privacy import keep_silence

keep_silence(os.environ, sys.modules)  # before any library loads, whichever part of the bridge is imported

PROTOCOL_VERSION = 1

try:
    __version__ = version("source-audio-bridge")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
