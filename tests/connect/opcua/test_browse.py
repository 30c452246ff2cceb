"""What a server offers becomes rows of a tag table."""

from __future__ import annotations

import pytest

from lianji.base.errors import InputError
from lianji.connect.driver import Found
from lianji.connect.drivers.opcua.driver import OpcUaDriver
from tests.connect.opcua.watching import read_all
from tests.peers.opcua import PLANT_NAMESPACE


@pytest.fixture
async def offers(driver: OpcUaDriver) -> dict[str, Found]:
    return {found.name: found async for found in driver.browse()}


async def test_a_variable_shows_type_value_and_description(offers: dict[str, Found]) -> None:
    assert offers["Plant/Double"] == Found(
        address="ns=1;s=Double",
        name="Plant/Double",
        type="Double",
        description="A plain number",
        value="20.25",
    )


async def test_an_engineering_unit_is_shown(offers: dict[str, Found]) -> None:
    assert offers["Plant/Pressure"].unit == "bar"


async def test_properties_and_the_servers_own_figures_are_no_signals(
    offers: dict[str, Found],
) -> None:
    assert not [name for name in offers if "EURange" in name or name.startswith("Server")]


async def test_every_node_is_shown_once_in_spite_of_a_cycle(
    driver: OpcUaDriver, offers: dict[str, Found]
) -> None:
    found = [found.address async for found in driver.browse()]
    assert len(found) == len(set(found)) == len(offers)
    assert len([name for name in offers if name.startswith("Plant/Numbered/V")]) == 300


async def test_what_is_shown_can_be_read(driver: OpcUaDriver, offers: dict[str, Found]) -> None:
    names = ["Plant/Doubles[1]", "Plant/Elsewhere", "Plant/Literal[1]"]
    samples = await read_all(driver, [offers[name].address for name in names])
    assert [sample.value for sample in samples] == [2.5, 42.5, 11.5]
    assert offers["Plant/Elsewhere"].address == f"nsu={PLANT_NAMESPACE};s=Elsewhere"


async def test_browsing_may_start_at_a_node(driver: OpcUaDriver) -> None:
    found = [found async for found in driver.browse("ns=1;s=Double")]
    assert [item.address for item in found] == ["ns=1;s=Double"]


@pytest.mark.parametrize("start", ["nonsense", "ns=1;s=Nope"])
async def test_a_start_that_is_not_there_is_refused(driver: OpcUaDriver, start: str) -> None:
    with pytest.raises(InputError) as caught:
        [found async for found in driver.browse(start)]
    assert caught.value.code == "opcua-no-such-node"
