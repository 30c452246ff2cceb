"""InfluxDB line protocol to columns, so that Telegraf and its like can write to us.

Lines of the usual form are read in columns (``line_columns``), millions of samples a second; lines
with quotes or backslashes and all that is unusual go through ``line_grammar`` one by one. Both
give the same samples. A bad line is refused by itself, and the good ones around it are kept.
``naming`` says what the tag paths are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.connect.push.line_columns import Naming, Taken, take_usual
from lianji.connect.push.line_grammar import (
    LINE_BYTES_MAX,
    LINE_TOO_LONG,
    PATH_TOO_LONG,
    TIME_WRONG,
    BadLine,
    Line,
    read_line,
)
from lianji.connect.push.naming import base_of, check_prefix, leaf_of
from lianji.connect.push.parsed import (
    REJECTED_LISTED_MAX,
    REJECTED_TEXT_MAX,
    Parsed,
    Precision,
    Rejected,
    check_body_size,
    time_to_us,
)
from lianji.connect.push.recent import Recent
from lianji.dictionary.tag import PATH_LENGTH_MAX

REFUSED_MAX = 100_000
"""A body with more bad lines than this is something else; it is refused as a whole."""
_CHUNK_BYTES = 4 << 20
"""Columns of one chunk at a time, so that memory does not grow with the body."""


class LineParser:
    """A parser that remembers the names it has seen.

    Keep one for each prefix; it may be shared by threads. Remembers at most twice ``series_max``
    series. Raises ValueError for a prefix that no tag path can begin with.
    """

    def __init__(self, prefix: str = "", series_max: int = 100_000) -> None:
        self._prefix = check_prefix(prefix)
        self._series: Recent[bytes] = Recent(self._base_or_none, series_max)
        self._fields: Recent[bytes] = Recent(_leaf_or_none, series_max)

    def parse(self, body: bytes, precision: Precision, now_us: int) -> Parsed:
        """All samples of ``body``, in its order. ``now_us`` is the time of lines without one.

        A boolean is 1 or 0; a string is a text with value NaN. Raises InputError for a body above
        ``BODY_BYTES_MAX``.
        """
        check_body_size(body)
        return _Parse(self, body, precision, now_us).run()

    def path_of(self, series: bytes, field: bytes) -> str:
        """The tag path of raw names. Raises BadLine."""
        base = self._series.one(series) or self._prefix + base_of(series)
        path = base + (self._fields.one(field) or leaf_of(field))
        if len(path) > PATH_LENGTH_MAX:
            raise BadLine(PATH_TOO_LONG)
        return path

    def _base_or_none(self, series: bytes) -> str | None:
        try:
            return self._prefix + base_of(series)
        except BadLine:
            return None

    def naming(self, paths: dict[str, int]) -> Naming:
        """For ``take_usual``, which adds to ``paths``."""
        return Naming(self._series.all, self._fields.all, paths)


def parse_lines(body: bytes, precision: Precision, now_us: int, prefix: str = "") -> Parsed:
    """One body by itself; see ``LineParser.parse``."""
    return LineParser(prefix).parse(body, precision, now_us)


def parse_line_by_line(body: bytes, precision: Precision, now_us: int, prefix: str = "") -> Parsed:
    """The same by the grammar alone: what the columns are measured against and tested with."""
    return _Parse(LineParser(prefix), body, precision, now_us).run_line_by_line()


def _leaf_or_none(field: bytes) -> str | None:
    try:
        return leaf_of(field)
    except BadLine:
        return None


class _Parse:
    """One body on its way: samples taken in columns, samples taken singly, lines refused."""

    def __init__(self, parser: LineParser, body: bytes, precision: Precision, now_us: int) -> None:
        self.parser, self.body, self.precision, self.now_us = parser, body, precision, now_us
        self.paths: dict[str, int] = {}
        self.taken: list[Taken] = []
        self.places: list[int] = []
        self.path_index: list[int] = []
        self.times_us: list[int] = []
        self.values: list[float] = []
        self.texts: list[str | None] = []
        self.refused: list[tuple[int, Text]] = []

    def run(self) -> Parsed:
        naming = self.parser.naming(self.paths)
        for start, chunk in self._usual_chunks():
            taken = take_usual(chunk, self.precision, self.now_us, naming)
            taken.places += start
            self.taken.append(taken)
            for place in (taken.others + start).tolist():
                self._take_line(place)
        return self._result()

    def run_line_by_line(self) -> Parsed:
        place = 0
        while place < len(self.body):
            place = self._take_line(place)
        return self._result()

    def _usual_chunks(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """The body without its lines that hold a quote or a backslash, in chunks of whole lines."""
        data = np.frombuffer(self.body, np.uint8)
        if b'"' in self.body or b"\\" in self.body:
            data = self._without_unusual_lines(data.copy())
        start, size = 0, len(self.body)
        while start < size:
            end = self.body.rfind(b"\n", start, start + _CHUNK_BYTES) + 1
            if end == 0 or start + _CHUNK_BYTES >= size:
                end = (self.body.find(b"\n", start + _CHUNK_BYTES) + 1) or size
            chunk = data[start:end]
            yield start, chunk if chunk[-1] == ord("\n") else np.append(chunk, np.uint8(ord("\n")))
            start = end

    def _without_unusual_lines(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Take those lines singly and leave blank lines in their place."""
        place, size = 0, len(self.body)
        quote = backslash = -1
        while True:
            if quote < place:
                quote = self.body.find(b'"', place) % (size + 1)  # size: there is none
            if backslash < place:
                backslash = self.body.find(b"\\", place) % (size + 1)
            first = min(quote, backslash)
            if first == size:
                return data
            start = self.body.rfind(b"\n", place, first) + 1 or place
            place = self._take_line(start)
            data[start:place] = ord("\n")

    def _take_line(self, place: int) -> int:
        """Take or refuse the line at ``place``; where the next one begins."""
        end = self._end_of_line(place)
        try:
            if end - place > LINE_BYTES_MAX:
                raise BadLine(LINE_TOO_LONG)
            line = read_line(self.body, place)
            if line is not None:
                self._keep(line, place)
                end = line.end
        except BadLine as bad:
            self._refuse(place, bad.reason)
        return min(end + 1, len(self.body))

    def _end_of_line(self, place: int) -> int:
        end = self.body.find(b"\n", place)
        return len(self.body) if end < 0 else end

    def _refuse(self, place: int, reason: Text) -> None:
        self.refused.append((place, reason))
        if len(self.refused) > REFUSED_MAX:
            raise InputError(
                "body-not-line-protocol",
                Text(
                    f"More than {REFUSED_MAX} lines are not line protocol; the last: {reason.en}",
                    f"有超过 {REFUSED_MAX} 行不符合行协议，最后一处：{reason.zh}",
                ),
                Text(
                    "Nothing of it was taken. Send InfluxDB line protocol, one point a line.",
                    "整个请求均未接收。请发送 InfluxDB 行协议，每行一个数据点。",
                ),
            )

    def _keep(self, line: Line, place: int) -> None:
        time_us: int | None = self.now_us
        if line.time is not None:
            time_us = time_to_us(line.time, self.precision)
        if time_us is None:
            raise BadLine(TIME_WRONG)
        paths = [self.parser.path_of(line.series, key) for key, _, _ in line.fields]
        for path, (_, value, text) in zip(paths, line.fields, strict=True):
            self.places.append(place)
            self.path_index.append(self.paths.setdefault(path, len(self.paths)))
            self.times_us.append(time_us)
            self.values.append(value)
            self.texts.append(text)

    def _result(self) -> Parsed:
        taken = self.taken
        columns = [
            np.concatenate([*(part.path_index for part in taken), _as(np.int32, self.path_index)]),
            np.concatenate([*(part.times_us for part in taken), _as(np.int64, self.times_us)]),
            np.concatenate([*(part.values for part in taken), _as(np.float64, self.values)]),
        ]
        texts = self._all_texts(len(columns[0]))
        if self.places:
            places = [*(part.places for part in taken), _as(np.int64, self.places)]
            order = np.argsort(np.concatenate(places), kind="stable")
            columns = [column[order] for column in columns]
            texts = None if texts is None else texts.take(pa.array(order))
        path_index, times_us, values = columns
        quality = np.zeros(len(values), np.uint16)
        self.refused.sort(key=lambda refused: refused[0])
        return Parsed(
            list(self.paths), path_index, times_us, values, quality, texts,
            self._rejected(), len(self.refused),
        )  # fmt: skip

    def _all_texts(self, rows: int) -> pa.StringArray | None:
        if not any(text is not None for text in self.texts):
            return None
        nulls = pa.nulls(rows - len(self.texts), pa.string())
        return pa.concat_arrays([nulls, pa.array(self.texts, pa.string())])

    def _rejected(self) -> list[Rejected]:
        rejected: list[Rejected] = []
        number, counted = 1, 0
        for place, reason in self.refused[:REJECTED_LISTED_MAX]:
            number += self.body.count(b"\n", counted, place)
            counted = place
            raw = self.body[place : self._end_of_line(place)][: 4 * REJECTED_TEXT_MAX]
            text = raw.rstrip(b"\r").decode(errors="replace")[:REJECTED_TEXT_MAX]
            rejected.append(Rejected(number, text, reason))
        return rejected


def _as(dtype: type[np.generic], values: list[int] | list[float]) -> NDArray[np.generic]:
    return np.array(values, dtype)
