"""A hub that tells, an edge that takes: real TLS, real state database, real files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.base.clock import now_us
from lianji.base.errors import InputError, Text
from lianji.base.ids import new_id
from lianji.base.state import State, url_of
from lianji.node.telling import tell_news
from lianji.relay.client import HubClient
from lianji.relay.messages.envelope import Envelope, Signed, digest_of
from lianji.relay.messages.inbox import Handler, Inbox, Work
from lianji.relay.messages.kinds import Kind
from lianji.relay.messages.store import Message, Messages
from lianji.relay.talking import Talking
from lianji.relay.trust.certificates import new_key, request_of
from lianji.relay.trust.edges import Edges
from lianji.web.access import audit
from tests.relay.world import Hub, until

ALL = tuple(Kind)
MINUTE_US = 60_000_000


def signed(key: Ed25519PrivateKey, content: bytes = b"{}", **fields: Any) -> Signed:
    """A message for ``plant`` that is as it should be, but for these fields."""
    now = now_us()
    values: dict[str, Any] = {
        "id": new_id().hex(), "edge": "plant", "kind": "command", "name": "count",
        "version": now // 1000, "created_us": now, "expires_us": now + MINUTE_US,
        "digest": digest_of(content), "length": len(content), **fields,
    }  # fmt: skip
    return Signed.by(key, Envelope(**values), content)


@dataclass
class Deeds:
    """Handlers that note what they were given; ``hold`` keeps them from going on."""

    done: list[tuple[str, bytes]] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    hold: threading.Event = field(default_factory=threading.Event)
    fails: bool = False

    def __post_init__(self) -> None:
        self.hold.set()

    def apply(self, work: Work) -> dict[str, Any]:
        from lianji.relay.messages.fetching import Stopped

        self.begun.set()
        while not self.hold.wait(0.01):
            if work.stopping.is_set():
                raise Stopped
        if self.fails:
            raise InputError("no-way", Text("It cannot be.", "不可行。"), Text("Rest.", "休息。"))
        self.done.append((work.envelope.name, work.content.read_bytes()))
        return {"count": len(self.done), "resumed": work.resumed}

    def handlers(self) -> Mapping[str, Handler]:
        return {kind: Handler(self.apply, repeatable=kind != Kind.COMMAND) for kind in ALL}


class Post:
    """The hub's side: a door, its state, and two edges that are known."""

    def __init__(self, folder: Path, resend_s: float = 0.2) -> None:
        (folder / "hub").mkdir()
        self.state = State(url_of(folder / "hub"))
        self._folder, self._resend_s = folder, resend_s
        self.hub = Hub(folder / "hub", messages=self.another())
        edges = Edges(self.state, self.hub.authority)
        for name in ("plant", "other"):
            edges.admit(edges.invite(name, [name]), request_of(new_key(), name), name)
        self.news = self._tell_news()

    def another(self) -> Messages:
        """The messages as another process has them."""
        contents = self._folder / "hub" / "contents"
        return Messages(self.state, contents, audit=audit.append, resend_s=self._resend_s)

    @property
    def messages(self) -> Messages:
        assert self.hub.messages is not None
        return self.hub.messages

    def _tell_news(self) -> Any:
        work = tell_news(self.messages, self.hub.conversation)
        return asyncio.run_coroutine_threadsafe(work, self.hub.loop)

    def restart(self) -> None:
        self.close_door()
        self.hub.messages = self.another()
        self.hub.open()
        self.news = self._tell_news()

    def close_door(self) -> None:
        self.news.cancel()
        self.hub.close()

    def close(self) -> None:
        self.close_door()
        self.state.close()

    def send(self, kind: Kind, name: str, content: bytes, edge: str = "plant") -> Envelope:
        """From another process than the one that runs the hub."""
        key = self.hub.authority.signing_key
        [sent] = self.another().send(key, [edge], kind, name, content, "li")
        return sent

    def told(self, sent: Envelope) -> Message:
        return next(one for one in self.messages.all() if one.id == sent.id)

    def wait(self, sent: Envelope, state: str) -> Message:
        until(lambda: self.told(sent).state == state, f"{state}: {self.told(sent)}")
        return self.told(sent)


class Taker:
    """The edge's side; may be closed and opened again."""

    def __init__(
        self, folder: Path, hub: Hub, deeds: Deeds, port: int | None = None, patience_s: float = 5.0
    ) -> None:
        address = f"https://127.0.0.1:{port or hub.port}"

        def client() -> HubClient:
            return HubClient([address], "plant", lambda: hub.context("plant"))

        self._fetch = client()
        self.starts: list[int] = []
        self.inbox = Inbox(
            folder / "relay",
            "plant",
            lambda: hub.authority.signing_key.public_key(),
            deeds.handlers(),
            ALL,
            self._content,
            patience_s=patience_s,
        )
        self._talking = Talking(client(), lambda: {"rows": 7}, {}, self.inbox)
        self._talking.start()

    def _content(self, message: str, start: int, take: Callable[[bytes], object]) -> None:
        self.starts.append(start)
        self._fetch.content(message, start, take)

    def close(self) -> None:
        self._talking.close()
        self._fetch.close()
        self.inbox.close()


Opened = Callable[..., Taker]
