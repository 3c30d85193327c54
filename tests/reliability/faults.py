"""Injects faults into real bridges, and writes what came of them into `build/reliability`.

    python -m tests.reliability.faults --times 1000 --seed 1
    python -m tests.reliability.faults --times 100 --only killed

`--times` is spread over the rows by their share; each row gets at least one. `--only` takes a kind, whose results get a
file of their own, or a part of a row's name. `--each N` gives every row N injections instead.
`tests.reliability.report` makes a table of the rows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.reliability.bench import Bench, DoesNotStart
from tests.reliability.case import SETTLE_SECONDS, Case, Column
from tests.reliability.fault import Fault
from tests.reliability.report import origin
from tests.reliability.table import FAULTS

RESULTS = Path("build", "reliability")
#: An injection that lasts longer than this hangs.
INJECTION_SECONDS = SETTLE_SECONDS + 80
#: Descriptors of the server that may come and go between two injections: a log, a socket, a database.
SPARE_DESCRIPTORS = 10
COLUMNS: tuple[Column, ...] = ("lost", "stuck", "partial", "outside")
#: A bench is made anew after so many injections.
BENCH_INJECTIONS = 25
KINDS = {fault.kind for fault in FAULTS}


@dataclass
class Row:
    """What came of one fault: the number of injections, of those in which all held, and of those with a problem."""

    kind: str
    fault: str
    times: int = 0
    held: int = 0
    lost: int = 0
    stuck: int = 0
    partial: int = 0
    outside: int = 0
    note: str = ""

    def add(self, problems: Sequence[tuple[Column, str]]) -> None:
        self.times += 1
        self.held += not problems
        for column in COLUMNS:
            if any(found == column for found, _ in problems):
                setattr(self, column, getattr(self, column) + 1)


@dataclass
class Injections:
    """What one fault is to be injected for, and what came of it so far."""

    fault: Fault
    times: int
    rng: random.Random
    row: Row
    notes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, fault: Fault, times: int, seed: int) -> Injections:
        row = Row(fault.kind, fault.name)
        if reason := fault.needs():
            row.note, times = f"not injected: {reason}", 0
        return cls(fault, times, random.Random(f"{seed} {fault.name}"), row)

    @property
    def left(self) -> int:
        return self.times - self.row.times

    def add(self, problems: Sequence[tuple[Column, str]]) -> None:
        self.row.add(problems)
        self.notes.update({f"{column}: {words}" for column, words in problems})

    def blame(self, words: str) -> None:
        """The last injection did not hold either, though it seemed to."""
        self.row.held = max(0, self.row.held - 1)
        self.notes.update([f"other: {words}"])

    def finished(self) -> Row:
        if self.notes:
            self.row.note = "; ".join(f"{words} (×{count})" for words, count in self.notes.most_common(3))
        return self.row


async def inject(fault: Fault, times: int, seed: int) -> Row:
    """Injects one fault `times` times."""
    (row,) = await inject_in_turns([fault], times, seed)
    return row


async def inject_in_turns(faults: Sequence[Fault], times: int, seed: int, verbose: bool = False) -> list[Row]:
    """Injects faults that need the same bench, each `times` times, one after another on as few bridges as can be."""
    all_of_them = [Injections.of(fault, times, seed) for fault in faults]
    while left := [each for each in all_of_them if each.left]:
        await _on_one_bench(left)
    if verbose:
        for each in all_of_them:
            for words, count in each.notes.most_common():
                print(f"      {count} × {words}", file=sys.stderr)
    return [each.finished() for each in all_of_them]


async def _on_one_bench(injections: Sequence[Injections]) -> None:
    """Injects until all are done, the bridge is not well any more, or has had `BENCH_INJECTIONS`."""
    folder = Path(tempfile.mkdtemp(prefix="sab-faults-"))
    done = 0
    try:
        async with injections[0].fault.bench(folder) as bench:
            before: dict[int, int] = {}
            while done < BENCH_INJECTIONS and (left := [each for each in injections if each.left]):
                done += 1
                one = left[0]
                case = Case(bench, bench.place.inside / f"case{done}", one.rng)
                await _one(one.fault, case)
                one.add(case.problems)
                shutil.rmtree(case.folder, ignore_errors=True)
                if any(column == "outside" for column, _ in case.problems):
                    bench.place.restore_outside()
                if not bench.is_running or any(column == "stuck" for column, _ in case.problems):
                    break  # the next one gets a bridge that is well
                first = before.setdefault(bench.pid, bench.descriptors())
                if (more := bench.descriptors() - first) > SPARE_DESCRIPTORS:
                    one.blame(f"{more} descriptors more")
                    break
            if wrong := await _end(bench):
                one.blame(wrong)
    except DoesNotStart as error:
        if not done:
            injections[0].add([("stuck", f"it does not start: {error}")])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _one(fault: Fault, case: Case) -> None:
    try:
        await asyncio.wait_for(fault.inject(case), INJECTION_SECONDS)
        if case.bench.is_running:
            await asyncio.wait_for(case.settle(), INJECTION_SECONDS)
        else:
            case.found("stuck", "the server has ended")
    except DoesNotStart as error:
        case.found("stuck", f"it does not start: {error}")
    except asyncio.TimeoutError:
        case.found("stuck", f"the injection lasts more than {INJECTION_SECONDS:g} s")
    except Exception as error:
        case.found("other", f"{type(error).__name__}: {error}"[:160])


async def _end(bench: Bench) -> str:
    """Ends the bench's bridge; returns what is wrong with its end, if anything."""
    if not bench.is_running:
        return ""
    if status := await bench.kill(signal.SIGTERM):
        return f"it ended with status {status}"
    left = await bench.gone()
    return f"left running: {', '.join(sorted(left))}" if left else ""


