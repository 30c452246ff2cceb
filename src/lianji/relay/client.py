"""The edge's side of the line: requests to whichever of its hubs answers.

Blocking; used by the uplink's threads, each with a connection of its own. Every failure is one of
few kinds, so that the uplink knows what to do.
"""

from __future__ import annotations

import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from lianji.base.errors import InputError, LianjiError, LinkDown, Text
from lianji.relay.generation import Generation, Highest, Seen
from lianji.relay.lanes import Lane, Mark
from lianji.relay.sending import HistoriesParted
from lianji.relay.settings import https_address
from lianji.relay.wire import GENERATION, GENERATION_PROOF, PREVIOUS, Body

CONNECT_S_MAX = 10.0
ANSWER_S_MAX = 60.0
RETRY_AFTER_S_MAX = 300.0
NOT_ACTIVE = ("hub-standby", "hub-fenced")
"""With these codes a hub of the group sends us to the next address."""


class NotNow(Exception):
    """The hub is there and asks to wait: 429 or 503, or its disk refuses."""

    def __init__(self, after_s: float, why: Text) -> None:
        super().__init__(after_s, why)
        self.after_s = after_s
        self.why = why


class TellTags(Exception):
    """The hub must hear the tags from this id on."""

    def __init__(self, known: int) -> None:
        super().__init__(known)
        self.known = known


class Moved(LinkDown):
    """Another process of the hub looks after this edge now: agree with it anew."""

    def __init__(self, address: str) -> None:
        super().__init__(
            "relay-moved",
            Text(
                f"Another process of the hub looks after this edge: {address or 'behind the hub'}.",
                f"本边缘端由中心端的另一进程负责：{address or '位于同一地址之后'}。",
            ),
            Text("It goes there by itself.", "系统会自动转到该进程。"),
        )


class Unwelcome(Exception):
    """The hub knows us and refuses: revoked, expired, not under our name, a body it cannot take."""

    def __init__(self, status: int, code: str, text: Text) -> None:
        super().__init__(status, code, text)
        self.status = status
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Answer:
    mark: Mark
    tags: int


