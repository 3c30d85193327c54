"""A long run of real bridges under everything that a day brings, and what is left of it afterwards.

    python -m benchmarks.soak --minutes 20
    python -m benchmarks.soak --minutes 3 --seed 7 --json

Jobs of several clips with the engines `draft` and `good`, cancels, plays into JACK ports (where a server can run),
clients that subscribe and go, hostile datagrams, HTTP requests, children killed at random, and at long intervals
restarts of the server, by SIGKILL and clean. At the end nothing may be lost, stuck or left, and memory must be flat:
the median of each process in the last third within 5 % of that in the first third, after a warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.report import machine
from bridge.errors import BridgeError
from bridge.osc.client import open_client
from tests.reliability.bench import Bench, DoesNotStart
from tests.reliability.injected.floods import hostile_datagram
from tests.reliability.injected.playing import PlayingBench, sounding
from tests.reliability.output_files import left_over, missing_or_broken
from tests.reliability.place import Place
from tests.reliability.processes import descriptors, resident_bytes, send
from tests.support.jack_server import MidiReader, running_jack, why_no_jack

#: Part of the run before memory is looked at: libraries and models load, caches and tables fill.
WARM_UP = 0.25
FLAT_PERCENT = 5.0
#: Growth below this is noise of a small process.
FLAT_BYTES = 3_000_000
SAMPLE_SECONDS = 1.0
#: A server runs for so long before it is restarted; memory is compared within one life of a process.
LIVES = 4
#: A child is killed after so many seconds, at random; more often, no process would live long enough to be watched.
KILL_SECONDS = (15.0, 60.0)
KILL = "killed child"
END_SECONDS = 120.0
MOST_WAITING = 8
#: Real recordings, where this machine has some.
SONGS = Path("../shared/audio/music")
SONG_SECONDS = 4.0


@dataclass
class Report:
    """What happened, and what is wrong."""

    did: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    memory: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Process → MB in the first third, MB in the last third, growth in percent; of its longest life."""
    seconds: float = 0.0


