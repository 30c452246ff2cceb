"""What the hubs of one group tell each other besides records: who their edges are, and which of
them counts.

Each hub tells the one that it sends to, every two seconds, its generation; and all of its edges
when that list has changed. Both take the newer of each edge, so that it does not matter who tells
whom, how often, or in which order. A lost hub's edges are known to the other two seconds after
they joined.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import structlog

from lianji.base.errors import InputError, LianjiError, Text
from lianji.relay.client import HubClient, NotNow, Unwelcome
from lianji.relay.trust.peer import EdgeRow

EVERY_S = 2.0
_log = structlog.get_logger(__name__)


class Members(Protocol):
    """The edges of this hub."""

    def all(self) -> Sequence[EdgeRow]: ...

    def take(self, rows: Sequence[EdgeRow]) -> int:
        """Take those that are newer than ours; how many were."""


def as_json(rows: Sequence[EdgeRow]) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(row, name) for name in EdgeRow.__slots__},
            "sites": list(row.sites),
            "serial": str(row.serial),
        }
        for row in rows
    ]


def of_json(told: object) -> list[EdgeRow]:
    """Raises InputError for what is no list of edges."""
    try:
        rows = [
            EdgeRow(**{**one, "sites": tuple(one["sites"]), "serial": int(one["serial"])})
            for one in told  # type: ignore[attr-defined]  # what is none is refused below
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            "group-invalid",
            Text(
                f"What the other hub tells is no list of edges: {error}.",
                f"对方中心发送的边缘列表无效：{error}。",
            ),
            Text("Bring the hubs to one version.", "请使各中心的版本一致。"),
        ) from error
    return rows


class Telling:
    """The thread that tells another hub of the group."""

    def __init__(self, client: HubClient, members: Members) -> None:
        self._client = client
        self._members = members
        self._told = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay-group", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._client.close_until_ended([self._thread])

    def renew(self) -> None:
        """Over new connections, with the newest certificate."""
        self._client.renew()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.tell()
            except (LianjiError, NotNow, Unwelcome, OSError) as error:
                self._told = ""
                if not self._stop.is_set():
                    _log.info("relay-group-failed", error=str(error))
            self._stop.wait(EVERY_S)

    def tell(self) -> None:
        """Once. Raises what ``HubClient.group`` raises, StorageError."""
        rows = as_json(self._members.all())
        digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
        said: dict[str, Any] = {} if digest == self._told else {"edges": rows}
        heard = self._client.group(json.dumps(said).encode())
        self._members.take(of_json(heard.get("edges", [])))
        self._told = digest


def answer(members: Members, told: dict[str, Any]) -> dict[str, Any]:
    """What a hub says to one that tells it of its edges. Raises InputError, StorageError."""
    if "edges" not in told:
        return {}
    members.take(of_json(told["edges"]))
    return {"edges": as_json(members.all())}
