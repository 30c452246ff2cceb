"""The audit log: who changed what and when, as a chain that shows where somebody cut it.

Row ``n`` carries the SHA-256 over the hash of row ``n - 1`` and its own canonical JSON (RFC 8785
for what we write: sorted keys, no spaces, integers and text only). The last number and hash stand
in a table of their own, so that rows taken off the end are missed too. Whoever may write the
database and knows this page can make a new chain; a hash noted elsewhere shows that as well.

Old rows move to files (``audit_files``); the anchor is the number and hash of the last of them, and
the chain of the table goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from lianji.base.clock import now_us
from lianji.base.state import State
from lianji.web.access.audit_chain import Entry, Verdict
from lianji.web.access.tables import audit, audit_anchor, audit_head

Detail = Mapping[str, object]
BLOCK = 1_000


def append(connection: sa.Connection, who: str, what: str, detail: Detail) -> Entry:
    """Add a row within a transaction that writes, so that the deed and its record are one."""
    locked = sa.select(audit_head).where(audit_head.c.id == 1).with_for_update()
    head = connection.execute(locked).one()
    text = json.dumps(
        detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str
    )
    draft = Entry(head.sequence + 1, now_us(), who, what, text, "")
    digest = draft.hashed(head.hash)
    row = {"sequence": draft.sequence, "time_us": draft.time_us, "who": who, "what": what}
    connection.execute(audit.insert().values(**row, detail=text, hash=digest))
    connection.execute(audit_head.update().values(sequence=draft.sequence, hash=digest))
    return Entry(draft.sequence, draft.time_us, who, what, text, digest)


_ANCHOR = sa.select(audit_anchor.c.sequence, audit_anchor.c.hash)


class Audit:
    """All calls block shortly."""

    def __init__(self, state: State) -> None:
        self._state = state

    def record(self, who: str, what: str, detail: Detail) -> None:
        """Add a row. It is on disk when this returns. Raises StorageError."""
        with self._state.writing() as connection:
            append(connection, who, what, detail)

    def newest(self, limit: int = 200, before: int | None = None) -> Sequence[Entry]:
        """The newest rows first, those older than row ``before`` where one is named."""
        asked = sa.select(audit).order_by(audit.c.sequence.desc()).limit(limit)
        if before is not None:
            asked = asked.where(audit.c.sequence < before)
        with self._state.reading() as connection:
            return [Entry(*row) for row in connection.execute(asked)]

    def verify(self) -> Verdict:
        """Walk the chain from the anchor to the noted end, a block at a time."""
        with self._state.reading() as connection:
            begin, before = connection.execute(_ANCHOR).one()
            last = begin
            for entry in _all(connection):
                number = last + 1
                if entry.sequence != number:
                    return Verdict(last - begin, before, number, "gap", begin)
                if entry.hash != entry.hashed(before):
                    return Verdict(last - begin, before, number, "changed", begin)
                last, before = number, entry.hash
            head = connection.execute(sa.select(audit_head)).one()
        if (head.sequence, head.hash) != (last, before):
            return Verdict(last - begin, before, last + 1, "cut", begin)
        return Verdict(last - begin, before, archived=begin)

    def archived(self) -> int:
        """So many of the oldest were moved to files."""
        with self._state.reading() as connection:
            return int(connection.execute(_ANCHOR).one()[0])

    def verify_files(self, folder: Path) -> Verdict:
        """Walk the chain of the files to the anchor."""
        from lianji.web.access.audit_files import verify_files

        return verify_files(self._state, folder)


def _all(connection: sa.Connection) -> Iterator[Entry]:
    last = -1
    while True:
        asked = sa.select(audit).where(audit.c.sequence > last).order_by(audit.c.sequence)
        rows = connection.execute(asked.limit(BLOCK)).all()
        if not rows:
            return
        yield from (Entry(*row) for row in rows)
        last = rows[-1].sequence
