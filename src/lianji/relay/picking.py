"""What of a spool is sent: all but what another hub has anyway, some tags alone, or rollups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.spool.record import HEADER_BYTES, Gap, Record, decode, origin_of, pack, sources_of


class Paths(Protocol):
    """The tag table of this spool; it only grows."""

    @property
    def paths(self) -> Sequence[str]: ...


class Pick(Protocol):
    """What is sent of a spool. ``changes``: records are not sent as they lie there."""

    changes: bool

    def __call__(self, record: Record) -> Sequence[bytes | memoryview] | None:
        """The parts of the record to be sent in its place; None for nothing."""


class NotFrom:
    """All but what came from the hub that it would be sent to."""

    changes = False

    def __init__(self, hub: str) -> None:
        self._hub = hub

    def __call__(self, record: Record) -> Sequence[bytes | memoryview] | None:
        if any(source.edge == self._hub for source in sources_of(record)):
            return None
        return (record.raw,)


ROLLUP = "relay/rollup"
"""The origin of rollups, which a lower hub's name may precede."""


def is_rollup(origin: str) -> bool:
    return origin == ROLLUP or origin.endswith(f"/{ROLLUP}")


class Rollups:
    """The rollups that were made here or came from below, and no samples. Records go as they lie
    there; what was lost of the spool is told."""

    changes = False

    def __call__(self, record: Record) -> Sequence[bytes | memoryview] | None:
        if record.is_batch and not is_rollup(origin_of(record)):
            return None
        return (record.raw,)


class OfTags:
    """The samples of some tags alone, as a higher hub wants them.

    A record is encoded anew with the rows that are picked, under its own number: its check is then
    that of what is sent, and the same again as long as the same library writes it. What it was of
    other edges' lanes is left out, since the higher hub does not get all of those. A record of
    which nothing is picked is not sent; numbers may be missing in a lane.
    """

    changes = True

    def __init__(self, names: Paths, patterns: Sequence[str]) -> None:
        self._names = names
        self._patterns = tuple(patterns)
        self._picked: NDArray[np.bool_] = np.empty(0, bool)

    def __call__(self, record: Record) -> Sequence[bytes | memoryview] | None:
        content = decode(record)
        if isinstance(content, Gap):
            return pack(replace(content, sources=())).record(record.sequence, record.level)
        mask = self._of(content.tags)
        if not mask.any():
            return None
        samples = content.samples.filter(pa.array(mask))
        picked = replace(content, samples=samples, sources=())
        return pack(picked).record(record.sequence, record.level)

    def _of(self, tags: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of these ids are picked."""
        if len(tags) and int(tags.max()) >= len(self._picked):
            paths = self._names.paths[len(self._picked) :]
            self._picked = np.concatenate([self._picked, [self._fits(path) for path in paths]])
        return self._picked[tags]

    def _fits(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self._patterns)


def check_of(parts: Sequence[bytes | memoryview]) -> int:
    """The check of a record that is told in parts, of which the first is its header."""
    return int.from_bytes(bytes(parts[0][HEADER_BYTES - 8 : HEADER_BYTES]), "little")
