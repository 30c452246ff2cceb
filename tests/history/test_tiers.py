"""Tiers and retention: old days move, or go, and every question is answered as before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars
import pytest

from lianji.history.delta.log import DeltaLog
from lianji.history.places.folder import FolderPlace
from lianji.history.settings import HistorySettings, S3Settings
from lianji.history.tables import SAMPLES
from tests.history.conftest import SECOND, START_US, Rooms
from tests.history.test_upkeep import TAGS, age, everything, put_minutes, run_upkeep
from tests.peers import need
from tests.peers.seaweedfs import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, seaweedfs

DAYS = 3


class Tiered(Rooms):
    """Rooms whose days move at once, for they are long past."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = HistorySettings.model_validate({"flush_s": 3600, **settings})
        super().__init__(folder)


def fill(rooms: Rooms) -> list[dict[str, object]]:
    for day in range(DAYS):
        put_minutes(rooms, day * 1440, seed=day)
    age(rooms)
    return everything(rooms)


@pytest.fixture(params=["folder", "bucket"])
def tier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    if request.param == "folder":
        yield {"after_days": 30, "folder": str(tmp_path / "slow disk")}
        return
    need("seaweedfs")
    (tmp_path / "store").mkdir()
    with seaweedfs(tmp_path / "store") as store:
        yield {
            "after_days": 30,
            "bucket": {
                "url": f"s3://{BUCKET}/plant one",
                "endpoint": store.endpoint,
                "access_key_id": ACCESS_KEY_ID,
                "secret_access_key": SECRET_ACCESS_KEY,
                "allow_http": True,
            },
        }


@pytest.fixture
def rooms(tmp_path: Path, tier: dict[str, Any]) -> Iterator[Tiered]:
    made = Tiered(tmp_path / "plant", tiers=[tier])
    yield made
    made.close()


def files_by_tier(rooms: Rooms) -> list[int]:
    return [len(log.files) for log in rooms.history._tiers.logs]


def test_old_days_move_and_are_answered_as_before(rooms: Tiered) -> None:
    before = fill(rooms)
    run_upkeep(rooms)
    assert files_by_tier(rooms) == [0, DAYS]
    assert everything(rooms) == before
    asked = (TAGS, START_US, START_US + 180 * SECOND, 60 * SECOND, ["time_average2"])
    rolled, exact = (
        rooms.history.aggregate(*asked),
        rooms.history.aggregate(*asked, with_status=True),
    )
    assert rolled["time_average2"].to_pylist() == pytest.approx(exact["time_average2"].to_pylist())
    counted = rooms.history.sql("select count(*) n from samples")["n"].to_pylist()
    assert counted == [len(before)]
    rooms.close()
    rooms.open()
    assert everything(rooms) == before


def test_corrections_reach_down_into_a_tier(rooms: Tiered) -> None:
    fill(rooms)
    run_upkeep(rooms)
    rooms.put(TAGS[3], [30], [999.0])
    rooms.history.flush()
    rows = [row for row in everything(rooms) if row["tag"] == TAGS[3]]
    assert [row["value"] for row in rows if row["value"] == 999.0] == [999.0]
    assert len(rows) == DAYS * 180
    age(rooms)
    run_upkeep(rooms)
    again = [row for row in everything(rooms) if row["tag"] == TAGS[3]]
    assert again == rows
    replaced = rooms.history.modified([TAGS[3]], START_US, START_US + 10**12)
    assert replaced.num_rows == 1


