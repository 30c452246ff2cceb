"""Which column is what: decided once a file, from its header and its first rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

import pyarrow as pa
import pyarrow.compute as pc

from lianji.base.clock import to_us
from lianji.base.errors import InputError
from lianji.connect.files.names import column_path
from lianji.connect.files.numbers import is_text, uses_decimal_comma
from lianji.connect.files.options import ImportOptions
from lianji.connect.files.pieces import Block, Source, refuse
from lianji.connect.files.time_patterns import looks_like_times
from lianji.connect.files.times import TimeReader
from lianji.connect.files.zones import zone_named
from lianji.dictionary.tag import check_path

_TIME_NAMES = (
    "time", "timestamp", "datetime", "date_time", "date", "ts", "time_stamp", "utc", "zeit",
    "zeitstempel", "datum", "zeitpunkt", "epoch", "时间", "时间戳", "日期时间", "采集时间",
    "采样时间", "记录时间", "数据时间", "日期",
)  # fmt: skip
_DATE_NAMES = ("date", "datum", "日期", "day")
_CLOCK_NAMES = ("time", "zeit", "uhrzeit", "时间", "clock", "time_of_day")
_ROLES = {
    "tag": ("tag", "path", "name", "signal", "tagname", "tag_name", "point", "point_id", "variable",
            "item", "标签", "路径", "测点", "点名", "位号", "变量", "标签名", "测点名", "测点名称"),
    "value": ("value", "val", "wert", "reading", "值", "数值", "测量值", "采样值"),
    "quality": ("quality", "status", "statuscode", "opc_quality", "质量", "质量码", "状态"),
    "text": ("text", "string", "value_text", "文本", "字符串", "文字"),
}  # fmt: skip
_CLOCK = r"^\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*$"
_STEP = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|sec|min|m|h|d)?", re.IGNORECASE)
_STEP_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "sec": 1_000_000, "min": 60_000_000,
            "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Channel:
    """A column of a wide file that is a tag."""

    column: int
    path: str
    text: bool


@dataclass(frozen=True, slots=True)
class Clock:
    """Times for a file without: the first row's, and from row to row (microseconds)."""

    start_us: int
    step_us: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How every block of the file is read."""

    names: list[str]
    time_columns: tuple[int, ...]
    times: TimeReader | Clock
    decimal_comma: bool
    channels: tuple[Channel, ...]
    """Of a wide file; empty for a long one."""
    roles: dict[str, int]
    """Of a long file: the columns ``tag``, ``value``, ``quality`` and ``text``."""

    @property
    def time_name(self) -> str:
        return "+".join(self.names[column] for column in self.time_columns)


def layout_of(source: Source, block: Block, options: ImportOptions) -> Layout:
    """Decide from the names and the first block. Raises InputError where it stays open."""
    names = source.names
    _check_names(names, options)
    roles = _roles(names, options)
    time_columns = _time_columns(names, block.columns, options)
    times: TimeReader | Clock
    if options.start or options.step:
        times = _clock(options)
    elif time_columns:
        label = "+".join(names[column] for column in time_columns)
        times = TimeReader(time_cells(block.columns, time_columns), label, options)
    else:
        raise refuse(
            "no-time",
            f"None of the columns is a time: {', '.join(names)}.",
            f"没有时间列：{'、'.join(names)}。",
            "Name it with --time, or give --start and --step for a file without times.",
            "请用 --time 指定；没有时间列的文件请给出 --start 和 --step。",
        )
    rest = [column for column in range(len(names)) if column not in time_columns]
    comma = _decimal_comma(names, block.columns, rest, options)
    channels = () if roles else _channels(names, block.columns, rest, comma, options)
    return Layout(names, time_columns, times, comma, channels, roles)


def time_cells(columns: Sequence[pa.Array], chosen: tuple[int, ...]) -> pa.Array:
    """The time column, or a date and a clock column as one text."""
    if len(chosen) == 1:
        return columns[chosen[0]]
    texts = []
    for column in chosen:
        cells = columns[column]
        if pa.types.is_timestamp(cells.type):
            cells = pc.strftime(cells, "%Y-%m-%d")
        texts.append(cells.cast(pa.string()))
    return pc.binary_join_element_wise(*texts, " ")


def _check_names(names: list[str], options: ImportOptions) -> None:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise refuse(
            "columns",
            f"Columns are there twice: {', '.join(twice)}.",
            f"列名重复：{'、'.join(twice)}。",
            "Give every column a name of its own.",
            "请为每一列取不同的名称。",
        )
    for name in options.columns:
        if name not in names:
            raise _no_column(name, names)


def _no_column(name: str, names: list[str]) -> InputError:
    near = get_close_matches(name, names, 1, 0.5)
    return refuse(
        "columns",
        f"The file has no column '{name}'." + (f" Did you mean '{near[0]}'?" if near else ""),
        f"文件中没有列“{name}”。" + (f"是否为“{near[0]}”？" if near else ""),
        f"Its columns are: {', '.join(names)}.",
        f"文件的列：{'、'.join(names)}。",
    )


def _plain(name: str) -> str:
    """A name without its unit or remark in brackets, in small letters."""
    return re.sub(r"\s*[\[(（].*$", "", name).strip().lower().replace(" ", "_")


def _roles(names: list[str], options: ImportOptions) -> dict[str, int]:
    if options.form == "wide":
        return {}
    plain = [_plain(name) for name in names]
    roles: dict[str, int] = {}
    for role, known in _ROLES.items():
        said = [names.index(name) for name, what in options.columns.items() if what == role]
        found = said or [plain.index(name) for name in known if name in plain]
        if found and found[0] not in roles.values():
            roles[role] = found[0]
    if "tag" in roles and ("value" in roles or "text" in roles):
        return roles
    if options.form == "auto":
        return {}
    raise refuse(
        "columns",
        f"A long file has a column 'tag' and a column 'value'; this one has: {', '.join(names)}.",
        f"长表须有“tag”（标签）列和“value”（值）列；该文件的列为：{'、'.join(names)}。",
        "Say which they are with --column NAME=tag and --column NAME=value.",
        "请用 --column 列名=tag 和 --column 列名=value 指明。",
    )


def _time_columns(
    names: list[str], columns: list[pa.Array], options: ImportOptions
) -> tuple[int, ...]:
    if options.time:
        parts = [options.time] if options.time in names else options.time.split("+")
        for part in parts:
            if part not in names:
                raise _no_column(part, names)
        return tuple(names.index(part) for part in parts)
    plain = [_plain(name) for name in names]
    for date in (plain.index(name) for name in _DATE_NAMES if name in plain):
        for clock in (plain.index(name) for name in _CLOCK_NAMES if name in plain):
            if clock != date and _is_clock(columns[clock]):
                return (date, clock)
    for name in _TIME_NAMES:
        if name in plain:
            return (plain.index(name),)
    for number, cells in enumerate(columns):
        if pa.types.is_timestamp(cells.type):
            return (number,)
        if pa.types.is_string(cells.type) and looks_like_times(cells):
            return (number,)
    return ()


def _is_clock(cells: pa.Array) -> bool:
    some = cells.slice(0, 1000).drop_null()
    if not len(some) or not pa.types.is_string(cells.type):
        return False
    return bool(pc.all(pc.match_substring_regex(some, _CLOCK)).as_py())


def _clock(options: ImportOptions) -> Clock:
    step = _STEP.fullmatch(options.step.strip())
    try:
        start = datetime.fromisoformat(options.start)
    except ValueError:
        start = None
    if start is None or step is None or float(step[1]) == 0:
        raise refuse(
            "clock",
            f"'{options.start}' and '{options.step}' are not a start and a step.",
            f"“{options.start}”和“{options.step}”不是有效的起始时间和步长。",
            "Write them like --start 2024-01-01T00:00 --step 15min.",
            "请写成 --start 2024-01-01T00:00 --step 15min 的形式。",
        )
    if start.tzinfo is None:
        if not options.zone:
            raise refuse(
                "zone",
                "The start names no time zone.",
                "起始时间没有时区。",
                "Give it, such as 2024-01-01T00:00+08:00, or --zone Asia/Shanghai.",
                "请写明时区，例如 2024-01-01T00:00+08:00，或用 --zone Asia/Shanghai。",
            )
        start = start.replace(tzinfo=zone_named(options.zone))
    return Clock(to_us(start), round(float(step[1]) * _STEP_US[(step[2] or "s").lower()]))


def _decimal_comma(
    names: list[str],
    columns: list[pa.Array],
    rest: list[int],
    options: ImportOptions,
) -> bool:
    if options.decimal != "auto":
        return options.decimal == ","
    asked = [column for column in rest if options.columns.get(names[column]) != ""]
    return uses_decimal_comma([columns[c] for c in asked], [names[c] for c in asked])


def _channels(
    names: list[str],
    columns: list[pa.Array],
    rest: list[int],
    decimal_comma: bool,
    options: ImportOptions,
) -> tuple[Channel, ...]:
    channels: dict[str, Channel] = {}
    for column in rest:
        name = names[column]
        if options.columns.get(name) == "":
            continue
        try:
            given = options.columns.get(name)
            path = check_path(given) if given else column_path(options.prefix, name, column + 1)
        except ValueError as error:
            raise refuse(
                "columns",
                f"Column '{name}' cannot be a tag: {error}.",
                f"列“{name}”不能作为标签：{error}。",
                "Give it a path with --column NAME=PATH, or leave it out with --column NAME=.",
                "请用 --column 列名=路径 指定路径，或用 --column 列名= 略去该列。",
            ) from error
        if path in channels:
            raise refuse(
                "columns",
                f"The columns '{names[channels[path].column]}' and '{name}' are both {path}.",
                f"列“{names[channels[path].column]}”和“{name}”都对应 {path}。",
                "Give one of them another path with --column NAME=PATH.",
                "请用 --column 列名=路径 为其中一列指定其他路径。",
            )
        channels[path] = Channel(column, path, is_text(columns[column], decimal_comma))
    return tuple(channels.values())
