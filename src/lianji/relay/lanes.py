"""Lanes and marks: the words in which an edge and its hub speak of what has arrived."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lianji.base.errors import InputError, Text

SEQUENCE_MAX = 2**62
_NAME = re.compile(r"([0-9a-f]{32})\.([1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """A stretch of an edge's spool that arrives in order; see docs/decisions/0011-relay.md."""

    epoch: str
    """32 hex digits: which run of sequence numbers."""
    start: int
    """The sequence at which the lane begins."""

    def __str__(self) -> str:
        return f"{self.epoch}.{self.start}"

    @classmethod
    def parse(cls, name: str) -> Lane:
        """Raises InputError for what is no lane's name."""
        found = _NAME.fullmatch(name)
        if found is None or int(found[2]) > SEQUENCE_MAX:
            raise _wrong(f"{name[:80]!r} is no lane", f"{name[:80]!r} 不是通道名")
        return cls(found[1], int(found[2]))


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a lane has come: its last record's sequence and that record's own checksum."""

    sequence: int
    check: int

    def __str__(self) -> str:
        return f"{self.sequence}:{self.check:016x}"

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Raises InputError."""
        sequence, _, check = text.partition(":")
        try:
            if not sequence.isascii() or not sequence.isdigit() or len(check) > 16:
                raise ValueError(text)
            mark = cls(int(sequence), int(check, 16))
        except ValueError as error:
            raise _wrong(f"{text[:80]!r} is no mark", f"{text[:80]!r} 不是有效的位置") from error
        if mark.sequence > SEQUENCE_MAX:
            raise _wrong(f"{text[:80]!r} is no mark", f"{text[:80]!r} 不是有效的位置")
        return mark


NOTHING = Mark(0, 0)
"""The mark of a lane of which nothing has arrived."""
THINNED = -1
"""The check of a record that the edge's full spool has thinned since it may have been sent: what it
was then nobody knows."""


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "relay-request-invalid",
        Text(f"The request is not one of an edge: {en}.", f"该请求不是边缘端的请求：{zh}。"),
        Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
    )
