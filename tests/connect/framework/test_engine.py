from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianji.base.errors import Busy, StorageError, Text
from lianji.connect.driver import Block, Columns, Limits, Point
from lianji.connect.engine import Device
from lianji.connect.fake import FakeConfig, FakeDriver, FakeMachine
from lianji.connect.statistics import State
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from lianji.trace.marks import Stage
from tests.connect.framework import fake_tags, living, path_of, until


def full(kind: type[Any]) -> Any:
    return kind("disk-full", Text("The disk is full.", "磁盘已满。"), Text("Free it.", "请清理。"))


async def test_values_of_every_type_arrive_with_the_ids_of_their_tags() -> None:
    machine = FakeMachine()
    machine.registers()[7] = 42
    machine.set_float(100, 1.5)
    machine.set_text(200, "idle")
    tags = [
        *fake_tags("1:7"),
        *fake_tags("1:100", type="float32"),
        *fake_tags("1:200", type="text"),
    ]
    async with living(machine, tags) as (_, received):
        await until(lambda: len(received.rows()) >= 3)
        assert received.values("fake/1-7") == [42.0]
        assert received.values("fake/1-100") == [1.5]
        assert received.rows("fake/1-200")[0][2:] == (None, "idle", 0)


async def test_one_cycle_is_one_batch_with_marks_of_reading_and_decoding() -> None:
    tags = fake_tags(*(f"1:{50 * n}" for n in range(20)))
    async with living(FakeMachine(), tags) as (device, received):
        await until(lambda: received.batches)
        assert len(received.batches[0]) == 20
        assert list(received.batches[0].marks[::3]) == [Stage.READ, Stage.DECODE]
        assert all(ns >= 0 for ns in received.batches[0].marks)
        assert device.status().requests >= 20


async def test_only_changes_are_sent_on() -> None:
    machine = FakeMachine()
    async with living(machine, fake_tags("1:0", "1:1")) as (device, received):
        await until(lambda: device.status().requests > 5)
        machine.registers()[1] = 7
        await until(lambda: received.values("fake/1-1")[-1:] == [7.0])
        assert received.values("fake/1-0") == [0.0]


async def test_fast_and_slow_tags_have_intervals_of_their_own() -> None:
    machine = FakeMachine()
    tags = [*fake_tags("1:0"), *fake_tags("1:1000", interval_ms=60_000)]
    async with living(machine, tags, interval_ms=10) as (_, received):
        await until(lambda: machine.asked.count((1, 0, 1)) > 10)
        assert machine.asked.count((1, 1000, 1001)) == 1
        assert len(received.rows()) == 2


async def test_a_tag_with_a_wrong_address_is_reported_and_marked_and_the_others_work() -> None:
    tags = [*fake_tags("1:0"), *fake_tags("1:99999", "nonsense"), *fake_tags("1:2", type="blob")]
    async with living(FakeMachine(), tags) as (device, received):
        await until(lambda: received.values("fake/1-0") and received.qualities("fake/nonsense"))
        assert [tag.path for tag in device.rejected] == [tag.path for tag in tags[1:]]
        assert "is not unit:register" in device.rejected[0].reason.en
        assert received.qualities("fake/1-2") == [Quality.BAD_CONFIGURATION_ERROR]
        assert device.status().tags == 1


async def test_a_tag_wider_than_a_read_is_rejected_by_itself() -> None:
    tags = [*fake_tags("1:0"), *fake_tags("1:10", type="text")]
    async with living(FakeMachine(), tags, Limits(max_span=3)) as (device, received):
        await until(lambda: received.values("fake/1-0"))
        assert "4 addresses wide" in device.rejected[0].reason.en


async def test_a_lost_link_marks_every_point_once_and_values_return_with_it() -> None:
    machine = FakeMachine()
    tags = fake_tags("1:0", "1:500", "2:0")
    async with living(machine, tags) as (device, received):
        await until(lambda: len(received.rows()) == 3)
        machine.drop()
        await until(lambda: device.status().state == State.BACKING_OFF)
        await until(lambda: len(received.rows()) == 6)
        status = device.status()
        assert status.last_error is not None and status.last_error["code"] == "link-down"
        assert "The machine is off." in status.summary.en
        assert "设备已关闭" in status.summary.zh
        machine.alive = True
        await until(lambda: received.last_quality("fake/2-0") == Quality.GOOD)
        for tag in tags:
            assert received.qualities(tag.path) == [0, Quality.BAD_NO_COMMUNICATION, 0]
        await until(lambda: device.status().last_error is None)
        assert device.status().reconnects == 1


