"""Assembles the bridge: creates all parts in order, connects them, and closes them in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from bridge.bus import EventBus
from bridge.config import Settings
from bridge.connections.board import Board
from bridge.errors import BridgeError, unresponsive_drive
from bridge.events import Noticed
from bridge.farm.access import certificates_for
from bridge.farm.client import FarmComputer
from bridge.farm.runner import FarmRunner, RunnerReports
from bridge.hearing.client import HearingClient
from bridge.inspector.admission import Admission
from bridge.inspector.client import InspectorClient
from bridge.inspector.in_process import InProcessInspector
from bridge.local import LocalBridge
from bridge.midi.client import MidiPlayer
from bridge.midi.lateness_log import LatenessLog
from bridge.midi.ports.port_layout import PortLayout
from bridge.options.request import check_request, request_for_clip
from bridge.osc.access.gate import Gate, Rules
from bridge.osc.access.rules import rules_of, with_safe_roots
from bridge.osc.access.socket_cookies import SocketCookies
from bridge.osc.http.server import serve_http
from bridge.osc.http.uploads import Uploads
from bridge.osc.http.view import BridgeView
from bridge.osc.server import OscServer, open_address, serve_osc
from bridge.osc.zeroconf_service import announced
from bridge.pipe.server import ScreenServer, serve_screens
from bridge.protocols import JobStore
from bridge.reader.client import ReaderClient
from bridge.request import JobRequest
from bridge.scheduler import Scheduler
from bridge.separation.catalogue import check_engine
from bridge.store.durable import DurableStore
from bridge.store.memory import MemoryStore
from bridge.store.own_folder import lock_folder, released
from bridge.store.returning_subscribers import ReturningSubscriber, ReturningSubscribers
from bridge.system.clock import SystemClock
from bridge.system.off_loop import ANSWER_SECONDS, BackgroundDiskWork, off_loop
from bridge.system.private_folders import close_folder, private_folder
from bridge.watch.folders import watched_folders
from bridge.worker.client import WorkerClient
from bridge.workshop.local import LocalWorkshop
from bridge.workshop.settings_file import SettingsFile

T = TypeVar("T")

log = logging.getLogger(__name__)

#: A job whose process died ends after this time, even if the drive with its temporary files does not answer.
CLEAN_UP_SECONDS = 2.0
#: After this time without the farm, its jobs begin again on this machine.
FARM_PATIENCE_SECONDS = 5.0
#: What somebody waits for in a DAW goes before the songs of a library.
FARM_PRIORITY = 1


@dataclass(frozen=True)
class RunningBridge:
    """What a face gets: the bridge, its addresses, and the worker for downloading models."""

    bridge: LocalBridge
    worker: WorkerClient
    settings: Settings
    hearing: HearingClient
    """The machine's own output; nothing of it is loaded before it is used."""
    address: str
    """As `osc.udp://127.0.0.1:9720`; empty if there is no OSC server."""
    http_address: str = ""
    """As `http://127.0.0.1:9720`; empty if there is no HTTP server."""
    quit_asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when another program of this account asks the bridge to end."""

    @property
    def is_attached(self) -> bool:
        """A screen's bridge may run in another process: see `pipe.client.AttachedBridge`."""
        return False

    async def until_ended(self) -> None:
        """Returns when another program asks this bridge to end."""
        await self.quit_asked.wait()

    @property
    def bell(self) -> str:
        return self.settings.bell

    @property
    def defaults(self) -> JobRequest:
        return self.settings.defaults

    @property
    def default_sync(self) -> str:
        return self.settings.defaults.play.sync

    async def request(self, source: str, options: Mapping[str, object] | None = None) -> JobRequest:
        """The request for a file with these options (named as in `bridge.options`); defaults come from the settings.

        Raises:
            BadArguments: an option has an invalid value.
            NotReadable: the drive of the current folder does not answer.
        """
        return await request_for_clip(source, options or {}, self.settings.defaults)