class HubClient:
    """One edge's way to its hubs. Thread-safe."""

    def __init__(
        self,
        hubs: Sequence[str],
        edge: str,
        context: Callable[[], ssl.SSLContext],
        proxy: str | None = None,
        seen: Seen | None = None,
    ) -> None:
        """``hubs``: https addresses in order of preference. ``context`` is asked for anew when a
        certificate was renewed. ``seen``: which generations of hubs there were."""
        self._hubs = list(hubs)
        self._edge = edge
        self._context = context
        self._proxy = proxy
        self._at = 0
        self._owner = ""
        """Where one of several processes said that this edge is looked after; else empty."""
        self._moved = False
        """The last answer was that another process looks after this edge."""
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._sockets: weakref.WeakSet[ssl.SSLSocket] = weakref.WeakSet()
        self._extensions = {"trace": self._note_socket}
        self._seen: Seen = seen or Highest()

    @property
    def address(self) -> str:
        return self._owner or self._hubs[self._at]

    @property
    def generation(self) -> int:
        """The highest that was seen, by whatever client of this edge."""
        return self._seen.told().number

    def next_hub(self) -> None:
        """Try the next address from now on, over new connections; not where the hub has just said
        which process to go to, and where that one is gone, first the address before all."""
        with self._lock:
            moved, self._moved = self._moved, False
            if moved:
                return
            if self._owner:
                self._owner = ""
            else:
                self._at = (self._at + 1) % len(self._hubs)
        self.renew()

    def become(self, hubs: Sequence[str]) -> None:
        """Know these addresses from now on; stay with the present one if it is among them."""
        with self._lock:
            now = self._hubs[self._at]
            self._hubs = list(hubs)
            self._at = self._hubs.index(now) if now in self._hubs else 0
            stays = now in self._hubs
        if not stays:
            self.renew()

    def renew(self) -> None:
        """Forget the connections; the next request makes new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        """Break off also what another thread is waiting for; it raises LinkDown."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        self.renew()

    def close_until_ended(self, threads: Sequence[threading.Thread]) -> None:
        """End threads that use this and were told to stop. One of them may just have begun another
        request, or a handshake, so once is not enough."""
        for thread in threads:
            while thread.is_alive():
                self.close()
                thread.join(0.1)
        self.close()

    def _note_socket(self, event: str, told: Mapping[str, Any]) -> None:
        if event.endswith("start_tls.complete"):
            with self._lock:
                self._sockets.add(told["return_value"].get_extra_info("socket"))

    # -- what can be said --------------------------------------------------------------------

    def ledger(self, epoch: str) -> tuple[dict[int, Mark], int]:
        """The hub's marks of an epoch by the starts of lanes, and how many tags it knows."""
        told = self._ask("GET", f"{self._edge}/{epoch}")
        lanes = {int(start): Mark.parse(mark) for start, mark in told["lanes"].items()}
        return lanes, int(told["tags"])

    def put(self, lane: Lane, first: int, previous: Mark, body: Body) -> Answer:
        headers = {**body.headers, PREVIOUS: str(previous)}
        told = self._ask("PUT", f"{self._edge}/{lane}/{first}", body.content, headers)
        return Answer(Mark.parse(told["mark"]), int(told["tags"]))

    def exchange(self, report: bytes, wait_s: float) -> dict[str, Any]:
        return self._ask("POST", f"{self._edge}/exchange?wait={wait_s:g}", report)

    def content(self, message: str, start: int, take: Callable[[bytes], object]) -> None:
        """Hand on what a message is about, from this byte on, piece by piece."""
        self._stream(f"content/{message}?from={start}", take)

    def fetch(self, path: str) -> bytes:
        """What the hub has for this edge there."""
        content = bytearray()
        self._stream(path, content.extend)
        return bytes(content)

    def _stream(self, path: str, take: Callable[[bytes], object]) -> None:
        """Raises LinkDown, NotNow, Unwelcome, and what ``take`` raises but OSError."""
        self._moved = False
        way = f"{self.address}/relay/v1/{self._edge}/{path}"
        try:
            with self._http().stream("GET", way, extensions=self._extensions) as response:
                self._note_generation(response)
                if response.status_code == 200:
                    for piece in response.iter_bytes():
                        take(piece)
                    return
                response.read()
                told = response.json()
        except (httpx.HTTPError, ssl.SSLError, OSError, ValueError) as error:
            raise _no_link(self.address, error) from error
        raise self._refused(response, told if isinstance(told, dict) else {})

    def group(self, told: bytes) -> dict[str, Any]:
        """What hubs of one group tell each other; see ``group``."""
        return self._ask("POST", f"{self._edge}/group", told)

    # -- how ---------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Raises LinkDown, NotNow, TellTags, HistoriesParted, Unwelcome."""
        self._moved = False
        mine = self._seen.told()
        said = {GENERATION: str(mine.number), GENERATION_PROOF: mine.proof} if mine.proof else {}
        try:
            response = self._http().request(
                method,
                f"{self.address}/relay/v1/{path}",
                content=content,
                headers={**said, **(headers or {})},
                extensions=self._extensions,
            )
            told = response.json()
            self._note_generation(response)
        except (httpx.HTTPError, ssl.SSLError, OSError, ValueError) as error:
            raise _no_link(self.address, error) from error
        if response.status_code == 200 and isinstance(told, dict):
            return told
        raise self._refused(response, told if isinstance(told, dict) else {})

    def _http(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    verify=self._context(),
                    proxy=self._proxy,
                    trust_env=False,
                    timeout=httpx.Timeout(ANSWER_S_MAX, connect=CONNECT_S_MAX),
                )
            return self._client

    def _note_generation(self, response: httpx.Response) -> None:
        """Raises LinkDown for a hub that was left behind: what it says does not count."""
        told = (response.headers.get(name, "") for name in (GENERATION, GENERATION_PROOF))
        generation, highest = Generation.parse(" ".join(told)), self._seen.told()
        if generation.number < highest.number:
            raise OSError(f"it is of generation {generation.number}, and {highest.number} is there")
        if generation.number > highest.number:
            self._seen.hear(generation)

    def _move(self, told: dict[str, Any]) -> Moved:
        """Go where the hub says from now on; where it does not say, by the common address."""
        self._moved = True
        if told.get("code") == "relay-elsewhere":
            self._owner = ""
            with suppress(ValueError):
                self._owner = https_address(str(told.get("address", "")))
        return Moved(self._owner)

    def _refused(self, response: httpx.Response, told: dict[str, Any]) -> Exception:
        status, code = response.status_code, str(told.get("code", ""))
        if code in ("relay-elsewhere", "relay-agree-first"):
            return self._move(told)
        cause = told.get("cause", {})
        text = Text(str(cause.get("en", "")), str(cause.get("zh", "")))
        if code in NOT_ACTIVE:
            return _no_link(self.address, OSError(text.en or code))
        if code == "relay-histories-parted":
            return HistoriesParted(0, Mark.parse(str(told.get("mark", "0:0"))))
        if code == "relay-tags-unknown":
            return TellTags(int(told.get("tags", 0)))
        if status in (429, 502, 503, 504, 507):
            after = response.headers.get("retry-after", "")
            after_s = float(after) if after.isdigit() else 2.0
            why = text if text.en else Text(f"HTTP {status}.", f"HTTP {status}。")
            return NotNow(min(after_s, RETRY_AFTER_S_MAX), why)
        return Unwelcome(status, code, text)


def _no_link(address: str, error: Exception) -> LianjiError:
    why = str(error) or type(error).__name__
    return LinkDown(
        "relay-link-down",
        Text(f"The hub {address} cannot be reached: {why}.", f"无法连接中心端 {address}：{why}。"),
        Text(
            "Nothing is lost while the spool has room. Look at the line and at the hub's port.",
            "缓存有空间时数据不会丢失。请检查网络和中心端端口。",
        ),
    )


__all__ = ["Answer", "HubClient", "InputError", "NotNow", "TellTags", "Unwelcome"]
