"""A hub is lost and another takes over: nothing is lost, nothing is doubled, nobody writes late."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.base.errors import StorageError
from lianji.relay import rate, uplink
from lianji.relay.client import HubClient
from lianji.relay.generation import Generation, Highest
from lianji.relay.lanes import Lane, Mark
from lianji.relay.limits import Limits
from lianji.relay.receiving import Sender
from lianji.relay.settings import SyncPolicy
from lianji.relay.standing import Role, Standing
from lianji.relay.wire import GENERATION, GENERATION_PROOF
from tests.relay.hubs.world import GroupHub, check_all, check_once, group, same_keys, until


def test_a_standby_has_what_the_active_hub_has_and_its_ledger_knows_the_edges(
    tmp_path: Path,
) -> None:
    with group(tmp_path) as world:
        world.a.send_to(world.b)
        world.edge.start()
        world.put(times=20)
        world.edge.wait()
        until(world.a.sent, "the standby to have it")
        check_once(world.b, world.edge)
        epoch = world.edge.spool.epoch
        there = world.b.receiving.ledger.lanes("plant", epoch)
        assert there == world.a.receiving.ledger.lanes("plant", epoch) != {}


def test_hubs_send_in_order_where_edges_send_the_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the standby would think that it has an edge's lane of which the older part is missing,
    and never ask for it."""
    monkeypatch.setattr(uplink, "SPLIT_S", 0.0)
    monkeypatch.setattr(uplink, "LIVE_BYTES_MAX", 4_000)
    monkeypatch.setattr(rate, "FIRST_BYTES", 4_000)
    with group(tmp_path) as world:
        epoch, ledger = world.edge.spool.epoch, world.a.receiving.ledger
        world.put(times=200)
        world.edge.start()
        for _ in range(100):
            world.put()
        world.edge.wait()
        lanes = ledger.lanes("plant", epoch)
        assert len(lanes) > 1  # an edge did begin a lane for the newest
        world.a.send_to(world.b)
        for _ in range(100):
            world.put()
        world.edge.wait()
        until(world.a.sent, "the standby to have it")
        assert len(world.b.receiving.ledger.lanes("hub-a")) == 1
        assert world.b.receiving.ledger.lanes("plant", epoch) == ledger.lanes("plant", epoch)
        check_once(world.b, world.edge)


def test_edges_go_to_the_standby_only_when_it_was_promoted(tmp_path: Path) -> None:
    with group(tmp_path) as world:
        world.a.send_to(world.b)
        world.edge.start()
        world.put(times=5)
        world.edge.wait()
        until(world.a.sent, "the standby to have it")
        world.a.close()
        world.put(times=5)
        until(lambda: not world.edge.uplink.status().connected, "the edge to notice")
        assert len(world.b.samples()) == 50
        world.failed_over()
        check_once(world.b, world.edge)
        assert world.edge.seen.told().number == 2
        kept = Highest(tmp_path / "plant/relay/generation").told()
        assert kept.number == 2 and kept.is_proven(world.b.authority.signing_key.public_key())


def test_what_the_standby_lacked_is_offered_again(tmp_path: Path) -> None:
    """RPO 0 for samples over asynchronous replication."""
    with group(tmp_path) as world:
        world.edge.start()
        world.a.send_to(world.b)
        world.put(times=5)
        world.edge.wait()
        until(world.a.sent, "the standby to have it")
        world.a.stop_sending()  # the line between the hubs breaks
        world.put(times=20)
        world.edge.wait()
        world.a.close()
        assert len(world.b.samples()) == 50 and world.edge.sent == 250
        world.failed_over()
        check_once(world.b, world.edge)


def test_a_quiet_edge_offers_again_too_when_it_hears_of_the_new_hub(tmp_path: Path) -> None:
    with group(tmp_path) as world:
        world.edge.start()
        world.put(times=3)
        world.edge.wait()
        world.a.close()
        world.edge.seen.hear(Generation.signed(world.b.standing.promote().generation,
                                               world.b.authority.signing_key))  # fmt: skip
        until(lambda: len(world.b.samples()) == 30, "the new hub to have it")
        check_once(world.b, world.edge)


def test_a_hub_that_comes_back_is_fenced_follows_and_gives_what_it_has(tmp_path: Path) -> None:
    with group(tmp_path) as world:
        world.edge.start()
        world.a.send_to(world.b)
        world.put(times=5)
        world.edge.wait()
        until(world.a.sent, "the standby to have it")
        world.a.stop_sending()
        world.put(times=10)
        world.edge.wait()
        lost = world.a.spool.durable
        world.a.close()
        world.failed_over()
        world.put(times=5)
        world.edge.wait()

        world.a.open()
        assert world.a.spool.durable == lost and world.a.standing.role is Role.ACTIVE
        world.a.send_to(world.b)
        until(lambda: world.a.standing.role is Role.FENCED, "the old hub to be fenced")
        assert [p.code for p in world.a.standing.problems()] == ["hub-fenced"]
        assert not world.a.sent()
        check_once(world.b, world.edge)

        world.a.standing.follow()
        world.b.send_to(world.a)
        until(world.a.sent, "the old hub's records to be told")
        until(world.b.sent, "the new hub's records to be told")
        check_once(world.b, world.edge)
        check_all(world.a, world.edge)


