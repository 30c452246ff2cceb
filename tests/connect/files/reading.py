"""Reads whole files for the tests: every sample as (path, time, value), every rejected cell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianji.base.clock import from_us
from lianji.base.errors import InputError
from lianji.connect.files import ImportOptions, Piece, Rejected, read_file

Sample = tuple[str, datetime, float | str | None]


def pieces(path: Path, **options: Any) -> list[Piece]:
    return list(read_file(path, ImportOptions(**options)))


def written(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def samples_of(found: Iterable[Piece]) -> list[Sample]:
    samples: list[Sample] = []
    for piece in found:
        texts = [None] * len(piece) if piece.texts is None else piece.texts.to_pylist()
        for number, time_us, value, text in zip(
            piece.numbers.tolist(),
            piece.times_us.tolist(),
            piece.values.tolist(),
            texts,
            strict=True,
        ):
            shown = text if text is not None else None if np.isnan(value) else value
            samples.append((piece.paths[number], from_us(time_us), shown))
    return samples


def rejected_of(found: Iterable[Piece]) -> list[Rejected]:
    return [entry for piece in found for entry in piece.rejected]


def places_of(found: Iterable[Piece]) -> list[tuple[int, str]]:
    return [(entry.line, entry.column) for entry in rejected_of(found)]


def refusal(path: Path, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        pieces(path, **options)
    for said in (caught.value.cause, caught.value.remedy):
        assert said.en
        assert said.zh
    return caught.value


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year, month, day, ...
