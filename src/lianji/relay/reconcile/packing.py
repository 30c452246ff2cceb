"""Arrays and lists of words as short text, for asks and answers that are JSON."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text

UNPACKED_BYTES_MAX = 16 * 1024 * 1024
_LEVEL = 3


def pack_numbers(numbers: NDArray[Any]) -> str:
    """64-bit numbers, whatever their shape."""
    return _pack(np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<")).tobytes())


def unpack_numbers(text: object, kind: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """Raises InputError if they are not so many."""
    content = _unpack(text)
    wanted = np.dtype(kind).newbyteorder("<")
    if len(content) != int(np.prod(shape)) * wanted.itemsize:
        raise wrong_answer(f"{len(content)} bytes came for the shape {shape}")
    return np.frombuffer(content, wanted).astype(kind).reshape(shape)


def pack_words(words: Sequence[str]) -> str:
    return _pack(json.dumps(list(words), ensure_ascii=False).encode())


def unpack_words(text: object) -> list[str]:
    """Raises InputError."""
    try:
        words = json.loads(_unpack(text))
    except ValueError as error:
        raise wrong_answer(str(error)) from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise wrong_answer("it is no list of words")
    return words


def _pack(content: bytes) -> str:
    squeezed = pa.Codec("zstd", _LEVEL).compress(content, asbytes=True)
    return f"{len(content)}:{base64.b64encode(squeezed).decode()}"


def _unpack(text: object) -> bytes:
    length, _, packed = str(text).partition(":")
    try:
        if not 0 <= int(length) <= UNPACKED_BYTES_MAX:
            raise wrong_answer(f"it is {length[:20]} bytes long")
        squeezed = base64.b64decode(packed, validate=True)
        content = pa.Codec("zstd").decompress(squeezed, int(length), asbytes=True)
    except (ValueError, binascii.Error, OSError, pa.ArrowException) as error:
        raise wrong_answer(str(error)) from error
    return bytes(content)


def wrong_answer(why: str) -> InputError:
    return InputError(
        "reconcile-answer-invalid",
        Text(f"What came does not mean anything: {why}.", f"收到的内容无效：{why}。"),
        Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
    )
