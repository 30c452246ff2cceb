"""The vectorised aggregates against the plain model, over every kind of series."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.history.aggregates import Grid, Rules, process
from lianji.history.rows import Rows
from tests.history.aggregates.annex import status_of
from tests.history.aggregates.model import MODELS, first_time, modelled
from tests.history.aggregates.plain_signal import Sample, Tag

HALF_SECOND = 500_000
START_US, END_US = 0, 20 * 1_000_000

# Half-second times make samples fall on edges often; qualities: good, uncertain, bad, a text.
_KINDS = st.sampled_from([0, 0, 0, 1, 2, 3])
_QUALITIES = (0x0000, 0x4000, 0x8000, 0x0000)


BY_QUALITY = {
    "count",
    "duration_good",
    "duration_bad",
    "percent_good",
    "percent_bad",
    "worst_quality",
    "worst_quality2",
}


def _sample(half_seconds: int, value: int, kind: int) -> Sample:
    is_number = kind < 2
    return Sample(half_seconds * HALF_SECOND, value if is_number else math.nan, _QUALITIES[kind])


SERIES = st.lists(
    st.builds(_sample, st.integers(-12, 52), st.integers(-2, 2), _KINDS),
    max_size=14,
    unique_by=lambda s: s.time_us,
).map(lambda samples: sorted(samples, key=lambda s: s.time_us))

RULES = st.builds(
    Rules,
    treat_uncertain_as_bad=st.booleans(),
    percent_data_bad=st.sampled_from([50, 80, 100]),
    percent_data_good=st.sampled_from([50, 100]),
    use_sloped_extrapolation=st.booleans(),
)

STEPS_US = st.sampled_from([1, 3, 4, 5, 7, 20, 60]).map(lambda s: s * 1_000_000)


def rows_of(series: list[list[Sample]]) -> Rows:
    flat = [(tag, s) for tag, samples in enumerate(series) for s in samples]
    return Rows(
        np.array([tag for tag, _ in flat], np.int32),
        np.array([s.time_us for _, s in flat], np.int64),
        np.array([s.value for _, s in flat], np.float64),
        np.array([s.quality for _, s in flat], np.uint16),
        pa.nulls(len(flat), pa.string()),
    )


def _numbers_only(tag: Tag, name: str) -> Tag:
    """For what looks at quality alone a text is a good sample, worth any number."""
    if name not in BY_QUALITY:
        return tag
    samples = [Sample(s.time_us, 0.0, s.quality) if math.isnan(s.value) else s for s in tag.samples]
    return Tag(samples, tag.stepped, tag.rules)


@pytest.mark.parametrize("name", sorted(MODELS))
@given(series=st.lists(st.tuples(SERIES, st.booleans()), min_size=1, max_size=3), rules=RULES,
       step_us=STEPS_US)  # fmt: skip
def test_it_agrees_with_the_model(
    name: str, series: list[tuple[list[Sample], bool]], rules: Rules, step_us: int
) -> None:
    grid = Grid(START_US, END_US, step_us)
    rows = rows_of([samples for samples, _ in series])
    stepped = np.array([held for _, held in series])
    result = process(rows, stepped, grid, [name], rules)[name]
    for n, (samples, held) in enumerate(series):
        tag = _numbers_only(Tag(samples, held, rules), name)
        for k in range(grid.n_intervals):
            start = START_US + k * step_us
            end = min(start + step_us, END_US)
            value, letters = modelled(name, tag, start, end, cut=end - start < step_us)
            assert hex(result.status[n, k]) == hex(status_of(letters)), (n, k)
            expected = math.nan if value is None else value
            assert result.value[n, k] == pytest.approx(expected, nan_ok=True, abs=1e-9), (n, k)


@pytest.mark.parametrize(("name", "pick"), [("minimum", min), ("maximum", max)])
@given(samples=SERIES, rules=RULES, step_us=STEPS_US)
def test_the_time_of_an_extreme_is_that_of_the_first_sample_that_has_it(
    name: str, pick: Callable[..., float], samples: list[Sample], rules: Rules, step_us: int
) -> None:
    grid, tag = Grid(START_US, END_US, step_us), Tag(samples, False, rules)
    names = [name, f"{name}_actual_time"]
    plain, timed = process(rows_of([samples]), np.array([False]), grid, names, rules).values()
    assert np.array_equal(plain.value, timed.value, equal_nan=True)
    assert timed.time_us is not None
    for k in range(grid.n_intervals):
        start = START_US + k * step_us
        assert timed.time_us[0, k] == first_time(tag, start, min(start + step_us, END_US), pick)


def _nearest(samples: list[Sample], rules: Rules) -> list[Sample]:
    """What a caller gives: the grid's samples, and on both sides the nearest and nearest usable."""
    tag = Tag(samples, False, rules)
    before = [s for s in samples if s.time_us <= START_US]
    after = [s for s in samples if s.time_us >= END_US]
    usable_before = [s for s in before if tag.usable(s)]
    usable_after = [s for s in after if tag.usable(s)]
    kept = before[-1:] + usable_before[-2:] + after[:1] + usable_after[:1]
    kept += [s for s in samples if START_US < s.time_us < END_US]
    return sorted(set(kept), key=lambda s: s.time_us)


@given(samples=SERIES, stepped=st.booleans(), rules=RULES, step_us=STEPS_US)
def test_samples_further_away_change_nothing(
    samples: list[Sample], stepped: bool, rules: Rules, step_us: int
) -> None:
    numbers = [s for s in samples if not (math.isnan(s.value) and s.quality == 0)]
    grid, held, names = Grid(START_US, END_US, step_us), np.array([stepped]), sorted(MODELS)
    whole = process(rows_of([numbers]), held, grid, names, rules)
    near = process(rows_of([_nearest(numbers, rules)]), held, grid, names, rules)
    for name in names:
        assert np.array_equal(whole[name].value, near[name].value, equal_nan=True), name
        assert np.array_equal(whole[name].status, near[name].status), name
