"""What is different between two versions of a data set, and why.

Digests by column and day say where to look; there the rows of both are compared. What the history
knows of corrections, and how many samples there were, says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from numpy.typing import NDArray

from lianji.base.clock import from_us
from lianji.dictionary.batch import TIME_TYPE
from lianji.history.backup.row_hash import row_hashes
from lianji.history.digest import DAY_US
from lianji.history.history import History
from lianji.learn.datasets.columns import QUALITY
from lianji.learn.datasets.freezing import one_column
from lianji.learn.datasets.manifest import Change, FrozenColumn, Manifest
from lianji.learn.datasets.writing import CELLS, SAMPLES, Days, read_digest

Version = tuple[Manifest, Path]
"""A version and its folder."""


def changes_between(old: Version, new: Version, history: History) -> list[Change]:
    """Everything that differs, what was asked first. Raises ArrowException, OSError."""
    found = [*_of_spec(old[0], new[0]), *_of_columns(old[0], new[0])]
    if _comparable(old[0], new[0]):
        found += _Rows(old, new, history).changes()
    return found


def _of_spec(old: Manifest, new: Manifest) -> list[Change]:
    before, after = (one.spec.model_dump(mode="json") for one in (old, new))
    changed = [name for name in after if before[name] != after[name]]
    return [
        Change(
            what="spec",
            column=name,
            en=f"The specification's {name} is now {_short(after[name])} "
            f"(it was {_short(before[name])}).",
            zh=f"规格中的 {name} 由 {_short(before[name])} 变为 {_short(after[name])}。",
        )
        for name in changed
    ]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _of_columns(old: Manifest, new: Manifest) -> list[Change]:
    before, after = ({c.name: c for c in one.columns} for one in (old, new))
    found = [_column(name, "is new", "是新增的列") for name in after.keys() - before.keys()]
    found += [
        _column(name, "is no longer there", "已不存在") for name in before.keys() - after.keys()
    ]
    for name in before.keys() & after.keys():
        for fact in ("tag", "aggregate", "unit", "kind", "low", "high"):
            was, is_now = getattr(before[name], fact), getattr(after[name], fact)
            if was != is_now:
                found.append(
                    _column(name, f"has the {fact} {is_now!r}, it was {was!r}",
                            f"的 {fact} 由 {was!r} 变为 {is_now!r}")
                )  # fmt: skip
    return sorted(found, key=lambda one: one.en)


def _column(name: str, en: str, zh: str) -> Change:
    return Change(what="columns", column=name, en=f"Column {name} {en}.", zh=f"列 {name} {zh}。")


def _comparable(old: Manifest, new: Manifest) -> bool:
    """Whether a row of the one can stand for a row of the other."""
    a, b = old.spec, new.spec
    if a.kind != b.kind or a.step_us != b.step_us or a.start_us >= b.end_us:
        return False
    return b.start_us < a.end_us and (not a.step_us or (a.start_us - b.start_us) % a.step_us == 0)


@dataclass(slots=True)
class _Found:
    """The rows of a column that differ so far."""

    times: list[NDArray[np.int64]]

    def change(self) -> tuple[int, int, int]:
        times = np.concatenate(self.times)
        return len(times), int(times.min()), int(times.max())


class _Rows:
    """Two versions whose rows can be compared."""

    def __init__(self, old: Version, new: Version, history: History) -> None:
        self._old, self._new, self._history = old, new, history
        self._tags = frozenset(history.tags())
        a, b = old[0].spec, new[0].spec
        self._start_us = max(a.start_us, b.start_us)
        self._end_us = min(a.end_us, b.end_us)
        self._aligned = (a.start_us - b.start_us) % DAY_US == 0
        before = {(one.name, one.tag, one.aggregate) for one in old[0].columns}
        self._common = [
            one for one in new[0].columns if (one.name, one.tag, one.aggregate) in before
        ]

    def changes(self) -> list[Change]:
        suspects = self._suspects()
        found: dict[str, _Found] = {}
        for day_us in sorted({day for days in suspects.values() for day in days}):
            some = [one for one in self._common if day_us in suspects.get(one.name, ())]
            for one, times in self._differing(some, day_us):
                found.setdefault(one.name, _Found([])).times.append(times)
        samples = (read_digest(self._old[1], SAMPLES), read_digest(self._new[1], SAMPLES))
        return [
            self._change(one, found[one.name], samples) for one in self._common if one.name in found
        ]

    def _suspects(self) -> dict[str, set[int]]:
        """Of each column the days (by their begin) that may differ."""
        before, after = (read_digest(v[1], CELLS) for v in (self._old, self._new))
        if not self._aligned:
            days = set(range(self._start_us, self._end_us, DAY_US))
            return {one.name: days for one in self._common}
        return {one.name: _differing_days(before, after, one.name) for one in self._common}

    def _differing(
        self, columns: Sequence[FrozenColumn], day_us: int
    ) -> list[tuple[FrozenColumn, NDArray[np.int64]]]:
        start_us, end_us = max(day_us, self._start_us), min(day_us + DAY_US, self._end_us)
        if start_us >= end_us:
            return []
        before, after = (
            _hashed(version, columns, start_us, end_us) for version in (self._old, self._new)
        )
        found = []
        for one in columns:
            differing = np.setxor1d(before[one.name], after[one.name])
            if len(differing):
                found.append((one, np.unique(differing["time"])))
        return found

    def _change(self, one: FrozenColumn, found: _Found, samples: tuple[Days, Days]) -> Change:
        rows, first_us, last_us = found.change()
        until_us = last_us + max(1, self._new[0].spec.step_us)
        inputs = self._history.inputs(one.tag)
        late = sum(_gained(*samples, name, first_us - DAY_US, until_us) for name in inputs)
        corrected = self._corrected(inputs, first_us, until_us)
        touched = any(
            _same_count_other_rows(*samples, name, first_us - DAY_US, until_us) for name in inputs
        )
        en, zh = _why(late, corrected, touched)
        between = (
            f"{from_us(first_us):%Y-%m-%dT%H:%M:%SZ}",
            f"{from_us(last_us):%Y-%m-%dT%H:%M:%SZ}",
        )
        return Change(
            what="rows",
            column=one.name,
            start_us=first_us,
            end_us=last_us,
            rows=rows,
            late=late,
            corrected=corrected,
            en=f"{one.name}: {rows:,} other row(s) between {between[0]} and {between[1]}: {en}.",
            zh=f"{one.name}：{between[0]} 至 {between[1]} 有 {rows:,} 行不同：{zh}。",
        )

    def _corrected(self, tags: Sequence[str], start_us: int, end_us: int) -> int:
        """How many samples were replaced since the old version was made."""
        known = [tag for tag in tags if tag in self._tags]
        if not known:
            return 0
        table = self._history.modified(known, start_us, end_us)
        since = table["modified"].cast(pa.int64()).to_numpy() >= self._old[0].created_us
        return int(np.count_nonzero(since))


def _why(late: int, corrected: int, touched: bool) -> tuple[str, str]:
    """In words, in both languages."""
    en, zh = [], []
    if late > 0:
        en.append(f"{late:,} more sample(s) came late")
        zh.append(f"迟到 {late:,} 个样本")
    if late < 0:
        en.append(f"{-late:,} sample(s) are gone (retention or a deleted site)")
        zh.append(f"缺少 {-late:,} 个样本（保留期限或站点删除）")
    if corrected:
        en.append(f"{corrected:,} sample(s) were corrected")
        zh.append(f"更正 {corrected:,} 个样本")
    elif touched:
        en.append("samples were corrected")
        zh.append("样本已被更正")
    if not en:
        en.append("by samples beside the range, or by another meaning of the tag")
        zh.append("由范围之外的相邻样本或标签含义变化引起")
    return ", ".join(en), "，".join(zh)


_HASHED = np.dtype([("time", np.int64), ("hash", np.uint64)])


def _hashed(
    version: Version, columns: Sequence[FrozenColumn], start_us: int, end_us: int
) -> Mapping[str, NDArray[np.void]]:
    """Of each column the times and hashes of its rows in a range."""
    manifest, folder = version
    dataset = ds.dataset([str(folder / one.file) for one in manifest.files], format="parquet")
    edges = [pa.scalar(edge, pa.int64()).cast(TIME_TYPE) for edge in (start_us, end_us)]
    within = (ds.field("time") >= edges[0]) & (ds.field("time") < edges[1])
    if manifest.spec.kind == "raw":
        within &= ds.field("tag").isin([one.tag for one in columns])
        table = dataset.to_table(filter=within, use_threads=False)
        hashed = _pairs(table.drop_columns(["tag"]))
        tags = table["tag"].combine_chunks()
        return {one.name: hashed[np.asarray(pa.compute.equal(tags, one.tag))] for one in columns}
    names = [name for one in columns for name in (one.name, one.name + QUALITY)]
    table = dataset.to_table(columns=["time", *names], filter=within, use_threads=False)
    return {one.name: _pairs(one_column(table, one.name)) for one in columns}


def _pairs(table: pa.Table) -> NDArray[np.void]:
    pairs = np.empty(table.num_rows, _HASHED)
    pairs["time"] = table["time"].cast(pa.int64()).to_numpy()
    pairs["hash"] = row_hashes(table)
    return pairs


def _differing_days(before: Days, after: Days, name: str) -> set[int]:
    a, b = before.get(name, {}), after.get(name, {})
    return {day for day in a.keys() | b.keys() if a.get(day) != b.get(day)}


def _gained(before: Days, after: Days, name: str, start_us: int, end_us: int) -> int:
    """How many samples more there are in the days that touch a range."""
    days = [day for day in _differing_days(before, after, name) if start_us < day < end_us]
    none = 0, 0
    a, b = before.get(name, {}), after.get(name, {})
    return sum(b.get(day, none)[0] - a.get(day, none)[0] for day in days)


def _same_count_other_rows(
    before: Days, after: Days, name: str, start_us: int, end_us: int
) -> bool:
    a, b = before.get(name, {}), after.get(name, {})
    return any(
        start_us < day < end_us and day in a and day in b and a[day][0] == b[day][0]
        for day in _differing_days(before, after, name)
    )
