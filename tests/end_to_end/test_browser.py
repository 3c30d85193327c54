"""A real browser that shows another page: nothing of the bridge is read, and nothing is changed."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.model import Job, Result
from tests.support.fakes import FakeBridge
from tests.support.http_site import TOKEN, HttpSite, http_site
from tests.support.requests import request_for

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(BROWSER is None, reason="this machine has no Chromium"),
]

#: Tries everything that a page can do to another address, and reports what it has seen.
PAGE = """<!doctype html><meta charset="utf-8"><body><script>
const bridge = "BRIDGE", token = "TOKEN", seen = {};
const body = JSON.stringify({path: "/etc/passwd"});
const key = {Authorization: "Bearer " + token}, json = {...key, "Content-Type": "application/json"};
const blind = {method: "POST", mode: "no-cors"};
async function tries(name, ask) {
  try {
    const answer = await ask();
    seen[name] = answer.type + " " + answer.status + " " + (await answer.text()).slice(0, 300);
  }
  catch (error) { seen[name] = "blocked " + error.name; }
}
function element(name, kind, attributes) {
  return new Promise(done => {
    const made = Object.assign(document.createElement(kind), attributes);
    made.onload = () => { seen[name] = "loaded"; done(); };
    made.onerror = () => { seen[name] = "blocked"; done(); };
    document.body.append(made);
  });
}
function form(name, path, kind, field, value) {
  return new Promise(done => {
    const frame = Object.assign(document.createElement("iframe"), {name});
    const how = {method: "post", action: bridge + path, enctype: kind, target: name};
    const made = Object.assign(document.createElement("form"), how);
    made.append(Object.assign(document.createElement("textarea"), {name: field, value}));
    document.body.append(frame, made);
    frame.onload = () => {
      try { seen[name] = frame.contentDocument ? "loaded" : "blocked"; } catch { seen[name] = "blocked"; }
      done();
    };
    made.submit();
  });
}
(async () => {
  await tries("read", () => fetch(bridge + "/jobs"));
  await tries("read the tree", () => fetch(bridge + "/"));
  await tries("read blindly", () => fetch(bridge + "/jobs", {mode: "no-cors"}));
  await tries("read with the token", () => fetch(bridge + "/jobs", {headers: key}));
  await tries("submit blindly", () => fetch(bridge + "/jobs", {...blind, body}));
  await tries("submit a clip", () => fetch(bridge + "/jobs", {...blind, body: new Blob(["RIFF"])}));
  await tries("submit with the token", () => fetch(bridge + "/jobs", {method: "POST", headers: json, body}));
  await tries("fetch a stem with the token", () => fetch(bridge + "/jobs/j1/files/b.svg", {headers: key}));
  await tries("end with the token", () => fetch(bridge + "/jobs/j1", {method: "DELETE", headers: key}));
  seen.beacon = String(navigator.sendBeacon(bridge + "/jobs", new Blob([body], {type: "text/plain"})));
  await form("text form", "/jobs", "text/plain", '{"path": "/etc/passwd", "x": "', '"}');
  await form("file form", "/jobs", "multipart/form-data", "file", "RIFF");
  await form("play form", "/jobs/j1/play", "application/x-www-form-urlencoded", "x", "1");
  await element("image", "img", {src: bridge + "/jobs/j1/files/b.svg"});
  await element("script", "script", {src: bridge + "/jobs"});
  await element("style", "link", {rel: "stylesheet", href: bridge + "/openapi.json"});
  await new Promise(done => {
    const source = new EventSource(bridge + "/events");
    source.onopen = () => { seen.events = "loaded"; source.close(); done(); };
    source.onerror = () => { seen.events = "blocked"; source.close(); done(); };
  });
  await new Promise(done => {
    const socket = new WebSocket(bridge.replace("http", "ws") + "/jobs");
    socket.onopen = () => { seen.socket = "loaded"; done(); };
    socket.onerror = () => { seen.socket = "blocked"; done(); };
  });
  await fetch("/report", {method: "POST", body: JSON.stringify(seen)});
})();
</script></body>"""


@asynccontextmanager
async def bridge_with_a_job(folder: Path, origin: str = "") -> AsyncIterator[HttpSite]:
    (folder / "b.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    results = (Result(kind="picture", name="all", folder=str(folder), file="b.svg", seconds=1),)
    job = Job(
        id="j1", name="secret song", request=request_for("/a.wav"), submitted_unix=1.0, state="done", results=results
    )
    bridge = FakeBridge(table={"j1": job})
    async with http_site(folder, bridge, origins=[origin] if origin else []) as site:
        yield site


async def report_of(page_host: str, folder: Path, *, is_allowed: bool) -> tuple[dict[str, str], FakeBridge, int]:
    """What a page saw, the bridge behind it, and how many requests were refused."""
    reported: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    address = ""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE.replace("BRIDGE", address).replace("TOKEN", TOKEN), content_type="text/html")

    async def report(request: web.Request) -> web.Response:
        reported.set_result(json.loads(await request.text()))
        return web.Response()

    pages = web.Application()
    pages.router.add_get("/", page)
    pages.router.add_post("/report", report)
    runner = web.AppRunner(pages, shutdown_timeout=1.0)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    origin = f"http://{page_host}:{runner.addresses[0][1]}"
    try:
        async with bridge_with_a_job(folder, origin if is_allowed else "") as site:
            address = f"http://127.0.0.1:{site.port}"
            assert BROWSER is not None
            process = await asyncio.create_subprocess_exec(
                BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
                "--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={folder / 'profile'}",
                f"{origin}/", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                seen = await asyncio.wait_for(reported, 90)
            finally:
                process.terminate()
                await process.wait()
            refused = sum(reader.refused for reader in site.readers())
            return seen, site.bridge, refused
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("page_host", ["127.0.0.1", "localhost"], ids=["the same site", "another site"])
async def test_another_page_reads_nothing_and_changes_nothing(page_host: str, tmp_path: Path) -> None:
    seen, bridge, refused = await report_of(page_host, tmp_path, is_allowed=False)
    assert refused >= 10  # they have come, and were refused
    assert bridge.asked == []
    assert "secret song" not in json.dumps(seen)
    blind = {name: words for name, words in seen.items() if words.startswith("opaque")}
    assert set(blind.values()) <= {"opaque 0 "}
    others = {name: words for name, words in seen.items() if name not in blind and name != "beacon"}
    assert {name: words for name, words in others.items() if not words.startswith("blocked")} == {}
    assert len(others) >= 12


async def test_a_page_that_the_settings_name_may_use_the_bridge_with_the_token(tmp_path: Path) -> None:
    seen, bridge, _ = await report_of("localhost", tmp_path, is_allowed=True)
    assert seen["read"].startswith("cors 401 ")
    assert seen["read with the token"].startswith("cors 200 ") and "secret song" in seen["read with the token"]
    assert seen["submit with the token"].startswith("cors 201 ")
    assert seen["fetch a stem with the token"].startswith("cors 200 <svg")
    assert seen["end with the token"] == "cors 204 "
    assert [asked[0] for asked in bridge.asked] == ["submit", "remove"]  # and nothing that came without the token
    assert {seen[name] for name in ("image", "script", "events", "socket", "text form", "file form")} <= {"blocked"}
