"""An edge that joined before its hub was paired learns of the second hub by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lianji.dictionary.tag_ids import TagIds
from lianji.node.pairing import pair
from lianji.node.relaying import Relaying
from lianji.relay import talking
from lianji.relay.client import HubClient
from lianji.relay.settings import RelaySettings
from lianji.relay.trust import joining
from lianji.relay.trust.invitation import Invitation
from lianji.spool.spool import Spool
from tests.relay.overview.world import OpenHub, open_hub
from tests.relay.world import until

SECOND = "https://south.example.com:8461"
FIRST = "https://127.0.0.1:8461"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge asks again every 20 seconds otherwise."""
    monkeypatch.setattr(talking, "WAIT_S", 0.3)


def joined(hub: OpenHub, folder: Path) -> RelaySettings:
    address = f"https://127.0.0.1:{hub.port}"
    token = hub.door.edges.invite("park1", ["park1"])
    line = Invitation.of(address, token, hub.door.authority.fingerprint)
    joining.join(folder, line)
    return RelaySettings(hubs=[address], edge="park1")


def addresses(relaying: Relaying) -> list[list[str]]:
    """Of all of its clients."""
    clients = (relaying._client, relaying._talk, relaying._fetch)
    return [client._hubs for client in clients]


def test_an_edge_learns_of_a_hub_that_was_paired_after_it_joined(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub:
        edge = tmp_path / "park1"
        settings = joined(hub, edge)
        names = TagIds.open(tmp_path / "tag-ids.tsv")

        def relay(spool: Spool) -> Relaying:
            return Relaying(edge, settings, spool, names, dict, {})

        with Spool(tmp_path / "spool") as spool:
            relaying = relay(spool)
            relaying.start()
            try:
                assert addresses(relaying) == [settings.hubs] * 3
                pair(hub.folder, "south", SECOND.removeprefix("https://"), False, "li")
                wanted = [*settings.hubs, FIRST, SECOND]
                until(lambda: addresses(relaying) == [wanted] * 3, "the second hub", 20)
                assert relaying._talk.address == settings.hubs[0]
                assert json.loads((edge / "hub.json").read_text())["addresses"] == wanted[1:]
            finally:
                hub.loop.call_soon_threadsafe(hub.door.conversation.end)
                relaying.close()
            again = relay(spool)  # after a restart too
            assert addresses(again) == [wanted] * 3
            assert again.renew() > 0
            assert addresses(again) == [wanted] * 3, "a renewal tells what is so now"
            again.close()


def test_what_is_no_address_is_passed_over() -> None:
    told: list[list[str]] = []
    client = HubClient(["https://a:1"], "park1", lambda: pytest.fail("nobody asks"))
    line = talking.Talking(client, dict, {}, hubs=told.append)
    for wrong in (None, [], "https://a:1", ["http://a:1"], [3], ["https://a:1"] * 9):
        line._hear_hubs(wrong)
    assert not told
    line._hear_hubs(["https://a:1", "https://b"])
    assert told == [["https://a:1", "https://b:443"]]


def test_a_client_stays_where_it_is_if_that_is_still_an_address() -> None:
    client = HubClient(["https://a:1", "https://b:2"], "park1", lambda: pytest.fail("nobody asks"))
    client.next_hub()
    client.become(["https://c:3", "https://b:2"])
    assert client.address == "https://b:2"
    client.become(["https://c:3"])
    assert client.address == "https://c:3"
