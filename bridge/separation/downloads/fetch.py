"""Downloads a model from the first of its servers that has it.

A short probe first checks whether each server can be reached, so that a machine without a network fails within
seconds, even if packets are silently dropped.
"""

from __future__ import annotations

import http.client
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bridge.control import PartControl
from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.resumable import certificates
from bridge.separation.downloads.source import DownloadSource
from bridge.separation.downloads.transfer import wait_for
from bridge.system.clock import SystemClock

if TYPE_CHECKING:
    from bridge.protocols import Clock, Control

log = logging.getLogger(__name__)

PROBE_SECONDS = 2.0
"""Timeout of the probe of one server."""
STALL_SECONDS = 120.0
"""How long a running download may receive nothing. The hub's own client reports progress in steps of 10 MiB."""

#: Checks that a URL is available, within the given seconds; raises OSError if not.
Probe = Callable[[str, float], None]


def is_offline(environ: Mapping[str, str]) -> bool:
    """True if the environment puts the hub's library in offline mode. The bridge then downloads nothing either."""
    value = environ.get("HF_HUB_OFFLINE") or environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in ("1", "ON", "YES", "TRUE")


def probe(url: str, seconds: float) -> None:
    """Sends a HEAD request to `url`, through the proxy that the environment names.

    Raises:
        OSError: the server does not answer, or does not have the file.
    """
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # https URLs from our own tables
    try:
        urllib.request.urlopen(request, timeout=seconds, context=certificates()).close()  # noqa: S310
    except urllib.error.HTTPError as exc:
        exc.close()
        raise


class Fetcher:
    """Downloads models, each from one of its sources."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] = os.environ,
        probe: Probe = probe,
        probe_seconds: float = PROBE_SECONDS,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._clock = clock or SystemClock()
        self._environ = environ
        self._probe = probe
        self._probe_seconds = probe_seconds
        self._stall_seconds = stall_seconds

    def fetch(self, name: str, sources: Sequence[DownloadSource], control: Control) -> None:
        """Downloads the model `name`, with progress 0–1.

        Raises:
            WeightsUnavailable: there is no network, or no server has the model.
            Cancelled: by `control`.
        """
        if is_offline(self._environ):
            raise WeightsUnavailable(
                f"The model {name} is not on this machine, and HF_HUB_OFFLINE forbids downloading it.",
                advice=f"Unset HF_HUB_OFFLINE and run `sab models pull {name}`, or use the engine draft.",
            )
        problems = []
        part = PartControl(control, 0.0, 1.0)  # a second source goes on from where the first one failed
        for source in sources:
            try:
                self._probe_server(source, part)
                wait_for(source.download, part, self._clock, patience_seconds=self._stall_seconds, source=source.server)
                return
            except WeightsUnavailable as exc:
                problems.append(exc.message)
            except (OSError, http.client.HTTPException) as exc:
                log.info("%s cannot be reached: %s", source.server, getattr(exc, "reason", exc))
                problems.append(f"{source.server} cannot be reached.")
        raise WeightsUnavailable(
            f"The model {name} is not on this machine and cannot be downloaded. {' '.join(problems)}",
            advice=f"Connect to the internet and run `sab models pull {name}`, or use the engine draft.",
        )

    def _probe_server(self, source: DownloadSource, control: Control) -> None:
        wait_for(
            lambda _: self._probe(source.address, self._probe_seconds),
            control,
            self._clock,
            patience_seconds=self._probe_seconds,
            source=source.server,
        )
