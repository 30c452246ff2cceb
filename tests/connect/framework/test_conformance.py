"""The kit that every driver passes, passed by the fake."""

from __future__ import annotations

import pytest

from lianji.connect.driver import Limits
from lianji.connect.fake import FakeConfig, FakeDriver, FakeMachine
from tests.connect.conformance import Check, Fault, checks_for, name_of
from tests.connect.framework import fake_tags, path_of


class FakeWorld:
    def __init__(self, in_flight: int) -> None:
        self.machine = FakeMachine()
        addresses = ["1:0", "1:1", "1:2", "1:300", "2:7"]
        self.tags = fake_tags(*addresses)
        self.expected = {path_of(address): 10.0 * n for n, address in enumerate(addresses)}
        for n, address in enumerate(addresses):
            unit, register = map(int, address.split(":"))
            self.machine.registers(unit)[register] = 10 * n
        self.wrong_tag = fake_tags("nonsense")[0]
        self.refusable = self.tags[1]
        self._limits = Limits(in_flight=in_flight)
        self._ordered = 0

    def driver(self) -> FakeDriver:
        config = FakeConfig(protocol="fake", interval_ms=20, timeout_ms=50)
        return FakeDriver(config, self.machine, self._limits)

    async def disconnect(self) -> None:
        self.machine.drop()

    async def connect(self) -> None:
        self.machine.alive = True

    async def hang(self, on: bool) -> None:
        self.machine.hanging = {1, 2} if on else set()

    async def refuse(self) -> None:
        self.machine.refused = {(1, 1)}

    def delay(self, seconds: float) -> None:
        self.machine.latency_s = seconds

    def spoil(self, fault: Fault) -> None:
        self._ordered = self.machine.confused = 1

    def spoilt(self) -> int:
        return self._ordered - self.machine.confused

    def passed(self) -> int:
        return len(self.machine.asked)


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize("check", checks_for("fake"), ids=name_of)
async def test_the_fake_conforms(check: Check, in_flight: int) -> None:
    await check.run(FakeWorld(in_flight))
