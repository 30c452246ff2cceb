"""Whatever is written, repaired, merged, moved and interrupted: every question is answered as a
dictionary would answer it.

``LIANJI_MODEL_EXAMPLES`` sets how many stories are told (40).
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from json import loads
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lianji.base.clock import to_us
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN, Batch
from lianji.dictionary.expression import parse
from lianji.history.aggregates import Grid
from lianji.history.aggregates.names import AGGREGATES, aggregate_named
from lianji.history.compaction import worker
from lianji.history.compaction.jobs import Job
from lianji.history.compaction.work import Outcome
from lianji.history.delta.log import DeltaLog
from lianji.history.historian import Historian
from lianji.history.history import History
from lianji.history.rollup.answers import ROLLED
from lianji.history.settings import HistorySettings
from lianji.history.stored import StoredHistory
from tests.history.conftest import SECOND, START_US, Rooms
from tests.history.naive import Content, Naive, Sample

EXAMPLES = int(os.environ.get("LIANJI_MODEL_EXAMPLES", "40"))
STEPS = 25
pytestmark = pytest.mark.timeout(420 + 5 * EXAMPLES)
"""Time enough to make the shortest story of a long one that fails."""
STORED = ["plant/a", "plant/b", "plant/state"]
CALCULATED = {"plant/sum": parse("'plant/a' + 2 * 'plant/state'")}
DAY_S = 86_400
MINUTE_US = 60 * SECOND
NAMES = list(AGGREGATES)
TINY = {
    "compaction.plan.FAN": 3,
    "compaction.work.FILE_ROWS_MAX": 100,
    "compaction.merge.PIECE_ROWS": 32,
    "compaction.months.TAGS_AT_ONCE": 2,
    "upkeep.upkeep.HOURS_FILES_MAX": 2,
    "parquet.writing.ROW_GROUP_ROWS": 16,
    "rollup.tables.ROW_GROUP_ROWS": 8,
    "questions.raw.ROWS_A_PART": 40,
    "questions.pieces.ROWS_AT_ONCE": 60,
    "questions.signals.FIT_WITHIN_US": 100 * DAY_S * SECOND,  # else it would depend on the pieces
    "late.settle.LEARNED_AT_ONCE": 1,
    "parquet.reading._ROWS_A_RUN_FEW": 4,
    "view.merged._LONG_RUN_ROWS": 8,
    "delta.log.CHECKPOINT_EVERY": 5,
}
"""Sizes at which a few hundred samples take all the ways that millions take."""


def is_linear(path: str) -> bool:
    return path != "plant/state"


def site_of(path: str) -> str:
    """The sites of a hub whose name is plant."""
    return {"plant/a": "east/1", "plant/b": "west"}.get(path, "plant")


class Modelled(Rooms):
    """Rooms with a calculated tag, whose upkeep works in this process."""

    def __init__(self, folder: Path, *, tiered: bool, is_hub: bool) -> None:
        self.site_of = site_of if is_hub else None
        tiers = [{"after_days": 30, "folder": str(folder / "slow disk")}] if tiered else []
        self.settings = HistorySettings.model_validate({"flush_s": 3600, "tiers": tiers})
        super().__init__(folder, is_linear)

    def open(self) -> None:
        super().open()
        self.history = Historian(
            self.folder / "samples", "plant", self.spool, self.names, is_linear, self.settings,
            calculated=CALCULATED, site_of=self.site_of,
        )  # fmt: skip
        runner = self.history.upkeep._runner

        def run_here(job: Job) -> Outcome:
            return worker._done(loads(runner._told(job)))

        runner.run = run_here  # type: ignore[method-assign]

    def stored(self) -> StoredHistory:
        plain = super().stored()
        return StoredHistory(
            self.folder / "samples", self.folder / "spool", "plant", plain._names, is_linear,
            self.settings, before_each=plain._before_each, calculated=CALCULATED,
            site_of=self.site_of,
        )  # fmt: skip

    @property
    def logs(self) -> list[DeltaLog]:
        upkeep = self.history.upkeep
        return [*upkeep._tiers.logs, upkeep.minutes, upkeep.hours]

    def age(self) -> None:
        """As if all files had been written, and removed, long ago."""
        for log in self.logs:
            state = log._state
            state.modified_ms = {path: ms - 600_000 for path, ms in state.modified_ms.items()}
            state.tombstones = {
                path: (ms - 10 * DAY_S * 1000, size)
                for path, (ms, size) in state.tombstones.items()
            }


class Cut(OSError):
    """The power goes at some commit."""


class Cutting:
    """Lets so many commits pass and fails the next one, before it was made or just after."""

    def __init__(self, passing: int, *, is_made: bool) -> None:
        self._passing, self._is_made = passing, is_made
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        commit = DeltaLog.commit

        def cut(log: DeltaLog, change: Any) -> None:
            self._passing -= 1
            if self._passing >= 0:
                commit(log, change)
                return
            if self._passing == -1 and self._is_made:
                commit(log, change)
            raise Cut("the power is gone")

        self._patch.setattr(DeltaLog, "commit", cut)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


seconds = st.one_of(
    st.integers(0, 40).map(lambda n: n * 30),
    st.integers(0, 4 * 60).map(lambda n: n * 15),
    st.sampled_from([3599, 3600, DAY_S - 1, DAY_S, DAY_S + 61, 2 * DAY_S + 5, 40 * DAY_S]),
    st.integers(0, 3 * 24).map(lambda n: n * 3600),
)
values = st.one_of(
    st.integers(-6, 6).map(lambda n: n / 2), st.sampled_from([None, 100.25, math.inf])
)
contents = st.builds(
    Content,
    values,
    st.sampled_from([None, None, None, None, "on", "关"]),
    st.sampled_from([0, 0, 0, 0, 0x4000, 0x8000, 0x808C]),
)
samples = st.tuples(st.sampled_from(STORED), seconds, contents)


def plain(table: pa.Table) -> list[tuple[Any, ...]]:
    """(tag, time, value, text, quality) of each row."""
    columns = [table[name].to_pylist() for name in ("tag", "value", "text", "quality")]
    times = table["time"].cast(pa.int64()).to_pylist()
    return [(tag, t, *rest) for tag, t, *rest in zip(columns[0], times, *columns[1:], strict=True)]


def told(path: str, some: Sequence[Sample | None]) -> list[tuple[Any, ...]]:
    return [(path, *one) for one in some if one is not None]


def assert_alike(found: Sequence[Any], expected: Sequence[Any], what: str) -> None:
    if found == expected:
        return
    assert len(found) == len(expected), f"{what}: {found} is not {expected}"
    for one, other in zip(found, expected, strict=True):
        if isinstance(one, tuple):
            assert_alike(one, other, f"{what}: {one} is not {other}")
        elif isinstance(one, float) and other is not None:
            assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6), f"{what}: {one} {other}"
        else:
            assert one == other, f"{what}: {one} is not {other}"


class Story(RuleBasedStateMachine):
    """A plant's history and the model of it, told the same."""

    @initialize(tiered=st.booleans(), is_tiny=st.booleans(), is_hub=st.booleans())
    def begin(self, tiered: bool, is_tiny: bool, is_hub: bool) -> None:
        self.sizes = pytest.MonkeyPatch()
        for name, size in TINY.items() if is_tiny else ():
            self.sizes.setattr(f"lianji.history.{name}", size)
        self.folder = Path(tempfile.mkdtemp(prefix="lianji-model-"))
        self.rooms = Modelled(self.folder, tiered=tiered, is_hub=is_hub)
        self.is_hub = is_hub
        self.naive = Naive(is_linear, CALCULATED)
        self.beside = self.rooms.stored()
        self.sent: list[list[tuple[str, int, Content]]] = []
        self.lost: list[Path] = []

    def teardown(self) -> None:
        if not hasattr(self, "rooms"):
            return
        try:
            self.give_back()
            self.rooms.history.flush()
            self.asked(START_US - SECOND, START_US + 3 * DAY_S * SECOND, 3600, 7, 0)
            self.asked(START_US, START_US + 3600 * SECOND, 60, 50, 30)
            self.everything()
            self.rooms.close()
        finally:
            self.sizes.undo()
            shutil.rmtree(self.folder)

    # -- what comes in -------------------------------------------------------------------------

    @rule(some=st.lists(samples, min_size=1, max_size=10))
    def put(self, some: list[tuple[str, int, Content]]) -> None:
        self.send([(path, START_US + s * SECOND, content) for path, s, content in some])

    @rule(
        path=st.sampled_from(STORED), first=seconds, every=st.sampled_from([1, 7, 20, 60, 900]),
        count=st.integers(2, 200), level=st.integers(-3, 3), dull=st.booleans(),
    )  # fmt: skip
    def put_run(
        self, path: str, first: int, every: int, count: int, level: int, dull: bool
    ) -> None:
        good = Content(float(level), None, 0)
        bad = Content(float(level), None, 0x8000)
        self.send(
            [
                (
                    path,
                    START_US + (first + n * every) * SECOND,
                    bad if n % 11 == 5 and not dull else good._replace(value=level + n % 5 / 2),
                )
                for n in range(count)
            ]
        )

    @precondition(lambda self: bool(self.sent))
    @rule(back=st.integers(0, 5))
    def put_again(self, back: int) -> None:
        self.send(self.sent[-1 - back % len(self.sent)])

    def send(self, some: list[tuple[str, int, Content]]) -> None:
        self.sent = [*self.sent[-10:], some]
        numbers = [math.nan if one.value is None else one.value for _, _, one in some]
        batch = Batch.of(
            self.rooms.names.ids_of([path for path, _, _ in some]),
            [time_us for _, time_us, _ in some],
            numbers,
            [one.quality for _, _, one in some],
            [one.text for _, _, one in some],
        )
        self.rooms.spool.put(batch).result(10)
        for sample in some:
            self.naive.take(*sample)

    # -- what is done with it ------------------------------------------------------------------

    @rule()
    def flush(self) -> None:
        self.rooms.history.flush()
        assert self.rooms.history.status().unflushed == 0

    @precondition(lambda self: not self.lost)
    @rule(every=st.integers(1, 3))
    def lose(self, every: int) -> None:
        """Some files of samples cannot be read for a while."""
        self.lost = sorted((self.folder / "samples").rglob("*.parquet"))[::every]
        for file in self.lost:
            file.rename(file.with_suffix(".lost"))

    @precondition(lambda self: bool(self.lost))
    @rule()
    def give_back(self) -> None:
        for file in self.lost:
            file.with_suffix(".lost").rename(file)
        if self.lost:
            self.lost = []
            self.send([(STORED[0], START_US - 60 * SECOND, Content(1.0, None, 0))])
            self.rooms.history.flush()
            assert self.rooms.history.status().waiting == 0
            self.rooms.history.unreadable.clear()
            self.beside.unreadable.clear()

    @precondition(lambda self: not self.lost)
    @rule(aged=st.booleans())
    def step(self, aged: bool) -> None:
        if aged:
            self.rooms.age()
        self.rooms.history.upkeep.step()
        assert self.rooms.history.upkeep.error is None

    @precondition(lambda self: not self.lost)
    @rule()
    def keep_up(self) -> None:
        for _ in range(100):
            self.rooms.age()
            if not self.rooms.history.upkeep.step():
                break
            assert self.rooms.history.upkeep.error is None
        else:
            raise AssertionError("upkeep finds no end")

    @precondition(lambda self: not self.lost)
    @rule()
    def vacuum(self) -> None:
        self.rooms.age()
        self.rooms.history.upkeep.vacuum()

    @rule(flushed=st.booleans())
    def crash(self, flushed: bool) -> None:
        self.rooms.close() if flushed else self.rooms.crash()
        self.rooms.open()

    @precondition(lambda self: self.rooms.site_of is None)
    @rule()
    def become_a_hub(self) -> None:
        """What it has of other sites stays in its own partition."""
        self.rooms.site_of = site_of
        self.crash(flushed=False)
        self.beside = self.rooms.stored()

    @precondition(lambda self: not self.lost)
    @rule(passing=st.integers(0, 3), is_made=st.booleans(), is_flush=st.booleans(),
          restarts=st.booleans())  # fmt: skip
    def cut(self, passing: int, is_made: bool, is_flush: bool, restarts: bool) -> None:
        history = self.rooms.history
        self.rooms.age()
        with Cutting(passing, is_made=is_made), suppress(Cut):
            history.flush() if is_flush else history.upkeep.step()
        history.upkeep._passed_over.clear()
        if restarts:
            self.crash(flushed=False)

    # -- what is asked -------------------------------------------------------------------------

    @precondition(lambda self: bool(self.sent) and not self.lost)
    @rule(
        first=seconds,
        span=st.sampled_from([1, 600, 3600, 5000, 10 * 3600, DAY_S, 3 * DAY_S]),
        step=st.sampled_from([60, 120, 600, 3600, 7200, 1700, 61]),
        pixels=st.sampled_from([1, 3, 10, 33]),
        off=st.sampled_from([0, 0, 0, 7, 15]),
    )
    def ask(self, first: int, span: int, step: int, pixels: int, off: int) -> None:
        start_us = START_US + (first // 60 * 60 + off) * SECOND
        step = max(step, -(-span // 200 // 60) * 60)
        self.asked(start_us, start_us + span * SECOND, step, pixels, off)

    def asked(self, start_us: int, end_us: int, step_s: int, pixels: int, off: int) -> None:
        if not self.sent:
            return
        paths = [*self.naive.paths, *CALCULATED]
        instants = [start_us, start_us + (off + 1) * SECOND, (start_us + end_us) // 2, end_us]
        for history in (self.rooms.history, self.beside, self.rooms.stored()):
            self.samples_of(history, paths, start_us, end_us)
            self.instants_of(history, paths, instants)
            self.gaps_of(history, paths, start_us, end_us, step_s * SECOND)
            self.charts_of(history, paths, start_us, end_us, pixels)
            self.sums_of(history, paths, Grid(start_us, end_us, step_s * SECOND))
            self.sites_of(history)
            assert not history.unreadable

    def samples_of(self, history: History, paths: list[str], start_us: int, end_us: int) -> None:
        for bounds in (False, True):
            found = plain(history.read(paths, start_us, end_us, bounds))
            expected = [
                row
                for path in paths
                for row in told(path, self.naive.read(path, start_us, end_us, bounds))
            ]
            assert_alike(found, expected, f"read, bounds {bounds}")
        found = plain(history.last(paths))
        assert_alike(found, [r for p in paths for r in told(p, [self.naive.last(p)])], "last")

    def sites_of(self, history: History) -> None:
        if self.is_hub or self.rooms.site_of is None:
            found = history.sql("select distinct tag, site from samples order by tag").to_pylist()
            sites = {path: site_of(path) if self.is_hub else "plant" for path in self.naive.paths}
            assert {row["tag"]: row["site"] for row in found} == sites
            assert len(found) == len(sites)

    def instants_of(self, history: History, paths: list[str], instants: list[int]) -> None:
        expected = [
            row
            for path in paths
            for row in told(path, [self.naive.at(path, one) for one in sorted(set(instants))])
        ]
        assert_alike(plain(history.at(paths, instants)), expected, "at")

    def gaps_of(
        self, history: History, paths: list[str], start_us: int, end_us: int, longer_us: int
    ) -> None:
        table = history.gaps(paths, start_us, end_us, longer_us)
        found = [
            (row["tag"], to_us(row["start"]), to_us(row["end"]), row["why"])
            for row in table.to_pylist()
        ]
        expected = [
            (path, *gap)
            for path in paths
            for gap in self.naive.gaps(path, start_us, end_us, longer_us)
        ]
        assert found == expected

    def charts_of(
        self, history: History, paths: list[str], start_us: int, end_us: int, pixels: int
    ) -> None:
        rolls = (end_us - start_us) // pixels >= 2 * MINUTE_US
        for path in paths:
            found = plain(history.plot([path], start_us, end_us, pixels))
            if path in CALCULATED or not rolls:
                expected = told(path, self.naive.plot(path, start_us, end_us, pixels))
                assert_alike(found, expected, "plot")
                continue
            real = self.naive.read(path, start_us, end_us)
            content = {one.time_us: one for one in real}
            assert all(content[t].value == value or value is None for _, t, value, *_ in found)
            assert [one[1] for one in found[:1]] == [one.time_us for one in real[:1]]
            assert [one[1] for one in found[-1:]] == [one.time_us for one in real[-1:]]
            good = [one.value for one in real if one.is_usable and one.value is not None]
            drawn = [value for _, _, value, *_ in found if value is not None]
            assert not good or (min(drawn) <= min(good) and max(drawn) >= max(good))

    def sums_of(self, history: History, paths: list[str], grid: Grid) -> None:
        told_us = grid.edges_us[:-1].tolist()
        asked = (paths, grid.start_us, grid.end_us, grid.step_us)
        found = history.aggregate(*asked, NAMES, with_status=True)
        rolled = history.aggregate(*asked, sorted(ROLLED))
        assert found["time"].cast(pa.int64()).to_pylist() == told_us * len(paths)
        results = [self.naive.aggregate(path, grid, NAMES) for path in paths]
        for name in NAMES:
            cells = [
                (None if math.isnan(value) else value, status)
                for result in results
                for value, status in zip(
                    result[name].value[0].tolist(), result[name].status[0].tolist(), strict=True
                )
            ]
            both = list(
                zip(found[name].to_pylist(), found[f"{name}_status"].to_pylist(), strict=True)
            )
            assert_alike(both, cells, name)
            if name in ROLLED:
                assert_alike(
                    rolled[name].to_pylist(), [cell[0] for cell in cells], f"{name} rolled"
                )
            if aggregate_named(name).tells_time:
                own = [its for one in results if (its := one[name].time_us) is not None]
                times = [t for of_tag in own for t in of_tag[0].tolist()]
                shown = found[f"{name}_time"].cast(pa.int64()).to_pylist()
                known = [t if c[0] is not None else None for t, c in zip(times, cells, strict=True)]
                assert shown == known, name

    def everything(self) -> None:
        """What the table as a whole holds; nothing waits in memory."""
        if not self.sent:
            return
        query = (
            "select tag, count(*) n, count(value) v, sum(value) s, count(text) t, sum(quality) q "
            "from samples group by tag order by tag"
        )
        expected = []
        for path in self.naive.paths:
            rows = self.naive.all(path)
            numbers = [one.value for one in rows if one.value is not None]
            texts = sum(one.text is not None for one in rows)
            total = sum(numbers) if numbers else None
            worst = sum(one.quality for one in rows)
            expected.append((path, len(rows), len(numbers), total, texts, worst))
        for history in (self.rooms.history, self.beside):
            answer = history.sql(query)
            found = [tuple(row.values()) for row in answer.to_pylist()]
            assert_alike(found, expected, "sql")
            gone = plain(history.modified(self.naive.paths, TIME_US_MIN, TIME_US_MAX))
            assert sorted(gone, key=repr) == sorted(self.naive.replaced, key=repr)
        assert sum(log.files.rows for log in self.rooms.history.upkeep._tiers.logs) == sum(
            row[1] for row in expected
        )


TestStory = Story.TestCase
TestStory.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


# -- stories that were told wrong once -------------------------------------------------------------


def test_the_last_sample_is_the_newest_also_if_only_a_late_one_came_since_the_start(
    tmp_path: Path,
) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [100], [1])
    rooms.close()
    rooms.open()
    rooms.put("plant/a", [50], [2])
    rooms.put("plant/b", [50], [3])
    assert rooms.history.last()["value"].to_pylist() == [1, 3]
    rooms.put("plant/a", [100], [4])
    assert rooms.history.last()["value"].to_pylist() == [4, 3]
    rooms.close()


def test_the_samples_beside_a_gap_are_the_nearest_wherever_row_groups_end(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row group that is read for its other tags holds farther ones too."""
    monkeypatch.setattr("lianji.history.parquet.writing.ROW_GROUP_ROWS", 4)
    early, late = [0, 10, 20, 30, 40], [1000, 1010, 1020, 1030, 1040]
    rooms.put("plant/a", [0, 1, 100], [0, 1, 2])
    rooms.put("plant/b", [*early, *late], [*early, *late])
    rooms.put("plant/c", [0, 1, 2, 100], [0, 1, 2, 3])
    rooms.history.flush()
    asked = (["plant/a", "plant/b", "plant/c"], START_US + 90 * SECOND, START_US + 110 * SECOND)
    found = rooms.history.read(*asked, bounds=True)
    assert [row["value"] for row in found.to_pylist() if row["tag"] == "plant/b"] == [40, 1000]


@pytest.mark.parametrize("is_flushed", [False, True])
def test_a_correction_to_bad_hides_what_it_replaced_before_it_is_flushed_too(
    rooms: Rooms, is_flushed: bool
) -> None:
    rooms.put("plant/a", [0, 10, 100], [1, 2, 3])
    rooms.history.flush()
    rooms.put("plant/a", [10], [2], 0x8000)
    if is_flushed:
        rooms.history.flush()
    asked = (["plant/a"], START_US + 50 * SECOND, START_US + 60 * SECOND, 10 * SECOND)
    assert rooms.history.interpolated(*asked)["value"].to_pylist() == [2]
    found = rooms.history.aggregate(*asked, ["time_average"])["time_average"].to_pylist()
    assert found == [pytest.approx(2.1)]


def test_what_waits_tells_each_of_its_arrivals_when_its_file_is_back(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [10], [1])
    rooms.history.flush()
    [file] = (tmp_path / "samples").rglob("*.parquet")
    file.rename(file.with_suffix(".lost"))
    rooms.close()
    rooms.open()
    for value in (2, 2, 1):
        rooms.put("plant/a", [10], [value])
        rooms.history.flush()
    assert rooms.history.status().waiting == 2
    file.with_suffix(".lost").rename(file)
    rooms.put("plant/b", [0], [0])
    rooms.history.flush()
    assert rooms.history.status().waiting == 0
    gone = rooms.history.modified(["plant/a"], TIME_US_MIN, TIME_US_MAX)
    assert sorted(gone["value"].to_pylist()) == [1, 2]
    assert rooms.history.read(["plant/a"], TIME_US_MIN, TIME_US_MAX)["value"].to_pylist() == [1]
    rooms.close()
