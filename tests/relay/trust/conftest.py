"""A hub with an open door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.relay.trust.door import Hub, made_hub, open_door


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with made_hub(tmp_path / "hub") as hub, open_door(hub):
        yield hub