def test_a_crash_between_the_two_commits_of_a_move_shows_nothing_twice(
    rooms: Tiered, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fill(rooms)
    upper = rooms.history.upkeep.samples
    commit = DeltaLog.commit

    def dies(log: DeltaLog, change: Any) -> None:
        if log is upper and not change.added:
            raise OSError("the power is gone")
        commit(log, change)

    with monkeypatch.context() as patch:
        patch.setattr(DeltaLog, "commit", dies)
        while rooms.history.upkeep.step():
            pass
    assert files_by_tier(rooms)[0] == DAYS
    assert files_by_tier(rooms)[1] > 0
    assert everything(rooms) == before
    rooms.crash()
    rooms.open()
    assert everything(rooms) == before
    run_upkeep(rooms)
    assert files_by_tier(rooms) == [0, DAYS]
    assert everything(rooms) == before
    rooms.put(TAGS[0], [30], [555.0])
    rooms.history.flush()
    assert len(everything(rooms)) == len(before)


def test_a_tier_that_cannot_be_reached_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    rooms = Tiered(tmp_path / "plant", tiers=[{"after_days": 30, "folder": str(slow)}])
    before = fill(rooms)
    for part in ("site=plant",):
        (slow / part).write_text("a file where a folder should be")
    while rooms.history.upkeep.step():
        pass
    assert files_by_tier(rooms)[0] == DAYS
    assert everything(rooms) == before
    rooms.close()


def test_a_plant_whose_tier_is_away_starts_and_answers_without_it(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    rooms = Tiered(tmp_path / "plant", tiers=[{"after_days": 30, "folder": str(slow)}])
    before = fill(rooms)
    run_upkeep(rooms)
    assert files_by_tier(rooms) == [0, DAYS]
    rooms.close()
    slow.rename(tmp_path / "unplugged")
    slow.mkdir()
    rooms.open()
    assert everything(rooms) == []
    assert [error.code for error in rooms.history.unreadable.values()] == ["tier-away"]
    stored = rooms.stored()
    assert stored.read(TAGS, START_US, START_US + 10**13).num_rows == 0
    assert list(stored.unreadable) == [str(slow)]
    today_s = (time.time_ns() // 1000 - START_US) / SECOND
    rooms.put(TAGS[0], [today_s], [5.0])
    rooms.history.flush()
    assert rooms.history.last(TAGS[:1])["value"].to_pylist() == [5.0]
    slow.rmdir()
    (tmp_path / "unplugged").rename(slow)
    run_upkeep(rooms)
    assert everything(rooms) == before
    assert rooms.history.unreadable == {}
    rooms.close()


def test_a_late_sample_waits_while_its_tier_is_away(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    rooms = Tiered(tmp_path / "plant", tiers=[{"after_days": 30, "folder": str(slow)}])
    before = fill(rooms)
    run_upkeep(rooms)
    rooms.close()
    slow.rename(tmp_path / "unplugged")
    rooms.open()
    rooms.put(TAGS[0], [30], [5.0])
    rooms.history.flush()
    assert rooms.history.status().waiting == 1
    assert rooms.history.read(TAGS[:1], START_US, START_US + 60 * SECOND)["value"].to_pylist() == [
        5
    ]
    (tmp_path / "unplugged").rename(slow)
    run_upkeep(rooms)
    rooms.put(TAGS[0], [31], [5.0])
    rooms.history.flush()
    assert rooms.history.status().waiting == 0
    assert len(everything(rooms)) == len(before)
    rooms.close()


def test_a_bucket_without_a_store_is_away(tmp_path: Path) -> None:
    bucket = {
        "url": "s3://plant",
        "endpoint": "http://127.0.0.1:9",
        "access_key_id": "a",
        "secret_access_key": "b",
        "allow_http": True,
        "timeout_s": 1,
    }
    assert S3Settings.model_validate(bucket).bucket == "plant"
    rooms = Tiered(tmp_path / "plant", tiers=[{"after_days": 30, "bucket": bucket}])
    rooms.put(TAGS[0], [10**9], [1.0])
    assert rooms.history.last(TAGS[:1])["value"].to_pylist() == [1.0]
    assert list(rooms.history.unreadable) == ["s3://plant"]
    rooms.close()


def test_some_tags_are_kept_for_some_time_only(tmp_path: Path) -> None:
    rule = {"tags": "plant/m1*/power", "keep_days": 30}
    rooms = Tiered(tmp_path / "plant", retention=[rule])
    before = fill(rooms)
    run_upkeep(rooms)
    kept = [row for row in before if not str(row["tag"]).startswith("plant/m1")]
    assert everything(rooms) == kept
    run_upkeep(rooms)
    hours = polars.read_delta(str(tmp_path / "plant" / "samples_1h"))
    assert hours["count"].sum() == len(kept)
    rooms.close()


def test_what_is_below_is_a_table_of_its_own_that_others_read(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    rooms = Tiered(tmp_path / "plant", tiers=[{"after_days": 30, "folder": str(slow)}])
    before = fill(rooms)
    run_upkeep(rooms)
    assert polars.read_delta(str(slow)).height == len(before)
    assert DeltaLog(FolderPlace(slow), SAMPLES).files.rows == len(before)
    rooms.close()
