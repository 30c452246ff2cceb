"""Alarms of a real plant: raised, acknowledged, over, told; and a restart in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.act.peers import HttpPeer, http_peer
from tests.peers import wait_until
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

TEMPERATURE = "p/boiler/b1/temperature"
HIGH = f"{TEMPERATURE}#hot"
TABLE = """\
name,tag,kind,limit,deadband,priority,group,message_en,message_zh
hot,p/boiler/*/temperature,H,90,5,1,boiler house,{machine} is too hot,{machine} 过热
,p/boiler/*/temperature,stale,3600,,3,,,
wrong,p/boiler/*/temperature,H,high,,3,,,
"""


def written_plant(folder: Path, *notify: str) -> Path:
    write_plant(folder)
    (folder / "alarms").mkdir()
    (folder / "alarms" / "boilers.csv").write_text(TABLE, encoding="utf-8")
    with (folder / "lianji.toml").open("a") as settings:
        settings.writelines(notify)
    return folder


def listed(plant: PlantProcess) -> list[dict[str, Any]]:
    lines = plant.get("/api/alarms", fold="false")["lines"]
    return [line["alarms"][0] for line in lines]


def wait_listed(plant: PlantProcess, *states: str) -> None:
    wait_until(
        lambda: [alarm["state"] for alarm in listed(plant)] == list(states),
        what=f"alarms in states {states}",
    )


def post(plant: PlantProcess, verb: str, **body: Any) -> dict[str, Any]:
    answer = plant.http.post(f"{plant.address}/api/alarms/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def pushed(plant: PlantProcess, value: float) -> None:
    assert plant.write(f"p/boiler/b1 temperature={value}").status_code in (200, 204)


def events(plant: PlantProcess) -> list[str]:
    lines = plant.get("/api/alarms/journal")["lines"]
    return [line["event"] for line in reversed(lines) if line["alarm"] == HIGH]


def test_an_alarm_lives_through_a_restart(tmp_path: Path) -> None:
    with plant_process(written_plant(tmp_path / "plant")) as plant:
        [problem] = plant.status()["problems"]
        assert problem["code"] == "alarm-row-invalid" and "line 4" in problem["cause"]["en"]
        pushed(plant, 80.0)
        plant.wait_last(TEMPERATURE, lambda row: row["value"] == 80.0)
        assert listed(plant) == []
        pushed(plant, 95.0)
        wait_listed(plant, "unacknowledged")
        plant.kill()
        plant.start()
        wait_listed(plant, "unacknowledged")
        assert listed(plant)[0]["message"] == {"en": "b1 is too hot", "zh": "b1 过热"}
        assert post(plant, "acknowledge", alarms=[HIGH])["changed"] == 1
        plant.stop()
        plant.start()
        wait_listed(plant, "acknowledged")
        pushed(plant, 86.0)
        plant.wait_last(TEMPERATURE, lambda row: row["value"] == 86.0)
        pushed(plant, 84.0)
        wait_listed(plant)
        assert events(plant) == ["raised", "acknowledged", "returned"]


def test_a_running_plant_takes_a_changed_table(tmp_path: Path) -> None:
    with plant_process(written_plant(tmp_path / "plant")) as plant:
        pushed(plant, 95.0)
        wait_listed(plant, "unacknowledged")
        table = plant.folder / "alarms" / "boilers.csv"
        table.write_bytes(b"PK\x03\x04 saved as a workbook")
        wait_until(
            lambda: "alarm-table-format" in [one["code"] for one in plant.status()["problems"]],
            what="the problem",
        )
        assert listed(plant)[0]["state"] == "unacknowledged", "the rows are as they were"
        lines = [line for line in TABLE.splitlines() if not line.startswith("wrong")]
        table.write_text("\n".join([*lines, "warm,p/boiler/*/temperature,H,80,,2,,,"]))
        wait_listed(plant, "unacknowledged", "unacknowledged")
        assert plant.status()["problems"] == []
        assert events(plant) == ["raised"], "what stood before went on"


def test_what_comes_and_goes_unseen_stays_until_somebody_has_seen_it(tmp_path: Path) -> None:
    with plant_process(written_plant(tmp_path / "plant")) as plant:
        pushed(plant, 95.0)
        wait_listed(plant, "unacknowledged")
        pushed(plant, 20.0)
        wait_listed(plant, "returned")
        said = lianji_command("alarm", "list", "--json", "--plant", plant.folder)
        assert [row["alarm"] for row in json.loads(said.stdout)] == [HIGH]
        done = lianji_command("alarm", "ack", "--all", "--plant", plant.folder)
        assert done.returncode == 0, done.stderr
        wait_listed(plant)
        said = lianji_command("alarm", "journal", "--csv", "--plant", plant.folder)
        assert [row.split(b",")[1] for row in said.stdout.splitlines()[1:4]] == [
            b'"acknowledged"',
            b'"returned"',
            b'"raised"',
        ]


def test_a_robot_is_told_once_also_over_a_restart(tmp_path: Path) -> None:
    with http_peer() as robot:
        robot.answer = {"errcode": 0, "errmsg": "ok"}
        folder = written_plant(
            tmp_path / "plant",
            f'\n[[notify]]\nname = "robot"\nkind = "wecom"\nurl = "{robot.url}"\n',
        )
        with plant_process(folder) as plant:
            pushed(plant, 95.0)
            wait_until(lambda: len(robot.requests) == 1, what="the robot was told")
            assert "b1 is too hot" in robot.requests[0].json["markdown"]["content"]
            wait_until(lambda: events(plant) == ["raised", "notified"], what="the journal")
            plant.stop()
            plant.start()
            post(plant, "acknowledge", alarms=[HIGH])
            wait_listed(plant, "acknowledged")
            assert _told(robot) == 1


def _told(robot: HttpPeer) -> int:
    return len(robot.requests)


def test_a_backup_of_a_running_plant_has_tables_state_and_journal(tmp_path: Path) -> None:
    with plant_process(written_plant(tmp_path / "plant")) as plant:
        pushed(plant, 95.0)
        wait_listed(plant, "unacknowledged")
        post(plant, "take-out", alarms=[HIGH], note="probe broken")
        backup = lianji_command("backup", tmp_path / "b", "--plant", plant.folder)
        assert backup.returncode == 0, backup.stderr
        post(plant, "put-back", alarms=[HIGH])
    done = lianji_command("restore", tmp_path / "b", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "again" / "data").glob("state.db-*"))
    with plant_process(tmp_path / "again") as again:
        [line] = again.get("/api/alarms", which="aside")["lines"]
        assert (line["alarms"][0]["id"], line["alarms"][0]["note"]) == (HIGH, "probe broken")
        assert events(again) == ["raised", "taken_out"]


def test_the_files_are_checked_without_a_running_plant(tmp_path: Path) -> None:
    folder = written_plant(tmp_path / "plant")
    checked = lianji_command("alarm", "check", "--plant", folder)
    assert checked.returncode == 1
    assert b"limit 'high' is not a number" in checked.stdout
    assert b"no tag matches" in checked.stdout
    chinese = lianji_command("alarm", "check", "--plant", folder, LIANJI_LANG="zh")
    assert "不是数字" in chinese.stdout.decode()
