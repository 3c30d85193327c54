"""Answers the questions of the main process, one after the other; a newer one takes the place of a long one."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bridge.errors import BridgeError, Cancelled, NotFound, NotReadable
from bridge.pipeline.cache.store import ResultsCache
from bridge.protocols import Transcribers
from bridge.reader.messages import KnownJob, OpenView, ReaderCommand, ReaderReport, ReadView, Reread, Unanswered, Viewed
from bridge.reader.open_job import OpenedJob
from bridge.reader.views import Views, manifest_of_job

#: Jobs whose analyses stay in memory: the one on the screen, and the one before.
OPEN_JOBS = 2

log = logging.getLogger(__name__)


class ReaderService:
    """Views and readings of jobs."""

    def __init__(
        self,
        cache: ResultsCache,
        transcribers: Transcribers,
        is_wanted: Callable[[ReaderCommand], bool] = lambda _: True,
    ) -> None:
        """`is_wanted` tells whether a question is still to be answered."""
        self._cache = cache
        self._transcribers = transcribers
        self._is_wanted = is_wanted
        self._goes_on: Callable[[], bool] | None = None
        """Whether the work that may be interrupted is still wanted; None: there is none."""
        self._views = Views()
        self._open: OrderedDict[str, OpenedJob] = OrderedDict()
        """By the path of a job's record."""

    def answer(self, command: ReaderCommand) -> ReaderReport:
        try:
            if isinstance(command, OpenView):
                return self._view(command)
            return self._read(command)
        except Cancelled:
            return Unanswered(token=command.token)
        except BridgeError as error:
            return Unanswered(token=command.token, code=error.code, message=error.message, advice=error.advice)
        except Exception as error:
            log.exception("%s could not be read", command.known.name)
            return Unanswered(
                token=command.token, code="internal", message=f"{command.known.name} could not be read ({error})."
            )

    def prepare(self, command: ReaderCommand, has_time: Callable[[], bool]) -> None:
        """After a view of a finished job, reads its notes once, so that the first move of a slider is answered soon."""
        if not isinstance(command, OpenView) or not command.known.manifest or not has_time():
            return
        with suppress(BridgeError, Cancelled):  # the view has said why, or the first question will
            job = self._opened(command.known)
            with self._interruptible(has_time):
                job.prepare()

    def interrupt(self) -> None:
        """Called by a signal in the middle of the work: ends that which nobody waits for. Raises Cancelled then."""
        if self._goes_on is not None and not self._goes_on():
            raise Cancelled

    @contextmanager
    def _interruptible(self, goes_on: Callable[[], bool]) -> Iterator[None]:
        """The block ends at an interruption once `goes_on` says no; half of it must do no harm."""
        self._goes_on = goes_on
        try:
            self.interrupt()  # which may have come before
            yield
        finally:
            self._goes_on = None

    def _view(self, command: OpenView) -> Viewed:
        known = command.known
        if not known.manifest:
            return Viewed(token=command.token, view=self._views.running(known))
        return Viewed(token=command.token, view=self._views.finished(known, manifest_of_job(known)))

    def _read(self, command: ReadView) -> Reread:
        job = self._opened(command.known)
        if math.isinf(command.end_seconds):
            with self._interruptible(lambda: self._is_wanted(command)):
                notes = job.whole(command.request, command.stems)
        else:
            notes = job.between(command.request, command.start_seconds, command.end_seconds, command.stems)
        return Reread(token=command.token, notes=notes)

    def _opened(self, known: KnownJob) -> OpenedJob:
        if known.manifest not in self._open:
            manifest = manifest_of_job(known)
            if manifest is None:
                raise NotFound(f"The record of {known.name} is gone.", advice="Run the job again.")
            try:
                self._open[known.manifest] = OpenedJob.of(manifest, self._cache, self._transcribers)
            except (OSError, ValueError) as error:  # somebody has edited it
                raise NotReadable(f"The record of {known.name} cannot be used.", advice="Run the job again.") from error
            while len(self._open) > OPEN_JOBS:
                self._open.popitem(last=False)
        self._open.move_to_end(known.manifest)
        return self._open[known.manifest]
