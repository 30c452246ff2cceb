"""The manifest of a version: what was asked, of what, and what the rows add up to.

It is written last and carries its own checksum. ``hash`` is one number for all rows and what they
mean: two versions with the same one hold the same numbers under the same names and units.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import xxhash
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text
from lianji.learn.datasets.spec import DataSetSpec

FILE = "manifest.json"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FrozenColumn(_Model):
    """A column of a grid or, of samples as they are, a tag. ``kind`` is ``linear`` or ``step``."""

    name: str
    tag: str
    aggregate: str
    """Empty for samples as they are."""
    unit: str
    """UCUM, of the number in the column."""
    tag_unit: str
    kind: str
    low: float | None = None
    high: float | None = None


class PartFile(_Model):
    """One Parquet file. ``hash`` is the sum of the hashes of its rows in hexadecimal."""

    file: str
    part: str
    start_us: int
    end_us: int
    rows: int
    bytes: int
    hash: str


class Source(_Model):
    """Of what history: ``table_version`` is that of the Delta table ``samples`` (-1: none yet)."""

    site: str
    table_version: int
    behind_table: int
    """Samples that were acknowledged and not yet in the table; they are in the data set."""
    samples: int
    """How many samples of its tags lie in the range."""


class Change(_Model):
    """One thing in which a version differs from the one before it."""

    what: Literal["spec", "columns", "rows"]
    column: str = ""
    start_us: int | None = None
    end_us: int | None = None
    rows: int = 0
    late: int = 0
    """Samples more than before (fewer, if negative)."""
    corrected: int = 0
    """Samples that were replaced since, as far as the history has told it yet."""
    en: str
    zh: str


class Manifest(_Model):
    """One version of a data set."""

    format: Literal[1] = 1
    name: str
    version: int
    created_us: int
    lianji: str
    spec: DataSetSpec
    source: Source
    columns: list[FrozenColumn]
    rows: int
    files: list[PartFile]
    beside: dict[str, str]
    """Checksums of the files that are no data."""
    hash: str
    previous: int | None = None
    changes: list[Change] = Field(default_factory=list)
    """Against ``previous``."""

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.files)

    def same_as(self, other: Manifest) -> bool:
        return self.hash == other.hash and self.spec == other.spec and self.columns == other.columns


def hash_of(columns: Sequence[FrozenColumn], files: Sequence[PartFile]) -> str:
    """One hash of all: rows by part, and what the columns are called and mean."""
    parts = [[one.part, one.rows, one.hash] for one in files]
    meant = [[one.name, one.tag, one.aggregate, one.unit] for one in columns]
    return _sealed({"columns": meant, "parts": parts})


def file_hash(path: Path) -> str:
    hasher = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Durably. Raises OSError."""
    body = manifest.model_dump(mode="json")
    whole = {"xxh3_128": _sealed(body), "manifest": body}
    write_atomically(folder / FILE, json.dumps(whole, ensure_ascii=False, indent=1).encode())


def read_manifest(folder: Path) -> Manifest:
    """Raises FileNotFoundError where there is none, StorageError for one that is damaged."""
    path = folder / FILE
    try:
        whole = json.loads(path.read_bytes())
        if _sealed(whole["manifest"]) != whole["xxh3_128"]:
            raise ValueError("its checksum is another")
        return Manifest.model_validate(whole["manifest"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise StorageError(
            "dataset-manifest",
            Text(f"{path} is damaged: {error}.", f"{path} 已损坏：{error}。"),
            Text(
                "Make the data set again with `lianji dataset make`, or restore the folder.",
                "请用 `lianji dataset make` 重新生成，或恢复该文件夹。",
            ),
        ) from error


def _sealed(body: Any) -> str:
    plain = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return xxhash.xxh3_128_hexdigest(plain.encode())
