"""Process: the aggregates asked for, of each tag and interval. Columns in, tables out.

Nothing is worked out that was not asked for, and nothing twice. Tags are taken in blocks: see
``Block`` for why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lianji.history.aggregates import averages, ends, extremes, integrals, qualities, states
from lianji.history.aggregates.block import Block
from lianji.history.aggregates.grid import Grid
from lianji.history.aggregates.names import aggregate_named
from lianji.history.aggregates.result import Result
from lianji.history.aggregates.rules import STANDARD, Rules
from lianji.history.aggregates.slices import Places, Slices
from lianji.history.rows import Rows

FUNCTIONS: dict[str, Callable[[Block], Result]] = {
    **averages.FUNCTIONS,
    **integrals.FUNCTIONS,
    **extremes.FUNCTIONS,
    **ends.FUNCTIONS,
    **states.FUNCTIONS,
    **qualities.FUNCTIONS,
}

_BLOCK_ROWS_MAX = 1 << 17
_BLOCK_CELLS_MAX = 1 << 16


def process(
    rows: Rows,
    stepped: NDArray[np.bool_],
    grid: Grid,
    names: Sequence[str],
    rules: Rules = STANDARD,
    n_tags: int | None = None,
) -> dict[str, Result]:
    """One result a name asked for (aliases too, each under the name as asked).

    ``rows`` is sorted by tag and time, each key once; ``tag`` holds codes below ``n_tags``, which
    is the length of ``stepped`` unless given. Beside the samples within the grid it holds, for
    each tag, the nearest sample and the nearest usable one at or before its start, and at or after
    its end (two usable ones before it where sloped extrapolation is asked for and there is none
    in the grid); what is not there counts as not existing. Raises InputError for an unknown name.
    """
    asked = {name: aggregate_named(name) for name in names}
    tags = len(stepped) if n_tags is None else n_tags
    results = {found.name: Result.blank(tags, grid, found.tells_time) for found in asked.values()}
    offsets = np.searchsorted(rows.tag, np.arange(tags + 1, dtype=rows.tag.dtype))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        for low, high in _tag_blocks(offsets, grid.n_intervals):
            block = _block(rows, stepped, grid, rules, offsets, low, high)
            for name, result in results.items():
                _put(result, FUNCTIONS[name](block), low, high)
    return {name: results[found.name] for name, found in asked.items()}


def _tag_blocks(offsets: Places, n_intervals: int) -> Iterator[tuple[int, int]]:
    """Ranges of tags that fit a block, at least one tag each; those without any sample left out."""
    tags_max = max(1, _BLOCK_CELLS_MAX // n_intervals)
    low, tags = 0, len(offsets) - 1
    while low < tags:
        fit = int(np.searchsorted(offsets, offsets[low] + _BLOCK_ROWS_MAX, side="right")) - 1
        high = min(max(fit, low + 1), low + tags_max, tags)
        if offsets[high] > offsets[low]:
            yield low, high
        low = high


def _block(
    rows: Rows,
    stepped: NDArray[np.bool_],
    grid: Grid,
    rules: Rules,
    offsets: Places,
    low: int,
    high: int,
) -> Block:
    begin = offsets[low]
    mine = slice(int(begin), int(offsets[high]))
    slices = Slices(
        rows.time_us[mine],
        rows.value[mine],
        rows.quality[mine],
        offsets[low : high + 1] - begin,
        grid,
    )
    return Block(slices, stepped[low:high], rules)


def _put(into: Result, result: Result, low: int, high: int) -> None:
    into.value[low:high] = result.value
    into.status[low:high] = result.status
    if into.time_us is not None and result.time_us is not None:
        into.time_us[low:high] = result.time_us