@asynccontextmanager
async def open_bridge(settings: Settings, *, serve: bool = True) -> AsyncIterator[RunningBridge]:
    """Runs a bridge until the block ends; with OSC server, history and MIDI ports unless `serve` is False.

    Raises:
        BridgeError: the address is taken, another bridge uses its folder, or other computers would reach the bridge
            without a secret.
    """
    check_request(settings.defaults)
    if settings.cluster:
        certificates_for(settings.cluster, settings.state_dir)
    try:
        rules = await off_loop(lambda: _prepare(settings, serve=serve), timeout_seconds=ANSWER_SECONDS)
    except TimeoutError:
        raise unresponsive_drive(settings.state_dir) from None
    settings = with_safe_roots(settings) if serve else settings
    with suppress(TimeoutError):  # the engine is checked again with each job
        engine = settings.defaults.engine.name
        await off_loop(lambda: check_engine(engine, settings.models_dir), timeout_seconds=ANSWER_SECONDS)
    clock = SystemClock()
    bus = EventBus()
    store = _store(settings, bus.publish_retained, serve=serve)
    clean_up = BackgroundDiskWork(CLEAN_UP_SECONDS)
    scheduler = Scheduler(store, clock, bus.publish, queue_limit=settings.queue_limit, clean_up=clean_up)
    working = _with_uploads(settings) if serve else settings
    inspector = InspectorClient(working) if serve else InProcessInspector(settings.roots, settings.models_dir)
    admission = Admission(inspector, scheduler)
    player = MidiPlayer(bus.publish, PortLayout.of(settings), enabled=serve and not settings.no_midi)
    if serve and settings.port:
        bus.subscribe(LatenessLog(settings.own_folder, clock).on_event)
    reader = ReaderClient(settings, scheduler.job)
    board = Board(clock)
    bridge = LocalBridge(settings, bus, scheduler, admission, player, reader, clock, board)
    reports = RunnerReports(
        on_event=scheduler.on_event,
        on_live_notes=bridge.on_live_notes,
        on_free=scheduler.on_runner_free,
        on_job_lost=scheduler.on_job_lost,
        publish=bus.publish,
    )
    runner = FarmRunner(clock, reports, awaits_farm=bool(settings.cluster))
    worker = WorkerClient(
        working,
        publish=bus.publish,
        on_event=runner.on_worker_event,
        on_live_notes=bridge.on_live_notes,
        on_lost=runner.on_worker_lost,
        on_ready=runner.on_worker_ready,
        lock=settings.own_folder / "worker.lock" if isinstance(store, DurableStore) else None,
    )
    runner.use(worker)
    scheduler.run(runner)
    workshop = LocalWorkshop(SettingsFile(settings), worker.fetch, bus.publish)
    bridge.use(workshop)
    board.cache_folder = str(settings.cache_dir)
    board.player = player.activity
    board.processes = lambda: {"worker": worker.pid, "player": player.pid}
    async with AsyncExitStack() as parts:
        address = http_address = ""
        if serve:
            bound_sockets = await open_address(settings.host, settings.port, bus.publish_retained)
            for bound_socket in bound_sockets:
                parts.callback(bound_socket.close)
            cookies = SocketCookies(bound_sockets[0].getsockname()[1])
            parts.callback(cookies.close)
            gate = Gate(rules, clock, bus.publish, socket_at=cookies)
            if rules.secret is not None:
                folders = ", ".join(map(str, settings.roots))
                words = f"Clips and results must lie in {folders}, because other computers may ask. The setting: roots."
                bus.publish_retained(Noticed(level="info", message=words))
            subscribers = ReturningSubscribers(settings.own_folder / "listeners.json")
            returning: Iterable[ReturningSubscriber] = ()
            if isinstance(store, DurableStore):
                await _take_over(store, settings, parts, bus.publish_retained)
                returning = await _promptly(subscribers.load) or ()
                parts.callback(subscribers.close)
            server = serve_osc(
                bridge,
                clock,
                host=settings.host,
                port=settings.port,
                defaults=settings.defaults,
                notice=bus.publish,
                returning=returning,
                remember=subscribers.save if isinstance(store, DurableStore) else lambda _: None,
                bound_sockets=bound_sockets,
                gate=gate,
                wire=board.wire,
            )
            osc = await parts.enter_async_context(server)
            if isinstance(store, DurableStore):
                parts.callback(lambda: subscribers.save(osc.subscribers))
            address = osc.url
            board.clients = osc.clients
            scheduler.recover()
            uploads = Uploads.of(settings, clean_up)
            bus.subscribe(uploads.follow(bridge.job))
            if isinstance(store, DurableStore):  # at a port of its own, no other bridge uses that folder
                uploads.sweep(bridge.jobs())
            http_address = await parts.enter_async_context(
                _discovery(bridge, osc, gate, settings, bus.publish_retained, board, uploads)
            )
        parts.push_async_callback(clean_up.close)
        parts.callback(scheduler.close)
        parts.push_async_callback(worker.close)
        parts.push_async_callback(runner.close)
        parts.push_async_callback(workshop.close)
        parts.callback(scheduler.leave)
        parts.push_async_callback(inspector.close)
        parts.push_async_callback(player.close)
        parts.push_async_callback(reader.close)
        parts.push_async_callback(bridge.close)
        await worker.start()
        await inspector.start()
        await player.start()
        if settings.cluster:
            joining = asyncio.create_task(_join_farm(runner, settings, bus.publish_retained))
            parts.push_async_callback(_abandon, joining)
        hearing = HearingClient(settings.hear_on)
        parts.push_async_callback(hearing.close)
        running = RunningBridge(bridge, worker, settings, hearing, address, http_address)
        if isinstance(store, DurableStore):
            await parts.enter_async_context(_screens(running, bus.publish))
            await parts.enter_async_context(
                watched_folders(running.bridge, settings, clock, bus.publish, bus.publish_retained)
            )
        yield running