class Soak:
    """One run: the bench, its jobs, and the samples of its memory."""

    def __init__(self, bench: Bench, seed: int, seconds: float) -> None:
        self.bench = bench
        self.rng = random.Random(seed)
        self.seconds = seconds
        self.report = Report()
        self.accepted: list[str] = []
        self.samples: dict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)
        self.held: dict[int, int] = {}
        self._folder = bench.place.inside
        self._clips = list(_clips(bench.place))
        self._number = 0

    async def run(self) -> None:
        began = time.monotonic()
        deeds = self._deeds()
        names = [name for name, (share, _) in deeds.items() for _ in range(share)]
        sampling = asyncio.create_task(self._sample(began))
        next_restart, next_kill = self.seconds / LIVES, self.rng.uniform(*KILL_SECONDS)
        while (passed := time.monotonic() - began) < self.seconds:
            if passed > next_restart:
                next_restart += self.seconds / LIVES
                await self._restart()
            name = self.rng.choice(names)
            if passed > next_kill:
                next_kill = passed + self.rng.uniform(*KILL_SECONDS)
                name = KILL
            try:
                await asyncio.wait_for(deeds[name][1](), 60)
                self.report.did[name] += 1
            except BridgeError as error:
                if error.code not in ("queue_full", "not_found", "engine_failed"):
                    self.report.wrong[f"{name}: {error.code}"] += 1
            except asyncio.TimeoutError:
                self.report.wrong[f"stuck: {name} lasts more than a minute"] += 1
            await asyncio.sleep(self.rng.uniform(0, 0.4))
        sampling.cancel()
        await self._finish()
        self.report.seconds = time.monotonic() - began

    def _deeds(self) -> dict[str, tuple[int, Callable[[], Awaitable[None]]]]:
        """What may happen → its share, and how it is done."""
        return {
            "job": (8, self._submit),
            "cancel": (2, self._cancel),
            "play": (2, self._play),
            "stop playing": (1, self._stop),
            "client that comes and goes": (4, self._visit),
            "hostile datagrams": (4, self._attack),
            "http requests": (2, self._poll),
            KILL: (0, self._kill),
            "question": (3, self._ask),
        }

    async def _submit(self) -> None:
        if len([job for job in self.accepted if not self.bench.jobs[job].outcome]) >= MOST_WAITING:
            return
        self._number += 1
        clip = self._folder / f"clip{self._number}.wav"
        shutil.copyfile(self.rng.choice(self._clips), clip)
        options = ["engine", self.rng.choice(("draft", "draft", "good"))]
        if self.rng.random() < 0.5:
            options += ["midi", "none"]
        self.accepted.append(await self.bench.submit(clip, *options))

    async def _cancel(self) -> None:
        waiting = [job for job in self.accepted if not self.bench.jobs[job].outcome]
        if waiting:
            job = self.rng.choice(waiting)
            await self.bench.ask("/sab/cancel", job)
            if not await self.bench.hears(lambda: bool(self.bench.jobs[job].outcome), 5):
                self.report.wrong["stuck: cancelled, and not over after 5 s"] += 1

    async def _play(self) -> None:
        played = [job for job in self.accepted if any(path.suffix == ".mid" for path in self.bench.jobs[job].files)]
        if played and isinstance(self.bench, PlayingBench):
            await self.bench.ask("/sab/play", self.rng.choice(played))

    async def _stop(self) -> None:
        await self.bench.ask(self.rng.choice(("/sab/stop", "/sab/panic")))

    async def _visit(self) -> None:
        async with open_client(self.bench.host, self.bench.port) as visitor:
            await visitor.ask("/sab/hello", "visitor", 1)
            await visitor.ask("/sab/subscribe", 1, 2)
            if self.rng.random() < 0.5:
                await visitor.ask("/sab/subscribe", 0)

    async def _attack(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(self.bench.host, self.bench.port)
        )
        for _ in range(100):
            transport.sendto(hostile_datagram(self.rng))
        transport.close()

    async def _poll(self) -> None:
        url = f"http://{self.bench.host}:{self.bench.port}/{self.rng.choice(('jobs', '', 'sab/status.reply?VALUE'))}"

        def get() -> None:
            with urllib.request.urlopen(url, timeout=10) as answer:
                answer.read()

        try:
            await asyncio.to_thread(get)
        except OSError as error:
            self.report.wrong[f"http: {type(error).__name__}"] += 1

    async def _kill(self) -> None:
        modules = ["bridge.worker", "bridge.inspector", "bridge.midi"]
        send(self.bench.pid_of(self.rng.choice(modules)), signal.SIGKILL)

    async def _ask(self) -> None:
        await self.bench.ask(self.rng.choice(("/sab/status", "/sab/list", "/sab/models", "/sab/ping")), within=20)

    async def _restart(self) -> None:
        how = (signal.SIGKILL, signal.SIGTERM)[self.bench.starts % 2]
        status = await self.bench.kill(how)
        if how == signal.SIGTERM and status:
            self.report.wrong[f"the server ended with status {status}"] += 1
        if left := await self.bench.gone():
            self.report.wrong[f"left running: {', '.join(sorted(left))}"] += 1
        await self.bench.start()
        self.report.did[f"restart by {how.name}"] += 1

    async def _sample(self, began: float) -> None:
        while True:
            for pid, name in self.bench.processes().items():
                module = name if name.startswith("bridge.") else "server"
                if size := resident_bytes(pid):
                    self.samples[module, pid].append((time.monotonic() - began, size))
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _finish(self) -> None:
        """Waits for all jobs, and looks at everything that must hold."""
        wrong = self.report.wrong
        end = time.monotonic() + END_SECONDS
        outcomes: Counter[str] = Counter()
        with contextlib.suppress(BridgeError):
            await self.bench.ask("/sab/stop")
        for job in self.accepted:
            try:
                followed = await self.bench.query(job)
                while not followed.outcome and time.monotonic() < end:
                    await self.bench.hears(lambda followed=followed: bool(followed.outcome), 1.0)  # type: ignore[misc]
                    followed = await self.bench.query(job)
            except BridgeError:
                wrong["lost: an accepted job is unknown"] += 1
                continue
            outcomes[followed.outcome or "open"] += 1
            if not followed.outcome:
                wrong["stuck: a job is not over"] += 1
            if followed.outcome == "failed":
                wrong[f"lost: a job failed {followed.code}".strip()] += 1
            wrong.update(line for path, at in followed.files.items() for line in missing_or_broken(path, at))
        self.report.did.update({f"jobs that ended {outcome}": count for outcome, count in outcomes.items()})
        told = {path for followed in self.bench.jobs.values() for path in followed.files}
        clips = set(self._folder.glob("clip*.wav"))
        wrong.update(f"partial: {line}" for line in left_over(self._folder, told, clips))
        if isinstance(self.bench, PlayingBench):
            for _ in range(150):
                if not sounding(self.bench.reader.received):
                    break
                await asyncio.sleep(0.1)
            else:
                wrong["stuck: notes still sound"] += 1
        for pid, module in self.bench.processes().items():
            self.report.did[f"descriptors of {module[:20] if module.startswith('bridge.') else 'the server'}"] = (
                descriptors(pid)
            )
        if status := await self.bench.kill(signal.SIGTERM):
            wrong[f"the server ended with status {status}"] += 1
        if left := await self.bench.gone():
            wrong[f"left running: {', '.join(sorted(left))}"] += 1
        if traces := self.bench.log.read_text(errors="replace").count("Traceback"):
            wrong["tracebacks"] += traces
        self._compare_memory()

    def _compare_memory(self) -> None:
        """Of each process the longest life, without its warm-up: the median of the last third beside the first's."""
        for module in sorted({module for module, _ in self.samples}):
            lives = [samples for (name, _), samples in self.samples.items() if name == module]
            sizes = [size for _, size in max(lives, key=len)]
            sizes = sizes[round(len(sizes) * WARM_UP) :]
            third = len(sizes) // 3
            if third < 5:
                continue
            first, last = median(sizes[:third]), median(sizes[-third:])
            percent = 100 * (last - first) / first
            self.report.memory[module] = (round(first / 1e6, 1), round(last / 1e6, 1), round(percent, 1))
            if percent > FLAT_PERCENT and last - first > FLAT_BYTES:
                self.report.wrong[f"memory: {module} grew by {percent:.0f} %"] += 1


