"""Merging sorted files into one stream, tag by tag, in memory that does not grow with the files.

Of each file one row group is held at a time. All rows of the tags below the lowest last tag of
what is held are complete, so they can go.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

from lianji.history.parquet.reading import Stored, read_groups
from lianji.history.rows import Rows, in_order

PIECE_ROWS = 4 * 65_536
"""Rows are handed on in pieces of about so many, so that row groups are nearly full."""

Piece = tuple[Rows, list[str]]
"""Rows sorted by path and time, and the paths of their tag codes."""


class _File:
    """A file that is being read: what is held of it, sorted, and whether more will come."""

    def __init__(self, stored: Stored) -> None:
        self._groups = read_groups(stored)
        self.rows = Rows.none()
        self.names: list[str] = []
        self.ended = False
        self.more()

    @property
    def last(self) -> str:
        return self.names[-1]

    def more(self) -> None:
        """Hold one more row group behind what is held."""
        group = next(self._groups, None)
        if group is None:
            self.ended = True
            return
        rows, names = group
        if not len(self.rows):
            self.rows, self.names = rows, names
            return
        shared = self.names[-1] == names[0]
        rows.tag = rows.tag + np.int32(len(self.names) - shared)
        self.rows = Rows.concat([self.rows, rows])
        self.names = [*self.names, *names[shared:]]

    def name_behind(self, rows: int, first: str) -> str | None:
        """The tag of the row behind so many, or the next one above ``first``; None if that is not
        held."""
        if rows >= len(self.rows):
            return None
        place = int(self.rows.tag[rows])
        place += self.names[place] <= first
        return self.names[place] if place < len(self.names) else None

    def take_below(self, limit: str | None) -> Piece | None:
        """Hand out the rows of all tags below the limit (of all tags, if None)."""
        if not len(self.rows):
            return None
        count = len(self.names) if limit is None else bisect_left(self.names, limit)
        if not count:
            return None
        end = int(np.searchsorted(self.rows.tag, count))
        taken = self.rows.take(slice(0, end)), self.names[:count]
        self.rows, self.names = self.rows.take(slice(end, None)), self.names[count:]
        self.rows.tag = self.rows.tag - np.int32(count)
        return taken


def merged(files: Sequence[Stored]) -> Iterator[Piece]:
    """All rows of the files by path and time, whole tags in each piece.

    Keys are unique among the files of a table, so nothing has to be decided here.
    """
    waiting: list[Piece] = []
    rows = 0
    for piece in _whole_tags([_File(stored) for stored in files]):
        waiting.append(piece)
        rows += len(piece[0])
        if rows >= PIECE_ROWS:
            yield _end_to_end(waiting)
            waiting, rows = [], 0
    if waiting:
        yield _end_to_end(waiting)


def _whole_tags(files: list[_File]) -> Iterator[Piece]:
    while files:
        limit = _limit(files)
        parts = [part for file in files if (part := file.take_below(limit)) is not None]
        if parts:
            yield _sorted(parts)
        for file in files:
            if not file.ended and (not file.names or file.last == limit):
                file.more()
        files = [file for file in files if len(file.rows) or not file.ended]


def _limit(files: Sequence[_File]) -> str | None:
    """All tags below it are whole in what is held, and together no more than about a piece; None:
    all that is held may go."""
    first = min(file.names[0] for file in files if file.names)
    share = PIECE_ROWS // len(files)
    limits = [file.last for file in files if not file.ended]
    limits += [name for file in files if (name := file.name_behind(share, first)) is not None]
    return min(limits) if limits else None


def _sorted(parts: list[Piece]) -> Piece:
    if len(parts) == 1:
        return parts[0]
    names = sorted({name for _, of_part in parts for name in of_part})
    code = {name: place for place, name in enumerate(names)}
    for rows, of_part in parts:
        rows.tag = np.array([code[name] for name in of_part], np.int32)[rows.tag]
    return in_order([rows for rows, _ in parts])[0], names


def _end_to_end(pieces: list[Piece]) -> Piece:
    """Pieces of rising tags as one."""
    if len(pieces) == 1:
        return pieces[0]
    names: list[str] = []
    for rows, of_piece in pieces:
        rows.tag = rows.tag + np.int32(len(names))
        names += of_piece
    return Rows.concat([rows for rows, _ in pieces]), names
