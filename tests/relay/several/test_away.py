"""A hub process that starts while the store of its history is away: edges are answered, nobody is
told what is not known, and the history opens by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lianji.base.errors import StorageError
from tests.peers.postgres import Postgres
from tests.peers.seaweedfs import SeaweedFS, seaweedfs
from tests.relay.several.world import Common, Process
from tests.relay.world import START_US, Edge, until

pytestmark = pytest.mark.timeout(180)
FOREVER = (0, 2 * START_US)


@pytest.fixture
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A store of this test's own, which it may kill."""
    with seaweedfs(tmp_path_factory.mktemp("fragile")) as running:
        yield running


def test_a_hub_starts_and_takes_what_edges_send_while_its_store_is_away(
    tmp_path: Path, fragile: SeaweedFS, postgres_server: Postgres
) -> None:
    common = Common(tmp_path, fragile, postgres_server.database())
    folder = common.folder("a")
    common.admit(folder, "e")
    hub = Process(folder)
    edge = common.edge("e", hub.port)
    try:
        edge.start()
        edge.put(20)
        edge.wait(40)
        hub.flush()
        edge.put(20)
        edge.wait(40)  # these are in the spool alone
        fragile.kill()
        hub.close()
        hub.open()
        edge.put(20)
        edge.wait(60)
        received = hub.door.receiving.received["e"]
        assert (received.rows, received.parted) == (20, 0), "it knew what it had"
        told = hub.plant.status().history.error
        assert told is not None
        assert told.code == "history-away"
        assert told.remedy.en and told.remedy.zh
        with pytest.raises(StorageError) as asked:
            hub.plant.history.read(["e/line/value"], *FOREVER)
        assert asked.value.code == "history-away"
        hub.plant.history.start()
        fragile.start()
        until(lambda: hub.plant.status().history.error is None, "the history to open", 60)
        assert len(hub.plant.history.read(["e/line/value"], *FOREVER)) == 60
        hub.flush()
        common.check()
    finally:
        common.close_edges()
        hub.close()


def test_what_another_process_had_last_waits_until_the_table_can_tell(
    tmp_path: Path, fragile: SeaweedFS, postgres_server: Postgres
) -> None:
    common = Common(tmp_path, fragile, postgres_server.database())
    a, b = (common.folder(name) for name in ("a", "b"))
    common.admit(a, "e")
    first = Process(a)
    second = Process(b)
    edge = common.edge("e", first.port)
    try:
        edge.start()
        edge.put(20)
        edge.wait(40)
        second.close()
        fragile.kill()
        first.close()
        second.open()
        elsewhere = Edge(tmp_path / "elsewhere", common, "e", second.port)  # type: ignore[arg-type]
        try:
            elsewhere.put(1)
            elsewhere.start()
            status = elsewhere.uplink.status
            until(lambda: "history is away" in str(status().error), "a reason", 60)
        finally:
            elsewhere.close()
        assert not second.mine
        assert not second.plant.spool.durable
        first.open()
        edge.put(20)
        edge.wait(60)  # the last that had it is still the last
        assert first.mine == {"e": 1}
    finally:
        common.close_edges()
        first.close()
        second.close()
