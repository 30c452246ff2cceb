"""The old part of the audit log: moved to files, entry by entry, and never dropped.

``data/audit/<first number>.jsonl`` holds entries as JSON, one a line, as they were in the table,
and each with its hash. The number and hash of the last one are the anchor that the chain in the
table goes on from, so what is left there is still proven, and the files with it for as long as they
lie there. A file is on disk before its entries leave the table: a crash between leaves them in
both, and the next time writes the same file again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from lianji.base.clock import now_us
from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import StorageError, Text
from lianji.base.state import State
from lianji.web.access.audit_chain import Entry, Verdict
from lianji.web.access.tables import audit, audit_anchor, audit_head

FILE_ENTRIES_MAX = 10_000
FEW = 1_000
"""So many old entries wait for each other, so that a quiet plant does not write a file a day."""
DAY_US = 86_400_000_000
FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the table keeps. What is older than ``days`` may go; beyond ``rows_max`` the oldest
    go, however young."""

    days: float = 400
    rows_max: int = 1_000_000


def move_old(state: State, folder: Path, bounds: Bounds) -> int:
    """Move the old entries to files; how many.

    Raises StorageError, also where their chain is broken: what somebody has been at stays where
    it is, for whoever looks into it.
    """
    moved = 0
    last = _last_to_go(state, bounds)
    while True:
        with state.writing() as connection:
            connection.execute(sa.select(audit_head).with_for_update()).one()
            anchor = connection.execute(sa.select(audit_anchor)).one()
            until = min(last, anchor.sequence + FILE_ENTRIES_MAX)
            if until <= anchor.sequence:
                return moved
            asked = sa.select(audit).where(audit.c.sequence <= until).order_by(audit.c.sequence)
            entries = [Entry(*row) for row in connection.execute(asked)]
            _check(entries, anchor.sequence, anchor.hash, until)
            _write(folder, entries)
            connection.execute(audit.delete().where(audit.c.sequence <= until))
            connection.execute(audit_anchor.update().values(sequence=until, hash=entries[-1].hash))
        moved += len(entries)


def _last_to_go(state: State, bounds: Bounds) -> int:
    """The number of the last entry that has to go, or 0."""
    limit_us = now_us() - int(bounds.days * DAY_US)
    first_young = sa.select(audit.c.sequence).where(audit.c.time_us >= limit_us)
    with state.reading() as connection:
        head = connection.execute(sa.select(audit_head.c.sequence)).scalar_one()
        begin = connection.execute(sa.select(audit_anchor.c.sequence)).scalar_one()
        young = connection.execute(first_young.order_by(audit.c.sequence).limit(1)).scalar()
    old = (head if young is None else young - 1) - begin
    over = head - begin - bounds.rows_max
    if over > 0:
        old = max(old, over + bounds.rows_max // 10)
    elif old < FEW:
        return 0
    return int(begin + old)


def _check(entries: Sequence[Entry], begin: int, before: str, until: int) -> None:
    """Raises StorageError at the first entry that does not fit."""
    for number, entry in enumerate(entries, begin + 1):
        if entry.sequence != number or entry.hash != entry.hashed(before):
            raise _broken(number)
        before = entry.hash
    if begin + len(entries) != until:
        raise _broken(begin + len(entries) + 1)


def _write(folder: Path, entries: Sequence[Entry]) -> None:
    """Raises StorageError."""
    lines = (json.dumps(asdict(entry), ensure_ascii=False) for entry in entries)
    path = folder / f"{entries[0].sequence:012}.jsonl"
    try:
        make_folder(folder.resolve())
        write_atomically(path, "".join(f"{line}\n" for line in lines).encode(), FILE_MODE)
    except OSError as error:
        raise StorageError(
            "audit-unwritable",
            Text(
                f"Old entries of the audit log cannot be moved to {folder}: {error.strerror}.",
                f"无法将旧的审计记录转存到 {folder}：{error.strerror}。",
            ),
            Text(
                "Free space on the disk; they stay in the database until then.",
                "请释放磁盘空间；在此之前，这些记录保留在数据库中。",
            ),
        ) from error


def verify_files(state: State, folder: Path) -> Verdict:
    """Walk the files' chain to the anchor. Rows are those that were read and fit; a file that
    was taken elsewhere is a gap at its first entry."""
    with state.reading() as connection:
        anchor = connection.execute(sa.select(audit_anchor)).one()
    rows, before = 0, ""
    for entry in _read(folder):
        if entry is None or entry.sequence > anchor.sequence:
            break
        if entry.sequence != rows + 1:
            return Verdict(rows, before, rows + 1, "gap")
        if entry.hash != entry.hashed(before):
            return Verdict(rows, before, rows + 1, "changed")
        rows, before = rows + 1, entry.hash
    if rows < anchor.sequence:
        return Verdict(rows, before, rows + 1, "gap")
    if before != anchor.hash:
        return Verdict(rows - 1, before, rows, "changed")
    return Verdict(rows, before)


def _read(folder: Path) -> Iterator[Entry | None]:
    """The entries of all files in order; None where a line is none."""
    for path in sorted(folder.glob("*.jsonl")):
        with suppress(FileNotFoundError), path.open("rb") as lines:
            for line in lines:
                try:
                    yield Entry(**json.loads(line))
                except (ValueError, TypeError):
                    yield None
                    return


def _broken(row: int) -> StorageError:
    return StorageError(
        "audit-broken",
        Text(
            f"Entry {row} of the audit log does not fit, so no old entries are moved to files.",
            f"审计日志第 {row} 条记录不相符，因此不会将旧记录转存到文件。",
        ),
        Text("Look at `lianji audit`, then at a backup.", "请运行 `lianji audit`，并与备份比对。"),
    )
