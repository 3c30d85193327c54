"""What the machines of a farm answer: how a song has ended, and to calls beside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError as LostFuture
from typing import Any

from distributed import KilledWorker

from bridge.errors import EngineFailed, NotWritable, OutOfSpace, WeightsUnavailable
from bridge.events import Ended
from bridge.farm.carrying.carrier import CALL_SECONDS, MachineGone
from bridge.farm.connection import MOST_DEATHS
from bridge.farm.task import TaskOutcome
from bridge.system.waiting import within


def check_machine(outcome: TaskOutcome, *, is_carried: bool, is_last: bool) -> None:
    """Raises MachineGone if a song has failed by its machine, so that another may do it.

    Args:
        is_carried: whether it was computed in the machine's own folder: no room there is nobody else's matter.
        is_last: whether no other is asked any more; then the user is told what is missing.
    """
    end = outcome.events[-1]
    if not isinstance(end, Ended) or end.failure is None:
        return
    lacks_weights = end.failure.code == WeightsUnavailable.code
    lacks_room = is_carried and end.failure.code in (OutOfSpace.code, NotWritable.code)
    if lacks_room or (lacks_weights and not is_last):
        raise MachineGone(f"Machines of the farm cannot do this song; the last said: {end.failure.message}", advice="")


class FarmCalls:
    """Implements `carrying.sending.RemoteCalls` for one machine of the farm: calls beside its songs."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See `RemoteCalls.call`."""
        if self._client is None:
            raise ConnectionError("the farm has gone")
        run = self._client.run(function, *arguments, workers=[self._address])
        return (await within(run, CALL_SECONDS))[self._address]


async def result_of(future: Any) -> bytes | None:
    """The result of a task; None if it was lost on the way, with the scheduler or the machine that had it.

    Raises:
        EngineFailed: its machines have died of it, or it cannot be run there.
    """
    try:
        return bytes(await future.result())
    except (LostFuture, OSError):
        return None
    except KilledWorker:
        raise EngineFailed(f"{MOST_DEATHS} machines of the farm have died while they computed this song.") from None
    except Exception as error:  # whatever Dask, or another version of the bridge, raises there
        raise EngineFailed(f"The farm cannot run this song ({type(error).__name__}: {error}).") from error
