"""What a hub tells its edges: sent by any process of the hub, told by the one that runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from lianji.base.errors import NotFound, StorageError, Text
from lianji.node.enrolment import authority_of
from lianji.node.folder import PlantFolder
from lianji.relay.exchange import Conversation

if TYPE_CHECKING:
    from lianji.base.state import State
    from lianji.node.told.contents import Told
    from lianji.relay.messages.envelope import Envelope
    from lianji.relay.messages.store import Messages

LOOK_S = 1.0
"""A message that another process sent is told after at most so long."""
_log = structlog.get_logger(__name__)


def messages_with(folder: PlantFolder, state: State) -> Messages:
    """The messages of a hub whose state is open; what is sent is in its audit log."""
    from lianji.relay.messages.store import Messages
    from lianji.web.access import audit

    return Messages(state, folder.hub / "contents", audit=audit.append)


@contextmanager
def messages_of(folder: PlantFolder) -> Iterator[Messages]:
    """The same for the command line, whether the hub runs or not. Raises NotFound."""
    from lianji.node.state_place import open_state

    authority_of(folder)
    state = open_state(folder.root)
    try:
        yield messages_with(folder, state)
    finally:
        state.close()


def send(
    folder: PlantFolder, patterns: Sequence[str], what: Told, by: str, lives_us: int
) -> list[Envelope]:
    """Queue a message to every edge whose name fits a pattern such as ``park1`` or ``park-*``.

    Raises NotFound for a pattern that fits none, InputError, Untrusted, StorageError.
    """
    key = authority_of(folder).signing_key
    with messages_of(folder) as messages:
        edges = _fitting(folder, messages.state, patterns)
        return messages.send(key, edges, what.kind, what.name, what.content, by, lives_us)


def _fitting(folder: PlantFolder, state: State, patterns: Sequence[str]) -> list[str]:
    from lianji.node.enrolment import edges_with
    from lianji.relay.trust.names import allows

    edges = edges_with(folder, state).all()
    found: dict[str, None] = {}
    for pattern in patterns:
        fits = [edge for edge in edges if allows([pattern], edge.name)]
        if "*" in pattern:
            fits = [edge for edge in fits if edge.revoked_us is None]
        if not fits:
            raise _none(pattern)
        found.update(dict.fromkeys(edge.name for edge in fits))
    return list(found)


async def tell_news(messages: Messages, conversation: Conversation) -> None:
    """Wake the exchanges of the edges that have something to hear, until cancelled."""
    seen = 0
    while True:
        try:
            edges = messages.overdue()
            newest = await asyncio.to_thread(messages.newest)
            if newest != seen:
                edges.update(await asyncio.to_thread(messages.expected_by))
            for edge in edges:
                conversation.news(edge)
            seen = newest
        except StorageError as error:
            _log.warning("hub-messages-unreadable", why=str(error))
        await asyncio.sleep(LOOK_S)


def _none(pattern: str) -> NotFound:
    return NotFound(
        "edge-missing",
        Text(f"The hub has no edge {pattern!a}.", f"中心没有边缘 {pattern!a}。"),
        Text("See `lianji hub sites`.", "请用 `lianji hub sites` 查看。"),
    )
