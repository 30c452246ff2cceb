"""A hub's door and its edges in one process: real spools, real TLS on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from lianji.base.errors import Text
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.relay.aside import Aside
from lianji.relay.client import HubClient
from lianji.relay.door import Door
from lianji.relay.exchange import Conversation
from lianji.relay.ledger import Ledger
from lianji.relay.limits import Limits
from lianji.relay.messages.store import Messages
from lianji.relay.receiving import Receiving, Sender
from lianji.relay.server import DoorServer
from lianji.relay.trust import tls
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.certificates import key_pem, new_key, pem_of, request_of
from lianji.relay.trust.refusals import Untrusted
from lianji.relay.uplink import Uplink
from lianji.spool.record import Gap
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool

START_US = 1_790_000_000_000_000


def until(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    """Wait for what other threads bring about."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}"
        time.sleep(0.01)


class Gate:
    """Whoever has a certificate of the authority may write the site of its name."""

    def __init__(self) -> None:
        self.sites: dict[str, tuple[str, ...]] = {}

    def sender(self, certificate: bytes | None) -> Sender:
        if certificate is None:
            raise Untrusted("edge-certificate-missing", *NO_WORDS)
        subject = x509.load_der_x509_certificate(certificate).subject
        name = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        return Sender(name, self.sites.get(name, (name,)))


NO_WORDS = Text("no", "无"), Text("no", "无")


@dataclass
class Hub:
    """A door over a folder; may be closed and opened again on the same port."""

    folder: Path
    port: int = 0
    generation: int = 1
    limits: Limits = field(default_factory=Limits)
    settings: SpoolSettings = field(default_factory=lambda: SpoolSettings(commit_ms=2))
    messages: Messages | None = None

    def __post_init__(self) -> None:
        keys = self.folder / "hub"
        self.authority = (
            Authority(keys) if (keys / "ca.pem").exists() else Authority.create(keys, "hub")
        )
        self.gate = Gate()
        self.open()

    def open(self) -> None:
        self.names = TagIds.open(self.folder / "tag-ids.tsv")
        self.spool = Spool(self.folder / "spool", self.settings, self.names.path_of)
        self.aside = Aside(self.folder / "aside")
        self.conversation: Conversation
        self.receiving: Receiving
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        self._server: DoorServer | None = None
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def _serve(self, started: threading.Event) -> None:
        asyncio.run(self._main(started))

    async def _main(self, started: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self.conversation = Conversation(self.messages)
        self.receiving = Receiving(self.spool, self.names, self.ledger(), self.aside)
        content_of = self.messages.content if self.messages else None
        door = Door(
            self.receiving,
            self.gate,
            self.conversation,
            self.limits,
            lambda: self.generation,
            content_of=content_of,
        )
        self._server = DoorServer(door, self.authority.server_context())
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        started.set()
        await serving

    def ledger(self) -> Ledger:
        rows = {}
        for entry in self.spool.after(0):
            for one in entry.content.sources:
                rows[one.edge, one.epoch, one.lane] = (one.sequence, one.check)
        return Ledger(rows)

    def close(self) -> None:
        assert self._server is not None
        self.loop.call_soon_threadsafe(self.conversation.end)
        self._server.should_exit = True
        self._thread.join(20)
        self.spool.close()

    def certificate(self, edge: str) -> Path:
        """A file of key, certificate and root for this edge."""
        path = self.folder / f"{edge}.pem"
        if not path.exists():
            key = new_key()
            signed = self.authority.sign(request_of(key, edge), edge)
            path.write_bytes(key_pem(key) + pem_of(signed) + self.authority.pem)
        return path

    def context(self, edge: str) -> ssl.SSLContext:
        return tls.client_context(self.authority.pem, self.certificate(edge))

    def samples(self) -> list[tuple[str, int, float]]:
        """All that the hub's spool holds, in the order of arrival: path, time, value."""
        found: list[tuple[str, int, float]] = []
        for entry in self.spool.after(0):
            if isinstance(entry.content, Batch):
                columns = entry.content.samples.to_pydict()
                times = entry.content.times_us.tolist()
                found += zip(
                    map(self.names.path_of, columns["tag"]), times, columns["value"], strict=True
                )
        return found

    def gaps(self) -> list[Gap]:
        return [e.content for e in self.spool.after(0) if isinstance(e.content, Gap)]


@dataclass
class Edge:
    """A spool and its uplink."""

    folder: Path
    hub: Hub
    name: str = "plant"
    port: int | None = None
    """Of a proxy before the hub."""
    settings: SpoolSettings = field(default_factory=lambda: SpoolSettings(commit_ms=2))
    share: float = 0.7
    proxy: str | None = None
    sent: int = 0

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.names = TagIds.open(self.folder / "tag-ids.tsv")
        self.spool = Spool(self.folder / "spool", self.settings, self.names.path_of)
        client = HubClient(
            [f"https://127.0.0.1:{self.port or self.hub.port}"],
            self.name,
            lambda: self.hub.context(self.name),
            self.proxy,
        )
        self.uplink = Uplink(self.spool, self.names, self.folder / "relay", client, self.share)

    def start(self) -> None:
        self.uplink.start()

    def close(self) -> None:
        self.uplink.close()
        self.spool.close()

    def put(self, rows: int = 10, tag: str = "line/value", origin: str = "device/press") -> int:
        """Append numbered samples; the sequence once it is durable."""
        ids = self.names.ids_of([f"{self.name}/{tag}"] * rows)
        numbers = range(self.sent, self.sent + rows)
        self.sent += rows
        batch = Batch.of(ids, [START_US + n for n in numbers], list(map(float, numbers)))
        batch.origin = origin
        return self.spool.put(batch).result(10)

    def arrived(self) -> bool:
        return self.uplink.status().position >= self.spool.durable

    def wait(self, timeout_s: float = 20.0) -> None:
        until(self.arrived, f"{self.name} to be done: {self.uplink.status()}", timeout_s)


@contextmanager
def hub_and_edge(folder: Path, **edge: object) -> Iterator[tuple[Hub, Edge]]:
    with ExitStack() as stack:
        hub = Hub(folder / "hub")
        stack.callback(hub.close)
        plant = Edge(folder / "plant", hub, **edge)  # type: ignore[arg-type]
        stack.callback(plant.close)
        yield hub, plant


def check(hub: Hub, *edges: Edge) -> None:
    """Every sample of the edges is in the hub's spool, once, under its own name."""
    found = sorted(hub.samples())
    wanted = sorted(
        (f"{edge.name}/line/value", START_US + n, float(n))
        for edge in edges
        for n in range(edge.sent)
    )
    assert found == wanted


__all__ = ["Edge", "Gate", "Hub", "check", "hub_and_edge", "until"]
