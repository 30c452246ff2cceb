"""Aggregates of stored and calculated tags over a grid, as tables.

``aggregated`` is the one place where samples become aggregates: whatever else may stand in for
samples comes in there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_TYPE
from lianji.history.aggregates import Grid, Result, Rules, aggregate_named, process
from lianji.history.aggregates.rules import STANDARD
from lianji.history.questions.pieces import Expected
from lianji.history.questions.signals import Signals
from lianji.history.rollup.question import aggregates_from_rollups
from lianji.history.rows import Rows
from lianji.history.view.merged import merged
from lianji.history.view.nearest import Fit
from lianji.history.view.view import View


def aggregated(
    view: View,
    paths: Sequence[str],
    stepped: NDArray[np.bool_],
    grid: Grid,
    names: Sequence[str],
    rules: Rules,
) -> dict[str, Result]:
    """The aggregates of these stored tags, by name as asked; ``stepped`` says which hold.

    The grid is one that fits into memory. Raises InputError for a name that is not known.
    """
    fit = _fit_for(names, rules)
    previous = any(aggregate_named(name).bounds == "previous" for name in names)
    rows = view.around(paths, grid.start_us, grid.end_us, fit, previous)
    if fit is not None and rules.use_sloped_extrapolation:
        rows = _with_second(view, paths, rows, grid, fit)
    return process(rows, stepped, grid, names, rules)


def aggregated_in_pieces(
    signals: Signals,
    paths: Sequence[str],
    grid: Grid,
    names: Sequence[str],
    rules: Rules,
    expected: Expected,
    statuses: bool = True,
) -> dict[str, Result]:
    """The same for any tags and any grid, in parts that fit into memory one at a time.

    Where nobody asks for statuses, rollups answer if they can.
    """
    if not statuses and rules == STANDARD:
        rolled = _by_rollups(signals, paths, grid, names)
        if rolled is not None:
            return rolled
    told = {name: aggregate_named(name).tells_time for name in names}
    results = {name: Result.blank(len(paths), grid, told[name]) for name in names}
    stepped = ~signals.linear(paths)
    for piece in expected.pieces(step_us=grid.step_us):
        part = Grid(piece.start_us, piece.end_us, grid.step_us)
        first = (piece.start_us - grid.start_us) // grid.step_us
        into = slice(first, first + part.n_intervals)
        some = list(paths[piece.low : piece.high])
        stored, worked_out = signals.kinds(some)
        places = stored + piece.low
        if len(stored):
            of_stored = [some[place] for place in stored.tolist()]
            found = aggregated(signals.view, of_stored, stepped[places], part, names, rules)
            _put(results, found, places, into)
        for place in (worked_out + piece.low).tolist():
            rows = signals.around(
                [paths[place]], part.start_us, part.end_us, _fit_for(names, rules)
            )
            found = process(rows, stepped[place : place + 1], part, names, rules)
            _put(results, found, np.array([place]), into)
    return results


def _by_rollups(
    signals: Signals, paths: Sequence[str], grid: Grid, names: Sequence[str]
) -> dict[str, Result] | None:
    """The whole intervals by rollups, and the last one, if the grid cuts it, by samples."""
    whole_us = (grid.end_us - grid.start_us) // grid.step_us * grid.step_us
    if not whole_us or len(signals.kinds(paths)[1]):
        return None
    stepped = ~signals.linear(paths)
    whole = Grid(grid.start_us, grid.start_us + whole_us, grid.step_us)
    found = aggregates_from_rollups(signals.view, paths, stepped, whole, names)
    if found is None or not grid.is_cut:
        return found
    rest = Grid(whole.end_us, grid.end_us, grid.step_us)
    tail = aggregated(signals.view, paths, stepped, rest, names, STANDARD)
    return {
        name: Result(
            np.hstack((result.value, tail[name].value)),
            np.hstack((result.status, tail[name].status)),
        )
        for name, result in found.items()
    }


def table_of(
    results: dict[str, Result], paths: Sequence[str], grid: Grid, with_status: bool
) -> pa.Table:
    """One row a tag and interval: tag, time (where the interval begins), a column a function.

    Those that are told at a time of their own have that as ``<function>_time``, and all may have
    their ``<function>_status``, a full status code.
    """
    columns = grid_columns(paths, grid)
    for name, result in results.items():
        value = result.value.ravel()
        none = np.isnan(value)
        columns[name] = pa.array(value, mask=none)
        if result.time_us is not None:
            columns[f"{name}_time"] = pa.array(result.time_us.ravel(), mask=none).view(TIME_TYPE)
        if with_status:
            columns[f"{name}_status"] = pa.array(result.status.ravel())
    return pa.table(columns)


def grid_columns(paths: Sequence[str], grid: Grid) -> dict[str, pa.Array]:
    """``tag`` and ``time`` of every tag and interval."""
    tag = np.repeat(np.arange(len(paths), dtype=np.int32), grid.n_intervals)
    names = pa.array(paths, pa.string())
    time_us = np.tile(grid.edges_us[:-1], len(paths))
    return {
        "tag": pa.DictionaryArray.from_arrays(pa.array(tag), names),
        "time": pa.array(time_us).view(TIME_TYPE),
    }


def _fit_for(names: Sequence[str], rules: Rules) -> Fit | None:
    """What must be looked for beyond bad samples; None where the nearest sample is enough."""
    bounds = {aggregate_named(name).bounds for name in names}
    if not bounds & {"interpolated", "previous"}:
        return None
    limit = np.uint16(0x4000 if rules.treat_uncertain_as_bad else 0x8000)
    return lambda rows: (rows.quality < limit) & np.isfinite(rows.value)


def _with_second(view: View, paths: Sequence[str], rows: Rows, grid: Grid, fit: Fit) -> Rows:
    """With a second usable sample before the start, for tags with none in the grid: a slope that
    is drawn on needs two."""
    usable = fit(rows)
    inside = usable & (rows.time_us >= grid.start_us) & (rows.time_us < grid.end_us)
    empty = np.bincount(rows.tag[inside], minlength=len(paths)) == 0
    before = usable & (rows.time_us < grid.start_us) & empty[rows.tag]
    parts = [rows]
    for tag, time_us in zip(rows.tag[before].tolist(), rows.time_us[before].tolist(), strict=True):
        second = view.before([paths[tag]], time_us - 1, fit)
        second.tag = np.full(len(second), tag, np.int32)
        parts.append(second)
    return merged(parts)


def _put(
    results: dict[str, Result], found: dict[str, Result], places: NDArray[np.intp], into: slice
) -> None:
    for name, part in found.items():
        result = results[name]
        result.value[places, into] = part.value
        result.status[places, into] = part.status
        if result.time_us is not None and part.time_us is not None:
            result.time_us[places, into] = part.time_us
