"""Annotations: what people note about a stretch of a tag's time.

They lie in a Delta table beside the samples, to which any process may write. Nothing is ever
changed in it: who changes or deletes a note writes it again under its id, and the newest counts.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lianji.base.clock import now_us
from lianji.base.errors import InputError, NotFound, StorageError, Text
from lianji.base.ids import new_id
from lianji.dictionary.batch import TIME_TYPE, TIME_US_MAX, TIME_US_MIN
from lianji.history.delta.actions import DataFile, stamp
from lianji.history.delta.log import Change, DeltaLog, Overtaken, TableSpec
from lianji.history.places.folder import FolderPlace
from lianji.history.tables import month_of, write_small

ANNOTATIONS = TableSpec(
    "annotations",
    pa.schema(
        [
            pa.field("tag", pa.string(), nullable=False),
            pa.field("time", TIME_TYPE, nullable=False),
            pa.field("end", TIME_TYPE, nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("author", pa.string(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("written", TIME_TYPE, nullable=False),
            pa.field("deleted", TIME_TYPE),
            pa.field("site", pa.string(), nullable=False),
            pa.field("month", pa.string(), nullable=False),
        ]
    ),
    "month",
)
_IN_FILE = pa.schema([f for f in ANNOTATIONS.schema if f.name not in ("site", "month")])
TEXT_MAX = 10_000
FILES_A_MONTH_MAX = 64
"""Every note is a file of its own at first; when a month has so many they become one."""
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note on a tag, or on all that a pattern means, from one time to another (or at one)."""

    tag: str
    start_us: int
    end_us: int
    text: str
    author: str = ""
    id: str = ""
    written_us: int = 0
    deleted_us: int | None = None

    def check(self) -> None:
        """Raises InputError."""
        if not self.tag.strip() or not 0 < len(self.text.strip()) <= TEXT_MAX:
            raise _wrong(
                f"it needs a tag and a text of at most {TEXT_MAX} characters",
                f"必须有标签和不超过 {TEXT_MAX} 字的内容",
            )
        if not TIME_US_MIN <= self.start_us <= self.end_us <= TIME_US_MAX:
            raise _wrong("its end lies before its start", "终点早于起点")

    def is_about(self, path: str) -> bool:
        return path == self.tag or fnmatch.fnmatchcase(path, self.tag)


