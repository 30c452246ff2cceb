"""A batch is sound or is not made: lengths, times, ids, and no number that is none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lianji.base.errors import InputError
from lianji.dictionary.batch import SCHEMA, TIME_US_MAX, Batch
from lianji.dictionary.quality import Quality, is_bad, is_good, name_of

NOW_US = 1_767_225_600_000_000


def test_columns_become_a_record_batch_of_the_schema() -> None:
    batch = Batch.of([1, 2], [NOW_US, NOW_US + 1], [1.5, 2.5])
    assert batch.samples.schema == SCHEMA
    assert len(batch) == 2
    assert len(batch.id) == 16
    assert batch.times_us.tolist() == [NOW_US, NOW_US + 1]


def test_one_time_and_one_quality_serve_all_rows() -> None:
    batch = Batch.of([1, 2, 3], NOW_US, [1, 2, 3], Quality.UNCERTAIN)
    assert set(batch.times_us.tolist()) == {NOW_US}
    assert batch.samples["quality"].to_pylist() == [0x4000] * 3


def test_what_is_no_number_is_null_and_bad() -> None:
    batch = Batch.of([1, 2, 3, 4], NOW_US, [np.nan, np.inf, -np.inf, 5])
    assert batch.samples["value"].to_pylist() == [None, None, None, 5]
    assert batch.samples["quality"].to_pylist() == [
        Quality.BAD_NO_DATA,
        Quality.BAD_OUT_OF_RANGE,
        Quality.BAD_OUT_OF_RANGE,
        Quality.GOOD,
    ]


def test_a_bad_quality_that_was_given_stays_and_a_text_needs_no_number() -> None:
    batch = Batch.of(
        [1, 2], NOW_US, [np.nan, np.nan], [Quality.BAD_SENSOR_FAILURE, 0], [None, "open"]
    )
    assert batch.samples["quality"].to_pylist() == [Quality.BAD_SENSOR_FAILURE, Quality.GOOD]
    assert batch.samples["text"].to_pylist() == [None, "open"]


@pytest.mark.parametrize(
    "columns",
    [
        ([1, 2], [NOW_US], [1.0, 2.0]),
        ([1], [NOW_US], [1.0, 2.0]),
        ([-1], [NOW_US], [1.0]),
        ([1], [TIME_US_MAX + 1], [1.0]),
    ],
)
def test_unsound_columns_are_refused(columns: tuple[list[int], list[int], list[float]]) -> None:
    with pytest.raises(InputError) as failure:
        Batch.of(*columns)
    assert failure.value.code == "batch-invalid"


def test_foreign_batches_are_cast_and_checked() -> None:
    foreign = pa.RecordBatch.from_pydict(
        {
            "tag": pa.array([1, 2], pa.int64()),
            "time": pa.array([NOW_US // 1000] * 2, pa.timestamp("ms", "UTC")),
            "value": pa.array([1, None], pa.int32()),
            "text": pa.nulls(2, pa.string()),
            "quality": pa.array([0, 0], pa.int32()),
        }
    )
    batch = Batch.checked(foreign)
    assert batch.samples.schema == SCHEMA
    assert batch.samples["quality"].to_pylist() == [0, Quality.BAD_NO_DATA]
    with pytest.raises(InputError, match="columns"):
        Batch.checked(foreign.rename_columns(["a", "b", "c", "d", "e"]))
    with pytest.raises(InputError, match="null"):
        Batch.checked(foreign.set_column(0, "tag", pa.array([1, None], pa.int64())))


def test_severity_is_in_the_top_two_bits_of_the_status_code() -> None:
    codes = np.array([0x0000, 0x0096, 0x4090, 0x8000, 0x808C], np.uint16)
    assert is_good(codes).tolist() == [True, True, False, False, False]
    assert is_bad(codes).tolist() == [False, False, False, True, True]
    assert name_of(0x808C) == "Bad (SensorFailure)"
    assert name_of(0x8123) == "Bad (0x8123)"


def test_our_codes_are_those_of_the_standard() -> None:
    from asyncua import ua

    names = {
        "GOOD_LOCAL_OVERRIDE": "GoodLocalOverride",
        "UNCERTAIN_LAST_USABLE_VALUE": "UncertainLastUsableValue",
        "UNCERTAIN_ENGINEERING_UNITS_EXCEEDED": "UncertainEngineeringUnitsExceeded",
        "BAD_NO_DATA": "BadNoData",
    }
    for quality in Quality:
        name = names.get(quality.name) or "".join(w.capitalize() for w in quality.name.split("_"))
        assert getattr(ua.StatusCodes, name) >> 16 == quality
