"""What is worth sending: changes, and now and then a sign of life.

A sample passes if its value moved by more than its tag's deadband from the last one sent (with
deadband 0: if it moved at all), if its quality or text changed, if it is the point's first, or if
the heartbeat has elapsed. The same time, value and quality again is no news and never passes.
Times that go backwards are none of our business: the history sorts them.

All points of a device are judged at once, in numpy columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.connect.columns import take
from lianji.connect.driver import Columns

Rows = NDArray[np.intp]
Places = NDArray[np.integer[Any]] | slice
_NEVER = -np.inf


class Deadband:
    """The last sample sent of each of a device's points.

    ``deadbands`` float64 (n,), in the tags' own units. ``heartbeat_s`` 0 passes everything.
    Times given as ``now_s`` are monotonic.
    """

    def __init__(
        self, deadbands: Sequence[float] | NDArray[np.float64], heartbeat_s: float
    ) -> None:
        self._deadbands = np.ascontiguousarray(deadbands, dtype=np.float64)
        self._heartbeat_s = heartbeat_s
        points = len(self._deadbands)
        self._values = np.full(points, np.nan)
        self._quality = np.zeros(points, np.uint16)
        self._times_us = np.zeros(points, np.int64)
        self._sent_s = np.full(points, _NEVER)
        self._texts: dict[int, str | None] = {}

    def passing(self, columns: Columns, now_s: float) -> Columns:
        """The rows that are worth sending, which from now on count as sent."""
        if not len(columns):
            return columns
        places = _places(columns.numbers)
        if self._heartbeat_s == 0:
            self._remember(columns, places, now_s)
            return columns
        if places is None:
            return self._passing_in_turns(columns, now_s)
        return self._pass(columns, self._news(columns, places, now_s), now_s)

    def standing(self, columns: Columns, now_s: float) -> Columns:
        """As ``passing``, for bad qualities that stand until something changes.

        They pass when they begin and with each heartbeat, but never every time.
        """
        numbers = columns.numbers
        news = (self._quality[numbers] != columns.quality) | (self._sent_s[numbers] == _NEVER)
        if self._heartbeat_s > 0:
            news |= self._sent_s[numbers] <= now_s - self._heartbeat_s
        return self._pass(columns, news, now_s)

    def forget(self, numbers: NDArray[np.int32]) -> None:
        """These points' last samples did not arrive after all: the next ones pass."""
        self._sent_s[numbers] = _NEVER

    def _pass(self, columns: Columns, news: NDArray[np.bool_], now_s: float) -> Columns:
        rows = np.flatnonzero(news)
        kept = columns if len(rows) == len(columns) else take(columns, rows)
        if len(kept):
            self._remember(kept, _places(kept.numbers), now_s)
        return kept

    def _news(self, columns: Columns, places: Places, now_s: float) -> NDArray[np.bool_]:
        last = self._values[places]
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            moved = np.abs(columns.values - last)
        news: NDArray[np.bool_] = moved > self._deadbands[places]
        strange = np.isnan(moved)
        if strange.any():
            news |= strange & (np.isnan(columns.values) != np.isnan(last))
        news |= columns.quality != self._quality[places]
        if columns.texts is not None:
            news |= self._text_changed(columns.numbers, columns.texts)
        sent_s = self._sent_s[places]
        elapsed = sent_s <= now_s - self._heartbeat_s
        if elapsed.any():
            elapsed &= (columns.times_us != self._times_us[places]) | (sent_s == _NEVER)
            news |= elapsed
        return news

    def _text_changed(
        self, numbers: NDArray[np.int32], texts: Sequence[str | None]
    ) -> NDArray[np.bool_]:
        last = self._texts
        pairs = zip(numbers.tolist(), texts, strict=True)
        return np.array([last.get(number) != text for number, text in pairs], np.bool_)

    def _remember(self, sent: Columns, places: Places | None, now_s: float) -> None:
        where = sent.numbers if places is None else places
        self._values[where] = sent.values
        self._quality[where] = sent.quality
        self._times_us[where] = sent.times_us
        self._sent_s[where] = now_s
        if sent.texts is not None:
            self._texts.update(zip(sent.numbers.tolist(), sent.texts, strict=True))
        elif self._texts:
            for number in self._texts.keys() & set(sent.numbers.tolist()):
                self._texts[number] = None

    def _passing_in_turns(self, columns: Columns, now_s: float) -> Columns:
        """The same point more than once: each point's first row, then its second, and so on."""
        kept: list[Rows] = []
        for rows in _turns(columns.numbers):
            turn = take(columns, rows)
            news = np.flatnonzero(self._news(turn, turn.numbers, now_s))
            sent = take(turn, news)
            self._remember(sent, sent.numbers, now_s)
            kept.append(rows[news])
        return take(columns, np.sort(np.concatenate(kept)))


def _places(numbers: NDArray[np.int32]) -> Places | None:
    """The quickest index that means ``numbers``; None if a number occurs more than once."""
    if bool((numbers[1:] > numbers[:-1]).all()):
        first, last = int(numbers[0]), int(numbers[-1])
        if last - first == len(numbers) - 1:
            return slice(first, last + 1)
        return numbers.astype(np.intp)
    seen = np.zeros(int(numbers.max()) + 1, np.bool_)
    places = numbers.astype(np.intp)
    seen[places] = True
    return places if int(np.count_nonzero(seen)) == len(numbers) else None


def _turns(numbers: NDArray[np.int32]) -> list[Rows]:
    """Rows grouped so that no group holds a number twice and a number's rows keep their order."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    starts = np.flatnonzero(first)
    turn = np.arange(len(ordered)) - np.repeat(starts, np.diff([*starts, len(ordered)]))
    by_turn = np.argsort(turn, kind="stable")
    counts = np.bincount(turn)
    return [np.sort(order[part]) for part in np.split(by_turn, np.cumsum(counts)[:-1])]
