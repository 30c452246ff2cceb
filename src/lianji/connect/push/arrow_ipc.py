"""Arrow IPC to columns: the fastest way in, for programs that have samples in columns already.

The body is an IPC stream (or file), plain or compressed with LZ4 or zstd, of a long table:

| column  | type                                                              |          |
|---------|-------------------------------------------------------------------|----------|
| tag     | string or dictionary of strings: the tag path                     | required |
| time    | timestamp of any unit (without a zone: UTC), or int64 microseconds| required |
| value   | any integer or float, bool, string, or dictionary of strings      | (*)      |
| text    | string or dictionary of strings                                   | (*)      |
| quality | uint16: the high 16 bits of an OPC UA StatusCode; uint32: all 32  | optional |

(*) One of the two at least. Strings in ``value`` are texts; then there is no column ``text``.
Without ``quality`` all is Good. Null values are allowed, null tags, times and qualities are not.
It is all or nothing: an error anywhere refuses the body, and nothing of it was taken.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.connect.push.ipc_size import WrongClaim, check_claims
from lianji.connect.push.naming import check_prefix
from lianji.connect.push.parsed import Parsed, Precision, check_body_size, times_to_us
from lianji.connect.push.recent import Recent
from lianji.dictionary.tag import check_path

_FILE_MAGIC = b"ARROW1\0\0"
_COLUMNS = {"tag", "time", "value", "text", "quality"}
_BROKEN = (pa.ArrowException, OSError, EOFError, ValueError, TypeError, KeyError, OverflowError)
_REMEDY = Text(
    "Send an Arrow IPC stream with the columns tag, time and value (text and quality if wanted); "
    "nothing of this body was taken.",
    "请发送含 tag、time、value 列（可选 text、quality 列）的 Arrow IPC 流；"
    "本次请求未接收任何数据。",
)


class ArrowParser:
    """A parser that remembers which tag paths are well formed.

    Keep one for each prefix; it may be shared by threads. Remembers at most twice ``paths_max``
    paths. Raises ValueError for a prefix that no tag path can begin with.
    """

    def __init__(self, prefix: str = "", paths_max: int = 100_000) -> None:
        self._prefix = check_prefix(prefix)
        self._paths: Recent[str] = Recent(self._path, paths_max)

    def parse(self, body: bytes) -> Parsed:
        """All samples of ``body``, in its order; arrays are views of it where they can be.

        Raises InputError for anything that is not as the module says, and for a body above
        ``BODY_BYTES_MAX`` or ``EXPANDED_BYTES_MAX``.
        """
        check_body_size(body)
        table = _read(body)
        paths, path_index = self._tags(_one(table, "tag"))
        values, texts = _values(table)
        return Parsed(paths, path_index, _times(table), values, _quality(table), texts)

    def _path(self, tag: str) -> str:
        try:
            return check_path(self._prefix + tag)
        except ValueError as error:
            raise _wrong(
                f"The tag {tag[:200]!r} is not a tag path: {error}.",
                f"标签 {tag[:200]!r} 不是合法的标签路径。",
            ) from None

    def _tags(self, column: pa.Array) -> tuple[list[str], NDArray[np.int32]]:
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        names = encoded.dictionary
        seen = np.zeros(len(names), bool)
        seen[codes] = True
        used = np.flatnonzero(seen)
        tags = (names if len(used) == len(names) else names.take(pa.array(used))).to_pylist()
        if None in tags:
            raise _null("tag")
        paths: dict[str, int] = {}
        numbers = [paths.setdefault(str(path), len(paths)) for path in self._paths.all(tags)]
        table = np.zeros(len(names), np.int32)
        table[used] = numbers
        return list(paths), table[codes]


def parse_arrow(body: bytes, prefix: str = "") -> Parsed:
    """One body by itself; see ``ArrowParser.parse``."""
    return ArrowParser(prefix).parse(body)


def _wrong(en: str, zh: str) -> InputError:
    return InputError("arrow-invalid", Text(en, zh), _REMEDY)


def _null(name: str) -> InputError:
    return _wrong(f"The column {name} holds a null.", f"列 {name} 含有空值。")


def _wrong_type(name: str, found: pa.DataType) -> InputError:
    return _wrong(
        f"The column {name} has the type {found}, which cannot be read as one.",
        f"列 {name} 的类型 {found} 不受支持。",
    )


def _read(body: bytes) -> pa.Table:
    """The whole table with sound buffers and known columns, tags in one dictionary."""
    # A file is a stream between a magic word and a footer that only seekers need.
    stream = memoryview(body)[len(_FILE_MAGIC) :] if body[:8] == _FILE_MAGIC else memoryview(body)
    try:
        check_claims(stream)
        with pa.ipc.open_stream(pa.py_buffer(stream)) as reader:
            _check_columns(reader.schema)
            table = reader.read_all()
        table.validate(full=True)
        return table.unify_dictionaries() if table.column("tag").num_chunks > 1 else table
    except InputError:
        raise
    except WrongClaim as claim:
        raise _wrong(
            f"The Arrow stream cannot be read: {claim}.", f"无法读取 Arrow 流：{claim}。"
        ) from None
    except _BROKEN as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise _wrong(
            f"The body is not a sound Arrow IPC stream: {reason}.",
            f"请求体不是完整有效的 Arrow IPC 流：{reason}。",
        ) from error


def _check_columns(schema: pa.Schema) -> None:
    names = schema.names
    missing = sorted({"tag", "time"} - set(names))
    if missing or len(set(names)) < len(names) or not set(names) <= _COLUMNS:
        raise _wrong(
            f"The columns are {', '.join(names)[:200]}.", f"列为 {', '.join(names)[:200]}。"
        )
    if not _is_text(schema.field("tag").type):
        raise _wrong_type("tag", schema.field("tag").type)
    time = schema.field("time").type
    if not (pa.types.is_timestamp(time) or time == pa.int64()):
        raise _wrong_type("time", time)
    if "quality" in names and schema.field("quality").type not in (pa.uint16(), pa.uint32()):
        raise _wrong_type("quality", schema.field("quality").type)
    if "text" in names and not _is_text(schema.field("text").type):
        raise _wrong_type("text", schema.field("text").type)
    _check_values(schema)


def _check_values(schema: pa.Schema) -> None:
    names = schema.names
    if "value" not in names:
        if "text" not in names:
            raise _wrong(
                "There is neither a column value nor a column text.",
                "既没有 value 列，也没有 text 列。",
            )
        return
    value = schema.field("value").type
    if _is_text(value):
        if "text" in names:
            raise _wrong(
                "The column value holds strings although there is a column text.",
                "已有 text 列时，value 列不能是字符串。",
            )
    elif not (
        pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_boolean(value)
    ):
        raise _wrong_type("value", value)


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain))


def _one(table: pa.Table, name: str) -> pa.Array:
    """A column in one piece, without nulls."""
    column = table.column(name)
    if column.null_count:
        raise _null(name)
    return _joined(column)


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _times(table: pa.Table) -> NDArray[np.int64]:
    column = _one(table, "time")
    units: dict[str, Precision] = {"s": "s", "ms": "ms", "us": "us", "ns": "ns"}
    unit = units[column.type.unit] if pa.types.is_timestamp(column.type) else "us"
    times, outside = times_to_us(column.view(pa.int64()).to_numpy(), unit)
    if outside is not None:
        row = int(np.flatnonzero(outside)[0]) + 1
        raise _wrong(
            f"The time of row {row} lies outside 1900 to 2200.",
            f"第 {row} 行的时间超出 1900 至 2200 年。",
        )
    return times


def _values(table: pa.Table) -> tuple[NDArray[np.float64], pa.StringArray | None]:
    names = table.column_names
    texts = _texts(table.column("text")) if "text" in names else None
    if "value" not in names:
        return np.full(table.num_rows, np.nan), texts
    column = _joined(table.column("value"))
    if _is_text(column.type):
        return np.full(table.num_rows, np.nan), _texts(table.column("value"))
    numbers = pc.cast(column, pa.float64(), safe=False)
    if numbers.null_count:
        numbers = pc.fill_null(numbers, np.nan)
    return np.asarray(numbers.to_numpy(zero_copy_only=False)), texts


def _texts(column: pa.ChunkedArray) -> pa.StringArray | None:
    if column.null_count == len(column):
        return None
    return pc.cast(_joined(column), pa.string())


def _quality(table: pa.Table) -> NDArray[np.uint16]:
    if "quality" not in table.column_names:
        return np.zeros(table.num_rows, np.uint16)
    codes = _one(table, "quality").to_numpy()
    return np.asarray(codes if codes.dtype == np.uint16 else codes >> 16, np.uint16)
