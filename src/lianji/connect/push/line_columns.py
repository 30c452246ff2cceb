"""Line protocol in columns: all lines of a body at once, none of them in Python.

The separators (newline, space, comma, equals sign) are found in one pass over the bytes; what
lies between them is then known by counting. Names are worked out once a distinct name. Only lines
of the usual form are taken here: no quote, no backslash, single spaces, at most one time. The
others are named by their place and left to ``line_grammar``, and so is every line in which
anything is unexpected, so that there is one authority on what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.connect.push.arrow_spans import Mask, Places, Spans
from lianji.connect.push.line_grammar import LINE_BYTES_MAX
from lianji.connect.push.parsed import Precision, times_to_us
from lianji.dictionary.tag import PATH_LENGTH_MAX

_NEWLINE, _SPACE, _COMMA, _EQUALS, _RETURN = b"\n ,=\r"
_SCAN_BYTES = 1 << 18
"""Separators are sought in stretches that stay in the processor's cache."""
_DENSE_PAIRS_MAX = 1 << 22
_TRUTH = {b"t": 1.0, b"T": 1.0, b"true": 1.0, b"True": 1.0, b"TRUE": 1.0} | {
    b"f": 0.0, b"F": 0.0, b"false": 0.0, b"False": 0.0, b"FALSE": 0.0
}  # fmt: skip

Names = Callable[[list[bytes]], list[str | None]]


@dataclass(slots=True)
class Naming:
    """Raw names to parts of a path, or None for a name that is wrong: path = series + field.

    ``paths`` gathers the distinct paths, with their numbers.
    """

    series: Names
    fields: Names
    paths: dict[str, int]


@dataclass(slots=True)
class Taken:
    """Samples of the usual lines in line order, and the start of every other line.

    ``path_index`` int32, ``times_us`` int64, ``values`` float64, ``places`` int64 (where the
    sample's line starts), n rows each; ``others`` int64 (m,).
    """

    path_index: NDArray[np.int32]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    places: Places
    others: Places


@dataclass(slots=True)
class _Lines:
    """Places of the usual lines: first byte, space before the fields, byte after the fields, end.

    ``end`` is before the carriage return or newline. ``timed`` says where a time follows.
    """

    start: Places
    head: Places
    tail: Places
    end: Places
    timed: Mask

    def only(self, mask: Mask) -> _Lines:
        return _Lines(
            self.start[mask], self.head[mask], self.tail[mask], self.end[mask], self.timed[mask]
        )


@dataclass(slots=True)
class _Fields:
    """Places of keys and values within ``data``, the fields of all lines one after another.

    Every field is ``key=value`` and one byte that ends it. ``line`` (n,) is the line of each.
    """

    data: NDArray[np.uint8]
    equals: Places
    ends: Places
    line: NDArray[np.int64]


def take_usual(data: NDArray[np.uint8], precision: Precision, now_us: int, naming: Naming) -> Taken:
    """Columns of the usual lines of ``data``, which ends with a newline."""
    lines, others = _usual_lines(data)
    lines, fields, more = _usual_fields(data, lines)
    columns = _Columns(data, lines, fields)
    times_us = columns.read_times(precision, now_us)
    columns.read_values()
    columns.read_names(naming)
    keep = ~columns.wrong_line
    if not keep.all():
        more = np.concatenate((more, lines.start[~keep]))
        columns.keep_only(keep[columns.line])
    line = columns.line
    return Taken(
        columns.path_index(naming),
        times_us[line],
        columns.values,
        lines.start[line],
        np.sort(np.concatenate((others, more))),
    )


def _usual_lines(data: NDArray[np.uint8]) -> tuple[_Lines, Places]:
    """Lines of two or three words with one space between; the starts of the others."""
    breaks = _places(data, lambda part: part <= _SPACE)
    kind = data[breaks]
    breaking = (kind == _NEWLINE) | (kind == _SPACE)
    if not breaking.all():
        breaks, kind = breaks[breaking], kind[breaking]
    last = np.flatnonzero(kind == _NEWLINE)
    spaces = np.diff(last, prepend=-1) - 1
    newline = breaks[last]
    start = np.concatenate((np.zeros(1, np.int64), newline[:-1] + 1))
    end = newline - ((data[newline - 1] == _RETURN) & (newline > start))
    head = breaks[last - spaces]
    tail = np.minimum(breaks[np.minimum(last - spaces + 1, last)], end)
    usual = ((spaces == 1) | (spaces == 2)) & (tail > head) & (end - start <= LINE_BYTES_MAX)
    lines = _Lines(start, head, tail, end, (spaces == 2) & (tail + 1 < end))
    if usual.all():
        return lines, np.empty(0, np.int64)
    return lines.only(usual), start[~usual & (start < newline)]


