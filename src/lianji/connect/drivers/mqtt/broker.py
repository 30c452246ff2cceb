"""The connection to a broker: aiomqtt, with what a plant needs around it.

Messages are stamped as they arrive and gathered in a bounded inbox, so that a burst becomes one
batch. A broker that is slow, silent or gone shows as one of our errors, within the time-out.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aiomqtt
import paho.mqtt.client as mqtt

from lianji.base.clock import now_us
from lianji.base.errors import DeviceError
from lianji.connect.drivers.mqtt.config import MqttConfig
from lianji.connect.drivers.mqtt.faults import connect_fault, lost, wrong_tls

INBOX_MESSAGES_MAX = 100_000
BATCH_MESSAGES_MAX = 2_000
GATHER_S = 0.02
TOPICS_A_REQUEST = 100
PACKET_KEEPALIVES_MAX = 3
"""So many keepalives a single packet may take to arrive."""
_STEP_BACK_US_MAX = 1_000_000
_REFUSED_FROM = 0x80
"""Return codes of SUBACK from here on mean no (MQTT 3.1.1, section 3.9.3)."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message and when it came (microseconds UTC)."""

    topic: str
    payload: bytes
    retained: bool
    time_us: int
    mid: int
    qos: int


class Inbox(asyncio.Queue[aiomqtt.Message]):
    """What aiomqtt queues into: stamps each message, and counts what it has no room for."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.dropped = 0
        self._stamps: deque[int] = deque()
        self._newest_us = 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if self.full():
            self.dropped += 1
            return
        self._stamps.append(self._stamp())
        super().put_nowait(item)

    def _stamp(self) -> int:
        """Now; never twice the same, since two samples of one tag and time would be one."""
        time_us = now_us()
        if 0 <= self._newest_us - time_us < _STEP_BACK_US_MAX:
            time_us = self._newest_us + 1
        self._newest_us = time_us
        return time_us

    def arrived(self, message: aiomqtt.Message) -> Arrived:
        """The message just taken from the queue, with its stamp."""
        payload = message.payload
        stamp = self._stamps.popleft()
        raw = payload if isinstance(payload, bytes) else bytes(str(payload), "utf-8")
        return Arrived(message.topic.value, raw, message.retain, stamp, message.mid, message.qos)

    def waiting(self, limit: int) -> list[Arrived]:
        return [self.arrived(self.get_nowait()) for _ in range(min(limit, self.qsize()))]


class _Client(aiomqtt.Client):
    """aiomqtt's client, with an end that is final whatever state it is in."""

    def bound_connect(self, timeout_s: float) -> None:
        """Bound the TCP connect too: paho's own default is 5 s."""
        self._client.connect_timeout = timeout_s

    def acknowledge_later(self) -> None:
        """From here on nothing is acknowledged (QoS 1) but by ``acknowledge``."""
        self._client.manual_ack_set(True)

    def acknowledge(self, messages: Iterable[Arrived]) -> None:
        for message in messages:
            if message.qos:
                self._client.ack(message.mid, message.qos)

    def give_up(self, why: str) -> None:
        """Let whoever waits for messages find the link lost."""
        if not self._disconnected.done():
            self._disconnected.set_exception(aiomqtt.MqttError(why))

    async def _misc_loop(self) -> None:
        """aiomqtt's own, and an end to packets that have none.

        A stream out of step may announce 256 MB and eat all that follows; since paho takes any
        byte for a sign of life, it would never notice.
        """
        patience_s = PACKET_KEEPALIVES_MAX * self._client.keepalive
        packet, since_s = self._client._in_packet, time.monotonic()
        while self._client.loop_misc() == mqtt.MQTT_ERR_SUCCESS:
            now_s = time.monotonic()
            if self._client._in_packet is not packet or not packet["command"]:
                packet, since_s = self._client._in_packet, now_s
            elif now_s - since_s > patience_s:
                self.give_up(f"a packet has not ended within {patience_s:.0f} s")
                return
            await asyncio.sleep(1)

    async def drop(self) -> None:
        if self._lock.locked():
            with contextlib.suppress(aiomqtt.MqttError):
                await self.__aexit__(None, None, None)
        else:  # aiomqtt leaves the socket open when the broker never answered
            self._client.disconnect()
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # seen: asyncio need not complain about it


