"""Several processes write one table: every record once, and no lane ever goes back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import deltalake
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianji.base.clock import to_us
from lianji.base.errors import StorageError
from lianji.dictionary.batch import Batch
from lianji.dictionary.source import Source
from lianji.history.delta.log import Change, DeltaLog
from lianji.history.places.folder import FolderPlace
from lianji.history.relayed import relayed
from lianji.history.settings import HistorySettings
from lianji.history.tables import SAMPLES
from tests.history.conftest import SECOND, START_US
from tests.history.test_model import Cut, Cutting
from tests.history.test_sites import SPAN, Hub

EPOCH = "ab" * 16


class Process(Hub):
    """The rooms of one of several hub processes: a spool and tag ids of its own."""

    def __init__(self, folder: Path, shared: Path) -> None:
        told = {"flush_s": 3600, "shared": {"folder": str(shared)}}
        self.settings = HistorySettings.model_validate(told)
        super().__init__(folder)

    def take(self, edge: str, sequence: int, rows: dict[float, float], lane: int = 1) -> None:
        """A record of an edge that ends with this sequence, durable in the spool."""
        [tag] = self.names.ids_of([f"{edge}/x"])
        times = [START_US + round(second * SECOND) for second in rows]
        batch = Batch.of([tag] * len(rows), times, list(rows.values()))
        origin = Source(edge, EPOCH, lane, sequence, 2**63 + sequence)
        self.spool.put(replace(batch, sources=(origin,))).result(10)

    def mark(self, edge: str, lane: int = 1) -> int:
        self.history.relayed(afresh=True)
        return relayed(self.history._table.sources).get((edge, EPOCH, lane), (0, 0))[0]


@dataclass
class Pair:
    root: Path
    a: Process = field(init=False)
    b: Process = field(init=False)

    def __post_init__(self) -> None:
        self.a, self.b = (Process(self.root / name, self.root / "shared") for name in "ab")

    def table(self, edge: str) -> dict[float, float]:
        """What lies in the files, by second. Fails if a key is there twice."""
        table = deltalake.DeltaTable(str(self.root / "shared" / "samples")).to_pyarrow_table()
        rows = [row for row in table.to_pylist() if row["tag"] == f"{edge}/x"]
        found = {(to_us(row["time"]) - START_US) / SECOND: row["value"] for row in rows}
        assert len(found) == len(rows)
        return found

    def close(self) -> None:
        self.a.close()
        self.b.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.close()


def test_what_one_process_flushed_the_other_answers(pair: Pair) -> None:
    pair.a.take("e", 1, {0: 0})
    pair.b.take("e", 2, {1: 1})
    pair.a.history.flush()
    pair.b.history.flush()
    pair.a.history._others._looked_s = 0
    for one in (pair.a, pair.b):
        assert one.history.read(["e/x"], *SPAN)["value"].to_pylist() == [0, 1]
        assert one.history.last(["e/x"])["value"].to_pylist() == [1]


def test_what_others_wrote_is_compared_with_what_comes_after_it(pair: Pair) -> None:
    pair.a.take("e", 1, {0: 0})
    pair.a.history.flush()
    assert pair.a.history.last(["e/x"])["value"].to_pylist() == [0]
    pair.b.history.relayed(afresh=True)
    pair.b.take("e", 2, {1: 1})
    pair.b.history.flush()
    pair.a.history.relayed(afresh=True)
    assert pair.a.history.last(["e/x"])["value"].to_pylist() == [1]
    pair.a.take("e", 3, {1: 11})
    pair.a.history.flush()
    assert pair.table("e") == {0: 0, 1: 11}
    pair.b.history.relayed(afresh=True)
    assert pair.b.history.last(["e/x"])["value"].to_pylist() == [11]


def test_a_record_that_came_to_both_is_written_once(pair: Pair) -> None:
    pair.a.take("e", 3, {0: 0, 1: 1, 2: 2})
    pair.b.take("e", 2, {0: 0, 1: 1})
    pair.b.take("e", 3, {2: 2})
    pair.b.history.flush()
    files = len(pair.b.history._table.files)
    pair.a.history.flush()
    assert len(pair.a.history._table.files) == files
    assert pair.a.history.status().repeated == 0
    assert pair.table("e") == {0: 0, 1: 1, 2: 2}


def test_an_old_owner_does_not_undo_what_was_corrected_since(pair: Pair) -> None:
    pair.a.take("e", 1, {0: 5})
    pair.b.take("e", 1, {0: 5})
    pair.b.take("e", 2, {0: 6})
    pair.b.history.flush()
    for one in (pair.a.history, pair.a.stored(), pair.b.history):
        assert one.read(["e/x"], *SPAN)["value"].to_pylist() == [6]
    pair.a.history.flush()
    assert pair.table("e") == {0: 6}
    assert pair.a.history.last(["e/x"])["value"].to_pylist() == [6]
    assert pair.a.stored().last(["e/x"])["value"].to_pylist() == [6]
    assert pair.a.mark("e") == 2
    modified = pair.a.history.modified(["e/x"], *SPAN)
    assert modified["value"].to_pylist() == [5]


def test_a_record_that_is_there_in_part_brings_the_rest(pair: Pair) -> None:
    pair.a.take("e", 3, {0: 0, 1: 1, 2: 2})
    pair.b.take("e", 2, {0: 0, 1: 1})
    pair.b.history.flush()
    pair.a.history.flush()
    assert pair.table("e") == {0: 0, 1: 1, 2: 2}
    assert pair.a.mark("e") == 3


def test_of_two_that_commit_at_once_one_is_refused_and_looks_again(pair: Pair) -> None:
    pair.a.take("e", 1, {0: 5})
    pair.b.take("e", 1, {0: 5})
    pair.b.take("e", 2, {0: 6})
    commit, once = DeltaLog.commit, iter([True])

    def beaten(log: DeltaLog, change: Change) -> None:
        """Just before the first commit another process is quicker."""
        if log is pair.a.history._table and next(once, False):
            pair.b.history.flush()
        commit(log, change)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DeltaLog, "commit", beaten)
        pair.a.history.flush()
    assert next(once, None) is None
    assert pair.table("e") == {0: 6}
    assert pair.a.mark("e") == 2


def test_one_that_is_always_beaten_says_so_and_loses_nothing(pair: Pair) -> None:
    pair.a.take("e", 99, {99: 99})
    commit, others = DeltaLog.commit, iter(range(1, 99))

    def beaten(log: DeltaLog, change: Change) -> None:
        if log is pair.a.history._table and (number := next(others, 0)):
            pair.b.take("e", number, {number: number})
            pair.b.history.flush()
        commit(log, change)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DeltaLog, "commit", beaten)
        with pytest.raises(StorageError) as told:
            pair.a.history.flush()
    assert told.value.code == "history-overtaken"
    pair.a.crash()
    pair.a.open()
    pair.a.history.flush()
    assert pair.table("e")[99] == 99
    assert pair.a.mark("e") == 99


@pytest.mark.parametrize("seed", range(3))
def test_both_flush_at_the_same_time_again_and_again(pair: Pair, seed: int) -> None:
    """Each takes the edge over by turns, with what the table has by then."""
    chance, said, marks = Random(seed), list[tuple[float, float]](), [0]
    for turn in range(12):
        owner = chance.choice([pair.a, pair.b])
        sent = owner.history.relayed(afresh=True).get(("e", EPOCH, 1), (0, 0))[0]
        for _ in range(chance.randrange(1, 4)):
            said += [(float(chance.randrange(8)), 100.0 * turn + n) for n in range(3)]
            owner.take("e", len(said), dict(said[sent:]))
            sent = len(said)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda one: one.history.flush(), [pair.a, pair.b]))
        marks.append(pair.a.mark("e"))
        assert pair.table("e") == dict(said[: marks[-1]])
    assert marks == sorted(marks)
    assert marks[-1] == len(said)


def test_one_that_slept_while_the_log_was_shortened_does_not_write_behind_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianji.history.delta.log.CHECKPOINT_EVERY", 4)
    monkeypatch.setattr("lianji.history.delta.log.KEEP_ENTRIES_MS", -3_600_000)
    for number in range(1, 14):
        pair.b.take("e", number, {number: number})
        pair.b.history.flush()
    pair.a.take("f", 1, {0: 0})
    pair.a.history.flush()
    fresh = DeltaLog(FolderPlace(pair.root / "shared" / "samples"), SAMPLES, create=False)
    assert sum(file.rows for file in fresh.files) == 14
    assert fresh.committed(f"lianji/relay/f/{EPOCH}.1") == 1


def test_only_who_may_merges_samples(pair: Pair) -> None:
    for number in range(1, 21):
        pair.b.take("e", number, {number: number})
        pair.b.history.flush()
    pair.a.history.relayed(afresh=True)
    pair.a.history.upkeep.may_merge = lambda: False
    while pair.a.history.upkeep.step():
        pass
    assert len(pair.a.history._table.files) == 20
    pair.a.history.upkeep.may_merge = lambda: True
    while pair.a.history.upkeep.step():
        pass
    assert len(pair.a.history._table.files) < 20
    pair.b.take("e", 21, {3: 33})
    pair.b.history.flush()
    assert pair.table("e") == {**{float(n): n for n in range(1, 21)}, 3: 33}


@dataclass
class Edge:
    """What one edge has said, and how far each process has it: in its life, by its own chain."""

    said: list[tuple[float, float]] = field(default_factory=list)

    def rows(self, after: int, up_to: int) -> dict[float, float]:
        return dict(self.said[after:up_to])

    def truth(self, up_to: int) -> dict[float, float]:
        return self.rows(0, up_to)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from("ef"), st.integers(0, 6)),
        st.tuples(st.just("own"), st.sampled_from("ef"), st.sampled_from([0, 1])),
        st.tuples(st.just("send"), st.sampled_from("ef"), st.integers(1, 4)),
        st.tuples(st.just("flush"), st.just(""), st.sampled_from([0, 1])),
        st.tuples(st.just("cut made"), st.just(""), st.sampled_from([0, 1])),
        st.tuples(st.just("cut lost"), st.just(""), st.sampled_from([0, 1])),
        st.tuples(st.just("kill"), st.just(""), st.sampled_from([0, 1])),
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_whoever_owns_and_whenever_it_is_killed_each_record_counts_once(
    story: list[tuple[str, str, int]],
) -> None:
    """An edge goes on and corrects itself; its owner changes at any moment, and both
    owners flush whenever they like."""
    with (
        tempfile.TemporaryDirectory(prefix="lianji-shared-") as folder,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr("lianji.history.delta.log.CHECKPOINT_EVERY", 3)
        patched.setattr("lianji.history.delta.log.KEEP_ENTRIES_MS", -3_600_000)
        pair = Pair(Path(folder))
        processes = [pair.a, pair.b]
        edges = {"e": Edge(), "f": Edge()}
        owner, sent = {"e": 0, "f": 0}, {"e": 0, "f": 0}
        marks = {"e": 0, "f": 0}
        ending = [("send", "e", 99), ("send", "f", 99), ("flush", "", 0), ("flush", "", 1)]
        for number, (what, edge, some) in enumerate([*story, *ending]):
            match what:
                case "say":
                    edges[edge].said.append((float(some + number // 2), float(number)))
                case "own":
                    owner[edge] = some
                    known = processes[some].history.relayed(afresh=True)
                    sent[edge] = known.get((edge, EPOCH, 1), (0, 0))[0]
                case "send":
                    last = min(sent[edge] + some, len(edges[edge].said))
                    if last > sent[edge]:
                        rows = edges[edge].rows(sent[edge], last)
                        processes[owner[edge]].take(edge, last, rows)
                        sent[edge] = last
                case "flush":
                    processes[some].history.flush()
                case "kill":
                    processes[some].crash()
                    processes[some].open()
                case _:
                    with Cutting(0, is_made=what == "cut made"), suppress(Cut):
                        processes[some].history.flush()
            for one in edges:
                mark = pair.a.mark(one)
                assert mark >= marks[one]
                marks[one] = mark
        for one, told in edges.items():
            assert marks[one] == len(told.said)
            assert pair.table(one) == told.truth(len(told.said))
        pair.close()
