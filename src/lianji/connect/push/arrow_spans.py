"""Pieces of a byte buffer as an Arrow array, without copying or looping.

An Arrow string array is one offset a string into one buffer. Pieces that do not touch are joined
by the gaps between them: piece, gap, piece, gap, ... where every gap is null. Arrow's kernels
(cast, dictionary_encode) then work on the pieces where they lie and step over the gaps. Results
are read back at every second place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

_DECIMAL = r"^-?([0-9]{1,100}(\.[0-9]{0,100})?|\.[0-9]{1,100})([eE][+-]?[0-9]{1,2})?$"
_COUNT = r"^([0-9]{1,18}|[0-8][0-9]{18})$"
_WHOLE = r"^-?([0-9]{1,18}|[0-8][0-9]{18})$"
"""What Arrow surely reads, used after a cast failed; the grammar decides about the rest."""


@dataclass(slots=True)
class Spans:
    """n pieces ``data[starts[i]:ends[i]]``, ascending and not overlapping.

    ``wanted`` (n,) leaves pieces out; None wants all.
    """

    data: NDArray[np.uint8]
    starts: Places
    ends: Places
    wanted: Mask | None = None

    def array(self, type: pa.DataType) -> pa.Array:
        """2n - 1 binary or string values, pieces at the even places. The bytes are not checked."""
        places = 2 * len(self.starts) - 1
        offsets = np.empty(places + 1, np.int32)
        offsets[0::2] = self.starts
        offsets[1::2] = self.ends
        if self.wanted is None:
            bits = np.full((places + 7) // 8, 0x55, np.uint8)
        else:
            spread = np.zeros(places + 1, bool)
            spread[0::2] = self.wanted
            bits = np.packbits(spread, bitorder="little")
        buffers = [pa.py_buffer(bits), pa.py_buffer(offsets), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(type, places, buffers)

    def joined(self) -> NDArray[np.uint8]:
        """The bytes of all pieces, one after another."""
        if not len(self.starts):
            return np.empty(0, np.uint8)
        pieces = self.array(pa.binary()).drop_null()  # a single piece is not even copied
        _, offsets, content = pieces.buffers()
        first = int(np.frombuffer(offsets, np.int32)[pieces.offset])
        size = int((self.ends - self.starts).sum())
        return np.frombuffer(content, np.uint8)[first : first + size]

    def encode(self) -> tuple[list[bytes], NDArray[np.int32]]:
        """The distinct pieces in the order of their first appearance, and which one each is."""
        if not len(self.starts):
            return [], np.empty(0, np.int32)
        encoded = self.array(pa.binary()).dictionary_encode()
        return encoded.dictionary.to_pylist(), _every_second(encoded.indices, np.int32)

    def decimals(self) -> tuple[NDArray[np.float64], Mask | None]:
        """The pieces as numbers, and which wanted ones failed (None: not one)."""
        values, failed = self._cast(pa.float64(), np.float64, _DECIMAL)
        wrong = ~np.isfinite(values)
        if self.wanted is not None:
            wrong &= self.wanted
        if wrong.any():
            failed = wrong if failed is None else failed | wrong
        return values, failed

    def integers(self, *, signed: bool = True) -> tuple[NDArray[Any], Mask | None]:
        """The pieces as int64 or uint64, and which wanted ones failed (None: not one)."""
        if signed:
            values, failed = self._cast(pa.int64(), np.int64, _WHOLE)
        else:
            values, failed = self._cast(pa.uint64(), np.uint64, _COUNT)
        # Arrow reads 0x1F as a number; the grammar does not know it.
        hexadecimal = self.data[np.minimum(self.starts + 1, len(self.data) - 1)] & 0xDF == ord("X")
        hexadecimal &= self.ends - self.starts > 2
        if hexadecimal.any():
            failed = hexadecimal if failed is None else failed | hexadecimal
        return values, failed

    def _cast(
        self, arrow: pa.DataType, plain: type[np.generic], surely: str
    ) -> tuple[NDArray[Any], Mask | None]:
        if not len(self.starts):
            return np.empty(0, plain), None
        pieces = self.array(pa.string())
        try:
            return _every_second(pieces.cast(arrow), plain), None
        except pa.ArrowInvalid:
            matches = pc.match_substring_regex(pieces, surely).fill_null(False)
            sound = matches.to_numpy(zero_copy_only=False)[0::2]
            failed = ~sound if self.wanted is None else self.wanted & ~sound
            passed = Spans(self.data, self.starts, self.ends, sound).array(pa.string())
            return _every_second(passed.cast(arrow), plain), failed


def _every_second(values: pa.Array, plain: type[np.generic]) -> NDArray[Any]:
    return np.frombuffer(values.buffers()[1], plain)[: len(values)][0::2]
