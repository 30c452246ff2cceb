"""The batch: an Arrow record batch of samples. Everything that flows is one.

Columns are ``tag`` int32 (an id of the plant's tag table), ``time`` timestamp[us, UTC],
``value`` float64 (null where there is none), ``text`` string (null for numbers), ``quality``
uint16. A value that is not finite never travels: it becomes null and its quality bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from lianji.base.errors import InputError, Text
from lianji.base.ids import new_id
from lianji.dictionary.quality import BAD_BIT, Quality
from lianji.dictionary.source import Source
from lianji.trace.marks import Marks

TIME_TYPE = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("tag", pa.int32(), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.uint16(), nullable=False),
    ]
)
TIME_US_MIN = -2_208_988_800_000_000
"""1900-01-01. What lies outside 1900 to 2200 is a broken clock, not a measurement."""
TIME_US_MAX = 7_258_118_400_000_000


def wrong_batch(en: str, zh: str) -> InputError:
    remedy = Text("Send the columns that the batch schema names.", "请按批次模式发送各列。")
    return InputError("batch-invalid", Text(en, zh), remedy)


@dataclass(slots=True)
class Batch:
    """Samples of one source, with the id and the marks that travel with them."""

    samples: pa.RecordBatch
    id: bytes = field(default_factory=new_id)
    marks: Marks = field(default_factory=Marks)
    origin: str = ""
    """Who says so: ``device/press1``, ``import/energy.csv``, ``push``, ``user/li``."""
    sources: tuple[Source, ...] = ()
    """The last record of each edge's lane that is in it, where other spools sent it."""

    def __len__(self) -> int:
        return int(self.samples.num_rows)

    @property
    def tags(self) -> NDArray[np.int32]:
        return np.asarray(self.samples.column(0).to_numpy(zero_copy_only=False))

    @property
    def times_us(self) -> NDArray[np.int64]:
        return np.asarray(self.samples.column(1).view(pa.int64()).to_numpy())

    @classmethod
    def of(
        cls,
        tags: ArrayLike,
        times_us: ArrayLike,
        values: ArrayLike,
        quality: ArrayLike | None = None,
        texts: Sequence[str | None] | pa.Array | None = None,
        marks: Marks | None = None,
        origin: str = "",
    ) -> Batch:
        """Build a batch from columns of equal length (a scalar time or quality is repeated).

        ``values`` are float64 with NaN where there is none. A NaN or an infinity whose quality
        was good and that has no text becomes bad: ``BAD_NO_DATA`` or ``BAD_OUT_OF_RANGE``.
        Raises InputError for unequal lengths, negative ids or times outside 1900-2200.
        """
        ids = np.ascontiguousarray(tags, dtype=np.int32)
        rows = len(ids)
        times = _column(times_us, np.int64, rows, "time")
        numbers = _column(values, np.float64, rows, "value")
        qualities = _column(0 if quality is None else quality, np.uint16, rows, "quality")
        text = _texts(texts, rows)
        _check(ids, times)
        finite = np.isfinite(numbers)
        missing = None if finite.all() else ~finite
        if missing is not None:
            qualities = _mark_missing(numbers, finite, qualities, text)
        columns = [
            pa.array(ids),
            pa.array(times).view(TIME_TYPE),
            pa.array(numbers, mask=missing),
            text,
            pa.array(qualities),
        ]
        samples = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
        return cls(samples, marks=Marks() if marks is None else marks, origin=origin)

    @classmethod
    def checked(cls, samples: pa.RecordBatch) -> Batch:
        """Take a record batch from outside, whatever its types were, through the same checks."""
        if samples.schema.names != SCHEMA.names:
            raise wrong_batch(
                f"The columns are {samples.schema.names}, not {SCHEMA.names}.",
                f"列为 {samples.schema.names}，应为 {SCHEMA.names}。",
            )
        try:
            tag, time, value, text, quality = (
                column.cast(wanted.type)
                for column, wanted in zip(samples.columns, SCHEMA, strict=True)
            )
        except pa.ArrowInvalid as error:
            raise wrong_batch(
                f"A column has the wrong type: {error}.", f"列类型错误：{error}。"
            ) from error
        if tag.null_count or time.null_count or quality.null_count:
            raise wrong_batch(
                "tag, time and quality may not be null.", "tag、time 和 quality 不能为空。"
            )
        return cls.of(
            tag.to_numpy(),
            time.cast(pa.int64()).to_numpy(),
            value.to_numpy(zero_copy_only=False),
            quality.to_numpy(),
            text,
        )


def _column(given: ArrayLike, dtype: type[np.generic], rows: int, name: str) -> NDArray[np.generic]:
    column = np.asarray(given, dtype=dtype)
    if column.ndim == 0:
        return np.full(rows, column, dtype=dtype)
    if column.shape != (rows,):
        raise wrong_batch(
            f"The column {name} has {column.size} rows and tag has {rows}.",
            f"列 {name} 有 {column.size} 行，而 tag 有 {rows} 行。",
        )
    return np.ascontiguousarray(column)


def _texts(texts: Sequence[str | None] | pa.Array | None, rows: int) -> pa.Array:
    if texts is None:
        return pa.nulls(rows, pa.string())
    column = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    if len(column) != rows:
        raise wrong_batch(
            f"The column text has {len(column)} rows and tag has {rows}.",
            f"列 text 有 {len(column)} 行，而 tag 有 {rows} 行。",
        )
    return column


def _check(ids: NDArray[np.int32], times: NDArray[np.generic]) -> None:
    if not len(ids):
        return
    if int(ids.min()) < 0:
        raise wrong_batch("A tag id is negative.", "标签编号为负数。")
    if int(times.min()) < TIME_US_MIN or int(times.max()) > TIME_US_MAX:
        raise wrong_batch("A time lies outside 1900 to 2200.", "时间超出 1900 至 2200 年。")


def _mark_missing(
    numbers: NDArray[np.generic],
    finite: NDArray[np.bool_],
    quality: NDArray[np.generic],
    text: pa.Array,
) -> NDArray[np.uint16]:
    """Quality of samples that carry neither a number nor a text must be bad."""
    silent = ~finite
    if text.null_count < len(text):
        silent &= text.is_null().to_numpy(zero_copy_only=False)
    silent &= (quality & np.uint16(BAD_BIT)) == 0  # type: ignore[operator]
    why = np.where(np.isnan(numbers), Quality.BAD_NO_DATA, Quality.BAD_OUT_OF_RANGE)
    return np.where(silent, why, quality).astype(np.uint16)
