"""Room on the disk: what may go by itself, and what must go when the strict cap is reached.

A segment goes by itself when every reader has committed it and its keep-time is over. At the cap
the keep-time is given up first, since nothing is lost by that; then the policy decides.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lianji.base.durable import sync_folder
from lianji.base.errors import Busy, Text
from lianji.spool.record import Damage, Gap, Kind, Record, decode_batch, decode_gap, encode_batch
from lianji.spool.segment import HEAD_BYTES, SegmentFile, list_segments, scan_file
from lianji.spool.settings import FullPolicy, SpoolSettings
from lianji.spool.thin import LEVEL_MAX, thinned

GAP_RESERVE_BYTES = 16 * 1024
"""Kept free below the cap so that what was dropped can always be told."""


class Room:
    """The closed segments of a folder. Not thread-safe: its log's lock guards it."""

    def __init__(
        self, folder: Path, settings: SpoolSettings, slowest: Callable[[], int | None]
    ) -> None:
        """``slowest`` gives the position of the slowest reader, None if there is no reader."""
        self.folder = folder
        self.settings = settings
        self._slowest = slowest
        self.segments: list[SegmentFile] = list_segments(folder)[:-1]

    @property
    def closed_bytes(self) -> int:
        return sum(segment.bytes for segment in self.segments)

    def closed(self, path: Path) -> None:
        """The growing segment was closed and another begins."""
        self.segments.append(SegmentFile.of(path))

    def release(self, next_first: int) -> int:
        """Remove what every reader has and nobody need keep; returns how many segments went."""
        limit_s = time.time() - self.settings.keep_h * 3600
        old = [s for s in self._passed(next_first) if s.modified_s <= limit_s]
        self._remove(old)
        return len(old)

    def let_go(self, next_first: int) -> int:
        """The same, whatever the keep-time."""
        passed = self._passed(next_first)
        self._remove(passed)
        return len(passed)

    def passed_bytes(self, next_first: int) -> int:
        return sum(segment.bytes for segment in self._passed(next_first))

    def _passed(self, next_first: int) -> list[SegmentFile]:
        slowest = self._slowest()
        ends = [s.first - 1 for s in self.segments[1:]] + [next_first - 1]
        done = [slowest is None or end <= slowest for end in ends]
        count = done.index(False) if False in done else len(done)
        return self.segments[:count]

    def _remove(self, segments: list[SegmentFile]) -> None:
        if not segments:
            return
        for segment in segments:
            segment.path.unlink(missing_ok=True)
        self.segments = self.segments[len(segments) :]
        sync_folder(self.folder)

    def make(self, wanted: int, active_bytes: int, next_first: int) -> list[Gap]:
        """Make room for ``wanted`` more bytes; returns what had to be dropped or thinned.

        Raises Busy where the policy is to refuse, or when nothing is left that could go.
        """
        gaps: list[Gap] = []
        limit = self.settings.bytes_max - GAP_RESERVE_BYTES
        if active_bytes + wanted > limit:  # nothing that could go would be enough
            raise _full(self.settings.bytes_max)
        while self.closed_bytes + active_bytes + wanted > limit:
            passed = self._passed(next_first)
            if passed:
                self._remove(passed[:1])
            elif self.settings.full is FullPolicy.REFUSE or not self.segments:
                raise _full(self.settings.bytes_max)
            else:
                gaps.append(self._give_up_some())
        return gaps

    def _give_up_some(self) -> Gap:
        if self.settings.full is FullPolicy.THIN:
            for segment in self.segments:
                gap = self._thin(segment)
                if gap is not None:
                    return gap
        oldest = self.segments[0]
        records = [item for _, item in scan_file(oldest.path) if isinstance(item, Record)]
        self._remove([oldest])
        told = [decode_gap(record) for record in records if record.kind is Kind.GAP]
        rows = sum(r.rows for r in records if r.is_batch) + sum(g.rows for g in told)
        return _also_of(told, _gap("disk cap: dropped", oldest.first, records, rows))

    def _thin(self, segment: SegmentFile) -> Gap | None:
        """Rewrite a segment with half its samples, or None if it was thinned enough."""
        items = [item for _, item in scan_file(segment.path)]
        records = [item for item in items if isinstance(item, Record)]
        batches = [r for r in records if r.is_batch]
        if not batches or max(r.level for r in batches) >= LEVEL_MAX:
            return None
        if any(isinstance(item, Damage) for item in items):
            return None
        kept = iter(thinned([decode_batch(record) for record in batches]))
        draft = segment.path.with_suffix(".thin")
        before = sum(r.rows for r in batches)
        after = 0
        try:
            with segment.path.open("rb") as source, draft.open("wb") as file:
                file.write(source.read(HEAD_BYTES))
                for record in records:
                    if record.is_batch:
                        batch = next(kept)
                        after += len(batch)
                        file.writelines(encode_batch(record.sequence, batch, record.level + 1))
                    else:
                        file.write(record.raw)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(segment.path)
        finally:
            draft.unlink(missing_ok=True)  # half of it on a full disk would serve nobody
        sync_folder(self.folder)
        segment.bytes = segment.path.stat().st_size
        return _gap("disk cap: thinned", segment.first, batches, before - after)


def _gap(reason: str, first: int, records: list[Record], rows: int) -> Gap:
    timed = [record for record in records if record.rows and record.is_batch]
    return Gap(
        reason,
        first,
        max((record.sequence for record in records), default=first),
        rows,
        min((record.start_us for record in timed), default=0),
        max((record.end_us for record in timed), default=0),
    )


def _also_of(told: list[Gap], gap: Gap) -> Gap:
    """The gap of a segment that told of gaps itself: what they told must not go with it."""
    timed = [one for one in (gap, *told) if one.rows and one.end_us]
    return replace(
        gap,
        first=min(one.first for one in (gap, *told)),
        start_us=min((one.start_us for one in timed), default=0),
        end_us=max((one.end_us for one in timed), default=0),
    )


def _full(bytes_max: int) -> Busy:
    mib = bytes_max // 1024**2
    return Busy(
        "spool-full",
        Text(f"The spool is full ({mib} MiB).", f"缓存已满（{mib} MiB）。"),
        Text(
            "See in `lianji status` which reader lags, or raise [spool] bytes_max.",
            "请用 `lianji status` 查看哪个读取者滞后，或调大 [spool] bytes_max。",
        ),
    )
