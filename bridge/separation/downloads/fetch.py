"""Downloads a released model from the Hugging Face hub, or otherwise from the authors' server, as demucs does.

A short probe first checks whether each server can be reached, so that a machine without a network fails within
seconds, even if packets are silently dropped.
"""

from __future__ import annotations

import http.client
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bridge.control import PartControl
from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.hub import from_hub
from bridge.separation.downloads.resumable import certificates, from_server
from bridge.separation.downloads.transfer import Transfer, wait_for
from bridge.separation.models.locations import ModelLocations, hub_repository
from bridge.separation.models.openunmix import check_installed
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
    """Downloads released models to where `ModelLocations` finds them."""

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

    def fetch(self, name: str, locations: ModelLocations, control: Control) -> None:
        """Downloads the released model `name`, with progress 0–1.

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
        sources = self._sources(name, locations)
        for index, (source, address, download) in enumerate(sources):
            part = PartControl(control, index / (2 * len(sources)), 1.0)
            try:
                self._probe_server(address, part, source)
                wait_for(download, part, self._clock, patience_seconds=self._stall_seconds, source=source)
                return
            except WeightsUnavailable as exc:
                problems.append(exc.message)
            except (OSError, http.client.HTTPException) as exc:
                log.info("%s cannot be reached: %s", source, getattr(exc, "reason", exc))
                problems.append(f"{source} cannot be reached.")
        raise WeightsUnavailable(
            f"The model {name} is not on this machine and cannot be downloaded. {' '.join(problems)}",
            advice=f"Connect to the internet and run `sab models pull {name}`, or use the engine draft.",
        )

    def _sources(self, name: str, locations: ModelLocations) -> list[tuple[str, str, Callable[[Transfer], None]]]:
        """The servers to try, in order: display name, URL to probe, download function."""
        if locations.unmix is not None and name in locations.unmix_names:
            check_installed(name)
            paths = locations.unmix.files(name, locations.server_cache)
            files = [(locations.unmix.urls[name][target], path) for target, path in paths.items()]
            return [("The server of the Open-Unmix authors", files[0][0], lambda t: from_server(files, t))]
        endpoint = self._environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        listing = f"{endpoint}/{hub_repository(name)}/resolve/main/{name}.yaml"
        sources: list[tuple[str, str, Callable[[Transfer], None]]] = [
            ("The Hugging Face hub", listing, lambda transfer: from_hub(name, locations, endpoint, transfer))
        ]
        bag = locations.released.bag(name)
        signatures = bag.signatures if bag else ()
        if signatures and all(signature in locations.released.urls for signature in signatures):
            wanted = [
                (locations.released.urls[signature], locations.server_file(signature)) for signature in signatures
            ]
            sources.append(("The server of the demucs authors", wanted[0][0], lambda t: from_server(wanted, t)))
        return sources

    def _probe_server(self, address: str, control: Control, source: str) -> None:
        wait_for(
            lambda _: self._probe(address, self._probe_seconds),
            control,
            self._clock,
            patience_seconds=self._probe_seconds,
            source=source,
        )
