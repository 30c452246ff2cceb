"""An edge's relay, wired: from the plant's spool to the hub that it joined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

import structlog

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import LianjiError, LinkDown
from lianji.dictionary.tag_ids import TagIds
from lianji.relay.client import HubClient, Unwelcome
from lianji.relay.generation import Highest, Seen
from lianji.relay.group import Telling
from lianji.relay.messages import inbox as told
from lianji.relay.picking import NotFrom, OfTags, Pick, Rollups
from lianji.relay.settings import RelaySettings
from lianji.relay.talking import Handler, Talking
from lianji.relay.trust import joining
from lianji.relay.trust.certificates import der_of
from lianji.relay.trust.identity import Identity
from lianji.relay.uplink import Uplink
from lianji.relay.uplink_status import UplinkStatus
from lianji.spool.spool import Spool

if TYPE_CHECKING:
    from lianji.relay.standing import Standing
    from lianji.relay.trust.edges import Edges

RENEWAL_RETRY_S = 60.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Partner:
    """The hub of our own group to which this one sends, and what they tell each other of."""

    name: str
    standing: Standing
    edges: Edges


class Relaying:
    """The threads and the identity of one edge."""

    def __init__(
        self,
        folder: Path,
        settings: RelaySettings,
        spool: Spool,
        names: TagIds,
        report: Callable[[], dict[str, Any]],
        handlers: Mapping[str, Handler],
        kinds: Mapping[str, told.Handler] | None = None,
        partner: Partner | None = None,
    ) -> None:
        """``report`` tells how the plant is, ``handlers`` answer the hub's asks by kind, ``kinds``
        do what it tells; ``partner`` if the other end is a hub of our own group.

        Raises NotFound if it has not joined.
        """
        self._partner = partner
        self._seen: Seen = partner.standing if partner else highest_of(folder)
        self._folder = folder
        self._settings = settings
        self._report = report
        self._identity = Identity(folder)
        self._renewed_s = -RENEWAL_RETRY_S
        self._client, self._talk = (self._hub(), self._hub())
        self.uplink = Uplink(
            spool,
            names,
            folder,
            self._client,
            settings.share,
            pick=_pick(settings, names, partner),
            in_order=partner is not None,
        )
        self._telling = Telling(self._hub(), partner.edges) if partner else None
        self._fetch = self._hub()
        self._inbox = self._new_inbox(kinds or {})
        self._talking = Talking(
            self._talk,
            self._told,
            handlers,
            self._inbox,
            self._refused,
            self._renew_if_due,
            self._hear_hubs,
        )

    def _new_inbox(self, kinds: Mapping[str, told.Handler]) -> told.Inbox:
        """Where what the hub tells waits for who does it."""
        return told.Inbox(
            self._folder,
            self._settings.edge,
            lambda: self._identity.hub_key,
            kinds,
            [str(kind) for kind in self._settings.accept],
            self._content,
        )

    def _content(self, message: str, start: int, take: Callable[[bytes], object]) -> None:
        """From whichever hub answers; the next time from another."""
        try:
            self._fetch.content(message, start, take)
        except LinkDown:
            self._fetch.next_hub()
            raise

    def _hub(self) -> HubClient:
        settings = self._settings
        return HubClient(
            self._addresses(), settings.edge, self._context, settings.proxy, self._seen
        )

    def _addresses(self) -> list[str]:
        """What a person has written comes first, then what the hub told."""
        own = self._settings.hubs
        if self._partner:
            return own  # what it tells are those of the group, and ours is among them
        return [*own, *(hub for hub in self._identity.addresses if hub not in own)]

    def _hear_hubs(self, told: list[str]) -> None:
        """The hub says where it and those that take its place are; kept for the next start."""
        if self._partner or tuple(told) == self._identity.addresses:
            return
        self._identity = self._identity.with_addresses(told)
        log.info("relay-hubs-told", hubs=told)
        self._take_addresses()

    def _take_addresses(self) -> None:
        for client in (self._client, self._talk, self._fetch):
            client.become(self._addresses())

    def _context(self) -> SSLContext:
        return self._identity.client_context()

    def start(self) -> None:
        self.uplink.start()
        self._talking.start()
        if self._telling is not None:
            self._telling.start()

    def close(self) -> None:
        if self._telling is not None:
            self._telling.close()
        self._talking.close()
        self._fetch.close()
        self._inbox.close()
        self.uplink.close()

    def fetch(self, path: str) -> bytes:
        """What the hub has for this edge there; from the thread that talks, or while it waits."""
        return self._talk.fetch(path)

    def status(self) -> UplinkStatus:
        return self.uplink.status()

    def _told(self) -> dict[str, Any]:
        status = self.status()
        relay = {name: getattr(status, name) for name in UplinkStatus.__slots__}
        return {**self._report(), "relay": relay}

    @property
    def hub(self) -> str:
        """The hub's name."""
        return self._identity.hub

    def renew(self) -> int:
        """A new certificate now; when it is over, in microseconds, UTC.

        Raises LinkDown, Untrusted, InputError, StorageError.
        """
        address, proxy = self._talk.address, self._settings.proxy
        self._identity = joining.renew(self._folder, address, proxy)
        for client in (self._client, self._fetch, self._telling):
            if client is not None:
                client.renew()
        self._take_addresses()
        return self._identity.not_after

    def _refused(self, no: Unwelcome) -> None:
        if no.code == "edge-expired":
            self._renew()

    def _renew_if_due(self) -> None:
        if self._identity.renew_due(now_us()):
            self._renew()

    def _renew(self) -> None:
        """A new certificate; the old one serves until it is there. Failures are tried again."""
        if monotonic_s() - self._renewed_s < RENEWAL_RETRY_S:
            return
        self._renewed_s = monotonic_s()
        try:
            self.renew()
        except (LianjiError, OSError) as error:
            log.warning("relay-renewal-failed", error=str(error))
            return
        self._talk.renew()


def highest_of(folder: Path) -> Highest:
    """The highest generation that an edge saw of the authority that it joined. Another's begin at
    one again. Raises NotFound if it has joined none."""
    root = hashlib.sha256(der_of(Identity(folder).root)).hexdigest()
    return Highest(folder / f"generation-{root[:16]}")


def _pick(settings: RelaySettings, names: TagIds, partner: Partner | None) -> Pick | None:
    """What is sent. A hub of our own group gets all, or it could not take our place."""
    if partner is not None:
        return NotFrom(partner.name)
    if settings.rollups:
        return Rollups()
    return OfTags(names, settings.tags) if settings.tags else None
