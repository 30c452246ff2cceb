"""The TCP client against real servers, and against one that does everything wrong."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator

import pytest

from lianji.base.errors import Desync, DeviceTimeout, LinkDown, Refused
from lianji.connect.drivers.modbus.client import TcpClient
from tests.connect.framework import until
from tests.connect.modbus.misbehaving import Request, client_of
from tests.peers import free_port
from tests.peers.modbus import libmodbus_server, modbus_serial_server


@pytest.fixture(scope="module")
def libmodbus() -> Iterator[int]:
    with libmodbus_server(None, "forbid", 500, 509) as port:
        yield port


@pytest.fixture(scope="module")
def modbus_serial() -> Iterator[int]:
    with modbus_serial_server() as port:
        yield port


async def test_the_four_areas_of_libmodbus_are_read(libmodbus: int) -> None:
    client = await TcpClient.connect("127.0.0.1", libmodbus, 5.0)
    coils, discrete, holding, inputs = await asyncio.gather(
        client.read(1, 1, 0, 10),
        client.read(1, 2, 0, 10),
        client.read(1, 3, 65_411, 125),
        client.read(7, 4, 0, 3),
    )
    assert coils == bytes([0b01001001, 0b10])
    assert discrete == bytes([0b10101010, 0b10])
    assert struct.unpack(">125H", holding) == tuple(range(65_411, 65_536))
    assert struct.unpack(">3H", inputs) == (65_535, 65_534, 65_533)
    client.close()


async def test_many_requests_in_flight_each_get_their_own_answer(libmodbus: int) -> None:
    client = await TcpClient.connect("127.0.0.1", libmodbus, 5.0)

    async def ask(start: int) -> None:
        for _ in range(50):
            (first,) = struct.unpack_from(">H", await client.read(1, 3, start, 100))
            assert first == start

    await asyncio.gather(*(ask(600 + 100 * n) for n in range(16)))
    client.close()


async def test_a_forbidden_register_is_refused_and_the_next_request_answered(
    libmodbus: int,
) -> None:
    client = await TcpClient.connect("127.0.0.1", libmodbus, 5.0)
    with pytest.raises(Refused, match="it has no such address") as caught:
        await client.read(1, 3, 495, 10)
    assert caught.value.code == "modbus-illegal-address"
    assert "地址" in caught.value.cause.zh and "495-504" in caught.value.cause.en
    assert await client.read(1, 3, 499, 1) == b"\x01\xf3"
    client.close()


async def test_modbus_serial_is_read_and_its_exceptions_are_told(modbus_serial: int) -> None:
    client = await TcpClient.connect("127.0.0.1", modbus_serial, 5.0)
    assert struct.unpack(">f", await client.read(1, 3, 100, 2)) == (21.5,)
    assert await client.read(1, 4, 5, 1) == struct.pack(">H", 1005)
    assert await client.read(1, 1, 0, 4) == bytes([0b1001])
    for register, code in ((999, "modbus-illegal-address"), (998, "modbus-device-failure")):
        with pytest.raises(Refused) as caught:
            await client.read(1, 3, register, 1)
        assert caught.value.code == code
    with pytest.raises(Refused) as busy:
        await client.read(9, 3, 0, 1)
    assert busy.value.code == "modbus-busy" and busy.value.transient
    client.close()


@pytest.mark.parametrize("exception", [1, 2, 3, 4, 8, 77])
async def test_an_exception_about_the_question_is_refused(exception: int) -> None:
    async def refuse(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.exception(exception))

    async with client_of(refuse) as client:
        with pytest.raises(Refused, match=f"exception {exception}") as caught:
            await client.read(1, 3, 0, 2)
        assert client.is_open and not caught.value.transient


@pytest.mark.parametrize("exception", [5, 6, 10])
async def test_an_exception_about_the_moment_blames_no_address(exception: int) -> None:
    async def refuse(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.exception(exception))

    async with client_of(refuse) as client:
        with pytest.raises(Refused, match=f"exception {exception}") as caught:
            await client.read(1, 3, 0, 2)
        assert client.is_open and caught.value.transient


async def test_a_silent_unit_behind_a_gateway_is_a_time_out() -> None:
    async def refuse(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.exception(11))

    async with client_of(refuse) as client:
        with pytest.raises(DeviceTimeout, match="behind the gateway does not answer"):
            await client.read(1, 3, 0, 2)
        assert client.is_open


WRONG: dict[str, Callable[[Request], bytes]] = {
    "another transaction's id": lambda r: r.answer(transaction=r.transaction + 7),
    "another unit": lambda r: r.answer(unit=r.unit + 1),
    "another function": lambda r: r.answer(function=4),
    "another protocol": lambda r: r.answer(protocol=1),
    "too few bytes": lambda r: r.answer(size=2),
    "too many bytes": lambda r: r.answer(size=8),
    "a byte count that is not its own": lambda r: r.answer(byte_count=6),
    "a length of nothing": lambda r: r.answer(length=0),
    "a length beyond the limit": lambda r: r.answer(length=300),
    "an exception of another function": lambda r: r.answer(function=0x84),
    "text": lambda r: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "garbage": lambda r: bytes(range(200, 250)),
    "six bytes of garbage": lambda r: bytes(range(200, 206)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_an_answer_that_does_not_fit_drops_the_connection(
    wrong: Callable[[Request], bytes],
) -> None:
    async def misanswer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(wrong(request))

    async with client_of(misanswer) as client:
        answers = await asyncio.gather(
            client.read(1, 3, 0, 2), client.read(1, 3, 2, 2), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Desync, Desync]
        assert not client.is_open
        with pytest.raises(Desync):
            await client.read(1, 3, 0, 2)


async def test_a_link_lost_while_nobody_waits_tells_the_next_who_asks_why() -> None:
    async def answer_and_go_on(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.answer() + b"what nobody asked for")

    async with client_of(answer_and_go_on) as client:
        await client.read(1, 3, 0, 2)
        await until(lambda: not client.is_open)
        with pytest.raises(Desync, match="not a Modbus frame"):
            await client.read(1, 3, 0, 2)


async def test_a_hanging_device_times_out_and_a_late_answer_is_thrown_away() -> None:
    held: list[Request] = []

    async def late_then_right(request: Request, writer: asyncio.StreamWriter) -> None:
        held.append(request)
        if len(held) > 1:
            writer.write(held[0].answer() + request.answer())

    async with client_of(late_then_right, timeout_s=0.05) as client:
        with pytest.raises(DeviceTimeout, match=r"did not answer within 0.05 s"):
            await client.read(1, 3, 10, 2)
        assert await client.read(1, 3, 20, 2) == b"\x00\x14\x00\x00"
        assert client.is_open


async def test_each_request_has_a_time_out_of_its_own() -> None:
    async def answer_even(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.start % 2 == 0:
            writer.write(request.answer())

    async with client_of(answer_even, timeout_s=0.1) as client:
        outcomes = await asyncio.gather(
            *(client.read(1, 3, start, 1) for start in range(6)), return_exceptions=True
        )
    kinds = [bytes, DeviceTimeout] * 3
    assert [type(outcome) for outcome in outcomes] == kinds


async def test_half_a_frame_times_out_and_its_second_half_is_thrown_away() -> None:
    first: list[bytes] = []

    async def halves(request: Request, writer: asyncio.StreamWriter) -> None:
        answer = request.answer()
        if not first:
            first.append(answer)
            writer.write(answer[:9])
        else:
            writer.write(first[0][9:] + answer)

    async with client_of(halves, timeout_s=0.05) as client:
        with pytest.raises(DeviceTimeout):
            await client.read(1, 3, 1, 3)
        assert await client.read(1, 3, 2, 3) == b"\x00\x02" + bytes(4)


async def test_an_answer_in_single_bytes_is_put_together() -> None:
    async def dribble(request: Request, writer: asyncio.StreamWriter) -> None:
        for octet in request.answer():
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0)

    async with client_of(dribble) as client:
        assert await client.read(1, 3, 258, 2) == b"\x01\x02\x00\x00"
        assert await client.read(1, 3, 259, 1) == b"\x01\x03"


async def test_a_close_in_the_middle_of_a_frame_fails_all_that_wait() -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.answer()[:7])
        await writer.drain()
        writer.close()

    async with client_of(hang_up) as client:
        answers = await asyncio.gather(
            *(client.read(1, 3, n, 1) for n in range(4)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {LinkDown}
        assert any("middle of an answer" in str(answer) for answer in answers)


async def test_answers_out_of_order_find_their_questions() -> None:
    held: list[Request] = []

    async def reverse(request: Request, writer: asyncio.StreamWriter) -> None:
        held.append(request)
        if len(held) == 4:
            writer.write(b"".join(one.answer() for one in reversed(held)))

    async with client_of(reverse) as client:
        answers = await asyncio.gather(*(client.read(1, 3, n, 1) for n in range(4)))
    assert answers == [bytes([0, n]) for n in range(4)]


async def test_a_question_given_up_does_not_disturb_the_next() -> None:
    held: list[Request] = []

    async def both_at_once(request: Request, writer: asyncio.StreamWriter) -> None:
        held.append(request)
        if len(held) == 2:
            writer.write(held[0].answer() + request.answer())

    async with client_of(both_at_once) as client:
        client.read(1, 3, 0, 1).cancel()
        assert await client.read(1, 3, 1, 1) == b"\x00\x01"


async def test_closing_fails_all_that_wait() -> None:
    async def say_nothing(request: Request, writer: asyncio.StreamWriter) -> None:
        pass

    async with client_of(say_nothing) as client:
        waiting = client.read(1, 3, 0, 1)
        client.close()
        client.close()
        with pytest.raises(LinkDown):
            await waiting


async def test_transaction_ids_come_round_without_mixing_answers(libmodbus: int) -> None:
    client = await TcpClient.connect("127.0.0.1", libmodbus, 5.0)
    client._transaction = 65_530
    for start in range(12):
        assert await client.read(1, 3, start, 1) == struct.pack(">H", start)
    client.close()


async def test_a_port_where_nobody_listens_is_named() -> None:
    with pytest.raises(LinkDown, match="nothing listens on this port") as caught:
        await TcpClient.connect("127.0.0.1", free_port(), 1.0)
    assert caught.value.code == "modbus-connect-refused"


async def test_an_unknown_host_is_named() -> None:
    with pytest.raises(LinkDown, match="the name is unknown"):
        await TcpClient.connect("no..such..host", 502, 5.0)


def test_it_runs_on_uvloop(libmodbus: int) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def read() -> list[bytes]:
        client = await TcpClient.connect("127.0.0.1", libmodbus, 5.0)
        answers = await asyncio.gather(*(client.read(1, 3, n, 1) for n in range(8)))
        client.close()
        with pytest.raises(LinkDown):
            await TcpClient.connect("127.0.0.1", free_port(), 1.0)
        return answers

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(read()) == [struct.pack(">H", n) for n in range(8)]
