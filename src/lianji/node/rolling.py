"""One-minute rollups as samples of their own, for a hub that is not to have every sample.

Of each tag and minute: ``<tag>/avg_1min``, ``min_1min``, ``max_1min`` and ``count_1min``, of the
good samples whose time lies in the minute, told at its start. They go into the spool like any other
samples, so they reach the higher hub once, and lie in the own history too. What comes late makes
its minute anew: a corrected sample, as always. A crash repeats some, which every history drops.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag import PATH_LENGTH_MAX
from lianji.relay.picking import ROLLUP, is_rollup
from lianji.spool.entry import Entry
from lianji.spool.spool import Spool

READER = "rollup"
MINUTE_US = 60_000_000
SETTLE_US = 10_000_000
"""So long after its end a minute is made: what a device says takes a moment."""
AHEAD_US = 600_000_000
"""What lies farther in the future is a clock that is wrong, and is not waited for."""
NAMES = {"average": "avg_1min", "minimum": "min_1min", "maximum": "max_1min", "count": "count_1min"}
TAGS_AT_ONCE = 1000
PAUSE_S = 2.0
RETRY_S = 5.0
_MINUTES = 1 << 31
"""A key is a tag's id and a minute since 1970, so that a minute of a tag is one number."""
_log = structlog.get_logger(__name__)
Keys = NDArray[np.int64]


class Asked(Protocol):
    """The own history."""

    def aggregate(
        self,
        tags: Sequence[str],
        start_us: int,
        end_us: int,
        step_us: int,
        functions: Sequence[str] = ...,
    ) -> pa.Table: ...


class Names(Protocol):
    @property
    def paths(self) -> Sequence[str]: ...

    def ids_of(self, paths: Sequence[str]) -> NDArray[np.int32]: ...


class Rolling:
    """Reads the spool, and puts rollups into it. ``turn`` may be called by one thread."""

    def __init__(
        self,
        spool: Spool,
        history: Asked,
        names: Names,
        patterns: Sequence[str] = (),
        clock: Callable[[], int] = now_us,
    ) -> None:
        """``patterns``: of which tags; none: of all. Begins with what comes from now on, if it has
        never run here. Raises StorageError."""
        self._spool, self._history, self._names = spool, history, names
        self._patterns, self._clock = tuple(patterns), clock
        is_new = not (spool.folder / "readers" / READER).exists()
        self._reader = spool.reader(READER)
        if is_new:
            self._reader.start_behind(spool.durable)
        self._waiting: list[tuple[int, Keys]] = []
        """Minutes that are not made yet, with the record that first brought something of them."""
        self._wanted: NDArray[np.bool_] = np.empty(0, bool)
        self.error: LianjiError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay-rollups", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(RETRY_S if self.error else PAUSE_S):
            try:
                self.turn()
                self.error = None
            except (LianjiError, OSError) as error:
                self.error = error if isinstance(error, LianjiError) else None
                _log.warning("rollups-failed", error=str(error))

    def turn(self) -> int:
        """Make what can be made; how many minutes of tags that were."""
        while entries := self._reader.read():
            for entry in entries:
                keys = self._keys(entry)
                if len(keys):
                    self._waiting.append((entry.sequence, keys))
        now = self._clock()
        ripe = [(at, self._is_ripe(keys, now)) for at, (_, keys) in enumerate(self._waiting)]
        due = [self._waiting[at][1][mask] for at, mask in ripe]
        made = np.unique(np.concatenate(due)) if due else np.empty(0, np.int64)
        for hour in np.unique(made % _MINUTES // 60).tolist():
            self._make(made[made % _MINUTES // 60 == hour])
        rest = [(self._waiting[at][0], self._waiting[at][1][~mask]) for at, mask in ripe]
        self._waiting = [(sequence, keys) for sequence, keys in rest if len(keys)]
        done = self._waiting[0][0] - 1 if self._waiting else self._reader.cursor
        self._reader.commit(done)
        return len(made)

    @staticmethod
    def _is_ripe(keys: Keys, now: int) -> NDArray[np.bool_]:
        start_us = keys % _MINUTES * MINUTE_US
        is_over = start_us + MINUTE_US + SETTLE_US <= now
        return np.asarray(is_over | (start_us > now + AHEAD_US))

    def _keys(self, entry: Entry) -> Keys:
        """Of a record, the minutes of tags of which it has something."""
        batch = entry.content
        if not isinstance(batch, Batch) or is_rollup(batch.origin) or not len(batch):
            return np.empty(0, np.int64)
        tags, minutes = batch.tags, batch.times_us // MINUTE_US
        mask = self._of(tags) & (minutes >= 0)
        return np.unique(tags[mask].astype(np.int64) * _MINUTES + minutes[mask])

    def _of(self, tags: NDArray[np.int32]) -> NDArray[np.bool_]:
        if int(tags.max()) >= len(self._wanted):
            paths = self._names.paths[len(self._wanted) :]
            self._wanted = np.concatenate([self._wanted, [self._is_wanted(p) for p in paths]])
        return np.asarray(self._wanted[tags])

    def _is_wanted(self, path: str) -> bool:
        if len(path) + 1 + max(map(len, NAMES.values())) > PATH_LENGTH_MAX:
            return False
        return not self._patterns or any(fnmatchcase(path, one) for one in self._patterns)

    def _make(self, keys: Keys) -> None:
        """The rollups of minutes of one hour, durable when this returns. Raises LianjiError."""
        tags = np.unique(keys // _MINUTES)
        waiting = []
        for start in range(0, len(tags), TAGS_AT_ONCE):
            some = tags[start : start + TAGS_AT_ONCE]
            mine = keys[np.isin(keys // _MINUTES, some)]
            rolled = self._rolled(some, mine)
            if len(rolled):
                waiting.append(self._spool.put(rolled))
        for answer in waiting:
            answer.result()

    def _rolled(self, tags: Keys, keys: Keys) -> Batch:
        minutes = keys % _MINUTES
        first, last = int(minutes.min()), int(minutes.max()) + 1
        paths = [self._names.paths[tag] for tag in tags.tolist()]
        between = first * MINUTE_US, last * MINUTE_US
        table = self._history.aggregate(paths, *between, MINUTE_US, list(NAMES))
        rows = np.searchsorted(tags, keys // _MINUTES) * (last - first) + (minutes - first)
        ids, values, times = [], [], []
        for function, name in NAMES.items():
            found = table.column(function).to_numpy()[rows].astype(np.float64)
            there = np.isfinite(found)
            own = self._names.ids_of([f"{path}/{name}" for path in paths])
            ids.append(own[np.searchsorted(tags, keys[there] // _MINUTES)])
            values.append(found[there])
            times.append(minutes[there] * MINUTE_US)
        columns = np.concatenate(ids), np.concatenate(times), np.concatenate(values)
        return Batch.of(*columns, origin=ROLLUP)


def hold_no_more(spool: Spool) -> None:
    """Rollups were switched off: nothing in the spool waits for them any more."""
    (spool.folder / "readers" / READER).unlink(missing_ok=True)
