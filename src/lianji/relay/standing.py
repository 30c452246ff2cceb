"""What a hub is in its group: active, a standby, or fenced; durable, and one file.

active    takes what edges bring
standby   takes what the group's other hubs bring, and sends edges to the next address
fenced    was active, and met a higher generation: takes nothing until a person says ``follow``

The running hub and the command line both write it, under a lock; a running hub sees a change with
its next request.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import Busy, Conflict, LianjiError, StorageError, Text
from lianji.relay.generation import Generation

FILE = "standing.json"


class Role(StrEnum):
    ACTIVE = "active"
    STANDBY = "standby"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Stood:
    role: Role = Role.ACTIVE
    generation: int = 1
    highest: int = 1
    """The highest that was seen; above ``generation`` in a hub that was fenced."""


class Standing:
    """Thread-safe; any number of processes may have one of the same folder.

    ``key`` is the group's signing key. Raises StorageError for a file that is damaged.
    """

    def __init__(self, folder: Path, key: Ed25519PrivateKey) -> None:
        self._path = folder / FILE
        self._key = key
        self._public = key.public_key()
        self._lock = threading.Lock()
        self._stamp: object = None
        self._now = Stood()
        self._signed = Generation.signed(1, key)

    @property
    def now(self) -> Stood:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            with self._lock:
                self._now, self._stamp = _read(self._path), stamp
        return self._now

    @property
    def role(self) -> Role:
        return self.now.role

    # -- what happens ------------------------------------------------------------------------

    def promote(self) -> Stood:
        """Be the group's active hub, above all that were seen. Raises StorageError, OSError."""
        with self._changing() as now:
            highest = max(now.generation, now.highest) + 1
            return self._write(Stood(Role.ACTIVE, highest, highest))

    def follow(self) -> Stood:
        """Be a standby of the hub with the highest generation that was seen."""
        with self._changing() as now:
            highest = max(now.generation, now.highest)
            return self._write(Stood(Role.STANDBY, highest, highest))

    def begin(self, role: Role, generation: int) -> Stood:
        """Be this from now on, whatever was."""
        with self._changing():
            return self._write(Stood(role, generation, generation))

    # -- as a side of the line (``generation.Seen``) -------------------------------------------

    def told(self) -> Generation:
        """This hub's own generation."""
        number = self.now.generation
        if self._signed.number != number:
            self._signed = Generation.signed(number, self._key)
        return self._signed

    def hear(self, generation: Generation) -> None:
        """Somebody has seen this one. If it is proven and higher than ours, an active hub is
        fenced by it, and a standby goes with it. Raises OSError, StorageError."""
        now = self.now
        if generation.number <= max(now.generation, now.highest):
            return
        if not generation.is_proven(self._public):
            return
        with self._changing() as now:
            if generation.number <= now.highest:
                return
            if now.role is Role.STANDBY:
                self._write(Stood(Role.STANDBY, generation.number, generation.number))
            else:
                self._write(replace(now, role=Role.FENCED, highest=generation.number))

    # -- who may speak -------------------------------------------------------------------------

    def admit(self, generation: Generation, of_the_group: bool) -> None:
        """Whether somebody may bring something now, who has told this generation.

        Raises Fenced or Standby. A hub of the group that lags behind ours is refused too: it has
        to follow first.
        """
        self.hear(generation)
        now = self.now
        if now.role is Role.FENCED:
            raise Fenced(now.generation, now.highest)
        if of_the_group and generation.number < now.generation:
            raise Fenced(generation.number, now.generation)
        if now.role is Role.STANDBY and not of_the_group:
            raise Standby()

    def problems(self) -> list[LianjiError]:
        now = self.now
        return [Fenced(now.generation, now.highest)] if now.role is Role.FENCED else []

    # -- the file ------------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[Stood]:
        make_folder(self._path.parent.resolve())
        with self._lock:
            handle = os.open(self._path.with_name(".standing.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield _read(self._path)
            finally:
                os.close(handle)

    def _write(self, stood: Stood) -> Stood:
        told = {"role": stood.role, "generation": stood.generation, "highest": stood.highest}
        write_atomically(self._path, json.dumps(told).encode())
        self._now, self._stamp = stood, _stamp(self._path)
        return stood


class Fenced(Conflict):
    """Another hub was promoted since."""

    def __init__(self, generation: int, highest: int) -> None:
        super().__init__(
            "hub-fenced",
            Text(
                f"This hub is of generation {generation}, and one of generation {highest} was "
                "promoted since: it takes nothing any more.",
                f"本中心为第 {generation} 代，第 {highest} 代中心已接管：本中心不再接收数据。",
            ),
            Text(
                "Let it follow the other with `lianji hub follow`, or take over again with "
                "`lianji hub promote`.",
                "请用 `lianji hub follow` 使其成为备用中心，或用 `lianji hub promote` 重新接管。",
            ),
        )


class Standby(Busy):
    def __init__(self) -> None:
        super().__init__(
            "hub-standby",
            Text("This hub is a standby and takes no edges.", "本中心为备用中心，不接收边缘数据。"),
            Text(
                "The edge tries the next address. If the active hub is lost, run "
                "`lianji hub promote` here.",
                "边缘端会尝试下一个地址。若主中心已失效，请在此执行 `lianji hub promote`。",
            ),
        )


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def _read(path: Path) -> Stood:
    try:
        told = json.loads(path.read_text())
        return Stood(Role(told["role"]), int(told["generation"]), int(told["highest"]))
    except FileNotFoundError:
        return Stood()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            "hub-standing-damaged",
            Text(f"{path} is no use: {error}.", f"{path} 无法使用：{error}。"),
            Text(
                "Run `lianji hub follow` or `lianji hub promote` after you have removed it.",
                "请删除该文件后执行 `lianji hub follow` 或 `lianji hub promote`。",
            ),
        ) from error
