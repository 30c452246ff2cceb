"""Find machines by asking a few addresses whether a port of theirs is open.

Nothing is sent but a TCP connection that is closed at once. Some plants forbid even that, so it
is done only when a person says so, within a hard bound, and only in private networks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from lianji.base.errors import InputError, Text

PORTS = {502: "modbus", 4840: "opcua", 1883: "mqtt"}
"""The usual port of each protocol (IANA)."""
ADDRESSES_MAX = 256
AT_ONCE = 32
ANSWER_S = 0.6
_PART = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.)(\d{1,3})\s*-\s*(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Open:
    """A port that somebody listens on, and what usually speaks there."""

    host: str
    port: int
    protocol: str


def addresses(text: str) -> list[str]:
    """``192.168.1.10``, ``192.168.1.10-60`` or ``192.168.1.0/24`` as addresses.

    Raises InputError for anything else, for more than 256, and for addresses that are not of a
    private network.
    """
    found = list(dict.fromkeys(_addresses(text.strip())))
    if len(found) > ADDRESSES_MAX:
        raise _wrong(
            f"'{text}' is more than {ADDRESSES_MAX} addresses",
            f"“{text}”超过 {ADDRESSES_MAX} 个地址",
        )
    public = [one for one in found if not ipaddress.ip_address(one).is_private]
    if public:
        raise _wrong(f"{public[0]} is not in a private network", f"{public[0]} 不属于专用网络")
    return found


def _addresses(text: str) -> Iterator[str]:
    part = _PART.fullmatch(text)
    try:
        if part:
            first, last = int(part[2]), int(part[3])
            if first > last:
                raise ValueError
            for number in range(first, last + 1):
                yield str(ipaddress.IPv4Address(f"{part[1]}{number}"))
            return
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise _wrong(f"'{text}' is no range of addresses", f"“{text}”不是地址范围") from error
    if network.num_addresses > ADDRESSES_MAX:
        raise _wrong(
            f"'{text}' is more than {ADDRESSES_MAX} addresses",
            f"“{text}”超过 {ADDRESSES_MAX} 个地址",
        )
    hosts = list(network.hosts()) or [network.network_address]
    yield from (str(host) for host in hosts)


async def find_open(hosts: list[str], ports: list[int]) -> list[Open]:
    """Which of these listen, in their order; takes at most about ``ANSWER_S`` a batch."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def listens(host: str, port: int) -> bool:
        async with gate:
            try:
                async with asyncio.timeout(ANSWER_S):
                    _, writer = await asyncio.open_connection(host, port)
            except (OSError, TimeoutError):
                return False
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return True

    asked = [(host, port) for host in hosts for port in ports]
    answers = await asyncio.gather(*(listens(host, port) for host, port in asked))
    return [
        Open(host, port, PORTS.get(port, "modbus"))
        for (host, port), yes in zip(asked, answers, strict=True)
        if yes
    ]


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "scan-range-invalid",
        Text(f"{en[0].upper()}{en[1:]}.", f"{zh}。"),
        Text(
            f"Write 192.168.1.10, 192.168.1.10-60 or 192.168.1.0/24: at most {ADDRESSES_MAX} "
            "addresses of your own network.",
            f"请填写 192.168.1.10、192.168.1.10-60 或 192.168.1.0/24："
            f"最多 {ADDRESSES_MAX} 个本地网络地址。",
        ),
    )
