"""One live session with a server: connect, watch over it, resolve addresses, read, let go.

The watchdog is asyncua's supervisor: it reads ServerStatus.State every ``watchdog_s`` and notices
at once when the socket closes; from then on every call raises LinkDown. Reconnecting is the
framework's affair, so asyncua's own is off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.client.ua_session import UaSession
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from lianji.base.clock import monotonic_s
from lianji.connect.drivers.opcua.address import Address
from lianji.connect.drivers.opcua.config import OpcUaConfig
from lianji.connect.drivers.opcua.faults import TooMuch, in_plain_words, link_down
from lianji.connect.drivers.opcua.security import application_uri, secure

SESSION_S_MIN = 60.0
"""A session that was cut off is a place lost on small servers: let them free it soon."""
GOODBYE_S = 0.7
"""A server that takes longer to say goodbye is left without one."""
UNKNOWN_NAMESPACE = 65_535
"""Where an address goes whose namespace the server does not have: to BadNodeIdUnknown."""
_LIMITS = "Server_ServerCapabilities_OperationLimits_"
_MAX_READ = getattr(ObjectIds, _LIMITS + "MaxNodesPerRead")
_MAX_BROWSE = getattr(ObjectIds, _LIMITS + "MaxNodesPerBrowse")
_MAX_ITEMS = getattr(ObjectIds, _LIMITS + "MaxMonitoredItemsPerCall")

_logger = logging.getLogger("asyncua")
if _logger.level == logging.NOTSET:  # what it logs we raise, in plain words
    _logger.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address lies in this session. ``settled`` is False if that may yet change."""

    node: ua.NodeId
    element: str
    settled: bool

    def to_read(self) -> ua.ReadValueId:
        asked = ua.ReadValueId(self.node, AttributeIds.Value)
        asked.IndexRange = self.element or None
        return asked


