"""A captured conversation of a real device, replayed to our client."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path

from lianji.base.errors import Refused
from tests.connect.modbus.misbehaving import Request, client_of
from tests.peers import need_data

MODBUS_PORT = 502


def payloads(capture: Path) -> Iterator[tuple[bool, bytes]]:
    """(is a question, TCP payload) of a classic pcap file with IPv4 over Ethernet."""
    data = capture.read_bytes()
    at = 24
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at + 8)
        packet = data[at + 16 + 14 : at + 16 + size]
        at += 16 + size
        head = (packet[0] & 15) * 4
        tcp = packet[head : int.from_bytes(packet[2:4], "big")]
        payload = tcp[(tcp[12] >> 4) * 4 :]
        ports = struct.unpack_from(">HH", tcp)
        if payload and MODBUS_PORT in ports:
            yield ports[1] == MODBUS_PORT, payload


async def test_captured_answers_are_understood() -> None:
    capture = need_data("ot_pcaps", "modbus", "testing", "traces", "modbus_example.pcap")
    questions: dict[int, bytes] = {}
    answers: dict[tuple[int, ...], bytes] = {}
    for is_question, payload in payloads(capture):
        transaction, function = int.from_bytes(payload[:2], "big"), payload[7]
        if is_question:
            questions[transaction] = payload
        elif function & 0x7F <= 4 and transaction in questions:
            answers[struct.unpack(">BBHH", questions[transaction][6:12])] = payload

    async def replay(request: Request, writer: asyncio.StreamWriter) -> None:
        key = (request.unit, request.function, request.start, request.count)
        writer.write(struct.pack(">H", request.transaction) + answers[key][2:])

    read = refused = 0
    async with client_of(replay) as client:
        for key, answer in answers.items():
            try:
                assert await client.read(*key) == answer[9:]
                read += 1
            except Refused:
                assert answer[7] & 0x80
                refused += 1
    assert (read, refused) == (8, 1)