async def test_an_outage_repeats_its_bad_quality_as_a_heartbeat() -> None:
    machine = FakeMachine(alive=False)
    began = time.monotonic()
    async with living(machine, fake_tags("1:0"), heartbeat_s=0.2) as (_, received):
        await until(lambda: len(received.rows()) >= 3)
        assert time.monotonic() - began >= 0.4
        assert set(received.qualities("fake/1-0")) == {Quality.BAD_NO_COMMUNICATION}


async def test_a_refused_block_is_bisected_once_and_only_the_guilty_tag_is_bad(
    tmp_path: Path,
) -> None:
    machine = FakeMachine(refused={(1, 33)})
    tags = fake_tags(*(f"1:{n}" for n in range(64)))
    async with living(machine, tags, folder=tmp_path) as (device, received):
        await until(lambda: len(received.rows()) == 64)
        refusals = device.status().refused
        assert refusals <= 7
        asked = len(machine.asked)
        await until(lambda: len(machine.asked) > asked + 50)
        assert device.status().refused == refusals
        assert received.qualities("fake/1-33") == [Quality.BAD_CONFIGURATION_ERROR]
        assert all(received.qualities(t.path) == [0] for t in tags if t.address != "1:33")
        assert device.status().refused_tags == 1
        assert "refuses 1 tag." in device.status().summary.en
        assert set(machine.asked[-10:]) == {(1, 0, 33), (1, 34, 64)}, "and whole again after it"


async def test_forbidden_addresses_are_remembered_over_a_restart(tmp_path: Path) -> None:
    machine = FakeMachine(refused={(1, 33), (1, 70)})
    tags = fake_tags(*(f"1:{n}" for n in (*range(64), *range(66, 68), *range(74, 90))))
    async with living(machine, tags, folder=tmp_path) as (device, received):
        await until(
            lambda: len(received.rows()) == len(tags) and (tmp_path / "fake.refused.json").exists()
        )
        assert device.status().refused > 0
    machine.asked.clear()
    async with living(machine, tags, folder=tmp_path) as (device, received):
        await until(lambda: len(received.rows()) == len(tags))
        assert device.status().refused == 0
        assert received.last_quality("fake/1-33") == Quality.BAD_CONFIGURATION_ERROR
        assert not any(start <= 33 < end or start <= 70 < end for _, start, end in machine.asked)


async def test_a_refused_point_that_answers_later_is_good_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lianji.connect.poll.RETRY_REFUSED_S", 0.05)
    machine = FakeMachine(refused={(1, 3)})
    async with living(machine, fake_tags("1:2", "1:3", "1:4")) as (device, received):
        await until(lambda: received.last_quality("fake/1-3") == Quality.BAD_CONFIGURATION_ERROR)
        machine.refused.clear()
        await until(lambda: received.last_quality("fake/1-3") == Quality.GOOD)
        await until(lambda: device.status().refused_tags == 0)


async def test_a_device_that_takes_only_short_reads_is_read_in_short_reads() -> None:
    machine = FakeMachine(span_max=20)
    tags = fake_tags(*(f"1:{n}" for n in range(100)))
    async with living(machine, tags) as (device, received):
        await until(lambda: len(received.rows()) == 100)
        assert set(received.qualities(path_of("1:50"))) == {0}
        await until(lambda: device.status().requests > 150)
        refused = device.status().refused
        await until(lambda: device.status().requests > 250)
        assert device.status().refused == refused
        assert max(end - start for _, start, end in machine.asked[-10:]) <= 20


async def test_a_busy_device_teaches_no_forbidden_addresses() -> None:
    machine = FakeMachine(busy=True)
    async with living(machine, fake_tags("1:0", "1:1")) as (device, received):
        await until(lambda: received.last_quality("fake/1-0") == Quality.BAD_DEVICE_FAILURE)
        assert set(machine.asked) == {(1, 0, 2)}
        machine.busy = False
        await until(lambda: received.last_quality("fake/1-1") == Quality.GOOD)
        assert device.status().refused_tags == 0