class Session:
    """Made by ``open``. All its calls raise DeviceErrors only."""

    def __init__(self, client: Client, config: OpcUaConfig) -> None:
        self.config = config
        self.namespaces: list[str] = []
        self.nodes_per_read = config.max_nodes_per_read
        self.nodes_per_browse = 100
        self.items_per_call = 1000
        self._client = client

    @classmethod
    async def open(cls, config: OpcUaConfig) -> Session:
        """Connect and log in. Raises LinkDown, DeviceTimeout, Refused or InputError."""
        session = cls(_client_of(config), config)
        try:
            with session.guarded():
                if config.security != "none":
                    await secure(session._client, config)
                await session._client.connect()
            await session._ask_limits()
        except BaseException:
            await session.close()
            raise
        return session

    async def close(self) -> None:
        """Say goodbye where somebody still listens, and free the socket in any case."""
        protocol = self._client.uaclient.protocol
        transport = None if protocol is None else protocol.transport
        if self._client.state is not UaClientState.CONNECTED and transport is not None:
            transport.abort()  # nobody answers: do not wait for it
            await asyncio.sleep(0)
        try:
            # Whatever a goodbye fails of, the link is gone, which is what was wanted.
            with suppress(Exception):
                await asyncio.wait_for(self._client.disconnect(), GOODBYE_S)
        finally:
            if transport is not None:
                transport.abort()
            self._client.disconnect_socket()

    @property
    def services(self) -> UaSession:
        """The raw services; call them inside ``guarded``."""
        return self._client.uaclient.session

    @property
    def alive(self) -> bool:
        return self._client.state is UaClientState.CONNECTED

    @contextmanager
    def guarded(self) -> Iterator[None]:
        with in_plain_words(self.config.url, self.config.timeout_s):
            yield

    def lost(self, why: str) -> Exception:
        return link_down(self.config.url, why)

    async def read(self, asked: Sequence[ua.ReadValueId]) -> list[Any]:
        """Values with both timestamps, in one call unless the server's limit is lower.

        Not every server says what its limit is: one that refuses is asked for half as much.
        """
        answers: list[Any] = []
        while len(answers) < len(asked):
            part = asked[len(answers) : len(answers) + self.nodes_per_read]
            try:
                answers += await self._read_once(part)
            except TooMuch:
                if len(part) == 1:
                    raise
                self.nodes_per_read = len(part) // 2
        return answers

    async def _read_once(self, part: Sequence[ua.ReadValueId]) -> list[Any]:
        question = ua.ReadParameters()
        question.TimestampsToReturn = ua.TimestampsToReturn.Both
        question.NodesToRead = list(part)
        with self.guarded():
            given: list[Any] = await self.services.read(question)
            if len(given) != len(part):
                raise UaError(f"{len(given)} values for {len(part)} nodes")
        return given

    async def places(self, addresses: Sequence[Address]) -> list[Place]:
        """Where addresses lie. Asks the server only for what the text leaves open."""
        wanted = {a.namespace for a in addresses if isinstance(a.namespace, str)}
        if not wanted <= set(self.namespaces):
            await self._ask_limits()
        literal = [a for a in addresses if a.literal is not None]
        real = await self.existing([self._node(a, a.literal) for a in literal])
        found = {a for a, there in zip(literal, real, strict=True) if there}
        return [self._place(address, address in found) for address in addresses]

    def _place(self, address: Address, is_node: bool) -> Place:
        known = isinstance(address.namespace, int) or address.namespace in self.namespaces
        if is_node:
            return Place(self._node(address, address.literal), "", True)
        settled = known and address.literal is None
        return Place(self._node(address, address.identifier), address.element, settled)

    def _node(self, address: Address, identifier: Any) -> ua.NodeId:
        if isinstance(address.namespace, int):
            return node_id(identifier, address.namespace)
        if address.namespace in self.namespaces:
            return node_id(identifier, self.namespaces.index(address.namespace))
        return node_id(identifier, UNKNOWN_NAMESPACE)

    async def existing(self, nodes: Sequence[ua.NodeId]) -> list[bool]:
        """True for each node that the server has."""
        asked = [ua.ReadValueId(node, AttributeIds.NodeClass) for node in nodes]
        return [answer.StatusCode.is_good() for answer in await self.read(asked)]

    async def _ask_limits(self) -> None:
        """The server's namespaces and how much it takes in one call (0: no limit)."""
        nodes = (ObjectIds.Server_NamespaceArray, _MAX_READ, _MAX_BROWSE, _MAX_ITEMS)
        asked = [ua.ReadValueId(node_id(node), AttributeIds.Value) for node in nodes]
        uris, *limits = (answer.Value.Value for answer in await self.read(asked))
        self.namespaces = [str(uri) for uri in uris or ()]
        reads, browses, items = (limit or 2**31 for limit in limits)
        self.nodes_per_read = min(self.config.max_nodes_per_read, reads)
        self.nodes_per_browse = min(100, browses)
        self.items_per_call = min(1000, items)


def _client_of(config: OpcUaConfig) -> Client:
    client = Client(config.url, timeout=config.timeout_s, watchdog_intervall=config.watchdog_s)
    client.name = client.description = "Lianji"
    client.application_uri = application_uri()
    client.product_uri = "urn:lianji"
    client.session_timeout = int(max(SESSION_S_MIN, 3 * config.watchdog_s) * 1000)
    if config.username:
        client.set_user(config.username)
        client.set_password(config.secret())
    return client


def node_id(identifier: Any, namespace: Any = 0) -> ua.NodeId:
    """A node id of plain Python values, which asyncua takes but does not say so."""
    return ua.NodeId(identifier, namespace)


def chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@dataclass(slots=True)
class Layout:
    """What one block asks, worked out once a session and again when ``until_s`` has passed."""

    session: Session
    asked: list[ua.ReadValueId]
    until_s: float

    def serves(self, session: Session) -> bool:
        return self.session is session and monotonic_s() < self.until_s
