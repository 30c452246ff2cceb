"""Two hub processes behind one address: an edge is looked after by one, and by the other when that
is gone; the table has each sample once, whoever flushes and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import InputError, LinkDown
from lianji.node.backup import back_up
from lianji.node.enrolment import create_hub
from lianji.node.folder import PlantFolder
from lianji.node.hub import HubDoor
from lianji.node.plant import Plant
from lianji.relay.client import HubClient, Moved
from tests.peers.postgres import postgres
from tests.peers.seaweedfs import SeaweedFS
from tests.relay.several.world import LEASE_S, Common, owner_first, several
from tests.relay.world import until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge waits a minute for a hub that says nothing; here it gives up sooner."""
    monkeypatch.setattr("lianji.relay.client.ANSWER_S_MAX", 4.0)
    monkeypatch.setattr("lianji.relay.client.CONNECT_S_MAX", 3.0)


@pytest.mark.parametrize("told", [True, False], ids=["by address", "by chance"])
def test_an_edge_stays_with_one_process_wherever_it_arrives(common: Common, told: bool) -> None:
    with several(common, told=told) as (a, b, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        for _ in range(10):
            edge.put(5)
            edge.wait(40)
        owner, other = owner_first(a, b)
        assert not other.mine
        assert owner.mine == {"e": 1}
        assert not other.plant.spool.durable
        owner.flush()
        other.flush()
        common.check()


def test_when_the_owner_sleeps_the_other_takes_over_and_neither_doubles(common: Common) -> None:
    with several(common) as (a, b, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        edge.put(20)
        edge.wait(40)
        owner, other = owner_first(a, b)
        owner.flush()
        edge.put(20)
        edge.wait(40)
        durable = owner.plant.spool.durable
        owner.freeze()  # with 20 samples that it said yes to, and has not flushed
        edge.put(20)
        until(lambda: "e" in other.mine, "the other to take over", 40)
        edge.put(20)
        edge.wait(40)
        received = other.door.receiving.received["e"]
        assert received.rows == 60  # the first 20 were in the table
        assert received.parted == 0  # an edge that moves is no clone
        other.flush()
        owner.thaw()
        until(lambda: "e" not in owner.mine, "the old owner to hear of it", 40)
        assert owner.plant.spool.durable >= durable
        owner.flush()
        common.check()
        edge.put(20)
        edge.wait(40)
        other.flush()
        common.check()
        assert other.mine == {"e": 2}


def test_the_old_owner_may_flush_first(common: Common) -> None:
    with several(common) as (a, b, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        edge.put(20)
        edge.wait(40)
        owner, other = owner_first(a, b)
        owner.freeze()
        edge.put(20)
        until(lambda: "e" in other.mine, "the other to take over", 40)
        edge.put(20)
        edge.wait(40)
        owner.thaw()
        owner.flush()
        files = len(common.place_files())
        other.flush()
        common.check()
        assert len(common.place_files()) > files


def test_one_that_ends_well_hands_over_at_once(common: Common) -> None:
    with several(common) as (a, b, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        edge.put(20)
        edge.wait(40)
        owner, other = owner_first(a, b)
        owner.close()
        common.check()
        edge.put(20)
        edge.wait(40)
        assert other.mine == {"e": 2}
        owner.open()
        other.flush()
        common.check()
        assert edge.uplink.status().parted is False


def test_while_the_database_is_away_the_owner_goes_on(tmp_path: Path, store: SeaweedFS) -> None:
    with postgres() as database:
        common = Common(tmp_path, store, database.database())
        with several(common) as (a, b, balancer):
            edge = common.edge("e", balancer.port)
            edge.start()
            edge.put(20)
            edge.wait(40)
            owner, other = owner_first(a, b)
            database.kill()
            ownership = owner.door.door.ownership
            assert ownership is not None
            renewed_s = ownership.tried_s
            until(lambda: ownership.tried_s > renewed_s + 2 * LEASE_S, "leases to be over", 90)
            edge.put(20)
            edge.wait(60)
            assert owner.mine == {"e": 1}
            database.start()
            renewed_s = ownership.renewed_s
            until(lambda: ownership.renewed_s > renewed_s, "leases to be renewed", 60)
            assert (owner.mine, other.mine) == ({"e": 1}, {})
            owner.flush()
            common.check()


def test_one_process_merges_in_the_bucket_while_the_other_writes(common: Common) -> None:
    with several(common) as (a, b, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        edge.put(1)
        edge.wait(40)
        owner, other = owner_first(a, b)
        for _ in range(20):
            edge.put(2)
            edge.wait(40)
            owner.flush()
        upkeep = other.plant.history.upkeep
        other.plant.history.relayed(afresh=True)
        upkeep.may_merge = lambda: True
        while upkeep.step():
            pass
        assert upkeep.error is None
        assert len(common.place_files()) < 20
        edge.put(2)
        edge.wait(40)
        owner.flush()
        common.check()


def test_what_an_edge_reports_goes_to_its_owner_until_that_is_gone(common: Common) -> None:
    with several(common) as (a, b, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        edge.put(1)
        edge.wait(40)
        owner, other = owner_first(a, b)
        address = f"https://127.0.0.1:{balancer.port}"
        clients: list[HubClient] = []

        def moved() -> bool:
            """The next connection arrives at the other."""
            clients.append(HubClient([address], "e", lambda: common.context("e")))
            try:
                clients[-1].exchange(b"{}", 0)
            except Moved:
                return True
            return False

        until(moved, "a connection that arrives at the other", 40)
        talk = clients[-1]
        talk.next_hub()  # as after any broken line; but the hub has said where to go
        assert talk.address == f"https://127.0.0.1:{owner.port}"
        talk.exchange(b"{}", 0)
        assert "e" in owner.door.conversation.heard
        assert "e" not in other.door.conversation.heard
        owner.close()
        with pytest.raises(LinkDown):
            talk.exchange(b"{}", 0)
        talk.next_hub()
        assert talk.address == address
        owner.open()
        for client in clients:
            client.close()


def test_hubs_that_share_a_table_and_no_database_are_refused(tmp_path: Path) -> None:
    folder = PlantFolder(tmp_path / "hub")
    create_hub(folder, "north")
    with folder.settings.open("a") as file:
        file.write(f'[history.shared]\nfolder = "{tmp_path / "shared"}"\n')
    plant = Plant(folder)
    settings = plant.configuration.settings.hub
    assert settings is not None
    try:
        with pytest.raises(InputError) as told:
            HubDoor(plant, settings)
        assert told.value.code == "hub-state-alone"
        with pytest.raises(InputError) as told:
            back_up(folder, tmp_path / "backup", 1, lambda *_: None)
        assert told.value.code == "backup-shared"
    finally:
        plant.close()
