"""Two real hub processes behind one address; the owner of an edge is killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lianji.base.state import State
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings
from lianji.relay.owners import owners
from lianji.relay.ownership import UPKEEP
from tests.peers.postgres import Postgres
from tests.peers.seaweedfs import SeaweedFS
from tests.relay.several.world import Balancer, Common
from tests.relay.world import Edge, until
from tests.system.plant import PlantProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(280)]


@contextmanager
def two(common: Common) -> Iterator[tuple[list[PlantProcess], Balancer]]:
    folders = [common.folder(name) for name in ("a", "b")]
    common.admit(folders[0], "e")
    ports = [hub.port for folder in folders if (hub := load_settings(folder.root).hub)]
    processes = [PlantProcess(folder.root) for folder in folders]
    balancer = Balancer(*ports)
    try:
        for one in processes:
            one.start()
        yield processes, balancer
    finally:
        common.close_edges()
        balancer.close()
        for one in processes:
            one.end()


def owner_of(common: Common, processes: list[PlantProcess]) -> PlantProcess:
    """By the word of the database."""
    state = State(common.state_url)
    try:
        with state.reading() as connection:
            rows = {row.edge: row.address for row in connection.execute(owners.select())}
    finally:
        state.close()
    assert set(rows) <= {"e", UPKEEP}
    return next(
        one
        for one in processes
        if (hub := load_settings(one.folder).hub) and hub.process_address == rows["e"]
    )


def in_the_table(common: Common) -> int:
    return max((version for _, version in common.transactions()), default=0)


def acknowledged_and_not_flushed(common: Common, edge: Edge) -> bool:
    last = edge.put(7)
    edge.wait(40)
    return 0 < in_the_table(common) < last


def test_a_killed_owner_is_followed_comes_back_and_nothing_is_lost_or_doubled(
    tmp_path: Path, store: SeaweedFS, postgres_server: Postgres
) -> None:
    common = Common(tmp_path, store, postgres_server.database(), flush_s=2)
    with two(common) as (processes, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        for _ in range(2):  # and once more the other way round
            until(lambda: acknowledged_and_not_flushed(common, edge), "a moment to kill at", 60)
            owner = owner_of(common, processes)
            owner.kill()
            edge.put(30)
            edge.wait(60)
            assert owner_of(common, processes) is not owner
            owner.start()
            edge.put(30)
            edge.wait(60)
        common.close_edges()
        for one in processes:
            one.stop()
        common.check()


def test_both_spools_are_flushed_by_the_end(common: Common) -> None:
    """Nothing is in the table before: all that the killed one has comes from its own spool too."""
    with two(common) as (processes, balancer):
        edge = common.edge("e", balancer.port)
        edge.start()
        edge.put(50)
        edge.wait(40)
        owner = owner_of(common, processes)
        owner.kill()
        edge.put(50)
        edge.wait(60)
        [other] = [one for one in processes if one is not owner]
        common.close_edges()
        owner.start()
        owner.stop()
        assert in_the_table(common) > 0
        other.stop()
        common.check()
        assert PlantFolder(owner.folder).spool.exists()
