"""What a screen may ask its bridge: a row for each method of `protocols.Bridge` that acts on the bridge.

Jobs, groups and status have no row: events keep a screen's own copy of them up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from bridge.connections.values import Connections, WireMessage
from bridge.model import Job, ModelInfo
from bridge.protocols import Bridge
from bridge.protocols.looking import FileLook
from bridge.protocols.reading import JobView, NotesView
from bridge.request import JobRequest

T = TypeVar("T")


@dataclass(frozen=True)
class Method(Generic[T]):
    """One method: its name, the types of its arguments in order, and the type of its result."""

    name: str
    """A dot leads to a part of the bridge, as in `reader.open`."""
    arguments: Any
    result: type[T]

    def of(self, bridge: Bridge) -> Any:
        """The method itself; it returns its result or an awaitable of it."""
        return attrgetter(self.name)(bridge)


SUBMIT = Method("submit", tuple[JobRequest, str, str], tuple[Job, int])
CANCEL = Method("cancel", tuple[str], type(None))
CANCEL_ALL = Method("cancel_all", tuple[tuple[str, ...]], type(None))
CANCEL_GROUP = Method("cancel_group", tuple[str, str], type(None))
CLOSE_GROUP = Method("close_group", tuple[str, str], tuple[str, ...])
MODELS = Method("models", tuple[()], tuple[ModelInfo, ...])
PLAY = Method("play", tuple[str, tuple[str, ...] | None, str | None], type(None))
STOP = Method("stop", tuple[str | None], type(None))
PANIC = Method("panic", tuple[()], type(None))

REMOVE = Method("remove", tuple[tuple[str, ...]], type(None))
RESTORE = Method("restore", tuple[tuple[str, ...]], type(None))
LOOK = Method("look", tuple[tuple[str, ...]], tuple[FileLook, ...])
CLIPS = Method("clips", tuple[str], tuple[str, ...])
OUTLINE = Method("outline", tuple[str], bytes)
SHOW_FOLDER = Method("show_folder", tuple[str, tuple[str, ...]], type(None))
READER_OPEN = Method("reader.open", tuple[str], JobView)
READER_NOTES = Method("reader.notes", tuple[str, JobRequest, float, float, tuple[str, ...]], NotesView)
CONNECTIONS = Method("connections", tuple[()], Connections)

METHODS: Mapping[str, Method[Any]] = {
    method.name: method
    for method in (
        *(SUBMIT, CANCEL, CANCEL_ALL, CANCEL_GROUP, CLOSE_GROUP, REMOVE, RESTORE),
        *(MODELS, LOOK, CLIPS, OUTLINE, SHOW_FOLDER, READER_OPEN, READER_NOTES),
        *(PLAY, STOP, PANIC, CONNECTIONS),
    )
}
#: What a screen may watch: a method that takes a listener, and returns what ends it → the type of what is told.
STREAMS: Mapping[str, Any] = {"watch_wire": WireMessage}
