"""What a hub told its edges, as an administrator sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lianji.base.state import State, url_of
from lianji.relay.messages.kinds import Kind
from lianji.relay.messages.store import Messages
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.certificates import new_key, request_of
from lianji.relay.trust.edges import Edges
from tests.web.plant import MemoryPlant

WHERE = "/api/hub/messages"


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[Messages]:
    """Two edges, each of which was told something."""
    state = State(url_of(tmp_path))
    authority = Authority.create(tmp_path / "hub", "hub")
    edges, messages = Edges(state, authority), Messages(state, tmp_path / "contents")
    for name in ("park1", "park2"):
        edges.admit(edges.invite(name, [name]), request_of(new_key(), name), name)
        messages.send(authority.signing_key, [name], Kind.COMMAND, "ping", b"{}", "li")
    yield messages
    state.close()


async def test_messages_are_listed_with_what_became_of_them(
    plant: MemoryPlant, client: httpx.AsyncClient, messages: Messages
) -> None:
    plant.messages = messages
    rows = (await client.get(WHERE)).json()
    assert [(row["edge"], row["state"]) for row in rows] == [
        ("park2", "queued"),
        ("park1", "queued"),
    ]
    reason = {"code": "no", "cause": {"en": "No.", "zh": "无。"}}
    messages.answered("park1", [{"id": rows[1]["id"], "state": "refused", "reason": reason}])
    [row] = (await client.get(WHERE, params={"edge": "park1"})).json()
    assert (row["state"], row["reason"], row["sender"]) == ("refused", reason, "li")
    assert len((await client.get(WHERE, params={"count": 1})).json()) == 1
    assert (await client.get(WHERE, params={"count": 0})).status_code == 400


async def test_a_plant_that_is_no_hub_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get(WHERE)
    assert answer.status_code == 404
    assert answer.json()["code"] == "hub-none"
