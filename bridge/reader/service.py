"""Answers the questions of the main process, one after the other; a newer one takes the place of a long one."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable

from bridge.errors import BridgeError, Cancelled, NotFound
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
        self, cache: ResultsCache, transcribers: Transcribers, has_newer: Callable[[], bool] = lambda: False
    ) -> None:
        """`has_newer` tells whether another question waits."""
        self._cache = cache
        self._transcribers = transcribers
        self._has_newer = has_newer
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

    def _view(self, command: OpenView) -> Viewed:
        known = command.known
        if not known.manifest:
            return Viewed(token=command.token, view=self._views.running(known))
        return Viewed(token=command.token, view=self._views.finished(known, manifest_of_job(known)))

    def _read(self, command: ReadView) -> Reread:
        job = self._opened(command.known)
        if math.isinf(command.end_seconds):
            notes = job.whole(command.request, self._check)
        else:
            notes = job.between(command.request, command.start_seconds, command.end_seconds)
        return Reread(token=command.token, notes=notes)

    def _check(self) -> None:
        if self._has_newer():
            raise Cancelled

    def _opened(self, known: KnownJob) -> OpenedJob:
        if known.manifest not in self._open:
            manifest = manifest_of_job(known)
            if manifest is None:
                raise NotFound(f"The record of {known.name} is gone.", advice="Run the job again.")
            self._open[known.manifest] = OpenedJob.of(manifest, self._cache, self._transcribers)
            while len(self._open) > OPEN_JOBS:
                self._open.popitem(last=False)
        self._open.move_to_end(known.manifest)
        return self._open[known.manifest]
