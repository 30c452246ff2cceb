"""The samples of a record, column by column, in few bytes also where a record has few rows.

An Arrow message costs 400 bytes before its first sample, and a general compressor does little with
a hundred float64. What machines say is mostly a whole number in disguise (23.45 is 2345 / 100, or
2345 * 0.01, or the float32 next to it), the tags of a device are its tags in order, and a block has
one time. So a column is a constant, a progression, or numbers above their least, as planes: all
lowest bytes, then all second bytes, each squeezed (zstd) where that helps. Nothing is rounded: a
value that a disguise does not give back bit by bit is kept as it is.

    ints    form (1 byte), two signed 64-bit numbers, then planes (each: length, bytes)
              CONSTANT value, 0; PROGRESSION first, step; ABOVE least, 0; STEPS first, least step
    mask    form (1 byte: all, none, bits), then the bits
    column  tag ints, time ints, quality ints, mask of values, values, mask of texts, texts
    values  form (1 byte), decimals (1 byte), then by form bits as ints, or a mask of the rows that
            fit, their ints, and the bits of the others as ints
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import SCHEMA, TIME_TYPE

ROWS_MAX = 8_000_000
TEXT_BYTES_MAX = 256 * 1024 * 1024
"""A record with more is none: what a sender claims must not take memory without end."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Parts = list[bytes | memoryview]

CONSTANT, PROGRESSION, ABOVE, STEPS = range(4)
ALL, NONE, BITS = range(3)
DOUBLES, SINGLES, QUOTIENTS, PRODUCTS, SINGLE_QUOTIENTS = range(5)
_INTS = struct.Struct("<Bqq")
_LENGTH = struct.Struct("<I")
_CODEC = pa.Codec("zstd", compression_level=1)
_TRIED_FROM = 512
_OVERHEAD_BYTES = 24
_DECIMALS = 7
_POWERS = 10.0 ** np.arange(_DECIMALS)
_PARTS = np.array([float(f"1e-{decimals}") for decimals in range(_DECIMALS)])
_LOOKED_AT = 32
_WHOLE_MAX = 2.0**31
_GROUPS = {
    count: [(0, count - 3)] * (count > 3) + [(at, at + 1) for at in range(max(0, count - 3), count)]
    for count in range(1, 9)
}
"""Planes that are squeezed together: the low ones of long numbers are noise, and go in one try."""
_EMPTY: Ints = np.empty(0, np.int64)


@dataclass(slots=True)
class _Taken:
    """What is being read, and where it goes on."""

    data: memoryview
    at: int = 0

    def take(self, count: int) -> memoryview:
        """Raises ValueError if there are not so many bytes."""
        found = self.data[self.at : self.at + count]
        if len(found) != count:
            raise ValueError("the columns end early")
        self.at += count
        return found

    def unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        return form.unpack(self.take(form.size))


def encode_columns(samples: pa.RecordBatch) -> tuple[Parts, int, int]:
    """The parts of a record batch of the batch schema of at most ``ROWS_MAX`` rows, and its first
    and last time (microseconds since 1970 UTC; 0 if there are no rows)."""
    parts: Parts = []
    tag, time, value, text, quality = samples.columns
    _put_ints(parts, tag.to_numpy(zero_copy_only=False).astype(np.int64))
    start, end = _put_ints(parts, time.view(pa.int64()).to_numpy())
    _put_ints(parts, quality.to_numpy().astype(np.int64))
    there = _put_valid(parts, value)
    numbers = value.to_numpy(zero_copy_only=False)
    _put_values(parts, numbers if there is None else numbers[there])
    _put_valid(parts, text)
    if text.null_count < len(text):
        _put_texts(parts, text.drop_null())
    return parts, start, end


def decode_columns(data: memoryview, rows: int) -> pa.RecordBatch:
    """What ``encode_columns`` made. Raises ValueError, struct.error or ArrowException."""
    if rows > ROWS_MAX:
        raise ValueError(f"{rows} rows in one record")
    taken = _Taken(data)
    tag = pa.array(_take_ints(taken, rows).astype(np.int32))
    time = pa.array(_take_ints(taken, rows)).view(TIME_TYPE)
    quality = pa.array(_take_ints(taken, rows).astype(np.uint16))
    there = _take_mask(taken, rows)
    numbers = _take_values(taken, rows if there is None else int(there.sum()))
    value = pa.array(numbers) if there is None else _spread(numbers, there)
    there = _take_mask(taken, rows)
    count = rows if there is None else int(there.sum())
    if not count:
        text = pa.nulls(rows, pa.string())
    else:
        text = _take_texts(taken, count)
        if there is not None:
            text = text.take(pa.array(np.cumsum(there) - 1, mask=~there))
    return pa.RecordBatch.from_arrays([tag, time, value, text, quality], schema=SCHEMA)


# -- whole numbers ---------------------------------------------------------------------------------


