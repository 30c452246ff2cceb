"""Durable in over HTTP, as Telegraf and programs with Arrow tables send it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pyarrow as pa
import pytest

from lianji.base.errors import Busy, StorageError, Text
from lianji.web import body
from lianji.web.body import InFlight, inflate
from lianji.web.faults import TooLarge
from tests.web.plant import MemoryPlant

T0 = 1_767_225_600_000_000
LINES = f"hall1/meter1,phase=a power=41.5 {T0 * 1000}\nhall1/meter1,phase=b power=39i {T0 * 1000}\n"


@pytest.mark.parametrize("address", ["/write", "/api/v2/write", "/write?db=x&precision=ns"])
async def test_line_protocol_is_stored_and_answered_with_204(
    client: httpx.AsyncClient, plant: MemoryPlant, address: str
) -> None:
    answer = await client.post(address, content=LINES)
    assert (answer.status_code, answer.content) == (204, b"")
    table = plant.history.read(["hall1/meter1/a/power", "hall1/meter1/b/power"], T0, T0 + 1)
    assert table["value"].to_pylist() == [41.5, 39.0]


@pytest.mark.parametrize(
    ("precision", "time"),
    [("n", T0 * 1000), ("u", T0), ("us", T0), ("ms", T0 // 1000), ("s", T0 // 1_000_000)],
)
async def test_each_precision_means_its_unit(
    client: httpx.AsyncClient, plant: MemoryPlant, precision: str, time: int
) -> None:
    answer = await client.post(f"/write?precision={precision}", content=f"m v=1 {time}")
    assert answer.status_code == 204
    assert len(plant.history.read(["m/v"], T0, T0 + 1)) == 1


async def test_a_gzip_body_is_inflated(client: httpx.AsyncClient, plant: MemoryPlant) -> None:
    answer = await client.post(
        "/api/v2/write",
        content=gzip.compress(LINES.encode(), mtime=0),
        headers={"Content-Encoding": "gzip"},
    )
    assert (answer.status_code, plant.appended) == (204, 2)


async def test_a_large_body_is_stored_as_a_whole(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    lines = "\n".join(f"m,t={i % 50} v={i} {T0 * 1000 + i}" for i in range(40_000))
    answer = await client.post("/write", content=lines)
    assert (answer.status_code, plant.appended) == (204, 40_000)


async def test_good_lines_are_kept_and_bad_ones_named(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    answer = await client.post(
        "/write", content=f"m v=1 {T0 * 1000}\nnonsense\nm v=2 {T0 * 1000 + 1000}"
    )
    assert (answer.status_code, plant.appended) == (400, 2)
    fault = answer.json()
    assert (fault["code"], fault["stored"], fault["rejected"]) == ("lines-rejected", 2, 1)
    assert [(line["line"], line["text"]) for line in fault["lines"]] == [(2, "nonsense")]
    assert fault["lines"][0]["reason"]["zh"]
    assert "Line 2" in fault["message"]


async def test_under_pressure_nothing_is_taken_and_the_client_is_told_when_to_retry(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    plant.failure = Busy(
        "spool-busy", Text("The disk is behind.", "磁盘跟不上。"), Text("Wait.", "请稍候。")
    )
    answer = await client.post("/write", content=LINES)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_full_disk_is_told_as_such(client: httpx.AsyncClient, plant: MemoryPlant) -> None:
    plant.failure = StorageError(
        "disk-full", Text("No space.", "空间不足。"), Text("Free some.", "请清理。")
    )
    answer = await client.post("/write", content=LINES)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk-full")


async def test_arrow_is_stored(client: httpx.AsyncClient, plant: MemoryPlant) -> None:
    table = pa.table(
        {
            "tag": ["a/b", "a/c", "a/b"],
            "time": pa.array([T0, T0, T0 + 1], pa.timestamp("us", tz="UTC")),
            "value": [1.0, 2.0, None],
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    answer = await client.post("/api/push/arrow", content=sink.getvalue().to_pybytes())
    assert answer.status_code == 204, answer.text
    assert plant.history.read(["a/b"], T0, T0 + 2)["value"].to_pylist() == [1.0, None]


@pytest.mark.parametrize(
    ("address", "content", "headers", "status"),
    [
        ("/write", b"\x1f\x8bnot gzip", {"Content-Encoding": "gzip"}, 400),
        ("/write", gzip.compress(b"m v=1", mtime=0)[:-4], {"Content-Encoding": "gzip"}, 400),
        ("/write", b"m v=1", {"Content-Encoding": "br"}, 400),
        ("/write?precision=fortnight", b"m v=1", {}, 400),
        ("/write", b"m v=1", {"Content-Length": str(1 << 40)}, 413),
        ("/api/push/arrow", b"not arrow at all", {}, 400),
        ("/write", b"m v=1", {"Origin": "http://evil.example"}, 403),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_cause_and_remedy(
    client: httpx.AsyncClient,
    plant: MemoryPlant,
    address: str,
    content: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    answer = await client.post(address, content=content, headers=headers)
    assert (answer.status_code, plant.appended) == (status, 0)
    fault = answer.json()
    assert fault["code"] and fault["cause"]["zh"] and fault["remedy"]["en"] and fault["message"]


async def test_an_empty_body_is_nothing_and_well(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    assert (await client.post("/write", content=b"")).status_code == 204
    assert plant.appended == 0


async def test_a_body_without_a_length_stops_at_the_limit(
    client: httpx.AsyncClient, plant: MemoryPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "WIRE_BYTES_MAX", 1 << 20)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"m v=1\n" * 10_000

    answer = await client.post("/write", content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_a_bomb_of_zeros_is_not_inflated() -> None:
    deflate = zlib.compressobj(wbits=31)
    zeros = b"\0" * (1 << 20)
    bomb = b"".join([*(deflate.compress(zeros) for _ in range(64)), deflate.flush()])
    assert len(bomb) < 1 << 20
    with pytest.raises(TooLarge):
        inflate(bomb, "gzip", 8 << 20)


def test_gzip_members_are_joined() -> None:
    two = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two")
    assert inflate(two, "gzip", 100) == b"one two"


def test_all_bodies_together_have_a_limit() -> None:
    in_flight = InFlight(bytes_max=100)
    with in_flight.one() as first, in_flight.one() as second:
        first.take(60)
        with pytest.raises(Busy):
            second.take(60)
    assert in_flight.bytes == 0


async def test_strings_are_kept_as_texts(client: httpx.AsyncClient, plant: MemoryPlant) -> None:
    await client.post("/write", content=f'm s="running, 正常",v=1 {T0 * 1000}')
    table = plant.history.read(["m/s", "m/v"], T0, T0 + 1)
    assert table["text"].to_pylist() == ["running, 正常", None]
    assert np.isfinite(table["value"].to_pylist()[1])
