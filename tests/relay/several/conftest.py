"""A store and a database for all tests of this folder; each has a prefix and a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.postgres import Postgres
from tests.peers.seaweedfs import SeaweedFS, seaweedfs
from tests.relay.several.world import Common


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as running:
        yield running


@pytest.fixture
def common(tmp_path: Path, store: SeaweedFS, postgres_server: Postgres) -> Common:
    return Common(tmp_path, store, postgres_server.database())