async def _join_farm(runner: FarmRunner, settings: Settings, notice: Callable[[Noticed], None]) -> None:
    try:
        farm = await FarmComputer.open(
            settings.cluster, settings, patience_seconds=FARM_PATIENCE_SECONDS, priority=FARM_PRIORITY
        )
    except Exception as error:  # the bridge works without it
        log.exception("the farm cannot be joined")
        runner.join(None)
        reason = str(error) if isinstance(error, BridgeError) else f"{type(error).__name__}: {error}."
        words = f"The farm cannot be used. {reason} Jobs are computed on this machine."
        notice(Noticed(level="warning", message=words))
        return
    runner.join(farm)
    if not farm.slots:
        words = f"{farm.state().problem or 'The farm has no machine.'} Until then, jobs are computed on this machine."
        notice(Noticed(level="warning", message=words))


async def _abandon(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _prepare(settings: Settings, *, serve: bool) -> Rules:
    """Closes the bridge's folders to other accounts, and reads who may ask. Raises BadArguments."""
    rules = rules_of(settings) if serve else Rules()
    for folder in (settings.cache_dir, *([settings.own_folder] if serve and settings.port else ())):
        with suppress(OSError):  # what needs the folder will say so
            private_folder(folder)
    for folder in (settings.state_dir, settings.cache_dir):
        close_folder(folder)
    return rules


def _screens(running: RunningBridge, notice: Callable[[Noticed], None]) -> AbstractAsyncContextManager[None]:
    """Serves the screens of other processes: last opened, first closed."""
    server = ScreenServer(
        running.bridge,
        address=running.address,
        http_address=running.http_address,
        defaults=running.settings.defaults,
        on_quit=running.quit_asked.set,
    )

    def say(reason: str) -> None:
        words = f"No second screen can be attached to this bridge: {reason}."
        notice(Noticed(level="warning", message=words))

    return serve_screens(server, running.settings.own_folder, say)


def _with_uploads(settings: Settings) -> Settings:
    """The settings of what reads and writes files: clips that came over HTTP lie in the bridge's own folder."""
    if not settings.roots or settings.no_http:
        return settings
    return replace(settings, roots=(*settings.roots, settings.uploads_folder))


@asynccontextmanager
async def _discovery(
    bridge: LocalBridge,
    osc: OscServer,
    gate: Gate,
    settings: Settings,
    notice: Callable[[Noticed], None],
    board: Board,
    uploads: Uploads,
) -> AsyncIterator[str]:
    """Serves HTTP and announces the bridge by zeroconf; yields the HTTP address, "" if there is none.

    The bridge works without them, so a failure here does not end it.
    """
    async with AsyncExitStack() as parts:
        http_address = ""
        if not settings.no_http:
            port = osc.port if settings.http_port is None else settings.http_port
            origins = frozenset(settings.http_origins)
            view = BridgeView(bridge, bridge.engines, settings.defaults, osc.host, osc.port, uploads, origins)
            board.readers = view.readers.seen
            http_address = await parts.enter_async_context(
                serve_http(view, gate, host=settings.host, port=port, notice=notice)
            )
        if settings.announce:
            http_port = urlsplit(http_address).port
            await parts.enter_async_context(announced(settings.host, osc.port, http_port, notice=notice))
        yield http_address


def _store(settings: Settings, notice: Callable[[Noticed], None], *, serve: bool) -> JobStore:
    """The job store: a database for a server on a fixed port, else one in memory."""
    if not serve or settings.port == 0:
        return MemoryStore(settings.history_limit)
    return DurableStore(
        settings.state_dir,
        settings.own_folder.name,
        limit=settings.history_limit,
        notice=notice,
        on_loop=asyncio.get_running_loop().call_soon_threadsafe,
    )


async def _take_over(
    store: DurableStore, settings: Settings, parts: AsyncExitStack, notice: Callable[[Noticed], None]
) -> None:
    """Takes the lock of the bridge's own folder, then the jobs that it has left.

    Raises:
        FolderInUse: another bridge holds the lock.
    """
    try:
        lock = await _promptly(lambda: lock_folder(settings.own_folder))
    except BaseException:
        store.close()
        raise
    parts.enter_context(released(lock))
    parts.callback(store.close)  # the lock is held until everything is written
    loaded = await _promptly(store.read)
    if loaded is not None:
        store.take(loaded)
    else:
        folder = settings.state_dir
        message = f"The drive of {folder} does not answer: the history of jobs is not shown, and may not be kept."
        notice(Noticed(level="warning", message=message))


async def _promptly(work: Callable[[], T]) -> T | None:
    """Runs work that waits for the state folder; None if it does not answer in time."""
    try:
        return await off_loop(work, timeout_seconds=ANSWER_SECONDS)
    except TimeoutError:
        return None