async def test_one_silent_unit_does_not_stop_the_others_and_soon_costs_little() -> None:
    machine = FakeMachine(hanging={2})
    machine.registers(1)
    tags = fake_tags("1:0", "2:0", "2:500", "3:0")
    async with living(machine, tags) as (device, received):
        await until(lambda: received.last_quality("fake/2-500") == Quality.BAD_TIMEOUT)
        await until(lambda: received.last_quality("fake/3-0") == Quality.GOOD)
        asked = len(machine.asked)
        await until(lambda: len(machine.asked) > asked + 60)
        units = [unit for unit, _, _ in machine.asked[asked:]]
        assert units.count(2) < units.count(1) / 2
        assert (device.status().state, device.status().silent_tags) == (State.RUNNING, 2)
        assert machine.opens == 1
        machine.hanging.clear()
        await until(lambda: received.last_quality("fake/2-500") == Quality.GOOD)
        await until(lambda: device.status().last_error is None)


async def test_when_every_unit_is_silent_the_link_is_down() -> None:
    machine = FakeMachine(hanging={1, 2})
    async with living(machine, fake_tags("1:0", "2:0")) as (device, received):
        await until(lambda: device.status().state == State.BACKING_OFF)
        assert received.last_quality("fake/1-0") == Quality.BAD_TIMEOUT
        await until(lambda: machine.opens > 1)
        machine.hanging.clear()
        await until(lambda: received.last_quality("fake/2-0") == Quality.GOOD)


async def test_an_answer_to_another_question_closes_and_opens_the_link() -> None:
    machine = FakeMachine()
    async with living(machine, fake_tags("1:0")) as (device, received):
        await until(lambda: received.rows())
        machine.confused = 1
        await until(lambda: machine.opens == 2)
        await until(lambda: received.qualities("fake/1-0") == [0, Quality.BAD_NO_COMMUNICATION, 0])
        assert device.status().desyncs == 1
        assert machine.closes >= 1


async def test_a_driver_that_hangs_for_ever_is_timed_out_from_outside() -> None:
    machine = FakeMachine(deaf=True)
    async with living(machine, fake_tags("1:0")) as (device, received):
        await until(lambda: received.last_quality("fake/1-0") == Quality.BAD_TIMEOUT)
        machine.deaf = False
        await until(lambda: received.last_quality("fake/1-0") == Quality.GOOD)
        assert device.status().timeouts >= 1


@pytest.mark.parametrize(
    "broken", [ZeroDivisionError("by zero"), KeyError("x"), OSError("reset"), EOFError()]
)
async def test_whatever_a_driver_raises_becomes_a_state_and_a_wait(broken: Exception) -> None:
    machine = FakeMachine(broken=broken)
    async with living(machine, fake_tags("1:0")) as (device, received):
        await until(lambda: received.last_quality("fake/1-0") == Quality.BAD_NO_COMMUNICATION)
        error = device.status().last_error
        expected = "link-down" if isinstance(broken, OSError | EOFError) else "driver-failed"
        assert error is not None and error["code"] == expected
        machine.broken = None
        await until(lambda: received.last_quality("fake/1-0") == Quality.GOOD)


class Undecodable(FakeDriver):
    """Fails on one block's answer, always."""

    def decode(self, block: Block, raw: Any, time_us: int) -> Columns:
        if block.start == 500:
            raise ValueError("not a number at all")
        return super().decode(block, raw, time_us)

    def diagnosis(self) -> dict[str, float | str]:
        raise ValueError("no figures")


async def test_an_answer_that_cannot_be_decoded_is_bad_and_hurts_no_other() -> None:
    machine = FakeMachine()
    driver = Undecodable(FakeConfig(protocol="fake", interval_ms=20), machine)
    async with living(machine, fake_tags("1:0", "1:500"), driver=driver) as (device, received):
        await until(lambda: received.last_quality("fake/1-500") == Quality.BAD_DECODING_ERROR)
        await until(lambda: received.last_quality("fake/1-0") == Quality.GOOD)
        assert machine.opens == 1
        assert "diagnosis failed" in device.status().diagnosis


async def test_several_transactions_are_in_flight_and_no_more_than_allowed() -> None:
    machine = FakeMachine(latency_s=0.005)
    tags = fake_tags(*(f"1:{50 * n}" for n in range(40)))
    async with living(machine, tags, Limits(in_flight=4)) as (device, received):
        await until(lambda: len(received.rows()) == 40)
        assert machine.under_way_max == 4
        assert device.status().in_flight == 4


