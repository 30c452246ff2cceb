"""A shared table that cannot be reached when the process starts: what is known without it.

The spool takes what comes, questions say that the history is away, and the historian opens it as
soon as the store answers. What the table said of edges' lanes, when it was last asked, is kept
beside it: with the spool's own records that is what a hub can answer for meanwhile.
"""

from __future__ import annotations

import json
from pathlib import Path

import structlog

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text
from lianji.history.relayed import Ledger
from lianji.history.settings import HistorySettings
from lianji.history.upkeep.upkeep import Upkeep

PASSING = ("bucket-failed", "bucket-denied", "bucket-missing")
"""What a store says that a person or time can mend. A damaged table is none of these."""
log = structlog.get_logger(__name__)


def may_pass(error: StorageError, settings: HistorySettings) -> bool:
    """Whether the table is only away."""
    return settings.shared is not None and error.code in PASSING


def history_away(error: StorageError) -> StorageError:
    return StorageError(
        "history-away",
        Text(f"The history is away. {error.cause.en}", f"历史数据暂不可用。{error.cause.zh}"),
        Text(
            f"Nothing is lost: the spool takes what comes, and the history opens by itself when "
            f"the store answers. {error.remedy.en}",
            f"数据没有丢失：缓存继续接收，存储恢复后历史库会自动打开。{error.remedy.zh}",
        ),
    )


class MayBeAway:
    """Of a historian: opens its tables, or waits for them."""

    _settings: HistorySettings
    upkeep: Upkeep
    _away: StorageError | None = None

    def _open(self) -> None:
        """Raises StorageError, OSError."""
        raise NotImplementedError

    def _open_or_wait(self) -> None:
        """Raises StorageError where waiting does not help."""
        try:
            self._open()
        except StorageError as error:
            if not may_pass(error, self._settings):
                raise
            self._away = history_away(error)
            log.error("history-away", error=str(error))

    def _open_late(self) -> None:
        try:
            self._open()
        except StorageError as error:
            self._away = history_away(error) if may_pass(error, self._settings) else error
            raise self._away from error
        self._away = None
        self.upkeep.start()
        log.info("history-opened")

    def _there(self) -> None:
        """Raises StorageError while the tables are away."""
        if self._away is not None:
            raise self._away


class KeptLedger:
    """What the table's application transactions said last, in a file of this process's own.

    It may lag behind the table and never be ahead of it: an edge that is told less than is there
    offers again what the table then leaves out.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._written: Ledger | None = None

    def write(self, ledger: Ledger) -> None:
        """Raises OSError."""
        if ledger == self._written:
            return
        rows = [[*lane, *mark] for lane, mark in sorted(ledger.items())]
        write_atomically(self._file, json.dumps(rows).encode())
        self._written = dict(ledger)

    def read(self) -> Ledger:
        """What was written last; nothing if that is no use."""
        try:
            rows = json.loads(self._file.read_text())
            return {(str(e), str(p), int(s)): (int(n), int(c)) for e, p, s, n, c in rows}
        except (OSError, ValueError, TypeError):
            return {}
