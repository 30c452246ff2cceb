"""A plant's spool, names and historian in a fresh folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.history.historian import Historian
from lianji.history.settings import HistorySettings
from lianji.history.stored import StoredHistory
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00Z
SECOND = 1_000_000


class Rooms:
    """The rooms of the data path, that can be closed and opened again."""

    settings = HistorySettings(flush_s=3600)
    site_of: Callable[[str], str] | None = None
    """That of a hub."""

    def __init__(self, folder: Path, is_linear: Callable[[str], bool] = lambda path: True) -> None:
        self.folder = folder
        self._is_linear = is_linear
        self.open()

    def open(self) -> None:
        self.names = TagIds.open(self.folder / "ids.tsv")
        quick = SpoolSettings.model_validate({"commit_ms": 0})
        self.spool = Spool(self.folder / "spool", quick, self.names.path_of)
        self.history = Historian(
            self.folder / "samples",
            "plant",
            self.spool,
            self.names,
            self._is_linear,
            self.settings,
            site_of=self.site_of,
        )

    def stored(self) -> StoredHistory:
        """The same history as another process opens it."""
        names = TagIds.open(self.folder / "ids.tsv", read_only=True)
        return StoredHistory(
            self.folder / "samples",
            self.folder / "spool",
            "plant",
            names,
            self._is_linear,
            self.settings,
            before_each=names.refresh,
            site_of=self.site_of,
        )

    def put(
        self,
        path: str,
        times_s: list[float],
        values: list[float],
        quality: list[int] | int = 0,
        texts: list[str | None] | None = None,
    ) -> int:
        [tag] = self.names.ids_of([path])
        times = [START_US + round(s * SECOND) for s in times_s]
        batch = Batch.of([tag] * len(times), times, values, quality, texts)
        return self.spool.put(batch).result(10)

    def close(self) -> None:
        self.history.close()
        self.spool.close()

    def crash(self) -> None:
        """Let go without a flush, as a killed process does."""
        self.spool.close()

    def read(self, path: str) -> list[tuple[float, float | None]]:
        table = self.history.read([path], START_US - SECOND, START_US + 10**12)
        times = [(t.timestamp() - START_US / SECOND) for t in table["time"].to_pylist()]
        return list(zip(times, table["value"].to_pylist(), strict=True))


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    made = Rooms(tmp_path)
    yield made
    made.close()