def chosen(only: str) -> Iterator[Fault]:
    return (fault for fault in FAULTS if only in ("", fault.kind) or (only not in KINDS and only in fault.name))


def times_of(fault: Fault, total: int) -> int:
    """How many of `total` injections a row gets."""
    return max(1, round(total * fault.share / sum(each.share for each in FAULTS)))


def _inject_row(number: int, times: int, seed: int, verbose: bool) -> tuple[Row, float]:
    """Injects the fault with that number in the table, in a process of its own; returns its row, and the seconds."""
    began = time.monotonic()
    (row,) = asyncio.run(inject_in_turns([FAULTS[number]], times, seed, verbose))
    return row, time.monotonic() - began


def _run(options: argparse.Namespace) -> list[Row]:
    """Injects the chosen faults in several lanes, and prints a line for each, in the table's order."""
    faults = list(chosen(options.only))
    rows = []
    with ProcessPoolExecutor(options.lanes, multiprocessing.get_context("spawn")) as pool:
        coming = [
            pool.submit(
                *(_inject_row, FAULTS.index(fault), options.each or times_of(fault, options.times)),
                *(options.seed, options.verbose),
            )
            for fault in faults
        ]
        for future in coming:
            row, seconds = future.result()
            rows.append(row)
            print(
                f"{row.held:3d} of {row.times:3d}  {row.kind}: {row.fault}  ({seconds:.0f} s)  {row.note}", flush=True
            )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000, help="how many faults in all")
    parser.add_argument("--each", type=int, default=0, help="how many of each row, instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a kind, or a part of a row's name")
    parser.add_argument("--lanes", type=int, default=2, help="how many rows run at once, each on its own bridge")
    parser.add_argument("--verbose", action="store_true", help="print everything that was found")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    options = parser.parse_args()
    if options.list:
        for fault in chosen(options.only):
            print(f"{fault.kind:10} {times_of(fault, options.times):4d}  {fault.name}")
        return 0
    rows = _run(options)
    if options.only in ("", *KINDS):
        RESULTS.mkdir(parents=True, exist_ok=True)
        path = RESULTS / f"faults {options.only}".rstrip()
        content = {"origin": origin(), "rows": [asdict(row) for row in rows]}
        path.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
    print(f"{sum(row.times for row in rows)} faults, {sum(row.held for row in rows)} held")
    return 0 if all(row.held == row.times for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
