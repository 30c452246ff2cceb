"""The tag table that outlives every restart: the id of a path, for ever.

Samples on disk carry the id alone, so a line is on the platter before its id is given out, and no
id is ever given twice. The file is text that people can read: ``id<TAB>path`` a line, the id being
the line's number from 0. Nothing is ever changed in it or taken out; it only grows.

Only a line that a crash cut short (no line end) is repaired, by cutting it off: its id was never
given out. Any other damage is refused and named. Writers of several processes take turns by a
lock on the file, and each reads first what the others added.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianji.base.durable import make_folder, sync_folder
from lianji.base.errors import InputError, NotFound, StorageError, Text
from lianji.dictionary.tag import check_path

_NEVER_IN_A_PATH = re.compile("[\x00-\x08\x0b-\x1f\"'`\\\\,;]")


class TagIds:
    """The durable table id <-> path of one plant; safe for many threads."""

    def __init__(self, file: Path, read_only: bool) -> None:
        self.file = file
        self.read_only = read_only
        self.paths: list[str] = []
        """Path by id. Grows while the plant runs; look, don't touch."""
        self._ids: dict[str, int] = {}
        self._bytes_read = 0
        self._lock = threading.Lock()

    @classmethod
    def open(cls, file: Path, read_only: bool = False) -> TagIds:
        """Open the table, or begin one. Raises StorageError for a damaged or unwritable file.

        With ``read_only`` nothing is written or repaired: a missing file is an empty table, and
        ``refresh`` sees what its owner has added since.
        """
        table = cls(file, read_only)
        if read_only:
            table.refresh()
        else:
            with _storage(file):
                make_folder(file.parent)
                if not file.exists():
                    file.touch()
                    sync_folder(file.parent)
            with table._lock, table._turn() as handle:
                table._catch_up(handle)
        return table

    @property
    def count(self) -> int:
        return len(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def find(self, path: str) -> int | None:
        """The id of a path, or None; creates nothing."""
        return self._ids.get(path)

    def path_of(self, tag: int) -> str:
        """The path of an id. Raises NotFound for one that was never given."""
        if not 0 <= tag < len(self.paths):
            raise NotFound(
                "tag-id-unknown",
                Text(f"No tag has the id {tag}.", f"没有编号为 {tag} 的标签。"),
                Text(
                    "Restore tag-ids.tsv together with the data.",
                    "请将 tag-ids.tsv 与数据一起恢复。",
                ),
            )
        return self.paths[tag]

    def ids_of(self, paths: Sequence[str]) -> NDArray[np.int32]:
        """The ids of paths, int32 of the same length; new paths get the next free ids.

        New ids are on disk before this returns. Raises InputError for a path that is not
        well-formed (then none was created) and StorageError where the file cannot be written.
        """
        ids = self.known(paths)
        if ids is not None:
            return ids
        with self._lock:
            new = [path for path in dict.fromkeys(paths) if path not in self._ids]
            for path in new:
                _check(path)
            self._append(new)
            return self._known(paths)

    def known(self, paths: Sequence[str]) -> NDArray[np.int32] | None:
        """The ids of paths that all have one, without touching the disk; else None."""
        try:
            return self._known(paths)
        except KeyError:
            return None

    def refresh(self) -> None:
        """Read what has been added to the file since it was last read."""
        with self._lock, _storage(self.file):
            try:
                handle = os.open(self.file, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return
            try:
                self._take_lines(handle)
            finally:
                os.close(handle)

    def _known(self, paths: Sequence[str]) -> NDArray[np.int32]:
        return np.fromiter(map(self._ids.__getitem__, paths), np.int32, len(paths))

    def _append(self, paths: list[str]) -> None:
        if self.read_only:
            raise StorageError(
                "tag-ids-read-only",
                Text(
                    f"{self.file} is open for reading: '{paths[0]}' has no id.",
                    f"{self.file} 以只读方式打开：“{paths[0]}”没有编号。",
                ),
                Text("Only the running plant adds tags.", "只有运行中的工厂进程可以添加标签。"),
            )
        with self._turn() as handle:
            self._catch_up(handle)
            new = [path for path in paths if path not in self._ids]
            lines = (f"{number}\t{path}\n" for number, path in enumerate(new, len(self.paths)))
            content = "".join(lines).encode()
            try:
                _write_all(handle, content)
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, self._bytes_read)
                raise
            self._learn(new, len(content))

    @contextmanager
    def _turn(self) -> Iterator[int]:
        """The file, open for appending, while no other process writes to it."""
        with _storage(self.file):
            handle = os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)

    def _catch_up(self, handle: int) -> None:
        """Read what others added, and cut off what a crash left without a line end."""
        self._take_lines(handle)
        if os.fstat(handle).st_size > self._bytes_read:
            os.ftruncate(handle, self._bytes_read)
            os.fsync(handle)

    def _take_lines(self, handle: int) -> None:
        size = os.fstat(handle).st_size
        if size < self._bytes_read:
            raise self._damaged(len(self.paths), "is gone", "已丢失")
        if size > self._bytes_read:
            content = _read_all(handle, self._bytes_read, size)
            whole = content[: content.rfind(b"\n") + 1]
            self._learn(self._checked(whole), len(whole))

    def _checked(self, content: bytes) -> list[str]:
        """The paths of whole lines that continue the table. Raises StorageError for damage."""
        first = len(self.paths)
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            line = first + content.count(b"\n", 0, error.start)
            raise self._damaged(line, "is not UTF-8", "不是 UTF-8") from None
        odd = _NEVER_IN_A_PATH.search(text)
        if odd is not None:
            line = first + text.count("\n", 0, odd.start())
            raise self._damaged(line, "holds a character that no path has", "含有非法字符")
        paths = []
        for number, entry in enumerate(text.split("\n")[:-1], first):
            head, tab, path = entry.partition("\t")
            if not tab or not path or "\t" in path or head != str(number):
                raise self._damaged(number, f"does not read '{number}<TAB>path'", "格式不正确")
            paths.append(path)
        if len({*paths, *self._ids}) != first + len(paths):
            raise self._damaged(self._first_twice(paths), "repeats a path", "路径重复")
        return paths

    def _first_twice(self, paths: list[str]) -> int:
        seen = set(self._ids)
        for number, path in enumerate(paths, len(self.paths)):
            if path in seen:
                return number
            seen.add(path)
        raise AssertionError("no path is there twice")

    def _learn(self, paths: list[str], size: int) -> None:
        """Believe lines that are on disk. The path is there before its id can be found."""
        first = len(self.paths)
        paths = [sys.intern(path) for path in paths]  # the tags of the tables have them too
        self.paths.extend(paths)
        self._ids.update(zip(paths, range(first, first + len(paths)), strict=True))
        self._bytes_read += size

    def _damaged(self, number: int, en: str, zh: str) -> StorageError:
        return StorageError(
            "tag-ids-damaged",
            Text(
                f"The tag table {self.file} is damaged: line {number + 1} {en}.",
                f"标签编号表 {self.file} 已损坏：第 {number + 1} 行{zh}。",
            ),
            Text(
                "Restore the file from a backup; samples on disk refer to its line numbers.",
                "请从备份恢复该文件；磁盘上的数据依赖其行号。",
            ),
        )


def _check(path: str) -> None:
    try:
        check_path(path)
        path.encode()
    except ValueError as error:
        raise InputError(
            "tag-path-invalid",
            Text(f"{error}.", f"“{path}”不是有效的标签路径。"),
            Text(
                "Use parts joined by '/', without quotes, commas, semicolons or backslashes.",
                "请使用“/”连接各段，不含引号、逗号、分号或反斜杠，首尾无空格。",
            ),
        ) from None


@contextmanager
def _storage(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            "tag-ids-unwritable",
            Text(
                f"The tag table {file} cannot be read or written: {error.strerror}.",
                f"无法读写标签编号表 {file}：{error.strerror}。",
            ),
            Text("Free disk space and check the permissions.", "请释放磁盘空间并检查权限。"),
        ) from error


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _read_all(handle: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        part = os.pread(handle, end - start, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)
