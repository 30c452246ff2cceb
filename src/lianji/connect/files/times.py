"""A time column to microseconds UTC, whole columns at a time, with a reason where it is none."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lianji.base.errors import Text
from lianji.connect.files.options import ImportOptions
from lianji.connect.files.pieces import refuse
from lianji.connect.files.time_patterns import EPOCHS, epoch_by_size, pattern_for
from lianji.connect.files.zones import SECOND_US, to_utc, zone_named
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN

Integers = NDArray[np.int64]
_DAY_US = 86_400 * SECOND_US
_MONTHS = pa.array("jan feb mar apr may jun jul aug sep oct nov dec".split())  # noqa: SIM905  # reads better
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

EMPTY, UNREADABLE, OUTSIDE, TWICE, NEVER = 1, 2, 3, 4, 5
REASONS = {
    EMPTY: Text("the row has no time", "该行没有时间"),
    UNREADABLE: Text("not a time in the file's format", "不符合文件的时间格式"),
    OUTSIDE: Text("the time lies outside 1900 to 2200", "时间超出 1900 至 2200 年"),
    TWICE: Text(
        "this local time was there twice (clocks were set back); see --fold",
        "该本地时间出现两次（时钟回拨）；见 --fold",
    ),
    NEVER: Text(
        "this local time never was (clocks were set forward)", "该本地时间不存在（时钟拨快）"
    ),
}


class Times(NamedTuple):
    """int64 (n,) microseconds UTC, and uint8 (n,): 0, or which of REASONS it is no time for."""

    times_us: Integers
    problem: NDArray[np.uint8]


class _Local(NamedTuple):
    """Parsed parts: local or UTC microseconds, offset (s) where one is written, and what fails."""

    times_us: Integers
    zoned: NDArray[np.bool_]
    bad: NDArray[np.bool_]


class TimeReader:
    """Reads the time column of one file; made from its first rows."""

    def __init__(self, cells: pa.Array, column: str, options: ImportOptions) -> None:
        self._column = column
        self._options = options
        self._zone: ZoneInfo | None = zone_named(options.zone) if options.zone else None
        self._pattern = ""
        wanted = options.time_format
        if pa.types.is_string(cells.type):
            self._pattern = pattern_for(cells, wanted, column)
        elif not pa.types.is_timestamp(cells.type):
            self._pattern = wanted if wanted in EPOCHS else self._by_numbers(cells)

    def _by_numbers(self, cells: pa.Array) -> str:
        if pa.types.is_integer(cells.type) or pc.all(pc.equal(pc.floor(cells), cells)).as_py():
            return pattern_for(_digits(cells), self._options.time_format, self._column)
        sizes = np.abs(pc.cast(cells.drop_null(), pa.float64()).to_numpy())
        return epoch_by_size(float(np.median(sizes))) if len(sizes) else "epoch_s"

    def read(self, cells: pa.Array) -> Times:
        """The times of a block's column."""
        empty = cells.is_null().to_numpy(zero_copy_only=False)
        local = self._local(cells)
        problem = np.where(local.bad, UNREADABLE, 0).astype(np.uint8)
        times = local.times_us
        naive = ~local.zoned & ~empty & ~local.bad
        if self._options.midnight_ends_day:
            times = np.where(naive & (times % _DAY_US == 0), times + _DAY_US, times)
        if naive.any():
            times = self._from_local(times, naive, problem)
        outside = (times < TIME_US_MIN) | (times > TIME_US_MAX)
        problem[outside & (problem == 0)] = OUTSIDE
        problem[empty] = EMPTY
        return Times(times, problem)

    def _from_local(
        self, times: Integers, naive: NDArray[np.bool_], problem: NDArray[np.uint8]
    ) -> Integers:
        if self._zone is None:
            raise refuse(
                "zone",
                f"The times in column '{self._column}' name no time zone.",
                f"列“{self._column}”的时间没有时区。",
                "Give their zone, such as --zone Asia/Shanghai.",
                "请指定时区，例如 --zone Asia/Shanghai。",
            )
        sound = naive & (times >= TIME_US_MIN) & (times <= TIME_US_MAX)
        fold = self._options.fold
        utc, twice, never = to_utc(times[sound], self._zone, fold == "later")
        times = times.copy()
        times[sound] = utc
        flags = np.where(never, NEVER, np.where(twice & (fold == "reject"), TWICE, 0))
        problem[sound] = flags.astype(np.uint8)
        return times

    def _local(self, cells: pa.Array) -> _Local:
        if pa.types.is_timestamp(cells.type):
            return _from_timestamps(cells)
        if self._pattern in EPOCHS:
            return _from_epoch(cells, EPOCHS[self._pattern])
        if not pa.types.is_string(cells.type):
            cells = _digits(cells)
        quick = None if self._custom else _quickly(cells)
        return quick or _from_parts(cells, self._pattern)

    @property
    def _custom(self) -> bool:
        """Only year-first texts may be read by Arrow's own reader, which knows ISO 8601 alone."""
        return not self._pattern.startswith(r"^\s*(?P<year>\d{4})[-/")


def _digits(cells: pa.Array) -> pa.Array:
    return pc.cast(pc.cast(cells, pa.int64(), safe=False), pa.string())


def _flags(rows: int, value: bool) -> NDArray[np.bool_]:
    return np.full(rows, value)


def _integers(cells: pa.Array) -> Integers:
    return np.array(pc.fill_null(cells.cast(pa.int64()), 0).to_numpy(zero_copy_only=False))


