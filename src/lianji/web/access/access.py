"""How a plant knows who asks: by session, token and key, or, where it is open, not at all."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from fastapi.concurrency import run_in_threadpool

from lianji.base.clock import monotonic_s
from lianji.web.access.accounts import Accounts
from lianji.web.access.client import SESSION_COOKIE, Client, Networks
from lianji.web.access.roles import KEY, OPEN, Identity
from lianji.web.access.secret_text import PREFIX, digest_of, same

KNOWN_S = 2.0
"""So long an identity is believed without a look: what the command line changes holds after."""
KNOWN_MAX = 1_000


class Access(Protocol):
    """Who somebody is. What they may do is ``Identity.may``."""

    accounts: Accounts | None
    """None where nothing is kept, which only tests want."""
    proxies: Networks
    is_open: bool

    async def identify(self, client: Client, in_query: bool = False) -> Identity | None: ...

    async def first_run(self) -> bool:
        """Whether there is no administrator yet."""
        ...

    def forget(self) -> None:
        """Users, sessions or tokens have changed: look again."""
        ...

    def record(self, who: str, what: str, detail: Mapping[str, object]) -> None:
        """Note a change in the audit log. Blocks; on disk when it returns."""
        ...


class OpenAccess:
    """Everybody is administrator: for the demo on loopback, and for tests.

    ``this_machine_only`` refuses what comes from elsewhere, or under a foreign host name.
    """

    is_open = True

    def __init__(self, accounts: Accounts | None = None, this_machine_only: bool = False) -> None:
        self.accounts = accounts
        self.proxies: Networks = ()
        self._only_here = this_machine_only

    async def identify(self, client: Client, in_query: bool = False) -> Identity | None:
        return None if self._only_here and not client.is_this_machine else OPEN

    async def first_run(self) -> bool:
        return False

    def forget(self) -> None:
        """Nothing is remembered."""

    def record(self, who: str, what: str, detail: Mapping[str, object]) -> None:
        if self.accounts is not None:
            self.accounts.record(who, what, detail)


class KeptAccess:
    """Sessions, tokens and the key of this machine. For one event loop."""

    is_open = False

    def __init__(self, accounts: Accounts, key: str = "", proxies: Networks = ()) -> None:
        self.accounts: Accounts | None = accounts
        self.proxies = proxies
        self._accounts = accounts
        self._key = key
        self._known: OrderedDict[str, tuple[float, Identity | None]] = OrderedDict()
        self._turn = 0
        self._has_administrator = False
        self._looked_s = -KNOWN_S
        self._looking = asyncio.Lock()

    async def identify(self, client: Client, in_query: bool = False) -> Identity | None:
        token = client.bearer(in_query)
        if token.startswith(PREFIX):
            if self._key and same(token, self._key):
                return KEY
            return await self._lookup("token", token, client)
        session = client.cookie(SESSION_COOKIE)
        return await self._lookup("session", session, client) if session else None

    async def _lookup(self, kind: str, secret: str, client: Client) -> Identity | None:
        place = f"{kind} {digest_of(secret)}"
        known = self._known.get(place)
        if known is not None and monotonic_s() - known[0] < KNOWN_S:
            return known[1]
        accounts, turn = self._accounts, self._turn
        if kind == "token":
            found = await run_in_threadpool(_accounts_token, accounts, secret, client.address)
        else:
            found = await run_in_threadpool(_accounts_session, accounts, secret)
        if turn == self._turn:  # else what was found may be what was just revoked
            self._known[place] = (monotonic_s(), found)
            self._known.move_to_end(place)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found

    async def first_run(self) -> bool:
        """Looked up until there is one; the last administrator cannot be removed."""
        if self._has_administrator:
            return False
        async with self._looking:
            if monotonic_s() - self._looked_s >= KNOWN_S:
                self._has_administrator = await run_in_threadpool(
                    _has_administrator, self._accounts
                )
                self._looked_s = monotonic_s()
        return not self._has_administrator

    def forget(self) -> None:
        self._turn += 1
        self._known.clear()
        self._looked_s = -KNOWN_S

    def record(self, who: str, what: str, detail: Mapping[str, object]) -> None:
        self._accounts.record(who, what, detail)


def _accounts_token(accounts: Accounts, secret: str, address: str) -> Identity | None:
    return accounts.tokens.identity(secret, address)


def _accounts_session(accounts: Accounts, secret: str) -> Identity | None:
    return accounts.sessions.identity(secret)


def _has_administrator(accounts: Accounts) -> bool:
    return accounts.users.any_administrator()