async def test_trouble_with_several_in_flight_means_one_at_a_time_and_is_said() -> None:
    machine = FakeMachine(latency_s=0.001)
    tags = fake_tags(*(f"1:{50 * n}" for n in range(8)))
    async with living(machine, tags, Limits(in_flight=4)) as (device, received):
        await until(lambda: received.rows())
        machine.confused = 1
        await until(lambda: machine.opens == 2)
        machine.under_way_max = 0
        asked = len(machine.asked)
        await until(lambda: len(machine.asked) > asked + 20)
        assert machine.under_way_max == 1
        assert device.status().in_flight_fallen_back
        assert "one at a time" in device.status().summary.en


async def test_a_pause_between_requests_is_kept() -> None:
    machine = FakeMachine()
    tags = fake_tags("1:0", "1:100", "1:200")
    began = time.monotonic()
    async with living(machine, tags, Limits(in_flight=8), pause_ms=30) as (_, _received):
        await until(lambda: len(machine.asked) >= 6)
        assert time.monotonic() - began >= 0.15
        assert machine.under_way_max == 1


async def test_changes_that_the_device_sends_arrive_in_order_with_their_own_times() -> None:
    machine = FakeMachine()
    tags = [*fake_tags("1:0"), *fake_tags("~a", "~b", type="")]
    async with living(machine, tags) as (_, received):
        await until(lambda: received.rows("fake/1-0"))
        for n in range(5):
            machine.tell("a", 1_700_000_000_000_000 + n, float(n))
        machine.tell("b", 1_700_000_000_000_000, float("nan"), "on")
        await until(lambda: received.rows("fake/b"))
        assert received.rows("fake/a")[-1][1:3] == (1_700_000_000_000_004, 4.0)
        assert received.rows("fake/b")[0][3] == "on"


async def test_a_lost_subscription_marks_its_points_and_is_made_again() -> None:
    machine = FakeMachine()
    machine.tell("a", 1_700_000_000_000_000, 1.0)
    async with living(machine, fake_tags("~a", type="")) as (device, received):
        await until(lambda: received.values("fake/a") == [1.0])
        machine.drop()
        await until(lambda: received.last_quality("fake/a") == Quality.BAD_NO_COMMUNICATION)
        machine.alive = True
        machine.tell("a", 1_700_000_000_000_001, 2.0)
        await until(lambda: received.values("fake/a")[-1] == 2.0)
        assert device.status().reconnects == 1


async def test_a_device_whose_clock_is_mad_costs_no_batch() -> None:
    machine = FakeMachine()
    machine.tell("a", -(10**17), 1.0)
    async with living(machine, fake_tags("~a", type="")) as (_, received):
        await until(lambda: received.rows())
        _, at_us, value, _, quality = received.rows()[0]
        assert (value, quality) == (1.0, Quality.UNCERTAIN)
        assert abs(at_us / 1e6 - time.time()) < 60


async def test_samples_that_cannot_be_stored_are_counted_said_and_sent_again() -> None:
    machine = FakeMachine()
    async with living(machine, fake_tags("1:0")) as (device, received):
        await until(lambda: received.rows())
        received.refusing = full(StorageError)
        machine.registers()[0] = 5
        await until(lambda: device.status().lost_samples > 0)
        assert device.status().state == State.RUNNING
        assert "The disk is full." in device.status().summary.en
        received.refusing = None
        await until(lambda: received.values("fake/1-0")[-1] == 5.0)
        await until(lambda: device.status().last_error is None)


async def test_a_sink_that_is_busy_for_a_moment_loses_nothing() -> None:
    machine = FakeMachine()
    async with living(machine, fake_tags("1:0")) as (device, received):
        received.refusing = full(Busy)
        await until(lambda: device.status().requests > 3)
        received.refusing = None
        await until(lambda: received.rows())
        assert device.status().lost_samples == 0


async def test_stopping_closes_the_driver_and_delivers_what_was_read() -> None:
    machine = FakeMachine()
    machine.tell("a", 1_700_000_000_000_000, 1.0)
    async with living(machine, fake_tags("1:0", "~a")) as (device, received):
        await until(lambda: received.rows("fake/1-0"))
        machine.tell("a", 1_700_000_000_000_001, 2.0)
        await asyncio.sleep(0)
    assert device.status().state == State.STOPPED
    assert machine.closes == 1
    assert received.values("fake/a")[-1] == 2.0


class SwallowingDriver(FakeDriver):
    """Loses one cancellation in each of its waits, as asyncio.wait_for did before Python 3.12."""

    waiting = ""

    async def _wait(self, where: str) -> None:
        self.waiting = where
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def open(self) -> None:
        if self.machine.deaf:
            await self._wait("open")

    async def read(self, block: Block) -> bytes:
        await self._wait("read")
        return await super().read(block)

    async def subscribe(self, points: Any, numbers: Any, emit: Any) -> None:
        await self._wait("subscribe")
        await super().subscribe(points, numbers, emit)