def _usual_fields(data: NDArray[np.uint8], lines: _Lines) -> tuple[_Lines, _Fields, Places]:
    """The fields of the lines that are made of key=value pairs; the starts of the other lines."""
    others = np.empty(0, np.int64)
    while True:
        fields, sound = _split_fields(data, lines)
        if sound.all():
            return lines, fields, others
        others = np.concatenate((others, lines.start[~sound]))
        lines = lines.only(sound)


def _split_fields(data: NDArray[np.uint8], lines: _Lines) -> tuple[_Fields, Mask]:
    """Fields of all lines, and which lines are sound; unless all are, only the latter counts."""
    text = Spans(data, lines.head + 1, lines.tail + 1).joined()
    marks = _places(text, lambda part: (part <= _SPACE) | (part == _COMMA) | (part == _EQUALS))
    kind = text[marks]
    is_equals = kind == _EQUALS
    last = np.flatnonzero(kind <= _SPACE)
    sound = np.ones(len(lines.start), bool)
    if len(last) != len(sound):
        # A control character within a field looks like the end of its line.
        ends = np.cumsum(lines.tail - lines.head) - 1
        owner = np.searchsorted(ends, marks[last])
        sound[owner[marks[last] != ends[owner]]] = False
        return _Fields(text, marks, marks, marks), sound
    count = np.diff(last, prepend=-1)
    if len(marks) & 1 or not is_equals[0::2].all() or is_equals[1::2].any():
        line = np.repeat(np.arange(len(last)), count)
        within = np.arange(len(marks)) - (last - count + 1)[line]
        sound[line[is_equals == (within & 1 == 1)]] = False
        sound &= count & 1 == 0
    line = np.repeat(np.arange(len(last)), count >> 1)
    return _Fields(text, marks[0::2], marks[1::2], line), sound


def _places(data: NDArray[np.uint8], wanted: Callable[[NDArray[np.uint8]], Mask]) -> Places:
    found = (
        np.flatnonzero(wanted(data[start : start + _SCAN_BYTES])) + start
        for start in range(0, len(data), _SCAN_BYTES)
    )
    return np.concatenate([np.empty(0, np.int64), *found])


