"""The questions of a screen to its bridge, each with the answer that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from bridge.errors import BadArguments, BridgeError, Cancelled, error_for
from bridge.pipe.messages import CANCELLED, Answered, Ask, Refused, ToBridge, Withdraw, framed, raw, read_raw
from bridge.pipe.methods import Method

T = TypeVar("T")


class Questions:
    """Numbers what is asked, and gives each answer to who waits for it.

    `write` sends a frame; it does nothing where the bridge has gone.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._answers: dict[int, tuple[Method[object], asyncio.Future[object]]] = {}
        self._asked = 0
        self._end: BridgeError | None = None

    async def ask(self, method: Method[T], *arguments: object) -> T:
        """Calls a method of the bridge, and waits for its result.

        Raises:
            BadArguments: a text in the arguments is no text.
            BridgeError, Cancelled: what the method raises, or why the bridge has gone meanwhile.
        """
        if self._end is not None:
            raise self._end
        number = self.post(method, *arguments)
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._answers[number] = (cast("Method[object]", method), answer)
        try:
            return cast("T", await answer)
        except asyncio.CancelledError:
            self.send(Withdraw(number=number))
            raise
        finally:
            self._answers.pop(number, None)

    def post(self, method: Method[T], *arguments: object) -> int:
        """Calls a method of the bridge, and waits for nothing; returns the question's number. Raises BadArguments."""
        self._asked += 1
        try:
            self.send(Ask(number=self._asked, method=method.name, arguments=raw(arguments)))
        except ValueError as error:
            raise BadArguments(
                "This cannot be sent to the bridge: a name in it is no valid text, or it is too long.",
                advice="Rename the file first.",
            ) from error
        return self._asked

    def send(self, message: ToBridge) -> None:
        self._write(framed(message))

    def on_answer(self, message: Answered | Refused) -> BridgeError | None:
        """Gives an answer to who waits for it; returns the error that nobody waits for."""
        method, answer = self._answers.pop(message.number, (None, None))
        if isinstance(message, Answered):
            if method is not None and answer is not None and not answer.done():
                answer.set_result(read_raw(message.result, method.result))
            return None
        error = Cancelled() if message.code == CANCELLED else _error_of(message)
        if answer is not None and not answer.done():
            answer.set_exception(error)
            return None
        return error if answer is None and isinstance(error, BridgeError) else None

    def lose(self, error: BridgeError) -> None:
        """The bridge has gone: whoever waits, or will ask, gets this error."""
        self._end = error
        for _, answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)
        self._answers.clear()


def _error_of(refused: Refused) -> BridgeError:
    return error_for(refused.code, refused.message, refused.advice)
