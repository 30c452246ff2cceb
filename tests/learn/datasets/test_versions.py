"""A version is the rows of one moment: made again it is the same, or says what changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lianji.base.errors import Busy, InputError, NotFound, StorageError
from lianji.learn.datasets import making
from tests.learn.datasets.world import (
    MINUTE_US,
    SPEC,
    SPLIT,
    START_US,
    World,
    append,
    minutes,
    signals,
)
from tests.peers import wait_until

GRID = SPEC + 'tags = ["plant/*"]\n'
RAW = """
kind = "raw"
start = 2026-01-01T00:00:00Z
end = 2026-01-07T00:00:00Z
tags = ["plant/*"]
"""


def test_a_grid_holds_the_aggregates_of_the_history(world: World) -> None:
    wanted = signals()["plant/flow"]
    world.put("plant/flow", minutes(), wanted)
    world.spec("flow", SPEC.replace("1min", "10min") + 'tags = ["plant/flow"]')
    manifest = world.make("flow").manifest
    table = pq.read_table(world.sets.path_of(manifest) / "all.parquet")
    assert table.column_names == ["time", "plant/flow", "plant/flow.quality"]
    assert np.allclose(table["plant/flow"].to_numpy(), wanted.reshape(-1, 10).mean(axis=1))
    assert manifest.columns[0].unit == "m3/h"
    assert manifest.columns[0].aggregate == "average"
    assert manifest.source.table_version >= 0
    assert manifest.source.samples == len(wanted)


def test_columns_have_their_own_names_aggregates_and_units(world: World) -> None:
    world.put("plant/flow", minutes(60), np.arange(60.0))
    columns = [
        '{tag = "plant/flow", aggregate = "max", name = "peak"}',
        '{tag = "plant/flow", aggregate = "total2"}',
    ]
    world.spec("f", SPEC + f"columns = [{', '.join(columns)}]")
    found = world.make("f").manifest.columns
    assert [(one.name, one.aggregate, one.unit) for one in found] == [
        ("peak", "maximum", "m3/h"),
        ("plant/flow total2", "total2", "m3/h.s"),
    ]


@pytest.mark.parametrize("spec", [GRID, RAW, GRID + SPLIT, RAW + SPLIT])
def test_made_again_it_is_the_same(world: World, spec: str) -> None:
    for path, values in signals().items():
        world.put(path, minutes(), values)
    world.spec("d", spec)
    first = world.make("d")
    again = world.make("d")
    assert first.is_new and not again.is_new
    assert again.manifest.version == 1
    assert world.versions("d") == ["1"]
    assert world.sets.check("d", against_history=True).is_sound


def test_pieces_make_no_difference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, values in signals().items():
        world.put(path, minutes(), values)
    world.spec("g", GRID.replace("1min", "7min"))
    world.spec("r", RAW)
    hashes = [world.make(name).manifest.hash for name in ("g", "r")]
    monkeypatch.setattr("lianji.learn.datasets.freezing.CELLS", 333)
    assert [world.make(name).is_new for name in ("g", "r")] == [False, False]
    assert [world.sets.found(name)[0].hash for name in ("g", "r")] == hashes


def test_what_waits_in_the_spool_is_in_it(world: World) -> None:
    world.put("plant/flow", minutes(100), np.arange(100.0))
    world.put("plant/flow", minutes(10, 100), np.arange(10.0), flush=False)
    world.spec("r", RAW)
    manifest = world.make("r").manifest
    assert (manifest.rows, manifest.source.behind_table) == (110, 10)


def test_a_version_is_made_while_the_plant_runs(world: World) -> None:
    world.spec("r", RAW)
    with world.running() as (names, spool, historian):
        append(names, spool, "plant/flow", minutes(100), np.arange(100.0))
        assert world.make("r").manifest.rows == 100
        append(names, spool, "plant/flow", minutes(10, 100), np.arange(10.0))
        [change] = world.make("r").changes
        assert (change.rows, change.late) == (10, 10)
        historian.close()
    assert not world.make("r").is_new, "where the rows lie makes no difference"


@pytest.mark.parametrize("spec", [GRID, RAW])
def test_a_late_sample_is_named(world: World, spec: str) -> None:
    times = minutes(2000)
    late = np.isin(np.arange(2000), [1500, 1503])
    world.put("plant/flow", times[~late], np.arange(2000.0)[~late])
    world.put("plant/temperature", times, np.arange(2000.0))
    world.spec("d", spec)
    world.make("d")
    world.put("plant/flow", times[late], [7.0, 8.0])
    [change] = world.make("d").changes
    assert (change.column, change.rows, change.late, change.corrected) == ("plant/flow", 2, 2, 0)
    assert change.start_us == START_US + 1500 * MINUTE_US
    assert change.end_us == START_US + 1503 * MINUTE_US
    assert "2 more sample(s) came late" in change.en
    assert "迟到 2 个样本" in change.zh
    assert world.sets.found("d")[0].changes == [change]


@pytest.mark.parametrize("spec", [GRID, RAW])
def test_a_correction_is_named(world: World, spec: str) -> None:
    times = minutes(2000)
    world.put("plant/flow", times, np.arange(2000.0))
    world.spec("d", spec)
    world.make("d")
    world.put("plant/flow", times[70:71], [-1.0])
    [change] = world.make("d").changes
    assert (change.rows, change.late, change.corrected) == (1, 0, 1)
    assert change.start_us == START_US + 70 * MINUTE_US
    checked = world.sets.check("d", 1, against_history=True)
    assert checked.changes is not None
    assert [one.corrected for one in checked.changes] == [1]
    assert not checked.is_sound


def test_what_is_put_right_again_is_the_older_version(world: World) -> None:
    world.put("plant/flow", minutes(50), np.arange(50.0))
    world.spec("d", RAW)
    world.make("d")
    world.put("plant/flow", minutes(1), [9.0])
    assert world.make("d").manifest.version == 2
    world.put("plant/flow", minutes(1), [0.0])
    assert world.make("d").manifest.version == 1


def test_another_specification_or_unit_is_named(world: World) -> None:
    world.put("plant/flow", minutes(50), np.arange(50.0))
    world.spec("d", GRID)
    world.make("d")
    world.put("plant/yield", minutes(50), np.arange(50.0))
    tags = world.folder.tags / "all.csv"
    tags.write_text(tags.read_text().replace("m3/h", "L/min"))
    world.spec("d", GRID.replace("07T", "06T"))
    said = " ".join(change.en for change in world.make("d").changes)
    assert "specification's end is now 2026-01-06" in said
    assert "Column plant/yield is new." in said
    assert "Column plant/flow has the unit 'L/min', it was 'm3/h'." in said
    assert "other row" not in said


def test_a_changed_byte_is_found(world: World) -> None:
    world.put("plant/flow", minutes(5000), signals()["plant/flow"][:5000])
    world.spec("d", RAW)
    manifest = world.make("d").manifest
    folder = world.sets.path_of(manifest)
    file = folder / "all.parquet"
    table = pq.read_table(file)
    numbers = table["value"].to_numpy().copy()
    numbers[17] += 1e-9
    pq.write_table(table.set_column(2, "value", [numbers]), file)
    assert [str(one) for one in world.sets.check("d").faults] == [
        "all.parquet holds other rows than were written"
    ]
    file.write_bytes(file.read_bytes()[:-9])
    (folder / "report.json").unlink()
    faults = " ".join(str(one) for one in world.sets.check("d").faults)
    assert "all.parquet cannot be read" in faults
    assert "report.json was changed or is missing" in faults


def test_a_changed_manifest_is_refused(world: World) -> None:
    world.put("plant/flow", minutes(5), np.arange(5.0))
    world.spec("d", RAW)
    folder = world.sets.path_of(world.make("d").manifest)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"rows": 5', '"rows": 6'))
    with pytest.raises(StorageError, match="damaged"):
        world.sets.check("d")
    assert world.make("d").manifest.version == 2
    assert [one.version for one in world.sets.listed()] == [2]


def test_a_damaged_file_of_the_history_makes_no_data_set(world: World) -> None:
    world.put("plant/flow", minutes(5000), signals()["plant/flow"][:5000])
    [file, *_] = sorted(world.folder.history.rglob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[:64] = bytes(64)
    content[-64:] = bytes(64)
    file.write_bytes(content)
    world.spec("d", RAW)
    with pytest.raises(StorageError, match="cannot be read"):
        world.make("d")
    assert world.versions("d") == []


def test_one_maker_at_a_time(world: World) -> None:
    world.put("plant/flow", minutes(5), np.arange(5.0))
    world.spec("d", RAW)
    with world.sets.sets.draft("d"), pytest.raises(Busy):
        world.make("d")
    assert world.make("d").is_new


def test_an_error_in_the_middle_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("plant/flow", minutes(5), np.arange(5.0))
    world.spec("d", RAW)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(making, "write_manifest", full)
        with pytest.raises(OSError, match="No space"):
            world.make("d")
    assert world.versions("d") == []
    assert world.make("d").manifest.version == 1


KILLED = """
import sys, time
from pathlib import Path
from lianji.learn.datasets import making
from lianji.node.datasets import PlantDataSets
from lianji.node.folder import PlantFolder