class _Columns:
    """The usual lines, a column at a time; ``wrong_line`` gathers what is not as it should be."""

    def __init__(self, data: NDArray[np.uint8], lines: _Lines, fields: _Fields) -> None:
        self.data, self.lines, self.fields, self.line = data, lines, fields, fields.line
        self.wrong_line = np.zeros(len(lines.start), bool)
        self.values = np.empty(0)

    def _blame(self, wrong: Mask) -> None:
        if wrong.any():
            self.wrong_line[self.line[wrong]] = True

    def read_times(self, precision: Precision, now_us: int) -> NDArray[np.int64]:
        """Microseconds, one a line."""
        lines = self.lines
        starts, wanted = lines.tail + 1, None
        if not lines.timed.all():
            starts = np.where(lines.timed, starts, lines.end)
            wanted = lines.timed
        raw, failed = Spans(self.data, starts, lines.end, wanted).integers()
        if wanted is not None:
            raw = np.where(wanted, raw, 0)
        times, outside = times_to_us(raw, precision)
        for wrong in (failed, outside):
            if wrong is not None:
                self.wrong_line |= wrong
        return times if wanted is None else np.where(wanted, times, now_us)

    def read_values(self) -> None:
        """Numbers, one a field, sorted into kinds by their first and last byte."""
        data, starts, ends = self.fields.data, self.fields.equals + 1, self.fields.ends
        first, last = data[starts], data[ends - 1]
        number = (first - np.uint8(ord("-")) <= ord("9") - ord("-")) & (first != ord("/"))
        whole = number & (last == ord("i"))
        count = number & (last == ord("u"))
        plain = number & ~whole & ~count
        everywhere = bool(plain.all())
        spans = Spans(data, starts, ends, None if everywhere else plain)
        self.values, failed = spans.decimals()
        if failed is not None:
            self._blame(failed)
        if everywhere:
            return
        self.values = self.values.copy()
        self._read_integers(Spans(data, starts, ends - 1, whole), signed=True)
        self._read_integers(Spans(data, starts, ends - 1, count), signed=False)
        self._read_booleans(Spans(data, starts, ends, ~number))

    def _read_integers(self, spans: Spans, *, signed: bool) -> None:
        wanted = spans.wanted
        if wanted is None or not wanted.any():
            return
        spans.starts = np.minimum(spans.starts, spans.ends)
        values, failed = spans.integers(signed=signed)
        self.values[wanted] = values[wanted]
        if failed is not None:
            self._blame(failed & wanted)

    def _read_booleans(self, spans: Spans) -> None:
        wanted = spans.wanted
        if wanted is None or not wanted.any():
            return
        chosen = Spans(spans.data, spans.starts[wanted], spans.ends[wanted])
        tokens, codes = chosen.encode()
        values = np.array([_TRUTH.get(token, np.nan) for token in tokens])[codes]
        self.values[wanted] = values
        wrong = np.zeros(len(wanted), bool)
        wrong[wanted] = np.isnan(values)
        self._blame(wrong)

    def read_names(self, naming: Naming) -> None:
        """Codes of series (a line) and of fields (a field), and their parts of the path."""
        lines, data, equals = self.lines, self.fields.data, self.fields.equals
        key_starts = np.concatenate((np.zeros(1, np.int64), self.fields.ends[:-1] + 1))[
            : len(equals)
        ]
        raw_series, series_codes = Spans(self.data, lines.start, lines.head).encode()
        raw_fields, self.field_codes = Spans(data, key_starts, equals).encode()
        series, fields = naming.series(raw_series), naming.fields(raw_fields)
        self.series_codes = series_codes[self.line]
        if _longest(series) + _longest(fields) > PATH_LENGTH_MAX:
            length = _lengths(series)[self.series_codes] + _lengths(fields)[self.field_codes]
            self._blame(length > PATH_LENGTH_MAX)
        self.series, self.leaves = series, fields

    def keep_only(self, keep: Mask) -> None:
        self.line, self.values = self.line[keep], self.values[keep]
        self.series_codes, self.field_codes = self.series_codes[keep], self.field_codes[keep]

    def path_index(self, naming: Naming) -> NDArray[np.int32]:
        """The path of each sample; each distinct path is put together once."""
        width = max(len(self.leaves), 1)
        pairs = self.series_codes.astype(np.int64) * width + self.field_codes
        total = len(self.series) * width
        if total <= _DENSE_PAIRS_MAX:
            seen = np.zeros(total, bool)
            seen[pairs] = True
            distinct, where = np.flatnonzero(seen), None
        else:
            distinct, where = np.unique(pairs, return_inverse=True)
        row, column = np.divmod(distinct, width)
        parts = zip(_pick(self.series, row), _pick(self.leaves, column), strict=True)
        indices = _numbers([f"{series}{leaf}" for series, leaf in parts], naming.paths)
        if where is not None:
            return indices[where]
        table = np.empty(total, np.int32)
        table[distinct] = indices
        index: NDArray[np.int32] = table[pairs]
        return index


def _pick(parts: list[str | None], codes: NDArray[np.int64]) -> list[str | None]:
    picked: list[str | None] = np.array(parts, object)[codes].tolist()
    return picked


def _numbers(names: list[str], known: dict[str, int]) -> NDArray[np.int32]:
    """The number of each name in ``known``, which gains the new ones."""
    fresh = [name for name in dict.fromkeys(names) if name not in known]
    known.update(zip(fresh, range(len(known), len(known) + len(fresh)), strict=True))
    return np.fromiter(map(known.__getitem__, names), np.int32, len(names))


def _longest(parts: list[str | None]) -> int:
    return PATH_LENGTH_MAX + 1 if None in parts else max(map(len, parts), default=0)  # type: ignore[arg-type] # none is None


def _lengths(parts: list[str | None]) -> NDArray[np.int64]:
    """Characters of each part; more than any path may have where there is none."""
    wrong = PATH_LENGTH_MAX + 1
    return np.array([wrong if part is None else len(part) for part in parts], np.int64)
