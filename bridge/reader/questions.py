"""The questions that wait for the reader: of those about one job's notes only the newest counts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from bridge.reader.messages import ReaderCommand, ReadView


class WaitingQuestions:
    """Takes questions on the reading thread, and gives them out on the main one."""

    def __init__(self, on_question: Callable[[], object] = lambda: None) -> None:
        """`on_question` is called after each that is put."""
        self._on_question = on_question
        self._waiting: deque[ReaderCommand] = deque()
        self._newest: dict[str, int] = {}
        """The token of the newest question about each job's notes."""
        self._changed = threading.Condition()
        self._is_closed = False

    def put(self, question: ReaderCommand) -> bool:
        """Adds a question; those about the same job's notes that wait are dropped. Always True: it is taken."""
        with self._changed:
            if isinstance(question, ReadView):
                self._newest[question.known.job] = question.token
                self._waiting = deque(one for one in self._waiting if self.is_wanted(one))
            self._waiting.append(question)
            self._changed.notify()
        self._on_question()
        return True

    def close(self) -> None:
        """No more will come, and none is answered any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def next(self) -> ReaderCommand | None:
        """Waits for the next question; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            return None if self._is_closed else self._waiting.popleft()

    @property
    def are_waiting(self) -> bool:
        """Whether there is something else to do, be it to end."""
        return bool(self._waiting) or self._is_closed

    def is_wanted(self, question: ReaderCommand) -> bool:
        """Whether nobody has asked anew about the notes of its job."""
        if self._is_closed:
            return False
        return not isinstance(question, ReadView) or self._newest.get(question.known.job) == question.token
