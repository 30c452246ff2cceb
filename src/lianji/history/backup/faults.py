"""What is wrong with a backup, or differs after it was restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lianji.base.errors import Text
from lianji.history.backup.copying import Digest
from lianji.history.backup.manifest import CopiedFile, DayRows

ByDay = Mapping[str, Mapping[str, DayRows]]
"""Rows and their hash by site and day."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One file or day, and what is the matter with it."""

    path: str
    what: Text


MISSING = Text("it is missing", "文件缺失")
OTHER_ROWS = Text("its rows are not what they should be", "数据行与应有内容不一致")


def wrong_bytes(file: CopiedFile, found: Digest) -> Text | None:
    """How a file differs from its entry in the manifest; None if it does not."""
    if found.bytes != file.bytes:
        en = f"it has {found.bytes:,} bytes instead of {file.bytes:,}"
        return Text(en, f"文件为 {found.bytes:,} 字节，应为 {file.bytes:,} 字节")
    if found.xxh3_128 != file.xxh3_128:
        return Text("its content has changed (XXH3)", "内容已改变（XXH3 校验不符）")
    return None


def differing_days(folder: str, wanted: ByDay, found: ByDay) -> Iterator[Fault]:
    """The days of a table whose rows differ."""
    for site in sorted({*wanted, *found}):
        here, there = found.get(site, {}), wanted.get(site, {})
        for day in sorted({*here, *there}):
            rows, total = here.get(day, (0, ""))
            rows_wanted, total_wanted = there.get(day, (0, ""))
            if (rows, total) != (rows_wanted, total_wanted):
                en = f"{rows:,} rows of {rows_wanted:,}"
                zh = f"{rows:,} 行，应为 {rows_wanted:,} 行"
                if rows == rows_wanted:
                    en, zh = f"{rows:,} rows, of which some differ", f"{rows:,} 行，内容有差异"
                yield Fault(f"{folder} {site} {day}", Text(en, zh))
