"""The rows of relayed records and the ledger of them are one commit, whatever is interrupted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import deltalake
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianji.dictionary.batch import Batch
from lianji.dictionary.source import Source
from lianji.history.relayed import Ledger, joined, last_of_lanes, relayed, transactions
from lianji.spool.record import Gap
from tests.history.conftest import SECOND, START_US
from tests.history.test_model import Cut, Cutting
from tests.history.test_sites import SPAN, Hub

EPOCH, OTHER = "ab" * 16, "cd" * 16
LANE = ("edge1", EPOCH, 1)


def source(sequence: int, check: int = 7, edge: str = "edge1", lane: int = 1) -> Source:
    return Source(edge, EPOCH, lane, sequence, check)


def send(hub: Hub, origin: Source, second: float, value: float) -> None:
    [tag] = hub.names.ids_of([f"{origin.edge}/x"])
    batch = Batch.of([tag], START_US + round(second * SECOND), [value])
    hub.spool.put(replace(batch, sources=(origin,))).result(10)


def gap(origin: Source) -> Gap:
    return Gap("disk cap: dropped", 1, 2, 9, START_US, START_US, (origin,))


def in_the_table(hub: Hub) -> Ledger:
    return relayed(hub.history._table.sources)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path / "plant")
    yield made
    made.close()


@given(st.dictionaries(
    st.tuples(
        st.text(min_size=1, max_size=9),
        st.binary(min_size=16, max_size=16).map(bytes.hex),
        st.integers(0, 2**63),
    ),
    st.tuples(st.integers(1, 2**62), st.integers(0, 2**64 - 1)),
    max_size=5,
))  # fmt: skip
def test_a_ledger_comes_back_from_its_transactions(ledger: Ledger) -> None:
    told = transactions(ledger, lambda name: 0)
    assert all(-(2**63) <= number < 2**63 for number in told.values())
    assert relayed({"lianji/plant/" + EPOCH: 5, **told}) == ledger
    assert transactions(ledger, lambda name: told[name]) == {}


def test_a_flush_commits_the_last_record_of_each_lane_with_its_rows(hub: Hub) -> None:
    send(hub, source(1), 0, 0)
    send(hub, source(2, check=2**64 - 1), 1, 1)
    send(hub, source(40, lane=40, check=5), 9, 9)
    send(hub, source(3, edge="edge2"), 0, 0)
    hub.history.flush()
    told = {
        LANE: (2, 2**64 - 1), ("edge1", EPOCH, 40): (40, 5), ("edge2", EPOCH, 1): (3, 7),
    }  # fmt: skip
    assert in_the_table(hub) == told == hub.history.relayed()
    table = deltalake.DeltaTable(str(hub.folder / "samples"))
    assert table.transaction_version(f"lianji/relay/edge1/{EPOCH}.1") == 2
    assert table.transaction_version(f"lianji/relay/edge1/{EPOCH}.1/check") == -1


def test_gaps_and_records_that_bring_nothing_new_are_told_too(hub: Hub) -> None:
    send(hub, source(1), 0, 0)
    hub.history.flush()
    send(hub, source(2), 0, 0)
    files = len(hub.history._table.files)
    hub.history.flush()
    assert in_the_table(hub) == {LANE: (2, 7)}
    assert len(hub.history._table.files) == files
    hub.spool.put(gap(source(5, check=11))).result(10)
    assert hub.history.relayed() == {LANE: (5, 11)}
    hub.history.flush()
    assert in_the_table(hub) == {LANE: (5, 11)}
    version = hub.history._table.version
    hub.history.flush()
    assert hub.history._table.version == version


def test_the_ledger_is_whole_before_anything_is_flushed_and_after_a_kill(hub: Hub) -> None:
    send(hub, source(1), 0, 0)
    hub.history.flush()
    send(hub, source(2, check=8), 1, 1)
    hub.spool.put(gap(source(3, check=9, edge="edge2"))).result(10)
    whole = {LANE: (2, 8), ("edge2", EPOCH, 1): (3, 9)}
    assert hub.history.relayed() == whole
    assert in_the_table(hub) == {LANE: (1, 7)}
    hub.crash()
    hub.open()
    assert hub.history.relayed() == whole
    hub.history.flush()
    assert in_the_table(hub) == whole
    hub.crash()
    hub.open()
    assert hub.history.relayed() == whole
    assert hub.history.read(["edge1/x"], *SPAN)["value"].to_pylist() == [0, 1]


def test_the_ledger_never_goes_back(hub: Hub) -> None:
    send(hub, source(9, check=3), 0, 0)
    hub.history.flush()
    send(hub, source(4), 1, 1)
    assert hub.history.relayed() == {LANE: (9, 3)}
    hub.history.flush()
    assert in_the_table(hub) == {LANE: (9, 3)}
    assert joined({LANE: (4, 99)}, {LANE: (9, 3)}) == {LANE: (9, 3)}
    assert last_of_lanes([source(9, 3), source(4)]) == {LANE: (9, 3)}


def test_the_ledger_survives_a_checkpoint(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lianji.history.delta.log.CHECKPOINT_EVERY", 2)
    for sequence in range(1, 6):
        send(hub, source(sequence, check=2**64 - sequence), sequence, 0)
        hub.history.flush()
    hub.close()
    hub.open()
    assert in_the_table(hub) == {LANE: (5, 2**64 - 5)}


def test_waiting_samples_are_in_the_ledger_and_keep_their_source(hub: Hub) -> None:
    send(hub, source(1), 0, 0)
    send(hub, source(2), 10, 1)
    hub.history.flush()
    hub.close()
    [file] = (hub.folder / "samples" / "site=edge1").rglob("*.parquet")
    file.rename(file.with_suffix(".lost"))
    hub.open()
    send(hub, source(3), 5, 5)
    hub.history.flush()
    assert hub.history.status().waiting == 1
    assert in_the_table(hub) == {LANE: (3, 7)}
    assert [batch.sources for batch in hub.history._waiting.batches] == [(source(3),)]
    file.with_suffix(".lost").rename(file)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(["edge1", "edge2"]), st.integers(0, 30)),
        st.tuples(st.just("gap"), st.sampled_from(["edge1", "edge2"]), st.just(0)),
        st.tuples(st.just("flush"), st.just(""), st.just(0)),
        st.tuples(st.just("cut"), st.sampled_from(["made", "lost"]), st.integers(0, 1)),
        st.tuples(st.just("kill"), st.just(""), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions)
def test_whenever_it_is_killed_nothing_is_lost_or_doubled_and_the_ledger_is_right(
    story: list[tuple[str, str, int]],
) -> None:
    with tempfile.TemporaryDirectory(prefix="lianji-relayed-") as folder:
        hub = Hub(Path(folder) / "plant")
        rows: dict[tuple[str, int], float] = {}
        ledger: Ledger = {}
        for number, (what, which, some) in enumerate([*story, ("kill", "", 0), ("flush", "", 0)]):
            lane = (which, EPOCH, 1)
            origin = Source(which, EPOCH, 1, ledger.get(lane, (0, 0))[0] + 1, 2**63 + number)
            match what:
                case "send":
                    send(hub, origin, some, number)
                    rows[f"{which}/x", some] = number
                    ledger[lane] = (origin.sequence, origin.check)
                case "gap":
                    hub.spool.put(gap(origin)).result(10)
                    ledger[lane] = (origin.sequence, origin.check)
                case "cut":
                    with Cutting(some, is_made=which == "made"), suppress(Cut):
                        hub.history.flush()
                case "flush":
                    hub.history.flush()
                    assert in_the_table(hub) == ledger
                case "kill":
                    hub.crash()
                    hub.open()
            assert hub.history.relayed() == ledger
        table = hub.history.sql("select tag, epoch_us(time) t, value from samples").to_pylist()
        found = {(row["tag"], (row["t"] - START_US) // SECOND): row["value"] for row in table}
        assert found == rows
        assert len(table) == len(rows)
        hub.close()
