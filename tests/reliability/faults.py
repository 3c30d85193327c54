"""Injects faults into real bridges, and writes what came of them to `build/reliability/faults.json`.

    python -m tests.reliability.faults --times 1000 --seed 1
    python -m tests.reliability.faults --times 100 --only killed

`--times` is spread over the rows by their share; each row gets at least one. `--only` takes a kind, or a part of a
row's name. `--each N` gives every row N injections instead. `tests.reliability.report` makes a table of the rows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.reliability.bench import Bench, DoesNotStart
from tests.reliability.case import SETTLE_SECONDS, Case, Column
from tests.reliability.fault import Fault
from tests.reliability.report import origin
from tests.reliability.table import FAULTS

RESULTS = Path("build", "reliability", "faults.json")
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


async def inject(fault: Fault, times: int, seed: int, verbose: bool = False) -> Row:
    """Injects one fault `times` times."""
    row = Row(fault.kind, fault.name)
    if reason := fault.needs():
        row.note = f"not injected: {reason}"
        return row
    notes: Counter[str] = Counter()
    rng = random.Random(f"{seed} {fault.name}")
    while row.times < times:
        await _on_one_bench(fault, min(times - row.times, BENCH_INJECTIONS), rng, row, notes)
    row.note = "; ".join(f"{words} (×{count})" for words, count in notes.most_common(3))
    if verbose:
        for words, count in notes.most_common():
            print(f"      {count} × {words}", file=sys.stderr)
    return row


async def _on_one_bench(fault: Fault, times: int, rng: random.Random, row: Row, notes: Counter[str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sab-faults-"))
    done = 0
    try:
        async with fault.bench(folder) as bench:
            before: dict[int, int] = {}
            while done < times:
                done += 1
                case = Case(bench, bench.place.inside / f"case{done}", rng)
                await _one(fault, case)
                row.add(case.problems)
                notes.update({f"{column}: {words}" for column, words in case.problems})
                shutil.rmtree(case.folder, ignore_errors=True)
                if any(column == "outside" for column, _ in case.problems):
                    bench.place.restore_outside()
                if bench.is_running:
                    first = before.setdefault(bench.pid, bench.descriptors())
                    if bench.descriptors() > first + SPARE_DESCRIPTORS:
                        notes.update([f"other: {bench.descriptors() - first} descriptors more"])
                        row.held -= not case.problems
                        break
                if not bench.is_running or any(column == "stuck" for column, _ in case.problems):
                    break  # the next one gets a bridge that is well
            await _end(bench, row, notes)
    except DoesNotStart as error:
        row.add([("stuck", "")] if not done else [])
        notes.update([f"stuck: it does not start: {error}"])
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


async def _end(bench: Bench, row: Row, notes: Counter[str]) -> None:
    """The bench's bridge must end cleanly, with all its processes."""
    import signal

    if not bench.is_running:
        return
    wrong = []
    if status := await bench.kill(signal.SIGTERM):
        wrong.append(f"other: it ended with status {status}")
    if left := await bench.gone():
        wrong.append(f"other: left running: {', '.join(sorted(left))}")
    if wrong:
        row.held = max(0, row.held - 1)
        notes.update(wrong)


def chosen(only: str) -> Iterator[Fault]:
    return (fault for fault in FAULTS if only in ("", fault.kind) or (only not in KINDS and only in fault.name))


def times_of(fault: Fault, total: int) -> int:
    """How many of `total` injections a row gets."""
    return max(1, round(total * fault.share / sum(each.share for each in FAULTS)))


async def _run(options: argparse.Namespace) -> list[Row]:
    rows = []
    for fault in chosen(options.only):
        began = time.monotonic()
        row = await inject(fault, options.each or times_of(fault, options.times), options.seed, options.verbose)
        rows.append(row)
        seconds = time.monotonic() - began
        print(f"{row.held:3d} of {row.times:3d}  {row.kind}: {row.fault}  ({seconds:.0f} s)  {row.note}", flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000, help="how many faults in all")
    parser.add_argument("--each", type=int, default=0, help="how many of each row, instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a kind, or a part of a row's name")
    parser.add_argument("--verbose", action="store_true", help="print everything that was found")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    options = parser.parse_args()
    if options.list:
        for fault in chosen(options.only):
            print(f"{fault.kind:10} {times_of(fault, options.times):4d}  {fault.name}")
        return 0
    rows = asyncio.run(_run(options))
    if not options.only:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps({"origin": origin(), "rows": [asdict(row) for row in rows]}, indent=2) + "\n")
    print(f"{sum(row.times for row in rows)} faults, {sum(row.held for row in rows)} held")
    return 0 if all(row.held == row.times for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