def _put_ints(parts: Parts, values: Ints) -> tuple[int, int]:
    """Returns the least and the greatest."""
    if not len(values):
        return 0, 0
    low, high = _least(values), _most(values)
    if low == high:
        parts.append(_INTS.pack(CONSTANT, low, 0))
        return low, high
    first = int(values[0])
    steps = values[1:] - values[:-1]  # wraps, and so does the sum that undoes it
    step_low, step_high = _least(steps), _most(steps)
    if step_low == step_high:
        parts.append(_INTS.pack(PROGRESSION, first, step_low))
    elif _bytes_for(step_high - step_low) < _bytes_for(high - low):
        parts.append(_INTS.pack(STEPS, first, step_low))
        _put_planes(parts, steps - step_low, _bytes_for(step_high - step_low))
    else:
        parts.append(_INTS.pack(ABOVE, low, 0))
        _put_planes(parts, values - low, _bytes_for(high - low))
    return low, high


def _take_ints(taken: _Taken, rows: int) -> Ints:
    if not rows:
        return _EMPTY
    form, first, step = taken.unpack(_INTS)
    if form == CONSTANT:
        return np.full(rows, first, np.int64)
    if form == ABOVE:
        return _take_planes(taken, rows) + np.int64(first)
    if form not in (PROGRESSION, STEPS):
        raise ValueError(f"no form of whole numbers: {form}")
    found = np.full(rows, step, np.int64)
    if form == STEPS:
        found[1:] += _take_planes(taken, rows - 1)
    found[0] = first
    return np.cumsum(found)


def _least(values: Ints) -> int:
    return int(np.minimum.reduce(values))


def _most(values: Ints) -> int:
    return int(np.maximum.reduce(values))