def _clips(place: Place) -> Iterator[Path]:
    """Clips of a few seconds: two made, and the beginnings of real songs where this machine has some."""
    import soundfile

    yield place.folder / "home" / "short.wav"
    yield place.folder / "home" / "long.wav"
    for number, song in enumerate(sorted(SONGS.rglob("*.*"))[:4] if SONGS.is_dir() else []):
        try:
            with soundfile.SoundFile(str(song)) as file:
                samples, rate = file.read(round(SONG_SECONDS * file.samplerate)), file.samplerate
        except soundfile.LibsndfileError:
            continue
        path = place.folder / "home" / f"song{number}.wav"
        soundfile.write(str(path), samples, rate)
        yield path


@contextlib.asynccontextmanager
async def _bench(folder: Path) -> AsyncIterator[Bench]:
    """A bench that plays where a JACK server can run."""
    with contextlib.ExitStack() as stack:
        environment = {"SAB_CACHE_MAX_GB": "0.2", "SAB_QUEUE_LIMIT": "100"}
        if why_no_jack():
            bench = Bench(Place(folder), environment=environment)
        else:
            server = stack.enter_context(running_jack())
            environment |= {**server.environment, "SAB_NO_MIDI": "", "SAB_MIDI_PORTS": "one"}
            bench = PlayingBench(Place(folder), environment=environment)
            bench.reader = stack.enter_context(MidiReader(server))
        try:
            bench.place.make()
            await bench.start()
            if isinstance(bench, PlayingBench):
                await bench.connected()
            yield bench
        finally:
            await bench.close()


async def soak(minutes: float, seed: int) -> Report:
    """Runs for so long, and returns what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="sab-soak-"))
    try:
        async with _bench(folder) as bench:
            run = Soak(bench, seed, minutes * 60)
            try:
                await run.run()
            except DoesNotStart as error:
                run.report.wrong[f"it does not start: {error}"] += 1
            return run.report
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = asyncio.run(soak(options.minutes, options.seed))
    if options.json:
        json.dump({"machine": machine(), **vars(report)}, sys.stdout, indent=2)  # `asdict` spoils a Counter
        print()
        return 1 if report.wrong else 0
    print("; ".join(f"{key} {value}" for key, value in machine().items()))
    for name, count in sorted(report.did.items()):
        print(f"{count:6d}  {name}")
    for module, (first, last, percent) in report.memory.items():
        print(f"{module}: {first} → {last} MB ({percent:+.1f} %)")
    print("Nothing is lost, stuck or left." if not report.wrong else "Wrong:")
    for name, count in report.wrong.most_common():
        print(f"{count:6d}  {name}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
