"""What stops a whole library, as its next songs would fail by it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.errors import (
    OF_THE_MACHINE,
    BridgeError,
    NotReadable,
    OutOfSpace,
    WeightsUnavailable,
    error_for,
    unresponsive_drive,
)
from bridge.model import Failure
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

#: So many songs that fail in a row by their machine are no accident.
MOST_IN_A_ROW = 25
#: Codes of a song whose drive may have gone.
_OF_A_DRIVE = frozenset({"not_found", "not_readable", "not_audio", "not_writable"})
_GO_ON = "say the same command again: it goes on."


class Conditions:
    """Looks at each failure: is it the song's, or everybody's?"""

    def __init__(self, places: Iterable[Path]) -> None:
        """`places`: folders that lie there now; if one of them goes, nothing can be done."""
        self._places: Mapping[Path, tuple[int, int] | None] = {place: _identity(place) for place in places}
        self._code = ""
        self._in_a_row = 0

    def succeeded(self) -> None:
        self._in_a_row = 0

    async def stops_all(self, failure: Failure) -> BridgeError | None:
        """The condition behind a song's failure, for which the song is not to blame; None: there is none."""
        match failure.code:
            case OutOfSpace.code:
                return OutOfSpace(failure.message, advice=f"When there is room, {_GO_ON}")
            case WeightsUnavailable.code:
                return WeightsUnavailable(failure.message, advice="")
        if failure.code in _OF_A_DRIVE:
            try:
                return await off_loop(self._gone, timeout_seconds=ANSWER_SECONDS)
            except TimeoutError:
                return unresponsive_drive(", ".join(map(str, self._places)))
        return None

    def failed(self, failure: Failure) -> BridgeError | None:
        """Counts the failure of a song; returns what ends the run if it is the last of too many that are alike."""
        self._in_a_row = self._in_a_row + 1 if failure.code == self._code else 1
        self._code = failure.code
        if failure.code not in OF_THE_MACHINE or self._in_a_row < MOST_IN_A_ROW:
            return None
        return error_for(
            failure.code,
            f"{self._in_a_row} songs in a row have failed, the last with: {failure.message}",
            "When that is put right, say the same command with --again.",
        )

    def _gone(self) -> NotReadable | None:
        for place, identity in self._places.items():
            if _identity(place) != identity:
                return NotReadable(f"The folder {place} is gone.", advice=f"Connect its drive, and {_GO_ON}")
        return None


def _identity(place: Path) -> tuple[int, int] | None:
    """The drive and the number of a folder, which is another one where its drive has gone; None: it is not there."""
    try:
        state = place.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino
