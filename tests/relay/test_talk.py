"""The other way: reports come, asks are answered, and a line that breaks loses neither."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lianji.base.errors import InputError, LinkDown, NotFound, Text
from lianji.relay import talking as talking_room
from lianji.relay.client import HubClient
from lianji.relay.talking import Talking
from tests.relay.line import line_to
from tests.relay.world import Hub, until


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path)
    yield hub
    hub.close()


def answer(ask: dict[str, Any]) -> dict[str, Any]:
    if ask["of"] == "nothing":
        raise NotFound("nothing-there", Text("Nothing.", "无。"), Text("Ask else.", "另问。"))
    return {"sum": ask["of"] + 1}


@pytest.fixture
def talking(hub: Hub) -> Iterator[Talking]:
    address = f"https://127.0.0.1:{hub.port}"
    client = HubClient([address], "plant", lambda: hub.context("plant"))
    talking = Talking(client, lambda: {"rows": 7}, {"sum": answer})
    talking.start()
    yield talking
    talking.close()


def ask(hub: Hub, edge: str, kind: str, of: object) -> dict[str, Any]:
    asked = hub.conversation.ask(edge, kind, {"of": of}, timeout_s=10)
    return asyncio.run_coroutine_threadsafe(asked, hub.loop).result(15)


def test_a_report_comes_by_itself_and_an_ask_is_answered_at_once(
    hub: Hub, talking: Talking
) -> None:
    until(lambda: "plant" in hub.conversation.heard, "a report")
    assert hub.conversation.heard["plant"].report["rows"] == 7
    for number in range(20):
        assert ask(hub, "plant", "sum", number)["sum"] == number + 1


def test_what_the_edge_cannot_is_told_in_its_words(hub: Hub, talking: Talking) -> None:
    until(lambda: "plant" in hub.conversation.heard, "a report")
    with pytest.raises(InputError, match="nothing-there"):
        ask(hub, "plant", "sum", "nothing")
    with pytest.raises(InputError, match="edge-ask-unknown"):
        ask(hub, "plant", "dance", 1)
    with pytest.raises(InputError, match="edge-ask-failed"):
        ask(hub, "plant", "sum", "text")


def test_nobody_is_asked_who_is_not_there(hub: Hub) -> None:
    with pytest.raises(LinkDown, match="edge-not-there"):
        ask(hub, "plant", "sum", 1)


def test_who_came_back_over_a_new_line_is_asked_on_that(hub: Hub) -> None:
    with line_to(hub.port) as line:
        client = HubClient(
            [f"https://127.0.0.1:{line.port}"], "plant", lambda: hub.context("plant")
        )
        talking = Talking(client, lambda: {"rows": 7}, {"sum": answer})
        talking.start()
        until(lambda: "plant" in hub.conversation.heard, "a report")
        first = hub.conversation.heard["plant"]
        line.cut()
        until(lambda: hub.conversation.heard["plant"] is not first, "the next report")
        assert ask(hub, "plant", "sum", 1)["sum"] == 2
        talking.close()


def test_an_edge_ends_at_once_though_it_holds_a_line_open(hub: Hub) -> None:
    client = HubClient([f"https://127.0.0.1:{hub.port}"], "plant", lambda: hub.context("plant"))
    talking = Talking(client, lambda: {"rows": 7}, {})
    talking.start()
    until(lambda: "plant" in hub.conversation.heard, "a report")
    began_s = time.monotonic()
    talking.close()
    assert time.monotonic() - began_s < 3.0


def test_it_ends_at_once_whatever_it_is_about_to_do(hub: Hub) -> None:
    address = f"https://127.0.0.1:{hub.port}"
    for _ in range(20):
        client = HubClient([address], "plant", lambda: hub.context("plant"))
        talking = Talking(client, dict, {})
        talking.start()
        begun = time.monotonic()
        talking.close()  # before, in or behind its first handshake
        assert time.monotonic() - begun < 5


def test_a_bug_in_a_report_does_not_end_the_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking_room, "RETRY_S", 0.05)
    faults = iter([KeyError("status")])

    def report() -> dict[str, Any]:
        for fault in faults:
            raise fault
        return {"rows": 8}

    client = HubClient([f"https://127.0.0.1:{hub.port}"], "plant", lambda: hub.context("plant"))
    talking = Talking(client, report, {})
    talking.start()
    try:
        until(lambda: "plant" in hub.conversation.heard, "a report after the fault")
    finally:
        talking.close()
