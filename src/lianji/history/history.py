"""The questions: what was, what is, at that moment, at a glance, in sum.

The same questions are answered inside the running plant and by any other process that opens its
folder; only where the moment's view comes from differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from lianji.base.errors import StorageError
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.dictionary.expression import Expression
from lianji.history.aggregates import Grid, Rules
from lianji.history.aggregates.rules import STANDARD
from lianji.history.annotations import Annotation, Annotations, as_table
from lianji.history.delta.log import DeltaLog
from lianji.history.modified import read_modified
from lianji.history.questions.aggregated import aggregated_in_pieces, grid_columns, table_of
from lianji.history.questions.asked import Known, Names, check_range, wrong
from lianji.history.questions.drawn import Method, drawn
from lianji.history.questions.gaps import gaps_in
from lianji.history.questions.instants import held_at
from lianji.history.questions.pieces import Expected
from lianji.history.questions.raw import tables_of
from lianji.history.questions.signals import Signals
from lianji.history.rows import Rows
from lianji.history.settings import HistorySettings
from lianji.history.sites import Sites
from lianji.history.sql import run_sql
from lianji.history.tables import MODIFIED
from lianji.history.view.merged import merged
from lianji.history.view.view import View

__all__ = ["History", "Names"]

PIXELS_MAX = 100_000
INSTANTS_MAX = 10_000
RESULTS_MAX = 50_000_000
"""Tags times intervals: more is refused before anything is read."""


class History:
    """The history of one plant. Times are microseconds since 1970 UTC.

    A tag may be a pattern such as ``plant/*/power``. All raise NotFound for a tag that never had a
    sample and is not calculated, and InputError for an empty range or a question that is too large
    to be answered.
    """

    def __init__(
        self,
        site: str,
        names: Names,
        moment: Callable[[], View],
        is_linear: Callable[[str], bool],
        settings: HistorySettings | None = None,
        calculated: Mapping[str, Expression] | None = None,
        notes: Annotations | None = None,
        site_of: Callable[[str], str] | None = None,
    ) -> None:
        """``calculated``: by path, how calculated tags come out of stored ones alone. ``site_of``:
        see ``Sites``."""
        self.site = site
        self._sites = Sites(site, site_of)
        self._names = names
        self._moment = moment
        self._is_linear = is_linear
        self._settings = settings or HistorySettings()
        self._expressions = {} if calculated is None else calculated
        self._known = Known(names, self._expressions)
        self._notes = notes
        self.unreadable: dict[str, StorageError] = {}
        """Files of the table that could not be read when they were last needed, by path; answers
        lack their rows."""

    def within(self, sees: Callable[[str], bool]) -> History:
        """The same history of which only these paths are there; ``history.limited`` says more."""
        from lianji.history.limited import LimitedHistory  # which is one of these

        return LimitedHistory(self, sees)

    def tags(self) -> list[str]:
        """The paths of all tags that ever had a sample and of all calculated ones, sorted."""
        return list(self._known.all)

    def paths(self, tags: Sequence[str] | None) -> list[str]:
        """What tags and patterns mean, each path once, in the order asked."""
        return list(self._asked(tags)[1])

    def inputs(self, path: str) -> Sequence[str]:
        """The stored tags that a tag is read from: itself, or what it is calculated from."""
        return self._expressions[path].tags if path in self._expressions else (path,)

    # -- samples -----------------------------------------------------------------------------

    def read(
        self,
        tags: Sequence[str],
        start_us: int,
        end_us: int,
        bounds: bool = False,
        limit: int | None = None,
    ) -> pa.Table:
        """All samples with start <= time < end: tag, time, value, text, quality; by tag and time.

        With ``bounds`` also, of each tag, the last sample before the start (unless one stands just
        there) and the first at or behind the end, where there are such (OPC 10000-11, section
        6.5.3.2). An answer of more than ``limit`` rows is refused, never cut.
        """
        parts, rows = [], 0
        for part in self.read_in_parts(tags, start_us, end_us, bounds):
            parts.append(part)
            rows += part.num_rows
            if limit is not None and rows > limit:
                raise wrong(f"the answer has more than {limit:,} rows", f"结果超过 {limit:,} 行")
        return parts[0] if len(parts) == 1 else pa.concat_tables(parts)

    def read_in_parts(
        self, tags: Sequence[str], start_us: int, end_us: int, bounds: bool = False
    ) -> Iterator[pa.Table]:
        """The same answer part by part, at least one, so that nobody need hold all of it."""
        signals, paths = self._asked(tags)
        check_range(start_us, end_us)
        expected = Expected(signals, self._stored(), paths, start_us, end_us)
        return tables_of(signals, paths, expected, bounds)

    def rows_expected(self, tags: Sequence[str], start_us: int, end_us: int) -> int:
        """About how many samples ``read`` would give, without reading any."""
        signals, paths = self._asked(tags)
        check_range(start_us, end_us)
        return Expected(signals, self._stored(), paths, start_us, end_us).total

    def last(self, tags: Sequence[str] | None = None) -> pa.Table:
        """The newest sample of each tag (of every tag if None), in the order asked."""
        signals, paths = self._asked(tags)
        rows = signals.before(paths, TIME_US_MAX, lambda some: self._last(signals.view, some))
        return rows.as_table(paths)

    def _last(self, view: View, paths: Sequence[str]) -> Rows:
        return view.before(paths, TIME_US_MAX)

    def at(self, tags: Sequence[str] | None, time_us: int | Sequence[int]) -> pa.Table:
        """The value of each tag at an instant, or at several, by tag and time; tags of kind linear
        are interpolated. Before its first sample a tag has no row."""
        signals, paths = self._asked(tags)
        if isinstance(time_us, int):
            return held_at(signals, paths, time_us).as_table(paths)
        instants = sorted(set(time_us))
        if not 0 < len(instants) <= INSTANTS_MAX:
            raise wrong(
                f"the instants must be 1 to {INSTANTS_MAX:,}", f"时刻应为 1 到 {INSTANTS_MAX:,} 个"
            )
        return merged([held_at(signals, paths, one) for one in instants]).as_table(paths)

    # -- at a glance ---------------------------------------------------------------------------

    def plot(
        self,
        tags: Sequence[str],
        start_us: int,
        end_us: int,
        pixels: int,
        method: Method = "minmax",
    ) -> pa.Table:
        """Few samples that draw the line of all.

        ``minmax``: at most four samples (and one gap) a tag and pixel: first, lowest, highest,
        last, so that no peak is lost. ``lttb``: about one sample a pixel, for prettier lines of
        fewer points. Gaps stay gaps in both.
        A chart so long that a pixel is several minutes or hours wide is drawn from rollups: every
        point is still a sample at its own time, the first, lowest, highest and last of each bucket.
        """
        signals, paths, expected = self._asked_between(tags, start_us, end_us)
        if not 1 <= pixels <= PIXELS_MAX:
            raise wrong(f"pixels must be 1 to {PIXELS_MAX}", f"pixels 应在 1 到 {PIXELS_MAX} 之间")
        return drawn(signals, paths, expected, pixels, method).as_table(paths)

    def gaps(self, tags: Sequence[str], start_us: int, end_us: int, longer_us: int) -> pa.Table:
        """Stretches longer than this without a good sample: tag, start, end, seconds, why.

        ``why`` is ``bad quality`` if there were samples, none of them good, else ``no samples``.
        The edges of the range count as good samples.
        """
        signals, paths, expected = self._asked_between(tags, start_us, end_us)
        if longer_us < 0:
            raise wrong("a gap cannot be shorter than nothing", "间断时长不能为负")
        return gaps_in(signals, paths, expected, longer_us)

    # -- in sum --------------------------------------------------------------------------------

    def aggregate(
        self,
        tags: Sequence[str],
        start_us: int,
        end_us: int,
        step_us: int,
        functions: Sequence[str] = ("mean",),
        rules: Rules = STANDARD,
        with_status: bool = False,
    ) -> pa.Table:
        """Aggregates as OPC UA Part 13 means them: one row for every tag and interval.

        tag, time (the interval's start), and a column a function, under the name as asked, null
        where there is none. Functions told at a time of their own (``minimum_actual_time``,
        ``start``) have it as ``<function>_time``; ``with_status`` adds ``<function>_status``, the
        full status code. Tags of kind step hold their value, others slope. The last interval ends
        with the range.
        """
        signals, paths, expected = self._asked_between(tags, start_us, end_us)
        grid = _grid(start_us, end_us, step_us, len(paths))
        names = list(dict.fromkeys(functions))
        if not names:
            raise wrong("no function was named", "未指定聚合函数")
        results = aggregated_in_pieces(signals, paths, grid, names, rules, expected, with_status)
        return table_of(results, paths, grid, with_status)

    def interpolated(
        self, tags: Sequence[str], start_us: int, end_us: int, step_us: int
    ) -> pa.Table:
        """The value of each tag at regular instants from the start on: tag, time, value, quality.

        Drawn between the usable samples around, bad ones looked past (OPC 10000-13, 5.4.3.4).
        Every tag has a row for each instant; before its first usable sample the value is null.
        """
        signals, paths, expected = self._asked_between(tags, start_us, end_us)
        grid = _grid(start_us, end_us, step_us, len(paths))
        name = "interpolative"
        found = aggregated_in_pieces(signals, paths, grid, [name], STANDARD, expected)[name]
        value = found.value.ravel()
        columns = grid_columns(paths, grid)
        columns["value"] = pa.array(value, mask=np.isnan(value))
        columns["quality"] = pa.array((found.status.ravel() >> np.uint32(16)).astype(np.uint16))
        return pa.table(columns)

    def sql(self, query: str, limit: int | None = None) -> pa.Table:
        """The answer of a read-only query over ``samples``, at most ``limit`` rows of it.

        Raises InputError.
        """
        return run_sql(query, self._moment(), self._names.paths, self._settings, limit)

    # -- beside the samples --------------------------------------------------------------------

    def modified(self, tags: Sequence[str], start_us: int, end_us: int) -> pa.Table:
        """What corrections replaced with start <= time < end: the samples as they were, when that
        ended (``modified``), who said so (``origin``); by tag, time and modification."""
        _, paths = self._asked(tags)
        check_range(start_us, end_us)
        log = self._modified_log()
        if log is None:
            return _MODIFIED.empty_table()
        return read_modified(log, paths, start_us, end_us, self._sites.to_read(paths))

    def _modified_log(self) -> DeltaLog | None:
        """The log of the table of modified samples, as of now; None if nothing ever was."""
        return None

    def annotate(
        self,
        tag: str,
        start_us: int,
        end_us: int,
        text: str,
        author: str = "",
        identity: str = "",
    ) -> str:
        """Note something about a tag (or a pattern of tags), or change a note; its id."""
        note = Annotation(tag, start_us, end_us, text, author, identity)
        return self._annotations().write(note).id

    def annotations(
        self,
        tags: Sequence[str] | None = None,
        start_us: int = TIME_US_MIN,
        end_us: int = TIME_US_MAX,
    ) -> pa.Table:
        """Notes on any of these tags (on any, if None) that touch start <= time < end: id, tag,
        start, end, text, author, written; by start."""
        paths = None if tags is None else self._asked(tags)[1]
        notes = [
            note
            for note in self._annotations().all()
            if note.start_us < end_us
            and note.end_us >= start_us
            and (paths is None or any(map(note.is_about, paths)))
        ]
        return as_table(notes)

    def delete_annotation(self, identity: str) -> None:
        """Raises NotFound."""
        self._annotations().delete(identity)

    def erase_annotations(self, is_gone: Callable[[str], bool]) -> int:
        """Remove for good the notes whose tag or pattern is told; how many. Raises StorageError."""
        return self._annotations().erase(is_gone)

    def _annotations(self) -> Annotations:
        if self._notes is None:
            raise wrong("this history keeps no annotations", "该历史数据不保存注释")
        return self._notes

    # -- what was asked ------------------------------------------------------------------------

    def _asked(self, tags: Sequence[str] | None) -> tuple[Signals, list[str]]:
        view = self._moment()  # first: it may bring tags that came since
        return Signals(view, self._expressions, self._is_linear), self._expanded(tags)

    def _stored(self) -> Sequence[str]:
        """The paths of all stored tags, sorted."""
        return self._known.stored

    def _expanded(self, tags: Sequence[str] | None) -> list[str]:
        return self._known.expanded(tags)

    def _asked_between(
        self, tags: Sequence[str], start_us: int, end_us: int
    ) -> tuple[Signals, list[str], Expected]:
        """Raises InputError if far too much would have to be read."""
        signals, paths = self._asked(tags)
        check_range(start_us, end_us)
        expected = Expected(signals, self._stored(), paths, start_us, end_us)
        expected.check()
        return signals, paths, expected


def _grid(start_us: int, end_us: int, step_us: int, tags: int) -> Grid:
    grid = Grid(start_us, end_us, step_us)
    if grid.n_intervals * tags > RESULTS_MAX:
        raise wrong(
            f"the answer would have {grid.n_intervals * tags:,} rows",
            f"结果将有 {grid.n_intervals * tags:,} 行",
        )
    return grid


_MODIFIED = pa.schema([f for f in MODIFIED.schema if f.name not in ("site", "month")])
