"""Export, backup and restore as people run them, of a plant that runs and of one that stands."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import lianji
from tests.system.plant import (
    FOREVER,
    PlantProcess,
    lianji_command,
    plant_process,
    write_device,
    write_plant,
)

pytestmark = pytest.mark.system
START_S = 1_769_846_400
BETWEEN = ("--start", "2026-01-31T08:00Z", "--end", "2026-02-28T00:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = write_plant(tmp_path / "plant")
    write_device(made, "press", "modbus", host="127.0.0.1", port=1, enabled=False)
    (made / "data" / "devices").mkdir()
    (made / "data" / "devices" / "press.refused.json").write_text("{}")
    return made


def push(plant: PlantProcess, first: int, count: int) -> None:
    lines = [f"p/pushed number={n + 0.25} {START_S + n}" for n in range(first, first + count)]
    lines.append(f'p/pushed word="开 ""{first}""" {START_S + first}'.replace('""', '\\"'))
    assert plant.write("\n".join(lines), precision="s").status_code == 204


def rows_of(folder: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = lianji.open(folder).history.read("p/*", *FOREVER).to_pylist()
    return rows


def test_a_running_plant_is_backed_up_restored_and_run_again(folder: Path, tmp_path: Path) -> None:
    with plant_process(folder) as plant:
        push(plant, 0, 500)
        first = lianji_command("backup", tmp_path / "b", "--plant", folder, "--json")
        assert first.returncode == 0, first.stderr.decode()
        assert json.loads(first.stdout)[0]["generation"] == 1
        push(plant, 500, 500)
        second = lianji_command("backup", tmp_path / "b", "--plant", folder)
        assert second.returncode == 0, second.stderr.decode()
        assert second.stdout == b""
        assert "Generation 2" in second.stderr.decode()
    checked = lianji_command("backup", tmp_path / "b", "--check")
    assert checked.returncode == 0, checked.stderr.decode()
    listed = json.loads(lianji_command("backup", tmp_path / "b", "--list", "--json").stdout)
    assert [row["generation"] for row in listed] == [1, 2]
    for generation, samples in ((1, 501), (2, 1002)):
        again = tmp_path / f"again{generation}"
        done = lianji_command("restore", tmp_path / "b", again, "--generation", generation)
        assert done.returncode == 0, done.stderr.decode()
        assert len(rows_of(again)) == samples
    again = tmp_path / "again2"
    assert rows_of(again) == rows_of(folder)
    note = json.loads((again / "data" / "restored.json").read_text())
    assert (note["site"], note["generation"]) == ("p", 2)
    assert abs(note["restored_us"] / 1e6 - time.time()) < 60
    for part in ("lianji.toml", "devices/press.toml", "data/devices/press.refused.json"):
        assert (again / part).read_bytes() == (folder / part).read_bytes()
    assert not (again / "data" / "running.json").exists()
    with plant_process(again) as plant:
        push(plant, 1000, 1)
        assert plant.stop() < 3
    assert len(rows_of(again)) == 1004


def test_a_flipped_bit_ends_the_check_with_its_name(folder: Path, tmp_path: Path) -> None:
    with plant_process(folder) as plant:
        push(plant, 0, 100)
        plant.stop()
    assert lianji_command("backup", tmp_path / "b", "--plant", folder).returncode == 0
    damaged = min((tmp_path / "b" / "files" / "data" / "samples").rglob("*.parquet"))
    content = bytearray(damaged.read_bytes())
    content[100] ^= 1
    damaged.write_bytes(content)
    checked = lianji_command("backup", tmp_path / "b", "--check")
    assert checked.returncode == 1
    assert damaged.name in checked.stderr.decode()
    done = lianji_command("restore", tmp_path / "b", folder)
    assert done.returncode == 1
    assert "[restore-not-empty]" in done.stderr.decode()
    done = lianji_command("restore", tmp_path / "b", tmp_path / "again", LIANJI_LANG="zh")
    assert done.returncode == 1
    assert "内容已改变" in done.stderr.decode()


@pytest.mark.parametrize("name", ["all.parquet", "all.csv"])
def test_an_export_imported_into_an_empty_plant_says_the_same(
    folder: Path, tmp_path: Path, name: str
) -> None:
    with plant_process(folder) as plant:
        push(plant, 0, 300)
        assert plant.write(f"p/pushed number=1e-17 {START_S + 900}", precision="s").is_success
        bad = tmp_path / "bad.csv"
        bad.write_text("tag,time,value,quality\np/pushed/bad,2026-01-31T09:00Z,,0x808C\n")
        assert lianji_command("import", bad, "--plant", folder).returncode == 0
        file = tmp_path / name
        done = lianji_command("export", "p/*", "--to", file, *BETWEEN, "--plant", folder, "--bom")
        assert done.returncode == 0, done.stderr.decode()
        assert [path.name for path in tmp_path.glob(".*")] == []
    again = write_plant(tmp_path / "again")
    done = lianji_command("import", file, "--plant", again)
    assert done.returncode == 0, done.stderr.decode()
    assert rows_of(again) == rows_of(folder)
    assert len(rows_of(again)) == 303


def test_a_folder_and_a_wide_file(folder: Path, tmp_path: Path) -> None:
    with plant_process(folder) as plant:
        push(plant, 0, 120)
        plant.stop()
    base = ("export", "p/pushed/number", *BETWEEN, "--plant", folder, "--to")
    assert lianji_command(*base, tmp_path / "days").returncode == 0
    [day] = (tmp_path / "days").iterdir()
    assert (day.name, pq.read_metadata(day).num_rows) == ("2026-01-31.parquet", 120)
    wide = (*base[:2], "--start", "2026-01-31T08:00Z", "--end", "2026-01-31T08:02Z", *base[6:])
    done = lianji_command(*wide, tmp_path / "wide.csv", "--wide", "1min")
    assert done.returncode == 0, done.stderr.decode()
    lines = (tmp_path / "wide.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ['"p/pushed/number"', "0.25", "60.25"]
    done = lianji_command(*base, tmp_path / "days", "--wide", "1min")
    assert done.returncode == 1
    assert "[export-invalid]" in done.stderr.decode()
