"""Removing a site for good: out of every table and tier, from the disk, and out of the logs.

Not as retention does it, which leaves a removed file for a time to whoever reads an older version:
here the files go at once, those of older versions too, and the logs begin anew. Then all files that
are left are asked, by DuckDB, for rows of the site; what is said to be gone is known to be gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from lianji.base.durable import sync_folder
from lianji.base.errors import Busy, StorageError, Text
from lianji.history.backup.row_hash import Days, add_days, days_in
from lianji.history.delta.actions import DataFile
from lianji.history.delta.log import Change, DeltaLog
from lianji.history.parquet.reading import Stored, tags_of
from lianji.history.places.folder import FolderPlace
from lianji.history.tables import write_small
from lianji.history.upkeep.retention import removed

FILES_ASKED_MAX = 500


@dataclass(frozen=True, slots=True)
class Tables:
    """The logs of a history that nobody else commits to just now."""

    samples: Sequence[DeltaLog]
    """Of all tiers."""
    modified: DeltaLog
    rollups: Sequence[DeltaLog]
    home: str
    """The history's own site, in whose partition anything may lie from before it was a hub."""

    def __iter__(self) -> Iterator[DeltaLog]:
        yield from (*self.samples, self.modified, *self.rollups)


@dataclass(slots=True)
class RemovedSite:
    """What there was, and what was done."""

    days: Days = field(default_factory=dict)
    """Of the samples: of each day how many, and the sum of their hashes (``row_hash``)."""
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of each table, by where it lies: ``rows`` and ``files`` that were in it, ``from_disk``: the
    files that went, older versions' too."""
    asked_files: int = 0
    rows_found: int = 0
    """By DuckDB, in the files that are left. 0, or ``remove_site`` raises."""


def remove_site(tables: Tables, site: str) -> RemovedSite:
    """Remove all rows whose path is of a site. Raises StorageError, OSError; then what is left is
    found by the next call."""
    done = RemovedSite()
    for log in tables.samples:
        for file, part in _with_rows(log, site, tables.home):
            add_days(done.days, _days(log, file, part))
    changed = [_out_of(log, site, tables, done) for log in (*tables.samples, tables.modified)]
    for log in tables.rollups:
        others = tables.home if any(changed) else ""  # worked out again by upkeep
        stale = [file for file in log.files if file.site in (site, others)]
        _note(done, log, stale, [file for file in stale if file.site == site])
        if stale:
            log.commit(Change("DELETE", (), stale))
    for log in tables:
        done.tables[log.place.url]["from_disk"] = _sweep(log, site, tables.home)
        log.forget_past()
    done.asked_files, done.rows_found = rows_left(tables, site)
    if done.rows_found:
        raise still_there(site, done.rows_found)
    return done


def rows_left(tables: Tables, site: str) -> tuple[int, int]:
    """How many files lie where the tables lie, and how many rows of a site DuckDB finds in them.
    In a bucket the names of the site's files are looked for."""
    asked = found = 0
    for log in tables:
        if not isinstance(log.place, FolderPlace):
            found += sum(1 for _ in log.place.names(_prefix(site)))
            continue
        files, rows = rows_in(log.place.folder, site)
        asked, found = asked + files, found + rows
    return asked, found


def rows_in(folder: Path, site: str) -> tuple[int, int]:
    """How many Parquet files of a table lie in a folder, and how many rows of a site DuckDB finds
    in them, whatever any log says."""
    files = [str(path) for path in sorted(folder.glob("site=*/**/*.parquet"))]
    parts = range(0, len(files), FILES_ASKED_MAX)
    return len(files), sum(_rows_in(files[n : n + FILES_ASKED_MAX], site) for n in parts)


def _rows_in(files: Sequence[str], site: str) -> int:
    import duckdb  # as in ``sql``: who deletes no site need not carry it

    with duckdb.connect() as connection:
        # behind "/" comes "0": a range, so that files are passed over by their bounds
        row = connection.execute(
            "SELECT count(*) FROM read_parquet($files, union_by_name => true, "
            "hive_partitioning => false) WHERE tag >= $first AND tag < $end",
            {"files": list(files), "first": f"{site}/", "end": f"{site}0"},
        ).fetchone()
    return int(row[0]) if row else 0


