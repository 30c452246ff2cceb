"""The edge's book on disk. It may be old or gone: the hub knows it all."""

from __future__ import annotations

import json
from pathlib import Path

import structlog

from lianji.base.errors import InputError
from lianji.relay.sending import Book

_log = structlog.get_logger(__name__)


def as_json(epoch: str, spool_epoch: str, book: Book) -> bytes:
    return json.dumps({"epoch": epoch, "spool": spool_epoch, "lanes": book.as_json()}).encode()


def open_book(file: Path, spool_epoch: str, position: int) -> tuple[str, Book]:
    """The epoch under which this spool is sent, and its book; a new one where there is none."""
    try:
        kept = json.loads(file.read_text())
        if kept["spool"] == spool_epoch:
            return str(kept["epoch"]), Book.of_json(kept["lanes"])
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError, InputError) as error:
        _log.warning("relay-book-unreadable", error=str(error))
    return spool_epoch, Book(position + 1)
