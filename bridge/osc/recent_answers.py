"""The answers of the last minute, so that a repeated datagram has no second effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bridge.osc.addresses import Message
from bridge.protocols import Clock

MEMORY_SECONDS = 60.0
MAX_ANSWERS = 8_192
MAX_ANSWERS_OF_MACHINE = 2_048


class Asked(NamedTuple):
    """What makes a request the same: the client, the address, and the client's token."""

    client: int
    address: str
    req: str


@dataclass
class Answer:
    """The answer to a request with a token."""

    asked: Asked
    machine: str
    at_seconds: float
    replies: list[Message] | None = None
    """None: not answered yet."""


class RecentAnswers:
    """All clients' answers, with one clock, and with limits for each machine and in total: the oldest are forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._machines: dict[str, dict[Asked, Answer]] = {}  # each with its oldest first
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def recall(self, machine: str, asked: Asked) -> Answer | None:
        answer = self._machines.get(machine, {}).get(asked)
        return answer if answer is not None and not self._is_old(answer) else None

    def begin(self, machine: str, asked: Asked) -> Answer:
        """Remembers a request that is not answered yet."""
        answers = self._machines.setdefault(machine, {})
        if asked in answers:
            self._forget_one(machine, asked)
        answers = self._machines.setdefault(machine, {})
        answer = answers[asked] = Answer(asked, machine, self._clock.monotonic_seconds())
        self._count += 1
        if len(answers) > MAX_ANSWERS_OF_MACHINE:
            self._forget_one(machine, next(iter(answers)))
        if self._count > MAX_ANSWERS:
            most = max(self._machines, key=lambda name: len(self._machines[name]))
            self._forget_one(most, next(iter(self._machines[most])))
        return answer

    def forget(self, answer: Answer) -> None:
        """Forgets a request that failed, so that it can be sent again."""
        if self._machines.get(answer.machine, {}).get(answer.asked) is answer:
            self._forget_one(answer.machine, answer.asked)

    def forget_old(self) -> None:
        for machine, answers in list(self._machines.items()):
            for asked, answer in list(answers.items()):
                if not self._is_old(answer):
                    break
                self._forget_one(machine, asked)

    def _is_old(self, answer: Answer) -> bool:
        return self._clock.monotonic_seconds() - answer.at_seconds > MEMORY_SECONDS

    def _forget_one(self, machine: str, asked: Asked) -> None:
        answers = self._machines[machine]
        del answers[asked]
        self._count -= 1
        if not answers:
            del self._machines[machine]
