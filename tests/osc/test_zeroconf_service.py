"""Announcing the bridge, over real multicast on the loopback interface."""

from __future__ import annotations

import asyncio

import pytest
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from bridge.events import Noticed
from bridge.osc.zeroconf_service import MAX_LABEL_BYTES, OSC_TYPE, OSCQUERY_TYPE, announced, services

LOOPBACK = ["127.0.0.1"]


async def query(zeroconf: AsyncZeroconf, kind: str, name: str) -> AsyncServiceInfo | None:
    found = AsyncServiceInfo(kind, name)
    return found if await found.async_request(zeroconf.zeroconf, 3000) else None


async def until_found(zeroconf: AsyncZeroconf, kind: str, name: str) -> AsyncServiceInfo:
    while True:
        if (found := await query(zeroconf, kind, name)) is not None:
            return found


@pytest.mark.end_to_end
async def test_the_services_are_found_while_announced() -> None:
    zeroconf, noticed = AsyncZeroconf(interfaces=LOOPBACK), list[Noticed]()
    osc, http = services(LOOPBACK, 9001, 9002)
    try:
        async with announced("0.0.0.0", 9001, 9002, notice=noticed.append, interfaces=LOOPBACK):
            found = await asyncio.wait_for(until_found(zeroconf, OSCQUERY_TYPE, http.name), 20)
            assert (found.port, found.parsed_addresses()) == (9002, LOOPBACK)
            found = await asyncio.wait_for(until_found(zeroconf, OSC_TYPE, osc.name), 20)
            assert (found.port, found.decoded_properties["protocol"]) == (9001, "1")
    finally:
        await zeroconf.async_close()
    assert noticed == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_a_bridge_on_loopback_is_not_announced(host: str) -> None:
    noticed: list[Noticed] = []
    async with announced(host, 9001, None, notice=noticed.append):
        pass
    (notice,) = noticed
    assert notice.level == "warning"
    assert "--host" in notice.message


async def test_a_missing_network_is_a_warning_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(interfaces: list[str]) -> None:
        raise OSError(f"no way out by {interfaces}")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", refuse)
    noticed: list[Noticed] = []
    async with announced("192.0.2.77", 9001, None, notice=noticed.append):
        pass
    assert [notice.message for notice in noticed] == ["Not announced: no way out by ['192.0.2.77']."]


async def test_interfaces_that_cannot_be_listed_are_a_warning_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no interfaces")

    monkeypatch.setattr("ifaddr.get_adapters", refuse)
    noticed: list[Noticed] = []
    async with announced("0.0.0.0", 9001, None, notice=noticed.append):
        pass
    assert [notice.message for notice in noticed] == ["Not announced: no interfaces."]


def test_names_are_valid_dns_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Zoë's studio " * 9 + ".fritz.box")
    (service,) = services(LOOPBACK, 9001, None)
    assert service.type == OSC_TYPE
    label = service.name.removesuffix(f".{OSC_TYPE}")
    assert "." not in label
    assert len(label.encode()) <= MAX_LABEL_BYTES
    assert (service.server or "ä").isascii()
