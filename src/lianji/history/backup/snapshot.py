"""One moment of a plant that goes on: all that changes is copied so that it fits together.

The order does it. Readers' positions come first, then the tables, then the spool, then the tag ids:
so each sample that was acknowledged before lies in the table's version or in the spool behind it,
and each id that the spool names is in the list. Nothing of the plant is held up or written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lianji.history.backup.copying import Target
from lianji.history.backup.logs import copy_log, open_log
from lianji.history.backup.manifest import CopiedFile, SpoolPart
from lianji.history.backup.segments import Moved, copy_segments
from lianji.history.backup.sqlite_copy import content_of
from lianji.history.delta.log import DeltaLog
from lianji.history.historian import READER
from lianji.history.late.waiting import file_of, source_of_waiting
from lianji.history.relayed import source_name
from lianji.history.tables import SAMPLES
from lianji.spool.reader import read_position
from lianji.spool.segment import list_segments, read_epoch
from lianji.spool.spool import READERS


@dataclass(frozen=True, slots=True)
class Parts:
    """Which files of a plant are what. All lie below ``root``, which is absolute."""

    root: Path
    site: str
    spool: Path
    tag_ids: Path
    tables: Callable[[], Sequence[Path]]
    """The folders of Delta tables."""
    others: Callable[[], Iterable[Path]]
    """Files that are small and replaced as a whole: settings, devices, tags, what was learned."""


@dataclass(slots=True)
class Snapshot:
    """What was copied of one moment, and the logs of the copied tables by their folders."""

    files: list[CopiedFile] = field(default_factory=list)
    logs: dict[str, DeltaLog] = field(default_factory=dict)
    spool: SpoolPart | None = None


class Taking:
    """One attempt to take a snapshot into a folder."""

    def __init__(self, parts: Parts, folder: Path, hole_behind: int | None) -> None:
        """``hole_behind``: a sequence behind which the spool is known to have lost records."""
        self._parts = parts
        self._target = Target(folder)
        self._hole_behind = hole_behind
        self._taken = Snapshot()

    def run(self) -> Snapshot:
        """Raises Moved if the plant went on too fast, StorageError, OSError."""
        positions = self._positions()
        for folder in sorted(self._parts.tables(), key=_safe_order):
            self._copy_table(folder)
        self._copy_spool(positions)
        self._copy_tag_ids()
        for path in self._parts.others():
            with suppress(FileNotFoundError):  # removed since it was listed
                self._put(path, content_of(path))
        self._target.settle()
        return self._taken

    def _put(self, path: Path, content: bytes) -> None:
        name = path.relative_to(self._parts.root).as_posix()
        digest = self._target.write(name, content)
        copied = CopiedFile(path=name, bytes=digest.bytes, xxh3_128=digest.xxh3_128)
        self._taken.files.append(copied)

    def _positions(self) -> dict[str, int]:
        """How far each reader of the spool is."""
        folder = self._parts.spool / READERS
        found = {}
        for path in sorted(folder.glob("[!.]*")):
            found[path.name] = read_position(path)
            self._put(path, b"%d" % found[path.name])
        return found

    def _copy_table(self, folder: Path) -> None:
        try:
            for name, content in copy_log(folder):
                self._put(folder / name, content)
        except FileNotFoundError as error:
            raise Moved(f"the log of {folder} was cleaned") from error
        name = folder.relative_to(self._parts.root).as_posix()
        self._taken.logs[name] = open_log(self._target.folder / name)

    def _copy_spool(self, positions: dict[str, int]) -> None:
        spool = self._parts.spool
        segments = list_segments(spool)
        heads = (_epoch(segment.path) for segment in reversed(segments))
        epoch = next((head for head in heads if head), None)
        if epoch is None:
            return
        source = source_name(self._parts.site, epoch.hex())
        self._copy_waiting(source)
        done = max(positions.get(READER, 0), self._committed(source))
        behind = min({**positions, READER: done}.values())
        last = copy_segments(segments, behind, self._hole_behind, self._put)
        self._taken.spool = SpoolPart(epoch=epoch.hex(), behind=behind, last=last)

    def _committed(self, source: str) -> int:
        name = self._samples.relative_to(self._parts.root).as_posix() if self._samples else ""
        log = self._taken.logs.get(name)
        return log.committed(source) if log else 0

    @property
    def _samples(self) -> Path | None:
        return next((p for p in self._parts.tables() if p.name == SAMPLES.name), None)

    def _copy_waiting(self, source: str) -> None:
        """The samples that wait by the word of the copied table."""
        number = self._committed(source_of_waiting(source))
        if not number or self._samples is None:
            return
        file = file_of(self._samples.with_name("waiting"), number)
        try:
            self._put(file, file.read_bytes())
        except FileNotFoundError as error:
            raise Moved(f"{file.name} was replaced") from error

    def _copy_tag_ids(self) -> None:
        with suppress(FileNotFoundError):
            content = self._parts.tag_ids.read_bytes()
            self._put(self._parts.tag_ids, content[: content.rfind(b"\n") + 1])


def _epoch(path: Path) -> bytes | None:
    try:
        return read_epoch(path)
    except FileNotFoundError as error:
        raise Moved(f"{path.name} went") from error


def _safe_order(folder: Path) -> tuple[int, str]:
    """What is worked out of the samples may be behind them, and what corrections replaced may be
    ahead: both are made good when the spool comes again. The other way round, rows would lack."""
    if folder.name.startswith(f"{SAMPLES.name}_"):
        return 0, folder.name
    return (1 if folder.name == SAMPLES.name else 2), folder.name
