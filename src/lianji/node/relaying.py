"""An edge's relay, wired: from the plant's spool to the hub that it joined."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError
from lianji.dictionary.tag_ids import TagIds
from lianji.relay.client import HubClient, NotNow, Unwelcome
from lianji.relay.settings import RelaySettings
from lianji.relay.trust import joining
from lianji.relay.trust.identity import Identity
from lianji.relay.uplink import Uplink, UplinkStatus
from lianji.spool.spool import Spool

WAIT_S = 20.0
RETRY_S = 5.0
RENEW_CHECK_S = 60.0
log = structlog.get_logger(__name__)


class Relaying:
    """The threads and the identity of one edge."""

    def __init__(
        self,
        folder: Path,
        settings: RelaySettings,
        spool: Spool,
        names: TagIds,
        report: Callable[[], dict[str, Any]],
    ) -> None:
        """``report`` tells how the plant is. Raises NotFound if it has not joined."""
        self._folder = folder
        self._settings = settings
        self._report = report
        self._identity = Identity(folder)
        self._client = HubClient(settings.hubs, settings.edge, self._context, settings.proxy)
        self._talk = HubClient(settings.hubs, settings.edge, self._context, settings.proxy)
        self.uplink = Uplink(spool, names, folder, self._client, settings.share)
        self._stop = threading.Event()
        self._talker = threading.Thread(target=self._talk_on, name="relay-talk", daemon=True)

    def _context(self) -> Any:
        return self._identity.client_context()

    def start(self) -> None:
        self.uplink.start()
        self._talker.start()

    def close(self) -> None:
        self._stop.set()
        self._talk.close()
        self.uplink.close()
        if self._talker.is_alive():
            self._talker.join()

    def status(self) -> UplinkStatus:
        return self.uplink.status()

    def _talk_on(self) -> None:
        while not self._stop.is_set():
            try:
                self._renew_if_due()
                report = {**self._report(), "relay": _told(self.status())}
                self._talk.exchange(json.dumps(report).encode(), WAIT_S)
            except NotNow as later:
                self._stop.wait(later.after_s)
            except Unwelcome as no:
                log.warning("relay-unwelcome", code=no.code)
                if no.code == "edge-expired":
                    self._renew()
                self._stop.wait(RETRY_S)
            except (LianjiError, OSError) as error:
                if not self._stop.is_set():
                    log.info("relay-talk-failed", error=str(error))
                    self._talk.next_hub()
                    self._stop.wait(RETRY_S)

    def _renew_if_due(self) -> None:
        if self._identity.renew_due(now_us()):
            self._renew()

    def _renew(self) -> None:
        """A new certificate; the old one serves until it is there. Failures are tried again."""
        try:
            self._identity = joining.renew(self._folder, self._talk.address, self._settings.proxy)
        except (LianjiError, OSError) as error:
            log.warning("relay-renewal-failed", error=str(error))
            self._stop.wait(RENEW_CHECK_S)
            return
        self._client.renew()
        self._talk.renew()


def _told(status: UplinkStatus) -> dict[str, Any]:
    return {name: getattr(status, name) for name in UplinkStatus.__slots__}
