"""The calls that a machine of the farm answers beside its songs: Dask finds these functions there by name."""

from __future__ import annotations

import asyncio
from typing import Any

from bridge.farm.carrying.bench import Bench
from bridge.farm.carrying.values import Place, decode_clip
from bridge.farm.values import PLUGIN


async def wants(clip: bytes, dask_worker: Any = None) -> int:
    """See `Bench.wants`; the clip is packed by `values.encode`."""
    return await asyncio.to_thread(_bench(dask_worker).wants, decode_clip(clip))


async def take(clip: bytes, start: int, content: bytes, dask_worker: Any = None) -> int:
    """See `Bench.take`."""
    return await asyncio.to_thread(_bench(dask_worker).take, decode_clip(clip), start, content)


async def give(job: str, place: Place, file: str, start: int, dask_worker: Any = None) -> bytes:
    """See `Bench.give`."""
    return await asyncio.to_thread(_bench(dask_worker).give, job, place, file, start)


async def forget(job: str, dask_worker: Any = None) -> None:
    """See `Bench.forget`."""
    await asyncio.to_thread(_bench(dask_worker).forget, job)


def _bench(dask_worker: Any) -> Bench:
    bench: Bench = dask_worker.plugins[PLUGIN].bench
    return bench
