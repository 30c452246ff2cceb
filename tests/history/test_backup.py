"""A backup holds every sample once, whatever the plant does meanwhile, and says what is damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.base.errors import Busy, InputError, NotFound
from lianji.history.backup import snapshot, taking
from lianji.history.backup.checking import check_backup
from lianji.history.backup.restoring import restore_backup
from lianji.history.backup.row_hash import add_days, days_of
from lianji.history.backup.snapshot import Parts
from lianji.history.backup.store import Store
from lianji.history.backup.taking import take_backup
from lianji.history.delta.log import Change
from lianji.history.parquet.reading import Stored, read_groups
from lianji.history.parquet.writing import write_days
from tests.history.conftest import SECOND, START_US, Rooms

DAY_S = 86_400
KILLED = """
import os, signal, sys
from pathlib import Path
from lianji.history.backup import copying, store, taking
from tests.history.test_backup import parts_of
point = sys.argv[3]
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if point == "manifest": store.write_manifest = die
if point == "sweep": store.Store._sweep = die
if point == "copy":
    real = copying.Target.copy
    def half(self, source, name):
        real(self, source, name)
        (self.folder / name).with_name(".half.tmp").write_bytes(b"half")
        die()
    copying.Target.copy = half
taking.take_backup(parts_of(Path(sys.argv[1])), Path(sys.argv[2]), keep=1)
"""


def parts_of(folder: Path) -> Parts:
    return Parts(
        folder,
        "plant",
        folder / "spool",
        folder / "ids.tsv",
        lambda: [path.parent for path in folder.glob("*/_delta_log")],
        lambda: [folder / "plant.toml"] if (folder / "plant.toml").exists() else [],
    )


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Rooms]:
    made = Rooms(tmp_path / "plant")
    (tmp_path / "plant" / "plant.toml").write_text("name = 'plant'\n")
    yield made
    made.close()


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def some_days(plant: Rooms, days: int = 3, first: int = 0) -> None:
    for day in range(first, first + days):
        plant.put("plant/a", [day * DAY_S + n for n in range(50)], list(range(50)))
        plant.put("plant/b", [day * DAY_S], [np.nan], texts=["开"])
        plant.history.flush()


def restored(destination: Path, folder: Path, generation: int | None = None) -> Rooms:
    told = restore_backup(destination, folder, generation)
    assert told.faults == []
    return Rooms(folder)


def data_files(destination: Path) -> set[Path]:
    return {path for path in (destination / "files").rglob("*") if path.is_file()}


# -- the hash of rows ------------------------------------------------------------------------------


def table_of(samples: list[tuple[str, int, float | None, str | None, int]]) -> pa.Table:
    tag, time, value, text, quality = zip(*samples, strict=True)
    return pa.table(
        {
            "tag": pa.array(tag).dictionary_encode(),
            "time": pa.array([START_US + t * SECOND for t in time], pa.timestamp("us", "UTC")),
            "value": pa.array(value, pa.float64()),
            "text": pa.array(text, pa.string()),
            "quality": pa.array(quality, pa.int32()),
        }
    )


sample = st.tuples(
    st.sampled_from(["plant/a", "plant/b", ""]),
    st.integers(-3 * DAY_S, 3 * DAY_S),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.sampled_from(["", "a", "b"]),
    st.integers(0, 0xFFFF),
)


@given(st.lists(sample, min_size=1, max_size=30), st.randoms())
@settings(max_examples=100, deadline=None)
def test_rows_add_up_to_the_same_in_any_order_and_in_any_files(samples, chance) -> None:  # type: ignore[no-untyped-def]  # Hypothesis gives them
    whole = days_of(table_of(samples), "")
    chance.shuffle(samples)
    cut = chance.randrange(len(samples) + 1)
    parts: dict[str, tuple[int, int]] = {}
    for part in (samples[:cut], samples[cut:]):
        if part:
            add_days(parts, days_of(table_of(part), ""))
    assert parts == whole


@given(st.lists(sample, min_size=1, max_size=10), sample, st.data())
@settings(max_examples=100, deadline=None)
def test_another_row_adds_up_to_something_else(samples, other, data) -> None:  # type: ignore[no-untyped-def]  # Hypothesis gives them
    place = data.draw(st.integers(0, len(samples) - 1))
    changed = [*samples[:place], other, *samples[place + 1 :]]
    same = json.dumps(samples[place]) == json.dumps(other)
    assert (days_of(table_of(samples), "") == days_of(table_of(changed), "")) == same


# -- taking and restoring --------------------------------------------------------------------------


def test_what_is_flushed_and_what_is_not_are_both_restored(
    plant: Rooms, destination: Path, tmp_path: Path
) -> None:
    some_days(plant)
    plant.put("plant/a", [1], [-1])  # a correction, flushed
    plant.history.flush()
    plant.put("plant/a", [2, 3 * DAY_S], [-2, 77])  # in the spool alone
    plant.put("plant/new", [5], [5])
    take_backup(parts_of(plant.folder), destination)
    again = restored(destination, tmp_path / "again")
    for path in ("plant/a", "plant/b", "plant/new"):
        assert again.read(path) == plant.read(path)
    again.history.flush()
    plant.history.flush()
    assert again.history.status().rows == plant.history.status().rows == 155
    assert again.read("plant/a") == plant.read("plant/a")
    assert again.put("plant/a", [9 * DAY_S], [1]) > 0
    again.close()
    assert DeltaTable(tmp_path / "again" / "samples").to_pyarrow_table().num_rows == 156
    assert DeltaTable(tmp_path / "again" / "modified").to_pyarrow_table().num_rows == 2


def test_a_restored_plant_keeps_its_epoch_and_its_sequences_go_on(
    plant: Rooms, destination: Path, tmp_path: Path
) -> None:
    some_days(plant, 1)
    last = plant.put("plant/a", [70], [7])
    take_backup(parts_of(plant.folder), destination)
    again = restored(destination, tmp_path / "again")
    assert again.spool.epoch == plant.spool.epoch
    assert again.put("plant/a", [71], [8]) == last + 1
    again.close()
    note = json.loads((tmp_path / "again" / "restored.json").read_text())
    assert (note["generation"], note["epoch"], note["last"]) == (1, plant.spool.epoch, last)
    assert note["backup"] == str(destination)


def test_a_second_backup_copies_only_what_is_new(plant: Rooms, destination: Path) -> None:
    some_days(plant)
    first = take_backup(parts_of(plant.folder), destination)
    assert first.copied_files == 3 == len(data_files(destination))
    some_days(plant, 1, first=3)
    second = take_backup(parts_of(plant.folder), destination)
    assert (second.copied_files, second.manifest.generation) == (1, 2)
    assert len(list(second.manifest.data_files)) == 4
    assert take_backup(parts_of(plant.folder), destination).copied_files == 0


def test_the_manifest_says_what_each_day_adds_up_to(plant: Rooms, destination: Path) -> None:
    some_days(plant, 2)
    manifest = take_backup(parts_of(plant.folder), destination).manifest
    table = next(table for table in manifest.tables if table.folder == "samples")
    days = table.days["plant"]
    assert {day: rows for day, (rows, _) in days.items()} == {"2026-01-01": 51, "2026-01-02": 51}
    assert table.version == plant.history.status().version
    compacted(plant)
    again = take_backup(parts_of(plant.folder), destination).manifest
    table = next(table for table in again.tables if table.folder == "samples")
    assert table.days["plant"] == days  # other files, the same rows


def compacted(plant: Rooms) -> list[str]:
    """Each file rewritten under another name, as a compaction does; the names that went."""
    log = plant.history._table
    old = list(log.files)
    new = []
    for file in old:
        for rows, paths in read_groups(Stored(log.place, file)):
            new += write_days(log.place, "plant", rows, paths, level=1)
    log.commit(Change("OPTIMIZE", new, old, data_change=False))
    log.place.remove([file.path for file in old])
    return [file.path for file in old]


def test_what_no_generation_needs_is_removed_and_what_one_needs_stays(
    plant: Rooms, destination: Path, tmp_path: Path
) -> None:
    some_days(plant)
    parts = parts_of(plant.folder)
    take_backup(parts, destination, keep=2)
    before = data_files(destination)
    compacted(plant)
    assert take_backup(parts, destination, keep=2).removed_files == 0
    assert before < data_files(destination)
    taken = take_backup(parts, destination, keep=2)
    assert taken.removed_files == len(before)
    assert not before & data_files(destination)
    assert Store(destination).generations == [2, 3]
    assert check_backup(destination).faults == []
    again = restored(destination, tmp_path / "again", generation=2)
    assert again.read("plant/a") == plant.read("plant/a")
    again.close()


def test_a_file_that_a_compaction_takes_away_meanwhile_sends_the_backup_on(
    plant: Rooms, destination: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_days(plant)
    once(monkeypatch, taking.Taking, "run", after=lambda: compacted(plant))
    take_backup(parts_of(plant.folder), destination)
    assert check_backup(destination).faults == []
    again = restored(destination, tmp_path / "again")
    assert again.read("plant/a") == plant.read("plant/a")
    again.close()


def once(
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    after: Callable[[], object],
    of: str = "",
) -> None:
    """Do something behind the first call of a method (that is told a path of this name)."""
    real, done = getattr(owner, name), threading.Event()

    def called(self: object, *given: object) -> object:
        answer = real(self, *given)
        if not done.is_set() and (not of or Path(str(given[0])).name == of):
            done.set()
            after()
        return answer

    monkeypatch.setattr(owner, name, called)


@pytest.mark.parametrize(("name", "of"), [("_copy_table", "samples"), ("_committed", "")])
def test_segments_that_go_meanwhile_send_the_backup_on(
    plant: Rooms,
    destination: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    of: str,
) -> None:
    """The position and the table were read, then all was flushed and its segments were released:
    before the others were listed, or after that."""
    plant.put("plant/a", [1, 2, 3], [1, 2, 3])

    def go_on() -> None:
        plant.history.flush()
        successor = f"{plant.spool.durable + 1:020d}.segment"
        plant.close()
        [segment] = (plant.folder / "spool").glob("*.segment")
        head = segment.read_bytes()[:32]
        segment.unlink()
        (plant.folder / "spool" / successor).write_bytes(head)
        plant.open()

    once(monkeypatch, snapshot.Taking, name, go_on, of)
    take_backup(parts_of(plant.folder), destination)
    again = restored(destination, tmp_path / "again")
    assert again.read("plant/a") == [(1, 1), (2, 2), (3, 3)]
    assert again.history.status().rows == 3
    again.close()


def test_records_that_the_disk_cap_took_for_good_hold_no_backup_up(
    plant: Rooms, destination: Path
) -> None:
    plant.put("plant/a", [1], [1])
    plant.crash()
    [segment] = (plant.folder / "spool").glob("*.segment")
    segment.rename(segment.with_name(f"{5:020d}.segment"))
    taken = take_backup(parts_of(plant.folder), destination)
    assert taken.manifest.spool is not None
    assert taken.manifest.spool.behind == 0
    shutil.rmtree(plant.folder / "spool")
    plant.open()


def test_a_plant_that_goes_on_loses_and_doubles_nothing(
    plant: Rooms, destination: Path, tmp_path: Path
) -> None:
    """Each backup holds at least what was acknowledged before it began, and each sample once."""
    acknowledged, ended = [0], threading.Event()

    def ingest() -> None:
        number = 0
        while not ended.is_set():
            times = [float(number + n) for n in range(7)]
            plant.put("plant/a", times, times)
            plant.put("plant/b", times[:1], times[:1])
            number += 7
            acknowledged[0] = number
            if number % 91 == 0:
                plant.history.flush()

    thread = threading.Thread(target=ingest)
    thread.start()
    wanted = []
    try:
        for _ in range(5):
            before = acknowledged[0]
            while acknowledged[0] < before + 100:
                ended.wait(0.001)
            wanted.append(acknowledged[0])
            take_backup(parts_of(plant.folder), destination)
    finally:
        ended.set()
        thread.join()
    assert check_backup(destination).faults == []
    for generation, at_least in enumerate(wanted, 1):
        folder = tmp_path / f"again{generation}"
        again = restored(destination, folder, generation)
        again.history.flush()
        found = again.read("plant/a")
        assert len(found) >= at_least
        assert found == [(float(n), float(n)) for n in range(len(found))]
        rows = DeltaTable(folder / "samples").to_pyarrow_table(columns=["tag", "time"]).to_pylist()
        assert len(rows) == len({(row["tag"], row["time"]) for row in rows})
        again.close()


def test_a_plant_that_never_ran_can_be_backed_up(tmp_path: Path, destination: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "plant.toml").write_text("name = 'plant'\n")
    taken = take_backup(parts_of(tmp_path / "empty"), destination)
    assert (taken.manifest.spool, taken.manifest.rows) == (None, 0)
    restore_backup(destination, tmp_path / "again")
    assert (tmp_path / "again" / "plant.toml").read_text() == "name = 'plant'\n"


# -- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["copy", "manifest", "sweep"])
def test_a_killed_backup_leaves_the_generation_before_it(
    plant: Rooms, destination: Path, tmp_path: Path, point: str
) -> None:
    some_days(plant)
    take_backup(parts_of(plant.folder), destination, keep=1)
    before = plant.read("plant/a")
    some_days(plant, 2, first=3)
    compacted(plant)
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(plant.folder), str(destination), point],
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert child.returncode == -signal.SIGKILL
    assert check_backup(destination).faults == []
    again = restored(destination, tmp_path / "again")
    wanted = plant.read("plant/a") if point == "sweep" else before
    assert again.read("plant/a") == wanted
    again.close()
    taken = take_backup(parts_of(plant.folder), destination, keep=1)
    assert check_backup(destination).faults == []
    assert {f.path for f in taken.manifest.data_files} == {
        path.relative_to(destination / "files").as_posix() for path in data_files(destination)
    }
    newest = restored(destination, tmp_path / "newest")
    assert newest.read("plant/a") == plant.read("plant/a")
    newest.close()


@pytest.mark.parametrize("which", ["files/samples/*/*/*.parquet", "generations/*/plant/*.tsv",
                                   "generations/*/plant/spool/*.segment",
                                   "generations/*/plant/samples/_delta_log/*.json",
                                   "generations/*/manifest.json"])  # fmt: skip
def test_a_flipped_bit_is_named(plant: Rooms, destination: Path, which: str) -> None:
    some_days(plant)
    take_backup(parts_of(plant.folder), destination)
    path = max(destination.glob(which))
    flip(path)
    [fault] = check_backup(destination).faults
    named = "generation 1" if path.name == "manifest.json" else str(path)
    assert fault.path == named


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def test_a_file_that_is_gone_is_named_and_the_next_backup_brings_it_again(
    plant: Rooms, destination: Path
) -> None:
    some_days(plant)
    take_backup(parts_of(plant.folder), destination)
    gone = min(data_files(destination))
    gone.unlink()
    assert [fault.path for fault in check_backup(destination).faults] == [str(gone)]
    assert take_backup(parts_of(plant.folder), destination).copied_files == 1
    assert check_backup(destination).faults == []


def test_damage_in_a_backup_costs_its_day_and_the_restore_says_so(
    plant: Rooms, destination: Path, tmp_path: Path
) -> None:
    some_days(plant)
    take_backup(parts_of(plant.folder), destination)
    path = min(destination.glob("files/samples/*/day=2026-01-02/*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    told = restore_backup(destination, tmp_path / "again")
    said = [f"{fault.path}: {fault.what.en}" for fault in told.faults]
    assert path.name in said[0]
    assert said[1:] == ["samples plant 2026-01-02: 0 rows of 51"]
    again = Rooms(tmp_path / "again")
    assert len(again.read("plant/a")) == 100
    again.close()


def test_a_damaged_file_of_the_plant_is_told_at_every_backup_and_stops_none(
    plant: Rooms, destination: Path
) -> None:
    some_days(plant)
    damaged = min((plant.folder / "samples").rglob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-50])
    name = damaged.relative_to(plant.folder).as_posix()
    for _ in range(2):
        assert list(take_backup(parts_of(plant.folder), destination).damaged) == [name]
    damaged.unlink()
    other = destination.with_name("other")
    assert list(take_backup(parts_of(plant.folder), other).damaged) == [name]


def test_a_restore_refuses_a_folder_that_holds_something(
    plant: Rooms, destination: Path, tmp_path: Path
) -> None:
    take_backup(parts_of(plant.folder), destination)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        restore_backup(destination, tmp_path / "used")
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["note.txt"]


def test_a_folder_of_other_things_is_never_taken_for_a_backup(plant: Rooms, tmp_path: Path) -> None:
    (tmp_path / "home" / "files").mkdir(parents=True)
    (tmp_path / "home" / "files" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="no backup"):
        take_backup(parts_of(plant.folder), tmp_path / "home")
    with pytest.raises(InputError, match="in the plant"):
        take_backup(parts_of(plant.folder), plant.folder / "backup")
    with pytest.raises(NotFound, match="no backup"):
        check_backup(tmp_path / "home")
    assert (tmp_path / "home" / "files" / "thesis.txt").read_text() == "mine"


def test_the_backup_of_one_site_takes_no_other(plant: Rooms, destination: Path) -> None:
    parts = parts_of(plant.folder)
    take_backup(parts, destination)
    other = Parts(parts.root, "other", parts.spool, parts.tag_ids, parts.tables, parts.others)
    with pytest.raises(InputError, match="of the site plant"):
        take_backup(other, destination)


def test_two_backups_at_once_do_not_meet(plant: Rooms, destination: Path) -> None:
    parts = parts_of(plant.folder)
    take_backup(parts, destination)
    with Store(destination).locked(writing=False):
        assert check_backup(destination).faults == []
        with pytest.raises(Busy):
            take_backup(parts, destination)
    with pytest.raises(NotFound, match="no generation 9"):
        restore_backup(destination, destination.with_name("again"), 9)
