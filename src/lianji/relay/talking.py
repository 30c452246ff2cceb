"""The other way, at the edge: reports how it is, answers what is asked, takes what is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from lianji.base.errors import InputError, LianjiError, Text
from lianji.relay.client import HubClient, NotNow, Unwelcome

WAIT_S = 20.0
RETRY_S = 5.0
Handler = Callable[[dict[str, Any]], dict[str, Any]]
"""Answers one kind of ask. Raises LianjiError, which the hub is told."""
_log = structlog.get_logger(__name__)


class Inbox(Protocol):
    """Takes messages; see ``messages``."""

    def take(self, message: dict[str, Any]) -> dict[str, Any]:
        """Check, apply or refuse a message; its result: ``id``, ``state``, ``reason``."""


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
    ) -> None:
        """``unwelcome`` is told of refusals; ``before`` is called before each request."""
        self._client = client
        self._report = report
        self._handlers = handlers
        self._inbox = inbox
        self._unwelcome = unwelcome
        self._before = before
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay-talk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._client.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        said: dict[str, Any] = {}
        while not self._stop.is_set():
            try:
                self._before()
                report = {**self._report(), **said}
                heard = self._client.exchange(json.dumps(report).encode(), WAIT_S)
                said = self._respond(heard)
            except NotNow as later:
                self._stop.wait(later.after_s)
            except Unwelcome as no:
                _log.warning("relay-unwelcome", code=no.code)
                self._unwelcome(no)
                self._stop.wait(RETRY_S)
            except (LianjiError, OSError) as error:
                if not self._stop.is_set():
                    _log.info("relay-talk-failed", error=str(error))
                    self._client.next_hub()
                    self._stop.wait(RETRY_S)

    def _respond(self, heard: dict[str, Any]) -> dict[str, Any]:
        """What goes with the next report."""
        answers = [self._answer(ask) for ask in heard.get("asks", [])]
        results = []
        if self._inbox is not None:
            results = [self._inbox.take(message) for message in heard.get("messages", [])]
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
