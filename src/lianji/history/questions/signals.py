"""Signals: every tag of one moment, stored or calculated, asked alike.

A calculated tag has no samples of its own. It has one whenever one of its inputs has, worked out
when it is asked for, so questions need not know which tags are of which kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.expression import Expression
from lianji.history.questions.calculated import calculated
from lianji.history.rows import Rows
from lianji.history.view.merged import merged
from lianji.history.view.nearest import Fit
from lianji.history.view.view import View

Places = NDArray[np.intp]
FIT_WITHIN_US = 86_400_000_000
"""So far is looked for a fit sample of a calculated tag whose nearest is not: there is no file in
which one could be looked up."""


class Signals:
    """A view, and with it the plant's calculated tags.

    All methods take paths and answer with rows whose ``tag`` are places in these, by tag and time.
    """

    def __init__(
        self,
        view: View,
        expressions: Mapping[str, Expression],
        is_linear: Callable[[str], bool],
    ) -> None:
        self.view = view
        self.expressions = expressions
        self._is_linear = is_linear

    def linear(self, paths: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each moves in a slope from one sample to the next."""
        return np.array([self._is_linear(path) for path in paths], dtype=bool)

    def kinds(self, paths: Sequence[str]) -> tuple[Places, Places]:
        """The places of stored paths, and of calculated ones."""
        if not self.expressions:
            return np.arange(len(paths)), np.empty(0, np.intp)
        worked_out = np.array([path in self.expressions for path in paths], dtype=bool)
        return np.flatnonzero(~worked_out), np.flatnonzero(worked_out)

    def inputs(self, path: str) -> Sequence[str]:
        """The stored tags that a path is read from: itself, or what it is calculated from."""
        return self.expressions[path].tags if path in self.expressions else (path,)

    def rows(self, paths: Sequence[str], start_us: int, end_us: int) -> Rows:
        """Samples with start <= time < end."""
        return self._both(
            paths,
            lambda some: self.view.rows(some, start_us, end_us),
            lambda one: self._rows_of(one, start_us, end_us),
        )

    def around(
        self, paths: Sequence[str], start_us: int, end_us: int, fit: Fit | None = None
    ) -> Rows:
        """``rows`` and the nearest (fit) samples on both sides: see ``View.around``."""
        return self._both(
            paths,
            lambda some: self.view.around(some, start_us, end_us, fit),
            lambda one: self._around(one, start_us, end_us, fit),
        )

    def before(
        self,
        paths: Sequence[str],
        time_us: int,
        of_stored: Callable[[Sequence[str]], Rows] | None = None,
    ) -> Rows:
        """The last sample of each path with time <= ``time_us``.

        ``of_stored`` may know a quicker way to those of stored tags.
        """
        ask = of_stored or (lambda some: self.view.before(some, time_us))
        return self._both(paths, ask, lambda one: self._before(one, time_us, ask))

    def after(self, paths: Sequence[str], time_us: int) -> Rows:
        """The first sample of each path with time > ``time_us``."""
        return self._both(
            paths,
            lambda some: self.view.after(some, time_us),
            lambda one: self._after(one, time_us),
        )

    def calculated_at(self, path: str, time_us: int) -> Rows:
        """The value at one instant, sample or not; none before its inputs are known."""
        known = self.view.before(self.expressions[path].tags, time_us)
        return self._at(self.expressions[path], known, time_us)

    def _both(
        self,
        paths: Sequence[str],
        of_stored: Callable[[Sequence[str]], Rows],
        of_calculated: Callable[[Expression], Rows],
    ) -> Rows:
        stored, worked_out = self.kinds(paths)
        if not len(worked_out):
            return of_stored(paths)
        rows = of_stored([paths[place] for place in stored.tolist()])
        rows.tag = stored[rows.tag].astype(np.int32)
        parts = [rows]
        for place in worked_out.tolist():
            part = of_calculated(self.expressions[paths[place]])
            part.tag = np.full(len(part), place, np.int32)
            parts.append(part)
        return merged(parts)

    def _rows_of(self, expression: Expression, start_us: int, end_us: int) -> Rows:
        inputs = self.view.around(expression.tags, start_us, end_us)
        rows = calculated(expression, inputs, self.linear(expression.tags), start_us, end_us)
        begun = len(rows) > 0 and int(rows.time_us[0]) == start_us
        if begun and not (inputs.time_us == start_us).any():
            return rows.take(slice(1, None))  # nobody spoke just then
        return rows

    def _around(self, expression: Expression, start_us: int, end_us: int, fit: Fit | None) -> Rows:
        rows = self._rows_of(expression, start_us, end_us)
        before = self._before(expression, start_us, lambda some: self.view.before(some, start_us))
        parts = [before, rows, self._after(expression, end_us - 1)]
        if len(rows) and rows.time_us[0] == start_us:
            del parts[0]
        rows = merged(parts)
        return rows if fit is None else self._with_fit(rows, expression, start_us, end_us, fit)

    def _with_fit(
        self, rows: Rows, expression: Expression, start_us: int, end_us: int, fit: Fit
    ) -> Rows:
        if fit(rows).all():
            return rows
        early = self._rows_of(expression, start_us - FIT_WITHIN_US, start_us)
        late = self._rows_of(expression, end_us, end_us + FIT_WITHIN_US)
        early, late = early.take(fit(early)), late.take(fit(late))
        inside = rows.take((rows.time_us >= start_us) & (rows.time_us < end_us))
        outer = rows.take((rows.time_us < start_us) | (rows.time_us >= end_us))
        return merged(
            [_without(early.take(slice(-1, None)), outer), outer, inside,
             _without(late.take(slice(0, 1)), outer)]
        )  # fmt: skip

    def _before(
        self, expression: Expression, time_us: int, ask: Callable[[Sequence[str]], Rows]
    ) -> Rows:
        known = ask(expression.tags)
        return self._at(expression, known, int(known.time_us.max())) if len(known) else known

    def _after(self, expression: Expression, time_us: int) -> Rows:
        """At the first sample of an input behind a time; the others are as they were then."""
        next_ones = self.view.after(expression.tags, time_us)
        if not len(next_ones):
            return next_ones
        known = self.view.before(expression.tags, time_us)
        return self._worked_out(expression, [known, next_ones], int(next_ones.time_us.min()))

    def _at(self, expression: Expression, known: Rows, time_us: int) -> Rows:
        """Given the last sample of each input at or before a time."""
        linear = np.flatnonzero(self.linear(expression.tags))
        slopes = [expression.tags[place] for place in linear.tolist()]
        following = self.view.after(slopes, time_us) if slopes else Rows.none()
        following.tag = linear[following.tag].astype(np.int32)
        return self._worked_out(expression, [known, following], time_us)

    def _worked_out(self, expression: Expression, inputs: Sequence[Rows], time_us: int) -> Rows:
        linear = self.linear(expression.tags)
        return calculated(expression, merged(inputs), linear, time_us, time_us + 1)


def _without(rows: Rows, others: Rows) -> Rows:
    """The rows at whose time the others have none. All are of one tag."""
    return rows.take(~np.isin(rows.time_us, others.time_us))
