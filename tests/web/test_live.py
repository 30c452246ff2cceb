"""Live values: what has changed, promptly, and no stream that holds up the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from lianji.base.clock import now_us
from lianji.dictionary.quality import Quality
from lianji.web import live
from lianji.web.live import Streams
from lianji.web.pulse import PERIOD_S
from tests.peers import wait_until
from tests.web.conftest import served
from tests.web.plant import FORCE, MELT, MemoryPlant


def events(response: httpx.Response) -> Iterator[list[dict[str, Any]]]:
    for line in response.iter_lines():
        if line.startswith('data: {"samples"'):
            yield json.loads(line.removeprefix("data: "))["samples"]


def test_a_stream_gives_the_last_values_and_then_only_changes(plant: MemoryPlant) -> None:
    plant.add(MELT, now_us(), 230.0)
    plant.add(FORCE, now_us(), 800.0)
    with (
        served(plant) as (address, _),
        httpx.stream("GET", f"{address}/api/live?tags={MELT},{FORCE}", timeout=10) as response,
    ):
        stream = events(response)
        assert [sample["value"] for sample in next(stream)] == [230.0, 800.0]
        plant.add(MELT, now_us(), None, Quality.BAD_SENSOR_FAILURE)
        (changed,) = next(stream)
        assert (changed["tag"], changed["value"]) == (MELT, None)
        assert changed["quality_name"] == "Bad (SensorFailure)"


def test_a_tag_that_has_not_spoken_comes_when_it_does(plant: MemoryPlant) -> None:
    with (
        served(plant) as (address, _),
        httpx.stream("GET", f"{address}/api/live?tags={MELT}", timeout=10) as response,
    ):
        plant.add(MELT, now_us(), 1.0)
        assert next(events(response))[0]["value"] == 1.0


def test_an_open_stream_does_not_hold_up_the_end_of_the_server(plant: MemoryPlant) -> None:
    plant.add(MELT, now_us(), 1.0)
    with served(plant) as (address, server):
        with httpx.stream("GET", f"{address}/api/live?tags={MELT}", timeout=10) as response:
            stream = events(response)
            next(stream)
            began = time.monotonic()
            server.should_exit = True
            assert list(stream) == []
        took_s = time.monotonic() - began
    assert took_s < 1.5


def test_a_stream_ends_when_its_reader_goes(plant: MemoryPlant) -> None:
    plant.add(MELT, now_us(), 1.0)
    with served(plant) as (address, server):
        streams: Streams = server.config.app.state.streams  # type: ignore[union-attr]  # our own app
        with httpx.stream("GET", f"{address}/api/live?tags={MELT}", timeout=10) as response:
            stream = events(response)
            next(stream)
            assert streams.open == 1
        wait_until(lambda: streams.open == 0, what="the stream has ended")


def test_many_streams_ask_the_plant_once_a_period_for_all_of_them(plant: MemoryPlant) -> None:
    for tag in (MELT, FORCE):
        plant.add(tag, now_us(), 1.0)
    with served(plant) as (address, server), ExitStack() as opened:
        pulse = server.config.app.state.streams.pulse  # type: ignore[union-attr]  # our own app
        streams = [
            events(opened.enter_context(httpx.stream("GET", f"{address}/api/live?tags={tag}")))
            for tag in (MELT, FORCE) * 10
        ]
        for stream in streams:
            assert len(next(stream)) == 1
        looks, began_s = pulse.looks, time.monotonic()
        wait_until(lambda: pulse.looks >= looks + 4, what="four more beats")
        assert time.monotonic() - began_s > 3 * PERIOD_S
        plant.add(MELT, now_us(), 2.0)
        for stream in streams[::2]:
            assert [sample["value"] for sample in next(stream)] == [2.0]


def test_a_stream_says_that_it_is_alive_also_when_nothing_changes(plant: MemoryPlant) -> None:
    with (
        served(plant) as (address, _),
        httpx.stream("GET", f"{address}/api/live?tags={MELT}", timeout=10) as response,
    ):
        lines = response.iter_lines()
        for _ in range(2):
            assert next(line for line in lines if line == "event: alive")
            assert json.loads(next(lines).removeprefix("data: "))["now_us"] <= now_us()


def test_a_look_that_fails_ends_the_streams_and_the_next_ones_live(plant: MemoryPlant) -> None:
    plant.add(MELT, now_us(), 1.0)
    with served(plant) as (address, _):
        url = f"{address}/api/live?tags={MELT}"
        heard = plant.heard
        with httpx.stream("GET", url, timeout=10) as response:
            stream = events(response)
            next(stream)
            plant.heard = lambda path: 1 / 0  # type: ignore[assignment,method-assign,return-value]
            with pytest.raises(httpx.RemoteProtocolError):
                list(stream)
        plant.heard = heard  # type: ignore[method-assign]
        with httpx.stream("GET", url, timeout=10) as response:
            assert next(events(response))[0]["value"] == 1.0


async def test_more_streams_than_the_limit_are_refused_for_now(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAMS_MAX", 0)
    answer = await client.get(f"/api/live?tags={MELT}")
    assert (answer.status_code, answer.json()["code"]) == (503, "streams-full")
    assert answer.headers["retry-after"] == "1"
