"""A plant opened to be asked: ``lianji.open(path)``. It may run meanwhile, or not.

Nothing is disturbed, and nothing written but annotations: the answers come from the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from lianji.base.clock import now_us, to_us
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.dictionary.moments import parse_moment, parse_span
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_ids import TagIds
from lianji.history.aggregates import Rules
from lianji.history.aggregates.rules import STANDARD
from lianji.history.questions.drawn import Method
from lianji.history.stored import StoredHistory
from lianji.node.configuration import load_tags
from lianji.node.folder import PlantFolder

Moment = datetime | str | int
"""A datetime with zone, ISO 8601 with zone, ``now`` or ``-1h``, or microseconds since 1970 UTC."""
Span = timedelta | str | int
"""A timedelta, text such as ``10s`` or ``1h``, or microseconds."""
Asked = str | Sequence[str]
"""Paths, or patterns such as ``demo/*/power``."""


class OpenedHistory:
    """The questions as a notebook wants them; each has its twin in ``exact``, which says more.

    Ranges include their start and exclude their end. All answers are pyarrow Tables. All raise
    NotFound for a tag that has no samples and InputError for a question that makes no sense.
    """

    def __init__(self, exact: StoredHistory) -> None:
        self.exact = exact

    def tags(self) -> list[str]:
        return self.exact.tags()

    def read(self, tags: Asked, start: Moment, end: Moment, bounds: bool = False) -> pa.Table:
        """All samples: tag, time, value, text, quality. ``bounds``: also those just outside."""
        return self.exact.read(_list(tags), moment_us(start), moment_us(end), bounds)

    def last(self, tags: Asked | None = None) -> pa.Table:
        """The newest sample of each tag."""
        return self.exact.last(None if tags is None else _list(tags))

    def at(self, tags: Asked, time: Moment | Sequence[Moment]) -> pa.Table:
        """What held at an instant, or at several."""
        if isinstance(time, datetime | str | int):
            return self.exact.at(_list(tags), moment_us(time))
        return self.exact.at(_list(tags), [moment_us(one) for one in time])

    def interpolated(self, tags: Asked, start: Moment, end: Moment, step: Span) -> pa.Table:
        """The value at regular instants: tag, time, value, quality."""
        between = moment_us(start), moment_us(end)
        return self.exact.interpolated(_list(tags), *between, span_us(step))

    def plot(
        self,
        tags: Asked,
        start: Moment,
        end: Moment,
        pixels: int = 1000,
        method: Method = "minmax",
    ) -> pa.Table:
        """Few samples that draw the line of all."""
        return self.exact.plot(_list(tags), moment_us(start), moment_us(end), pixels, method)

    def aggregate(
        self,
        tags: Asked,
        start: Moment,
        end: Moment,
        step: Span,
        functions: Asked = "mean",
        rules: Rules = STANDARD,
        with_status: bool = False,
    ) -> pa.Table:
        """Aggregates of OPC UA Part 13: a row a tag and interval, a column a function."""
        between = moment_us(start), moment_us(end)
        return self.exact.aggregate(
            _list(tags), *between, span_us(step), _list(functions), rules, with_status
        )

    def gaps(self, tags: Asked, start: Moment, end: Moment, longer: Span = "1min") -> pa.Table:
        """Stretches without a good sample: tag, start, end, seconds, why."""
        return self.exact.gaps(_list(tags), moment_us(start), moment_us(end), span_us(longer))

    def modified(self, tags: Asked, start: Moment, end: Moment) -> pa.Table:
        """What corrections replaced."""
        return self.exact.modified(_list(tags), moment_us(start), moment_us(end))

    def annotate(
        self, tag: str, start: Moment, end: Moment, text: str, author: str = "", identity: str = ""
    ) -> str:
        """Note something about a tag, or change the note with this id; its id."""
        return self.exact.annotate(tag, moment_us(start), moment_us(end), text, author, identity)

    def annotations(
        self, tags: Asked | None = None, start: Moment | None = None, end: Moment | None = None
    ) -> pa.Table:
        """What was noted: id, tag, start, end, text, author, written."""
        return self.exact.annotations(
            None if tags is None else _list(tags),
            TIME_US_MIN if start is None else moment_us(start),
            TIME_US_MAX if end is None else moment_us(end),
        )

    def delete_annotation(self, identity: str) -> None:
        self.exact.delete_annotation(identity)

    def sql(self, query: str) -> pa.Table:
        """The answer of a read-only query over ``samples(tag, time, value, text, ...)``."""
        return self.exact.sql(query)


class OpenedPlant:
    """What can be asked of a plant's folder. Raises NotFound if there is no plant in it."""

    def __init__(self, root: Path) -> None:
        self.folder = PlantFolder(root)
        self.configuration = load_tags(self.folder)
        settings = self.configuration.settings
        names = TagIds.open(self.folder.tag_ids, read_only=True)
        exact = StoredHistory(
            self.folder.history,
            self.folder.spool,
            settings.site.name,
            names,
            self.configuration.is_linear,
            settings.history,
            names.refresh,
            self.configuration.calculated,
        )
        self.history = OpenedHistory(exact)

    @property
    def tags(self) -> list[Tag]:
        return list(self.configuration.tags.values())


def moment_us(moment: Moment) -> int:
    """Microseconds since 1970 UTC. Raises InputError or ValueError for a time without a zone."""
    if isinstance(moment, int):
        return moment
    if isinstance(moment, str):
        return parse_moment(moment, now_us())
    return to_us(moment)


def span_us(span: Span) -> int:
    """Microseconds. Raises InputError for text that is no span of time."""
    if isinstance(span, timedelta):
        return span // timedelta(microseconds=1)
    return parse_span(span) if isinstance(span, str) else span


def _list(tags: Asked) -> list[str]:
    return [tags] if isinstance(tags, str) else list(tags)
