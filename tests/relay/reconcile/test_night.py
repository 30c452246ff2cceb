"""Every night by itself, in the site's own time, and later for an edge that was away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from lianji.base.clock import now_us, to_us
from lianji.node.reconciling.reconciler import last_time
from lianji.relay.reconcile.run import NIGHTLY, Run, RunState
from tests.relay.reconcile.plants import DAY_US, HOUR_US, World, put, samples, world
from tests.relay.world import until

TAG = "park1/line/value"


@pytest.fixture
def plants(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, 'reconcile_at = "00:00"\nreconcile_days = 3') as made:
        yield made


def joined_long_ago(plants: World) -> None:
    with plants.hub.state.writing() as connection:
        connection.execute(sa.text(f"UPDATE relay_edges SET joined_us = {now_us() - 9 * DAY_US}"))


def look(plants: World) -> None:
    """Have the hub look now which edges are due."""
    reconciler = plants.door.reconciler

    async def once() -> None:
        await reconciler._start_due()

    plants.call(once())


def newest(plants: World) -> Run | None:
    return plants.door.reconciler.runs.newest("park1", NIGHTLY)


def test_the_night_is_that_of_the_site() -> None:
    now = to_us(datetime(2026, 7, 1, 20, 0, tzinfo=UTC))
    assert last_time("02:30", "UTC", now) == to_us(datetime(2026, 7, 1, 2, 30, tzinfo=UTC))
    here = to_us(datetime(2026, 7, 1, 18, 30, tzinfo=UTC))
    assert last_time("02:30", "Asia/Shanghai", now) == here
    assert last_time("02:30", "Asia/Shanghai", here) == here
    assert last_time("02:30", "Asia/Shanghai", here - 1) == here - DAY_US
    assert last_time("02:30", "Europe/Berlin", now) == to_us(
        datetime(2026, 7, 1, 0, 30, tzinfo=UTC)
    )


def test_an_edge_that_was_away_is_compared_and_mended_when_it_is_back(plants: World) -> None:
    edge = plants.edge()
    first_us = now_us() // HOUR_US * HOUR_US - 2 * DAY_US
    put(edge, TAG, first_us, 100)
    plants.relayed(edge)
    look(plants)
    assert newest(plants) is None  # it joined after the last night
    assert edge.relaying is not None
    plants.stop("park1")
    joined_long_ago(plants)
    plants.door.conversation.heard.clear()
    look(plants)
    assert newest(plants) is None  # it is not there

    edge = plants.start("park1")
    look(plants)
    until(lambda: (run := newest(plants)) is not None and run.is_over, "the night's run to end")
    run = newest(plants)
    assert run is not None
    assert (run.state, run.repair) == (RunState.EQUAL, True)
    assert run.from_us == (run.started_us - 3 * DAY_US) // HOUR_US * HOUR_US
    assert samples(plants.hub, TAG)[0] == (first_us, 0.0)
    look(plants)
    again = newest(plants)
    assert again is not None
    assert again.id == run.id  # once a night is enough


def test_a_hub_that_ended_meanwhile_says_so_of_its_run(plants: World) -> None:
    plants.edge()
    left = plants.door.reconciler.runs.begin(
        Run("park1", "somebody", True, now_us(), 0, DAY_US, HOUR_US)
    )
    plants.door.reconciler._begin()
    run = plants.door.reconciler.runs.get(left.id)
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert run.error["code"] == "reconcile-stopped"
