"""What the developers run now and then: scripts that make files, none of which the bridge needs."""

import bridge  # noqa: F401 - first, so that no library reports to its maker (bridge.system.privacy)