class Link:
    """An open connection. Made by ``connect``."""

    def __init__(self, client: _Client, inbox: Inbox, where: str, waits: bool) -> None:
        self._client = client
        self.waits_for_yes = waits
        """Whether the broker keeps each message until ``settle``."""
        self._inbox = inbox
        self.where = where

    @property
    def dropped(self) -> int:
        return self._inbox.dropped

    async def subscribe(self, topics: Sequence[str], qos: int) -> list[str]:
        """Subscribe; returns the topics that the broker refused. Raises LinkDown."""
        refused: list[str] = []
        for start in range(0, len(topics), TOPICS_A_REQUEST):
            part = topics[start : start + TOPICS_A_REQUEST]
            try:
                answers = await self._client.subscribe([(topic, qos) for topic in part])
            except aiomqtt.MqttError as error:
                raise lost(self.where, error) from error
            codes = [answer if isinstance(answer, int) else answer.value for answer in answers]
            refused += [
                topic for topic, code in zip(part, codes, strict=False) if code >= _REFUSED_FROM
            ]
        return refused

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish once, not retained. Raises LinkDown."""
        try:
            await self._client.publish(topic, payload, qos=0)
        except aiomqtt.MqttError as error:
            raise lost(self.where, error) from error

    async def gather(self) -> list[Arrived]:
        """Wait for a message, then take all that come within GATHER_S. Raises LinkDown."""
        try:
            first = self._inbox.arrived(await anext(self._client.messages))
        except aiomqtt.MqttError as error:
            raise lost(self.where, error.__cause__) from error
        if self._inbox.qsize() < BATCH_MESSAGES_MAX:
            await asyncio.sleep(GATHER_S)
        return [first, *self._inbox.waiting(BATCH_MESSAGES_MAX)]

    def settle(self, messages: Sequence[Arrived], stored: bool) -> None:
        """Say yes to messages that are on disk; give up the link for those that are not, since
        a broker offers what was not acknowledged only to who comes anew (MQTT 3.1.1, 4.4)."""
        if stored:
            self._client.acknowledge(messages)
        else:
            self._client.give_up("what it sent could not be stored, so it was not acknowledged")

    async def close(self) -> None:
        """Say goodbye. Never raises."""
        await self._client.drop()


async def connect(config: MqttConfig, client_id: str = "") -> Link:
    """Connect and log in. Raises LinkDown, DeviceTimeout or Refused, and leaves nothing open."""
    where = f"{config.host}:{config.port}"
    timeout_s = config.timeout_ms / 1000
    inboxes: list[Inbox] = []

    class _Inbox(Inbox):  # aiomqtt makes its queue itself; this is how we come to know it
        def __init__(self, maxsize: int = 0) -> None:
            super().__init__(maxsize)
            inboxes.append(self)

    client = _Client(
        config.host,
        config.port,
        username=config.username or None,
        password=config.secret(),
        identifier=client_id or config.client_id or f"lianji-{secrets.token_hex(6)}",
        clean_session=config.clean_start,
        keepalive=config.keepalive_s,
        timeout=timeout_s,
        queue_type=_Inbox,
        max_queued_incoming_messages=INBOX_MESSAGES_MAX,
        tls_context=_tls_context(config, where) if config.tls else None,
    )
    client.bound_connect(timeout_s)
    waits = config.acknowledges_what_is_stored
    if waits:
        client.acknowledge_later()
    # paho connects in a thread, which a cancelled task would leave behind with an open socket
    entering = asyncio.create_task(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        entering.add_done_callback(lambda done: _let_go(done, client))
        raise
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        await client.drop()
        raise connect_fault(where, error, timeout_s) from error
    return Link(client, inboxes[0], where, waits)


_leaving: set[asyncio.Task[None]] = set()


def _let_go(entered: asyncio.Task[_Client], client: _Client) -> None:
    if not entered.cancelled():
        entered.exception()
    task = entered.get_loop().create_task(client.drop())
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)


def _tls_context(config: MqttConfig, where: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.ca or None)
        if config.certificate:
            context.load_cert_chain(config.certificate, config.key)
    except OSError as error:  # a file that is missing or not PEM
        files = ", ".join(name for name in (config.ca, config.certificate, config.key) if name)
        fault: DeviceError = wrong_tls(where, f"{error} ({files})")
        raise fault from error
    return context
