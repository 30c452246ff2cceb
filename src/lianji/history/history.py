"""The questions: what was, what is, at that moment, at a glance, in sum.

The same questions are answered inside the running plant and by any other process that opens its
folder; only where the moment's view comes from differs.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from lianji.base.errors import InputError, NotFound, StorageError, Text
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.history.answers import aggregated, at_instant, thin_to_pixels
from lianji.history.rows import Rows
from lianji.history.settings import HistorySettings
from lianji.history.sql import run_sql
from lianji.history.view import View

PIXELS_MAX = 100_000
COMPARED_MAX = 2_000
"""So many names are compared with one that is not known, to propose the nearest."""


class Names(Protocol):
    """What the historian asks of the plant's tag table."""

    @property
    def paths(self) -> Sequence[str]: ...

    def find(self, path: str) -> int | None: ...


class History:
    """The history of one plant. Times are microseconds since 1970 UTC."""

    def __init__(
        self,
        site: str,
        names: Names,
        moment: Callable[[], View],
        is_linear: Callable[[str], bool],
        settings: HistorySettings | None = None,
    ) -> None:
        self.site = site
        self._names = names
        self._moment = moment
        self._is_linear = is_linear
        self._settings = settings or HistorySettings()
        self.unreadable: dict[str, StorageError] = {}
        """Files of the table that could not be read, by path; answers lack their rows."""

    def tags(self) -> list[str]:
        """The paths of all tags that ever had a sample, sorted."""
        return sorted(self._names.paths)

    def read(self, tags: Sequence[str], start_us: int, end_us: int) -> pa.Table:
        """All samples with start <= time < end: tag, time, value, text, quality; by tag and time.

        A tag may be a pattern such as ``plant/*/power``. Raises NotFound for a tag that never had
        a sample and InputError for an empty range.
        """
        view, paths = self._moment(), self._expanded(tags)
        _check_range(start_us, end_us)
        return view.rows(paths, start_us, end_us).as_table(paths)

    def last(self, tags: Sequence[str] | None = None) -> pa.Table:
        """The newest sample of each tag (of every tag if None), in the order asked."""
        view, paths = self._moment(), self._expanded(tags)
        return self._last(view, paths).as_table(paths)

    def _last(self, view: View, paths: Sequence[str]) -> Rows:
        return view.before(paths, TIME_US_MAX)

    def at(self, tags: Sequence[str], time_us: int) -> pa.Table:
        """The value of each tag at one instant, interpolated for tags of kind linear."""
        view, paths = self._moment(), self._expanded(tags)
        linear = np.array([self._is_linear(path) for path in paths], dtype=bool)
        before = view.before(paths, time_us)
        slopes = [path for path, yes in zip(paths, linear, strict=True) if yes]
        after = view.after(slopes, time_us)
        after.tag = np.flatnonzero(linear).astype(np.int32)[after.tag]
        return at_instant(before, after, time_us, linear).as_table(paths)

    def plot(self, tags: Sequence[str], start_us: int, end_us: int, pixels: int) -> pa.Table:
        """At most four samples (and one gap) a tag and pixel: first, lowest, highest, last."""
        view, paths = self._moment(), self._expanded(tags)
        _check_range(start_us, end_us)
        if not 1 <= pixels <= PIXELS_MAX:
            raise _wrong(f"pixels must be 1 to {PIXELS_MAX}", f"pixels 应在 1 到 {PIXELS_MAX} 之间")
        rows = view.rows(paths, start_us, end_us)
        return thin_to_pixels(rows, start_us, end_us, pixels).as_table(paths)

    def aggregate(
        self,
        tags: Sequence[str],
        start_us: int,
        end_us: int,
        step_us: int,
        functions: Sequence[str] = ("mean",),
    ) -> pa.Table:
        """One row a tag and interval with samples: tag, time (start of interval), the functions."""
        view, paths = self._moment(), self._expanded(tags)
        _check_range(start_us, end_us)
        if step_us <= 0:
            raise _wrong("the step must be longer than nothing", "步长必须大于零")
        rows = view.rows(paths, start_us, end_us)
        return aggregated(rows, paths, start_us, step_us, functions)

    def sql(self, query: str, limit: int | None = None) -> pa.Table:
        """The answer of a read-only query over ``samples``, at most ``limit`` rows of it.

        Raises InputError.
        """
        return run_sql(query, self._moment(), self.site, self._names.paths, self._settings, limit)

    def _expanded(self, tags: Sequence[str] | None) -> list[str]:
        if tags is None:
            return self.tags()
        if isinstance(tags, str):
            tags = [tags]
        paths: dict[str, None] = {}
        for tag in tags:
            if "*" in tag or "?" in tag:
                found = sorted(fnmatch.filter(self._names.paths, tag))
            else:
                found = [tag] if self._names.find(tag) is not None else []
            if not found:
                raise self._unknown(tag)
            paths.update(dict.fromkeys(found))
        return list(paths)

    def _unknown(self, tag: str) -> NotFound:
        near = difflib.get_close_matches(tag, list(self._names.paths)[:COMPARED_MAX], 3)
        hint = Text(f"Did you mean {', '.join(near)}?", f"是否指 {'、'.join(near)}？")
        other = Text("See `lianji last` for all tags.", "用 `lianji last` 查看全部标签。")
        return NotFound(
            "tag-unknown",
            Text(f"No sample was ever taken of {tag!r}.", f"标签 {tag!r} 没有任何样本。"),
            hint if near else other,
        )


def _check_range(start_us: int, end_us: int) -> None:
    if not TIME_US_MIN <= start_us < end_us <= TIME_US_MAX:
        raise _wrong("the range must begin before it ends", "时间范围的起点必须早于终点")


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "question-invalid",
        Text(f"This cannot be asked: {en}.", f"无法查询：{zh}。"),
        Text("Change the question.", "请修改查询条件。"),
    )