def told(*_):
    Path(sys.argv[2]).touch()
    time.sleep(600)

making.write_manifest = told
PlantDataSets(PlantFolder(Path(sys.argv[1]))).make("d")
"""


def test_a_killed_maker_leaves_no_version_and_the_next_clears_up(
    world: World, tmp_path: Path
) -> None:
    world.put("plant/flow", minutes(5), np.arange(5.0))
    world.spec("d", RAW)
    mark = tmp_path / "mark"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(world.folder.root), str(mark)])
    try:
        wait_until(lambda: mark.exists() or child.poll() is not None, 60, "the draft is written")
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    [left] = world.versions("d")
    assert left.startswith(".draft-")
    assert world.sets.listed() == []
    with pytest.raises(NotFound):
        world.sets.check("d")
    assert world.make("d").manifest.version == 1
    assert world.versions("d") == ["1"]


def test_names_that_are_none_are_refused(world: World) -> None:
    for name in ("../d", "A", "a b", "", "x" * 65):
        with pytest.raises(InputError, match="no name"):
            world.make(name)
    with pytest.raises(NotFound):
        world.sets.found("../../samples")


def test_versions_with_samples_of_a_deleted_tag_are_erased(world: World) -> None:
    world.put("plant/flow", minutes(5), np.arange(5.0))
    world.put("plant/yield", minutes(5), np.arange(5.0))
    tags = world.folder.tags / "calculated.csv"
    tags.write_text("path,expression\nplant/double,'plant/flow' * 2\n")
    for name in ("flow", "yield", "double"):
        world.spec(name, SPEC + f'tags = ["plant/{name}"]')
        world.make(name)
    world.spec("d", RAW)
    broken = world.sets.path_of(world.make("d").manifest)
    (broken / "manifest.json").write_text("{")
    gone = world.sets.erase(lambda tag: tag == "plant/flow")
    assert gone == ["d@1", "double@1", "flow@1"]
    assert [one.name for one in world.sets.listed()] == ["yield"]