class Annotations:
    """The notes of one plant; safe for many threads and processes."""

    def __init__(self, folder: Path, site: str) -> None:
        """Nothing is read or created before the first call."""
        self._place = FolderPlace(folder)
        self._site = site
        self._log: DeltaLog | None = None
        self._lock = threading.Lock()
        self._kept: dict[str, list[Annotation]] = {}
        """The content of files, which never change, by path."""

    def all(self) -> list[Annotation]:
        """Every note as it stands now, by start. Raises StorageError."""
        with self._lock:
            newest = self._newest()
        notes = [note for note in newest.values() if note.deleted_us is None]
        return sorted(notes, key=lambda note: (note.start_us, note.written_us))

    def write(self, note: Annotation) -> Annotation:
        """Durably add a note, or change the one with its id. Raises InputError, NotFound."""
        note.check()
        with self._lock:
            newest = self._newest()
            if note.id and note.id not in newest:
                raise unknown_annotation(note.id)
            before_us = newest[note.id].written_us if note.id else 0
            note = replace(
                note, id=note.id or new_id().hex(), written_us=max(now_us(), before_us + 1)
            )
            self._append(note)
            return note

    def delete(self, identity: str) -> None:
        """Raises NotFound for a note that is not there, or no longer."""
        with self._lock:
            note = self._newest().get(identity)
            if note is None or note.deleted_us is not None:
                raise unknown_annotation(identity)
            written_us = max(now_us(), note.written_us + 1)
            self._append(replace(note, written_us=written_us, deleted_us=written_us))

    def erase(self, is_gone: Callable[[str], bool]) -> int:
        """Remove the notes whose tag or pattern is told, in every version of them and from the
        disk; how many were there. Raises StorageError."""
        with self._lock:
            found = {note.id for note in self._newest().values() if is_gone(note.tag)}
            for file in self._files():
                self._erase_in(file, is_gone)
            if self._log is not None and found:
                needed = {file.path for file in self._log.files}
                names = [name for name, _, _ in self._place.names()]
                old = [name for name in names if name.startswith("site=") and name not in needed]
                self._place.remove(old)
                self._log.forget_past()
            self._kept.clear()
            return len(found)

    def _erase_in(self, file: DataFile, is_gone: Callable[[str], bool]) -> None:
        notes = self._content(file)
        stays = [note for note in notes if not is_gone(note.tag)]
        if len(stays) == len(notes):
            return
        assert self._log is not None
        new = []
        if stays:
            table = _table_in_file(sorted(stays, key=lambda one: (one.tag, one.start_us)))
            new = [write_small(self._place, ANNOTATIONS, file.site, file.period, table)]
        self._log.commit(Change("DELETE", new, [file]))

    # -- the table, under the lock -----------------------------------------------------------

    def _newest(self) -> dict[str, Annotation]:
        """By id, deleted ones too."""
        found: dict[str, Annotation] = {}
        for file in self._files():
            for note in self._content(file):
                known = found.get(note.id)
                if known is None or note.written_us >= known.written_us:
                    found[note.id] = note
        return found

    def _files(self) -> list[DataFile]:
        if self._log is not None:
            self._log.refresh()
            return list(self._log.files)
        try:
            self._log = DeltaLog(self._place, ANNOTATIONS, create=False)
        except FileNotFoundError:
            return []
        return list(self._log.files)

    def _content(self, file: DataFile) -> list[Annotation]:
        if file.path not in self._kept:
            try:
                with self._place.open(file.path) as source:
                    table = pq.read_table(source, schema=_IN_FILE)
            except (OSError, pa.ArrowException) as error:
                raise _unreadable(f"{self._place.url}/{file.path}", error) from error
            self._kept[file.path] = _notes_in(table)
        return self._kept[file.path]

    def _append(self, note: Annotation) -> None:
        if self._log is None:
            self._log = DeltaLog(self._place, ANNOTATIONS)
        month = month_of(stamp(note.start_us))
        for _ in range(_TRIES):
            old = self._log.files.of(self._site, month)
            old = old if len(old) >= FILES_A_MONTH_MAX else ()
            notes = [*(one for file in old for one in self._content(file)), note]
            table = _table_in_file(sorted(notes, key=lambda one: (one.tag, one.start_us)))
            file = write_small(self._place, ANNOTATIONS, self._site, month, table)
            try:
                self._log.commit(Change("ANNOTATE", [file], old))
                return
            except Overtaken:
                self._place.remove([file.path])
                self._log.refresh()
        raise _overtaken()


def _notes_in(table: pa.Table) -> list[Annotation]:
    times = [table.column(name).cast(pa.int64()).to_pylist() for name in ("time", "end")]
    written, deleted = (
        table.column(name).cast(pa.int64()).to_pylist() for name in ("written", "deleted")
    )
    words = [table.column(name).to_pylist() for name in ("tag", "text", "author", "id")]
    return [
        Annotation(tag, start_us, end_us, text, author, identity, written_us, deleted_us)
        for tag, text, author, identity, start_us, end_us, written_us, deleted_us in zip(
            *words, *times, written, deleted, strict=True
        )
    ]


def _table_in_file(notes: Iterable[Annotation]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "tag": note.tag,
                "time": note.start_us,
                "end": note.end_us,
                "text": note.text,
                "author": note.author,
                "id": note.id,
                "written": note.written_us,
                "deleted": note.deleted_us,
            }
            for note in notes
        ],
        schema=_IN_FILE,
    )


def as_table(notes: Iterable[Annotation]) -> pa.Table:
    """What users get: id, tag, start, end, text, author, written."""
    table = _table_in_file(notes)
    table = table.select(["id", "tag", "time", "end", "text", "author", "written"])
    return table.rename_columns(["id", "tag", "start", "end", "text", "author", "written"])


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "annotation-invalid",
        Text(f"The annotation is wrong: {en}.", f"注释有误：{zh}。"),
        Text("Mend it and write it again.", "请更正后重新提交。"),
    )


def unknown_annotation(identity: str) -> NotFound:
    return NotFound(
        "annotation-unknown",
        Text(f"There is no annotation {identity!r}.", f"没有编号为 {identity!r} 的注释。"),
        Text("See `lianji annotations` for all.", "用 `lianji annotations` 查看全部注释。"),
    )


def _unreadable(where: str, error: Exception) -> StorageError:
    return StorageError(
        "annotations-file",
        Text(f"The file {where} cannot be read: {error}.", f"无法读取文件 {where}：{error}。"),
        Text("Restore the file from a backup.", "请从备份恢复该文件。"),
    )


def _overtaken() -> StorageError:
    return StorageError(
        "annotations-busy",
        Text("Others wrote annotations all the time.", "其他进程一直在写入注释。"),
        Text("Try again.", "请重试。"),
    )