def _bytes_for(greatest: int) -> int:
    return max(1, (greatest.bit_length() + 7) // 8)


def _put_planes(parts: Parts, values: Ints, count: int) -> None:
    """Numbers of at most ``count`` bytes each, none below 0 when read without sign."""
    planes = np.ascontiguousarray(values.view(np.uint8).reshape(-1, 8)[:, :count].T)
    parts.append(bytes([count]))
    for start, end in _GROUPS[count]:
        _put_squeezed(parts, planes[start:end].tobytes())


def _take_planes(taken: _Taken, rows: int) -> Ints:
    (count,) = taken.take(1)
    if not 1 <= count <= 8:
        raise ValueError(f"{count} planes")
    planes = np.zeros((rows, 8), np.uint8)
    for start, end in _GROUPS[count]:
        squeezed = _take_squeezed(taken, rows * (end - start))
        planes[:, start:end] = np.frombuffer(squeezed, np.uint8).reshape(-1, rows).T
    return planes.reshape(-1).view(np.int64)


def _put_squeezed(parts: Parts, plain: bytes) -> None:
    if _is_worth_a_try(plain):
        squeezed = _CODEC.compress(plain, asbytes=True)
        if len(squeezed) < len(plain):
            parts += (_LENGTH.pack(len(squeezed)), squeezed)
            return
    parts += (_LENGTH.pack(len(plain)), plain)


def _is_worth_a_try(plain: bytes) -> bool:
    """Of few bytes the compressor's own overhead is known, and trying costs more than looking."""
    size = len(plain)
    if size >= _TRIED_FROM:
        return True
    bits = len(set(plain)).bit_length()
    return size * (8 - bits) > 8 * _OVERHEAD_BYTES


def _take_squeezed(taken: _Taken, size: int) -> memoryview | bytes:
    (length,) = taken.unpack(_LENGTH)
    content = taken.take(length)
    if length == size:
        return content
    try:
        return bytes(_CODEC.decompress(pa.py_buffer(content), size, asbytes=True))
    except OSError as error:  # so Arrow says that it is no zstd
        raise ValueError(str(error)) from error


# -- masks -----------------------------------------------------------------------------------------


def _put_valid(parts: Parts, column: pa.Array) -> Mask | None:
    if not column.null_count:
        parts.append(bytes([ALL]))
        return None
    return _put_mask(parts, _valid(column))


def _valid(column: pa.Array) -> Mask:
    """As Arrow's own ``is_valid`` tells, which would load its compute functions (9 MB)."""
    if column.null_count == len(column):
        return np.zeros(len(column), bool)
    bits = np.frombuffer(column.buffers()[0], np.uint8)
    start = column.offset
    plain = np.unpackbits(bits, count=start + len(column), bitorder="little")
    return plain[start:].astype(bool)


def _put_mask(parts: Parts, mask: Mask) -> Mask | None:
    """None if it is all."""
    if mask.all():
        parts.append(bytes([ALL]))
        return None
    if not mask.any():
        parts.append(bytes([NONE]))
        return mask
    parts.append(bytes([BITS]))
    _put_squeezed(parts, np.packbits(mask).tobytes())
    return mask


def _take_mask(taken: _Taken, rows: int) -> Mask | None:
    (form,) = taken.take(1)
    if form == ALL:
        return None
    if form == NONE:
        return np.zeros(rows, bool)
    bits = np.frombuffer(_take_squeezed(taken, (rows + 7) // 8), np.uint8)
    return np.unpackbits(bits, count=rows).astype(bool)


def _spread(numbers: Floats, there: Mask) -> pa.Array:
    values = np.zeros(len(there))
    values[there] = numbers
    return pa.array(values, mask=~there)


# -- values ----------------------------------------------------------------------------------------


def _put_values(parts: Parts, values: Floats) -> None:
    if not len(values):
        return
    with np.errstate(all="ignore"):
        singles = values.astype(np.float32)
        is_single = bool((singles == values).all())
        form, decimals = _disguise(values, is_single)
        if form == SINGLES:
            parts.append(bytes([SINGLES, 0]))
            _put_ints(parts, singles.view(np.int32).astype(np.int64))
        elif form == DOUBLES:
            parts.append(bytes([DOUBLES, 0]))
            _put_ints(parts, values.view(np.int64))
        else:
            parts.append(bytes([form, decimals]))
            _put_disguised(parts, values, form, decimals)


def _put_disguised(parts: Parts, values: Floats, form: int, decimals: int) -> None:
    whole, fits = _whole(values, form, decimals)
    if np.count_nonzero(fits) == len(values):
        parts.append(bytes([ALL]))
        _put_ints(parts, whole)
        return
    _put_mask(parts, fits)
    _put_ints(parts, whole[fits])
    _put_ints(parts, values[~fits].view(np.int64))


def _disguise(values: Floats, is_single: bool) -> tuple[int, int]:
    """As which form, and with how many decimals, at least half of some of the values are whole
    numbers; if none, the form in which they go as they are."""
    some = values[:: -(-len(values) // _LOOKED_AT)][:, np.newaxis]
    whole = np.rint(some * _POWERS)
    best, form, decimals = 0, SINGLES if is_single else DOUBLES, 0
    for tried in (SINGLE_QUOTIENTS,) if is_single else (QUOTIENTS, PRODUCTS):
        shown = whole * _PARTS if tried == PRODUCTS else whole / _POWERS
        if is_single:
            shown = shown.astype(np.float32)
        counts = np.add.reduce(shown == some, axis=0, dtype=np.int64)
        at = int(counts.argmax())
        if counts[at] * 2 >= len(some) and counts[at] > best:
            best, form, decimals = int(counts[at]), tried, at
        if best == len(some):
            break
    return form, decimals


def _whole(values: Floats, form: int, decimals: int) -> tuple[Ints, Mask]:
    """The whole numbers, and of which rows they are all there is to know."""
    whole = np.rint(values * _POWERS[decimals])
    found = whole.astype(np.int64)
    fits = _undisguised(found, form, decimals).view(np.int64) == values.view(np.int64)
    if not np.maximum.reduce(np.abs(whole)) < _WHOLE_MAX:
        fits &= np.abs(whole) < _WHOLE_MAX
    return found, fits


def _undisguised(whole: Ints, form: int, decimals: int) -> Floats:
    if form == PRODUCTS:
        return np.asarray(whole * _PARTS[decimals])
    found = whole / _POWERS[decimals]
    if form == SINGLE_QUOTIENTS:
        return np.asarray(found.astype(np.float32), np.float64)
    return np.asarray(found)


def _take_values(taken: _Taken, rows: int) -> Floats:
    if not rows:
        return np.empty(0)
    form, decimals = taken.take(2)
    if form == DOUBLES:
        return _take_ints(taken, rows).view(np.float64)
    if form == SINGLES:
        return _take_ints(taken, rows).astype(np.int32).view(np.float32).astype(np.float64)
    if form > SINGLE_QUOTIENTS or decimals >= _DECIMALS:
        raise ValueError(f"no form of values: {form}, {decimals}")
    fits = _take_mask(taken, rows)
    if fits is None:
        return _undisguised(_take_ints(taken, rows), form, decimals)
    found = np.empty(rows)
    count = int(fits.sum())
    found[fits] = _undisguised(_take_ints(taken, count), form, decimals)
    found[~fits] = _take_ints(taken, rows - count).view(np.float64)
    return found


# -- texts -----------------------------------------------------------------------------------------


def _put_texts(parts: Parts, texts: pa.Array) -> None:
    import pyarrow.compute as pc  # megabytes, and few machines send texts

    _put_ints(parts, pc.binary_length(texts).to_numpy().astype(np.int64))
    joined = "".join(texts.to_pylist()).encode()
    parts.append(_LENGTH.pack(len(joined)))
    _put_squeezed(parts, joined)


def _take_texts(taken: _Taken, count: int) -> pa.Array:
    lengths = _take_ints(taken, count)
    (size,) = taken.unpack(_LENGTH)
    if size > TEXT_BYTES_MAX:
        raise ValueError(f"{size} bytes of texts in one record")
    content = _take_squeezed(taken, size)
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if lengths.min() < 0 or offsets[-1] != size:
        raise ValueError("the lengths of the texts are not theirs")
    buffers = [pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(content)]
    found = pa.StringArray.from_buffers(count, *buffers)
    found.validate(full=True)
    return found
