from __future__ import annotations

from lianji.connect.driver import Limits
from lianji.connect.dry_run import dry_run
from lianji.connect.fake import FakeConfig, FakeDriver, FakeMachine
from lianji.dictionary.quality import Quality
from tests.connect.framework import fake_tags


def driver(machine: FakeMachine, limits: Limits | None = None, **config: object) -> FakeDriver:
    given = {"protocol": "fake", "timeout_ms": 30, **config}
    return FakeDriver(FakeConfig.model_validate(given), machine, limits)


async def test_every_tag_comes_back_with_value_bytes_quality_and_latency() -> None:
    machine = FakeMachine()
    machine.registers()[5] = 0x1234
    machine.set_float(6, 1.0)
    tags = [*fake_tags("1:5"), *fake_tags("1:6", type="float32")]
    trial = await dry_run(driver(machine), tags)
    assert [row.value for row in trial.rows] == [0x1234, 1.0]
    assert [row.hex for row in trial.rows] == ["12 34", "3f 80 00 00"]
    assert [row.quality_name for row in trial.rows] == ["Good", "Good"]
    assert all(row.latency_ms is not None and row.error is None for row in trial.rows)
    assert (trial.requests, machine.opens, machine.closes) == (1, 1, 1)


async def test_the_sentence_counts_tags_requests_and_seconds() -> None:
    tags = fake_tags(*(f"1:{n}" for n in range(400)))
    trial = await dry_run(driver(FakeMachine()), tags)
    trial.seconds = 0.2
    assert trial.sentence().en == "400 tags in 4 requests, 0.2 s"
    assert trial.sentence().zh == "400 个标签，4 次请求，0.2 秒"


async def test_what_is_wrong_is_said_tag_by_tag() -> None:
    machine = FakeMachine(refused={(1, 3)}, hanging={2})
    tags = fake_tags("1:2", "1:3", "1:4", "2:0", "2:500", "2:999", "bad")
    trial = await dry_run(driver(machine), tags)
    said = [row.error.en if row.error else "" for row in trial.rows]
    assert said[:5] == ["", "No such address.", "", "No answer.", "No answer."]
    assert "did not answer" in said[5]
    assert "is not unit:register" in said[6]
    assert trial.good == 2
    assert "5 of them failed" in trial.sentence().en
    assert sum(unit == 2 for unit, _, _ in machine.asked) == 2


async def test_a_device_that_cannot_be_reached_fails_every_tag_with_the_reason() -> None:
    trial = await dry_run(driver(FakeMachine(alive=False)), fake_tags("1:0", "1:1"))
    assert trial.error is not None and trial.error.code == "link-down"
    assert [row.error.en for row in trial.rows if row.error] == ["The machine is off."] * 2


async def test_what_comes_by_itself_is_listened_for() -> None:
    machine = FakeMachine()
    machine.tell("a", 1_700_000_000_000_000, 7.0)
    trial = await dry_run(driver(machine), fake_tags("~a", "~b", type=""), listen_s=0.05)
    assert trial.rows[0].value == 7.0
    assert trial.rows[1].error is not None and "Nothing came" in trial.rows[1].error.en
    assert trial.rows[1].quality == Quality.BAD_NO_DATA


async def test_the_cycle_is_predicted_from_the_answers_and_the_pause() -> None:
    machine = FakeMachine(latency_s=0.01)
    tags = fake_tags(*(f"1:{100 * n}" for n in range(8)))
    slow = await dry_run(driver(machine, pause_ms=10), tags)
    fast = await dry_run(driver(machine, Limits(in_flight=8)), tags)
    assert 0.16 <= slow.cycle_s_predicted < 1.0
    assert fast.cycle_s_predicted < slow.cycle_s_predicted / 4
    assert fast.as_json()["requests"] == 8
