"""The manifest of a backup: which files it is made of, and what their rows add up to.

It is written last, whole and durable, so a backup is there entirely or not at all. It carries its
own checksum, so that a flipped bit in it accuses the manifest and no healthy file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import xxhash
from pydantic import BaseModel, ConfigDict, ValidationError

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text
from lianji.history.backup.row_hash import Days, add_days

FILE = "manifest.json"
DayRows = tuple[int, str]
"""How many rows, and the sum of their hashes as 16 hexadecimal digits."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CopiedFile(_Model):
    """A file as it was copied. ``path`` is relative to the plant's folder."""

    path: str
    bytes: int
    xxh3_128: str


class TableFile(CopiedFile):
    """A data file of a table. Such a file never changes, so its rows are hashed once."""

    site: str
    period: str
    days: dict[str, DayRows] | None
    """None: the plant's own file was damaged already, and is kept as it was."""


class CopiedTable(_Model):
    """One version of a Delta table: its files, and its rows by site and day."""

    folder: str
    version: int
    rows: int
    days: dict[str, dict[str, DayRows]]
    files: list[TableFile]


class SpoolPart(_Model):
    """What was copied of the spool: the records behind ``behind``, up to ``last``."""

    epoch: str
    behind: int
    last: int


class Manifest(_Model):
    """One generation of a backup."""

    format: Literal[1] = 1
    generation: int
    taken_us: int
    plant: str
    site: str
    spool: SpoolPart | None
    files: list[CopiedFile]
    """Settings, logs of tables, the spool: what changes and lies in the generation's own folder."""
    tables: list[CopiedTable]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def data_files(self) -> Iterable[TableFile]:
        return (file for table in self.tables for file in table.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in (*self.files, *self.data_files))


def told(days: Days) -> dict[str, DayRows]:
    """Days as the manifest holds them."""
    return {day: (rows, f"{total:016x}") for day, (rows, total) in sorted(days.items())}


def by_site(files: Iterable[TableFile]) -> dict[str, dict[str, DayRows]]:
    """What files add up to, by site and day. Files that could not be read count for nothing."""
    found: dict[str, Days] = {}
    for file in files:
        days = {day: (rows, int(total, 16)) for day, (rows, total) in (file.days or {}).items()}
        add_days(found.setdefault(file.site, {}), days)
    return {site: told(days) for site, days in sorted(found.items())}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Durably. Raises OSError."""
    body = manifest.model_dump(mode="json")
    whole = {"xxh3_128": _seal(body), "manifest": body}
    write_atomically(folder / FILE, json.dumps(whole, ensure_ascii=False, indent=1).encode())


def read_manifest(folder: Path) -> Manifest:
    """Raises FileNotFoundError where there is none, StorageError for one that is damaged."""
    path = folder / FILE
    try:
        whole = json.loads(path.read_bytes())
        body = whole["manifest"]
        if _seal(body) != whole["xxh3_128"]:
            raise ValueError("its checksum is another")
        return Manifest.model_validate(body)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise StorageError(
            "backup-manifest",
            Text(f"{path} is damaged: {error}.", f"{path} 已损坏：{error}。"),
            Text(
                "Restore another generation: `lianji backup DEST --list` shows them.",
                "请恢复其他代次：`lianji backup DEST --list` 可列出。",
            ),
        ) from error


def _seal(body: Any) -> str:
    plain = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return xxhash.xxh3_128_hexdigest(plain.encode())
