"""What a check of `sab doctor` has found."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Verdict = Literal["ok", "note", "broken"]


class Finding(msgspec.Struct, frozen=True):
    """The result of one check."""

    subject: str
    verdict: Verdict
    """`note`: something optional is missing."""
    message: str
    check: str = ""
    """The subject's stable name, for scripts: by default the subject in lower case, with underscores."""

    def __post_init__(self) -> None:
        if not self.check:
            name = "_".join(re.findall(r"[a-z0-9]+", self.subject.lower()))
            msgspec.structs.force_setattr(self, "check", name)
