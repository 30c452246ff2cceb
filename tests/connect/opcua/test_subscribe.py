"""Subscriptions to node-opcua: every change, nodes that come and go, links that die."""

from __future__ import annotations

import pytest

from lianji.base.errors import DeviceError, LinkDown
from lianji.connect.driver import Columns
from lianji.connect.drivers.opcua.driver import OpcUaDriver
from lianji.dictionary.quality import Quality, is_bad
from tests.connect.opcua.watching import driver_of, points_of, until, watching
from tests.peers.opcua import OpcUaServer, opcua_server


async def test_every_change_arrives_in_order_even_many_between_two_publishings(
    driver: OpcUaDriver, server: OpcUaServer
) -> None:
    async with watching(driver, ["ns=1;s=V0", "ns=1;s=V1"]) as watched:
        await until(lambda: watched.values(0) and watched.values(1), "the first values")
        server.tell("burst ns=1;s=V0 60")
        await until(lambda: watched.values(0)[-1] == 60.0, "the last change")
        assert watched.values(0)[-60:] == [float(i) for i in range(1, 61)]
        server.tell("set ns=1;s=V0 0")
    assert watched.values(1) == [1.0]
    assert driver.diagnosis()["queue_overflows"] == 0
    assert driver.diagnosis()["lost_publishes"] == 0


async def test_changes_that_the_servers_queue_lost_are_counted(server: OpcUaServer) -> None:
    driver = driver_of(server, queue_size=5)
    await driver.open()
    async with watching(driver, ["ns=1;s=V2"]) as watched:
        await until(watched.of, "the first value")
        server.tell("burst ns=1;s=V2 50")
        await until(lambda: watched.values()[-1] == 50.0, "the last change")
    assert driver.diagnosis()["queue_overflows"] == 1
    await driver.close()


async def test_many_values_are_emitted_together(driver: OpcUaDriver) -> None:
    nodes = [f"ns=1;s=V{i}" for i in range(300)]
    async with watching(driver, nodes) as watched:
        await until(lambda: sum(map(len, watched.batches)) >= 300, "all first values")
    assert len(watched.batches) <= 5


async def test_status_and_source_time_of_a_change_are_kept(
    driver: OpcUaDriver, server: OpcUaServer
) -> None:
    async with watching(driver, ["ns=1;s=V3"]) as watched:
        await until(watched.of, "the first value")
        server.tell("set ns=1;s=V3 7 BadSensorFailure 2024-02-03T04:05:06.789Z")
        await until(lambda: len(watched.of()) > 1, "the change")
        server.tell("set ns=1;s=V3 3")
    sample = watched.of()[1]
    assert (sample.quality, sample.time_us) == (
        Quality.BAD_SENSOR_FAILURE,
        1_706_933_106_789_000,
    )


async def test_texts_and_elements_are_subscribed_too(driver: OpcUaDriver) -> None:
    nodes = ["ns=1;s=String", "ns=1;s=Doubles[1]", "ns=1;s=Literal[1]", "ns=1;s=Doubles"]
    async with watching(driver, nodes) as watched:
        await until(lambda: all(watched.of(i) for i in range(4)), "all first values")
    assert [watched.values(i)[0] for i in range(4)] == ["wrench 扳手", 2.5, 11.5, None]
    assert watched.of(3)[0].quality == Quality.BAD_DECODING_ERROR


async def test_a_node_that_does_not_exist_says_so_once_and_lives_when_it_appears(
    driver: OpcUaDriver, server: OpcUaServer
) -> None:
    async with watching(driver, ["ns=1;s=Late", "ns=1;s=V4"]) as watched:
        await until(lambda: watched.of(0) and watched.of(1), "a sample of both")
        assert [s.quality for s in watched.of(0)] == [Quality.BAD_NODE_ID_UNKNOWN]
        assert driver.diagnosis()["missing_nodes"] == 1
        server.tell("burst ns=1;s=V4 3")
        server.tell("add ns=1;s=Late 8")
        await until(lambda: len(watched.of(0)) > 1, "the node that appeared")
        server.tell("delete ns=1;s=Late")
    assert watched.values(0)[:2] == [None, 8.0]
    assert watched.values(1)[:4] == [4.0, 1.0, 2.0, 3.0]


async def test_a_node_that_vanishes_turns_bad_and_comes_back_when_it_is_there_again(
    driver: OpcUaDriver, server: OpcUaServer
) -> None:
    server.tell("add ns=1;s=Fleeting 1")
    async with watching(driver, ["ns=1;s=Fleeting", "ns=1;s=V5"]) as watched:
        await until(lambda: watched.of(0), "the first value")
        server.tell("delete ns=1;s=Fleeting")
        await until(lambda: is_bad(watched.of(0)[-1].quality), "a bad sample")
        server.tell("burst ns=1;s=V5 3")
        await until(lambda: watched.values(1)[-1] == 3.0, "the other node's changes")
        server.tell("add ns=1;s=Fleeting 2")
        await until(lambda: watched.values(0)[-1] == 2.0, "the node that came back")
        server.tell("set ns=1;s=Fleeting 3")
        await until(lambda: watched.values(0)[-1] == 3.0, "its next change")
        server.tell("delete ns=1;s=Fleeting")
    assert [is_bad(sample.quality) for sample in watched.of(0)][:4] == [False, True, False, False]


async def test_a_quiet_server_is_not_taken_for_a_dead_one(server: OpcUaServer) -> None:
    driver = driver_of(server, watchdog_s=0.3, retry_s=0.1, timeout_ms=500)
    await driver.open()
    async with watching(driver, ["ns=1;s=V7", "ns=1;s=Nope"]) as watched:
        await until(lambda: driver.diagnosis()["publishes"] >= 8, "seven signs of life")
        assert watched.task is not None
        assert not watched.task.done()
    assert len(watched.batches) == 2
    await driver.close()


async def test_an_error_of_the_receiver_ends_the_subscription(driver: OpcUaDriver) -> None:
    def full(columns: Columns) -> None:
        raise MemoryError("no room for these")

    points = points_of(driver, ["ns=1;s=V6"])
    with pytest.raises(MemoryError, match="no room"):
        await driver.subscribe(points, [0], full)


async def test_after_a_crash_of_the_server_a_new_open_brings_everything_back() -> None:
    with opcua_server() as mortal:
        driver = driver_of(mortal)
        await driver.open()
        async with watching(driver, ["ns=1;s=V0"]) as watched:
            await until(watched.of, "the first value")
            mortal.kill()
            assert isinstance(await watched.failure(timeout_s=3), LinkDown)
        await driver.close()
        mortal.start()
        await driver.open()
        async with watching(driver, ["ns=1;s=V0"]) as watched:
            await until(watched.of, "the first value after the restart")
            mortal.tell("set ns=1;s=V0 5")
            await until(lambda: watched.values()[-1] == 5.0, "a change after the restart")
        await driver.close()


async def test_the_watchdog_notices_a_server_that_hangs() -> None:
    with opcua_server() as hanging:
        driver = driver_of(hanging, watchdog_s=0.5, timeout_ms=1500)
        await driver.open()
        async with watching(driver, ["ns=1;s=V0"]) as watched:
            await until(watched.of, "the first value")
            hanging.freeze()
            assert isinstance(await watched.failure(timeout_s=5), LinkDown)
        await driver.close()
        with pytest.raises(DeviceError):
            await driver.open()
        hanging.thaw()
        await driver.open()
        async with watching(driver, ["ns=1;s=V0"]) as watched:
            await until(watched.of, "a value after the thaw")
        await driver.close()
