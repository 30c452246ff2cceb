"""Both databases that the state may lie in: what is promised of one is tested of the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lianji.base.state import State, url_of
from tests.peers.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One for all tests of a process; each has databases of its own."""
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a state that is not made yet, in each of the databases."""
    if request.param == "sqlite":
        return url_of(tmp_path)
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.database()


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    state = State(state_url)
    yield state
    state.close()
