"""A run that is under way: what its training tells of it. Any thread may call it."""

from __future__ import annotations

import hashlib
import numbers
import os
import threading
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from lianji.base.clock import monotonic_s, now_us
from lianji.base.durable import make_folder, sync_folder
from lianji.learn.experiments import circumstances, faults, metrics
from lianji.learn.experiments.lock import Lock
from lianji.learn.experiments.record import KEY, Artefact, End, RunRecord, Value, write_record

ARTEFACTS = "artefacts"
SYNC_S = 5.0
"""Metrics are on the disk at the latest so long after the call before; a kill loses none."""
_COPY_BYTES = 1 << 20
_TEXT_MAX = 2000


class Run:
    """Made by ``Experiments.begin``. As a context it ends by itself: ``done``, or ``failed`` with
    the error. A job that gives way (``Preempted``, ``SystemExit``) leaves it to be taken up."""

    def __init__(self, folder: Path, record: RunRecord, lock: Lock) -> None:
        """Takes the lock over; the record is on the disk already."""
        self.folder = folder
        self._record = record
        self._lock = lock
        self._guard = threading.RLock()
        self._began_s = monotonic_s()
        self._cpu_s = circumstances.cpu_s()
        self._before = record.cost
        self._file = os.open(
            folder / metrics.FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666
        )
        metrics.mend(folder / metrics.FILE)
        self._synced_s = self._began_s

    @property
    def id(self) -> str:
        return self._record.run

    @property
    def record(self) -> RunRecord:
        return self._record

    def log_metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """One line. ``step`` is what the page draws along; a step that is told again holds anew.

        Raises InputError for a name that cannot be kept or a value that is no number, OSError.
        """
        plain = {_key(name): _number(name, value) for name, value in values.items()}
        line = metrics.line_of(now_us(), None if step is None else int(step), plain)
        with self._guard:
            self._check_open()
            os.write(self._file, line)
            if monotonic_s() - self._synced_s > SYNC_S:
                os.fsync(self._file)
                self._synced_s = monotonic_s()

    def log_parameters(self, values: Mapping[str, object]) -> None:
        """What was chosen, beside what ``begin`` was given. Raises InputError, OSError."""
        with self._guard:
            self._check_open()
            told = self._record.parameters | plain_parameters(values)
            self._keep(parameters=told)

    def artefact(self, path: Path | str, name: str = "") -> None:
        """Keep a copy of a file, or of all files of a folder, durably; ``name`` is below
        ``artefacts``, by default that of the path. A name that is there already is replaced.

        Raises InputError, OSError.
        """
        path = Path(path)
        name = name or path.name
        if not _is_plain(name):
            raise faults.bad_artefact(repr(name), "its name is not plain", "名称不合规")
        if not path.exists():
            raise faults.bad_artefact(str(path), "it is not there", "它不存在")
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        with self._guard:
            self._check_open()
            for file in files:
                below = name if file == path else f"{name}/{file.relative_to(path).as_posix()}"
                self._add(self._copy(file, below))

    def end(self, status: End = "done", reason: str = "") -> None:
        """Nothing is added afterwards. Raises InputError if it was ended before, OSError."""
        with self._guard:
            self._check_open()
            os.fsync(self._file)
            lines = metrics.read_lines(self.folder / metrics.FILE)
            self._keep(
                end=status,
                ended_us=now_us(),
                reason=reason[:_TEXT_MAX],
                metrics=metrics.summaries_of(lines),
            )
            self._close()

    def leave(self) -> None:
        """Stop without an end: it shows as broken off, and may be taken up again."""
        with self._guard:
            if self._lock_is_ours:
                os.fsync(self._file)
                self._keep()
                self._close()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._lock_is_ours:
            return
        if error is None:
            self.end()
        elif isinstance(error, KeyboardInterrupt):
            self.end("stopped")
        elif isinstance(error, Exception) and not _gives_way(error):
            self.end("failed", f"{type(error).__name__}: {error}")
        else:
            self.leave()

    @property
    def _lock_is_ours(self) -> bool:
        return self._file >= 0

    def _check_open(self) -> None:
        if not self._lock_is_ours:
            raise faults.run_over(self.id, self._record.end or "broken off")

    def _close(self) -> None:
        os.close(self._file)
        self._file = -1
        self._lock.release()

    def _keep(self, **changed: Any) -> None:
        cost = self._before.model_copy(
            update={
                "seconds": self._before.seconds + monotonic_s() - self._began_s,
                "cpu_seconds": self._before.cpu_seconds + circumstances.cpu_s() - self._cpu_s,
                "memory_bytes": max(self._before.memory_bytes, circumstances.memory_bytes_max()),
            }
        )
        record = self._record.model_copy(update={**changed, "cost": cost})
        write_record(self.folder, record)
        self._record = record

    def _add(self, artefact: Artefact) -> None:
        others = [one for one in self._record.artefacts if one.name != artefact.name]
        self._keep(artefacts=[*others, artefact])

    def _copy(self, file: Path, name: str) -> Artefact:
        target = self.folder / ARTEFACTS / name
        make_folder(target.parent.resolve())
        draft = target.with_name(f".{target.name}.tmp")
        digest, size = hashlib.sha256(), 0
        with file.open("rb") as source, draft.open("wb") as copy:
            while block := source.read(_COPY_BYTES):
                copy.write(block)
                digest.update(block)
                size += len(block)
            copy.flush()
            os.fsync(copy.fileno())
        draft.rename(target)
        sync_folder(target.parent)
        return Artefact(name=name, bytes=size, sha256=digest.hexdigest())


def plain_parameters(values: Mapping[str, object]) -> dict[str, Value]:
    """Texts, numbers and truth values as they are; anything else as the text that it makes."""
    return {
        _key(name): value if isinstance(value, str | int | float | None) else str(value)
        for name, value in values.items()
    }


def _gives_way(error: Exception) -> bool:
    """By its name: runs are told of by trainings that know nothing of ``learn.jobs`` too."""
    return any(kind.__name__ == "Preempted" for kind in type(error).__mro__)


def _key(name: str) -> str:
    if not KEY.fullmatch(name):
        raise faults.bad_key(name)
    return name


def _number(name: str, value: object) -> float:
    """Numbers of Python and numpy, and what torch has of one element."""
    if isinstance(value, numbers.Real) or hasattr(value, "__float__"):
        return float(value)
    raise faults.bad_value(name, value)


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    parts = path.parts
    return bool(parts) and not path.is_absolute() and not any(one.startswith(".") for one in parts)
