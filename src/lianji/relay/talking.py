"""The other way, at the edge: reports how it is, answers what is asked, takes what is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog

from lianji.base.errors import InputError, LianjiError, Text
from lianji.relay.client import HubClient, Moved, NotNow, Unwelcome
from lianji.relay.settings import ADDRESSES_MAX, https_address

WAIT_S = 20.0
BUSY_WAIT_S = 2.0
"""While a message is worked on, so that its result is told soon."""
RETRY_S = 5.0
MOVED_S = 0.5
Handler = Callable[[dict[str, Any]], dict[str, Any]]
"""Answers one kind of ask. Raises LianjiError, which the hub is told."""
_log = structlog.get_logger(__name__)


class Inbox(Protocol):
    """Takes messages; see ``messages``."""

    def take(self, message: dict[str, Any]) -> dict[str, Any]:
        """Check, apply or refuse a message; its result: ``id``, ``state``, ``reason``.

        The state is ``trying`` where that takes longer: then ``finished`` tells the result.
        """

    def finished(self) -> Sequence[dict[str, Any]]:
        """The results that came since; each is handed out once."""

    @property
    def busy(self) -> bool:
        """Whether results are to come."""


class Talking:
    """The thread that holds the line open. Handlers run in it, one at a time."""

    def __init__(
        self,
        client: HubClient,
        report: Callable[[], dict[str, Any]],
        handlers: Mapping[str, Handler],
        inbox: Inbox | None = None,
        unwelcome: Callable[[Unwelcome], None] = lambda _: None,
        before: Callable[[], None] = lambda: None,
        hubs: Callable[[list[str]], None] = lambda _: None,
    ) -> None:
        """``unwelcome`` is told of refusals; ``before`` is called before each request; ``hubs``
        hears the addresses that the hub tells."""
        self._client = client
        self._report = report
        self._handlers = handlers
        self._inbox = inbox
        self._unwelcome = unwelcome
        self._before = before
        self._hubs = hubs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay-talk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._client.close_until_ended([self._thread])

    def _run(self) -> None:
        said: dict[str, Any] = {}
        while not self._stop.is_set():
            try:
                self._before()
                wait_s = self._add_finished(said)
                report = {**self._report(), **said}
                heard = self._client.exchange(json.dumps(report).encode(), wait_s)
                said = self._respond(heard)
                self._hear_hubs(heard.get("addresses"))
            except NotNow as later:
                self._stop.wait(later.after_s)
            except Unwelcome as no:
                _log.warning("relay-unwelcome", code=no.code)
                self._unwelcome(no)
                self._stop.wait(RETRY_S)
            except Moved:
                self._stop.wait(MOVED_S)
            except (LianjiError, OSError) as error:
                if not self._stop.is_set():
                    _log.info("relay-talk-failed", error=str(error))
                    self._client.next_hub()
                    self._stop.wait(RETRY_S)
            except Exception:  # certificates are renewed here: the line must not end with a bug
                _log.exception("relay-talk-broken")
                self._stop.wait(RETRY_S)

    def _hear_hubs(self, told: Any) -> None:
        """What is no list of addresses is passed over."""
        if isinstance(told, list) and 0 < len(told) <= ADDRESSES_MAX:
            with suppress(ValueError):
                self._hubs([https_address(str(one)) for one in told])

    def _add_finished(self, said: dict[str, Any]) -> float:
        """Say also what became of messages meanwhile; how long to wait for more."""
        if self._inbox is None:
            return WAIT_S
        finished = self._inbox.finished()
        if finished:
            said["results"] = [*said.get("results", []), *finished]
        return BUSY_WAIT_S if self._inbox.busy else WAIT_S

    def _respond(self, heard: dict[str, Any]) -> dict[str, Any]:
        """What goes with the next report."""
        answers = [self._answer(ask) for ask in heard.get("asks", [])]
        results = []
        if self._inbox is not None:
            told = [one for one in heard.get("messages", []) if isinstance(one, dict)]
            results = [self._inbox.take(message) for message in told]
        return {name: some for name, some in (("answers", answers), ("results", results)) if some}

    def _answer(self, ask: dict[str, Any]) -> dict[str, Any]:
        handler = self._handlers.get(str(ask.get("kind", "")))
        try:
            if handler is None:
                raise _unknown(str(ask.get("kind", "")))
            return {"id": ask.get("id"), **handler(ask)}
        except LianjiError as error:
            return {"id": ask.get("id"), "error": error.as_json()}
        except Exception as error:
            _log.exception("relay-ask-failed", kind=ask.get("kind"))
            return {"id": ask.get("id"), "error": _failed(error).as_json()}


def _unknown(kind: str) -> InputError:
    return InputError(
        "edge-ask-unknown",
        Text(
            f"The edge does not know how to answer {kind[:40]!r}.",
            f"边缘端无法应答 {kind[:40]!r}。",
        ),
        Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
    )


def _failed(error: Exception) -> InputError:
    return InputError(
        "edge-ask-failed",
        Text(f"The edge failed at it: {error}.", f"边缘端处理失败：{error}。"),
        Text("See the edge's own log.", "请查看边缘端日志。"),
    )