def test_failing_back_doubles_nothing(tmp_path: Path) -> None:
    with group(tmp_path) as world:
        world.edge.start()
        world.a.send_to(world.b)
        world.put(times=5)
        world.edge.wait()
        until(world.a.sent, "the standby to have it")
        world.a.close()
        world.failed_over()
        world.put(times=5)
        world.a.open()
        world.a.standing.follow()
        world.a.standing.hear(world.b.standing.told())
        world.b.send_to(world.a)
        world.a.send_to(world.b)
        world.edge.wait()
        until(world.b.sent, "the old hub to have it")

        assert world.a.standing.promote().generation == 3
        until(lambda: world.b.standing.role is Role.FENCED, "the other to be fenced")
        world.put(times=5)
        world.edge.wait()
        assert world.edge.seen.told().number == 3
        world.b.standing.follow()
        until(lambda: world.a.sent() and world.b.sent(), "both to have it")
        check_all(world.a, world.edge)
        check_once(world.b, world.edge)


def test_late_writes_are_refused_by_a_hub_that_an_edge_tells_of_the_higher_one(
    tmp_path: Path,
) -> None:
    with group(tmp_path) as world:
        key = world.a.authority.signing_key
        forged = Generation(7, Generation.signed(7, Ed25519PrivateKey.generate()).proof)
        assert _asked(world.a, forged).status_code == 200
        assert _asked(world.a, Generation(7)).status_code == 200
        assert world.a.standing.role is Role.ACTIVE
        refused = _asked(world.a, Generation.signed(2, key))
        assert refused.status_code == 409 and refused.json()["code"] == "hub-fenced"
        assert _asked(world.a, Generation(0)).status_code == 409
        world.a.close()
        world.a.open()  # durably
        assert _asked(world.a, Generation(0)).status_code == 409


def _asked(hub: GroupHub, seen: Generation) -> httpx.Response:
    headers = {GENERATION: str(seen.number), GENERATION_PROOF: seen.proof}
    with httpx.Client(verify=hub.context("plant"), trust_env=False) as client:
        address = f"https://127.0.0.1:{hub.port}/relay/v1/plant/{'0' * 32}"
        return client.get(address, headers=headers)


def test_no_edge_speaks_as_a_hub_of_the_group(tmp_path: Path) -> None:
    with group(tmp_path) as world:
        world.a.limits = Limits(rows_a_second=1)
        world.a.close()
        world.a.open()
        told = {"edges": [], "keys": True}
        for edge, status in (("plant", 403), ("hub-b", 200)):
            with httpx.Client(verify=world.a.context(edge), trust_env=False) as client:
                address = f"https://127.0.0.1:{world.a.port}/relay/v1/{edge}/group"
                assert client.post(address, json=told).status_code == status
        world.b.standing.promote()
        world.a.standing.begin(Role.STANDBY, 2)
        world.b.send_to(world.a)  # a hub brings what all edges bring: their limit is not its own
        world.edge.start()
        for _ in range(3):
            world.put(times=5)
            world.edge.wait()
            until(world.b.sent, "the other hub to have it")
        until(world.b.sent, "the other hub to have it")
        check_once(world.a, world.edge)


def test_an_edge_refuses_a_hub_of_an_older_generation_also_after_a_restart(
    tmp_path: Path,
) -> None:
    with group(tmp_path) as world:
        world.edge.seen.hear(world.a.standing.told())
        world.edge.seen.hear(Generation.signed(2, world.a.authority.signing_key))
        world.edge.close()
        world.edge.open()
        world.b.close()
        world.edge.start()
        world.put()
        until(lambda: world.a.standing.role is Role.FENCED, "the old hub to hear of it")
        assert world.a.samples() == []


def test_an_edge_that_names_lanes_of_others_is_not_believed(tmp_path: Path) -> None:
    """Else one edge could make the hub think that it has another's records."""
    with group(tmp_path) as world:
        world.edge.start()
        world.put()
        world.edge.wait()
        [record] = [world.a.spool.record(n) for n in range(1, 20) if world.a.spool.record(n)]
        assert record is not None
        ledger = world.a.receiving.ledger
        before = ledger.lanes("plant")
        lane = Lane("f" * 32, 1)
        tags = [b"".join(bytes(part) for part in _tags(world.a))]
        body = memoryview(b"".join([*tags, bytes(record.raw)]))
        asked = world.a.receiving.put(Sender("other", ("*",)), lane, Mark(0, 0), body)
        asyncio.run_coroutine_threadsafe(asked, world.a.loop).result(10)
        assert ledger.lanes("plant") == before
        assert lane in ledger.lanes("other")


