"""The history as any other process sees it: the table, and behind it what the spool still holds.

All that was acknowledged is on disk, so nobody has to be asked: the plant may run or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from lianji.base.errors import Busy, StorageError, Text
from lianji.dictionary.batch import Batch
from lianji.dictionary.expression import Expression
from lianji.history.annotations import Annotations
from lianji.history.delta.log import DeltaLog
from lianji.history.history import History, Names
from lianji.history.late.waiting import file_of, read_waiting, source_of_waiting, waiting_lost
from lianji.history.places.folder import FolderPlace
from lianji.history.relayed import source_name
from lianji.history.rollup.buckets import HOUR_US, MINUTE_US
from lianji.history.rollup.rolled import Rolled
from lianji.history.rollup.tables import HOURS, MINUTES
from lianji.history.settings import HistorySettings
from lianji.history.shared import is_there, places_of
from lianji.history.tables import MODIFIED
from lianji.history.tiers import TierFiles, Tiers
from lianji.history.view.view import View
from lianji.spool.record import Damage, decode_batch
from lianji.spool.segment import list_segments, read_epoch, scan_file

_TRIES = 5


class StoredHistory(History):
    """A plant's history, read from its folder. Never writes anything but annotations."""

    def __init__(
        self,
        folder: Path,
        spool_folder: Path,
        site: str,
        names: Names,
        is_linear: Callable[[str], bool],
        settings: HistorySettings | None = None,
        before_each: Callable[[], None] = lambda: None,
        calculated: Mapping[str, Expression] | None = None,
        site_of: Callable[[str], str] | None = None,
    ) -> None:
        """``before_each`` runs before every question (to see tags that came since)."""
        notes = Annotations(folder.with_name("annotations"), site)
        super().__init__(site, names, self._view, is_linear, settings, calculated, notes, site_of)
        self._folder = folder
        self._spool = spool_folder
        self._places = places_of(folder, self._settings)
        self._tiers: Tiers | None = None
        self._rollups: dict[str, tuple[DeltaLog, int]] = {}
        self._before_each = before_each

    def _view(self) -> View:
        for _ in range(_TRIES):
            self._refresh()
            self._before_each()
            batches = self._behind_the_table()
            if batches is not None:
                files = self._tiers.files if self._tiers is not None else TierFiles(())
                if self._tiers is not None:
                    self._tiers.tell(self.unreadable)
                rollups = self._rolled()
                find = self._names.find
                return View(files, batches, find, self.unreadable, rollups, self._sites)
        raise Busy(
            "history-moving",
            Text("The spool moved on faster than it could be read.", "缓存变化过快，无法读取。"),
            Text("Ask again.", "请重试。"),
        )

    def _refresh(self) -> None:
        if self._tiers is not None:
            self._tiers.refresh()
            return
        try:
            top, _ = self._places
            self._tiers = Tiers(self._folder, self._settings.tiers, create=False, top=top)
        except FileNotFoundError:
            self._tiers = None  # nothing was flushed yet: all there is lies in the spool

    def _rolled(self) -> tuple[Rolled, ...]:
        """The rollup tables, as far as there are any."""
        for spec, width_us in ((MINUTES, MINUTE_US), (HOURS, HOUR_US)):
            if spec.name in self._rollups:
                self._rollups[spec.name][0].refresh()
                continue
            with suppress(FileNotFoundError):
                place = FolderPlace(self._folder.with_name(spec.name))
                self._rollups[spec.name] = (DeltaLog(place, spec, create=False), width_us)
        return tuple(
            Rolled(log.place, log.files, width_us) for log, width_us in self._rollups.values()
        )

    def _modified_log(self) -> DeltaLog | None:
        try:
            return DeltaLog(self._places[1], MODIFIED, create=False)
        except FileNotFoundError:
            return None  # nothing was ever corrected

    def _behind_the_table(self) -> list[Batch] | None:
        """What waits by the table's word, and what the spool holds behind its last sequence; None
        if either was moved meanwhile."""
        segments = list_segments(self._spool)
        epoch = next((e for s in reversed(segments) if (e := read_epoch(s.path))), None)
        source = source_name(self.site, epoch.hex() if epoch else "")
        done = self._committed(source)
        begun = [segment for segment in segments if segment.first <= done + 1]
        try:
            batches = self._waiting(source)
            for segment in [*begun[-1:], *segments[len(begun) :]]:
                behind = _batches_behind(segment.path, done)
                if self._settings.shared is not None:
                    behind = [one for one in behind if not is_there(one, self._committed)]
                batches += behind
        except FileNotFoundError:
            return None
        return batches

    def _committed(self, source: str) -> int:
        return self._tiers.top.committed(source) if self._tiers is not None else 0

    def _waiting(self, source: str) -> list[Batch]:
        """Raises FileNotFoundError if the table has moved on."""
        folder = self._folder.with_name("waiting")
        number = self._committed(source_of_waiting(source))
        file = file_of(folder, number)
        try:
            return read_waiting(folder, number)
        except FileNotFoundError:
            self._refresh()
            if self._committed(source_of_waiting(source)) != number:
                raise
            self.unreadable[str(file)] = waiting_lost(file)
        except StorageError as error:
            self.unreadable[str(file)] = error
        return []


def _batches_behind(segment: Path, sequence: int) -> list[Batch]:
    """Raises FileNotFoundError."""
    return [
        decode_batch(item)
        for _, item in scan_file(segment)
        if not isinstance(item, Damage) and item.is_batch and item.sequence > sequence
    ]