@pytest.mark.parametrize(
    ("where", "address", "machine"),
    [
        ("open", "1:0", FakeMachine(deaf=True)),
        ("read", "1:0", FakeMachine()),
        ("subscribe", "~topic", FakeMachine()),
    ],
)
async def test_a_device_stops_even_if_its_driver_swallows_the_cancellation(
    where: str, address: str, machine: FakeMachine
) -> None:
    config = FakeConfig(protocol="fake", interval_ms=20, timeout_ms=60_000)
    driver = SwallowingDriver(config, machine)
    async with living(machine, fake_tags(address), driver=driver):
        await until(lambda: driver.waiting == where)


async def test_a_device_that_is_switched_off_is_never_opened() -> None:
    machine = FakeMachine()
    driver = FakeDriver(FakeConfig(protocol="fake", enabled=False), machine)

    class Nothing:
        async def append(self, batch: object) -> int:
            raise AssertionError("nothing to send")

    device = Device("off", driver, fake_tags("1:0"), np.zeros(1, np.int32), Nothing())
    await asyncio.wait_for(device.run(), 1)
    assert (device.status().state, machine.opens) == (State.DISABLED, 0)


async def test_cycles_that_take_too_long_are_counted_as_missed() -> None:
    machine = FakeMachine(latency_s=0.03)
    async with living(machine, fake_tags("1:0"), interval_ms=10) as (device, _):
        await until(lambda: device.status().missed_cycles >= 4)
        status = device.status()
        assert 0.02 < status.cycle_s_p50 < 0.5
        assert status.cycle_s_predicted == pytest.approx(status.cycle_s_p50, rel=0.6)
        assert status.as_json()["missed_cycles"] >= 4  # type: ignore[operator]


class OwnPlan(FakeDriver):
    """Reads by name in batches of its own, as OPC UA does."""

    def plan(self, points: Any, numbers: Any) -> list[Block]:
        named = [Point("names", 0, 1, point) for point in points]
        batches = [slice(at, at + 4) for at in range(0, len(points), 4)]
        return [
            Block("names", 0, 0, tuple(named[rows]), np.array(numbers[rows], np.int32))
            for rows in batches
        ]

    async def read(self, block: Block) -> Any:
        timeout_s = self.config.timeout_ms / 1000
        places = [point.detail for point in block.points]
        return [await self.machine.answer(1, p.start, p.end, timeout_s) for p in places]

    def decode(self, block: Block, raw: Any, time_us: int) -> Columns:
        values = np.array([int.from_bytes(item, "big") for item in raw], np.float64)
        rows = len(values)
        return Columns(
            block.numbers, np.full(rows, time_us), values, np.zeros(rows, np.uint16), None
        )


async def test_a_driver_with_a_plan_of_its_own_is_bisected_too(tmp_path: Path) -> None:
    machine = FakeMachine(refused={(1, 5)})
    machine.registers()[:] = 3
    driver = OwnPlan(FakeConfig(protocol="fake", interval_ms=20), machine)
    tags: list[Tag] = fake_tags(*(f"1:{n}" for n in range(10)))
    async with living(machine, tags, driver=driver, folder=tmp_path) as (device, received):
        await until(lambda: len(received.rows()) == 10)
        assert received.last_quality("fake/1-5") == Quality.BAD_CONFIGURATION_ERROR
        assert received.values("fake/1-6") == [3.0]
        refused = device.status().refused
        asked = len(machine.asked)
        await until(lambda: len(machine.asked) > asked + 50)
        assert device.status().refused == refused


class WideBits(FakeDriver):
    """Unit 9 may be read in wider spans than the others."""

    def limits_of(self, space: Any) -> Limits:
        return Limits(max_span=2000, max_gap=256) if space == 9 else self.limits


async def test_a_space_may_have_limits_of_its_own() -> None:
    machine = FakeMachine(span_max=2000)
    driver = WideBits(FakeConfig(protocol="fake", interval_ms=20), machine)
    tags = fake_tags("1:0", "1:200", "9:0", "9:200", "9:400")
    async with living(machine, tags, driver=driver) as (_, received):
        await until(lambda: len(received.rows()) == 5)
        assert set(machine.asked) == {(1, 0, 1), (1, 200, 201), (9, 0, 401)}