def _tags(hub: GroupHub) -> list[bytes | memoryview]:
    from lianji.spool.record import encode_tags

    return encode_tags(0, list(range(len(hub.names.paths))), list(hub.names.paths))


def test_a_promoted_hub_hands_out_contents_under_its_own_generation(tmp_path: Path) -> None:
    with group(tmp_path) as world:
        assert world.a.standing.promote().generation == 2
        message = "ab" * 16
        (world.a.folder / message).write_bytes(b"a model")
        seen = Highest()
        client = HubClient(
            [f"https://127.0.0.1:{world.a.port}"],
            "plant",
            lambda: world.a.context("plant"),
            seen=seen,
        )
        try:
            client.exchange(b"{}", 0)
            assert seen.told().number == 2
            got: list[bytes] = []
            client.content(message, 2, got.append)
            assert b"".join(got) == b"model"
        finally:
            client.close()


def test_a_standing_is_seen_by_other_processes_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    running, command = Standing(tmp_path, key), Standing(tmp_path, key)
    assert running.now.generation == 1 and running.role is Role.ACTIVE
    assert command.promote().generation == 2
    assert running.now.generation == 2
    command.follow()
    assert running.role is Role.STANDBY
    running.hear(Generation.signed(9, key))
    assert command.now.generation == 9 and command.role is Role.STANDBY
    (tmp_path / "standing.json").write_text(json.dumps({"role": "king"}))
    with pytest.raises(StorageError, match="hub-standing-damaged"):
        _ = running.now


def test_in_sync_mode_a_yes_means_that_both_have_it(tmp_path: Path) -> None:
    with group(tmp_path, SyncPolicy.REFUSE) as world:
        world.a.sync_wait_s = 20.0
        world.a.close()
        world.a.open()
        world.edge.start()
        world.put()
        until(lambda: world.a.spool.durable, "the first hub to have it")
        assert not world.edge.arrived()
        world.a.send_to(world.b)
        world.edge.wait()
        check_once(world.b, world.edge)
        check_once(world.a, world.edge)


def test_a_hub_that_refuses_alone_says_yes_later_and_takes_it_once(tmp_path: Path) -> None:
    with group(tmp_path, SyncPolicy.REFUSE) as world:
        both = world.a.both
        assert both is not None
        world.edge.start()
        world.put(times=3)
        until(lambda: both.degraded, "the hub to find itself alone")
        assert [p.code for p in both.problems()] == ["hub-sync-refused"]
        assert not world.edge.arrived()
        world.a.send_to(world.b)
        world.edge.wait()
        until(lambda: both.degraded is None, "the two to be together")
        check_once(world.a, world.edge)
        check_once(world.b, world.edge)


def test_a_hub_that_degrades_says_yes_alone_says_so_and_ends_it_by_itself(tmp_path: Path) -> None:
    with group(tmp_path, SyncPolicy.DEGRADE) as world:
        both = world.a.both
        assert both is not None
        world.edge.start()
        world.put()
        world.edge.wait()
        assert [p.code for p in both.problems()] == ["hub-sync-degraded"]
        world.put(times=10)
        world.edge.wait()
        assert world.b.samples() == []
        world.a.send_to(world.b)
        until(lambda: both.degraded is None, "the standby to catch up")
        check_once(world.b, world.edge)
        assert both.problems() == []


def test_three_hubs_are_a_ring_in_which_each_has_all_once(tmp_path: Path) -> None:
    """Two places, three centres: both of the one city are lost, and come back."""
    with group(tmp_path) as world:
        far = GroupHub(same_keys(tmp_path / "c", world.a), name="hub-c", role=Role.STANDBY)
        try:
            world.edge.uplink.close()
            world.edge.spool.close()
            world.edge.hubs = (world.a, world.b, far)
            world.edge.open()
            world.edge.start()
            world.a.send_to(world.b)
            world.b.send_to(far)
            far.send_to(world.a)
            world.put(times=5)
            world.edge.wait()
            until(lambda: len(far.samples()) == 50, "the far hub to have it")
            world.a.close()
            world.b.close()
            far.standing.promote()
            world.put(times=5)
            until(lambda: world.edge.seen.told().number == 2, "the edge to go over")
            world.edge.wait()
            for hub, to in ((world.a, world.b), (world.b, far)):
                hub.open()
                hub.standing.hear(far.standing.told())
                hub.standing.follow()
                hub.send_to(to)
            far.stop_sending()
            far.send_to(world.a)
            until(lambda: len(world.b.samples()) == 100, "what came meanwhile to go round")
            for hub in (world.a, world.b, far):
                check_once(hub, world.edge)
        finally:
            far.close()