def _from_timestamps(cells: pa.Array) -> _Local:
    """Rounded down to microseconds; what does not fit into them lies outside anyway."""
    zoned = cells.type.tz is not None
    whole = pc.cast(cells, pa.timestamp("us", cells.type.tz), safe=False)
    rows = len(cells)
    return _Local(_integers(whole), _flags(rows, zoned), _flags(rows, False))


def _from_epoch(cells: pa.Array, unit_us: int) -> _Local:
    rows = len(cells)
    bad = _flags(rows, False)
    if pa.types.is_string(cells.type):
        plain = pc.utf8_trim_whitespace(cells)
        good = pc.match_substring_regex(plain, r"^-?\d{1,18}(?:\.\d+)?$|^-?\d{19}$")
        bad = ~np.array(pc.fill_null(good, True).to_numpy(zero_copy_only=False))
        cells = pc.if_else(good, plain, None)
        whole = pc.match_substring_regex(cells, r"^-?\d+$")
        cells = cells.cast(pa.int64() if pc.all(whole).as_py() else pa.float64())
    if pa.types.is_integer(cells.type):
        counts = _integers(cells)
        huge = np.abs(counts) > TIME_US_MAX // max(unit_us, 1) if unit_us else bad
        times = np.where(huge, TIME_US_MAX + 1, counts * unit_us) if unit_us else counts // 1000
        return _Local(times, _flags(rows, True), bad)
    amounts = np.nan_to_num(np.array(pc.fill_null(cells, 0.0).to_numpy(zero_copy_only=False)))
    scaled = np.rint(amounts * (unit_us or 0.001))
    times = np.clip(scaled, TIME_US_MIN - 1, TIME_US_MAX + 1).astype(np.int64)
    return _Local(times, _flags(rows, True), bad)


def _quickly(cells: pa.Array) -> _Local | None:
    """Arrow's ISO 8601 reader, where every cell is of its kind."""
    rows = len(cells)
    for zone in (None, "UTC"):
        try:
            times = pc.cast(cells, pa.timestamp("us", zone))
        except pa.ArrowInvalid:
            continue
        return _Local(_integers(times), _flags(rows, zone is not None), _flags(rows, False))
    return None


def _from_parts(cells: pa.Array, pattern: str) -> _Local:
    parts = pc.extract_regex(cells, pattern)
    missed = parts.is_null().to_numpy(zero_copy_only=False)
    present = {field.name for field in parts.type}

    def number(name: str, otherwise: int = 0) -> Integers:
        if name not in present:
            return np.full(len(cells), otherwise, dtype=np.int64)
        text = pc.struct_field(parts, name)
        return _integers(pc.if_else(pc.equal(text, ""), str(otherwise), text))

    year, day, hour = number("year"), number("day"), number("hour")
    year = np.where(year < 100, year + np.where(year < 69, 2000, 1900), year)
    month = _month_numbers(parts) if "name" in present else number("month")
    minute, second = number("minute"), number("second")
    bad = missed | _impossible(year, month, day) | (minute > 59) | (second > 59)
    if "half" in present:
        half = pc.utf8_lower(pc.struct_field(parts, "half")).fill_null("")
        pm, am = (
            np.array(pc.equal(half, word).to_numpy(zero_copy_only=False)) for word in ("pm", "am")
        )
        bad |= (pm | am) & ((hour > 12) | (hour == 0))
        hour = np.where(pm | am, hour % 12 + 12 * pm, hour)
    bad |= (hour > 24) | ((hour == 24) & ((minute > 0) | (second > 0)))
    seconds = _days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    times: Integers = np.where(bad, 0, seconds).astype(np.int64) * SECOND_US
    if "fraction" in present:
        text = pc.utf8_slice_codeunits(
            pc.utf8_rpad(pc.struct_field(parts, "fraction"), 6, "0"), 0, 6
        )
        times = times + _integers(text)
    zoned, offset_s = (missed & False), 0 * day
    if "zone" in present:
        zoned, offset_s = _zones(pc.struct_field(parts, "zone"))
    return _Local(times - offset_s * SECOND_US, zoned & ~missed, bad & ~_null(cells))


def _null(cells: pa.Array) -> NDArray[np.bool_]:
    return np.array(cells.is_null().to_numpy(zero_copy_only=False))


def _zones(text: pa.Array) -> tuple[NDArray[np.bool_], Integers]:
    """Whether a zone is written, and its offset in seconds."""
    zones = text.fill_null("").dictionary_encode()
    words = zones.dictionary.to_pylist()
    offsets = np.array([_offset_s(word) for word in words] or [0], dtype=np.int64)
    written = np.array([word != "" for word in words] or [False])
    places = zones.indices.to_numpy()
    return written[places], offsets[places]


def _offset_s(zone: str) -> int:
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _month_numbers(parts: pa.StructArray) -> Integers:
    names = pc.utf8_lower(pc.struct_field(parts, "name"))
    return _integers(pc.add(pc.fill_null(pc.index_in(names, _MONTHS), -1), 1))


def _impossible(year: Integers, month: Integers, day: Integers) -> NDArray[np.bool_]:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    wrong = (month < 1) | (month > 12)
    last = _MONTH_DAYS[np.where(wrong, 1, month)] + (leap & (month == 2))
    return np.asarray(wrong | (day < 1) | (day > last) | (year < 1))


def _days(year: Integers, month: Integers, day: Integers) -> Integers:
    """Days since 1970-01-01 of the proleptic Gregorian calendar."""
    shifted = year - (month <= 2)
    century = shifted // 100
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * shifted + shifted // 4 - century + century // 4 + in_year - 719_468
