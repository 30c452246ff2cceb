"""JSON and CSV say the same of every kind of column."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.web.formats import Format, _readable, table_response

INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
ROWS = st.lists(
    st.tuples(
        st.none() | INSTANTS,
        st.none() | st.floats(),
        st.none() | st.text(),
        st.none() | st.binary(),
    ),
    max_size=20,
)


@settings(deadline=None)  # the first loads Arrow's compute functions
@given(ROWS, st.sampled_from(["s", "ms", "us"]))
def test_json_says_what_the_other_ways_say(rows: list[tuple[object, ...]], unit: str) -> None:
    times = [None if row[0] is None else _cut(row[0], unit) for row in rows]
    names = pa.array([row[2] for row in rows], pa.string())
    table = pa.table(
        {
            "time": pa.array(times, pa.timestamp(unit, tz="UTC")),
            "value": pa.array([row[1] for row in rows], pa.float64()),
            "tag": names.dictionary_encode(),
            "text": names,
            "bytes": pa.array([row[3] for row in rows], pa.binary()),
            "several": pa.array([[row[2]] for row in rows], pa.list_(pa.string())),
        }
    )
    table = pa.concat_tables([table, table])
    said = json.loads(table_response(table, Format.JSON, 100).body)
    wanted = {name: _readable(table[name]).to_pylist() for name in table.schema.names}
    for name, column in wanted.items():
        assert [row[name] for row in said["rows"]] == column
    assert all(v is None or math.isfinite(v) for v in wanted["value"])


def _cut(moment: object, unit: str) -> datetime:
    """Without what is finer than the unit."""
    assert isinstance(moment, datetime)
    finest = {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
    return moment - timedelta(microseconds=moment.microsecond % finest)