def _with_rows(log: DeltaLog, site: str, home: str) -> list[tuple[DataFile, list[str] | None]]:
    """The files with rows of a site, and which tags those are; None where the whole file is."""
    whole: list[tuple[DataFile, list[str] | None]] = [(f, None) for f in log.files.of_site(site)]
    if home == site:
        return whole
    for file in log.files.of_site(home):
        tags = [tag for tag in tags_of(Stored(log.place, file)) if is_of(site, tag)]
        if tags:
            whole.append((file, tags))
    return whole


def is_of(site: str, path: str) -> bool:
    return path.partition("/")[0] == site


def _days(log: DeltaLog, file: DataFile, part: list[str] | None) -> Days:
    with log.place.open(file.path) as source:
        if part is None:
            return days_in(source, file.period)
        table = _only(pq.read_table(source), part)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return days_in(pa.BufferReader(sink.getvalue()), file.period)


def _only(table: pa.Table, tags: Sequence[str], invert: bool = False) -> pa.Table:
    import pyarrow.compute as pc  # 9 MB, likewise

    mask = pc.is_in(table.column("tag").cast(pa.string()), pa.array(tags, pa.string()))
    return table.filter(pc.invert(mask) if invert else mask)


def _out_of(log: DeltaLog, site: str, tables: Tables, done: RemovedSite) -> bool:
    """Take a site out of the samples of a tier, or the modified ones; True if files of the
    history's own site were changed by it."""
    found = _with_rows(log, site, tables.home)
    whole = [file for file, part in found if part is None]
    _note(done, log, whole, whole)
    if whole:
        log.commit(Change("DELETE", (), whole))
    shared = [(file, part) for file, part in found if part is not None]
    for file, part in shared:
        small = log is tables.modified
        log.commit(_without(log, file, part) if small else removed(log, file, part))
        done.tables[log.place.url]["files"] += 1
    return bool(shared)


def _without(log: DeltaLog, file: DataFile, tags: Sequence[str]) -> Change:
    """Of the modified samples: the change that takes tags out of a file."""
    with log.place.open(file.path) as source:
        stays = _only(pq.read_table(source), tags, invert=True)
    new = []
    if stays.num_rows:
        new = [write_small(log.place, log.spec, file.site, file.period, stays)]
    return Change("DELETE", new, [file])


def _note(
    done: RemovedSite, log: DeltaLog, files: Sequence[DataFile], rows_of: Sequence[DataFile]
) -> None:
    rows = sum(file.rows for file in rows_of)
    done.tables[log.place.url] = {"rows": rows, "files": len(files), "from_disk": 0}


def _prefix(site: str) -> str:
    return f"site={quote(site, safe='')}/"


def _sweep(log: DeltaLog, site: str, home: str) -> int:
    """Remove from the disk all files of a site, and those of the history's own that no longer
    count; how many went."""
    needed = {file.path for file in log.files}
    names = [
        name
        for prefix in {_prefix(site), _prefix(home)}
        for name, _, _ in log.place.names(prefix)
        if name not in needed
    ]
    log.place.remove(names)
    if isinstance(log.place, FolderPlace) and site != home:
        shutil.rmtree(log.place.folder / _prefix(site), ignore_errors=True)
        sync_folder(log.place.folder)
    return len(names)


def history_incomplete() -> Busy:
    return Busy(
        "history-incomplete",
        Text(
            "Samples wait for a file or a tier that cannot be read, so not all can be removed.",
            "部分样本在等待无法读取的文件或存储层，无法保证全部删除。",
        ),
        Text("See `lianji status`; mend that first.", "请查看 `lianji status` 并先行修复。"),
    )


def still_there(site: str, rows: int) -> StorageError:
    return StorageError(
        "site-still-there",
        Text(
            f"{rows} rows or files of {site} are still there after the deletion.",
            f"删除后仍存在 {site} 的 {rows} 行数据或文件。",
        ),
        Text("Delete it again, and report this.", "请再次删除，并反馈此问题。"),
    )
