"""Hub and edge compare what they have: every difference is named, and mended from what each has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.relay.reconcile.comparing import Difference, Kind, Outcome
from lianji.relay.reconcile.run import RunState
from tests.relay.reconcile.plants import HOUR_US, START_US, World, put, samples, world, write_folder
from tests.relay.world import until

TAG = "park1/line/value"


@pytest.fixture
def plants(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def told(found: list[Difference]) -> list[tuple[object, ...]]:
    """Tag, hours from the start, counts, kind and outcome."""
    return [
        (d.tag, (d.start_us - START_US) // HOUR_US, (d.end_us - START_US) // HOUR_US,
         d.here, d.there, d.kind, d.outcome)
        for d in found
    ]  # fmt: skip


def take_out(world: World, tag: str, start_us: int, end_us: int) -> None:
    """Take rows out of the hub's table behind everybody's back: a file without them is committed
    in the place of the one that had them."""
    from lianji.history.delta.log import Change
    from lianji.history.parquet.reading import Stored, read_groups
    from lianji.history.parquet.writing import write_file

    history = world.hub.history
    history.flush()
    log = history._table

    for file in list(log.files.between(start_us, end_us, None)):
        left = []
        for rows, names in read_groups(Stored(log.place, file)):
            mine = np.array([name == tag for name in names])[rows.tag]
            gone = mine & (rows.time_us >= start_us) & (rows.time_us < end_us)
            if not gone.all():
                left.append((rows.take(~gone), names))
        new = (
            [write_file(log.place, file.site, file.period, iter(left), file.level)] if left else []
        )
        log.commit(Change("DELETE", new, [file]))


def test_plants_that_have_the_same_are_equal(plants: World) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 5000)
    plants.relayed(edge)
    run, found = plants.compare()
    assert (run.state, found) == (RunState.EQUAL, [])
    assert (run.tags, run.rows_here, run.rows_there) == (1, 5000, 5000)
    assert plants.hub.reconciling is not None
    assert plants.hub.reconciling.problems() == []


def test_what_was_deleted_at_the_hub_is_named_by_the_hour_and_comes_again(plants: World) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 4 * 3600)
    put(edge, "park1/line/other", START_US, 4 * 3600)
    plants.relayed(edge)
    whole = samples(plants.hub, TAG)
    take_out(plants, TAG, START_US + HOUR_US + 60_000_000, START_US + 3 * HOUR_US)
    run, found = plants.compare()
    assert run.state is RunState.DIFFERENT
    wanted = (TAG, 1, 3, 60, 7200, Kind.HUB_LACKS)
    assert told(found) == [(*wanted, Outcome.FOUND)]
    assert [p.code for p in plants.hub.status().problems] == ["reconcile-different"]
    run, found = plants.compare(repair=True)
    assert run.state is RunState.EQUAL
    assert told(found) == [(*wanted, Outcome.REPAIRED)]
    assert (run.to_hub, run.to_edge) == (7200, 0)
    assert samples(plants.hub, TAG) == whole
    assert plants.hub.status().problems == []
    assert plants.compare()[1] == []


def test_a_value_that_differs_becomes_that_of_the_edge(plants: World) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 3600)
    plants.relayed(edge)
    wrong = Batch.of(plants.hub.names.ids_of([TAG]), [START_US + 5_000_000], [99.0])
    plants.hub.spool.put(wrong).result(20)
    run, found = plants.compare(repair=True)
    assert run.state is RunState.EQUAL
    assert told(found) == [(TAG, 0, 1, 3600, 3600, Kind.DIFFERS, Outcome.REPAIRED)]
    assert samples(plants.hub, TAG)[5] == (START_US + 5_000_000, 5.0)
    assert samples(edge, TAG)[5] == (START_US + 5_000_000, 5.0)


def test_each_gives_what_the_other_lacks_within_one_hour(plants: World) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 100)
    plants.relayed(edge)
    extra = plants.hub.names.ids_of([TAG])
    plants.hub.spool.put(Batch.of(extra, [START_US + 500_000], [7.0])).result(20)
    take_out(plants, TAG, START_US, START_US + 10_000_000)
    plants.hub.spool.put(Batch.of(extra, [START_US + 1_500_000], [8.0])).result(20)
    plants.hub.spool.put(Batch.of(extra, [START_US + 20_000_000], [-1.0])).result(20)
    run, _ = plants.compare(repair=True)
    assert run.state is RunState.EQUAL
    assert run.to_edge == 1
    expected = [(START_US + n * 1_000_000, float(n)) for n in range(100)]
    expected.insert(2, (START_US + 1_500_000, 8.0))
    assert samples(edge, TAG) == expected
    assert samples(plants.hub, TAG) == expected


def test_an_edge_that_lost_its_history_gets_it_back(plants: World) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 5 * 3600)
    put(edge, "line/bare", START_US, 30)
    plants.relayed(edge)
    whole = samples(edge, TAG)
    plants.stop("park1")
    shutil.rmtree(plants.root / "park1" / "data")
    plants.join("park1")
    edge = plants.start("park1")
    run, found = plants.compare()
    assert run.state is RunState.DIFFERENT
    assert told(found) == [
        ("park1/line/bare", 0, 1, 30, 0, Kind.EDGE_LACKS, Outcome.FOUND),
        (TAG, 0, 5, 5 * 3600, 0, Kind.EDGE_LACKS, Outcome.FOUND),
    ]
    run, found = plants.compare(repair=True)
    assert run.state is RunState.EQUAL
    assert run.to_edge == 5 * 3600 + 30
    assert samples(edge, TAG) == whole
    plants.relayed(edge)
    assert plants.compare()[1] == []


def test_what_is_still_to_be_sent_is_under_way_and_not_missing(plants: World) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 3600)
    plants.relayed(edge)
    take_out(plants, TAG, START_US, START_US + 10_000_000)
    assert edge.relaying is not None
    edge.relaying.uplink.close()
    put(edge, TAG, START_US + 5 * HOUR_US, 7200)
    run, found = plants.compare()
    assert told(found) == [
        (TAG, 0, 1, 3590, 3600, Kind.HUB_LACKS, Outcome.FOUND),
        (TAG, 5, 7, 0, 7200, Kind.HUB_LACKS, Outcome.UNDER_WAY),
    ]
    put(edge, TAG, START_US, 1)  # a repetition: it might as well bring what the hour lacks
    run, found = plants.compare(repair=True)
    assert run.state is RunState.UNDER_WAY
    assert [one.outcome for one in found] == [Outcome.UNDER_WAY] * 2
    assert plants.hub.reconciling is not None
    assert plants.hub.reconciling.problems() == []


def test_the_years_before_it_joined_come_to_the_hub(plants: World) -> None:
    from lianji.node.plant import Plant

    folder = write_folder(plants.root / "park1", "park1")
    old = Plant(folder)
    for day in range(40):
        put(old, TAG, START_US + day * 24 * HOUR_US, 2000)
    last = put(old, "park1/line/other", START_US, 3000)
    old.history.flush()
    until(lambda: old.history.status().unflushed == 0, "the history to be flushed")
    old.close()
    plants.join("park1")
    (folder.spool / "readers").mkdir(exist_ok=True)
    from lianji.spool.spool import Spool

    spool = Spool(folder.spool)  # as if all of it had long left the spool
    spool.holder("relay").commit(last)
    spool.close()
    edge = plants.start("park1")
    assert samples(plants.hub, TAG) == []
    run, found = plants.compare(from_us=None, to_us=None, everything=True, repair=True)
    assert run.state is RunState.EQUAL
    assert (run.from_us, run.to_hub) == (START_US, 83_000)
    assert sum(one.there for one in found) == 83_000
    assert {one.outcome for one in found} == {Outcome.REPAIRED}
    assert samples(plants.hub, TAG) == samples(edge, TAG)


def test_many_tags_and_samples_come_in_pages_and_pieces(
    plants: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lianji.node.reconciling import answering, comparison, mending

    monkeypatch.setattr(answering, "ROWS_AT_ONCE", 3000)
    monkeypatch.setattr(answering, "PATHS_BYTES_MAX", 200)
    monkeypatch.setattr(answering, "BATCH_ROWS", 700)
    monkeypatch.setattr(comparison, "CELLS_MAX", 120)
    monkeypatch.setattr(comparison, "ROWS_AT_ONCE", 1000)
    monkeypatch.setattr(mending, "ROWS_A_TIME", 200)
    edge = plants.edge()
    tags = [f"park1/line/m{number:02}" for number in range(30)]
    for number, tag in enumerate(tags):
        put(edge, tag, START_US, 100 + 7 * number, step_us=120_000_000)
    plants.relayed(edge)
    whole = [samples(plants.hub, tag) for tag in tags]
    for tag in tags[::2]:
        take_out(plants, tag, START_US, START_US + 3 * HOUR_US)
    asked = []
    ask = plants.door.conversation.ask

    async def noted(edge: str, kind: str, payload: dict[str, Any], timeout_s: float = 60.0) -> Any:
        asked.append(kind)
        return await ask(edge, kind, payload, timeout_s)

    monkeypatch.setattr(plants.door.conversation, "ask", noted)
    run, found = plants.compare(repair=True)
    assert run.state is RunState.EQUAL
    assert [one.tag for one in found] == tags[::2]
    assert run.to_hub == 15 * 90
    assert [samples(plants.hub, tag) for tag in tags] == whole
    assert asked.count("reconcile-about") > 2
    assert asked.count("digest") > 10
    assert asked.count("resend") >= 7


def test_an_edge_that_goes_away_meanwhile_breaks_the_run_off_with_its_reason(
    plants: World,
) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 100)
    plants.relayed(edge)
    plants.stop("park1")
    plants.door.conversation.heard.clear()
    run, found = plants.compare()
    assert (run.state, found) == (RunState.FAILED, [])
    assert run.error is not None
    assert run.error["code"] == "edge-not-there"


def test_what_the_edge_keeps_for_some_days_only_is_not_missed_there(plants: World) -> None:
    rule = '[[history.retention]]\ntags = "park1/fast/*"\nkeep_days = 2\n'
    plants.join("park1", rule)
    edge = plants.start("park1")
    put(edge, "park1/slow/value", START_US, 10)
    plants.relayed(edge)
    for tag in ("park1/fast/value", "park1/slow/value"):
        put(plants.hub, tag, START_US + HOUR_US, 10)
    _, found = plants.compare()
    assert told(found) == [
        ("park1/slow/value", 1, 2, 10, 0, Kind.EDGE_LACKS, Outcome.FOUND),
    ]


def test_a_repair_that_broke_off_is_done_by_the_next_run_and_doubles_nothing(
    plants: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lianji.base.errors import LinkDown, Text
    from lianji.node.reconciling import mending

    monkeypatch.setattr(mending, "ROWS_A_TIME", 1000)
    edge = plants.edge()
    put(edge, TAG, START_US, 4 * 3600)
    plants.relayed(edge)
    whole = samples(plants.hub, TAG)
    take_out(plants, TAG, START_US, START_US + 4 * HOUR_US)
    ask = plants.door.conversation.ask
    resent = []

    async def broken(edge: str, kind: str, payload: dict[str, Any], timeout_s: float = 60.0) -> Any:
        if kind == "resend":
            resent.append(payload)
            if len(resent) == 3:
                raise LinkDown("edge-not-there", Text("gone", "断"), Text("wait", "等"))
        return await ask(edge, kind, payload, timeout_s)

    monkeypatch.setattr(plants.door.conversation, "ask", broken)
    run, found = plants.compare(repair=True)
    assert run.state is RunState.FAILED
    assert (run.to_hub, run.done_us) == (2 * 3600, START_US)
    assert [(one.outcome, one.reason) for one in found] == [(Outcome.LEFT, "edge-not-there")]
    run, found = plants.compare(repair=True)
    assert run.state is RunState.EQUAL
    assert told(found) == [(TAG, 2, 4, 0, 7200, Kind.HUB_LACKS, Outcome.REPAIRED)]
    assert samples(plants.hub, TAG) == whole


def test_a_file_that_cannot_be_read_is_named_with_the_hours_that_it_held(plants: World) -> None:
    edge = plants.edge()
    put(edge, TAG, START_US, 100)
    plants.relayed(edge)
    edge.history.flush()
    (file,) = [*edge.history._table.files]
    (edge.folder.history / file.path).write_bytes(b"damaged")
    run, found = plants.compare()
    assert run.state is RunState.DIFFERENT
    assert told(found) == [(TAG, 0, 1, 100, 0, Kind.EDGE_LACKS, Outcome.FOUND)]
    assert [name.endswith(file.path) for name in run.unreadable] == [True]


def test_an_edge_takes_back_only_what_it_has_not(plants: World) -> None:
    from lianji.node.reconciling.answering import table_of

    edge = plants.edge()
    put(edge, TAG, START_US, 10)
    put(plants.hub, TAG, START_US - 5_000_000, 15, value=100.0)
    rows = plants.hub.history._moment().rows([TAG], START_US - HOUR_US, START_US + HOUR_US)
    assert len(rows) == 15
    offer = plants.door.reconciler.offers.put("park1", table_of(rows, [TAG]))
    answer = plants.call(plants.door.conversation.ask("park1", "restore", {"offer": offer}))
    assert answer["rows"] == 5
    assert samples(edge, TAG) == [
        *((START_US + n * 1_000_000, 105.0 + n) for n in range(-5, 0)),
        *((START_US + n * 1_000_000, float(n)) for n in range(10)),
    ]
