"""Batch reads from node-opcua."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lianji.base.clock import now_us
from lianji.base.errors import LinkDown
from lianji.connect.drivers.opcua.address import parse_address
from lianji.connect.drivers.opcua.driver import OpcUaDriver
from lianji.connect.drivers.opcua.session import Session
from lianji.connect.refused import divided
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from tests.connect.opcua.watching import driver_of, points_of, read_all
from tests.peers.opcua import PLANT_NAMESPACE, OpcUaServer, opcua_server


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("Bool", 1.0),
        ("Int16", -7.0),
        ("UInt32", 4_000_000_000.0),
        ("Int64", 5_000_000_000.0),
        ("Float", 1.5),
        ("Double", 20.25),
        ("String", "wrench 扳手"),
        ("Localized", "running"),
        ("Date", "2024-05-06T07:08:09.010000Z"),
        ("Doubles[1]", 2.5),
        ("Ints[2]", 30.0),
        ("Literal[1]", 11.5),
    ],
)
async def test_every_type_is_read_as_it_is(
    driver: OpcUaDriver, node: str, expected: float | str
) -> None:
    (sample,) = await read_all(driver, [f"ns=1;s={node}"])
    assert (sample.value, sample.quality) == (expected, Quality.GOOD)


async def test_a_wrong_node_or_element_is_bad_and_harms_no_other(driver: OpcUaDriver) -> None:
    nodes = ["Double", "Nope", "Nope[1]", "Ints[9]", "Doubles", "Float"]
    samples = await read_all(driver, [f"ns=1;s={node}" for node in nodes])
    bad_index_range_no_data = 0x8037
    assert [sample.quality for sample in samples] == [
        Quality.GOOD,
        Quality.BAD_NODE_ID_UNKNOWN,
        Quality.BAD_NODE_ID_UNKNOWN,
        bad_index_range_no_data,
        Quality.BAD_DECODING_ERROR,
        Quality.GOOD,
    ]


async def test_source_time_and_status_are_the_servers_own(
    driver: OpcUaDriver, server: OpcUaServer
) -> None:
    server.tell("add ns=1;s=Probe 0")
    server.tell("set ns=1;s=Probe 5 BadSensorFailure 2024-02-03T04:05:06.789Z")
    (sample,) = await read_all(driver, ["ns=1;s=Probe"])
    server.tell("delete ns=1;s=Probe")
    assert sample.quality == Quality.BAD_SENSOR_FAILURE
    assert sample.time_us == 1_706_933_106_789_000


async def test_scale_and_offset_are_applied(driver: OpcUaDriver) -> None:
    tag = Tag(path="a", address="ns=1;s=Double", scale=2, offset=-0.5, interval_ms=1000)
    (block,) = driver.plan([driver.parse(tag)], [0])
    columns = driver.decode(block, await driver.read(block), now_us())
    assert columns.values.tolist() == [40.0]


@pytest.fixture(scope="module")
def odd_server() -> Iterator[OpcUaServer]:
    """Its namespaces have other numbers, and it takes 30 nodes a call."""
    newcomer = "http://example.org/newcomer"
    with opcua_server(100, namespace_first=newcomer, max_nodes_per_read=30) as running:
        yield running


async def test_a_namespace_is_found_by_its_uri_wherever_the_server_puts_it(
    odd_server: OpcUaServer,
) -> None:
    driver = driver_of(odd_server)
    await driver.open()
    nodes = [f"nsu={PLANT_NAMESPACE};s=Elsewhere", "nsu=http://example.org/nowhere;s=Elsewhere"]
    samples = await read_all(driver, nodes)
    await driver.close()
    assert [sample.value for sample in samples] == [42.5, None]
    assert samples[1].quality == Quality.BAD_NODE_ID_UNKNOWN


async def test_a_server_that_takes_few_nodes_a_call_is_asked_for_few(
    odd_server: OpcUaServer,
) -> None:
    driver = driver_of(odd_server)
    await driver.open()
    samples = await read_all(driver, [f"ns=1;s=V{i}" for i in range(100)])
    await driver.close()
    assert [sample.value for sample in samples] == list(range(100))


async def test_a_server_that_does_not_say_how_few_it_takes_is_asked_for_fewer(
    odd_server: OpcUaServer,
) -> None:
    session = await Session.open(driver_of(odd_server).config)
    session.nodes_per_read = 100
    addresses = [parse_address(f"ns=1;s=V{i}") for i in range(100)]
    places = await session.places(addresses)
    answers = await session.read([place.to_read() for place in places])
    await session.close()
    assert [answer.Value.Value for answer in answers] == list(range(100))
    assert session.nodes_per_read == 25


def test_a_block_holds_as_many_points_as_one_call_may_ask_and_can_be_divided(
    server: OpcUaServer,
) -> None:
    driver = driver_of(server, max_nodes_per_read=2)
    points = points_of(driver, ["ns=1;s=a", "ns=1;s=b", "ns=1;s=c"], interval_ms=5000)
    whole, rest = driver.plan(points, [3, 5, 8])
    assert (whole.numbers.tolist(), rest.numbers.tolist()) == ([3, 5], [8])
    halves = divided(whole)
    assert halves is not None
    assert [half.numbers.tolist() for half in halves] == [[3], [5]]
    assert divided(rest) is None


def test_a_tag_without_an_interval_is_subscribed_and_one_with_it_is_not(
    server: OpcUaServer,
) -> None:
    driver = driver_of(server)
    assert driver.subscribed(*points_of(driver, ["ns=1;s=a"]))
    assert not driver.subscribed(*points_of(driver, ["ns=1;s=a"], interval_ms=1000))


async def test_reading_goes_on_with_the_same_blocks_after_a_restart() -> None:
    with opcua_server() as mortal:
        driver = driver_of(mortal)
        await driver.open()
        points = points_of(driver, ["ns=1;s=Double"], interval_ms=1000)
        (block,) = driver.plan(points, [0])
        await driver.read(block)
        mortal.kill()
        with pytest.raises(LinkDown):
            await driver.read(block)
        await driver.close()
        with pytest.raises(LinkDown):
            await driver.open()
        mortal.start(namespace_first="http://example.org/newcomer")
        await driver.open()
        columns = driver.decode(block, await driver.read(block), now_us())
        await driver.close()
    assert columns.values.tolist() == [20.25]
