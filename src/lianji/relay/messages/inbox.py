"""Messages at the edge: checked against the key that was pinned at the join, then applied once.

A message is taken if the hub signed it, it names this edge, its time is not over, its kind is known
and accepted, and its version is newer than the last of its kind that was begun. One thread works on
them in order; whoever asks again gets the answer that was given.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError
from lianji.relay.messages import refusals
from lianji.relay.messages.envelope import Envelope, Signed
from lianji.relay.messages.fetching import Fetch, Stopped, fetched
from lianji.relay.messages.kinds import LENGTH_MAX, Kind
from lianji.relay.messages.remembered import Remembered, Result

PATIENCE_S = 5.0
"""So long an exchange waits for a result; then the hub is told that it is being tried."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """A message that was checked, for its handler."""

    envelope: Envelope
    content: Path
    """A file that the handler may move away."""
    resumed: bool
    """It was begun before this process."""
    stopping: threading.Event
    """Set when the plant ends: a handler that waits raises Stopped then."""


Apply = Callable[[Work], dict[str, Any]]
"""Does what a message says; what it returns is shown at the hub. Raises LianjiError to refuse."""


@dataclass(frozen=True, slots=True)
class Handler:
    apply: Apply
    repeatable: bool = True
    """One that was cut short is applied again after the restart; otherwise it is refused."""


class Inbox:
    """See ``talking.Inbox``. ``close`` waits for the message that is being worked on."""

    def __init__(
        self,
        folder: Path,
        edge: str,
        key: Callable[[], Ed25519PublicKey],
        handlers: Mapping[str, Handler],
        accept: Collection[str],
        fetch: Fetch,
        *,
        clock: Callable[[], int] = now_us,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """``folder`` keeps what was had; ``key`` is the hub's, ``fetch`` gets larger contents."""
        self._folder, self._edge, self._key = folder, edge, key
        self._handlers, self._accept, self._fetch = handlers, accept, fetch
        self._clock, self._patience_s = clock, patience_s
        self._remembered: Remembered | None = None
        self._changed = threading.Condition()
        self._waiting: deque[Signed] = deque()
        self._at = ""
        self._results: dict[str, Result] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # -- what the talk asks ------------------------------------------------------------------

    def take(self, message: dict[str, Any]) -> Result:
        try:
            signed = self._checked(message)
        except LianjiError as error:
            _log.warning("relay-message-refused", code=error.code)
            return _refused(str(message.get("id", ""))[:64], error)
        identity = signed.envelope.id
        with self._changed:
            if not self._is_here(identity):
                self._waiting.append(signed)
                self._start()
            self._changed.notify_all()
            if self._is_next(identity):
                self._changed.wait_for(lambda: identity in self._results, self._patience_s)
            return self._results.pop(identity, {"id": identity, "state": "trying"})

    def finished(self) -> Sequence[Result]:
        with self._changed:
            found, self._results = list(self._results.values()), {}
            return found

    @property
    def busy(self) -> bool:
        with self._changed:
            return bool(self._at or self._waiting or self._results)

    def close(self) -> None:
        """What is not done is taken up again when the plant starts and the hub tells it anew."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _is_here(self, identity: str) -> bool:
        queued = any(one.envelope.id == identity for one in self._waiting)
        return queued or identity == self._at or identity in self._results

    def _is_next(self, identity: str) -> bool:
        before = {self._at, *(one.envelope.id for one in self._waiting)}
        return before <= {"", identity}

    def _start(self) -> None:
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="relay-inbox", daemon=True)
            self._thread.start()

    def _checked(self, message: dict[str, Any]) -> Signed:
        """What is refused here leaves no trace. Raises LianjiError."""
        signed = Signed.of(message)
        signed.check(self._key())
        if signed.envelope.edge != self._edge:
            raise refusals.for_another(self._edge, signed.envelope.edge)
        return signed

    # -- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
                if self._stopping.is_set():
                    return
                signed = self._waiting.popleft()
                self._at = signed.envelope.id
            result: Result | None = None
            try:
                result = self._answer(signed)
            except Stopped:
                return
            finally:
                with self._changed:
                    self._at = ""
                    if result is not None:
                        self._results[result["id"]] = result
                    self._changed.notify_all()

    def _answer(self, signed: Signed) -> Result:
        one = signed.envelope
        try:
            if self._remembered is None:
                self._remembered = Remembered(self._folder / "inbox.json")
            known = self._remembered.answer(one.id)
            return known or self._work(signed, self._remembered)
        except LianjiError as error:
            _log.warning("relay-message-refused", kind=one.kind, name=one.name, code=error.code)
            return _refused(one.id, error)
        except Stopped:
            raise
        except Exception as error:
            _log.exception("relay-message-failed", kind=one.kind)
            return _refused(one.id, refusals.failed(error))

    def _work(self, signed: Signed, remembered: Remembered) -> Result:
        one = signed.envelope
        resumed = remembered.begun == one.id
        handler = self._handler_of(one)
        if not resumed:
            self._admit(one, remembered.last(one.kind))
            remembered.begin(one.id, one.kind, one.version)
        try:
            if resumed and not handler.repeatable:
                raise refusals.interrupted()
            result = self._applied(signed, handler, resumed)
        except LianjiError as error:
            _log.warning("relay-message-refused", kind=one.kind, name=one.name, code=error.code)
            result = _refused(one.id, error)
        remembered.end(one.id, result)
        return result

    def _handler_of(self, one: Envelope) -> Handler:
        handler = self._handlers.get(one.kind)
        if handler is None or one.kind not in LENGTH_MAX:
            raise refusals.kind_unknown(one.kind)
        if one.kind not in self._accept:
            raise refusals.not_accepted(one.kind, self._accept)
        return handler

    def _admit(self, one: Envelope, last: int) -> None:
        if self._clock() >= one.expires_us:
            raise refusals.expired()
        if one.version <= last:
            raise refusals.outdated(one.version, last)
        length_max = LENGTH_MAX[Kind(one.kind)]
        if one.length > length_max:
            raise refusals.too_large(one.kind, one.length, length_max)

    def _applied(self, signed: Signed, handler: Handler, resumed: bool) -> Result:
        one = signed.envelope
        content: Path | None = None
        try:
            content = fetched(
                signed, self._folder / "incoming", self._fetch, self._clock, self._stopping
            )
            done = handler.apply(Work(one, content, resumed, self._stopping))
        except (LianjiError, Stopped):
            raise
        except Exception as error:
            _log.exception("relay-message-failed", kind=one.kind)
            raise refusals.failed(error) from error
        finally:
            if content is not None:
                content.unlink(missing_ok=True)
        _log.info("relay-message-applied", kind=one.kind, name=one.name, version=one.version)
        return {"id": one.id, "state": "applied", "result": done}


def _refused(identity: str, error: LianjiError) -> Result:
    return {"id": identity, "state": "refused", "reason": error.as_json()}
