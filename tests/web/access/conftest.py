"""A real server that asks who comes, over a real state database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from lianji.base.state import State
from lianji.web.access.access import KeptAccess
from lianji.web.access.accounts import Accounts
from lianji.web.access.roles import Role, Scope
from lianji.web.access.secret_text import PREFIX, bound
from tests.web.conftest import served
from tests.web.plant import MemoryPlant, fill

PASSWORD = "correct horse battery"
KEY = f"{PREFIX}key-of-this-machine"


@pytest.fixture
def accounts(state: State) -> Accounts:
    return Accounts(lambda: state)


@dataclass
class Site:
    """A served plant and ways to ask it."""

    address: str
    accounts: Accounts
    plant: MemoryPlant
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.Client:
        client = httpx.Client(base_url=self.address, headers=headers, timeout=20, trust_env=False)
        self.clients.append(client)
        return client

    def browser(self) -> httpx.Client:
        """Nobody yet; asks for pages, keeps cookies."""
        return self.client(Accept="text/html", Origin=self.address)

    def member(self, name: str) -> httpx.Client:
        """Somebody who is logged in, without the cost of a password."""
        user = self.accounts.users.named(name)
        session = self.accounts.sessions.begin(user.id, user.name, "127.0.0.1", "test")
        port = self.address.rpartition(":")[2]
        return self.client(
            Cookie=f"lianji-session-{port}={session}",
            Origin=self.address,
            **{"X-CSRF-Token": bound(session, "form")},
        )

    def token(self, *scopes: Scope, name: str = "") -> str:
        made = name or "+".join(scopes)
        return self.accounts.tokens.add(made, scopes, 1, "test")


@pytest.fixture
def fresh(accounts: Accounts, tmp_path: Path) -> Iterator[Site]:
    """No administrator yet."""
    plant = MemoryPlant()
    fill(plant)
    with served(plant, KeptAccess(accounts, KEY)) as (address, _server):
        site = Site(address, accounts, plant)
        yield site
        for client in site.clients:
            client.close()


@pytest.fixture
def site(fresh: Site) -> Site:
    """One user of each role, called as it."""
    for role in Role:
        fresh.accounts.users.add(role.value.title(), role, PASSWORD, "test")
    return fresh


def field_of(page: str, name: str) -> str:
    """The value of a hidden field."""
    _, _, rest = page.partition(f'name="{name}" value="')
    return rest.partition('"')[0]


def fields_of(page: str, **more: str) -> dict[str, str]:
    return {name: field_of(page, name) for name in ("csrf", "once")} | more
