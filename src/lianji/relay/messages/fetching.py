"""The content of a message, as a file that is what was signed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from lianji.base.durable import make_folder
from lianji.base.errors import LianjiError, LinkDown
from lianji.relay.client import NotNow, Unwelcome
from lianji.relay.messages.envelope import Envelope, Signed
from lianji.relay.messages.refusals import altered, expired, no_room, not_handed_out

RETRY_S = 5.0
Fetch = Callable[[str, int, Callable[[bytes], object]], None]
"""Message's id, the first byte that is wanted, who takes the pieces: see ``HubClient.content``."""
_log = structlog.get_logger(__name__)


class Stopped(Exception):
    """The plant ends before the message was done."""


def fetched(
    signed: Signed,
    folder: Path,
    fetch: Fetch,
    clock: Callable[[], int],
    stopping: threading.Event,
) -> Path:
    """A file in ``folder``; what came before the line broke is not fetched again.

    Raises Untrusted for a content that is not the signed one, InputError if it cannot be had
    before the message expires, Stopped, OSError.
    """
    make_folder(folder.resolve())
    path = folder / signed.envelope.id
    try:
        if signed.content is None:
            _clear(folder, path)
            _fetch_whole(signed.envelope, path, fetch, clock, stopping)
        else:
            path.write_bytes(signed.content)
        if not _fits(signed.envelope, path):
            raise altered()
    except (LianjiError, OSError):
        path.unlink(missing_ok=True)
        raise
    return path


def _fetch_whole(
    one: Envelope,
    path: Path,
    fetch: Fetch,
    clock: Callable[[], int],
    stopping: threading.Event,
) -> None:
    begun = path.exists()
    _fetch(one, path, fetch, clock, stopping)
    if begun and not _fits(one, path):  # of a process that was killed while it wrote
        path.unlink()
        _fetch(one, path, fetch, clock, stopping)


def _fetch(
    one: Envelope,
    path: Path,
    fetch: Fetch,
    clock: Callable[[], int],
    stopping: threading.Event,
) -> None:
    while True:
        try:
            with path.open("ab") as file:
                fetch(one.id, file.tell(), _Bounded(file.write, one.length - file.tell()))
            return
        except Unwelcome as no:
            raise not_handed_out(no.text) from no
        except (LinkDown, NotNow) as error:
            _log.info("relay-content-later", why=str(error))
            if stopping.wait(error.after_s if isinstance(error, NotNow) else RETRY_S):
                raise Stopped from error
            if clock() >= one.expires_us:
                raise expired() from error


class _Bounded:
    """Takes no more than was signed for, whatever comes."""

    def __init__(self, write: Callable[[bytes], object], left: int) -> None:
        self._write, self._left = write, left

    def __call__(self, piece: bytes) -> None:
        if len(piece) > self._left:
            raise altered()
        self._left -= len(piece)
        try:
            self._write(piece)
        except OSError as error:
            raise no_room(error) from error


def _clear(folder: Path, mine: Path) -> None:
    """What others left behind is of no use any more."""
    for path in folder.iterdir():
        if path != mine:
            path.unlink(missing_ok=True)


def _fits(one: Envelope, path: Path) -> bool:
    if path.stat().st_size != one.length:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == one.digest
